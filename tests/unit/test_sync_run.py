"""The rules of a run."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.ids import ConnectorId, RunId
from domain.numbering import NumberTaken
from domain.sync_run.commands import (
    CancelRun,
    CompleteRun,
    FailRun,
    QueueRun,
    ReportProgress,
    SkipRun,
    StartRun,
)
from domain.sync_run.decide import ACTIVE_RUN, SYNC_RUN, holds, waiting_place
from domain.sync_run.events import (
    Cause,
    Counters,
    SyncRunCancelled,
    SyncRunCancelRequested,
    SyncRunCompleted,
    SyncRunFailed,
    SyncRunProgressed,
    SyncRunQueued,
    SyncRunSkipped,
    SyncRunStarted,
)
from tests.support.given import given

ONE = RunId(1)
QUEUE = QueueRun(
    run_id=ONE,
    trigger="manual",
    cause=Cause(kind="user", name="1"),
    source_connector_id=ConnectorId(1),
    target_connector_id=ConnectorId(2),
    start_date=None,
    end_date=None,
)
QUEUED = SyncRunQueued(
    run_id=ONE,
    trigger="manual",
    cause=Cause(kind="user", name="1"),
    source_connector_id=ConnectorId(1),
    target_connector_id=ConnectorId(2),
    start_date=None,
    end_date=None,
)
STARTED = SyncRunStarted(run_id=ONE)
SOME = Counters(fetched=3, created=2)
PROGRESS = ReportProgress(phase="write", done=1, total=2, counters=SOME)
COMPLETED = SyncRunCompleted(run_id=ONE, counters=SOME, watermark=None)


def test_a_run_goes_from_queued_over_started_to_completed() -> None:
    stream = (
        given(SYNC_RUN)
        .when(QUEUE)
        .then(QUEUED)
        .when(StartRun())
        .then(STARTED)
        .when(PROGRESS)
        .then(
            SyncRunProgressed(run_id=ONE, phase="write", done=1, total=2, counters=SOME),
        )
        .when(CompleteRun(counters=SOME, watermark=None))
        .then(COMPLETED)
    )
    assert stream.state is not None
    assert (stream.state.state, stream.state.counters) == ("completed", SOME)


def test_a_number_is_one_run() -> None:
    with pytest.raises(NumberTaken):
        _ = given(SYNC_RUN, QUEUED).when(QUEUE).events


def test_a_failure_keeps_what_was_last_reported() -> None:
    stream = given(SYNC_RUN, QUEUED, STARTED).when(PROGRESS).after()
    stream.when(FailRun(error="gone")).then(SyncRunFailed(run_id=ONE, counters=SOME, error="gone"))
    given(SYNC_RUN, QUEUED).when(FailRun(error="gone")).then_types(SyncRunFailed)


def test_a_run_starts_once_and_ends_once() -> None:
    complete = CompleteRun(counters=SOME, watermark=None)
    given(SYNC_RUN, QUEUED, STARTED).when(StartRun()).then_refused("run_not_active")
    given(SYNC_RUN, QUEUED).when(complete).then_refused("run_not_active")
    given(SYNC_RUN, QUEUED).when(PROGRESS).then_refused("run_not_active")
    for command in (StartRun(), complete, PROGRESS, FailRun(error="x")):
        given(SYNC_RUN, QUEUED, STARTED, COMPLETED).when(command).then_refused("run_not_active")
        given(SYNC_RUN).when(command).then_refused("not_found")


def test_the_active_place_is_held_until_either_end() -> None:
    assert holds(given(SYNC_RUN, QUEUED).state) == {ACTIVE_RUN}
    assert holds(given(SYNC_RUN, QUEUED, STARTED).state) == {ACTIVE_RUN}
    assert holds(given(SYNC_RUN, QUEUED, STARTED, COMPLETED).state) == frozenset()
    failed = SyncRunFailed(run_id=ONE, counters=SOME, error="x")
    assert holds(given(SYNC_RUN, QUEUED, failed).state) == frozenset()


CANCEL = CancelRun(reason="month end")
CANCEL_REQUESTED = SyncRunCancelRequested(run_id=ONE, reason="month end")
CANCELLED = SyncRunCancelled(run_id=ONE, counters=SOME)


def test_a_run_that_nobody_began_is_cancelled_at_once() -> None:
    nothing = SyncRunCancelled(run_id=ONE, counters=Counters())
    stream = given(SYNC_RUN, QUEUED).when(CANCEL).then(CANCEL_REQUESTED, nothing)
    assert holds(stream.state) == frozenset()


def test_a_running_one_stops_when_its_worker_says_so() -> None:
    stream = given(SYNC_RUN, QUEUED, STARTED).when(CANCEL).then(CANCEL_REQUESTED)
    assert holds(stream.state) == {ACTIVE_RUN}
    stream.when(CANCEL).then()
    given(SYNC_RUN, QUEUED, STARTED, CANCEL_REQUESTED).when(PROGRESS).then_types(SyncRunProgressed)
    ended = given(SYNC_RUN, QUEUED, STARTED, CANCEL_REQUESTED).when(
        FailRun(error="stopped", counters=SOME)
    )
    ended.then(CANCELLED)
    assert holds(given(SYNC_RUN, QUEUED, STARTED, CANCEL_REQUESTED, CANCELLED).state) == frozenset()


def test_a_wish_to_stop_that_comes_too_late_changes_nothing() -> None:
    complete = CompleteRun(counters=SOME, watermark=None)
    given(SYNC_RUN, QUEUED, STARTED, CANCEL_REQUESTED).when(complete).then(COMPLETED)
    given(SYNC_RUN, QUEUED, STARTED, COMPLETED).when(CANCEL).then_refused("run_not_active")
    given(SYNC_RUN, QUEUED, STARTED, CANCEL_REQUESTED, CANCELLED).when(CANCEL).then_refused(
        "run_not_active"
    )


def test_a_run_that_waits_takes_the_active_place_when_it_begins() -> None:
    waiting = given(SYNC_RUN).when(replace(QUEUE, place=3)).then(replace(QUEUED, place=3))
    assert holds(waiting.state) == {waiting_place(3)}
    begun = waiting.when(StartRun()).then(STARTED)
    assert holds(begun.state) == {ACTIVE_RUN}
    assert holds(begun.when(CompleteRun(counters=SOME, watermark=None)).after().state) == set()
    assert holds(waiting.when(CancelRun()).after().state) == set()


def test_a_skipped_run_leaves_its_number_taken_and_holds_nothing() -> None:
    cause = Cause(kind="schedule", name="2026-11-02T08:00:00+00:00")
    what = {"due_at": datetime(2026, 11, 2, 8, tzinfo=UTC), "code": "run_active", "detail": "Busy."}
    skip = SkipRun(run_id=ONE, cause=cause, **what)  # type: ignore[arg-type] # as named
    skipped = SyncRunSkipped(run_id=ONE, cause=cause, **what)  # type: ignore[arg-type] # as named
    stream = given(SYNC_RUN).when(skip).then(skipped)
    assert holds(stream.state) == set()
    for command in (QUEUE, skip):
        with pytest.raises(NumberTaken):
            stream.when(command).after()
    stream.when(StartRun()).then_refused("run_not_active")

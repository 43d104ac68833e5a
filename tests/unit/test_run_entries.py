"""What a run did to an entry, event by event."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from domain.event import Actor, Event, Metadata, Recorded
from domain.ids import EntryId
from domain.time_entry.causes import RefusalCause
from domain.time_entry.events import (
    ConflictOpened,
    EntryDeadLettered,
    TimesheetAdopted,
    TimesheetCreated,
    TimesheetWriteRejected,
    TimesheetWriteUncertain,
)
from domain.time_entry.values import Outcome, ReasonCode
from projections import run_entries
from projections.projection import rows_after
from tests.support.believable import START, decided, written

ENTRY = EntryId(10_000_000_007)
REJECTED = TimesheetWriteRejected(
    entry_id=ENTRY,
    intent=1,
    status=400,
    fields=("activity",),
    reason=ReasonCode.PEER_REJECTED,
    detail="Kimai refused the activity.",
    cause=next(iter(RefusalCause)),
)
OPENED = ConflictOpened(entry_id=ENTRY, reason=ReasonCode.PEER_REJECTED, detail="Look at it.")
CREATED = TimesheetCreated(entry_id=ENTRY, intent=1, written=written(7, START))
UNCERTAIN = TimesheetWriteUncertain(entry_id=ENTRY, intent=1, cause="The answer never came.")


def told(*events: Event, run_id: int | None = 3) -> list[tuple[str, int | None, str | None]]:
    """Action, timesheet and reason of the row that tells, none or one."""
    rows = rows_after(run_entries.PROJECTION, recorded(events, run_id)).values()
    best = sorted(rows, key=lambda row: (row.weight, row.position))[-1:]
    return [(row.action, row.timesheet_id, row.reason_code) for row in best]


def recorded(events: Sequence[Event], run_id: int | None) -> list[Recorded[Any]]:
    metadata = Metadata(
        actor=Actor(kind="service", name="sync"), correlation_id="run-3", run_id=run_id
    )
    return [
        Recorded(
            position=number,
            stream=f"time-entry-{ENTRY}",
            version=number,
            event=event,
            metadata=metadata,
            occurred_at=START,
            recorded_at=START,
            digest="",
        )
        for number, event in enumerate(events, 1)
    ]


def outcome(what: Outcome) -> Event:
    return decided(ENTRY, 7, START, what)


def test_a_request_tells_by_its_answer() -> None:
    assert told(outcome(Outcome.CREATE)) == []
    assert told(outcome(Outcome.CREATE), CREATED) == [("create", 7, None)]


def test_a_refused_write_is_failed_though_it_waits_for_a_person_now() -> None:
    failed = [("failed", None, "PEER_REJECTED")]
    assert told(outcome(Outcome.CREATE), REJECTED, OPENED) == failed


def test_a_lost_answer_is_failed_until_it_is_read_back() -> None:
    read_back = TimesheetAdopted(entry_id=ENTRY, written=written(7, START), how="read_back")
    assert told(UNCERTAIN) == [("failed", None, None)]
    assert told(UNCERTAIN, read_back) == [("create", 7, None)]


def test_that_all_agrees_says_less_than_what_was_done() -> None:
    agreed = replace(decided(ENTRY, 7, START, Outcome.LEAVE), reason=None)
    assert told(agreed) == [("unchanged", None, None)]
    assert told(CREATED, outcome(Outcome.LEAVE)) == [("create", 7, None)]


def test_what_is_left_alone_is_skipped() -> None:
    alone = replace(decided(ENTRY, 7, START, Outcome.LEAVE), desired=None, reason=None)
    assert told(alone) == [("skip", None, None)]


def test_what_was_in_kimai_before_is_adopted() -> None:
    taken = TimesheetAdopted(
        entry_id=ENTRY, written=written(7, START), how="marker", marker="[zammad:7]"
    )
    assert told(taken, outcome(Outcome.LEAVE)) == [("adopt", 7, None)]


def test_giving_up_is_failed() -> None:
    dead = EntryDeadLettered(
        entry_id=ENTRY, reason=ReasonCode.WRITE_UNCERTAIN, detail="3 tries", attempts=3
    )
    assert told(UNCERTAIN, dead) == [("failed", None, "WRITE_UNCERTAIN")]


def test_what_no_run_did_is_no_run_s() -> None:
    assert told(CREATED, OPENED, run_id=None) == []

"""Every view is a pure fold, whatever history it meets."""

import asyncio
import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import reduce

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.memory import MemoryEventStore
from domain import catalogue
from domain.errors import LedgerError
from domain.event import Append, Event, Recorded
from domain.time_entry.standing import NOWHERE, stand
from domain.time_entry.state import evolve
from projections import (
    audit_log,
    connectors,
    mappings,
    plans,
    project_mappings,
    sync_runs,
    time_entries,
    user_mappings,
    users,
)
from projections.catalogue import ALL
from projections.folding import Dispatch, Fold
from projections.projection import rows_after
from tests.support.histories import STREAMS, histories

SHOWN = {
    module.NAME: module.shown
    for module in (
        audit_log,
        connectors,
        mappings,
        project_mappings,
        sync_runs,
        user_mappings,
        users,
    )
}


def recorded(appends: Sequence[Append]) -> Sequence[Recorded[Event]]:
    """The events as a ledger gives them back."""

    async def append() -> Sequence[Recorded[Event]]:
        store = MemoryEventStore(catalogue.ALL, now=lambda: datetime(2026, 5, 1, tzinfo=UTC))
        for answer in await store.append_many(appends):
            assert not isinstance(answer, LedgerError), answer
        return await store.page(0, 1_000)

    return asyncio.run(append())


PASTS = histories().map(recorded)
quick = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],  # a whole ledger is drawn each time
)


@quick
@given(PASTS)
def test_an_event_delivered_twice_changes_nothing(past: Sequence[Recorded[Event]]) -> None:
    twice = [event for each in past for event in (each, each)]
    for projection in ALL:
        assert rows_after(projection, twice) == rows_after(projection, past)


@quick
@given(PASTS, st.data())
def test_a_past_delivered_again_changes_nothing(
    past: Sequence[Recorded[Event]], data: st.DataObject
) -> None:
    """At-least-once: after a crash a whole stretch may come again."""
    for projection in ALL:
        rows = rows_after(projection, past)
        for each in past[data.draw(st.integers(0, len(past))) :]:
            if type(each.event) not in projection.events:
                continue
            for key in projection.keys(each):
                if key in rows:
                    assert projection.apply(rows[key], each) is rows[key]


@quick
@given(PASTS, st.integers(1, 7))
def test_folding_in_pages_keeps_every_version(past: Sequence[Recorded[Event]], size: int) -> None:
    """What the runner stores is, for any position, what a fold up to that position gives."""
    for projection in ALL:
        history: dict[int, list[tuple[int, int | None, object]]] = {}
        rows: dict[int, object] = {}
        for start in range(0, len(past), size):
            fold = Fold(projection, rows)
            dispatch = Dispatch([projection])
            dispatch.feed(dispatch.touches(past[start : start + size]), {projection.name: fold})
            assert not dispatch.stopped
            for key, (since, until) in fold.ended.items():
                before = history[key][-1]
                assert (before[0], before[1]) == (since, None)
                history[key][-1] = (since, until, before[2])
            for version in fold.begun:
                versions = history.setdefault(getattr(version.row, projection.key), [])
                versions.append((version.row.position, version.until, version.row))
            rows = fold.rows
        for upto in range(len(past) + 1):
            held = {
                key: row
                for key, versions in history.items()
                for since, until, row in versions
                if since <= upto and (until is None or until > upto)
            }
            assert held == rows_after(projection, past, upto)


@quick
@given(PASTS)
def test_an_entry_stands_where_the_rules_say(past: Sequence[Recorded[Event]]) -> None:
    entries = rows_after(time_entries.PROJECTION, past)
    for number, row in entries.items():
        of_entry = [each.event for each in past if each.stream == f"time-entry-{number}"]
        first = next(
            i for i, e in enumerate(of_entry) if e.TYPE in {"EntryObserved", "EntryUnreadable"}
        )
        standing = reduce(stand, of_entry[first:], NOWHERE)  # type: ignore[arg-type] # a stream of entry events
        assert row.facts.standing == standing
        assert row.state == standing.state
        assert (row.conflict_id is None) or standing.conflict is None or row.reason_code
        conflict = reduce(evolve, of_entry[first:], None).conflict  # type: ignore[arg-type,union-attr] # a stream of entry events
        if conflict is not None:
            named = (row.reason_code, row.cause, row.facts.others)
            assert named == (conflict.reason, conflict.cause, conflict.others)


@quick
@given(PASTS)
def test_every_row_can_be_shown(past: Sequence[Recorded[Event]]) -> None:
    for row in rows_after(time_entries.PROJECTION, past).values():
        assert (
            time_entries.shown(row, ticket_base="https://z/", timesheet_base=None)["id"]
            == row.entry_id
        )
    for projection in ALL:
        for row in rows_after(projection, past).values():
            if shown := SHOWN.get(projection.name):
                assert shown(row)["id"] == getattr(row, projection.key)
    for plan in rows_after(plans.PROJECTION, past).values():
        assert plans.shown(plan, datetime(2026, 5, 1, tzinfo=UTC))["plan_id"] == plan.plan_id


@quick
@given(PASTS)
def test_a_row_has_the_fields_of_its_class(past: Sequence[Recorded[Event]]) -> None:
    for projection in ALL:
        for row in rows_after(projection, past).values():
            assert vars(row).keys() == {field.name for field in dataclasses.fields(row)}
            if isinstance(row, time_entries.Row):
                facts = row.facts
                assert vars(facts).keys() == {field.name for field in dataclasses.fields(facts)}


@quick
@given(PASTS)
def test_no_secret_and_no_fingerprint_reaches_a_view(past: Sequence[Recorded[Event]]) -> None:
    for projection in ALL:
        for row in rows_after(projection, past).values():
            names = set(vars(row)) | set(getattr(row, "details", {}))
            assert not names & {"token_fingerprint", "secret_fingerprint", "credential", "token_id"}


def test_the_random_histories_know_every_event() -> None:
    known = {event for _, _, events in STREAMS for event in events}
    assert known == set(catalogue.ALL)


@pytest.mark.parametrize("projection", ALL, ids=lambda each: each.name)
def test_a_projection_looks_at_catalogued_events_only(projection: object) -> None:
    assert projection in ALL
    assert {event for each in ALL for event in each.events} <= set(catalogue.ALL)

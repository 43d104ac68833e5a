"""What every `KnownEntries` promises: the fake of the domain's tests, and the views."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from adapters.memory import MemoryEventStore
from adapters.postgres.known_entries import PostgresKnownEntries
from adapters.postgres.projection_runner import ProjectionRunner
from domain import catalogue
from domain.errors import LedgerError
from domain.event import Append
from domain.ids import ConnectorId, RunId, entry_id, entry_stream, run_stream
from domain.ports.event_store import EventStore
from domain.ports.known_entries import Known, KnownEntries, Negative, TargetMarks
from domain.span import Span
from domain.sync_run.events import (
    Cause,
    Counters,
    SyncRunCompleted,
    SyncRunEvent,
    SyncRunQueued,
    SyncRunStarted,
)
from domain.time_entry.events import (
    EntryDecided,
    EntryIgnored,
    EntryObserved,
    EntryRetryRequested,
    EntryUnignored,
    EntryUnreadable,
    EntryVanishedAtSource,
    TimesheetCreated,
    TimesheetDrifted,
    TimesheetVanished,
)
from domain.time_entry.standing import EntryState
from domain.time_entry.values import Basis, Outcome, ReasonCode
from tests.support.believable import KIMAI, START, ZAMMAD, booking, run, setup
from tests.support.ledgers import postgres_ledger
from tests.support.peers import FakeKnown

Pair = tuple[EventStore, KnownEntries]
RUN = START + timedelta(hours=1)
OTHER = ConnectorId(7)
COUNT = 26  # of bookings, of which the 25th waits for a person


@pytest.fixture(params=["memory", "embedded-18", "debian-15"])
async def known(request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    if request.param == "memory":
        store = MemoryEventStore(catalogue.ALL)
        yield store, FakeKnown(store)
        return
    fixture = {"embedded-18": "embedded_server", "debian-15": "debian_server"}[request.param]
    with request.getfixturevalue(fixture).database() as dsn:
        async with postgres_ledger(dsn, catalogue=catalogue.ALL) as opened:
            runner = ProjectionRunner(opened)

            class CaughtUp(PostgresKnownEntries):
                async def wait_for(self, position: int) -> None:
                    await runner.catch_up()
                    await super().wait_for(position)

            yield opened, CaughtUp(opened, runner)


async def filled(pair: Pair) -> KnownEntries:
    store, known = pair
    for answer in await store.append_many([*setup(), *run(RunId(1), range(1, COUNT + 1))]):
        assert not isinstance(answer, LedgerError), answer
    await known.wait_for(await store.head())
    return known


Told = (
    EntryObserved
    | EntryVanishedAtSource
    | EntryUnreadable
    | EntryDecided
    | EntryRetryRequested
    | EntryIgnored
    | EntryUnignored
    | TimesheetDrifted
    | TimesheetVanished
)


async def told(pair: Pair, source_id: int, event: Told) -> None:
    store, known = pair
    (_, first, *_) = run(RunId(1), range(1, 2))
    stream = entry_stream(entry_id(ZAMMAD, source_id))
    append = Append(
        stream=stream, events=[event], metadata=first.metadata, occurred_at=START, expected=None
    )
    await store.append(append)
    await known.wait_for(await store.head())


async def test_an_empty_ledger_knows_nothing(known: Pair) -> None:
    _, views = known
    assert await views.versions(ZAMMAD, [1]) == {}
    assert list(await views.unsettled(ZAMMAD)) == []
    assert await views.live_count(ZAMMAD) == 0
    assert await views.live_source_ids(ZAMMAD) == set()
    assert await views.live_of_tickets(ZAMMAD, [51]) == {51: set()}
    assert await views.watermark(ZAMMAD) is None
    assert await views.target_marks(ZAMMAD, KIMAI) == TargetMarks()
    assert list(await views.linked(ZAMMAD, KIMAI)) == []
    assert list(await views.carried_with_another_unit(ZAMMAD, KIMAI, Decimal(60))) == []


async def test_versions_are_those_of_the_newest_observation(known: Pair) -> None:
    views = await filled(known)
    seen = Known(updated_at=RUN, vanished=False, state=EntryState.SYNCED)
    held = replace(seen, state=EntryState.CONFLICT)
    assert await views.versions(ZAMMAD, [1, 25, 99]) == {1: seen, 25: held}
    assert await views.versions(OTHER, [1]) == {}


async def test_what_a_person_ignores_is_nothing_for_a_run(known: Pair) -> None:
    views, entry = await filled(known), entry_id(ZAMMAD, 1)

    async def is_unsettled() -> bool:
        return entry in {item.entry_id for item in await views.unsettled(ZAMMAD)}

    await told(known, 1, EntryRetryRequested(entry_id=entry))
    assert await is_unsettled()
    await told(known, 1, EntryIgnored(entry_id=entry, until_change=False))
    assert not await is_unsettled()
    await told(known, 1, EntryUnignored(entry_id=entry))
    assert await is_unsettled()


async def test_only_entries_that_are_not_at_rest_are_unsettled(known: Pair) -> None:
    (waiting,) = await (await filled(known)).unsettled(ZAMMAD)
    assert waiting.entry_id == entry_id(ZAMMAD, 25)
    assert waiting.ticket_id == booking(25, RUN).ticket_id
    assert waiting.state is EntryState.CONFLICT
    assert waiting.reason is ReasonCode.UNMAPPED_ACTIVITY
    assert waiting.decided_with == "0123456789abcdef"
    assert waiting.booked_at == booking(25, RUN).created_at


async def test_after_a_retry_no_decision_holds(known: Pair) -> None:
    await filled(known)
    await told(known, 25, EntryRetryRequested(entry_id=entry_id(ZAMMAD, 25), note=None))
    (waiting,) = await known[1].unsettled(ZAMMAD)
    assert (waiting.state, waiting.decided_with) == (EntryState.CONFLICT, None)


async def test_what_a_rule_left_alone_is_unsettled_too(known: Pair) -> None:
    store, _ = known
    (_, first, *_) = run(RunId(1), range(1, 2))
    observed = [event for event in first.events if isinstance(event, EntryObserved)]
    left = EntryDecided(
        entry_id=entry_id(ZAMMAD, 1), outcome=Outcome.LEAVE, basis=Basis(configuration="x")
    )
    await store.append(replace(first, events=[*observed, left]))
    await known[1].wait_for(await store.head())
    (item,) = await known[1].unsettled(ZAMMAD)
    assert (item.state, item.decided_with) == (EntryState.IGNORED, "x")


async def test_a_vanished_entry_is_known_but_not_live(known: Pair) -> None:
    views = await filled(known)
    assert await views.live_count(ZAMMAD) == COUNT
    await told(known, 2, EntryVanishedAtSource(entry_id=entry_id(ZAMMAD, 2)))
    assert (await views.versions(ZAMMAD, [2]))[2].vanished
    assert await views.live_count(ZAMMAD) == COUNT - 1
    assert await views.live_source_ids(ZAMMAD) == {1, *range(3, COUNT + 1)}
    assert await views.live_of_tickets(ZAMMAD, [51, 52, 53]) == {51: {1}, 52: set(), 53: {3}}


async def test_tickets_with_a_negative_booking_are_told_apart(known: Pair) -> None:
    views = await filled(known)
    assert await views.with_negatives(ZAMMAD, [51, 52, 53]) == set()
    seen = replace(booking(91, START), ticket_id=52, time_unit=Decimal("-7.50"))
    observed = EntryObserved(
        entry_id=entry_id(ZAMMAD, 91), connector_id=ZAMMAD, booking=seen, context=None
    )
    await told(known, 91, observed)
    assert await views.with_negatives(ZAMMAD, [51, 52, 53]) == {52}
    assert await views.with_negatives(ZAMMAD, [51]) == set()
    assert await views.with_negatives(OTHER, [52]) == set()


async def test_an_unreadable_row_is_known_by_its_instant(known: Pair) -> None:
    views = await filled(known)
    event = EntryUnreadable(
        entry_id=entry_id(ZAMMAD, 90),
        connector_id=ZAMMAD,
        fields=("time_unit",),
        ticket_id=51,
        updated_at=None,
    )
    await told(known, 90, event)
    assert await views.live_count(ZAMMAD) == COUNT + 1
    states = {each.entry_id: each.state for each in await views.unsettled(ZAMMAD)}
    assert states[entry_id(ZAMMAD, 90)] is EntryState.PENDING


async def test_the_watermark_is_that_of_the_newest_completed_run(known: Pair) -> None:
    views = await filled(known)
    assert await views.watermark(ZAMMAD) == RUN
    assert await views.watermark(OTHER) is None


async def test_how_far_kimai_was_looked_at_is_known_per_pair(known: Pair) -> None:
    views = await filled(known)
    assert await views.target_marks(ZAMMAD, KIMAI) == TargetMarks(polled_at=RUN, listed_at=START)
    assert await views.target_marks(ZAMMAD, OTHER) == TargetMarks()


async def test_linked_entries_are_found_by_their_timesheets(known: Pair) -> None:
    views = await filled(known)
    linked = await views.linked(ZAMMAD, KIMAI)
    assert {each.entry_id for each in linked} == {
        entry_id(ZAMMAD, source_id) for source_id in range(1, COUNT + 1) if source_id != 25
    }
    ids = [each.seen.timesheet_id for each in linked]
    assert ids == sorted(ids)
    assert list(await views.linked_to(ZAMMAD, KIMAI, [*ids[:2], 10**9])) == list(linked[:2])
    assert list(await views.linked(ZAMMAD, OTHER)) == []


async def test_what_was_last_seen_in_kimai_is_what_linked_says(known: Pair) -> None:
    views = await filled(known)
    first, *_ = await views.linked(ZAMMAD, KIMAI)
    found = replace(first.seen, project_id=77, duration=timedelta(seconds=1234), exported=True)
    drifted = TimesheetDrifted(entry_id=first.entry_id, found=found, changed=("project_id",))
    await told(known, first.entry_id % 10**10, drifted)
    (again,) = await views.linked_to(ZAMMAD, KIMAI, [found.timesheet_id])
    assert again == replace(first, seen=found)


async def test_what_was_carried_with_another_unit_is_found(known: Pair) -> None:
    views = await filled(known)
    linked = [each.entry_id for each in await views.linked(ZAMMAD, KIMAI)]
    unit = Decimal("60.00")
    assert list(await views.carried_with_another_unit(ZAMMAD, KIMAI, unit)) == []
    others = await views.carried_with_another_unit(ZAMMAD, KIMAI, Decimal(15))
    assert list(others) == sorted(linked)
    assert len(others) == COUNT - 1
    await told(known, 3, EntryVanishedAtSource(entry_id=entry_id(ZAMMAD, 3)))
    others = await views.carried_with_another_unit(ZAMMAD, KIMAI, Decimal(15))
    assert entry_id(ZAMMAD, 3) not in others
    assert list(await views.carried_with_another_unit(ZAMMAD, OTHER, Decimal(15))) == []
    assert list(await views.carried_with_another_unit(OTHER, KIMAI, Decimal(15))) == []


async def test_what_occupies_a_persons_day_is_known(known: Pair) -> None:
    views = await filled(known)
    store, _ = known
    history = await store.read(entry_stream(entry_id(ZAMMAD, 1)))
    (decided,) = [each for each in history.events if isinstance(each, EntryDecided)]
    (created,) = [each for each in history.events if isinstance(each, TimesheetCreated)]
    agent, day = booking(1, RUN).created_by_id, decided.basis.work_date
    assert day is not None
    assert decided.desired is not None
    beside = [(agent, day + timedelta(days=off)) for off in (-2, -1, 0, 1, 2)]
    nobody = (agent + 10_000, day)
    found = await views.occupying(ZAMMAD, [*beside, nobody])
    assert set(found) == {*beside, nobody}
    assert list(found[nobody]) == []
    on = [{each.entry_id: each for each in found[key]} for key in beside]
    assert [entry_id(ZAMMAD, 1) in each for each in on] == [False, True, True, True, False]
    first = on[2][entry_id(ZAMMAD, 1)]
    assert created.written.end is not None
    assert first.decided == Span(begin=decided.desired.begin, end=decided.desired.end)
    assert first.stored == Span(begin=created.written.begin, end=created.written.end)
    assert first.state is EntryState.SYNCED
    recorded = await store.read_recorded(entry_stream(entry_id(ZAMMAD, 1)))
    assert first.position == recorded[-1].position
    assert [each.entry_id for each in found[beside[2]]] == sorted(on[2])
    assert await views.occupying(OTHER, [beside[2]]) == {beside[2]: []}


async def test_a_timesheet_that_is_gone_occupies_nothing(known: Pair) -> None:
    views = await filled(known)
    first, *_ = await views.linked(ZAMMAD, KIMAI)
    source_id = first.entry_id % 10**10
    gone = TimesheetVanished(entry_id=first.entry_id, timesheet_id=first.seen.timesheet_id)
    await told(known, source_id, gone)
    key = booking(source_id, RUN).created_by_id, first.seen.begin.date()
    (row,) = [
        each
        for each in (await views.occupying(ZAMMAD, [key]))[key]
        if each.entry_id == first.entry_id
    ]
    assert row.stored is None
    assert row.decided is not None


async def test_negative_bookings_are_known_also_when_they_are_deleted(known: Pair) -> None:
    views = await filled(known)
    assert list(await views.negatives(ZAMMAD)) == []
    seen = replace(booking(91, START), ticket_id=52, time_unit=Decimal("-7.50"))
    entry = entry_id(ZAMMAD, 91)
    observed = EntryObserved(entry_id=entry, connector_id=ZAMMAD, booking=seen, context=None)
    await told(known, 91, observed)
    assert list(await views.negatives(ZAMMAD)) == [Negative(entry_id=entry, ticket_id=52)]
    await told(known, 91, EntryVanishedAtSource(entry_id=entry))
    assert list(await views.negatives(ZAMMAD)) == [Negative(entry_id=entry, ticket_id=52)]
    assert list(await views.negatives(OTHER)) == []


async def begun(pair: Pair, number: int, **limited: object) -> None:
    """A run that is queued and has started."""
    store, views = pair
    run_id = RunId(number)
    queued = SyncRunQueued(
        run_id=run_id,
        trigger="manual",
        cause=Cause(kind="service", name="test"),
        source_connector_id=ZAMMAD,
        target_connector_id=KIMAI,
        start_date=None,
        end_date=None,
        **limited,  # type: ignore[arg-type] # as the fields are
    )
    await ran(pair, number, [queued, SyncRunStarted(run_id=run_id)])
    await views.wait_for(await store.head())


async def ran(pair: Pair, number: int, events: list[SyncRunEvent]) -> None:
    store, views = pair
    (_, first, *_) = run(RunId(1), range(1, 2))
    stream = run_stream(RunId(number))
    await store.append(
        Append(
            stream=stream, events=events, metadata=first.metadata, occurred_at=START, expected=None
        )
    )
    await views.wait_for(await store.head())


def completed(number: int) -> SyncRunCompleted:
    return SyncRunCompleted(run_id=RunId(number), counters=Counters(), watermark=None)


async def test_a_run_that_broke_off_is_known_until_a_whole_one_completed(known: Pair) -> None:
    views = await filled(known)
    assert not await views.broke_off(ZAMMAD, None)
    await begun(known, 2)
    assert not await views.broke_off(ZAMMAD, RunId(2)), "the one that asks does not count"
    await begun(known, 3, entry_ids=(entry_id(ZAMMAD, 1),))
    assert await views.broke_off(ZAMMAD, RunId(3))
    await ran(known, 3, [completed(3)])
    assert await views.broke_off(ZAMMAD, None), "it looked at one entry only"
    await begun(known, 4)
    await ran(known, 4, [completed(4)])
    assert not await views.broke_off(ZAMMAD, None)
    assert not await views.broke_off(OTHER, None)

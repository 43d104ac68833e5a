"""Runs with `day_start_stacked`: places survive crashes, other writers, edits and deletions."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import combinations, pairwise
from typing import Any

import pytest

from domain.event import Actor, Append, Appended, Event, Metadata
from domain.ids import EntryId, MappingId, entry_id
from domain.mapping.rows import UserMapping
from domain.plan.values import Action
from domain.ports.timesheets import Timesheet
from domain.sync.ports import Ports
from domain.sync.preparing import Order, prepare
from domain.sync.tally import Tally
from domain.time_entry.standing import EntryState
from domain.time_entry.values import ReasonCode
from domain.work_day.events import SlotTaken
from domain.work_day.values import Unplaced, WorkDay
from tests.property.test_sync_faults import dies_at, everything_is_settled
from tests.support.bookings import ZAMMAD, configuration
from tests.support.peers import FakeTickets, PerilousLedger, Perils, World

NINE = datetime(2026, 7, 1, 7, 0, tzinfo=UTC)  # in Berlin
MINUTE = timedelta(minutes=1)


def stacked(**settings: Any) -> dict[str, Any]:
    return {"work_time_anchor": "day_start_stacked", **settings}


@pytest.fixture
def world() -> World:
    return World(zammad=stacked())


async def lies(world: World, source_id: int) -> tuple[int, int]:
    """Begin and end of its timesheet, in minutes after nine."""
    sheet = await sheet_of(world, source_id)
    assert sheet.end is not None
    return (sheet.begin - NINE) // MINUTE, (sheet.end - NINE) // MINUTE


async def sheet_of(world: World, source_id: int) -> Timesheet:
    entry = await world.entry(source_id)
    assert entry.settled is not None, entry.conflict
    return world.kimai.sheets[entry.settled.written.timesheet_id]


def no_two_overlap(world: World) -> None:
    for one, other in combinations(world.kimai.sheets.values(), 2):
        assert one.end is not None
        assert other.end is not None
        apart = one.end <= other.begin or other.end <= one.begin
        assert one.user_id != other.user_id or apart


async def test_a_day_is_filled_in_booking_order_from_its_set_hour() -> None:
    world = World(zammad=stacked(day_start="08:00"))
    for source_id in (3, 1, 2):
        world.tickets.book(source_id, time_unit=Decimal(10 * source_id))
    assert (await world.sync()).counters.created == 3
    assert [await lies(world, n) for n in (1, 2, 3)] == [(-60, -50), (-50, -30), (-30, 0)]


async def test_the_order_holds_over_many_pages(world: World) -> None:
    world.tickets.page = 7
    for source_id in range(1, 31):
        world.tickets.book(source_id, time_unit=Decimal(5))
    await world.sync()
    places = [await lies(world, n) for n in range(1, 31)]
    assert places == [(5 * n, 5 * n + 5) for n in range(30)]


async def test_the_place_is_in_the_ledger_before_the_decision(world: World) -> None:
    world.tickets.book(1)
    await world.sync()
    recorded = await world.store.page(0, 100)
    (taken,) = [each for each in recorded if isinstance(each.event, SlotTaken)]
    (decided,) = [each for each in recorded if each.event.TYPE == "EntryDecided"]
    assert taken.position < decided.position
    assert taken.stream == "work-day-1000000000520260701"
    assert taken.metadata.run_id == decided.metadata.run_id == 1
    desired = getattr(decided.event, "desired")  # noqa: B009 # its type says so above
    assert (taken.event.slot.begin, taken.event.slot.end) == (desired.begin, desired.end)  # type: ignore[attr-defined] # a SlotTaken
    assert taken.event.day_start == NINE  # type: ignore[attr-defined] # the same


async def test_a_quiet_run_appends_nothing_and_an_insertion_moves_nobody(world: World) -> None:
    for source_id in range(1, 5):
        world.tickets.book(source_id)
    await world.sync()
    head, bodies = len(await day_events(world)), len(world.kimai.bodies)
    await world.sync()
    assert (len(await day_events(world)), len(world.kimai.bodies)) == (head, bodies)
    late = NINE + timedelta(minutes=1)  # booked before all the others, seen after them
    world.tickets.book(9, created_at=late)
    assert (await world.sync()).counters.updated == 0
    assert await lies(world, 9) == (60, 75)


async def day_events(world: World) -> list[Event]:
    found = await world.store.page(0, 1000)
    return [each.event for each in found if each.stream.startswith("work-day-")]


async def test_a_longer_booking_moves_alone_and_its_place_is_taken_by_the_next(
    world: World,
) -> None:
    for source_id in range(1, 4):
        world.tickets.book(source_id)
    await world.sync()
    world.tickets.edit(1, time_unit=Decimal(40))
    run = await world.sync()
    assert run.counters.updated == 1
    assert [await lies(world, n) for n in (1, 2, 3)] == [(45, 85), (15, 30), (30, 45)]
    world.tickets.book(4, time_unit=Decimal(10))
    await world.sync()
    assert await lies(world, 4) == (0, 10)


async def test_a_shorter_booking_keeps_its_begin(world: World) -> None:
    for source_id in range(1, 4):
        world.tickets.book(source_id)
    await world.sync()
    world.tickets.edit(2, time_unit=Decimal(5))
    await world.sync()
    assert [await lies(world, n) for n in (1, 2, 3)] == [(0, 15), (15, 20), (30, 45)]


async def test_an_edit_of_anything_else_moves_nothing(world: World) -> None:
    world.configuration = configuration(zammad=stacked(), kimai={"default_activity_id": 9})
    for source_id in range(1, 4):
        world.tickets.book(source_id)
    await world.sync()
    before = await day_events(world)
    world.tickets.edit(1, type_id=None)
    assert (await world.sync()).counters.updated == 1
    assert (await lies(world, 1), await day_events(world)) == ((0, 15), before)


async def test_an_exported_timesheet_keeps_its_time_and_nobody_gets_it(world: World) -> None:
    for source_id in (1, 2):
        world.tickets.book(source_id)
    await world.sync()
    world.kimai.export((await sheet_of(world, 1)).timesheet_id)
    world.tickets.edit(1, time_unit=Decimal(5))
    world.tickets.book(3, time_unit=Decimal(10))
    await world.sync()
    world.tickets.book(4, time_unit=Decimal(10))
    await world.sync()
    assert (await world.entry(1)).standing.conflict is ReasonCode.SOURCE_CHANGED_AFTER_EXPORT
    assert [await lies(world, n) for n in (1, 2, 3, 4)] == [(0, 15), (15, 30), (30, 40), (40, 50)]


async def test_the_place_of_a_deleted_booking_is_free_for_the_next() -> None:
    world = World(zammad=stacked(), kimai={"delete_policy": "delete"})
    for source_id in (1, 2):
        world.tickets.book(source_id)
    await world.sync()
    del world.tickets.rows[1]
    await world.sync()
    world.tickets.book(3)
    await world.sync()
    assert (await lies(world, 2), await lies(world, 3)) == ((15, 30), (0, 15))


async def test_a_timesheet_that_is_kept_keeps_its_place_too() -> None:
    world = World(zammad=stacked(), kimai={"delete_policy": "keep"})
    for source_id in (1, 2):
        world.tickets.book(source_id)
    await world.sync()
    del world.tickets.rows[1]
    await world.sync()
    world.tickets.book(3)
    await world.sync()
    assert await lies(world, 3) == (30, 45)
    no_two_overlap(world)


async def test_a_booking_of_another_person_lies_on_that_persons_day() -> None:
    users = tuple(
        UserMapping(
            mapping_id=MappingId(agent), version=1, zammad_user_id=agent, kimai_user_id=agent
        )
        for agent in (5, 6)
    )
    world = World(zammad=stacked(), users=users)
    world.tickets.book(1)
    world.tickets.book(2)
    world.tickets.book(3, created_by_id=6)
    await world.sync()
    assert await lies(world, 3) == (0, 15)
    world.tickets.edit(1, created_by_id=6)
    await world.sync()
    assert [await lies(world, n) for n in (1, 2, 3)] == [(15, 30), (15, 30), (0, 15)]
    world.tickets.book(4)  # the first one's former place is free again
    await world.sync()
    assert await lies(world, 4) == (0, 15)
    no_two_overlap(world)


async def test_what_was_moved_by_hand_in_kimai_is_in_the_way() -> None:
    world = World(zammad=stacked(), kimai={"edited_in_kimai_policy": "keep_target"})
    world.tickets.book(1)
    await world.sync()
    sheet = await sheet_of(world, 1)
    moved = sheet.begin + timedelta(minutes=20)
    world.clock.advance(timedelta(minutes=5))
    world.kimai.edit(sheet.timesheet_id, begin=moved, end=moved + sheet.duration)
    await world.sync()
    world.tickets.book(2, time_unit=Decimal(10))
    await world.sync()
    assert await lies(world, 2) == (35, 45)


async def test_a_day_without_room_asks_a_person_and_goes_on_when_it_starts_earlier() -> None:
    world = World(zammad=stacked(day_start="22:00"))
    world.tickets.book(1, time_unit=Decimal(90))
    world.tickets.book(2, time_unit=Decimal(31))
    world.tickets.book(3, time_unit=Decimal(30))
    await world.sync()
    held = (await world.entry(2)).conflict
    assert held is not None
    assert held.reason is ReasonCode.CONFLICT
    assert "leave no room for 0:31:00 hours in one piece between 22:00 and midnight" in held.detail
    assert [await lies(world, n) for n in (1, 3)] == [(780, 870), (870, 900)]
    world.configuration = configuration(zammad=stacked(day_start="21:00"))
    await world.sync()
    assert await lies(world, 2) == (720, 751)


async def test_a_day_that_has_room_again_takes_what_did_not_fit_by_itself() -> None:
    world = World(zammad=stacked(day_start="22:00"), kimai={"delete_policy": "delete"})
    world.tickets.book(1, time_unit=Decimal(90))
    world.tickets.book(2, time_unit=Decimal(60))
    await world.sync()
    head = await world.store.head()
    assert (await world.entry(2)).standing.state is EntryState.CONFLICT
    await world.sync()
    later = await world.store.page(head, 1000)
    assert {each.stream for each in later} == {"sync-run-2"}
    del world.tickets.rows[1]
    await world.sync()
    await world.sync()
    assert await lies(world, 2) == (780, 840)


async def test_another_anchor_leaves_what_was_written_where_it_is() -> None:
    world = World()
    world.tickets.book(1, created_at=NINE + timedelta(minutes=30), time_unit=Decimal(20))
    await world.sync()
    world.configuration = configuration(zammad=stacked())
    world.tickets.book(2, time_unit=Decimal(15))
    await world.sync()
    assert [await lies(world, n) for n in (1, 2)] == [(10, 30), (30, 45)]
    world.configuration = configuration()
    world.tickets.edit(2, time_unit=Decimal(25))
    await world.sync()
    assert await lies(world, 2) == (30, 55)


async def test_bookings_near_midnight_lie_on_their_local_day(world: World) -> None:
    midnight = datetime(2026, 7, 1, 22, 0, tzinfo=UTC)  # in Berlin
    world.tickets.book(1, created_at=midnight - timedelta(seconds=1))
    world.tickets.book(2, created_at=midnight)
    await world.sync()
    assert [await lies(world, n) for n in (1, 2)] == [(0, 15), (1440, 1455)]


async def test_what_waits_for_a_mapping_takes_no_place(world: World) -> None:
    world.tickets.book(1, type_id=99)
    world.tickets.book(2)
    await world.sync()
    assert await lies(world, 2) == (0, 15)
    assert len(await day_events(world)) == 1


async def test_a_plan_tells_the_places_that_the_run_gives(world: World) -> None:
    for source_id in range(1, 9):
        world.tickets.book(source_id, time_unit=Decimal(5 + source_id))
    rows = await world.rows_of(await world.plan())
    assert [row.action for row in rows] == [Action.CREATE] * 8
    assert await day_events(world) == []
    planned = {row.entry_id: row.after for row in rows}
    await world.sync()
    for source_id in range(1, 9):
        after, sheet = planned[entry_id(ZAMMAD, source_id)], await sheet_of(world, source_id)
        assert after is not None
        assert (after.begin, after.end) == (sheet.begin, sheet.end)


async def test_a_crash_at_any_point_leaves_one_place_for_each_booking() -> None:
    point, more = 0, True
    while more:
        point += 1
        world = World(zammad=stacked(), kimai={"delete_policy": "delete"})
        for source_id in range(1, 4):
            world.tickets.book(source_id)
        await world.sync()
        world.tickets.edit(1, time_unit=Decimal(40))
        world.tickets.edit(3, time_unit=Decimal(5))
        del world.tickets.rows[2]
        world.tickets.book(4)
        more = await dies_at(world, point)
        run = await (world.resume() if more and point % 2 else world.sync())
        assert run.state == "completed"
        world.an_hour_later()
        assert (await world.sync()).state == "completed"
        await everything_is_settled(world)
        no_two_overlap(world)
    assert point > 30


@dataclass
class Meddling(PerilousLedger):
    """Somebody else's append comes right before the first one to a day's stream."""

    before: Callable[[Append], Append] | None = None

    async def append_many(self, commands: Any) -> Any:
        for command in commands:
            if command.stream.startswith("work-day-") and self.before is not None:
                meddle, self.before = self.before, None
                assert isinstance(await self.store.append(meddle(command)), Appended)
        return await super().append_many(commands)


async def test_a_place_that_somebody_takes_at_the_same_instant_is_not_shared(world: World) -> None:
    """Two processes on one day: the ledger lets one of them in, the other looks again."""
    for source_id in range(1, 4):
        world.tickets.book(source_id)

    def by_another(command: Append) -> Append:
        (first, *_) = command.events
        assert isinstance(first, SlotTaken)
        theirs = SlotTaken(**{**vars(first), "entry_id": EntryId(entry_id(ZAMMAD, 99))})
        return Append(**{**vars(command), "events": [theirs]})

    ports = world.ports()

    def meddled() -> Ports:
        ledger = Meddling(world.store, Perils(), before=by_another)
        return Ports(**{**vars(ports), "ledger": ledger})

    world.ports = meddled  # type: ignore[method-assign] # the same ports with a rival
    assert (await world.sync()).counters.created == 3
    assert [await lies(world, n) for n in (1, 2, 3)] == [(15, 30), (30, 45), (45, 60)]


async def test_eight_writers_and_a_slow_kimai_never_overlap(world: World) -> None:
    world.kimai.slow = 3
    for source_id in range(1, 41):
        world.tickets.book(source_id, time_unit=Decimal(1 + source_id % 7))
    await world.sync()
    no_two_overlap(world)
    ends = sorted((sheet.begin, sheet.end) for sheet in world.kimai.sheets.values())
    assert all(one[1] == other[0] for one, other in pairwise(ends))


async def test_rounding_in_kimai_makes_no_two_overlap() -> None:
    world = World(zammad=stacked(), kimai={"round_begin": 15, "round_end": 15})
    world.kimai.round_minutes = 15
    for source_id in range(1, 6):
        world.tickets.book(source_id, time_unit=Decimal("7.5") * source_id)
    await world.sync()
    no_two_overlap(world)
    world.tickets.edit(2, time_unit=Decimal(80))
    await world.sync()
    no_two_overlap(world)
    for source_id in range(1, 6):
        assert (await world.entry(source_id)).standing.state is EntryState.SYNCED
    assert isinstance(world.tickets, FakeTickets)


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_negative_booking_shortens_a_timesheet_where_it_lies(
    world: World, at_once: bool
) -> None:
    for source_id in (1, 2, 3):
        world.tickets.book(source_id)
    if not at_once:
        await world.sync()
    world.tickets.book(4, time_unit=Decimal(-5))
    await world.sync()
    places = [await lies(world, n) for n in (1, 2, 3)]
    assert places == [(0, 15), (15, 30), (30, 40)]
    del world.tickets.rows[4]
    world.tickets.book(5)
    await world.sync()
    places = [await lies(world, n) for n in (1, 2, 3, 5)]
    assert places == [(0, 15), (15, 30), (30, 45), (45, 60)]
    no_two_overlap(world)


async def test_a_booking_that_asks_again_is_not_told_what_it_had_before(world: World) -> None:
    """Longer, shorter and longer again in one run, and another one came in between."""
    stacker = prepare(
        Order(number=1, start_date=None, end_date=None),
        world.configuration,
        world.ports(),
        world.limits,
        Tally(clock=world.clock, report=told_nobody, last=world.clock.now()),
        Metadata(actor=Actor(kind="service", name="sync"), correlation_id="run-1"),
    ).judge.stacker
    first = Unplaced(
        entry_id=entry_id(ZAMMAD, 1),
        day=WorkDay(connector_id=ZAMMAD, agent_id=5, day=NINE.date()),
        zone="Europe/Berlin",
        booked_at=NINE,
        duration=15 * MINUTE,
    )
    shorter = replace(first, duration=10 * MINUTE)
    second = replace(shorter, entry_id=entry_id(ZAMMAD, 2), duration=5 * MINUTE)
    for wanted in (first, shorter, second):
        await stacker.place([wanted])
    assert first not in stacker.places
    await stacker.place([first])
    one, other = stacker.places[first], stacker.places[second]
    assert one is not None
    assert other is not None
    assert not one.reach.meets(other.reach)


async def told_nobody(*_progress: object) -> None:
    """No run to report to."""

"""Negative bookings shorten earlier timesheets, never below nothing, and never a billed one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from domain.errors import Misconfigured
from domain.ids import EntryId
from domain.ports.ticket_system import UnreadableEntry
from domain.rules.netting import Member, net
from domain.time_entry.standing import EntryState
from domain.time_entry.values import ReasonCode, Reduction
from tests.property.test_sync_faults import dies_at, still
from tests.support.bookings import BOOKED, configuration
from tests.support.peers import Crash, World

MINUTE = timedelta(minutes=1)


def member(number: int, seconds: int, **changes: object) -> Member:
    booked = BOOKED + timedelta(hours=number)
    return Member(entry_id=EntryId(number), seconds=seconds, booked_at=booked, **changes)  # type: ignore[arg-type] # as the fields are


def taken(*pairs: tuple[int, int]) -> tuple[Reduction, ...]:
    return tuple(Reduction(entry_id=EntryId(number), seconds=seconds) for number, seconds in pairs)


def test_the_newest_one_before_it_is_shortened_first() -> None:
    netting = net([member(1, 600), member(2, 300), member(3, -400), member(4, 900)])
    assert netting.by == {1: taken((3, 100)), 2: taken((3, 300)), 4: ()}
    assert netting.against[EntryId(3)] == taken((1, 100), (2, 300))
    assert netting.rest == {3: 0}


def test_what_is_not_open_is_left_alone_and_the_rest_is_named() -> None:
    netting = net([member(1, 600, open=False), member(2, 300), member(3, -400)])
    assert netting.by == {1: (), 2: taken((3, 300))}
    assert netting.rest == {3: 100}


def test_what_was_taken_stays_where_it_is() -> None:
    before = [member(1, 600, by=taken((3, 400))), member(3, -400)]
    late = member(2, 500)  # seen later, though newer
    assert net([*before, late]).by == {1: taken((3, 400)), 2: ()}


def test_what_does_not_fit_any_more_moves_on() -> None:
    cut = [member(1, 600), member(2, 100, by=taken((3, 300))), member(3, -300)]
    assert net(cut).by == {1: taken((3, 200)), 2: taken((3, 100))}


def test_two_negatives_share_one_booking_in_their_order() -> None:
    netting = net([member(1, 600), member(2, -500), member(3, -300)])
    assert netting.by == {1: taken((2, 500), (3, 100))}
    assert netting.rest == {2: 0, 3: 200}


def minutes(world: World) -> dict[int, int]:
    """Minutes per timesheet."""
    return {number: sheet.duration // MINUTE for number, sheet in world.kimai.sheets.items()}


async def later(world: World) -> None:
    """A run a day later lists everything in Kimai."""
    world.clock.advance(timedelta(hours=25))
    await world.sync()


async def a_world(*amounts: str, **settings: str) -> World:
    world = World(kimai=settings)
    for number, amount in enumerate(amounts, 1):
        world.tickets.book(number, time_unit=Decimal(amount))
    await world.sync()
    return world


async def test_both_sides_are_named_in_the_ledger() -> None:
    world = await a_world("60", "45", "-50")
    assert minutes(world) == {1: 55, 2: 0} or minutes(world) == {1: 55}
    first, second, negative = [await world.entry(number) for number in (1, 2, 3)]
    assert [each.entry_id for each in first.reduced.by] == [negative.entry_id]
    assert [each.entry_id for each in second.reduced.by] == [negative.entry_id]
    assert negative.netted is not None
    assert {each.entry_id: each.seconds for each in negative.netted.against} == {
        first.entry_id: 300,
        second.entry_id: 2700,
    }
    assert negative.standing.state is EntryState.IGNORED
    assert negative.decided is not None
    assert "5 min from booking 1, 45 min from booking 2" in (negative.decided.detail or "")


async def test_nothing_more_happens_when_nothing_changes() -> None:
    world = await a_world("60", "-20")
    await world.sync()
    await later(world)
    before, writes = await world.types(1), world.kimai.writes
    await world.sync()
    await later(world)
    assert (await world.types(1), world.kimai.writes) == (before, writes)
    assert minutes(world) == {1: 40}


@pytest.mark.parametrize(
    ("change", "then"),
    [
        ({"time_unit": Decimal(-5)}, {1: 60, 2: 25}),
        ({"time_unit": Decimal(-70)}, {1: 20, 2: 0}),
        ({"time_unit": Decimal(10)}, {1: 60, 2: 30, 3: 10}),
        ({"type_id": None}, {1: 60, 2: 30}),
        ({"created_by_id": 77}, {1: 60, 2: 30}),
    ],
)
async def test_an_edited_correction_is_netted_anew(
    change: dict[str, object], then: dict[int, int]
) -> None:
    world = await a_world("60", "30", "-20")
    assert sorted(minutes(world).values()) == [10, 60]
    world.tickets.edit(3, **change)
    await world.sync()
    assert sorted(minutes(world).values()) == sorted(then.values())


async def test_a_deleted_correction_gives_back_what_it_took() -> None:
    world = await a_world("60", "-20")
    del world.tickets.rows[2]
    await later(world)
    assert minutes(world) == {1: 60}
    assert (await world.entry(2)).standing.state is EntryState.WITHDRAWN


@pytest.mark.parametrize(
    ("amount", "first", "rest"), [("90", 60, None), ("20", 50, None), ("-10", 50, None)]
)
async def test_an_edited_booking_keeps_what_fits(amount: str, first: int, rest: None) -> None:
    world = await a_world("60", "40", "-30")
    world.tickets.edit(2, time_unit=Decimal(amount))
    await world.sync()
    negative = await world.entry(3)
    sheet = (await world.entry(1)).standing.timesheet_id or 0
    if amount == "-10":  # it has a timesheet of its own: that needs a person
        assert (await world.entry(2)).standing.conflict is ReasonCode.NEGATIVE_TIME
        assert minutes(world)[sheet] == 30
    else:
        assert minutes(world)[sheet] == first
        assert negative.standing.conflict is rest


async def test_a_deleted_booking_passes_on_what_was_taken_from_it() -> None:
    world = await a_world("60", "40", "-30", delete_policy="delete")
    del world.tickets.rows[2]
    await later(world)
    assert list(minutes(world).values()) == [30]


async def test_a_billed_timesheet_is_not_shortened() -> None:
    world = await a_world("60", "40")
    second = (await world.entry(2)).standing.timesheet_id or 0
    world.kimai.export(second)  # an export run leaves no trace
    world.tickets.book(3, time_unit=Decimal(-30))
    await world.sync()
    assert minutes(world)[second] == 40
    assert sum(minutes(world).values()) == 70
    assert (await world.entry(2)).conflict is None
    assert (await world.entry(3)).standing.state is EntryState.IGNORED


async def test_what_cannot_be_netted_waits_for_a_person_and_heals() -> None:
    world = await a_world("20", "-50")
    negative = await world.entry(2)
    assert negative.standing.conflict is ReasonCode.NEGATIVE_TIME
    assert negative.conflict is not None
    assert "20 min from booking 1; for 30 min more" in negative.conflict.detail
    world.tickets.edit(1, time_unit=Decimal(80))
    await world.sync()
    assert sum(minutes(world).values()) == 30
    assert (await world.entry(2)).conflict is None


async def test_other_tickets_people_and_types_are_left_alone() -> None:
    world = World()
    world.tickets.book(1, time_unit=Decimal(60), ticket_id=51)
    world.tickets.book(2, time_unit=Decimal(60), type_id=None)
    world.tickets.book(3, time_unit=Decimal(-30))
    world.tickets.book(4, time_unit=Decimal(60))  # later than the correction
    await world.sync()
    assert all(length == 60 for length in minutes(world).values())
    assert (await world.entry(3)).standing.conflict is ReasonCode.NEGATIVE_TIME


async def test_a_correction_seen_before_its_booking_waits_for_it() -> None:
    world = World()
    world.tickets.book(2, time_unit=Decimal(-30))
    await world.sync()
    world.tickets.book(1, time_unit=Decimal(60), updated_at=world.clock.now())
    await world.sync()
    assert minutes(world) == {1: 30}


async def test_a_crash_at_any_point_nets_exactly_once() -> None:
    point = 0
    while True:
        world = await a_world("60", "40")
        world.tickets.book(3, time_unit=Decimal(-70))
        point += 1
        world.perils.reached, world.perils.crash_at = 0, point
        try:
            await world.sync()
        except* Crash:
            pass
        else:
            break
        world.perils.dead, world.perils.crash_at = False, None
        for _ in range(2):
            await world.sync()
            world.an_hour_later()
        assert sorted(minutes(world).values()) == [0, 30], point
        assert (await world.entry(3)).standing.state is EntryState.IGNORED, point
    assert point > 10


async def test_a_run_that_could_not_shorten_a_timesheet_did_not_complete() -> None:
    world = World()
    world.tickets.book(1, time_unit=Decimal(60))
    world.tickets.book(2, time_unit=Decimal(-20))
    world.perils.failing["kimai:create:before"] = [Misconfigured("kimai", "a wrong token")]
    run = await world.sync()
    assert run.state == "failed"
    assert minutes(world) == {}
    await world.sync()
    assert minutes(world) == {1: 40}


def test_ten_times_the_bookings_take_ten_times_the_steps() -> None:
    """The stack of open bookings is walked once; the time itself is a line of `make bench`."""
    members = [member(number, -90 if number % 10 == 9 else 60) for number in range(5000)]
    netting = net(members)
    assert sum(netting.rest.values()) == 0
    assert sum(each.seconds for by in netting.by.values() for each in by) == 500 * 90


async def at(world: World, source_id: int) -> tuple[EntryState, ReasonCode | None]:
    standing = (await world.entry(source_id)).standing
    return standing.state, standing.conflict


def count_in_hours(world: World) -> None:
    zammad = replace(world.configuration.zammad, time_unit_minutes="hour")
    world.configuration = replace(world.configuration, zammad=zammad)


async def test_another_unit_reads_no_netted_booking_again() -> None:
    world = await a_world("60", "-20")
    count_in_hours(world)
    await later(world)
    assert minutes(world) == {1: 40}
    world.tickets.book(3, time_unit=Decimal(1))  # an hour, in the same group
    await later(world)
    assert sorted(minutes(world).values()) == [40, 60]
    world.tickets.edit(1, time_unit=Decimal(50))
    await later(world)
    assert sorted(minutes(world).values()) == [30, 60]


async def test_another_unit_reads_nothing_again_that_was_taken_whole() -> None:
    world = await a_world("20", "-20")
    count_in_hours(world)
    await later(world)
    assert minutes(world) == {}
    world.tickets.edit(2, time_unit=Decimal(-10))
    await later(world)
    assert minutes(world) == {1: 10}


async def test_a_correction_on_a_ticket_out_of_sight_keeps_its_unit() -> None:
    world = await a_world("60")
    world.tickets.hidden_tickets.add(50)
    world.tickets.book(2, time_unit=Decimal(-20))
    await later(world)
    count_in_hours(world)
    await later(world)
    assert minutes(world) == {1: 40}


async def test_any_number_of_exported_timesheets_is_passed_over_in_one_run() -> None:
    world = await a_world(*["60"] * 20)
    world.an_hour_later()
    await world.sync()
    for number, sheet in list(world.kimai.sheets.items()):  # by an export run: no poll tells
        world.kimai.sheets[number] = replace(sheet, exported=True)
    world.tickets.book(21, time_unit=Decimal(-20))
    await world.sync()
    found = {await at(world, number) for number in range(1, 21)}
    assert found == {(EntryState.SYNCED, None)}
    assert await at(world, 21) == (EntryState.CONFLICT, ReasonCode.NEGATIVE_TIME)


Turn = Callable[[World], object]
TURNS: dict[str, tuple[Turn, int]] = {  # of 60 and 30 minutes, less 40: what is left of them
    "correction deleted": (lambda world: world.tickets.rows.pop(3), 90),
    "correction zeroed": (lambda world: world.tickets.edit(3, time_unit=Decimal(0)), 90),
    "correction smaller": (lambda world: world.tickets.edit(3, time_unit=Decimal(-10)), 80),
    "correction larger": (lambda world: world.tickets.edit(3, time_unit=Decimal(-70)), 20),
    "correction moved": (lambda world: world.tickets.edit(3, ticket_id=51), 90),
    "correction retyped": (lambda world: world.tickets.edit(3, type_id=None), 90),
    "booking deleted": (lambda world: world.tickets.rows.pop(2), 20),
    "booking moved": (lambda world: world.tickets.edit(2, ticket_id=51), 50),
    "booking cut": (lambda world: world.tickets.edit(2, time_unit=Decimal(10)), 30),
    "booking zeroed": (lambda world: world.tickets.edit(2, time_unit=Decimal(0)), 20),
    "second correction": (lambda world: world.tickets.book(4, time_unit=Decimal(-30)), 20),
}


@pytest.mark.parametrize("turn", TURNS)
async def test_a_crash_anywhere_in_a_run_with_a_turn_is_made_good_by_the_next(turn: str) -> None:
    """The streams of both sides are appended to one by one, so it dies between them, too."""
    change, expected = TURNS[turn]
    point, more = 0, True
    while more:
        point += 1
        world = World(kimai={"delete_policy": "delete", "default_activity_id": 9})
        world.limits = replace(world.limits, chunk=1)
        for number, amount in enumerate((60, 30, -40), 1):
            world.tickets.book(number, time_unit=Decimal(amount))
        await world.sync()
        assert sum(minutes(world).values()) == 50
        world.an_hour_later()
        change(world)
        more = await dies_at(world, point)
        world.an_hour_later()
        await (world.resume() if more and point % 2 else world.sync())
        assert sum(minutes(world).values()) == expected, point
        assert await still(world)
    assert point > 30


ROOM: dict[str, Turn] = {
    "another moved there": lambda world: world.tickets.edit(1, ticket_id=50),
    "another was edited": lambda world: world.tickets.edit(2, time_unit=Decimal(30)),
    "an export was taken back": lambda world: world.kimai.edit(1, exported=False),
}


@pytest.mark.parametrize("turn", ROOM)
async def test_a_crash_does_not_hide_that_there_is_room_for_a_correction_now(turn: str) -> None:
    point, more = 0, True
    while more:
        point += 1
        world = World()
        world.limits = replace(world.limits, chunk=1)
        world.tickets.book(3, time_unit=Decimal(40))
        await world.sync()
        world.kimai.edit(1, exported=True)
        world.tickets.book(1, time_unit=Decimal(60), ticket_id=51)
        world.tickets.book(2, time_unit=Decimal(0))
        world.tickets.book(4, time_unit=Decimal(-20))
        world.an_hour_later()
        await world.sync()
        assert await at(world, 4) == (EntryState.CONFLICT, ReasonCode.NEGATIVE_TIME)
        world.an_hour_later()
        ROOM[turn](world)
        more = await dies_at(world, point)
        world.an_hour_later()
        await world.sync()
        assert await at(world, 4) == (EntryState.IGNORED, None), point
    assert point > 30


@pytest.mark.parametrize("garbled", [1, 2])
async def test_a_row_that_cannot_be_read_any_more_gives_nothing_back(garbled: int) -> None:
    world = await a_world("60", "-20")
    before = world.kimai.writes
    world.an_hour_later()
    world.tickets.rows[garbled] = UnreadableEntry(
        source_id=garbled, fields=("time_unit",), ticket_id=50, updated_at=world.clock.now()
    )
    await world.sync()
    await later(world)
    assert (await world.entry(garbled)).unreadable
    assert (minutes(world), world.kimai.writes) == ({1: 40}, before)


@pytest.mark.parametrize("left_alone", [True, False])
async def test_a_correction_of_what_is_not_in_kimai_is_treated_like_that(left_alone: bool) -> None:
    world = World(activities=(), kimai={"ignore_unmapped_activities": left_alone})
    world.tickets.book(1, time_unit=Decimal(60))
    await world.sync()
    world.an_hour_later()
    world.tickets.book(2, time_unit=Decimal(-20))
    await world.sync()
    first, second = await world.entry(1), await world.entry(2)
    assert first.standing.state is second.standing.state
    assert first.standing.conflict is second.standing.conflict
    world.configuration = configuration(kimai={"ignore_unmapped_activities": left_alone})
    for _ in range(2):
        await later(world)
    assert minutes(world) == {1: 40}
    assert (await world.entry(2)).conflict is None


async def test_a_billed_one_that_gives_back_is_not_told_to_be_negative() -> None:
    world = await a_world("60", "40")
    world.kimai.export((await world.entry(2)).standing.timesheet_id or 0)
    world.tickets.book(3, time_unit=Decimal(-30))
    await world.sync()
    assert "EntryReduced" in await world.types(2)
    assert "EntryNetted" not in await world.types(2)


async def test_a_second_look_at_a_group_forgets_no_correction() -> None:
    """Two of one booking, in a run whose bookings the read model does not show yet."""
    world = World()
    for number in (1, 2):
        world.tickets.book(number, time_unit=Decimal(60))
    world.tickets.book(3, time_unit=Decimal(-20))
    world.tickets.book(4, time_unit=Decimal(-45))
    for _ in range(2):
        await world.sync()
        world.an_hour_later()
        assert sum(sheet.duration // MINUTE for sheet in world.kimai.sheets.values()) == 55

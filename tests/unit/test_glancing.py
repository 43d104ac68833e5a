"""Many changes are looked at in one request, and nothing is changed that must not be."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from domain.errors import Rejected, Unavailable
from domain.sync.glancing import MISSES, SENT_BY
from domain.time_entry.standing import EntryState
from domain.time_entry.values import ReasonCode
from tests.support.peers import World

MANY = 40


async def carried(count: int = MANY) -> World:
    """So many bookings in Kimai, and nothing asked since."""
    world = World(kimai={"delete_policy": "delete"})
    for number in range(1, count + 1):
        world.tickets.book(number)
    await world.sync()
    world.an_hour_later()
    await world.sync()
    world.kimai.asked.clear()
    return world


def edit_all(world: World) -> None:
    for number in list(world.tickets.rows):
        world.tickets.edit(number, time_unit=Decimal(30))


def minutes(world: World) -> list[float]:
    return [sheet.duration.total_seconds() / 60 for sheet in world.kimai.sheets.values()]


async def sheet_of(world: World, source_id: int) -> int:
    timesheet_id = (await world.entry(source_id)).standing.timesheet_id
    assert timesheet_id is not None
    return timesheet_id


async def test_many_changes_are_looked_at_together() -> None:
    world = await carried()
    edit_all(world)
    run = await world.sync()
    assert run.counters.updated == MANY
    assert minutes(world) == [30] * MANY
    assert world.kimai.asked["get"] == 0
    assert world.kimai.asked["peek"] <= 2  # one for each chunk


async def test_many_deletions_are_looked_at_together() -> None:
    world = await carried()
    for number in range(1, 13):
        del world.tickets.rows[number]
    billed = await sheet_of(world, 5)
    world.kimai.export(billed)
    await world.sync()
    assert len(world.kimai.sheets) == MANY - 11
    assert billed in world.kimai.sheets
    assert (world.kimai.asked["get"], world.kimai.asked["peek"]) == (0, 1)


async def test_few_changes_are_looked_at_one_by_one() -> None:
    world = await carried()
    for number in range(1, world.limits.together):
        world.tickets.edit(number, time_unit=Decimal(30))
    await world.sync()
    assert (world.kimai.asked["get"], world.kimai.asked["peek"]) == (7, 0)


async def test_what_was_exported_among_many_is_left_alone() -> None:
    world = await carried()
    billed = [await sheet_of(world, number) for number in (3, 17, 40)]
    before = {each: world.kimai.sheets[each] for each in billed}
    for each in billed:
        world.kimai.export(each)
    edit_all(world)
    run = await world.sync()
    assert (run.counters.updated, run.counters.conflicts) == (MANY - 3, 3)
    for each in billed:
        assert world.kimai.sheets[each] == replace(before[each], exported=True)
    entry = await world.entry(17)
    assert entry.standing.conflict is ReasonCode.SOURCE_CHANGED_AFTER_EXPORT


async def test_what_was_edited_in_kimai_among_many_is_left_alone() -> None:
    world = await carried()
    edited = await sheet_of(world, 20)
    world.kimai.edit(edited, project_id=5)
    edit_all(world)
    await world.sync()
    assert world.kimai.sheets[edited].duration == timedelta(minutes=15)
    assert (await world.entry(20)).standing.conflict is ReasonCode.TARGET_EDITED


async def test_what_no_list_shows_is_asked_for_by_itself() -> None:
    world = await carried()
    hidden, gone = await sheet_of(world, 7), await sheet_of(world, 8)
    world.kimai.hidden.add(hidden)
    del world.kimai.sheets[gone]
    edit_all(world)
    await world.sync()
    assert world.kimai.sheets[hidden].duration == timedelta(minutes=30)
    assert (await world.entry(8)).standing.state is EntryState.CONFLICT
    assert world.kimai.asked["get"] == 2


async def exported_after(world: World, point: str) -> list[int]:
    """Run; once the first change is at `point` time passes, and all that waits is exported."""
    sheets = [await sheet_of(world, number) for number in world.tickets.rows]
    edit_all(world)
    exported: list[int] = []

    def export_what_waits() -> None:
        world.clock.advance(SENT_BY + timedelta(milliseconds=1))
        for each in sheets:
            if world.kimai.sheets[each].duration == timedelta(minutes=15):
                world.kimai.export(each)
                exported.append(each)

    world.perils.then[point] = export_what_waits
    await world.sync()
    assert len(exported) == MANY - 1
    assert {world.kimai.sheets[each].duration for each in exported} == {timedelta(minutes=15)}
    return exported


async def kinds(world: World) -> set[str]:
    return {kind for number in world.tickets.rows for kind in await world.types(number)}


async def test_no_look_older_than_two_seconds_is_relied_on() -> None:
    world = await carried()
    world.limits = replace(world.limits, writers=1, ahead=0)
    await exported_after(world, "kimai:update:after")
    assert "TimesheetWriteUnsent" not in await kinds(world)


async def test_a_request_whose_turn_comes_too_late_is_not_sent() -> None:
    world = await carried()
    world.kimai.turns = asyncio.Semaphore(1)  # the others wait for the first, intent in hand
    await exported_after(world, "kimai:update:after")
    assert "TimesheetWriteUnsent" in await kinds(world)


async def test_an_edit_between_look_and_change_is_found_by_the_answer() -> None:
    world = await carried()
    edited = await sheet_of(world, 1)
    edit_all(world)
    world.perils.then["kimai:update:before"] = lambda: world.kimai.edit(edited, project_id=5)
    await world.sync()
    assert world.kimai.sheets[edited].project_id == 5
    assert (await world.entry(1)).standing.state is EntryState.CONFLICT


async def test_a_window_full_of_others_costs_a_few_lists_and_no_more() -> None:
    world = await carried(200)
    world.kimai.page = 3
    edit_all(world)
    run = await world.sync()
    assert run.counters.updated == 200
    assert minutes(world) == [30] * 200
    assert 0 < world.kimai.asked["peek"] <= MISSES
    assert world.kimai.asked["get"] + world.kimai.asked["peek"] <= 200 + MISSES


@pytest.mark.parametrize(
    ("error", "lists"),
    [
        (Rejected("kimai", "403", status=403), 1),  # it shows records, and no lists
        (Unavailable("kimai", "reset"), 3),
    ],
)
async def test_a_list_that_fails_stops_no_change(error: Exception, lists: int) -> None:
    world = await carried()
    edit_all(world)
    world.perils.failing["kimai:peek"] = [error]
    run = await world.sync()
    assert run.counters.updated == MANY
    assert minutes(world) == [30] * MANY
    assert world.kimai.asked["peek"] <= lists


async def test_a_second_try_is_looked_at_alone() -> None:
    world = await carried(8)
    edit_all(world)
    world.perils.failing["kimai:update:before"] = [Unavailable("kimai", "reset")]
    run = await world.sync()
    assert run.counters.updated == 8
    assert world.kimai.asked["peek"] == 1
    assert world.kimai.asked["get"] >= 1

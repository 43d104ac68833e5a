"""A changed unit reads no history anew by itself: it shows what would change, as a plan."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

from domain.plan.decide import Plan
from domain.plan.values import Action, PlanKind
from domain.time_entry.standing import EntryState
from domain.time_entry.values import ReasonCode
from tests.support.bookings import configuration
from tests.support.peers import World


async def carried(**kimai: Any) -> World:
    """Three bookings of 15 minutes, and the unit is a quarter of an hour by now."""
    world = World(kimai=kimai)
    for number in (7, 8, 9):
        world.tickets.book(number)
    await world.sync()
    world.an_hour_later()
    world.configuration = configuration(zammad={"time_unit_minutes": "quarter"}, kimai=kimai)
    return world


async def unit_plan(world: World) -> Plan:
    plan = await world.plan(kind=PlanKind.UNIT)
    assert plan.state == "ready", plan.error
    return plan


def lengths(world: World) -> list[int]:
    sheets = sorted(world.kimai.sheets.values(), key=lambda sheet: sheet.timesheet_id)
    return [sheet.duration // timedelta(minutes=1) for sheet in sheets]


async def test_a_run_leaves_what_was_carried_with_the_old_unit() -> None:
    world = await carried()
    world.tickets.book(10)
    await world.sync()
    assert lengths(world) == [15, 15, 15, 225]
    world.tickets.edit(8, time_unit=Decimal(30))
    await world.sync()
    assert lengths(world) == [15, 30, 15, 225]


async def test_the_plan_shows_what_each_would_become_and_writes_nothing() -> None:
    world = await carried()
    plan = await unit_plan(world)
    rows = await world.rows_of(plan)
    assert [(row.action, row.minutes) for row in rows] == [(Action.UPDATE, Decimal(225))] * 3
    assert {row.before and row.before.duration for row in rows} == {timedelta(minutes=15)}
    requests = [row.request for row in rows if row.request]
    assert [set(request.fields) for request in requests] == [{"begin", "end"}] * 3
    assert lengths(world) == [15, 15, 15]


async def test_applied_the_new_unit_is_theirs_from_then_on() -> None:
    world = await carried()
    plan = await unit_plan(world)
    run = await world.apply(plan)
    assert (run.state, run.counters.updated) == ("completed", 3), run.error
    assert lengths(world) == [225, 225, 225]
    settled = (await world.entry(8)).settled
    assert settled is not None
    assert settled.basis.unit_minutes == 15
    world.tickets.edit(8, time_unit=Decimal(2))
    await world.sync()
    assert lengths(world) == [225, 30, 225]
    assert (await unit_plan(world)).rows == 0


async def test_what_was_billed_is_shown_and_stays() -> None:
    world = await carried()
    sheet = (await world.entry(8)).standing.timesheet_id
    assert sheet is not None
    world.kimai.export(sheet)
    plan = await unit_plan(world)
    rows = {row.entry_id % 100: row for row in await world.rows_of(plan)}
    assert rows[8].action is Action.CONFLICT
    assert rows[8].reason is ReasonCode.SOURCE_CHANGED_AFTER_EXPORT
    run = await world.apply(plan)
    assert (run.state, run.counters.updated) == ("completed", 2), run.error
    assert sorted(lengths(world)) == [15, 225, 225]
    assert (await world.entry(8)).standing.state is EntryState.SYNCED


async def test_a_booking_that_moves_in_between_stops_the_plan() -> None:
    for change in ("edit", "delete"):
        world = await carried(delete_policy="delete")
        plan = await unit_plan(world)
        if change == "edit":
            world.tickets.edit(8, time_unit=Decimal(3))
        else:
            del world.tickets.rows[8]
        run = await world.apply(plan)
        assert run.state == "failed"
        assert "One row of plan 1 moved" in (run.error or "")
        assert lengths(world) == [15, 15, 15]


async def test_a_unit_that_changes_back_makes_an_old_plan_worthless() -> None:
    world = await carried()
    plan = await unit_plan(world)
    world.configuration = configuration()
    run = await world.apply(plan)
    assert run.state == "failed"
    assert "3 rows of plan 1 moved" in (run.error or "")
    assert lengths(world) == [15, 15, 15]
    assert (await unit_plan(world)).rows == 0


async def test_an_unknown_unit_shows_nothing() -> None:
    world = await carried()
    world.configuration = configuration(zammad={"time_unit_minutes": None})
    assert (await unit_plan(world)).rows == 0


async def test_it_is_about_the_unit_and_nothing_else() -> None:
    world = await carried(delete_policy="delete")
    world.tickets.book(10)
    del world.tickets.rows[7]
    plan = await unit_plan(world)
    rows = await world.rows_of(plan)
    assert Counter((row.entry_id % 100, row.action) for row in rows) == {
        (8, Action.UPDATE): 1,
        (9, Action.UPDATE): 1,
    }


async def netted() -> World:
    """An hour of which a quarter was taken back, and a minute counts twice by now."""
    world = World()
    world.tickets.book(7, time_unit=Decimal(60))
    world.tickets.book(8, time_unit=Decimal(-15))
    await world.sync()
    assert lengths(world) == [45]
    world.an_hour_later()
    world.configuration = configuration(zammad={"time_unit_minutes": 2})
    return world


async def test_a_correction_keeps_its_unit_like_what_it_corrects() -> None:
    world = await netted()
    world.tickets.book(9, time_unit=Decimal(-5))
    await world.sync()
    assert lengths(world) == [60 - 15 - 10]
    world.tickets.edit(7, time_unit=Decimal(80))
    await world.sync()
    assert lengths(world) == [80 - 15 - 10]


async def test_one_that_was_taken_back_whole_keeps_its_unit() -> None:
    world = World()
    world.tickets.book(7, time_unit=Decimal(15))
    world.tickets.book(8, time_unit=Decimal(-15))
    await world.sync()
    assert lengths(world) == []
    world.configuration = configuration(zammad={"time_unit_minutes": 2})
    world.tickets.book(9, time_unit=Decimal(10))
    world.tickets.book(10, time_unit=Decimal(-5))
    await world.sync()
    assert lengths(world) == [2 * 10 - 2 * 5]


async def test_the_plan_reads_corrections_with_the_unit_of_what_they_correct() -> None:
    world = await netted()
    plan = await unit_plan(world)
    rows = {row.entry_id % 100: (row.action, row.minutes) for row in await world.rows_of(plan)}
    assert rows[7] == (Action.UPDATE, Decimal(90))
    run = await world.apply(plan)
    assert (run.state, run.counters.updated) == ("completed", 1), run.error
    assert lengths(world) == [90]
    world.an_hour_later()
    assert (await world.sync()).counters.updated == 0
    world.tickets.book(9, time_unit=Decimal(-5))
    await world.sync()
    assert lengths(world) == [80]
    assert (await unit_plan(world)).rows == 0

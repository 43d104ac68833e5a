"""A plan is carried out as it was read, or not at all."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from domain.errors import OutcomeUnknown, Unavailable
from domain.event import Actor, Append, Metadata
from domain.flow.breaker import BreakerRules
from domain.ids import plan_rows_stream, plan_stream
from domain.plan.decide import Plan
from domain.plan.digest import fingerprint
from domain.plan.events import PlanRefused, PlanRowsListed
from domain.plan.values import Action, Moved, PlanKind
from domain.rules import requests
from domain.sync.applying import PlannedWrites
from domain.sync.entries import Live
from domain.sync.writing import Withheld
from domain.sync_run.decide import Run
from domain.time_entry.standing import EntryState
from domain.time_entry.values import ReasonCode
from tests.property.test_sync_faults import crashed, one_timesheet_per_booking
from tests.support.peers import NOON, World
from tests.unit.test_dry_run import sent, told


@pytest.fixture
def world() -> World:
    return World()


async def ready(world: World) -> Plan:
    plan = await world.plan()
    assert plan.state == "ready", plan.error
    return plan


async def moved_of(world: World, plan: Plan) -> list[Moved]:
    history = await world.store.read(plan_stream(plan.plan_id))
    refused = [event for event in history.events if isinstance(event, PlanRefused)]
    return list(refused[-1].moved) if refused else []


async def test_what_was_planned_is_written_and_nothing_else(world: World) -> None:
    for number in range(1, 130):
        world.tickets.book(number)
    plan = await ready(world)
    requests = [row.request for row in await world.rows_of(plan)]
    run = await world.apply(plan)
    assert (run.state, run.counters.created) == ("completed", 129)
    assert await sent(world) == Counter(map(told, requests))
    assert (await world.plan_now(plan)).state == "applied"
    world.kimai.writes = 0
    again = await world.apply(plan)
    assert (again.state, world.kimai.writes) == ("failed", 0)
    assert again.error == "Plan 1 was applied already."


async def test_what_is_new_since_the_plan_is_left_to_the_next_run(world: World) -> None:
    world.tickets.book(8)
    plan = await ready(world)
    world.tickets.book(9)
    run = await world.apply(plan)
    assert run.state == "completed"
    assert len(world.kimai.sheets) == 1
    assert await world.types(9) == []
    run = await world.sync()
    assert (run.counters.created, len(world.kimai.sheets)) == (1, 2)


async def test_a_plan_of_edits_and_deletions_is_carried_out() -> None:
    world = World(kimai={"delete_policy": "delete"})
    for number in (7, 8, 9):
        world.tickets.book(number)
    await world.sync()
    world.an_hour_later()
    del world.tickets.rows[7]
    world.tickets.edit(8, time_unit=Decimal(30))
    plan = await ready(world)
    assert Counter(row.action for row in await world.rows_of(plan)) == {
        Action.DELETE: 1,
        Action.UPDATE: 1,
    }
    run = await world.apply(plan)
    assert (run.state, run.counters.updated, run.counters.deleted) == ("completed", 1, 1)
    assert (await world.entry(7)).standing.state is EntryState.WITHDRAWN
    head = await world.store.head()
    assert (await world.sync()).state == "completed"
    later = [each.stream for each in await world.store.page(head, 100)]
    assert set(later) == {f"sync-run-{world.runs}"}  # nothing was left to do


@pytest.mark.parametrize("what", ["booking", "sheet", "export", "gone", "deleted", "restored"])
async def test_whatever_moves_in_between_stops_the_plan(what: str) -> None:
    world = World(kimai={"delete_policy": "delete"})
    for number in (6, 7, 8, 9):
        world.tickets.book(number)
    await world.sync()
    world.an_hour_later()
    lost = world.tickets.rows.pop(7)
    world.tickets.edit(8, time_unit=Decimal(30))
    plan = await ready(world)
    sheet = (await world.entry(8)).standing.timesheet_id
    assert sheet is not None
    number = 8
    match what:
        case "booking":
            world.tickets.edit(8, time_unit=Decimal(45))
        case "sheet":
            world.kimai.edit(sheet, activity_id=9)
        case "export":
            world.kimai.export(sheet)
        case "gone":
            del world.kimai.sheets[sheet]
        case "deleted":
            del world.tickets.rows[8]
        case "restored":
            number, world.tickets.rows[7] = 7, lost
    writes, head = world.kimai.writes, await world.store.head()
    run = await world.apply(plan)
    assert run.state == "failed"
    assert (
        run.error
        == "One row of plan 1 moved since it was made. Nothing was written; make a new one."
    )
    assert world.kimai.writes == writes
    streams = {each.stream for each in await world.store.page(head, 100)}
    assert streams == {"plan-1", f"sync-run-{world.runs}"}
    moved = await moved_of(world, plan)
    assert {each.entry_id % 100 for each in moved} == {number}
    assert all(each.planned != each.now for each in moved)
    assert (await world.plan_now(plan)).state == "ready"


async def test_what_moves_while_the_plan_is_carried_out_is_left_alone(world: World) -> None:
    for number in (7, 8, 9):
        world.tickets.book(number)
    await world.sync()
    for number in (7, 8, 9):
        world.tickets.edit(number, time_unit=Decimal(30))
    plan = await ready(world)
    sheet = (await world.entry(8)).standing.timesheet_id
    assert sheet is not None
    world.perils.then["kimai:update:before"] = lambda: world.kimai.edit(sheet, project_id=5)
    world.limits = replace(world.limits, writers=1, ahead=0)
    run = await world.apply(plan)
    assert run.state == "failed"
    assert "1 of the rows of plan 1 moved while it was carried out" in (run.error or "")
    assert world.kimai.sheets[sheet].project_id == 5
    assert run.counters.updated == 2
    (moved,) = await moved_of(world, plan)
    assert (moved.entry_id % 100, moved.field, moved.planned) == (8, "action", "update")
    assert moved.now == "conflict (TARGET_EDITED)"
    assert (await world.plan_now(plan)).state == "applied"


async def test_a_negative_booking_is_netted_as_planned(world: World) -> None:
    world.tickets.book(7, time_unit=Decimal(60))
    world.tickets.book(8, time_unit=Decimal(-15))
    plan = await ready(world)
    rows = {row.entry_id % 100: (row.action, row.minutes) for row in await world.rows_of(plan)}
    assert rows == {7: (Action.CREATE, Decimal(45)), 8: (Action.SKIP, Decimal(-15))}
    run = await world.apply(plan)
    assert (run.state, run.counters.created) == ("completed", 1), run.error
    (sheet,) = world.kimai.sheets.values()
    assert sheet.duration == timedelta(minutes=45)
    world.an_hour_later()
    world.tickets.book(9, time_unit=Decimal(-5))
    plan = await ready(world)
    assert (await world.apply(plan)).counters.updated == 1
    (sheet,) = world.kimai.sheets.values()
    assert sheet.duration == timedelta(minutes=40)
    assert (await ready(world)).rows == 0


async def test_a_stacked_day_is_laid_as_a_run_would_lay_it() -> None:
    laid: list[list[tuple[datetime, datetime | None]]] = []
    for planned in (True, False):
        world = World(zammad={"work_time_anchor": "day_start_stacked"})
        for number in (7, 8, 9):
            world.tickets.book(number)
        for _ in range(2):
            run = await (world.apply(await ready(world)) if planned else world.sync())
            assert run.state == "completed", run.error
            world.an_hour_later()
            if 6 not in world.tickets.rows:
                world.tickets.book(6)
                world.tickets.edit(8, time_unit=Decimal(30))
        sheets = sorted(world.kimai.sheets.values(), key=lambda sheet: sheet.begin)
        laid.append([(sheet.begin, sheet.end) for sheet in sheets])
        assert (await ready(world)).rows == 0
    assert laid[0] == laid[1]
    assert len(laid[0]) == 4


async def test_conflicts_of_a_plan_are_opened_with_it(world: World) -> None:
    world.tickets.book(7)
    world.tickets.book(8, type_id=99)
    run = await world.apply(await ready(world))
    assert (run.state, run.counters.conflicts) == ("completed", 1)
    assert (await world.entry(8)).standing.conflict is ReasonCode.UNMAPPED_ACTIVITY


async def test_a_plan_is_good_for_a_day_only(world: World) -> None:
    world.tickets.book(8)
    plan = await ready(world)
    world.clock.advance(timedelta(days=1))
    run = await world.apply(plan)
    assert (run.state, world.kimai.writes) == ("failed", 0)
    assert "expired" in (run.error or "")


async def test_rows_that_are_not_those_made_are_not_carried_out(world: World) -> None:
    world.tickets.book(8)
    plan = await ready(world)
    (row,) = await world.rows_of(plan)
    page = PlanRowsListed(plan_id=plan.plan_id, rows=(replace(row, row=2),))
    forged = Append(
        stream=plan_rows_stream(plan.plan_id),
        events=[page],
        metadata=Metadata(actor=Actor(kind="user", name="mallory"), correlation_id="x"),
        occurred_at=world.clock.now(),
        expected=None,
    )
    await world.store.append(forged)
    run = await world.apply(plan)
    assert (run.state, world.kimai.writes) == ("failed", 0)
    assert "are not those that were made" in (run.error or "")


async def test_a_lost_answer_is_read_back_and_written_once(world: World) -> None:
    world.tickets.book(8)
    plan = await ready(world)
    world.perils.failing["kimai:create:after"] = [OutcomeUnknown("kimai", "timed out")]
    run = await world.apply(plan)
    assert (run.state, len(world.kimai.sheets)) == ("completed", 1)
    assert (await world.entry(8)).standing.state is EntryState.SYNCED


async def test_a_plans_run_that_dies_anywhere_goes_on() -> None:
    point, dead = 0, True
    while dead:
        point += 1
        world = World(kimai={"delete_policy": "delete"})
        for number in (1, 2, 3):
            world.tickets.book(number)
        await world.sync()
        world.an_hour_later()
        del world.tickets.rows[1]
        world.tickets.edit(2, time_unit=Decimal(30))
        world.tickets.book(4)
        plan = await ready(world)
        world.tickets.book(5)
        world.perils.reached, world.perils.crash_at = 0, point
        run = await dies_and_goes_on(world, plan)
        dead, world.perils.crash_at = world.perils.crash_at is None, None
        assert run.state == "completed", (point, run.error)
        assert len(world.kimai.sheets) == 3
        assert await world.types(5) == []
        await world.sync()
        one_timesheet_per_booking(world)
    assert point > 40


async def test_a_plan_that_an_outage_cut_short_is_applied_again(world: World) -> None:
    for number in (7, 8, 9):
        world.tickets.book(number)
    plan = await ready(world)
    world.limits = replace(world.limits, attempts=1, writers=1, ahead=0)
    world.kimai.rules = BreakerRules(failures=1)
    world.perils.then["kimai:create:after"] = lambda: world.perils.failing.update(
        {"kimai:create:before": [Unavailable("kimai", "gone")]}
    )
    run = await world.apply(plan)
    assert (run.state, len(world.kimai.sheets)) == ("failed", 1)
    world.clock.advance(timedelta(minutes=1))
    world.tickets.edit(9, time_unit=Decimal(99))
    again = await world.apply(plan)
    assert again.state == "failed"
    assert "1 of the rows of plan 1 moved" in (again.error or "")
    assert len(world.kimai.sheets) == 2
    (moved, *_) = await moved_of(world, plan)
    assert moved.entry_id % 100 == 9
    once_more = await world.apply(plan)
    assert (once_more.state, len(world.kimai.sheets)) == ("failed", 2)
    assert (await world.sync()).state == "completed"
    one_timesheet_per_booking(world)


@pytest.mark.parametrize("kind", [PlanKind.DELETIONS, PlanKind.UNIT])
async def test_the_other_kinds_go_on_after_a_crash_anywhere(kind: PlanKind) -> None:
    point, dead = 0, True
    while dead:
        point += 1
        world = World(kimai={"delete_policy": "delete", "delete_limit": 0})
        for number in (1, 2, 3):
            world.tickets.book(number)
        await world.sync()
        world.an_hour_later()
        if kind is PlanKind.UNIT:
            world.configuration = replace(
                world.configuration,
                zammad=replace(world.configuration.zammad, time_unit_minutes=Decimal(2)),
            )
            plan = await world.plan(kind=kind)
        else:
            for number in (1, 2):
                del world.tickets.rows[number]
            await world.sync()
            plan = await world.held_plan()
        assert (plan.kind, plan.state) == (kind, "ready")
        world.perils.reached, world.perils.crash_at = 0, point
        run = await dies_and_goes_on(world, plan)
        dead, world.perils.crash_at = world.perils.crash_at is None, None
        assert run.state == "completed", (point, run.error)
        lengths = {sheet.duration // timedelta(minutes=1) for sheet in world.kimai.sheets.values()}
        assert lengths == ({30} if kind is PlanKind.UNIT else {15})
        assert len(world.kimai.sheets) == (3 if kind is PlanKind.UNIT else 1)
    assert point > 30


async def dies_and_goes_on(world: World, plan: Plan) -> Run:
    try:
        return await world.apply(plan)
    except Unavailable:
        raise
    except BaseException as error:
        if not crashed(error):
            raise
    world.perils.dead, world.perils.crash_at = False, None
    return await world.resume()


# --- a correction on a later page than what it shortens


@pytest.fixture
def paged(world: World) -> World:
    world.limits = replace(world.limits, chunk=1, first_chunk=1)
    world.tickets.page = 1
    return world


async def test_a_plan_shows_what_a_later_page_makes_of_a_request(paged: World) -> None:
    paged.tickets.book(7, time_unit=Decimal(60), updated_at=NOON + timedelta(hours=5))
    paged.tickets.book(8, time_unit=Decimal(-20), updated_at=NOON + timedelta(hours=1))
    plan = await ready(paged)
    rows = {row.entry_id % 100: (row.action, row.minutes) for row in await paged.rows_of(plan)}
    assert rows == {7: (Action.CREATE, Decimal(40)), 8: (Action.SKIP, Decimal(-20))}
    assert plan.rows == 2
    assert (await paged.apply(plan)).state == "completed"
    paged.an_hour_later()
    await paged.sync()
    assert [sheet.duration for sheet in paged.kimai.sheets.values()] == [timedelta(minutes=40)]
    assert paged.kimai.writes == 1


async def test_a_correction_that_fits_by_now_stops_the_plan(paged: World) -> None:
    paged.tickets.book(7, time_unit=Decimal(60), updated_at=NOON + timedelta(hours=5))
    paged.tickets.book(
        8, time_unit=Decimal(-20), type_id=None, updated_at=NOON + timedelta(hours=1)
    )
    plan = await ready(paged)
    paged.tickets.edit(8, type_id=4, updated_at=NOON + timedelta(hours=2))
    run = await paged.apply(plan)
    assert "One row of plan 1 moved since it was made" in (run.error or "")
    assert paged.kimai.writes == 0
    moved = await moved_of(paged, plan)
    assert {each.entry_id % 100 for each in moved} == {7}


async def test_a_second_request_that_no_row_shows_is_withheld_and_has_moved(world: World) -> None:
    world.tickets.book(7, time_unit=Decimal(60))
    (row,) = await world.rows_of(await ready(world))
    assert row.request is not None
    assert row.after is not None
    entry = row.entry_id
    writes = PlannedWrites({entry: (row.row, fingerprint(row))})
    await world.sync()
    live = Live(entry, await world.entry(7), 1)
    other = requests.patch(1, {"end": "2026-07-01T12:00:00"}, row.after)
    for _ in range(2):  # what is asked for first may still become what is planned
        with pytest.raises(Withheld):
            writes.gate(live, other, None)
        assert set(writes.moved) == {entry}
        writes.gate(live, row.request, row.before)
        assert not writes.moved
    writes.gate(live, requests.patch(1, {"billable": True}, row.after), None)
    with pytest.raises(Withheld):
        writes.gate(live, other, None)
    assert set(writes.moved) == {entry}

"""More deletions than a run makes by itself wait as a plan that a person approves."""

from collections import Counter
from typing import Any

import pytest

from domain.connector.settings import kimai_settings
from domain.event import Actor, Metadata
from domain.handling import handle
from domain.ids import entry_id, entry_stream
from domain.plan.values import Action, PlanKind
from domain.sync.holding import most_deletions
from domain.sync_run.decide import Run
from domain.time_entry.commands import Retry
from domain.time_entry.decide import TIME_ENTRY
from domain.time_entry.standing import EntryState
from domain.time_entry.values import ReasonCode
from tests.property.test_sync_faults import crashed
from tests.support.bookings import ZAMMAD, configuration
from tests.support.peers import World

BOOKED, GONE = 40, 30


@pytest.mark.parametrize(
    ("settings", "known", "most"),
    [
        ({}, 0, 20),
        ({}, 400, 20),
        ({}, 419, 20),
        ({}, 420, 21),
        ({}, 100_000, 5_000),
        ({"delete_limit": 0}, 10, 0),
        ({"delete_limit": 0, "delete_limit_percent": 0}, 100_000, 0),
        ({"delete_limit": 500, "delete_limit_percent": 0.5}, 100_000, 500),
    ],
)
def test_the_larger_of_both_limits_counts(
    settings: dict[str, object], known: int, most: int
) -> None:
    assert most_deletions(kimai_settings(settings), known) == most


async def accident(**kimai: Any) -> World:
    """Thirty of forty bookings are gone."""
    world = World(kimai={"delete_policy": "delete", **kimai})
    for number in range(1, BOOKED + 1):
        world.tickets.book(number)
    await world.sync()
    world.an_hour_later()
    for number in range(1, GONE + 1):
        del world.tickets.rows[number]
    return world


async def states(world: World) -> Counter[EntryState]:
    return Counter([(await world.entry(number)).standing.state for number in range(1, BOOKED + 1)])


async def test_a_run_holds_them_as_a_plan_and_says_so_on_each_entry() -> None:
    world = await accident()
    run = await world.sync()
    assert (run.state, run.counters.deleted, run.counters.conflicts) == ("completed", 0, GONE)
    assert len(world.kimai.sheets) == BOOKED
    entry = await world.entry(1)
    assert entry.conflict is not None
    assert entry.conflict.reason is ReasonCode.SOURCE_DELETED
    assert entry.conflict.detail.startswith("30 bookings disappeared from Zammad at once")
    assert "apply plan 1 to delete them" in entry.conflict.detail
    plan = await world.held_plan()
    assert (plan.kind, plan.state, plan.rows) == (PlanKind.DELETIONS, "ready", GONE)
    assert {row.action for row in await world.rows_of(plan)} == {Action.DELETE}


async def test_to_apply_the_plan_is_to_approve_them() -> None:
    world = await accident()
    await world.sync()
    plan = await world.held_plan()
    run = await world.apply(plan)
    assert (run.state, run.counters.deleted) == ("completed", GONE), run.error
    assert len(world.kimai.sheets) == BOOKED - GONE
    assert await states(world) == {
        EntryState.WITHDRAWN: GONE,
        EntryState.SYNCED: BOOKED - GONE,
    }


async def test_what_nobody_approves_stays_run_after_run() -> None:
    world = await accident()
    for _ in range(3):
        run = await world.sync()
        world.an_hour_later()
        assert run.state == "completed"
        assert await states(world) == {
            EntryState.CONFLICT: GONE,
            EntryState.SYNCED: BOOKED - GONE,
        }
    world.configuration = configuration(kimai={"delete_policy": "delete"}, activities=())
    await world.sync()
    assert len(world.kimai.sheets) == BOOKED
    assert world.kimai.writes == BOOKED
    history = await world.store.page(0, 10_000)
    assert sum(each.event.TYPE == "PlanRequested" for each in history) == 1


async def test_as_many_as_allowed_are_deleted_without_asking() -> None:
    world = await accident(delete_limit=GONE)
    run = await world.sync()
    assert (run.state, run.counters.deleted) == ("completed", GONE)
    assert len(world.kimai.sheets) == BOOKED - GONE


async def test_a_policy_that_turns_many_conflicts_into_deletions_is_held_too() -> None:
    world = await accident(delete_policy="conflict")
    await world.sync()
    world.an_hour_later()
    world.configuration = configuration(kimai={"delete_policy": "delete"})
    run = await world.sync()
    assert (run.counters.deleted, len(world.kimai.sheets)) == (0, BOOKED)
    plan = await world.held_plan()
    assert plan.rows == GONE
    assert (await world.apply(plan)).counters.deleted == GONE


async def test_one_that_a_person_retries_is_deleted() -> None:
    world = await accident()
    await world.sync()
    stream = entry_stream(entry_id(ZAMMAD, 3))
    metadata = Metadata(actor=Actor(kind="user", name="alice"), correlation_id="retry")
    now = world.clock.now()
    await handle(world.store, TIME_ENTRY, stream, Retry(), metadata=metadata, now=now)
    run = await world.sync()
    assert run.counters.deleted == 1
    assert (await world.entry(3)).standing.state is EntryState.WITHDRAWN
    assert (await world.entry(4)).standing.state is EntryState.CONFLICT


async def test_a_booking_that_returns_is_not_deleted_with_the_others() -> None:
    world = await accident()
    lost = dict(world.tickets.rows)
    await world.sync()
    plan = await world.held_plan()
    assert 1 not in lost
    world.tickets.book(1)
    run = await world.apply(plan)
    assert (run.state, len(world.kimai.sheets)) == ("failed", BOOKED)
    again = await world.sync()
    assert again.state == "completed"
    assert (await world.entry(1)).standing.state is EntryState.SYNCED
    fresh = await world.plan()
    assert Counter(row.action for row in await world.rows_of(fresh)) == {Action.DELETE: GONE - 1}
    assert (await world.apply(fresh)).counters.deleted == GONE - 1


async def test_an_exported_timesheet_is_no_row_to_approve() -> None:
    world = await accident()
    await world.sync()
    sheet = (await world.entry(5)).standing.timesheet_id
    assert sheet is not None
    world.kimai.export(sheet)
    plan = await world.held_plan()
    rows = {row.entry_id % 100: row.action for row in await world.rows_of(plan)}
    assert rows[5] is Action.CONFLICT
    run = await world.apply(plan)
    assert (run.state, run.counters.deleted) == ("completed", GONE - 1)
    assert sheet in world.kimai.sheets


async def test_dying_anywhere_while_holding_deletes_nothing() -> None:
    point, dead = 0, True
    while dead:
        point += 1
        world = await accident()
        world.perils.reached, world.perils.crash_at = 0, point
        run = await survives(world)
        dead, world.perils.crash_at = world.perils.crash_at is None, None
        assert run.state == "completed", (point, run.error)
        assert len(world.kimai.sheets) == BOOKED
        assert await states(world) == {
            EntryState.CONFLICT: GONE,
            EntryState.SYNCED: BOOKED - GONE,
        }
        conflict = (await world.entry(1)).conflict
        assert conflict is not None
        named = int(conflict.detail.partition("apply plan ")[2].split()[0])
        world.plans = named - 1
        plan = await world.held_plan()
        assert (plan.state, plan.rows) == ("ready", GONE)
    assert point > 10


async def survives(world: World) -> Run:
    """The run that was begun, and after a crash the next one."""
    try:
        return await world.sync()
    except BaseException as error:
        if not crashed(error):
            raise
    world.perils.dead, world.perils.crash_at = False, None
    return await world.sync()

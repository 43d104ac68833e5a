"""The process dies at every point of a run: nothing is written twice, nothing is lost."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import OutcomeUnknown, Rejected, Unavailable
from domain.ports.ticket_system import ListedEntry, SourceEntry
from domain.time_entry.standing import EntryState
from tests.support.peers import Crash, World

BOOKINGS = 3
KIMAI = ("kimai:create:before", "kimai:create:after", "kimai:update:before", "kimai:update:after")
LEDGER = ("ledger:append:before", "ledger:append:after", "ledger:read")


def crashed(error: BaseException) -> bool:
    """Whether it was the crash, alone or among the tasks it took with it."""
    if isinstance(error, BaseExceptionGroup):
        return error.subgroup(Crash) is not None
    return isinstance(error, Crash)


async def dies_at(world: World, point: int, *, again: bool = False) -> bool:
    """Whether the run got as far as `point` and died there; `again` takes up the same run."""
    world.perils.reached, world.perils.crash_at = 0, point
    try:
        await (world.resume() if again else world.sync())
    except Unavailable:
        return True  # the database took not even the end of the run
    except BaseException as error:
        if not crashed(error):
            raise
        return True
    finally:
        world.perils.dead, world.perils.crash_at = False, None
    return False


def one_timesheet_per_booking(world: World) -> None:
    marks = Counter(sheet.description.split()[-1] for sheet in world.kimai.sheets.values())
    assert set(marks.values()) <= {1}
    assert len(marks) == len(world.tickets.rows)


def length(row: ListedEntry) -> timedelta:
    assert isinstance(row, SourceEntry)
    return timedelta(minutes=float(row.time_unit))


async def everything_is_settled(world: World) -> None:
    one_timesheet_per_booking(world)
    by_mark = {sheet.description.split()[-1]: sheet for sheet in world.kimai.sheets.values()}
    for source_id, row in world.tickets.rows.items():
        entry = await world.entry(source_id)
        assert entry.standing.state is EntryState.SYNCED
        assert entry.settled is not None
        sheet = by_mark[entry.settled.marker]
        assert sheet.timesheet_id == entry.settled.written.timesheet_id
        assert sheet.duration == length(row)


async def test_a_crash_at_any_point_of_a_first_run_is_made_good_by_the_next() -> None:
    point, more = 0, True
    while more:
        point += 1
        world = World()
        for source_id in range(1, BOOKINGS + 1):
            world.tickets.book(source_id)
        more = await dies_at(world, point)
        run = await (world.resume() if more and point % 2 else world.sync())
        assert run.state == "completed"
        await everything_is_settled(world)
    assert point > 30


@pytest.mark.parametrize("together", [2, 8])  # changes from which one list is their look
async def test_a_crash_at_any_point_of_a_run_with_changes_is_made_good_by_the_next(
    together: int,
) -> None:
    point, more = 0, True
    while more:
        point += 1
        world = World(kimai={"delete_policy": "delete"})
        world.limits = replace(world.limits, together=together)
        for source_id in range(1, BOOKINGS + 1):
            world.tickets.book(source_id)
        await world.sync()
        world.tickets.edit(1, time_unit=Decimal(40))
        world.tickets.edit(3, time_unit=Decimal(41))
        world.kimai.asked.clear()
        del world.tickets.rows[2]
        world.tickets.book(4)
        more = await dies_at(world, point)
        assert (await world.sync()).state == "completed"
        await everything_is_settled(world)
        assert (await world.entry(2)).standing.state is EntryState.WITHDRAWN
        assert more or (world.kimai.asked["peek"] > 0) == (together == 2)
    assert point > 40


@pytest.mark.parametrize("late", [0, 30, 59])
async def test_a_crash_while_a_request_is_still_under_way(late: int) -> None:
    point, more = 0, True
    while more:
        point += 1
        world = World()
        world.kimai.late = [timedelta(seconds=late)] * BOOKINGS
        for source_id in range(1, BOOKINGS + 1):
            world.tickets.book(source_id)
        more = await dies_at(world, point)
        world.kimai.late.clear()
        await world.sync()
        world.an_hour_later()
        await everything_is_settled(world)


errors = st.sampled_from(
    [
        OutcomeUnknown("kimai", "reset"),
        Unavailable("kimai", "503"),
        Unavailable("kimai", "429", retry_after=2),
    ]
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    crashes=st.lists(st.integers(1, 120), max_size=4),
    faults=st.lists(st.tuples(st.sampled_from(KIMAI), errors), max_size=6),
    outages=st.lists(st.sampled_from(LEDGER), max_size=12),
    edits=st.lists(st.tuples(st.integers(1, BOOKINGS), st.integers(0, 300)), max_size=3),
    together=st.sampled_from([1, 2, 8]),
)
async def test_any_history_of_crashes_faults_and_edits_ends_with_one_timesheet_each(
    crashes: list[int],
    faults: list[tuple[str, Unavailable | OutcomeUnknown]],
    outages: list[str],
    edits: list[tuple[int, int]],
    together: int,
) -> None:
    world = World()
    world.limits = replace(world.limits, together=together)
    for source_id in range(1, BOOKINGS + 1):
        world.tickets.book(source_id)
    for name, error in faults:
        # a request that was applied is never answered with "not applied"
        honest = error if name.endswith("before") else OutcomeUnknown("kimai", "timed out")
        world.perils.failing.setdefault(name, []).append(honest)
    for name in outages:
        world.perils.failing.setdefault(name, []).append(Unavailable("postgresql", "restarting"))
    for index, point in enumerate([*crashes, 10_000]):
        if index < len(edits):
            source_id, units = edits[index]
            world.tickets.edit(source_id, time_unit=Decimal(units))
        await dies_at(world, point)
    world.perils.failing.clear()
    await world.sync()
    await world.sync()
    marks = Counter(sheet.description.split()[-1] for sheet in world.kimai.sheets.values())
    assert set(marks.values()) <= {1}
    for source_id, row in world.tickets.rows.items():
        entry = await world.entry(source_id)
        if entry.settled is None:
            assert length(row) == timedelta(0)
        else:
            sheet = world.kimai.sheets[entry.settled.written.timesheet_id]
            assert sheet.duration == length(row)
    assert await still(world)


async def still(world: World) -> bool:
    """Whether one more run finds nothing to do."""
    writes = world.kimai.writes
    await world.sync()
    return world.kimai.writes == writes


async def test_a_refusal_and_a_crash_do_not_hide_each_other() -> None:
    for point in range(1, 80, 3):
        world = World()
        for source_id in range(1, BOOKINGS + 1):
            world.tickets.book(source_id)
        world.perils.failing["kimai:create:before"] = [
            Rejected("kimai", "refused", status=400, fields=("project",))
        ]
        await dies_at(world, point)
        world.perils.failing.clear()
        await world.sync()
        held = [
            source_id
            for source_id in world.tickets.rows
            if (await world.entry(source_id)).standing.state is EntryState.CONFLICT
        ]
        assert len(held) + len(world.kimai.sheets) == BOOKINGS
        assert len(held) <= 1


@pytest.mark.parametrize("edited", ["conflict", "keep_target", "overwrite"])
async def test_foreign_timesheets_are_never_touched(edited: str) -> None:
    world = World(kimai={"delete_policy": "delete", "edited_in_kimai_policy": edited})
    world.tickets.book(9)
    await world.sync()
    own = world.kimai.sheets[1]
    foreign = replace(own, timesheet_id=5, description="lunch", tags=frozenset())
    world.kimai.sheets[5] = foreign
    # a restored database gave our number to somebody else's record
    world.kimai.sheets[1] = replace(foreign, timesheet_id=1)
    del world.tickets.rows[9]
    await world.sync()
    assert set(world.kimai.sheets) == {1, 5}

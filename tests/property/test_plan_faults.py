"""Whatever fails or dies while a plan is carried out: only what was planned is ever sent."""

from collections import Counter
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import OutcomeUnknown, Unavailable
from domain.plan.decide import Plan
from tests.property.test_sync_faults import KIMAI, LEDGER, crashed, errors
from tests.support.peers import World
from tests.unit.test_dry_run import sent, told

BOOKINGS = 4


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    crashes=st.lists(st.integers(1, 120), max_size=3),
    faults=st.lists(st.tuples(st.sampled_from(KIMAI), errors), max_size=5),
    outages=st.lists(st.sampled_from(LEDGER), max_size=6),
    edits=st.lists(st.tuples(st.integers(1, BOOKINGS), st.integers(1, 300)), max_size=2),
)
async def test_only_what_was_planned_is_sent_whatever_fails(
    crashes: list[int],
    faults: list[tuple[str, Unavailable | OutcomeUnknown]],
    outages: list[str],
    edits: list[tuple[int, int]],
) -> None:
    world = World(kimai={"delete_policy": "delete"})
    for number in range(1, BOOKINGS + 1):
        world.tickets.book(number)
    await world.sync()
    world.an_hour_later()
    del world.tickets.rows[1]
    world.tickets.edit(2, time_unit=Decimal(30))
    world.tickets.book(BOOKINGS + 1)
    plan = await world.plan()
    planned = {told(row.request) for row in await world.rows_of(plan) if row.request}
    assert len(planned) == 3
    for name, error in faults:
        # a request that was applied is never answered with "not applied"
        honest = error if name.endswith("before") else OutcomeUnknown("kimai", "timed out")
        world.perils.failing.setdefault(name, []).append(honest)
    for name in outages:
        world.perils.failing.setdefault(name, []).append(Unavailable("postgresql", "restarting"))
    head, again = await world.store.head(), False
    for index, point in enumerate([*crashes, 10_000]):
        again = await dies_at(world, plan, point, again=again)
        if index < len(edits):
            number, units = edits[index]
            if number in world.tickets.rows:
                world.tickets.edit(number, time_unit=Decimal(units))
    assert set(await sent(world, since=head)) <= planned
    world.perils.failing.clear()
    await world.sync()
    await world.sync()
    marks = Counter(sheet.description.split()[-1] for sheet in world.kimai.sheets.values())
    assert set(marks.values()) <= {1}
    assert len(marks) == len(world.tickets.rows) == BOOKINGS
    writes = world.kimai.writes
    await world.sync()
    assert world.kimai.writes == writes


async def dies_at(world: World, plan: Plan, point: int, *, again: bool) -> bool:
    """Whether the plan's run died there, so that the next try goes on with the same one."""
    world.perils.reached, world.perils.crash_at = 0, point
    try:
        await (world.resume() if again else world.apply(plan))
    except Unavailable:
        return True  # the database took not even the end of the run
    except BaseException as error:
        if not crashed(error):
            raise
        return True
    finally:
        world.perils.dead, world.perils.crash_at = False, None
    return False

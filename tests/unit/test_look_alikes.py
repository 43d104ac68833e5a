"""What is in Kimai already is found whenever a booking is about to get its first timesheet."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from domain.errors import Unavailable
from domain.ids import entry_id
from domain.plan.values import Action
from domain.ports.ticket_system import UnreadableEntry
from domain.rules.marker import marker
from domain.sync.limits import LIMITS
from domain.time_entry.standing import EntryState
from domain.time_entry.taking_over import suggested as suggested_in
from domain.time_entry.values import ReasonCode
from tests.property.test_sync_faults import dies_at
from tests.support.bookings import LOG_TAG, ZAMMAD, configuration
from tests.support.peers import NOON, World
from tests.unit.test_adoption import put

DAY = timedelta(days=1)
ALIKE = "VPN again, #10050"


async def used() -> World:
    """A world whose first run has ended well, with a booking of that time."""
    world = World()
    world.tickets.book(1, ticket_id=51)
    assert (await world.sync()).state == "completed"
    world.an_hour_later()
    world.kimai.listed.clear()
    return world


async def suggested(world: World, source_id: int) -> tuple[int, ...]:
    return suggested_in(await world.entry(source_id))


async def test_a_booking_without_mapping_in_the_first_run_is_held_against_them_later() -> None:
    world = World()
    mapped, world.configuration = world.configuration, configuration(projects=())
    world.tickets.book(9)
    put(world, 500, ALIKE)
    await world.sync()
    world.configuration = mapped
    world.an_hour_later()
    assert (await world.sync()).counters.created == 0
    assert await suggested(world, 9) == (500,)


async def test_so_is_one_of_a_day_that_the_first_run_was_not_meant_for() -> None:
    world = World()
    world.tickets.book(9)
    put(world, 500, ALIKE)
    await world.sync(start_date=date(2026, 7, 2))
    world.an_hour_later()
    await world.sync()
    assert await suggested(world, 9) == (500,)


async def test_so_is_one_that_was_made_when_everything_was_linked_long_ago() -> None:
    world = await used()
    world.tickets.book(9)
    put(world, 500, ALIKE)
    await world.sync()
    assert await suggested(world, 9) == (500,)
    assert (await world.entry(9)).standing.timesheet_id is None


async def test_a_correction_does_not_hide_the_amount_that_was_booked_by_hand() -> None:
    for by_hand in (60, 40):
        world = await used()
        world.tickets.book(9, time_unit=Decimal(60))
        world.tickets.book(10, time_unit=Decimal(-20))
        put(world, 500, ALIKE, duration=timedelta(minutes=by_hand))
        await world.sync()
        assert await suggested(world, 9) == (500,), by_hand


async def test_a_plan_shows_it_and_writes_nothing() -> None:
    world = await used()
    world.tickets.book(9)
    put(world, 500, ALIKE)
    plan = await world.plan()
    (row,) = await world.rows_of(plan)
    assert (row.action, row.reason) == (Action.CONFLICT, ReasonCode.DUPLICATE)
    await world.apply(plan)
    world.an_hour_later()
    await world.sync()
    assert world.kimai.writes == 1, "the one of the first run"


async def test_a_marker_links_in_later_runs_too() -> None:
    """A ledger from an older backup, and a row that the first run could not read."""
    ours = marker(LOG_TAG, entry_id(ZAMMAD, 9))
    for text in (f"VPN\n{ours}", "ZAM:T50|TA:9"):
        world = World()
        world.tickets.book(1, ticket_id=51)
        world.tickets.rows[9] = UnreadableEntry(
            source_id=9, ticket_id=50, updated_at=NOON, fields=("time_unit",)
        )
        before = put(world, 500, text)
        await world.sync()
        world.an_hour_later()
        world.tickets.book(9, updated_at=NOON + DAY)
        await world.sync()
        state = await world.entry(9)
        assert (state.standing.state, state.standing.timesheet_id) == (EntryState.SYNCED, 500)
        assert world.kimai.sheets[500] == before


async def test_a_timesheet_of_ours_is_not_taken_for_somebody_elses() -> None:
    world = await used()
    world.tickets.book(8)
    await world.sync()
    world.an_hour_later()
    world.kimai.edit(2, description=ALIKE)  # somebody removed our marker
    world.tickets.book(9)
    assert (await world.sync()).counters.created == 1


async def test_each_day_is_listed_once_and_only_for_what_is_created() -> None:
    world = await used()
    world.limits = replace(LIMITS, chunk=10, first_chunk=10)
    for source_id in range(2, 60):
        world.tickets.book(source_id)
    before = world.kimai.requests
    assert (await world.sync()).counters.created == 58
    assert len(world.kimai.listed) == 1
    assert world.kimai.requests - before == 58 + 4  # who we are, the tag, the day, the poll
    world.an_hour_later()
    world.tickets.edit(2, time_unit=Decimal(30))
    await world.sync()
    world.an_hour_later()
    await world.sync()
    assert len(world.kimai.listed) == 1


async def test_days_that_lie_far_apart_are_listed_apart() -> None:
    world = await used()
    for source_id, ago in ((2, 0), (3, 20), (4, 900)):
        booked = NOON - ago * DAY
        world.tickets.book(source_id, created_at=booked, updated_at=NOON + DAY)
    await world.sync()
    assert [begin.date() for begin in world.kimai.listed] == [
        (NOON - 901 * DAY).date(),
        (NOON - 21 * DAY).date(),
    ]


async def test_nothing_is_created_while_kimai_does_not_say_what_it_holds() -> None:
    world = await used()
    world.tickets.book(9)
    put(world, 500, ALIKE)
    world.perils.failing["kimai:listing"] = [Unavailable("kimai", "down")]
    assert (await world.sync()).state == "failed"
    world.an_hour_later()
    await world.sync()
    assert await suggested(world, 9) == (500,)
    assert len(world.kimai.sheets) == 2


async def test_a_crash_at_any_point_creates_nothing_beside_them() -> None:
    point, finished = 0, False
    while not finished:
        point += 1
        world = await used()
        for source_id in (8, 9):
            world.tickets.book(source_id)
        world.tickets.book(10, time_unit=Decimal(-5), created_by_id=77)
        world.tickets.book(11, ticket_id=52)
        put(world, 500, ALIKE)
        finished = not await dies_at(world, point)
        world.an_hour_later()
        world.limits = replace(LIMITS, request_limit=timedelta(0))
        if not finished:
            await world.resume()
        assert len(world.kimai.sheets) == 3, point  # of the first run, by hand, of ticket 52
        for source_id in (8, 9):
            assert await suggested(world, source_id) == (500,), point
    assert point > 10

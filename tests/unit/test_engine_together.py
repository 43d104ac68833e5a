"""Where adoption, netting, stacked days, plans and limited runs meet: each alone was right."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from domain.errors import Misconfigured, Rejected
from domain.ids import entry_id
from domain.time_entry.values import ReasonCode
from tests.support.bookings import ZAMMAD
from tests.support.peers import NOON, World
from tests.unit.test_adoption import put
from tests.unit.test_stacked_days import no_two_overlap, stacked

MINUTE = timedelta(minutes=1)


def minutes(world: World) -> dict[int, int]:
    return {number: sheet.duration // MINUTE for number, sheet in world.kimai.sheets.items()}


async def test_a_plan_taken_up_again_deletes_nothing_that_it_did_not_show() -> None:
    world = World(kimai={"delete_policy": "delete", "delete_limit": 1, "delete_limit_percent": 0})
    for number in range(1, 11):
        world.tickets.book(number)
    await world.sync()
    world.an_hour_later()
    for number in range(1, 11):
        world.tickets.edit(number, time_unit=Decimal(20))
    plan = await world.plan()
    world.perils.failing["kimai:update:before"] = [Misconfigured("kimai", "401")]
    world.limits = replace(world.limits, writers=1, ahead=0)
    await world.apply(plan)
    world.an_hour_later()
    world.tickets.rows.clear()  # an accident in Zammad
    await world.apply(plan)
    world.an_hour_later()
    await world.sync()
    assert len(world.kimai.sheets) == 10


async def test_a_look_alike_beside_a_correction_is_a_suggestion_too() -> None:
    world = World()
    world.tickets.book(9)
    world.tickets.book(10, time_unit=Decimal(-5), created_by_id=77)  # somebody else's
    put(world, 500, "VPN 10050")
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.DUPLICATE
    assert len(world.kimai.sheets) == 1


async def test_a_run_for_one_booking_nets_its_group_whole() -> None:
    for change, left in (({"time_unit": Decimal(10)}, 50), ({"ticket_id": 51}, 70)):
        world = World()
        for number, amount in ((1, 60), (2, 30), (3, -20)):
            world.tickets.book(number, time_unit=Decimal(amount))
        await world.sync()
        world.an_hour_later()
        world.tickets.edit(2, **change)
        await world.sync(entry_ids=(entry_id(ZAMMAD, 2),))
        for _ in range(2):
            world.clock.advance(timedelta(hours=25))
            await world.sync()
        assert sum(minutes(world).values()) == left, change


async def test_a_copy_of_an_adopted_record_out_of_range_fails_no_run() -> None:
    world = World()
    world.tickets.book(9)
    world.tickets.book(10, time_unit=Decimal(-5), created_by_id=77)
    put(world, 500, "ZAM:T50|TA:9 VPN")
    await world.sync(start_date=date(2026, 7, 2))
    world.an_hour_later()
    world.kimai.duplicate(500)
    for _ in range(2):
        assert (await world.sync(start_date=date(2026, 7, 2))).state == "completed"
        world.an_hour_later()


async def test_what_is_adopted_is_in_the_way_of_what_is_stacked() -> None:
    world = World(zammad=stacked())
    world.tickets.book(8)
    world.tickets.book(9)
    put(world, 500, "ZAM:T50|TA:9 VPN", begin=NOON.replace(hour=7))
    await world.sync()
    no_two_overlap(world)


async def test_a_timesheet_that_kimai_locks_is_not_told_to_be_shortened() -> None:
    world = World()
    world.tickets.book(1, time_unit=Decimal(60))
    await world.sync()
    world.an_hour_later()
    later = NOON + timedelta(days=2, hours=1)
    world.tickets.book(
        2, time_unit=Decimal(-20), created_at=NOON + timedelta(hours=2), updated_at=later
    )
    world.perils.failing["kimai:update:before"] = [Rejected("kimai", "locked", status=400)]
    for _ in range(3):
        await world.sync()
        world.an_hour_later()
        assert (await world.entry(2)).standing.conflict is ReasonCode.NEGATIVE_TIME
    assert minutes(world) == {1: 60}

"""Where adoption, netting, stacked days, plans and limited runs meet: each alone was right."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from domain.errors import Misconfigured, Rejected
from domain.ids import entry_id
from domain.time_entry.standing import EntryState
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


# --- what was in Kimai before us, on a ticket with corrections


@pytest.mark.parametrize("correction_first", [True, False])
@pytest.mark.parametrize(
    ("lasting", "conflict"),
    [(40, None), (60, ReasonCode.TIME_MISMATCH), (90, ReasonCode.TIME_MISMATCH)],
)
async def test_taking_over_shortens_nothing_whatever_was_corrected(
    lasting: int,
    conflict: ReasonCode | None,
    correction_first: bool,
) -> None:
    world = World()
    world.limits = replace(world.limits, chunk=1, first_chunk=1)
    late, early = NOON + timedelta(hours=9), NOON + timedelta(hours=8)
    world.tickets.book(9, time_unit=Decimal(60), updated_at=early if correction_first else late)
    world.tickets.book(10, time_unit=Decimal(-20), updated_at=late if correction_first else early)
    before = put(world, 500, "ZAM:T50|TA:9 VPN", duration=lasting * MINUTE)
    for _ in range(3):
        await world.sync()
        world.an_hour_later()
        state = await world.entry(9)
        assert (state.standing.timesheet_id, state.standing.conflict) == (500, conflict)
        assert world.kimai.sheets == {500: before}


async def test_a_correction_that_comes_later_is_a_change_like_any_other() -> None:
    for lasting, number in ((60, 10), (40, 11)):
        world = World()
        world.tickets.book(9, time_unit=Decimal(60))
        if number == 11:
            world.tickets.book(10, time_unit=Decimal(-20))
        put(world, 500, "ZAM:T50|TA:9 VPN", duration=lasting * MINUTE)
        await world.sync()
        world.an_hour_later()
        world.tickets.book(number, time_unit=Decimal(-15), updated_at=NOON + timedelta(days=2))
        run = await world.sync()
        assert (run.counters.updated, run.counters.conflicts) == (1, 0)
        assert minutes(world) == {500: lasting - 15}
        world.an_hour_later()
        assert (await world.sync()).counters.updated == 0


async def test_what_is_found_in_a_later_run_is_not_shortened_either() -> None:
    world = World()
    world.tickets.book(1, ticket_id=51)
    await world.sync()
    world.an_hour_later()
    world.tickets.book(9, time_unit=Decimal(60))
    world.tickets.book(10, time_unit=Decimal(-20))
    before = put(world, 500, "ZAM:T50|TA:9 VPN", duration=60 * MINUTE)
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.TIME_MISMATCH
    assert world.kimai.sheets[500] == before


async def test_what_is_adopted_out_of_range_beside_a_correction_is_at_rest() -> None:
    world = World()
    world.tickets.book(9)
    world.tickets.book(10, time_unit=Decimal(-5), created_by_id=77)  # somebody else's
    before = put(world, 500, "ZAM:T50|TA:9 VPN")
    await world.sync(start_date=date(2026, 7, 2))
    assert (await world.entry(9)).standing.state is EntryState.SYNCED
    assert world.kimai.sheets == {500: before}


async def test_a_further_correction_does_not_answer_for_a_person() -> None:
    world = World()
    world.tickets.book(9, time_unit=Decimal(60))
    before = put(world, 500, "ZAM:T50|TA:9 VPN", duration=90 * MINUTE)
    await world.sync()
    world.an_hour_later()
    world.tickets.book(10, time_unit=Decimal(-15), updated_at=NOON + timedelta(days=2))
    await world.sync()
    state = await world.entry(9)
    assert world.kimai.sheets == {500: before}
    assert state.conflict is not None
    assert "asks for 0:45" in state.conflict.detail

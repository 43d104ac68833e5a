"""Tickets that change hands while their bookings say nothing of it. Peers in memory."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from domain.errors import Rejected, Unavailable
from domain.ids import MappingId
from domain.time_entry.standing import EntryState
from domain.time_entry.values import ReasonCode
from tests.support.bookings import project_mapping
from tests.support.peers import World

AWESOME, OTHER = 3, 99  # organisations


@pytest.fixture
def world() -> World:
    """Each organisation has a project of its own."""
    theirs = replace(
        project_mapping(), mapping_id=MappingId(9), source_id=OTHER, kimai_project_id=2
    )
    return World(projects=(project_mapping(), theirs))


async def test_a_ticket_that_moves_takes_its_timesheets_along(world: World) -> None:
    world.tickets.book(8)
    world.tickets.book(9, ticket_id=51)
    await world.sync()
    world.an_hour_later()
    world.tickets.move(50, OTHER, at=world.clock.now())
    world.an_hour_later()
    run = await world.sync()
    assert (run.state, run.counters.updated) == ("completed", 1)
    assert [sheet.project_id for sheet in world.kimai.sheets.values()] == [2, 1]
    assert (await world.types(8)).count("EntryChangedAtSource") == 1
    assert "EntryChangedAtSource" not in await world.types(9)
    head = await world.store.head()
    await world.sync()
    assert [e.stream for e in await world.store.page(head, 100)] == ["sync-run-3"] * 3


async def test_a_ticket_that_is_only_talked_about_changes_nothing(world: World) -> None:
    world.tickets.book(9)
    await world.sync()
    world.an_hour_later()
    world.tickets.touched[50] = world.clock.now()
    before = await world.types(9)
    await world.sync()
    assert await world.types(9) == before


async def test_a_move_and_an_edit_are_one_change(world: World) -> None:
    world.tickets.book(9)
    await world.sync()
    world.an_hour_later()
    world.tickets.move(50, OTHER, at=world.clock.now())
    world.tickets.edit(9, time_unit=Decimal(30))
    await world.sync()
    (sheet,) = world.kimai.sheets.values()
    assert (sheet.project_id, sheet.duration) == (2, timedelta(minutes=30))
    assert (await world.types(9)).count("EntryChangedAtSource") == 1


async def test_a_move_after_the_export_asks_a_person(world: World) -> None:
    world.tickets.book(9)
    await world.sync()
    world.an_hour_later()
    (timesheet_id,) = world.kimai.sheets
    world.kimai.edit(timesheet_id, exported=True)
    world.tickets.move(50, OTHER, at=world.clock.now())
    await world.sync()
    assert world.kimai.sheets[timesheet_id].project_id == 1
    assert (await world.entry(9)).standing.conflict is ReasonCode.SOURCE_CHANGED_AFTER_EXPORT


async def test_a_ticket_merged_into_one_of_another_project_asks_a_person(world: World) -> None:
    world.tickets.book(9)
    await world.sync()
    world.an_hour_later()
    world.tickets.merged[50] = 61
    world.tickets.customers[61] = OTHER
    world.tickets.touched[50] = world.clock.now()
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.TICKET_MERGED
    world.tickets.move(61, AWESOME, at=world.clock.now())
    world.tickets.touched[50] = world.clock.now()
    await world.sync()
    assert (await world.entry(9)).standing.state is EntryState.SYNCED
    assert world.kimai.writes == 1, "the time stays where it was"


async def test_a_move_is_noticed_without_the_list_over_all_tickets(world: World) -> None:
    world.tickets.lists_all = False
    world.tickets.book(9)
    await world.sync()
    world.an_hour_later()
    world.tickets.move(50, OTHER, at=world.clock.now())
    await world.sync()
    assert [sheet.project_id for sheet in world.kimai.sheets.values()] == [2]


async def test_a_failed_run_looks_at_the_same_tickets_again(world: World) -> None:
    world.tickets.book(9)
    await world.sync()
    world.an_hour_later()
    world.tickets.move(50, OTHER, at=world.clock.now())
    world.perils.failing["zammad:tickets"] = [Unavailable("zammad", "no answer")]
    assert (await world.sync()).state == "failed"
    world.an_hour_later()
    await world.sync()
    assert [sheet.project_id for sheet in world.kimai.sheets.values()] == [2]


async def test_a_token_that_may_not_search_tickets_still_carries_bookings(world: World) -> None:
    world.tickets.book(9)
    await world.sync()
    world.tickets.edit(9, time_unit=Decimal(30))
    world.perils.failing["zammad:search"] = [Rejected("zammad", "403", status=403)]
    assert (await world.sync()).counters.updated == 1

"""A look at some tickets: a run that reads their bookings and nothing else of Zammad."""

from datetime import timedelta
from decimal import Decimal

import pytest

from domain.errors import Rejected
from domain.ids import run_stream
from domain.sync_run.events import SyncRunFailed
from domain.time_entry.standing import EntryState
from tests.support.peers import World


@pytest.fixture
async def world() -> World:
    """Bookings 1 and 2 on ticket 50, 3 on ticket 51, all carried across."""
    made = World(kimai={"delete_policy": "delete"})
    for source_id, ticket in ((1, 50), (2, 50), (3, 51)):
        made.tickets.book(source_id, ticket_id=ticket)
    await made.sync()
    made.an_hour_later()
    await made.sync()
    made.an_hour_later()
    return made


async def test_a_new_booking_is_seen_with_one_list(world: World) -> None:
    world.tickets.book(4, ticket_id=50)
    world.tickets.book(5, ticket_id=51)
    world.tickets.requests = world.kimai.requests = 0
    run = await world.sync(ticket_ids=(50,))
    assert (run.state, run.counters.created, run.counters.fetched) == ("completed", 1, 3)
    assert len(world.kimai.sheets) == 4, "the other ticket was not asked for"
    assert world.tickets.requests <= 4  # the list, the ticket, the person, the types
    assert (await world.sync()).counters.created == 1


async def test_a_look_leaves_everything_as_far_known_as_it_was(world: World) -> None:
    before = await world.known.watermark(world.configuration.source)
    world.tickets.book(4, ticket_id=50)
    world.tickets.book(5, ticket_id=51)
    await world.sync(ticket_ids=(50,))
    await world.known.wait_for(0)
    assert await world.known.watermark(world.configuration.source) == before
    assert before is not None


async def test_an_edit_and_a_deletion_are_seen(world: World) -> None:
    world.tickets.edit(1, time_unit=Decimal(40))
    del world.tickets.rows[2]
    del world.tickets.rows[3]
    run = await world.sync(ticket_ids=(50,))
    assert (run.state, run.counters.updated, run.counters.deleted) == ("completed", 1, 1)
    assert (await world.entry(2)).standing.state is EntryState.WITHDRAWN
    assert (await world.entry(3)).standing.state is EntryState.SYNCED, "not asked for"
    await world.sync(ticket_ids=(51,))
    assert (await world.entry(3)).standing.state is EntryState.WITHDRAWN


async def test_a_ticket_that_changed_hands_or_was_merged_is_seen(world: World) -> None:
    world.tickets.merged[50] = 99
    await world.sync(ticket_ids=(50,))
    seen = (await world.entry(1)).context
    assert seen is not None
    assert seen.survivor is not None
    assert seen.survivor.ticket_id == 99
    other = (await world.entry(3)).context
    assert other is not None
    assert other.survivor is None
    world.tickets.move(51, 4, at=world.clock.now())
    await world.sync(ticket_ids=(51,))
    moved = (await world.entry(3)).context
    assert moved is not None
    assert moved.organization_id == 4


async def test_a_correction_is_netted_on_its_ticket(world: World) -> None:
    world.tickets.book(4, ticket_id=50, time_unit=Decimal(-5))
    await world.sync(ticket_ids=(50,))
    lengths = sorted(sheet.duration for sheet in world.kimai.sheets.values())
    assert lengths == [timedelta(minutes=10), timedelta(minutes=15), timedelta(minutes=15)]


async def test_one_ticket_that_may_not_be_read_says_so_and_hinders_no_other(world: World) -> None:
    world.tickets.book(4, ticket_id=50)
    world.tickets.hidden_tickets.add(51)
    run = await world.sync(ticket_ids=(50, 51))
    assert (run.state, run.counters.created) == ("failed", 1)
    history = await world.store.read(run_stream(run.run_id))
    (failed,) = [each for each in history.events if isinstance(each, SyncRunFailed)]
    assert failed.ticket_ids == (51,)
    assert (await world.entry(3)).standing.state is EntryState.SYNCED


async def test_a_run_of_everything_that_fails_is_no_look(world: World) -> None:
    """What it could not look at are tickets, too, but no delivery asked for it: it is told of."""
    world.tickets.book(4, ticket_id=50, article_id=89)
    world.perils.failing["zammad:articles"] = [Rejected("zammad", "403", status=403)]
    run = await world.sync()
    assert run.state == "failed"
    history = await world.store.read(run_stream(run.run_id))
    (failed,) = [each for each in history.events if isinstance(each, SyncRunFailed)]
    assert failed.ticket_ids == ()
    assert "ticket" in failed.error.lower()


async def test_what_waits_on_the_ticket_is_decided_again(world: World) -> None:
    held = World(activities=())
    for source_id, ticket in ((1, 50), (3, 51)):
        held.tickets.book(source_id, ticket_id=ticket)
    await held.sync()
    assert held.kimai.sheets == {}
    held.configuration = world.configuration
    run = await held.sync(ticket_ids=(50,))
    assert (run.state, run.counters.created) == ("completed", 1)
    assert (await held.entry(3)).standing.state is EntryState.CONFLICT


async def test_the_very_first_look_writes_nothing_twice() -> None:
    world = World()
    world.tickets.book(1, ticket_id=50)
    world.tickets.book(2, ticket_id=51)
    await world.sync(ticket_ids=(50,))
    assert len(world.kimai.sheets) == 1
    assert (await world.sync()).counters.created == 1
    assert len(world.kimai.sheets) == 2


async def test_an_empty_ticket_and_an_unknown_one_are_no_reason_to_fail(world: World) -> None:
    run = await world.sync(ticket_ids=(52, 7))
    assert (run.state, run.counters.fetched) == ("completed", 0)


async def test_a_look_is_owed_to_those_who_asked_for_it(world: World) -> None:
    run = await world.sync(ticket_ids=(50,))
    assert run.is_owed
    assert run.is_partial
    assert not (await world.sync()).is_partial

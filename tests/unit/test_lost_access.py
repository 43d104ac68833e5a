"""A token that loses access to much is one finding, in a bounded number of requests."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.sync_run.events import SyncRunCompleted
from domain.time_entry.causes import RefusalCause
from domain.time_entry.standing import EntryState
from domain.time_entry.values import ReasonCode
from tests.support.bookings import configuration
from tests.support.peers import World

COUNT, MOST = 40, 4
DAY = timedelta(hours=24)


@pytest.fixture
async def world() -> World:
    """Bookings 1 to 40 written as timesheets, looked at once."""
    world = World()
    world.limits = replace(world.limits, lost_together=MOST)
    for source_id in range(1, COUNT + 1):
        world.tickets.book(source_id)
    await world.sync()
    world.an_hour_later()
    await world.sync()
    world.an_hour_later()
    return world


async def remark_of_a_listing(world: World) -> str:
    """What a run says that lists everything; its requests to Kimai are counted anew."""
    world.clock.advance(DAY)
    world.kimai.requests = 0
    assert (await world.sync()).state == "completed"
    page = await world.store.page(0, 10_000)
    completed = [each.event for each in page if isinstance(each.event, SyncRunCompleted)]
    return completed[-1].remark or ""


async def reasons(world: World) -> list[ReasonCode | None]:
    return [(await world.entry(each)).standing.conflict for each in range(1, COUNT + 1)]


def timesheets(world: World, of: Callable[[int], bool]) -> set[int]:
    """Those of the bookings that `of` chooses."""
    return {number for number in world.kimai.sheets if of(number)}


async def test_what_cannot_be_read_at_all_is_one_finding(world: World) -> None:
    before = {each: await world.entry(each) for each in range(1, COUNT + 1)}
    world.kimai.barred |= set(world.kimai.sheets)
    told = await remark_of_a_listing(world)
    assert f"does not list {COUNT} of our timesheets" in told
    assert "do not count as deleted" in told
    assert world.kimai.requests <= 2 + 2 * MOST
    assert {each: await world.entry(each) for each in before} == before
    assert "of our timesheets" in await remark_of_a_listing(world), "it is said until it is mended"
    world.kimai.barred.clear()
    world.kimai.edit(7, project_id=77)
    assert await remark_of_a_listing(world) == ""
    assert await reasons(world) == [
        ReasonCode.TARGET_EDITED if each == 7 else None for each in range(1, COUNT + 1)
    ]


async def test_a_few_are_a_conflict_each(world: World) -> None:
    barred = sorted(world.kimai.sheets)[: MOST - 1]
    world.kimai.barred |= set(barred)
    assert await remark_of_a_listing(world) == ""
    assert (await reasons(world)).count(ReasonCode.PEER_REJECTED) == len(barred)
    held = [(await world.entry(each)).conflict for each in range(1, COUNT + 1)]
    assert [each.cause for each in held if each] == [RefusalCause.TIMESHEET_NOT_SHOWN] * len(barred)
    world.kimai.barred.clear()
    await remark_of_a_listing(world)
    assert {(await world.entry(each)).standing.state for each in range(1, COUNT + 1)} == {
        EntryState.SYNCED
    }


async def test_what_was_deleted_among_them_is_found_in_time(world: World) -> None:
    """Half of it is gone: the share that a run asks for comes from all over."""
    gone = timesheets(world, lambda number: number <= COUNT // 2)
    world.kimai.barred |= set(world.kimai.sheets) - gone
    for number in gone:
        del world.kimai.sheets[number]
    assert "lost access" in await remark_of_a_listing(world)
    first = (await reasons(world)).count(ReasonCode.TARGET_DELETED)
    assert first > 0
    for _ in range(COUNT):
        await remark_of_a_listing(world)
    found = await reasons(world)
    assert found == [ReasonCode.TARGET_DELETED] * len(gone) + [None] * (COUNT - len(gone))


async def test_a_duplicate_that_may_not_be_read_any_more_stays_one(world: World) -> None:
    copy = world.kimai.duplicate(1)
    await world.sync()
    held = await world.entry(1)
    assert held.standing.conflict is ReasonCode.DUPLICATE
    world.kimai.barred.add(copy)
    assert await remark_of_a_listing(world) == ""
    assert await world.entry(1) == held


async def test_many_unreadable_tickets_are_not_asked_for_each(world: World) -> None:
    hidden = range(1_000, 1_000 + COUNT)
    for ticket in hidden:
        world.tickets.book(ticket, ticket_id=ticket, article_id=89)
    world.tickets.hidden_tickets |= set(hidden)
    world.tickets.requests = 0
    await world.sync()
    few = world.tickets.requests
    assert few <= 12
    parked = [await world.entry(each) for each in hidden]
    assert {each.standing.conflict for each in parked} == {ReasonCode.TICKET_UNREADABLE}
    world.an_hour_later()
    world.tickets.requests = 0
    await world.sync()
    assert world.tickets.requests <= few
    assert [await world.entry(each) for each in hidden] == parked
    world.configuration = configuration(kimai={"default_activity_id": 5})
    world.tickets.asked_for.clear()
    await world.sync()
    assert world.tickets.asked_for == []
    world.tickets.hidden_tickets -= set(hidden)
    await world.sync()
    assert {(await world.entry(each)).standing.state for each in hidden} == {EntryState.SYNCED}

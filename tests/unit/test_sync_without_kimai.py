"""A Kimai that does not answer keeps a run from what needs it, and from nothing else."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from domain.errors import TokenRefused, Unavailable
from domain.event import Actor, Metadata
from domain.handling import handle
from domain.ids import entry_id, entry_stream
from domain.sync.tally import EVERY, Tally
from domain.sync_run.events import Counters, SyncRunCompleted
from domain.time_entry.commands import Retry
from domain.time_entry.decide import TIME_ENTRY
from domain.time_entry.standing import EntryState
from domain.time_entry.values import ReasonCode
from tests.support.bookings import ZAMMAD
from tests.support.peers import World

GONE = [Unavailable("kimai", "no connection") for _ in range(99)]
EVERYTHING = ("identity", "tag", "get", "find", "users", "modified", "listing", "create:before")


@pytest.fixture
async def world() -> World:
    """With one booking that was carried across an hour ago."""
    world = World()
    world.tickets.book(9)
    await world.sync()
    world.an_hour_later()
    return world


def kimai_falls_over(world: World) -> None:
    for name in EVERYTHING:
        world.perils.failing[f"kimai:{name}"] = [*GONE]


async def completed(world: World) -> SyncRunCompleted:
    page = await world.store.page(0, 10_000)
    return [each.event for each in page if isinstance(each.event, SyncRunCompleted)][-1]


async def test_a_run_with_nothing_to_write_ends_well_and_says_what_it_did_not_see(
    world: World,
) -> None:
    before = await completed(world)
    kimai_falls_over(world)
    assert (await world.sync()).state == "completed"
    after = await completed(world)
    assert "Kimai was not looked at" in (after.remark or "")
    assert "no connection" in (after.remark or "")
    assert (after.target_watermark, after.target_listed_at) == (
        before.target_watermark,
        before.target_listed_at,
    )


async def test_what_changed_in_kimai_meanwhile_is_seen_by_the_next_run(world: World) -> None:
    world.kimai.edit(1, project_id=77)
    world.an_hour_later()
    kimai_falls_over(world)
    await world.sync()
    assert (await world.entry(9)).standing.state is EntryState.SYNCED
    world.perils.failing.clear()
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.TARGET_EDITED
    assert (await completed(world)).remark is None


async def test_a_run_with_something_to_write_fails(world: World) -> None:
    world.tickets.book(10)
    kimai_falls_over(world)
    run = await world.sync()
    assert (run.state, run.counters.failed) == ("failed", 1)
    world.perils.failing.clear()
    assert (await world.sync()).state == "completed"
    assert len(world.kimai.sheets) == 2


async def test_a_refused_token_is_never_done_without(world: World) -> None:
    world.perils.failing["kimai:modified"] = [TokenRefused("kimai", "401")]
    assert (await world.sync()).state == "failed"


async def test_people_who_cannot_be_found_out_about_wait_for_the_next_run() -> None:
    world = World(users={}, accept_email_matches=True)
    world.tickets.book(9)
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.USER_UNMAPPED
    kimai_falls_over(world)
    run = await world.sync()
    assert run.state == "completed"
    assert "People without a mapping" in ((await completed(world)).remark or "")
    assert (await world.entry(9)).standing.conflict is ReasonCode.USER_UNMAPPED


async def test_a_run_for_some_entries_leaves_the_others_and_moves_no_mark() -> None:
    world = World()
    for source_id in (1, 2, 3):
        world.tickets.book(source_id)
    world.perils.failing["kimai:create:before"] = [*GONE]
    await world.sync()
    world.perils.failing.clear()
    before = await completed(world)
    world.tickets.book(4)
    run = await world.sync(entry_ids=(entry_id(ZAMMAD, 2),))
    assert (run.state, run.counters.created, len(world.kimai.sheets)) == ("completed", 1, 1)
    assert (await world.entry(2)).standing.state is EntryState.SYNCED
    assert (await world.entry(3)).standing.state is EntryState.PENDING
    after = await completed(world)
    assert replace(after, run_id=before.run_id, counters=before.counters) == before
    await world.sync()
    assert len(world.kimai.sheets) == 4


async def test_a_retried_entry_is_decided_with_the_mapping_of_that_time() -> None:
    world = World()
    world.tickets.book(9)
    while (await _state(world)) is not EntryState.FAILED:
        world.perils.failing["kimai:create:before"] = [*GONE[:3]]
        await world.sync()
    world.perils.failing.clear()
    activity = next(iter(world.configuration.activities.values()))
    moved = replace(activity, kimai_activity_id=activity.kimai_activity_id + 1, version=2)
    mapped = dict.fromkeys(world.configuration.activities, moved)
    world.configuration = replace(world.configuration, activities=mapped)
    await _retry(world, 9)
    await world.sync(entry_ids=(entry_id(ZAMMAD, 9),))
    (sheet,) = world.kimai.sheets.values()
    assert sheet.activity_id == moved.kimai_activity_id
    assert (await world.entry(9)).attempts == 0


async def _state(world: World) -> EntryState | None:
    try:
        return (await world.entry(9)).standing.state
    except AssertionError:
        return None


async def _retry(world: World, source_id: int) -> None:
    await handle(
        world.store,
        TIME_ENTRY,
        entry_stream(entry_id(ZAMMAD, source_id)),
        Retry(),
        metadata=Metadata(actor=Actor(kind="user", name="alice"), correlation_id="retry"),
        now=world.clock.now(),
    )


async def test_progress_is_told_while_a_run_waits_and_only_when_there_is_news() -> None:
    world = World()
    told: list[tuple[str, int, int, Counters]] = []

    async def report(phase: str, done: int, total: int, counters: Counters) -> None:
        told.append((phase, done, total, counters))

    tally = Tally(clock=world.clock, report=report, last=world.clock.now())
    telling = asyncio.create_task(tally.keep_telling())
    try:
        tally.count("fetched", 3)
        tally.total = 2
        world.clock.advance(timedelta(seconds=2))
        await asyncio.sleep(1.2 * EVERY.total_seconds())
        assert told == [("discover", 0, 2, Counters(fetched=3))]
        world.clock.advance(timedelta(seconds=2))
        await asyncio.sleep(1.2 * EVERY.total_seconds())
        assert len(told) == 1
    finally:
        telling.cancel()


async def test_the_units_of_progress_are_counted(world: World) -> None:
    world.tickets.edit(9, time_unit=Decimal(30))
    world.tickets.book(10)
    run = await world.sync()
    counters = run.counters
    assert (counters.fetched, counters.decided) == (2, 2)
    assert (counters.created, counters.updated) == (1, 1)

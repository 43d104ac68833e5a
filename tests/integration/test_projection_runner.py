"""Exactly once: through crashes, beside other runners, and around events nobody can take."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import asyncpg
import pytest

from adapters.postgres import connecting, projection_runner
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.projection_runner import ProjectionRunner
from adapters.postgres.read_models import ReadModels
from domain import catalogue
from domain.errors import LedgerError
from domain.event import Event, Recorded
from domain.ids import EntryId
from domain.time_entry.events import EntryObserved
from projections import audit_log, time_entries, users
from projections.catalogue import ALL
from projections.projection import Projection, rows_after
from tests.support.believable import past
from tests.support.ledgers import postgres_ledger

BOOKINGS = 700  # about 2 900 events: three pages
KILLS = 5


@pytest.fixture
async def store(database: str) -> AsyncIterator[PostgresEventStore]:
    async with postgres_ledger(database, catalogue=catalogue.ALL) as opened:
        yield opened


@pytest.fixture
async def any_store(any_database: str) -> AsyncIterator[PostgresEventStore]:
    async with postgres_ledger(any_database, catalogue=catalogue.ALL) as opened:
        yield opened


async def fill(store: PostgresEventStore, bookings: int = BOOKINGS) -> Sequence[Recorded[Event]]:
    for answer in await store.append_many(list(past(bookings))):
        assert not isinstance(answer, LedgerError), answer
    return await store.page(0, 1_000_000)


async def expect_folds(
    store: PostgresEventStore,
    events: Sequence[Recorded[Event]],
    projections: Sequence[Projection[Any]] = ALL,
) -> None:
    views = ReadModels(store)
    for projection in projections:
        rows = {getattr(row, projection.key): row for row in await views.all_rows(projection)}
        assert rows == rows_after(projection, events)


async def test_a_killed_session_costs_nothing_and_repeats_nothing(
    any_store: PostgresEventStore, any_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projection_runner, "PAUSE", 0.01)
    monkeypatch.setattr(projection_runner, "PAGE", 100)
    events = await fill(any_store)
    runner = ProjectionRunner(any_store)
    killer = await asyncpg.connect(any_database)
    running = asyncio.create_task(runner.run())
    kills = 0
    while kills < KILLS and not await runner.wait_for(len(events), within=0.01):
        kills += await killer.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND backend_xid IS NOT NULL"
            "   AND pid <> pg_backend_pid()"
        )
    assert kills
    assert await runner.wait_for(len(events), within=60)
    running.cancel()
    await killer.close()
    await expect_folds(any_store, events)


async def test_a_transaction_that_fails_leaves_no_trace(
    store: PostgresEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = await fill(store, 300)
    runner = ProjectionRunner(store)
    advance = runner._step._advance

    async def torn(connection: Any, *arguments: Any) -> None:
        await advance(connection, *arguments)
        connection.terminate()

    monkeypatch.setattr(runner._step, "_advance", torn)
    with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
        await runner.catch_up()
    assert await store.pool.fetchval("SELECT count(*) FROM time_entries") == 0
    monkeypatch.undo()
    await runner.catch_up()
    await expect_folds(store, events)


@pytest.mark.parametrize("page", [1, 7, 100])
async def test_every_version_is_the_same_in_pages_of_any_size(
    store: PostgresEventStore, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    """A page is folded upon the one being stored; a rebuild takes one after the other."""
    monkeypatch.setattr(projection_runner, "PAGE", page)
    events = await fill(store, 60)
    runner = ProjectionRunner(store)
    await runner.catch_up()
    await expect_folds(store, events)
    monkeypatch.setattr(projection_runner, "PAGE", 1_000)
    for name in runner.names:
        assert (await runner.rebuild(name)).same, name


async def test_a_runner_forgets_what_another_moved_on_meanwhile(
    store: PostgresEventStore,
) -> None:
    """Also when its own next page does not touch that view."""
    ours, theirs = ProjectionRunner(store), ProjectionRunner(store)
    appends = list(past(3))
    run = [each for each in appends if each.stream == "sync-run-1"]
    others = [each for each in appends if each.stream != "sync-run-1"]
    assert len(run) > 2
    for runner, append in ((ours, run[0]), (theirs, run[1]), (ours, others[0]), (ours, run[2])):
        await store.append(append)
        await runner.catch_up()
    assert [status.error for status in await ours.status() if status.error] == []
    await expect_folds(store, await store.page(0, 1_000))


async def test_runners_side_by_side_from_far_behind(
    store: PostgresEventStore, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each folds pages that the other may have stored meanwhile."""
    monkeypatch.setattr(projection_runner, "PAGE", 50)
    events = await fill(store)
    async with postgres_ledger(database, catalogue=catalogue.ALL) as other:
        runners = [ProjectionRunner(store), ProjectionRunner(other), ProjectionRunner(other)]
        await asyncio.gather(*(runner.catch_up() for runner in runners))
    await expect_folds(store, events)
    for name in runners[0].names:
        assert (await runners[0].rebuild(name)).same, name


async def test_runners_side_by_side_share_the_work(
    store: PostgresEventStore, database: str
) -> None:
    async with postgres_ledger(database, catalogue=catalogue.ALL) as other:
        runners = [ProjectionRunner(store), ProjectionRunner(other), ProjectionRunner(other)]
        tasks = [asyncio.create_task(runner.run()) for runner in runners]
        events = await fill(store)
        for runner in runners:
            assert await runner.wait_for(len(events), within=60)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await expect_folds(store, events)


def refusing(projection: Projection[Any], at: int) -> tuple[Projection[Any], list[int]]:
    """The projection, but it cannot take the event at a position while that is in the list."""
    bad = [at]

    def project(row: Any, recorded: Recorded[Any]) -> Any:
        if recorded.position in bad:
            raise ZeroDivisionError("no such thing")
        return projection.project(row, recorded)

    return replace(projection, project=project), bad


async def test_a_projection_stops_before_the_event_it_cannot_take(
    store: PostgresEventStore,
) -> None:
    events = await fill(store)
    at = next(
        each.position
        for each in events
        if each.position > 1_500 and isinstance(each.event, EntryObserved)
    )
    entries, bad = refusing(time_entries.PROJECTION, at)
    runner = ProjectionRunner(store, [entries, audit_log.PROJECTION])
    await runner.catch_up()
    stopped, fine = await runner.status()
    assert (stopped.name, stopped.position, stopped.failed_at) == ("time_entries", at - 1, at)
    assert stopped.error == "ZeroDivisionError: no such thing"
    assert stopped.lag == len(events) - at + 1
    assert (fine.position, fine.error) == (len(events), None)
    assert not await runner.wait_for(at, within=5, names=["time_entries"])  # at once, not in 5 s
    assert await runner.wait_for(at - 1, within=5, names=["time_entries"])
    await expect_folds(store, events, [audit_log.PROJECTION])
    await expect_folds(store, events[: at - 1], [time_entries.PROJECTION])

    await runner.catch_up()  # it stays where it is, also for a new runner
    again = ProjectionRunner(store, [entries])
    await again.catch_up()
    assert (await again.status())[0].failed_at == at

    bad.clear()
    await runner.retry("time_entries")
    await runner.catch_up()
    assert (await runner.status())[0].error is None
    await expect_folds(store, events, [time_entries.PROJECTION, audit_log.PROJECTION])


async def test_a_retry_is_seen_by_a_running_runner(store: PostgresEventStore) -> None:
    events = await fill(store, 20)
    entries, bad = refusing(time_entries.PROJECTION, 25)
    running = asyncio.create_task(ProjectionRunner(store, [entries]).run())
    other = ProjectionRunner(store, [entries])
    while (await other.status())[0].failed_at is None:
        assert not await other.wait_for(len(events), within=0.02)
    bad.clear()
    await other.retry("time_entries")
    assert await other.wait_for(len(events), within=10)
    running.cancel()


async def test_a_runner_that_starts_tries_what_has_stopped(store: PostgresEventStore) -> None:
    events = await fill(store, 20)
    entries, bad = refusing(time_entries.PROJECTION, 25)
    before = ProjectionRunner(store, [entries])
    await before.catch_up()
    stopped = "the view time_entries stopped at event 25: see `timeledger views`"
    assert before.obstacle() == stopped
    bad.clear()
    running = asyncio.create_task(ProjectionRunner(store, [entries]).run())
    async with asyncio.timeout(10):
        while not await before.wait_for(len(events), within=0.02):
            await asyncio.wait({running}, timeout=0.02)
    running.cancel()
    await expect_folds(store, events, [time_entries.PROJECTION])


@pytest.mark.parametrize("page", [100, 1_000])
async def test_a_row_that_the_database_refuses_stops_only_its_view(
    store: PostgresEventStore, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    """The page is taken apart until the one event is found; all before it is kept."""
    monkeypatch.setattr(projection_runner, "PAGE", page)

    def project(row: Any, recorded: Recorded[Any]) -> Any:
        after = time_entries.project(row, recorded)
        return after and (replace(after, ticket_id=2**70) if recorded.position == 1_234 else after)

    events = await fill(store)
    entries = replace(time_entries.PROJECTION, project=project)
    runner = ProjectionRunner(store, [entries, users.PROJECTION])
    await runner.catch_up()
    stopped, fine = await runner.status()
    assert (stopped.position, stopped.failed_at) == (1_233, 1_234)
    assert "OverflowError" in str(stopped.error) or "DataError" in str(stopped.error)
    assert fine.lag == 0
    await expect_folds(store, events[:1_233], [time_entries.PROJECTION])


async def test_rows_changed_by_hand_stop_the_view_and_a_rebuild_mends_it(
    store: PostgresEventStore,
) -> None:
    events = await fill(store, 200)
    runner = ProjectionRunner(store)
    await runner.catch_up()
    await store.pool.execute("DELETE FROM time_entries WHERE entry_id = 10000000007")
    await store.pool.execute("UPDATE time_entries SET ticket_title = 'forged' WHERE version = 4")
    rebuilt = await runner.rebuild("time_entries")
    assert (rebuilt.position, rebuilt.same) == (len(events), False)
    assert (await runner.rebuild("time_entries")).same
    await expect_folds(store, events)


async def test_nobody_sees_a_half_rebuilt_view(store: PostgresEventStore) -> None:
    events = await fill(store)
    runner = ProjectionRunner(store)
    await runner.catch_up()
    rebuilding = asyncio.create_task(runner.rebuild("time_entries"))
    counts = set()
    while not rebuilding.done():
        counts.add(await store.pool.fetchval("SELECT count(*) FROM time_entries"))
        await asyncio.sleep(0)
    assert len(counts) == 1
    assert (await rebuilding).same
    await expect_folds(store, events)


async def test_a_rebuild_may_take_longer_than_any_other_statement(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "COMMAND_TIMEOUT", 1.0)
    async with postgres_ledger(database, catalogue=catalogue.ALL) as store:
        await fill(store, 3)
        runner = ProjectionRunner(store)
        await runner.catch_up()
        other = await asyncpg.connect(database)
        async with other.transaction():
            await other.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
            rebuilding = asyncio.create_task(runner.rebuild("users"))
            await asyncio.sleep(2)
            assert not rebuilding.done()
        await other.close()
        assert (await rebuilding).same


async def test_another_version_of_a_projection_is_rebuilt_from_the_first_event(
    store: PostgresEventStore,
) -> None:
    events = await fill(store, 50)
    await ProjectionRunner(store).catch_up()

    def project(row: Any, recorded: Recorded[Any]) -> Any:
        after = time_entries.project(row, recorded)
        return after and replace(after, ticket_title="new")

    newer = replace(time_entries.PROJECTION, version=time_entries.VERSION + 1, project=project)
    runner = ProjectionRunner(store, [newer, *ALL[1:]])
    await runner.catch_up()
    titles = await store.pool.fetch("SELECT DISTINCT ticket_title FROM time_entries")
    assert [row[0] for row in titles] == ["new"]
    assert {status.position for status in await runner.status()} == {len(events)}


async def test_a_text_with_nul_becomes_readable(store: PostgresEventStore) -> None:
    events = await fill(store, 3)
    observed = next(each for each in events if isinstance(each.event, EntryObserved))
    assert isinstance(observed.event, EntryObserved)
    context = observed.event.context
    assert context is not None
    strange = replace(
        observed.event,
        entry_id=EntryId(10_000_000_099),
        context=replace(context, ticket_title="a\0b"),
    )
    appends = next(iter(past(1)))
    await store.append(replace(appends, stream="time-entry-10000000099", events=[strange]))
    runner = ProjectionRunner(store)
    await runner.catch_up()
    row = await ReadModels(store).entry(10_000_000_099)
    assert row is not None
    assert row.ticket_title == "a\N{REPLACEMENT CHARACTER}b"
    assert all(status.lag == 0 for status in await runner.status())
    assert (await runner.rebuild(time_entries.NAME)).same


async def test_waiting_ends_when_the_views_have_it(
    store: PostgresEventStore, database: str
) -> None:
    events = await fill(store, 20)
    runner = ProjectionRunner(store)
    assert not await runner.wait_for(1, within=0.05)
    async with postgres_ledger(database, catalogue=catalogue.ALL) as other:
        elsewhere = asyncio.create_task(ProjectionRunner(other).run())
        assert await runner.wait_for(len(events), within=10)  # another process did it
        running = asyncio.create_task(runner.run())
        for append in islice(past(1), 3, 5):
            position = (await store.append(append)).position
            assert await runner.wait_for(position, within=10)
        running.cancel()
        elsewhere.cancel()
        await asyncio.gather(running, elsewhere, return_exceptions=True)


async def test_old_checkpoints_are_thrown_away(
    store: PostgresEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projection_runner, "PAGE", 10)
    events = await fill(store, 200)
    await ProjectionRunner(store).catch_up()
    kept = await store.pool.fetch("SELECT projection, count(*) FROM checkpoint GROUP BY 1")
    assert len(kept) == len(ALL)
    assert max(row["count"] for row in kept) <= projection_runner.PRUNE_EVERY
    assert len(events) / 10 > projection_runner.PRUNE_EVERY

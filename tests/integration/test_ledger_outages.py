"""Servers restart, connections break, single events are poisoned: nothing lost, nothing twice."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncpg
import pytest

from adapters.postgres.appender import Appender
from adapters.postgres.connecting import connect
from adapters.postgres.event_store import PostgresEventStore
from domain.errors import LedgerError, StreamMovedOn, Unavailable, Unstorable
from domain.event import Append, Appended, Event, Recorded
from tests.support.example_events import Noted, noting
from tests.support.ledgers import postgres_ledger
from tests.support.postgres import DatabaseServer, debian_binaries

Connect = Callable[[], Awaitable[asyncpg.Connection]]


class Producer:
    """Appends 0, 1, 2 … to a stream of its own and believes only what it was answered."""

    def __init__(self, store: PostgresEventStore, stream: str, *, keyed: bool) -> None:
        self.stream = stream
        self.done = 0
        self._store = store
        self._keyed = keyed

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            n = self.done
            answer = await self._store.append(
                noting(
                    self.stream,
                    str(n),
                    expected=None if self._keyed else n,
                    key=f"{self.stream}:{n}" if self._keyed else None,
                )
            )
            assert answer.version == n + 1
            self.done += 1

    async def check(self) -> None:
        history = await self._store.read(self.stream)
        texts = [event.text for event in history.events if isinstance(event, Noted)]
        assert texts == [str(n) for n in range(self.done)]


async def append_through(dsn: str, disturb: Callable[[], Awaitable[None]]) -> None:
    """Producers and a subscriber at work while `disturb` happens."""
    async with postgres_ledger(dsn, patience=60) as store:
        producers = [Producer(store, f"note-{n}", keyed=n % 2 == 0) for n in range(8)]
        stop = asyncio.Event()
        seen: list[Recorded[Event]] = []
        total = 0  # not known before the end

        async def follow() -> None:
            async for page in store.subscribe(0):
                seen.extend(page)
                if len(seen) == total:
                    break

        follower = asyncio.create_task(follow())
        tasks = [asyncio.create_task(producer.run(stop)) for producer in producers]
        await asyncio.sleep(0.3)
        await disturb()
        before = sum(producer.done for producer in producers)
        await asyncio.sleep(0.5)
        stop.set()
        await asyncio.gather(*tasks)
        total = sum(producer.done for producer in producers) + 1
        await store.append(noting("note-end", "the end"))
        assert total > before + 1, "nothing was appended after the disturbance"
        for producer in producers:
            await producer.check()
        assert await store.head() == total
        assert (await store.verify()).ok
        await asyncio.wait_for(follower, timeout=10)
        assert [event.position for event in seen] == list(range(1, total + 1))


@pytest.mark.parametrize("release", ["embedded-18", "debian-15"])
def test_a_killed_server_loses_and_repeats_nothing(release: str) -> None:
    binaries = None if release == "embedded-18" else debian_binaries()
    if release == "debian-15" and binaries is None:
        pytest.skip("no PostgreSQL 15 or newer of Debian on this machine")
    # A server of its own, durable: those of the other tests may lose data in a crash.
    with DatabaseServer.running(binaries, settings={}) as server, server.database() as dsn:

        async def kill() -> None:
            await asyncio.to_thread(lambda: server.wait(server.server.restart()))

        asyncio.run(append_through(dsn, kill))


async def test_ended_sessions_lose_and_repeat_nothing(database: str) -> None:
    async def end_sessions() -> None:
        connection = await asyncpg.connect(database)
        for _ in range(10):
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            await asyncio.sleep(0.05)
        await connection.close()

    await append_through(database, end_sessions)


class LosingConnection:
    """A session whose next `lost` answers never arrive: the server did its work all the same."""

    lost = 0

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def fetchrow(self, query: str, *arguments: object) -> Any:
        row = await self._connection.fetchrow(query, *arguments)
        if LosingConnection.lost > 0:
            LosingConnection.lost -= 1
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle")
        return row

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@pytest.fixture
async def forgetful(
    database: str,
) -> AsyncIterator[
    tuple[PostgresEventStore, Callable[[Append], Awaitable[Appended | LedgerError]]]
]:
    """A store, and appending through sessions that lose answers."""

    async def losing() -> asyncpg.Connection:
        return cast("asyncpg.Connection", LosingConnection(await connect(database)))

    async with postgres_ledger(database) as store, appender(losing) as forgetting:

        async def append(command: Append) -> Appended | LedgerError:
            return await forgetting.line_up(store.codec.prepare(command))

        yield store, append
    LosingConnection.lost = 0


@asynccontextmanager
async def appender(session: Connect) -> AsyncIterator[Appender]:
    opened = Appender(session, 1, patience=5)
    yield opened
    await opened.close()


Forgetful = tuple[PostgresEventStore, Callable[[Append], Awaitable[Appended | LedgerError]]]


async def test_a_lost_answer_to_an_expected_version_is_our_own_success(
    forgetful: Forgetful,
) -> None:
    store, append = forgetful
    LosingConnection.lost = 3
    assert await append(noting("note-1", "a", "b", expected=0)) == Appended(position=2, version=2)
    assert await store.head() == 2


async def test_a_lost_answer_to_a_key_is_our_own_success(forgetful: Forgetful) -> None:
    store, append = forgetful
    await store.append(noting("note-1", "before"))
    LosingConnection.lost = 1
    answer = await append(noting("note-1", "a", "b", key="k"))
    assert answer == Appended(position=3, version=3)
    LosingConnection.lost = 1
    other = await append(noting("note-1", "other", key="k"))
    assert other == Appended(position=3, version=3, duplicate=True)
    assert await store.head() == 3


async def test_another_writers_event_is_a_conflict_after_a_lost_answer_too(
    forgetful: Forgetful,
) -> None:
    store, append = forgetful
    await store.append(noting("note-1", "theirs"))
    LosingConnection.lost = 1
    answer = await append(noting("note-1", "ours", expected=0))
    assert isinstance(answer, StreamMovedOn)
    assert await store.head() == 1


async def test_a_command_nobody_could_recognise_again_is_not_repeated(
    forgetful: Forgetful,
) -> None:
    store, append = forgetful
    LosingConnection.lost = 1
    assert isinstance(await append(noting("note-1", "a")), Unavailable)
    assert await store.head() == 1


async def test_a_poisoned_event_fails_alone(database: str) -> None:
    async with postgres_ledger(database) as store:
        owner = await asyncpg.connect(database)
        await owner.execute("""
            CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'division by zero, so to speak' USING ERRCODE = '22012'; END $$;
            CREATE TRIGGER poison BEFORE INSERT ON event FOR EACH ROW
                WHEN (NEW.data::text LIKE '%poison%') EXECUTE FUNCTION poison();
        """)
        await owner.close()
        texts = [f"poison {n}" if n in (3, 17, 18) else f"fine {n}" for n in range(40)]
        answers = await asyncio.gather(
            *(store.append(noting(f"note-{n}", text)) for n, text in enumerate(texts)),
            return_exceptions=True,
        )
        for text, answer in zip(texts, answers, strict=True):
            expected = Unstorable if text.startswith("poison") else Appended
            assert isinstance(answer, expected), (text, answer)
        assert await store.head() == 37
        assert (await store.verify()).ok


async def test_patience_ends(database: str) -> None:
    async def nobody() -> asyncpg.Connection:
        raise Unavailable("postgresql", "nobody answers")

    async with postgres_ledger(database) as store:
        opened = Appender(nobody, 1, patience=0.3)
        answer = await opened.line_up(store.codec.prepare(noting("note-1", "a", expected=0)))
        assert isinstance(answer, Unavailable)
        await opened.close()
        with pytest.raises(Unavailable):
            opened.line_up(store.codec.prepare(noting("note-1", "a", expected=0)))


async def first_page(store: PostgresEventStore) -> Sequence[Recorded[Event]]:
    return await anext(store.subscribe(0))


async def test_two_processes_share_one_log(database: str) -> None:
    async with postgres_ledger(database) as one, postgres_ledger(database) as other:
        stores = (one, other)
        woken = asyncio.create_task(first_page(one))
        await asyncio.sleep(0.1)
        await asyncio.gather(
            *(stores[n % 2].append(noting(f"note-{n % 7}", str(n))) for n in range(100))
        )
        assert [e.position for e in await woken][:1] == [1]
        events = await one.page(0, 1000)
        assert [e.position for e in events] == list(range(1, 101))
        assert (await other.verify()).ok


async def test_logs_of_one_database_are_apart(database: str) -> None:
    async with postgres_ledger(database) as one, postgres_ledger(database, log_id=2) as two:
        await one.append(noting("note-1", "a", key="k", claims=("name:x",)))
        answer = await two.append(noting("note-1", "b", key="k", claims=("name:x",)))
        assert answer == Appended(position=1, version=1)
        assert (await one.verify()).ok
        assert (await two.verify()).ok

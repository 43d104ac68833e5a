"""How fast the ledger appends and reads, each against a baseline of the same run.

`python -m tests.bench.bench_ledger [name ...]`: one JSON line per bench. Baseline and measured
side take turns in short rounds, so that noise of the machine falls on both.
"""

import asyncio
import json
import resource
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from urllib.parse import unquote, urlsplit

import uvloop
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

from adapters.collecting import spare_what_stays
from adapters.ledger.codec import Codec
from adapters.ledger.sealing import Keyring
from adapters.postgres.connecting import connect
from adapters.postgres.event_store import PostgresEventStore
from domain.catalogue import ALL
from domain.event import Actor, Append, Appended, Metadata
from domain.ids import ConnectorId, EntryId, entry_stream
from domain.time_entry.events import EntryObserved
from domain.time_entry.values import Booking
from tests.support.ledgers import ENCRYPTION_KEYS, postgres_ledger
from tests.support.postgres import DatabaseServer

PRODUCERS = 16
ROUNDS = 20
SECONDS = 0.5  # per round and side: short, because a noisy minute must hit both
STREAM_LENGTH = 5  # events of an ordinary booking
EVENTS = 1_000_000
CHUNK = 50_000  # events that one side reads before the other has its turn
PAGE = 2_000  # rows per question, as the store's
SLOW_DISK: Mapping[str, str] = MappingProxyType({"commit_delay": "2000", "commit_siblings": "0"})
DURABLE: Mapping[str, str] = MappingProxyType({"max_connections": "100"})
NOW = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
METADATA = Metadata(
    actor=Actor(kind="service", name="sync"), correlation_id="4c1d2b7e-run-17", run_id=17
)


def event(number: int) -> EntryObserved:
    """The first fact of every booking."""
    return EntryObserved(
        entry_id=EntryId(10_000_000_000 + number),
        connector_id=ConnectorId(1),
        booking=Booking(
            source_id=number,
            ticket_id=number % 5000 + 1,
            article_id=number + 7,
            time_unit=Decimal("7.50"),
            type_id=3,
            created_by_id=12,
            created_at=NOW,
            updated_at=NOW,
        ),
        context=None,
    )


def line(bench: str, rounds: Sequence[tuple[float, float]], **more: object) -> None:
    """Print one result: the best round of each side, since whatever disturbs makes it slower."""
    baseline, value = (max(side) for side in zip(*rounds, strict=True))
    result = {"bench": bench, "value": round(value), "unit": "events/s"}
    print(
        json.dumps(
            {**result, "baseline": round(baseline), "ratio": round(value / baseline, 2), **more}
        ),
        flush=True,
    )


async def rate(producer: Callable[[int], Awaitable[Callable[[], Awaitable[None]]]]) -> float:
    """Calls per second of `PRODUCERS` tasks, each repeating the call that `producer` gives it."""
    calls = [await producer(n) for n in range(PRODUCERS)]
    end = time.perf_counter() + SECONDS
    done = 0

    async def produce(call: Callable[[], Awaitable[None]]) -> None:
        nonlocal done
        while time.perf_counter() < end:
            await call()
            done += 1

    begin = time.perf_counter()
    await asyncio.gather(*map(produce, calls))
    return done / (time.perf_counter() - begin)


class Ours:
    """Appending through the store, as the service does: encode, hash, line up, wait."""

    def __init__(self, store: PostgresEventStore) -> None:
        self._store = store
        self._number = 0
        self._events = [event(number) for number in range(1000)]

    async def rate(self) -> float:
        return await rate(self._producer)

    async def _producer(self, _: int) -> Callable[[], Awaitable[None]]:
        version, stream = STREAM_LENGTH, ""

        async def call() -> None:
            nonlocal version, stream
            self._number += 1
            if version == STREAM_LENGTH:
                version, stream = 0, entry_stream(EntryId(10_000_000_000 + self._number))
            command = Append(
                stream=stream,
                events=[self._events[self._number % len(self._events)]],
                metadata=METADATA,
                occurred_at=NOW,
                expected=version,
            )
            version = (await self._store.append(command)).version

        return call


class Bare:
    """Single-row inserts of the same row: no order, no digest, no check."""

    TABLE = """
    CREATE TABLE bare (
        position bigserial PRIMARY KEY, stream_id uuid NOT NULL, version bigint NOT NULL,
        type text NOT NULL, schema_version integer NOT NULL, occurred_at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(), data json NOT NULL,
        meta json NOT NULL, UNIQUE (stream_id, version))
    """
    INSERT = (
        "INSERT INTO bare (stream_id, version, type, schema_version, occurred_at, data, meta)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)"
    )

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    async def open(self) -> None:
        connections = [await connect(self._dsn) for _ in range(PRODUCERS)]
        await connections[0].execute(self.TABLE)
        self._connections = connections
        codec = Codec(ALL, Keyring(ENCRYPTION_KEYS))
        self._data = codec.encode(event(1)).decode()
        self._meta = codec.encode_metadata(METADATA, NOW).decode()

    async def close(self) -> None:
        for connection in self._connections:
            await connection.close()

    async def rate(self) -> float:
        return await rate(self._producer)

    async def _producer(self, n: int) -> Callable[[], Awaitable[None]]:
        statement = await self._connections[n].prepare(self.INSERT)
        version, stream = STREAM_LENGTH, uuid.uuid4()

        async def call() -> None:
            nonlocal version, stream
            if version == STREAM_LENGTH:
                version, stream = 0, uuid.uuid4()
            version += 1
            await statement.fetch(
                stream, version, EntryObserved.TYPE, 1, NOW, self._data, self._meta
            )

        return call


class Library:
    """The recorder of the eventsourcing library in its default mode, one thread per producer."""

    def __init__(self, dsn: str) -> None:
        url = urlsplit(dsn)
        self.datastore = PostgresDatastore(
            dbname=url.path[1:],
            host=url.hostname or "",
            port=url.port or 5432,
            user=unquote(url.username or ""),
            password=unquote(url.password or ""),
            pool_size=PRODUCERS,
            max_overflow=0,
        )
        self._recorder = PostgresApplicationRecorder(self.datastore)
        self._recorder.create_table()
        codec = Codec(ALL, Keyring(ENCRYPTION_KEYS))
        self._state = codec.encode(event(1)) + codec.encode_metadata(METADATA, NOW)

    async def rate(self) -> float:
        return await asyncio.to_thread(self._rate)

    def _rate(self) -> float:
        with ThreadPoolExecutor(PRODUCERS) as threads:
            begin = time.perf_counter()
            done = sum(threads.map(self._produce, [begin + SECONDS] * PRODUCERS))
            return done / (time.perf_counter() - begin)

    def _produce(self, end: float) -> int:
        done, version, stream = 0, 0, uuid.uuid4()
        while time.perf_counter() < end:
            if version == STREAM_LENGTH:
                version, stream = 0, uuid.uuid4()
            version += 1
            self._recorder.insert_events(
                [StoredEvent(stream, version, EntryObserved.TYPE, self._state)]
            )
            done += 1
        return done


async def compare(bench: str, ours: Ours, other: Bare | Library) -> None:
    """Take turns and print the medians of the rounds."""
    await ours.rate()
    await other.rate()  # both warm
    line(bench, [(await other.rate(), await ours.rate()) for _ in range(ROUNDS)])


def append_coalesced() -> None:
    """Against bare single-row inserts from as many connections."""

    async def run(dsn: str) -> None:
        async with postgres_ledger(dsn, catalogue=ALL) as store:
            bare = Bare(dsn)
            await bare.open()
            await compare("append_coalesced", Ours(store), bare)
            await bare.close()

    with DatabaseServer.running(settings=DURABLE) as server, server.database() as dsn:
        uvloop.run(run(dsn))


def append_vs_library() -> None:
    """Against the eventsourcing library."""
    _versus_library("append_vs_library", DURABLE)


def append_slow_disk() -> None:
    """The same where each flush takes 2 ms more, as on network storage."""
    _versus_library("append_slow_disk", {**DURABLE, **SLOW_DISK})


def _versus_library(bench: str, settings: Mapping[str, str]) -> None:
    async def run(dsn: str, other: str) -> None:
        library = Library(other)
        async with postgres_ledger(dsn, catalogue=ALL) as store:
            await compare(bench, Ours(store), library)
        library.datastore.close()

    with (
        DatabaseServer.running(settings=settings) as server,
        server.database() as dsn,
        server.database() as other,
    ):
        uvloop.run(run(dsn, other))


def replay() -> None:
    """Reading and decoding a long log against reading the same rows undecoded."""

    async def run(dsn: str) -> None:
        async with postgres_ledger(dsn, catalogue=ALL) as store:
            await fill(store)
            owner = await connect(dsn)
            for table in ("event", "stream"):
                await owner.execute(f"VACUUM ANALYZE {table}")
            await owner.close()
            await decoded(store, 0)
            await undecoded(store, 0)  # both warm
            other = ours = 0.0
            for after in range(0, EVENTS, CHUNK):
                other += await undecoded(store, after)
                ours += await decoded(store, after)
            line("replay", [(EVENTS / other, EVENTS / ours)], memory_mb=memory())

    with DatabaseServer.running(settings=DURABLE) as server, server.database() as dsn:
        uvloop.run(run(dsn))


async def fill(store: PostgresEventStore) -> None:
    """`EVENTS` events in streams of `STREAM_LENGTH`."""
    size = STREAM_LENGTH * 200
    for begin in range(0, EVENTS, size):
        commands = [
            Append(
                stream=entry_stream(EntryId(10_000_000_000 + number)),
                events=[event(number)] * STREAM_LENGTH,
                metadata=replace(METADATA, correlation_id=f"run-17-{number}"),
                occurred_at=NOW + timedelta(seconds=number),
                expected=0,
            )
            for number in range(begin, begin + size, STREAM_LENGTH)
        ]
        for answer in await store.append_many(commands):
            assert isinstance(answer, Appended), answer


async def decoded(store: PostgresEventStore, after: int) -> float:
    """Seconds for the next `CHUNK` events through the store."""
    begin, until = time.perf_counter(), after + CHUNK
    async for events in store.replay(after, until):
        after = events[-1].position
    assert after == until
    return time.perf_counter() - begin


async def undecoded(store: PostgresEventStore, after: int) -> float:
    """Seconds for the same rows as they are, by the same keyset pages."""
    begin, until = time.perf_counter(), after + CHUNK
    while after < until:
        rows = await store.pool.fetch(
            "SELECT * FROM event WHERE log_id = 1 AND position > $1 ORDER BY position LIMIT $2",
            after,
            PAGE,
        )
        after = rows[-1]["position"]
    return time.perf_counter() - begin


def memory() -> int:
    """The most this process has used, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


BENCHES = {
    bench.__name__: bench
    for bench in (append_coalesced, append_vs_library, append_slow_disk, replay)
}


def main(names: Sequence[str]) -> None:
    """Run the named benches, each in a process of its own so that memory is its own."""
    for name in names or BENCHES:
        if len(names) == 1:
            if name.startswith("append"):
                spare_what_stays()  # as `timeledger serve` does, where appending happens
            BENCHES[name]()
        else:
            subprocess.run([sys.executable, "-m", __spec__.name, name], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])

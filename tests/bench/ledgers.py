"""Large ledgers for benches, kept on disk: N bookings, five times as many events, all views.

`python -m tests.bench.ledgers [bookings ...]` makes them; who opens one that is there has it at
once. They lie in `.bench/` (BENCH_FOLDER), about 6 GB for a million bookings. Events are chained
and stored as the service stores them, but copied in bulk; the views are made by the service's own
runner. `timeledger verify` finds nothing wrong with them.
"""

import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import uvloop

from adapters.ledger.codec import Prepared
from adapters.ledger.digest import ZERO, chained, event_id
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.migrate import migrate
from adapters.postgres.projection_runner import ProjectionRunner
from domain.account.events import LoginFailed, UserLoggedIn
from domain.catalogue import ALL
from domain.event import Actor, Append, Metadata
from domain.ids import LOGIN_STREAM, UserId
from domain.personal import Personal
from tests.support.believable import PER_RUN, past
from tests.support.ledgers import ENCRYPTION_KEYS
from tests.support.postgres import DatabaseServer

SMALL, LARGE = 10_000, 1_000_000  # bookings
PER_BOOKING = 5  # events
DAYS = 84  # over which the bookings are spread, up to the day on which the ledger is made
BATCH = 20_000  # events copied at once
VERSION = 1  # of what is made here; another one is made anew
PEOPLE = 50  # who log in
SETTINGS = {"max_wal_size": "8GB", "shared_buffers": "512MB", "synchronous_commit": "off"}
EVENT = (
    *("log_id", "position", "stream_id", "version", "event_id", "type", "schema_version"),
    *("occurred_at", "recorded_at", "data", "meta", "digest"),
)


def folder() -> Path:
    """Where the ledgers are kept."""
    return Path(os.environ.get("BENCH_FOLDER", Path(__file__).parents[2] / ".bench"))


def appends(bookings: int) -> Iterator[Append]:
    """A believable past that ends today, and as many logins as make it 5 events a booking."""
    runs = (bookings + PER_RUN - 1) // PER_RUN
    every = timedelta(days=DAYS) / runs
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=DAYS)
    events = 0
    for number, each in enumerate(past(bookings, start=start, every=every)):
        yield each
        events += len(each.events)
        if number % 4 == 0 and events < PER_BOOKING * bookings:
            yield _login(number, each.occurred_at)
            events += 1
    while events < PER_BOOKING * bookings:
        events += 1
        yield _login(events, each.occurred_at + timedelta(minutes=2))


def _login(number: int, now: datetime) -> Append:
    who = number % PEOPLE + 2
    subject = f"account:{who}"
    name = Personal(subject, f"agent{who}")
    event: UserLoggedIn | LoginFailed = UserLoggedIn(
        user_id=UserId(who),
        username=name,
        token_id=f"t-{number}",
        expires_at=now + timedelta(hours=12),
    )
    if number % 10 == 0:
        event = LoginFailed(user_id=UserId(who), username=name, code="bad_credentials")
    metadata = Metadata(
        actor=Actor(kind="user", name=name),
        correlation_id=f"r-{number}",
        request_id=f"r-{number}",
        ip_address=Personal(subject, f"192.0.2.{who}"),
        user_agent=Personal(subject, "Mozilla/5.0"),
    )
    return Append(
        stream=LOGIN_STREAM, events=[event], metadata=metadata, occurred_at=now, expected=None
    )


@dataclass
class Chain:
    """Where the copied log ends."""

    log_id: int
    position: int = 0
    digest: bytes = ZERO
    recorded_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    def __post_init__(self) -> None:
        self._versions: dict[str, int] = {}

    def rows(
        self, batch: Sequence[Prepared]
    ) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """The rows of `event` and of `stream` that the batch becomes."""
        events, streams = [], []
        for prepared in batch:
            name = prepared.stream
            version = self._versions.get(name.name, 0)
            if version == 0:
                streams.append((self.log_id, name.id, name.name, name.kind))
            self.recorded_at = max(self.recorded_at, prepared.command.occurred_at)
            for event in prepared.events:
                version += 1
                self.position += 1
                self.digest = chained(
                    self.digest,
                    position=self.position,
                    version=version,
                    recorded_at=self.recorded_at,
                    content=event.content,
                )
                events.append(
                    (
                        *(self.log_id, self.position, name.id, version),
                        *(event_id(name.id, version), event.type, event.schema),
                        *(event.occurred_at, self.recorded_at, event.data, event.meta),
                        self.digest,
                    )
                )
            self._versions[name.name] = version
        return events, streams


async def fill(store: PostgresEventStore, dsn: str, bookings: int) -> int:
    """Copy the whole past; return the position of its last event."""
    chain, connection = Chain(store.log_id), await asyncpg.connect(dsn)
    batch: list[Prepared] = []
    size = 0
    try:
        for each in appends(bookings):
            batch.append(await store._prepare(each))
            size += len(each.events)
            if size >= BATCH:
                await _copy(connection, chain, batch)
                batch, size = [], 0
        await _copy(connection, chain, batch)
        await connection.execute("VACUUM ANALYZE event, stream")
    finally:
        await connection.close()
    return chain.position


async def _copy(
    connection: "asyncpg.Connection[Any]", chain: Chain, batch: Sequence[Prepared]
) -> None:
    events, streams = chain.rows(batch)
    async with connection.transaction():
        await connection.copy_records_to_table(
            "stream", records=streams, columns=("log_id", "stream_id", "name", "kind")
        )
        await connection.copy_records_to_table("event", records=events, columns=EVENT)


async def make(dsn: str, bookings: int) -> None:
    """Bring a database to hold the ledger with all its views, whatever part of it is there."""
    await migrate(dsn)
    async with PostgresEventStore.open(
        dsn, catalogue=ALL, encryption_keys=ENCRYPTION_KEYS, pool_size=4
    ) as store:
        began = time.perf_counter()
        if await store.head() == 0:
            events = await fill(store, dsn, bookings)
            _say(f"{events} events copied in {time.perf_counter() - began:.0f} s")
        began = time.perf_counter()
        head = await ProjectionRunner(store).catch_up()
        _say(f"views of {head} events in {time.perf_counter() - began:.0f} s")
    connection = await asyncpg.connect(dsn)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


@contextmanager
def kept() -> Iterator[DatabaseServer]:
    """The server that holds the kept ledgers."""
    home = folder()
    home.mkdir(parents=True, exist_ok=True)
    with DatabaseServer.running(folder=home, settings=SETTINGS) as server:
        yield server


@asynccontextmanager
async def ledger(server: DatabaseServer, bookings: int) -> AsyncIterator[str]:
    """The DSN of the ledger with so many bookings; made when it is not there."""
    name = f"bench_{VERSION}_{bookings}"
    connection = await asyncpg.connect(server.server.dsn)
    with contextlib.suppress(asyncpg.DuplicateDatabaseError):
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
    await connection.close()
    dsn = urlsplit(server.server.dsn)._replace(path=f"/{name}").geturl()
    await make(dsn, bookings)
    yield dsn


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


async def _make_all(server: DatabaseServer, sizes: Sequence[int]) -> None:
    for bookings in sizes:
        async with ledger(server, bookings):
            _say(f"{bookings} bookings are there")


def main() -> None:
    """Make the ledgers of the given sizes."""
    sizes = [int(size) for size in sys.argv[1:]] or [SMALL, LARGE]
    with kept() as server:
        uvloop.run(_make_all(server, sizes))


if __name__ == "__main__":
    main()

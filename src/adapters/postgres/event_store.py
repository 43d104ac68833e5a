"""The ledger on PostgreSQL, behind the port `EventStore`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from types import MappingProxyType
from typing import Any, Self, TypeVar

import asyncpg
import structlog

from adapters.ledger.codec import Codec, Prepared
from adapters.ledger.sealing import KeyMissingError, Keyring
from adapters.postgres.appender import PATIENCE, PAUSE, Appender
from adapters.postgres.connecting import (
    DRIVER_ERRORS,
    connect,
    connection_lost,
    open_pool,
    translated,
)
from adapters.postgres.listening import Bell, Listener
from adapters.postgres.migrate import RUNTIME_ROLE
from adapters.postgres.rows import recorded
from adapters.postgres.subject_keys import SubjectKeys
from adapters.postgres.together import append_together
from adapters.postgres.verify import Progress, Report, walk
from domain.errors import LedgerError, Misconfigured, Unavailable
from domain.event import Append, Appended, Event, Recorded
from domain.ids import stream_uuid
from domain.ports.event_store import History

log = structlog.get_logger(__name__)

POLL = 1.0  # seconds; the truth behind the hints
PAGE = 1_000  # events handed to a subscriber at once
GATHER = 0.05  # seconds between looks of a subscriber to some types: most news are not for it
REPLAY_PAGE = 2_000  # some megabytes while one page is decoded and the next one fetched
AT_A_STRETCH = 10  # commands encoded before others get their turn: about a millisecond
POOL_SIZE = 10  # sessions for reading; appending and listening have their own two

# Planned once, and never as if the tables were as empty as on the day of that planning.
APPENDING = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}

NOTHING: Mapping[str, int] = MappingProxyType({})

K = TypeVar("K")
R = TypeVar("R")

# Positions have no gaps: the upper bound keeps the plan from sorting the rest of the log, which
# it did for every page until somebody had analysed the table.
_PAGE = """
SELECT e.position,
       (SELECT s.name FROM stream AS s
         WHERE s.log_id = e.log_id AND s.stream_id = e.stream_id) AS name,
       e.version, e.type, e.schema_version, e.recorded_at, e.data, e.meta, e.digest
  FROM event AS e
 WHERE e.log_id = $1 AND e.position > $2
   AND e.position <= greatest(
         $2, (SELECT min(f.position) - 1 FROM event AS f WHERE f.log_id = $1)) + $3
 ORDER BY e.position LIMIT $3
"""
_PAGE_OF_TYPES = """
SELECT e.position, s.name, e.version, e.type, e.schema_version, e.recorded_at, e.data, e.meta,
       e.digest
  FROM event AS e LEFT JOIN stream AS s ON s.log_id = e.log_id AND s.stream_id = e.stream_id
 WHERE e.log_id = $1 AND e.position > $2 AND e.position <= $4 AND e.type = ANY($5)
 ORDER BY e.position LIMIT $3
"""
_STREAM = """
SELECT e.position, s.name, e.version, e.type, e.schema_version, e.recorded_at, e.data, e.meta,
       e.digest
  FROM event AS e JOIN stream AS s ON s.log_id = e.log_id AND s.stream_id = e.stream_id
 WHERE e.log_id = $1 AND e.stream_id = $2 AND e.version > $3 ORDER BY e.version LIMIT $4
"""
# The streams that hold some of these claims, the oldest holder first.
HOLDERS = """
SELECT s.name FROM claim AS c JOIN stream AS s ON s.log_id = c.log_id AND s.stream_id = c.stream_id
 WHERE c.log_id = $1 AND c.claim = ANY($2) ORDER BY c.position
"""
# Whatever the planner believes of the table, each stream is found by its key: a subquery that
# sorts is not made into a join.
_HISTORIES = """
SELECT asked.number, e.version, e.type, e.schema_version, e.data
  FROM unnest($2::uuid[]) WITH ORDINALITY AS asked (stream_id, number),
       LATERAL (SELECT version, type, schema_version, data FROM event
                 WHERE log_id = $1 AND stream_id = asked.stream_id ORDER BY version) AS e
 ORDER BY asked.number, e.version
"""


class PostgresEventStore:
    """One log of one database. Open it with `PostgresEventStore.open`."""

    def __init__(
        self,
        dsn: str,
        pool: asyncpg.Pool,
        codec: Codec,
        *,
        role: str | None,
        log_id: int,
        patience: float,
    ) -> None:
        self.pool = pool
        self.log_id = log_id
        self.codec = codec
        self.subject_keys = SubjectKeys(pool, log_id, codec.keyring)
        self._bell = Bell()
        self._patience = patience

        async def session() -> asyncpg.Connection:
            return await connect(dsn, role=role)

        async def append_session() -> asyncpg.Connection:
            return await connect(dsn, role=role, extra=APPENDING)

        self._appender = Appender(
            append_session, log_id, written=self._bell.ring, patience=patience
        )
        self._listener = Listener(session, log_id, self._bell, codec.keyring)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        dsn: str,
        *,
        catalogue: Sequence[type[Event]],
        encryption_keys: Sequence[str],
        log_id: int = 1,
        pool_size: int = POOL_SIZE,
        runtime_role: str = RUNTIME_ROLE,
        patience: float = PATIENCE,
    ) -> AsyncIterator[Self]:
        """The store on a migrated database; sessions run as `runtime_role` where it exists.

        `pool` is shared with the read models. `patience` in seconds bounds how long appends and
        reads wait for a server that is away.

        Raises:
            Unavailable: the server cannot be reached.
            Misconfigured: it refuses us, or `encryption_keys` are not Fernet keys.
        """
        codec = Codec(catalogue, Keyring(encryption_keys))
        role = await _usable_role(dsn, runtime_role)
        pool = await open_pool(dsn, role=role, size=pool_size)
        store = cls(dsn, pool, codec, role=role, log_id=log_id, patience=patience)
        try:
            yield store
        finally:
            await store._close()

    async def _close(self) -> None:
        await self._appender.close()
        await self._listener.close()
        with suppress(TimeoutError, OSError, asyncpg.InterfaceError):
            await asyncio.wait_for(self.pool.close(), timeout=5)
        self.pool.terminate()

    async def append(self, command: Append) -> Appended:
        """See the port."""
        answer = await self._appender.line_up(await self._prepare(command))
        if isinstance(answer, LedgerError):
            raise answer
        return answer

    async def append_many(self, commands: Sequence[Append]) -> Sequence[Appended | LedgerError]:
        """See the port."""
        answers: list[LedgerError | asyncio.Future[Appended | LedgerError]] = []
        for number, command in enumerate(commands, 1):
            if number % AT_A_STRETCH == 0:
                await asyncio.sleep(0)  # the answers of peers have their turn meanwhile
            try:
                answers.append(self._appender.line_up(await self._prepare(command)))
            except LedgerError as error:
                answers.append(error)
        return [a if isinstance(a, LedgerError) else await a for a in answers]

    async def append_together(
        self, commands: Sequence[Append], *, still: Mapping[str, int] = NOTHING
    ) -> Appended:
        """See the port."""
        prepared: list[Prepared] = []
        for number, command in enumerate(commands, 1):
            if number % AT_A_STRETCH == 0:
                await asyncio.sleep(0)
            prepared.append(await self._prepare(command))
        done = await self._while_away(
            lambda: append_together(self.pool, self.log_id, prepared, still)
        )
        self._bell.ring()
        return done

    async def _prepare(self, command: Append) -> Prepared:
        while True:
            try:
                return self.codec.prepare(command)
            except KeyMissingError as missing:
                await self._keys(self.subject_keys.ensure, missing.subject)

    async def read(self, stream: str) -> History:
        """See the port."""
        (history,) = await self.read_many([stream])
        return history

    async def read_many(self, streams: Sequence[str]) -> Sequence[History]:
        """See the port."""
        rows = await self._fetch(_HISTORIES, self.log_id, [stream_uuid(name) for name in streams])
        decode = self.codec.decode
        events: list[list[Event]] = [[] for _ in streams]
        versions = [0] * len(streams)
        for number, version, name, schema_version, data in rows:
            events[number - 1].append(decode(name, schema_version, data))
            versions[number - 1] = version
        await self.fetch_missing_keys()
        return [
            History(events=read, version=version)
            for read, version in zip(events, versions, strict=True)
        ]

    async def read_recorded(
        self, stream: str, *, after_version: int = 0, limit: int | None = None
    ) -> Sequence[Recorded[Event]]:
        """See the port."""
        rows = await self._fetch(_STREAM, self.log_id, stream_uuid(stream), after_version, limit)
        return await self._recorded(rows)

    async def page(self, after: int, limit: int) -> Sequence[Recorded[Event]]:
        """See the port."""
        return await self._recorded(await self._fetch(_PAGE, self.log_id, after, limit))

    async def head(self) -> int:
        """See the port."""
        rows = await self._fetch(
            "SELECT coalesce(max(position), 0) FROM event WHERE log_id = $1", self.log_id
        )
        return int(rows[0][0])

    async def holder(self, claims: Sequence[str]) -> str | None:
        """The stream that holds one of the claims now, None when none is held."""
        rows = await self._fetch(HOLDERS, self.log_id, list(claims))
        return rows[0][0] if rows else None

    async def taken(self, key: str) -> int | None:
        """The last position of the command that had this idempotency key, None when none had."""
        rows = await self._fetch(
            "SELECT position FROM seen WHERE log_id = $1 AND key = $2", self.log_id, key
        )
        return rows[0][0] if rows else None

    async def position_at(self, instant: datetime) -> int:
        """See the port."""
        rows = await self._fetch("SELECT position_at($1, $2)", self.log_id, instant)
        return int(rows[0][0])

    async def replay(
        self, after: int = 0, until: int | None = None, *, limit: int = REPLAY_PAGE
    ) -> AsyncIterator[Sequence[Recorded[Event]]]:
        """Every event after `after` up to `until` (the head when asked), in pages of `limit`.

        For whoever reads a lot: the server already sends the next page while this one is decoded.
        """
        last = await self.head() if until is None else until
        starts = range(after, last, limit)
        pages = [self._start_page(start, min(limit, last - start)) for start in starts[:1]]
        try:
            for start in starts:
                rows = await pages.pop()
                following = start + limit
                if following < last:
                    pages.append(self._start_page(following, min(limit, last - following)))
                    await asyncio.sleep(0)  # lets it send its question
                yield await self._recorded(rows)
        finally:
            for page in pages:
                page.cancel()

    def _start_page(self, after: int, limit: int) -> asyncio.Task[Sequence[Any]]:
        return asyncio.create_task(self._fetch(_PAGE, self.log_id, after, limit))

    async def subscribe(
        self, after: int, *, types: Collection[str] = ()
    ) -> AsyncIterator[Sequence[Recorded[Event]]]:
        """See the port; outages of the server are waited out, without end."""
        next_page = self._page_of_types if types else self._whole_page
        while True:
            rung = self._bell.next()
            try:
                events, reached = await next_page(after, list(types))
            except Unavailable as error:
                log.warning("subscription_waits", log_id=self.log_id, error=str(error))
                events, reached = (), after
            if events:
                yield events
            if reached > after:
                after = reached
                if types:
                    await asyncio.sleep(GATHER)
            else:
                with suppress(TimeoutError):  # before 3.12, wait_for could swallow a cancel
                    async with asyncio.timeout(POLL):
                        await rung.wait()

    async def _whole_page(
        self, after: int, _types: list[str]
    ) -> tuple[Sequence[Recorded[Event]], int]:
        events = await self.page(after, PAGE)
        return events, events[-1].position if events else after

    async def _page_of_types(
        self, after: int, types: list[str]
    ) -> tuple[Sequence[Recorded[Event]], int]:
        head = await self.head()
        rows = await self._fetch(_PAGE_OF_TYPES, self.log_id, after, PAGE, head, types)
        events = await self._recorded(rows)
        return events, events[-1].position if len(events) == PAGE else head

    async def verify(
        self, first: int = 1, last: int | None = None, *, progress: Progress | None = None
    ) -> Report:
        """Walk the digest chain from `first` to `last` (the head); see `verify.walk`."""
        try:
            return await walk(self.pool, self.codec, self.log_id, first, last, progress)
        except DRIVER_ERRORS as error:
            raise translated(error) from error

    async def erase(self, subject: str, *, upto: int | None = None) -> int:
        """Destroy the subject's keys: its values are None from now on, in all history.

        `upto` spares the keys of later generations, of somebody who came back.
        """
        return await self._while_away(lambda: self.subject_keys.destroy(subject, upto))

    async def _recorded(self, rows: Sequence[Any]) -> Sequence[Recorded[Event]]:
        events = recorded(self.codec, rows)
        await self.fetch_missing_keys()
        return events

    async def fetch_missing_keys(self) -> None:
        """Learn the keys of the personal values that were met and not opened yet."""
        if missing := self.codec.keyring.missing:
            await self._keys(self.subject_keys.fetch, set(missing))

    async def _fetch(self, query: str, *arguments: object) -> Sequence[Any]:
        """Rows of a reading statement, again on a new session while the server is away."""
        return await self._while_away(lambda: self.pool.fetch(query, *arguments))

    async def _keys(self, act: Callable[[K], Awaitable[R]], argument: K) -> R:
        return await self._while_away(lambda: act(argument))

    async def _while_away(self, act: Callable[[], Awaitable[R]]) -> R:
        """Repeat what may be repeated until the server is back or patience is over."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience
        while True:
            try:
                return await act()
            except DRIVER_ERRORS as error:
                if not connection_lost(error) or loop.time() >= deadline:
                    raise translated(error) from error
            await asyncio.sleep(PAUSE)


async def _usable_role(dsn: str, role: str) -> str | None:
    """The runtime role, when it was made and we may take it on."""
    connection = await connect(dsn)
    try:
        usable = await connection.fetchval(
            "SELECT pg_has_role(current_user, oid, 'MEMBER')"
            "   AND has_table_privilege(oid, 'event', 'INSERT')"
            "  FROM pg_roles WHERE rolname = $1",
            role,
        )
    except asyncpg.UndefinedTableError as error:
        raise Misconfigured("postgresql", "the database was not migrated") from error
    finally:
        await connection.close()
    return role if usable else None

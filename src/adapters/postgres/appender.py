"""Group commit: all appends waiting in this process go into one transaction, answered one by one.

A caller puts its prepared command in line and waits. One task takes up to `MAX_COMMANDS` of them,
calls `append_events` once and hands out the answers; meanwhile the next ones line up. That is
faster than one transaction each, because one flush to disk serves all of them.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import structlog

from adapters.ledger.codec import Prepared
from adapters.postgres.connecting import connection_lost, server_trouble, translated
from domain.errors import (
    AlreadyClaimed,
    LedgerError,
    Misconfigured,
    StreamMovedOn,
    Unavailable,
    Unstorable,
)
from domain.event import Appended

log = structlog.get_logger(__name__)

MAX_COMMANDS = 200  # per transaction; more gains nothing and makes the first one wait
MAX_EVENTS = 2_000  # a few megabytes; a single command may have more
PATIENCE = 30.0  # seconds a command waits for a server that restarts
PAUSE = 0.2  # seconds between attempts to reach it

# Columns of events travel as one text each, a line per event: canonical JSON has no line ends, and
# asyncpg takes long to encode lists, above all of numbers.
APPEND = """
SELECT * FROM append_events(
    $1, $2::text::uuid[], $3, $4, $5::text::integer[], $6::text::bigint[], $7,
    $8::text::integer[], $9::text::integer[], $10, $11::text::integer[], $12,
    string_to_array($13, E'\n'), $14::text::integer[], string_to_array($15, E'\n'),
    string_to_array($16, E'\n'), string_to_array($17, E'\n'), $18)
"""
_EVENTS_FROM = """
SELECT position, version, type, schema_version, data, meta FROM event
 WHERE log_id = $1 AND stream_id = $2 AND version > $3 ORDER BY version LIMIT $4
"""
_LAST_OF_KEY = """
SELECT version FROM event WHERE log_id = $1 AND position =
       (SELECT position FROM seen WHERE log_id = $1 AND key = $2)
"""

Answer = Appended | LedgerError


@dataclass(slots=True, eq=False)
class _Waiting:
    """A command in line. `uncertain`: sent once, and the answer was lost."""

    prepared: Prepared
    answer: asyncio.Future[Answer]
    deadline: float
    uncertain: bool = field(default=False)

    @property
    def repeatable(self) -> bool:
        """Whether the ledger itself would notice that it was written already."""
        command = self.prepared.command
        return command.key is not None or command.expected is not None

    def reply(self, answer: Answer) -> None:
        if not self.answer.done():  # the caller may have been cancelled
            self.answer.set_result(answer)


class Appender:
    """The only writer of one log in this process."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[asyncpg.Connection]],
        log_id: int,
        *,
        written: Callable[[], None] = lambda: None,
        patience: float = PATIENCE,
    ) -> None:
        """`connect` makes the session kept for appending; `written` is called after each batch."""
        self._connect = connect
        self._log_id = log_id
        self._written = written
        self._patience = patience
        self._line: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._connection: asyncpg.Connection | None = None
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._run(), name=f"appender of log {log_id}")

    def line_up(self, prepared: Prepared) -> asyncio.Future[Answer]:
        """Put the command in line; its answer comes, and a LedgerError is an answer too."""
        if self._task.done():
            raise Unavailable("postgresql", "the ledger is closed")
        waiting = _Waiting(prepared, self._loop.create_future(), self._loop.time() + self._patience)
        self._line.append(waiting)
        self._arrived.set()
        return waiting.answer

    async def close(self) -> None:
        """Write what is in line, then stop."""
        while self._line and not self._task.done():
            await asyncio.wait({w.answer for w in self._line} | {self._task}, timeout=0.1)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        for waiting in self._line:
            waiting.reply(Unavailable("postgresql", "the ledger was closed"))
        if self._connection is not None and not self._connection.is_closed():
            await self._connection.close()

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            # One turn of the loop: whoever was just answered lines up again for this batch.
            await asyncio.sleep(0)
            self._arrived.clear()
            while self._line:
                await self._write(self._take())
                await asyncio.sleep(0)

    def _take(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        events = 0
        while self._line and len(batch) < MAX_COMMANDS:
            events += len(self._line[0].prepared.events)
            if batch and events > MAX_EVENTS:
                break
            batch.append(self._line.popleft())
        return batch

    async def _write(self, batch: list[_Waiting]) -> None:
        try:
            connection = await self._session()
        except LedgerError as error:  # nothing was sent: everybody may wait on
            await self._wait_on(batch, error)
            return
        try:
            prepared = [waiting.prepared for waiting in batch]
            row = await connection.fetchrow(APPEND, *arguments(self._log_id, prepared))
            assert row is not None
            replies = list(zip(batch, answers(prepared, row), strict=True))
            for waiting, answer in replies:
                if not waiting.uncertain:
                    waiting.reply(answer)
            for waiting, answer in replies:
                if waiting.uncertain:
                    waiting.reply(await self._settled(connection, waiting, answer))
        except asyncio.CancelledError:
            for waiting in batch:
                waiting.reply(Unavailable("postgresql", "closed while writing"))
            raise
        except Exception as error:  # noqa: BLE001  whatever it is belongs to the callers
            await self._failed(batch, error)
            return
        self._written()

    async def _failed(self, batch: list[_Waiting], error: Exception) -> None:
        """Sort out a failed transaction: lost, the server's fault, or one command's."""
        unanswered = [w for w in batch if not w.answer.done()]
        if connection_lost(error):
            self._drop_session()
            for waiting in unanswered:
                waiting.uncertain = True
                if not waiting.repeatable:
                    waiting.reply(translated(error))
            await self._wait_on([w for w in unanswered if w.repeatable], translated(error))
        elif server_trouble(error) or isinstance(translated(error), Misconfigured):
            await self._wait_on(unanswered, translated(error))
        elif len(unanswered) > 1:
            middle = len(unanswered) // 2
            await self._write(unanswered[:middle])
            await self._write(unanswered[middle:])
        elif unanswered:
            stream = unanswered[0].prepared.stream.name
            whose = unanswered[0].prepared.command.metadata  # many share this task
            log.error(
                "append_refused",
                stream=stream,
                error=type(error).__name__,
                request_id=whose.request_id,
                correlation_id=whose.correlation_id,
                run_id=whose.run_id,
            )
            unanswered[0].reply(Unstorable(f"{stream}: {type(error).__name__}: {error}"))

    async def _wait_on(self, batch: list[_Waiting], error: LedgerError) -> None:
        """Back to the front of the line, except for those whose patience is over."""
        now = self._loop.time()
        for waiting in batch:
            if now >= waiting.deadline or not isinstance(error, Unavailable):
                waiting.reply(error)
        still = [w for w in batch if not w.answer.done()]
        self._line.extendleft(reversed(still))
        if still:
            await asyncio.sleep(PAUSE)

    async def _session(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect()
        return self._connection

    def _drop_session(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _settled(
        self, connection: asyncpg.Connection, waiting: _Waiting, answer: Answer
    ) -> Answer:
        """After a lost answer, `duplicate` and `conflict` may mean that our own write landed."""
        command = waiting.prepared.command
        count = len(waiting.prepared.events)
        if isinstance(answer, Appended) and answer.duplicate:
            before = answer.version - count
        elif isinstance(answer, StreamMovedOn) and command.expected is not None:
            before = command.expected
        else:
            return answer
        rows = await connection.fetch(
            _EVENTS_FROM, self._log_id, waiting.prepared.stream.id, before, count
        )
        ours = [(e.type, e.schema, e.data, e.meta) for e in waiting.prepared.events]
        if [(r["type"], r["schema_version"], r["data"], r["meta"]) for r in rows] != ours:
            return answer
        return Appended(position=rows[-1]["position"], version=rows[-1]["version"])


def arguments(log_id: int, prepared: Sequence[Prepared]) -> tuple[Any, ...]:
    """The commands as `append_events` takes them; indexes count from 1."""
    streams = {p.stream.id_text: p.stream for p in prepared}
    index = {stream_id: n for n, stream_id in enumerate(streams, 1)}
    commands = [p.command for p in prepared]
    events = [event for p in prepared for event in p.events]
    claims = [(n, claim) for n, c in enumerate(commands, 1) for claim in c.claims]
    releases = [(n, claim) for n, c in enumerate(commands, 1) for claim in c.releases]
    return (
        log_id,
        _array(streams),
        [stream.name for stream in streams.values()],
        [stream.kind for stream in streams.values()],
        _array([str(index[p.stream.id_text]) for p in prepared]),
        _array(["NULL" if c.expected is None else str(c.expected) for c in commands]),
        [c.key for c in commands] if any(c.key is not None for c in commands) else [],
        _array([str(len(p.events)) for p in prepared]),
        _array([str(n) for n, _ in claims]),
        [claim for _, claim in claims],
        _array([str(n) for n, _ in releases]),
        [claim for _, claim in releases],
        "\n".join([e.type for e in events]),
        _array([str(e.schema) for e in events]),
        "\n".join([e.occurred_at.isoformat() for e in events]),
        "\n".join([e.data for e in events]),
        "\n".join([e.meta for e in events]),
        b"".join([e.content for e in events]),
    )


def _array(texts: Iterable[str]) -> str:
    """An array of numbers or ids as PostgreSQL writes it."""
    return "{" + ",".join(texts) + "}"


def answers(prepared: Sequence[Prepared], row: asyncpg.Record) -> list[Answer]:
    """What `append_events` says to each of the commands."""
    columns = (row["statuses"], row["positions"], row["versions"], row["taken"], row["holders"])
    found: list[Answer] = []
    for each, (status, position, version, taken, holder) in zip(
        prepared, zip(*columns, strict=True), strict=True
    ):
        command = each.command
        match status:
            case "ok":
                found.append(Appended(position=position, version=version))
            case "duplicate":
                found.append(Appended(position=position, version=version, duplicate=True))
            case "conflict":
                found.append(StreamMovedOn(command.stream, command.expected or 0, version))
            case _:
                found.append(AlreadyClaimed(taken, holder))
    return found

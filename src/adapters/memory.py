"""Every port in memory, for tests: the same promises without a server."""

import asyncio
import base64
import os
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from adapters.ledger.codec import Codec, Prepared, StoredEvent
from adapters.ledger.digest import ZERO, chained
from adapters.ledger.sealing import KeyMissingError, Keyring, key_id
from domain.errors import AlreadyClaimed, LedgerError, StreamMovedOn
from domain.event import Append, Appended, Event, Recorded
from domain.ports.event_store import History

PAGE = 1_000  # events handed to a subscriber at once
NOTHING: Mapping[str, int] = MappingProxyType({})


class MemoryClock:
    """A clock that stands still until somebody sleeps or moves it."""

    def __init__(self, now: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self.advance(timedelta(seconds=seconds))
        await asyncio.sleep(0)

    def advance(self, by: timedelta) -> None:
        self._now += by


@dataclass(frozen=True, slots=True)
class _Row:
    """An event as the table `event` has it."""

    position: int
    stream: str
    version: int
    stored: StoredEvent
    recorded_at: datetime
    digest: bytes


class MemoryEventStore:
    """`EventStore` on a list; stored form and digests are those of the PostgreSQL adapter."""

    def __init__(
        self,
        catalogue: Sequence[type[Event]],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """`now` gives `recorded_at`, `random` the keys and nonces of sealed values."""
        encryption_key = base64.urlsafe_b64encode(bytes(32)).decode()  # nothing leaves this memory
        self.codec = Codec(catalogue, Keyring([encryption_key], random=random))
        self._now = now
        self._rows: list[_Row] = []
        self._streams: dict[str, list[_Row]] = defaultdict(list)
        self._seen: dict[str, _Row] = {}
        self._claims: dict[str, str] = {}
        self._generations: dict[str, int] = {}
        self._appended = asyncio.Event()

    async def append(self, command: Append) -> Appended:
        """See the port."""
        (answer,) = await self.append_many([command])
        if isinstance(answer, LedgerError):
            raise answer
        return answer

    async def append_many(self, commands: Sequence[Append]) -> Sequence[Appended | LedgerError]:
        """See the port."""
        await asyncio.sleep(0)  # where the other adapter waits, others get their turn here too
        answers: list[Appended | LedgerError] = []
        for command in commands:
            try:
                answers.append(self._append(self._prepare(command)))
            except LedgerError as error:
                answers.append(error)
        return answers

    async def append_together(
        self, commands: Sequence[Append], *, still: Mapping[str, int] = NOTHING
    ) -> Appended:
        """See the port."""
        await asyncio.sleep(0)
        prepared = [self._prepare(command) for command in commands]
        for key in [command.key for command in commands if command.key is not None]:
            if seen := self._seen.get(key):
                return Appended(position=seen.position, version=seen.version, duplicate=True)
        for stream, version in still.items():
            if version != (actual := len(self._streams.get(stream, []))):
                raise StreamMovedOn(stream, version, actual)
        before = len(self._rows), dict(self._seen), dict(self._claims)
        try:
            return [self._append(each) for each in prepared][-1]
        except LedgerError:
            for row in self._rows[before[0] :]:
                self._streams[row.stream].remove(row)
            del self._rows[before[0] :]
            self._seen, self._claims = before[1], before[2]
            raise

    def _prepare(self, command: Append) -> Prepared:
        while True:
            try:
                return self.codec.prepare(command)
            except KeyMissingError as missing:
                self._new_key(missing.subject)

    def _new_key(self, subject: str) -> None:
        generation = self._generations.get(subject, 0) + 1
        self._generations[subject] = generation
        self.codec.keyring.learn(subject, generation, self.codec.keyring.new_wrapped())

    def _append(self, prepared: Prepared) -> Appended:
        command, stream = prepared.command, self._streams[prepared.stream.name]
        if command.key is not None and (seen := self._seen.get(command.key)):
            return Appended(position=seen.position, version=seen.version, duplicate=True)
        if command.expected is not None and command.expected != len(stream):
            raise StreamMovedOn(command.stream, command.expected, len(stream))
        self._claim(prepared)
        recorded_at = self._recorded_at()
        for event in prepared.events:
            row = self._row(prepared.stream.name, len(stream) + 1, event, recorded_at)
            self._rows.append(row)
            stream.append(row)
        if command.key is not None:
            self._seen[command.key] = self._rows[-1]
        self._appended.set()
        self._appended = asyncio.Event()
        return Appended(position=len(self._rows), version=len(stream))

    def _claim(self, prepared: Prepared) -> None:
        command, stream = prepared.command, prepared.stream.name
        for claim in sorted(set(command.claims) - set(command.releases)):
            if (holder := self._claims.get(claim, stream)) != stream:
                raise AlreadyClaimed(claim, holder)
        for claim in command.releases:
            self._claims.pop(claim, None)
        for claim in command.claims:
            self._claims[claim] = stream

    def _recorded_at(self) -> datetime:
        now = self._now()
        return max(now, self._rows[-1].recorded_at) if self._rows else now

    def _row(self, stream: str, version: int, stored: StoredEvent, recorded_at: datetime) -> _Row:
        position = len(self._rows) + 1
        previous = self._rows[-1].digest if self._rows else ZERO
        digest = chained(
            previous,
            position=position,
            version=version,
            recorded_at=recorded_at,
            content=stored.content,
        )
        return _Row(position, stream, version, stored, recorded_at, digest)

    async def read(self, stream: str) -> History:
        """See the port."""
        rows = self._streams.get(stream, [])
        decode = self.codec.decode
        events = [decode(row.stored.type, row.stored.schema, row.stored.data) for row in rows]
        return History(events=events, version=len(rows))

    async def read_many(self, streams: Sequence[str]) -> Sequence[History]:
        """See the port."""
        return [await self.read(stream) for stream in streams]

    async def read_recorded(
        self, stream: str, *, after_version: int = 0, limit: int | None = None
    ) -> Sequence[Recorded[Event]]:
        """See the port."""
        rows = self._streams.get(stream, [])[after_version:]
        return [self._recorded(row) for row in rows[:limit]]

    async def page(self, after: int, limit: int) -> Sequence[Recorded[Event]]:
        """See the port."""
        return [self._recorded(row) for row in self._rows[after : after + limit]]

    async def head(self) -> int:
        """See the port."""
        return len(self._rows)

    async def position_at(self, instant: datetime) -> int:
        """See the port."""
        return sum(row.recorded_at <= instant for row in self._rows)

    async def subscribe(
        self, after: int, *, types: Collection[str] = ()
    ) -> AsyncIterator[Sequence[Recorded[Event]]]:
        """See the port."""
        while True:
            appended = self._appended
            if events := await self.page(after, PAGE):
                after = events[-1].position
                if wanted := [each for each in events if not types or each.event.TYPE in types]:
                    yield wanted
            else:
                await appended.wait()

    async def erase(self, subject: str) -> int:
        """Destroy the subject's key: its values are None from now on, in all history."""
        if generation := self._generations.get(subject):
            self.codec.keyring.forget(key_id(subject, generation))
        return int(bool(generation))

    def _recorded(self, row: _Row) -> Recorded[Event]:
        stored = row.stored
        metadata, occurred_at = self.codec.decode_metadata(stored.meta)
        return Recorded(
            position=row.position,
            stream=row.stream,
            version=row.version,
            event=self.codec.decode(stored.type, stored.schema, stored.data),
            metadata=metadata,
            occurred_at=occurred_at,
            recorded_at=row.recorded_at,
            digest=row.digest.hex(),
        )

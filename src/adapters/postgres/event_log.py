"""The ledger as it is stored, for people and auditors: one row per event, nothing interpreted.

Readers get plain JSON, not the domain's values: an event of a type that this program does not
know is shown like any other.
"""

import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.ledger.digest import ZERO
from adapters.postgres.connecting import DRIVER_ERRORS, translated
from adapters.postgres.event_store import PostgresEventStore
from domain.errors import LedgerDamaged
from domain.ids import stream_uuid
from domain.personal import Personal

SCAN = 50_000  # events that one look at a filtered list passes by at most
PAGE = 1_000

# Filters but that of a stream have no index, because it would slow down every append: a look ends
# after `SCAN` events, found or not, and says where the next one goes on.
# An actor is asked for by kind or by name; a person's name is sealed, and is no text there.
_COLUMNS = """
SELECT e.position, s.name, e.version, e.type, e.schema_version, e.recorded_at, e.data, e.meta,
       e.digest
  FROM event AS e JOIN stream AS s ON s.log_id = e.log_id AND s.stream_id = e.stream_id
"""
_LETS_THROUGH = """
   AND ($5::text[] IS NULL OR e.type = ANY($5))
   AND ($6::text IS NULL OR e.meta ->> 'correlation_id' = $6)
   AND ($7::text IS NULL OR $7 IN (e.meta -> 'actor' ->> 'kind', e.meta -> 'actor' ->> 'name'))
"""
_BETWEEN = f"""{_COLUMNS}
 WHERE e.log_id = $1 AND e.position > $2 AND e.position <= $3 {_LETS_THROUGH}
"""  # no value in it
_PAGE = f"{_BETWEEN} ORDER BY e.position LIMIT $4"
_PAGE_BACK = f"{_BETWEEN} ORDER BY e.position DESC LIMIT $4"
_OF_STREAM = f"{_BETWEEN} AND e.stream_id = $8"
_STREAM = f"{_OF_STREAM} ORDER BY e.version LIMIT $4"
_STREAM_BACK = f"{_OF_STREAM} ORDER BY e.version DESC LIMIT $4"

_AT = f"{_COLUMNS} WHERE e.log_id = $1 AND e.position = ANY($2::bigint[]) ORDER BY e.position"
_POSITIONS = """
SELECT position_at($1, instant) FROM unnest($2::timestamptz[]) WITH ORDINALITY AS t(instant, place)
 ORDER BY place
"""  # no value in it

Json = Any


@dataclass(frozen=True, kw_only=True)
class StoredRow:
    """One event; `data` and `metadata` are the canonical texts that its digest covers."""

    position: int
    stream: str
    version: int
    type: str
    schema: int
    recorded_at: datetime
    data: str
    metadata: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a look at the log found, the highest position that it covers, and where to go on.

    `next_before` is None unless the look went backwards and older events are left.
    """

    rows: Sequence[StoredRow]
    looked_to: int
    next_before: int | None
    head: int


class EventLog:
    """Reads the stored events of one log."""

    def __init__(self, store: PostgresEventStore) -> None:
        self._store = store

    async def page(
        self,
        after: int,
        limit: int,
        *,
        before: int | None = None,
        types: Collection[str] = (),
        stream: str | None = None,
        correlation_id: str | None = None,
        actor: str | None = None,
    ) -> Look:
        """The events after `after` by position, those that every given filter lets through.

        With `before` those between the two, newest first. `actor` is a kind (user, service,
        system) or a part of the program (sync, webhook …).
        """
        head = await self._store.head()
        back = before is not None
        end = head if before is None else min(head, before - 1)
        filtered = bool(types) or correlation_id is not None or actor is not None
        scan = SCAN if filtered and stream is None else max(0, end - after)
        low, high = (max(after, end - scan), end) if back else (after, min(end, after + scan))
        asked = list(types) or None
        arguments: list[object] = [low, high, limit, asked, correlation_id, actor]
        if stream is not None:
            arguments.append(stream_uuid(stream))
            query = _STREAM_BACK if back else _STREAM
        else:
            query = _PAGE_BACK if back else _PAGE
        rows = await self._fetch(query, *arguments)
        last = rows[-1].position if len(rows) == limit else None  # else all of it was looked at
        if not back:
            return Look(rows=rows, looked_to=last or max(after, high), next_before=None, head=head)
        lowest = last or low + 1
        older = lowest if lowest > after + 1 else None
        return Look(rows=rows, looked_to=max(after, high), next_before=older, head=head)

    async def one(self, position: int) -> StoredRow | None:
        """The event at `position`."""
        found = await self.page(position - 1, 1)
        return next((row for row in found.rows if row.position == position), None)

    async def between(self, first: int, last: int) -> AsyncIterator[Sequence[StoredRow]]:
        """All events from `first` to `last`, in pages."""
        for after in range(first - 1, last, PAGE):
            yield await self._fetch(_PAGE, after, min(last, after + PAGE), PAGE, None, None, None)

    async def positions_at(self, instants: Sequence[datetime]) -> Sequence[int]:
        """The last position at or before each of the instants, 0 before the first event."""
        records = await self._rows(_POSITIONS, list(instants))
        return [position for (position,) in records]

    async def first_at(self) -> datetime | None:
        """When the first event was recorded."""
        row = await self.one(1)
        return None if row is None else row.recorded_at

    async def at(self, positions: Sequence[int]) -> Sequence[StoredRow]:
        """The events at these positions."""
        return await self._fetch(_AT, list(positions))

    async def digest_before(self, position: int) -> str:
        """What stands in the chain before `position`, hex; zeros before the first event.

        Raises LedgerDamaged when that event is gone.
        """
        if position <= 1:
            return ZERO.hex()
        before = await self.one(position - 1)
        if before is None:
            raise LedgerDamaged(position - 1, "the event is missing")
        return before.digest

    async def opened(self, texts: Sequence[str]) -> Sequence[Json]:
        """The JSON of stored texts with personal values in clear, or `{"erased": true}`."""
        ring = self._store.codec.keyring

        def sealed(value: dict[str, Any]) -> Json:
            if value.keys() == {"key", "sealed"}:
                return ring.personal(value["key"], value["sealed"])
            return value

        values = [json.loads(text, object_hook=sealed) for text in texts]
        await self._store.fetch_missing_keys()
        return [_in_clear(value) for value in values]

    async def _fetch(self, query: str, *arguments: object) -> Sequence[StoredRow]:
        records = await self._rows(query, *arguments)
        return [
            StoredRow(
                position=position,
                stream=stream,
                version=version,
                type=type_,
                schema=schema,
                recorded_at=recorded_at,
                data=data,
                metadata=meta,
                digest=digest.hex(),
            )
            for position, stream, version, type_, schema, recorded_at, data, meta, digest in records
        ]

    async def _rows(self, query: str, *arguments: object) -> Sequence[Any]:
        try:
            return await self._store.pool.fetch(query, self._store.log_id, *arguments)
        except DRIVER_ERRORS as error:
            raise translated(error) from error


def _in_clear(value: Json) -> Json:
    match value:
        case Personal():
            return {"erased": True} if value.value is None else value.value
        case Mapping():
            return {name: _in_clear(each) for name, each in value.items()}
        case list():
            return [_in_clear(each) for each in value]
        case _:
            return value

"""What people ask of the dead letters: one by one, by group, all."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TypeAlias

import asyncpg

from adapters.postgres.connecting import translated
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.statements import held_at, statements
from adapters.postgres.view_tables import kept

MOST = 10_000  # retried by one request; whoever has more asks again


@dataclass(frozen=True, kw_only=True)
class DeadFilter:
    """Which; None is any. `message` is that of a group; `as_of` a position, None for now."""

    reason_code: str | None = None
    before: datetime | None = None
    message: str | None = None
    cause: str | None = None
    kind: str | None = None
    as_of: int | None = None


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What failed for good: `kind` is entry or delivery, `number` the entry, or its receipt."""

    kind: str
    number: int
    delivery_id: str | None
    reason_code: str
    cause: str | None
    message: str
    attempts: int
    first_failed_at: datetime
    last_failed_at: datetime


COLUMNS = ", ".join(field.name for field in fields(Letter))
Place: TypeAlias = tuple[datetime, str, int]  # of a letter: last failure, kind, number


@dataclass(frozen=True, kw_only=True)
class Group:
    """Those that failed for the same cause."""

    reason_code: str
    cause: str | None
    message: str
    count: int


class DeadLetters:
    """The views `dead_letters` and `deliveries` of one log, as one list."""

    def __init__(self, store: PostgresEventStore) -> None:
        self._pool = store.pool
        self._log_id = store.log_id
        self._sql = statements("dead_letters")

    async def total(self, which: DeadFilter) -> int:
        (row,) = await self._fetch(which, "count(*)")
        return int(row[0])

    async def page(
        self, which: DeadFilter, *, limit: int, after: Place | None = None
    ) -> Sequence[Letter]:
        """At most `limit`, the newest failure first, from after that place on."""
        tail = f"ORDER BY last_failed_at DESC, kind DESC, number DESC LIMIT {limit:d}"
        if after is not None:
            place = "($8::timestamptz, $9::text, $10::bigint)"
            tail = f"AND (last_failed_at, kind, number) < {place} {tail}"
        rows = await self._fetch(which, COLUMNS, tail, *(after or ()))
        return [Letter(**dict(row)) for row in rows]

    async def groups(self, which: DeadFilter, *, limit: int) -> Sequence[Group]:
        """By cause, the largest first."""
        what = f"reason_code, cause, {self._sql['group_of']} AS message, count(*) AS count"
        tail = f"GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3 LIMIT {limit:d}"
        return [Group(**dict(row)) for row in await self._fetch(which, what, tail)]

    async def oldest(self, which: DeadFilter) -> Sequence[Letter]:
        """At most `MOST`, the oldest failure first."""
        tail = f"ORDER BY last_failed_at, kind, number LIMIT {MOST}"
        return [Letter(**dict(row)) for row in await self._fetch(which, COLUMNS, tail)]

    async def _fetch(
        self, which: DeadFilter, what: str, tail: str = "", *more: object
    ) -> Sequence[Any]:
        held = held_at(self._sql, which.as_of)
        parts = {"what": what, "tail": tail, "group_of": self._sql["group_of"], "held": held}
        query = self._sql["dead"].format(**parts)
        texts = map(kept, (which.message, which.cause, which.kind))
        asked = (kept(which.reason_code), which.before, *texts)
        try:
            return await self._pool.fetch(query, self._log_id, *asked, which.as_of, *more)
        except asyncpg.DataError:
            raise
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise translated(error) from error

"""What people ask of the dead letters: one by one, by group, all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from adapters.postgres.connecting import translated
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.statements import statements
from adapters.postgres.view_tables import ViewTable
from domain.ids import EntryId
from projections import dead_letters

MOST = 10_000  # retried by one request; whoever has more asks again


@dataclass(frozen=True, kw_only=True)
class DeadFilter:
    """Which; None is any. `message` is that of a group."""

    reason_code: str | None = None
    before: datetime | None = None
    message: str | None = None
    cause: str | None = None


@dataclass(frozen=True, kw_only=True)
class Group:
    """Entries that failed for the same cause."""

    reason_code: str
    cause: str | None
    message: str
    count: int


class DeadLetters:
    """The view `dead_letters` of one log."""

    def __init__(self, store: PostgresEventStore) -> None:
        self._pool = store.pool
        self._log_id = store.log_id
        self._sql = statements("dead_letters")
        self._table = ViewTable(dead_letters.PROJECTION)

    async def total(self, which: DeadFilter) -> int:
        (row,) = await self._fetch(which, "count(*)")
        return int(row[0])

    async def page(
        self, which: DeadFilter, *, limit: int, after: tuple[datetime, int] | None = None
    ) -> Sequence[dead_letters.Row]:
        """At most `limit`, the newest failure first, from after that instant and entry on."""
        tail = f"ORDER BY last_failed_at DESC, entry_id DESC LIMIT {limit:d}"
        if after is not None:
            tail = f"AND (last_failed_at, entry_id) < ($6::timestamptz, $7::bigint) {tail}"
        rows = await self._fetch(which, self._table.selected, tail, *(after or ()))
        return [self._table.row(tuple(row)) for row in rows]

    async def groups(self, which: DeadFilter, *, limit: int) -> Sequence[Group]:
        """By cause, the largest first."""
        what = f"reason_code, cause, {self._sql['group_of']} AS message, count(*) AS count"
        tail = f"GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3 LIMIT {limit:d}"
        return [Group(**dict(row)) for row in await self._fetch(which, what, tail)]

    async def ids(self, which: DeadFilter) -> Sequence[EntryId]:
        """At most `MOST`, the oldest failure first."""
        tail = f"ORDER BY last_failed_at, entry_id LIMIT {MOST}"
        return [EntryId(row[0]) for row in await self._fetch(which, "entry_id", tail)]

    async def _fetch(
        self, which: DeadFilter, what: str, tail: str = "", *more: object
    ) -> Sequence[Any]:
        query = self._sql["dead"].format(what=what, tail=tail, group_of=self._sql["group_of"])
        wanted = (which.reason_code, which.before, which.message, which.cause)
        try:
            return await self._pool.fetch(query, self._log_id, *wanted, *more)
        except asyncpg.DataError:
            raise
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise translated(error) from error

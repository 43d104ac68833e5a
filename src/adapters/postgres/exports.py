"""All rows of a view as they stand at one moment, read by a cursor of the server."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import TypeVar

from adapters.postgres.connecting import DRIVER_ERRORS, translated
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.read_models import SORTS, EntryFilter, entry_where
from adapters.postgres.statements import held_at, statements
from adapters.postgres.view_tables import ViewTable
from projections import time_entries
from projections.projection import Projection, ViewRow

R = TypeVar("R", bound=ViewRow)

PAGE = 1_000  # rows in memory at once
AT_ONCE = 3  # exports of one view that hold a session each; the next one waits its turn
IN_ALL = 4
# Whoever takes a page and then nothing loses the rest: a transaction that stays open keeps the
# server from tidying up.
_SLOWEST_READER = "SET LOCAL idle_in_transaction_session_timeout = '60s'"


class Exports:
    """Reads the views of one log, in pages that bounded memory holds.

    All pages show one moment, whatever is written meanwhile. They raise Unavailable when the
    session is lost, also by a reader that is too slow.
    """

    def __init__(self, store: PostgresEventStore) -> None:
        self._pool = store.pool
        self._log_id = store.log_id
        self._sql = statements("read_models")
        # slow readers of long files do not keep others from short ones
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(AT_ONCE)
        )
        self._all = asyncio.Semaphore(IN_ALL)

    def rows(
        self, projection: Projection[R], *, as_of: int | None = None
    ) -> AsyncIterator[list[R]]:
        """The whole view, by key."""
        table = ViewTable(projection)
        tail = f"ORDER BY {table.key}"
        return self._pages(table, "rows", as_of, where="", tail=tail)

    def entries(
        self, which: EntryFilter, *, sort: str = "-entry_date", as_of: int | None = None
    ) -> AsyncIterator[list[time_entries.Row]]:
        """The entries, sorted as `ReadModels.entries` sorts them."""
        order, direction = SORTS[sort.removeprefix("-")], "DESC" if sort[:1] == "-" else "ASC"
        tail = f"ORDER BY {order.by} {direction}, entry_id {direction}"
        asked, table = entry_where(which), ViewTable(time_entries.PROJECTION)
        return self._pages(table, "entries", as_of, *asked.values, where=asked.text, tail=tail)

    async def _pages(
        self,
        table: ViewTable[R],
        name: str,
        as_of: int | None,
        *filters: object,
        where: str,
        tail: str,
    ) -> AsyncIterator[list[R]]:
        held = held_at(self._sql, as_of)
        query = self._sql[name].format(
            what=table.selected, table=table.name, held=held, where=where, tail=tail
        )
        try:
            async with (
                self._turns[table.name],
                self._all,
                self._pool.acquire() as connection,
                connection.transaction(readonly=True),
            ):
                await connection.execute(_SLOWEST_READER)
                cursor = await connection.cursor(query, self._log_id, as_of, *filters)
                while records := await cursor.fetch(PAGE):
                    yield [table.row(tuple(record)) for record in records]
        except DRIVER_ERRORS as error:
            raise translated(error) from error

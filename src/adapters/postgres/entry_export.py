"""All entries of a filter as they stand at one moment, read by a cursor of the server."""

import asyncio
from collections.abc import AsyncIterator

from adapters.postgres.connecting import DRIVER_ERRORS, translated
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.read_models import SORTS, EntryFilter, entry_where
from adapters.postgres.statements import held_at, statements
from adapters.postgres.view_tables import ViewTable
from projections import time_entries

PAGE = 1_000  # rows in memory at once
AT_ONCE = 3  # exports that hold a session each; the next one waits its turn
# Whoever takes a page and then nothing loses the rest: a transaction that stays open keeps the
# server from tidying up.
_SLOWEST_READER = "SET LOCAL idle_in_transaction_session_timeout = '60s'"


class EntryExport:
    """Reads the view `time_entries` of one log."""

    def __init__(self, store: PostgresEventStore) -> None:
        self._pool = store.pool
        self._log_id = store.log_id
        self._sql = statements("read_models")
        self._table = ViewTable(time_entries.PROJECTION)
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def pages(
        self, which: EntryFilter, *, sort: str = "-entry_date", as_of: int | None = None
    ) -> AsyncIterator[list[time_entries.Row]]:
        """The entries in pages, sorted as `ReadModels.entries` sorts them.

        Raises Unavailable when the session is lost, also by a reader that is too slow.
        """
        order, direction = SORTS[sort.removeprefix("-")], "DESC" if sort[:1] == "-" else "ASC"
        tail = f"ORDER BY {order.by} {direction}, entry_id {direction}"
        held = held_at(self._sql, as_of)
        asked = entry_where(which)
        query = self._sql["entries"].format(
            what=self._table.selected, held=held, where=asked.text, tail=tail
        )
        try:
            async with (
                self._turns,
                self._pool.acquire() as connection,
                connection.transaction(readonly=True),
            ):
                await connection.execute(_SLOWEST_READER)
                cursor = await connection.cursor(query, self._log_id, as_of, *asked.values)
                while records := await cursor.fetch(PAGE):
                    yield [self._table.row(tuple(record)) for record in records]
        except DRIVER_ERRORS as error:
            raise translated(error) from error

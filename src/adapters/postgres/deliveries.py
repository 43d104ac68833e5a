"""What people and the looks ask of the webhook deliveries."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from adapters.postgres.connecting import DRIVER_ERRORS, translated
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.statements import held_at, statements
from adapters.postgres.view_tables import ViewTable
from domain.ids import RunId
from domain.sync_run.decide import Run
from projections import deliveries
from projections.deliveries import FAILED, Row


class Deliveries:
    """The view `deliveries` of one log."""

    def __init__(self, store: PostgresEventStore) -> None:
        self._pool = store.pool
        self._log_id = store.log_id
        self._table = ViewTable(deliveries.PROJECTION)
        self._sql = {
            name: text.replace("{selected}", self._table.selected)
            for name, text in statements("deliveries").items()
        }

    async def page(
        self,
        *,
        status: str | None,
        ticket_id: int | None,
        before: int | None,
        limit: int,
        as_of: int | None = None,
    ) -> Sequence[Row]:
        """At most `limit`, the newest first, from before that receipt on."""
        asked = self._sql["failed" if status == FAILED else "any_status"]
        query = self._sql["page"].replace("{status}", asked)
        return self._shaped(await self._held(query, as_of, status, ticket_id, before, limit))

    async def waiting(self, now: datetime, *, limit: int) -> Sequence[Row]:
        """Those whose ticket is to be looked at, the oldest wish first."""
        return await self._rows("waiting", now, limit)

    async def due(self) -> datetime | None:
        """When the next look may begin, long ago for at once; None when nothing waits."""
        rows = await self._fetch("due")
        return rows[0][0] if rows else None

    async def covered(self, run: Run, before: int) -> Sequence[Row]:
        """Those that the look answers: on its tickets, and asked for before that position."""
        return await self._rows("covered", list(run.ticket_ids or ()), before, run.run_id)

    async def ended_looks(self, *, limit: int) -> Sequence[RunId]:
        """The newest looks that may not have been told to those that wait, the oldest first."""
        oldest = (await self._fetch("oldest"))[0][0]
        if oldest is None:
            return []
        return [RunId(row[0]) for row in reversed(await self._fetch("looks", oldest, limit))]

    async def last_look(self) -> datetime | None:
        """When the newest look was begun; None before the first."""
        rows = await self._fetch("last_look")
        return rows[0][0] if rows else None

    async def last_of(self, connector_id: int) -> datetime | None:
        """When the connector's newest accepted delivery came."""
        found: datetime | None = (await self._fetch("last_of_connectors", connector_id))[0][0]
        return found

    async def counts(self, since: int, *, as_of: int | None = None) -> Mapping[str, int]:
        """How many arrived after the position `since`, by what they are at `as_of`."""
        return {row[0]: row[1] for row in await self._held(self._sql["counts"], as_of, since)}

    async def newest_ticket(self) -> int | None:
        """The ticket of the entry that changed last."""
        rows = await self._fetch("newest_ticket")
        return rows[0][0] if rows else None

    async def _rows(self, name: str, *arguments: object) -> Sequence[Row]:
        return self._shaped(await self._fetch(name, *arguments))

    def _shaped(self, records: Sequence[Any]) -> Sequence[Row]:
        return [self._table.row(tuple(record)) for record in records]

    async def _held(self, query: str, as_of: int | None, *arguments: object) -> Sequence[Any]:
        held = held_at(self._sql, as_of)
        return await self._query(query.replace("{held}", held), as_of, *arguments)

    async def _fetch(self, name: str, *arguments: object) -> Sequence[Any]:
        return await self._query(self._sql[name], *arguments)

    async def _query(self, query: str, *arguments: object) -> Sequence[Any]:
        try:
            return await self._pool.fetch(query, self._log_id, *arguments)
        except DRIVER_ERRORS as error:
            raise translated(error) from error

"""What happened within a run, and between two positions, from the views."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from adapters.postgres.connecting import DRIVER_ERRORS, translated
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.statements import statements
from projections.health_history import Turn


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a run did to one entry; ticket and minutes are as they were right after it."""

    entry_id: int
    action: str
    reason_code: str | None
    message: str | None
    position: int
    timesheet_id: int | None
    ticket_number: str | None
    minutes: Decimal | None


class Past:
    """The past of one log."""

    def __init__(self, store: PostgresEventStore) -> None:
        self._store = store
        self._sql: Mapping[str, str] = statements("past")

    async def of_run(
        self,
        run_id: int,
        *,
        limit: int,
        action: str | None = None,
        after: int = 0,
        as_of: int | None = None,
    ) -> Sequence[Done]:
        """What the run did, by entry from after that one on; at most `limit`."""
        rows = await self._fetch(self._sql["of_run"], as_of, run_id, action, after, limit)
        return [Done(**dict(row)) for row in rows]

    async def health(
        self, connector_id: int, *, since: int, as_of: int | None = None
    ) -> Sequence[Turn]:
        """What its health was at the position `since`, and became after it, in order."""
        rows = await self._fetch(self._sql["health"], connector_id, since, as_of)
        return [Turn(**dict(row)) for row in rows]

    async def _fetch(self, query: str, *arguments: object) -> Sequence[Any]:
        try:
            return await self._store.pool.fetch(query, self._store.log_id, *arguments)
        except DRIVER_ERRORS as error:
            raise translated(error) from error

"""What suggestions of mappings rest on: who waits, what was mapped before, what went where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from adapters.postgres.connecting import DRIVER_ERRORS, translated
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.statements import held_at, statements
from adapters.postgres.totals import TotalsTable
from projections import usage_totals
from projections.tally import Amounts

SAMPLE = 2_000  # bookings that were carried last: enough to see a habit, few enough to read
KINDS = ("activities", "users", "projects")

Source = int | str | None


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Bookings that wait for one mapping; ids that are not known, or not of this kind, are None."""

    source_id: int | None
    name: str | None
    email: str | None
    customer_id: int | None
    entries: int
    minutes: Decimal


@dataclass(frozen=True, kw_only=True)
class Carried:
    """Bookings of one kind that went to the same place."""

    type_id: int | None
    user_id: int | None
    organization_name: str | None
    customer_id: int | None
    activity: int
    person: int
    project: int
    times: int


class SuggestionBase:
    """Reads the views of one log."""

    def __init__(self, store: PostgresEventStore) -> None:
        self._pool = store.pool
        self._log_id = store.log_id
        self._totals = TotalsTable(store.log_id)
        self._sql = statements("suggestions")

    async def waiting(
        self, kind: str, connector: int, *, limit: int, as_of: int | None
    ) -> Sequence[Waiting]:
        """Who waits for a mapping of that kind, most entries first."""
        held = held_at(self._sql, as_of)
        query = self._sql[kind].format(held=held)
        return [Waiting(**dict(row)) for row in await self._fetch(query, as_of, connector, limit)]

    async def usage(self, first: int, last: int, *, as_of: int | None) -> Sequence[Amounts]:
        """What the days from `first` to `last` (ordinals) had, as `usage_totals` counts it."""
        try:
            async with (
                self._pool.acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                found = await self._totals.read(
                    connection, usage_totals.TALLY, first=first, last=last, as_of=as_of
                )
        except DRIVER_ERRORS as error:
            raise translated(error) from error
        return list(found.values())

    async def carried(self, source: int, target: int, *, as_of: int | None) -> Sequence[Carried]:
        """Where bookings of connector `source` went lately in connector `target`."""
        query = self._sql["carried"].format()
        return [
            Carried(**dict(row)) for row in await self._fetch(query, as_of, source, SAMPLE, target)
        ]

    async def former(self, kind: str, *, as_of: int | None) -> Mapping[Source, int]:
        """What activities or users were mapped to last, active or not, removed or not."""
        rows = await self._fetch(self._sql[f"former_{kind}"], as_of)
        return {row["source"]: row["target"] for row in rows}

    async def names(self, kind: str, *, as_of: int | None) -> Mapping[int, str]:
        """What mappings call activities or users of Kimai, by their ids there."""
        rows = await self._fetch(self._sql[f"names_{kind}"], as_of)
        return {row["target"]: row["name"] for row in rows}

    async def former_projects(
        self, column: str, *, as_of: int | None
    ) -> Mapping[tuple[str, int], int]:
        """The same for projects, by kind and id; `column` is target (project) or customer."""
        rows = await self._fetch(self._sql["former_projects"], as_of)
        return {
            (row["source_kind"], row["source"]): row[column]
            for row in rows
            if row[column] is not None
        }

    async def _fetch(self, query: str, *arguments: object) -> Sequence[Any]:
        try:
            return await self._pool.fetch(query, self._log_id, *arguments)
        except DRIVER_ERRORS as error:
            raise translated(error) from error

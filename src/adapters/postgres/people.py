"""The persons that the ledger names: who they are, and everything that is held about one."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from adapters.postgres.connecting import DRIVER_ERRORS, translated
from adapters.postgres.event_log import EventLog, StoredRow
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.scrubbing import naming
from adapters.postgres.statements import statements
from adapters.postgres.view_tables import ViewTable
from domain.privacy.decide import Held
from projections import time_entries

SUBJECT = re.compile(r"(zammad-user|customer|account):(0|[1-9][0-9]{0,14})")
PAGE = 500
COLUMNS: Mapping[str, str] = MappingProxyType({"zammad-user": "user_id", "customer": "customer_id"})


@dataclass(frozen=True, kw_only=True)
class Person:
    """One subject; `label` and `emails` are unknown once it was erased."""

    subject: str
    label: str | None
    emails: Sequence[str]
    entries: int
    minutes: Decimal
    first_seen: datetime
    last_seen: datetime
    erased_at: datetime | None


class People:
    """The persons of one log."""

    def __init__(self, store: PostgresEventStore) -> None:
        self._store = store
        self._log = EventLog(store)
        self._sql = statements("people")
        self._table = ViewTable(time_entries.PROJECTION)

    async def find(self, q: str, *, limit: int, after: str = "") -> Sequence[Person]:
        """Whose name or e-mail holds `q`, or whose number or subject it is; by subject."""
        rows = await self._fetch(self._sql["subjects"], q, after, limit)
        return [Person(**dict(row)) for row in rows]

    async def generation(self, subject: str) -> tuple[int, bool]:
        """That of the newest key, 0 for nobody we know; and whether it was not destroyed."""
        try:
            return await self._store.subject_keys.newest(subject)
        except DRIVER_ERRORS as error:
            raise translated(error) from error

    async def naming(self, subject: str) -> list[int]:
        """Positions of all events that hold a value of the person."""
        try:
            return await naming(self._store, [subject], await self._store.head())
        except DRIVER_ERRORS as error:
            raise translated(error) from error

    async def held(self, subject: str, generation: int, events: int) -> Held:
        """What there is about the person in numbers."""
        entries, minutes = 0, Decimal(0)
        kind, _, number = subject.partition(":")
        if column := COLUMNS.get(kind):
            query = self._sql["entries_of"].format(column=column)
            ((entries, minutes),) = await self._fetch(query, int(number))
        return Held(
            subject=subject,
            generation=generation,
            events=events,
            entries=entries,
            minutes=minutes,
        )

    async def entries(self, subject: str) -> AsyncIterator[time_entries.Row]:
        """The entries that the person booked, or that were booked for the customer."""
        kind, _, number = subject.partition(":")
        if (column := COLUMNS.get(kind)) is None:
            return
        query = self._sql["entry_rows"].format(column=column, selected=self._table.selected)
        after: int | None = 0
        while after is not None:
            rows = await self._fetch(query, int(number), after, PAGE)
            for row in rows:
                yield self._table.row(tuple(row))
            after = rows[-1]["entry_id"] if len(rows) == PAGE else None

    async def events(self, positions: Sequence[int]) -> AsyncIterator[tuple[StoredRow, Any, Any]]:
        """The events at `positions`, each with its data and its metadata opened."""
        for start in range(0, len(positions), PAGE):
            rows = await self._log.at(positions[start : start + PAGE])
            texts = [text for row in rows for text in (row.data, row.metadata)]
            opened = await self._log.opened(texts)
            for each in zip(rows, opened[::2], opened[1::2], strict=True):
                yield each

    async def _fetch(self, query: str, *arguments: object) -> Sequence[Any]:
        try:
            return await self._store.pool.fetch(query, self._store.log_id, *arguments)
        except DRIVER_ERRORS as error:
            raise translated(error) from error

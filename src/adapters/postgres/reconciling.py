"""Rows of Reconcile and conflicts, now and as of a position, without counting over everything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

import asyncpg

from adapters.postgres.connecting import translated
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.statements import held_at, statements
from adapters.postgres.totals import TotalsTable
from adapters.postgres.view_tables import ViewTable, kept
from projections import conflict_totals, conflicts, entry_totals, time_entries
from projections.tally import Amounts, Tally

ConflictRow: TypeAlias = conflicts.Row  # methods have the names of their modules
# the rows, which of them are meant, and their text: those of now have a table of their own
_OPEN_NOW = "open_rows", "open_now", "t.searched"
_OPEN_THEN = "time_entries", "open_then", "searched(t)"
# A text of fewer than FEW of the newest SAMPLE open rows is looked for by its trigrams; any other
# one in all rows from the newest on, which finds a page of them at once.
SAMPLE, FEW = 500, 10
TRIGRAM = 3  # characters
RowCounts: TypeAlias = Mapping[tuple[str, str | None], int]  # by status and reason
OPEN = (time_entries.CONFLICT, time_entries.MISSING)
SHOWN: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "conflicts": (time_entries.CONFLICT,),
        "missing": (time_entries.MISSING,),
        "matches": (time_entries.MATCH,),
        "all": (*OPEN, time_entries.MATCH),
    }
)


@dataclass(frozen=True, kw_only=True)
class RowFilter:
    """`filter` is a key of SHOWN.

    `q` is looked for anywhere in open rows; of matches, only those of the ticket with that number
    are found.
    """

    filter: str = "conflicts"
    reason: str | None = None
    q: str | None = None


@dataclass(frozen=True)
class OpenRow:
    """An entry with its open conflict, None for a match."""

    entry: time_entries.Row
    conflict: ConflictRow | None


@dataclass(frozen=True)
class RowPage:
    """`counts` are of all rows, by status, whatever the filter; `total` is of the filter."""

    rows: Sequence[OpenRow]
    total: int
    counts: Mapping[str, int]


class Reconciling:
    """The views `time_entries` and `conflicts` of one log."""

    def __init__(self, store: PostgresEventStore) -> None:
        self._pool = store.pool
        self._log_id = store.log_id
        self._sql = statements("reconciling")
        self._entries = ViewTable(time_entries.PROJECTION)
        self._conflicts = ViewTable(conflicts.PROJECTION)
        self._totals = TotalsTable(store.log_id)

    async def page(
        self, which: RowFilter, *, skip: int, limit: int, as_of: int | None = None
    ) -> RowPage:
        """Newest first: by the opening of the conflict, for a match by its last change."""
        q = kept(which.q) or None
        most = skip + limit
        ways = {status: await self._way(status, q, as_of) for status in SHOWN[which.filter]}
        parts = [
            self._part(status, way, as_of, what=what, tail=f"ORDER BY {key} DESC LIMIT {most:d}")
            for status, way in ways.items()
            for key in (_key(status),)
            for what in (f"t.entry_id, t.valid_from, {key} AS place",)
        ]
        every = " UNION ALL ".join(f"({part})" for part in parts)
        tail = f"ORDER BY place DESC LIMIT {limit:d} OFFSET {skip:d}"
        columns = self._columns(self._entries, "t") + self._columns(self._conflicts, "c")
        held = held_at(self._sql, as_of).replace("t.", "c.")
        query = self._sql["page"].format(
            what=", ".join(columns), every=every, tail=tail, held_conflict=held
        )
        records = await self._query(query, as_of, which.reason, q)
        counts = await self._rows(as_of)
        last = len(records) < limit and (records or not skip)
        total = skip + len(records) if last else await self._total(which, q, ways, counts, as_of)
        return RowPage(
            rows=[self._open_row(tuple(record)) for record in records],
            total=total,
            counts=_by_status(counts),
        )

    async def conflicts(
        self, status: str | None, *, skip: int, limit: int, as_of: int | None = None
    ) -> tuple[Sequence[ConflictRow], int]:
        """Conflicts that were ever opened, newest first, and how many there are."""
        now = as_of is None
        if status == conflicts.PENDING:
            held = self._sql["pending_now" if now else "pending_then"]
        else:
            last = self._sql["last_now" if now else "last_then"]
            held = last.format(superseded=self._sql["superseded"])
        tail = f"ORDER BY t.conflict_id DESC LIMIT {limit:d} OFFSET {skip:d}"
        what = ", ".join(self._columns(self._conflicts, "t"))
        which = self._sql["any_status" if status is None else "one_status"]
        query = self._sql["conflicts"].format(what=what, held=held, status=which, tail=tail)
        records = await self._query(query, as_of, status)
        kept = await self._kept(conflict_totals.TALLY, conflict_totals.ALL, as_of)
        total = int(sum(kept.values()) if status is None else kept.get(status, 0))
        return [self._conflicts.row(tuple(record)) for record in records], total

    async def conflict(self, conflict_id: int, *, as_of: int | None = None) -> ConflictRow | None:
        """One conflict, None when there was none of that number (then)."""
        what = ", ".join(self._columns(self._conflicts, "t"))
        query = self._sql["conflict"].format(what=what)
        records = await self._query(query, as_of, conflict_id)
        return self._conflicts.row(tuple(records[0])) if records else None

    async def entries(
        self, ids: Sequence[int], *, as_of: int | None = None
    ) -> Mapping[int, time_entries.Row]:
        """Those of the entries that are known (then)."""
        what = ", ".join(self._columns(self._entries, "t"))
        records = await self._query(self._sql["entries"].format(what=what), as_of, list(ids))
        rows = (self._entries.row(tuple(record)) for record in records)
        return {row.entry_id: row for row in rows}

    async def _total(
        self,
        which: RowFilter,
        q: str | None,
        ways: Mapping[str, str],
        counts: RowCounts,
        as_of: int | None,
    ) -> int:
        """From the numbers that are kept; only a text is counted, among the few open rows."""
        if q is None:
            return sum(
                count
                for (status, reason), count in counts.items()
                if status in ways and which.reason in (None, reason)
            )
        parts = [self._part(*way, as_of, what="count(*)", tail="") for way in ways.items()]
        query = " UNION ALL ".join(f"({part})" for part in parts)
        return sum(record[0] for record in await self._query(query, as_of, which.reason, q))

    async def _way(self, status: str, q: str | None, as_of: int | None) -> str:
        """The statement that finds such rows soonest."""
        if status not in OPEN:
            return "matched" if q is None else "matched_ticket"
        if q is None or len(q) < TRIGRAM or as_of is not None:
            return "open"
        query = self._sql["sampled"].format(sample=SAMPLE)
        (found,) = await self._query(query, status, q)
        return "open_of_few" if found[0] < FEW else "open"

    def _part(self, status: str, way: str, as_of: int | None, *, what: str, tail: str) -> str:
        if status not in OPEN:
            held = held_at(self._sql, as_of)
            return self._sql[way].format(what=what, held=held, tail=tail)
        rows, held, searched = _OPEN_NOW if as_of is None else _OPEN_THEN
        return self._sql[way].format(
            what=what,
            rows=rows,
            held=self._sql[held],
            status=status,
            searched=searched,
            tail=tail,
        )

    async def _rows(self, as_of: int | None) -> RowCounts:
        """How many rows there are, by status and reason."""
        kept = await self._kept(entry_totals.TALLY, entry_totals.ALL, as_of)
        named = ((entry_totals.row_of(name), amount) for name, amount in kept.items())
        return {key: int(amount) for key, amount in named if key is not None}

    async def _kept(self, tally: Tally[Any], key: int, as_of: int | None) -> Amounts:
        try:
            found = await self._totals.read(self._pool, tally, first=key, last=key, as_of=as_of)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise translated(error) from error
        return found.get(key, {})

    def _open_row(self, record: Sequence[Any]) -> OpenRow:
        width = len(self._entries.columns)
        entry = self._entries.row(record[:width])
        known = record[width] is not None
        conflict = self._conflicts.row(record[width:]) if known else None
        return OpenRow(entry, conflict)

    @staticmethod
    def _columns(table: ViewTable[Any], alias: str) -> list[str]:
        return [f'{alias}."{column.name}"' for column in table.columns]

    async def _query(self, query: str, *arguments: object) -> Sequence[Any]:
        try:
            return await self._pool.fetch(query, self._log_id, *arguments)
        except asyncpg.DataError:
            raise
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise translated(error) from error


def _key(status: str) -> str:
    return "t.conflict_id" if status in OPEN else "t.valid_from"


def _by_status(counts: RowCounts) -> Mapping[str, int]:
    found = dict.fromkeys((*OPEN, time_entries.MATCH), 0)
    for (status, _), count in counts.items():
        found[status] += count
    return found

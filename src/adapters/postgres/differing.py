"""What changed between two positions, from the views that keep since when their rows hold."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from adapters.postgres.connecting import DRIVER_ERRORS, translated
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.statements import statements
from adapters.postgres.view_tables import ViewTable
from domain.event import Actor
from domain.ids import EntryId, entry_stream
from projections.differing import CONFLICT, KINDS, Values, conflict_at

MOST_POSITIONS = 100  # of one object; of more the newest are told
Place: TypeAlias = tuple[str, int]  # kind and number of the last object of a page


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Objects of one kind that something happened to."""

    added: int = 0
    changed: int = 0
    removed: int = 0


@dataclass(frozen=True)
class Ends:
    """One object at both ends, as rows of its view or, a conflict, as values; and what was between.

    `types` are those of the events at `positions`, `actors` who did them, each once.
    """

    number: int
    before: Any
    after: Any
    positions: Sequence[int]
    types: frozenset[str] = frozenset()
    actors: Sequence[Actor] = ()


class Differing:
    """The changes of one log."""

    def __init__(self, store: PostgresEventStore) -> None:
        self._store = store
        sql = self._sql = statements("past")
        self._tables = {name: ViewTable(kind.projection) for name, kind in KINDS.items()}
        self._of_conflicts = {
            name: sql[name].format(touched_conflicts=sql["touched_conflicts"])
            for name in ("count_conflicts", "conflicts")
        }
        self._of_table = {name: self._statements(table) for name, table in self._tables.items()}

    def _statements(self, table: ViewTable[Any]) -> Mapping[str, str]:
        sql, names = self._sql, {"key": table.key, "table": table.name, "selected": table.selected}
        sets = {name: sql[name].format(**names) for name in ("held_before", "held_after")}
        wanted = ("count_touched", "touched", "held_at", "positions")
        return {name: sql[name].format(**names, **sets) for name in wanted}

    async def instant(self, position: int) -> datetime | None:
        """When the event at `position` was recorded; None before the first."""
        rows = await self._fetch(self._sql["instant"], position)
        return rows[0][0] if rows else None

    async def count(self, kind: str, first: int, last: int) -> Counts:
        """How many objects of the kind anything happened to after `first`, up to `last`."""
        query = (
            self._of_conflicts["count_conflicts"]
            if kind == CONFLICT
            else self._of_table[kind]["count_touched"]
        )
        (row,) = await self._fetch(query, first, last)
        return Counts(**dict(row))

    async def page(
        self, kind: str, first: int, last: int, *, after: int, limit: int
    ) -> Sequence[Ends]:
        """At most `limit` of them, by number, from after that one on."""
        arguments = (first, last, after, limit)
        if kind == CONFLICT:
            ends = await self._conflicts(*arguments)
        else:
            ends = await self._rows(kind, *arguments)
        return await self._with_events(ends)

    async def _rows(
        self, kind: str, first: int, last: int, after: int, limit: int
    ) -> Sequence[Ends]:
        sql, table = self._of_table[kind], self._tables[kind]
        touched = await self._fetch(sql["touched"], first, last, after, limit)
        numbers = [row[0] for row in touched]
        if not numbers:
            return []
        key = KINDS[kind].projection.key
        sides = []
        for position in (first, last):
            records = await self._fetch(sql["held_at"], position, numbers)
            rows = [table.row(tuple(record)) for record in records]
            sides.append({getattr(row, key): row for row in rows})
        found = await self._fetch(sql["positions"], first, last, numbers, MOST_POSITIONS)
        positions = {row["number"]: sorted(row["positions"]) for row in found}
        return [
            Ends(number, sides[0].get(number), sides[1].get(number), positions[number])
            for number in numbers
        ]

    async def _conflicts(self, first: int, last: int, after: int, limit: int) -> Sequence[Ends]:
        rows = await self._fetch(self._of_conflicts["conflicts"], first, last, after, limit)
        ends = []
        for number, entry_id, positions in rows:
            events = await self._store.read_recorded(entry_stream(EntryId(entry_id)))
            before: Values | None = conflict_at(events, number, first)
            ends.append(Ends(number, before, conflict_at(events, number, last), positions))
        return ends

    async def _with_events(self, ends: Sequence[Ends]) -> Sequence[Ends]:
        positions = [position for each in ends for position in each.positions]
        decode = self._store.codec.decode_metadata
        rows = await self._fetch(self._sql["recorded"], positions) if positions else []
        by = {position: (kind, decode(meta)[0].actor) for position, kind, meta in rows}
        await self._store.fetch_missing_keys()
        return [_told(each, [by[at] for at in each.positions if at in by]) for each in ends]

    async def _fetch(self, query: str, *arguments: object) -> Sequence[Any]:
        try:
            return await self._store.pool.fetch(query, self._store.log_id, *arguments)
        except DRIVER_ERRORS as error:
            raise translated(error) from error


def _told(ends: Ends, events: Iterable[tuple[str, Actor]]) -> Ends:
    told = list(events)
    actors = tuple(dict.fromkeys(actor for _, actor in told))
    types = frozenset(kind for kind, _ in told)
    return Ends(ends.number, ends.before, ends.after, ends.positions, types, actors)

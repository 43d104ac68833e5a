"""Replay and compare: every view held against a fold of all events, in bounded memory.

Each page of events is folded upon the rows that are stored as of its beginning, and the rows that
come of it are held against those stored. From the empty beginning on that proves every version of
every row; a wrong one shows where it is, not in all that follows. Nothing is written.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from adapters.postgres.connecting import DRIVER_ERRORS, translated
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.projection_step import AT_A_STRETCH, Page
from adapters.postgres.statements import statements
from adapters.postgres.totals import REST, TotalsTable
from adapters.postgres.view_tables import ViewTable
from projections.catalogue import ALL, TALLIES
from projections.folding import Dispatch, Fold, touched
from projections.projection import Projection
from projections.tally import Amounts, Counting, Tally, add, total

PAGE = 1_000  # events that are folded together
MOST = 100  # differences that are listed; all are counted
Sums = dict[str, dict[int, dict[str, Decimal]]]  # by tally and key
NAMES = ("before", "begun", "count")


@dataclass(frozen=True, kw_only=True)
class Difference:
    """`position` is where the row begins to hold, None when it is not about one row.

    `kind`: missing, extra, differs (in `fields`), stopped (the view cannot take the event), rows
    (so many more or less than there should be), totals.
    """

    view: str
    kind: str
    key: int | None = None
    position: int | None = None
    fields: Sequence[str] = ()


@dataclass
class Comparison:
    """How far it is, and what it found."""

    until: int
    position: int = 0
    rows: int = 0
    found: int = 0
    differences: list[Difference] = field(default_factory=list)

    def note(self, difference: Difference) -> None:
        self.found += 1
        if len(self.differences) < MOST:
            self.differences.append(difference)


@dataclass
class _View:
    """One view on its way: how many rows began, and what its tallies add up to.

    `rest` is what came after the last whole block of positions, of which no row is made yet.
    """

    table: ViewTable[Any]
    sql: Mapping[str, str]
    tallies: Sequence[Tally[Any]]
    begun: int = 0
    sums: Sums = field(default_factory=dict)
    rest: Sums = field(default_factory=dict)


class Comparing:
    """Compares the views of one log."""

    def __init__(
        self,
        store: PostgresEventStore,
        projections: Sequence[Projection[Any]] = ALL,
        tallies: Sequence[Tally[Any]] = TALLIES,
    ) -> None:
        self._store = store
        self._totals = TotalsTable(store.log_id)
        sql = statements("comparing")
        self._views: dict[str, _View] = {}
        for projection in projections:
            table: ViewTable[Any] = ViewTable(projection)
            filled = {
                name: sql[name].format(table=table.name, key=table.key, selected=table.selected)
                for name in NAMES
            }
            mine = [tally for tally in tallies if tally.of.name == projection.name]
            self._views[table.name] = _View(table, filled, mine)

    async def run(
        self,
        comparison: Comparison,
        *,
        page: int = PAGE,
        stopping: Callable[[], bool] = lambda: False,
    ) -> bool:
        """All events up to `comparison.until`, which the views have all seen; False if stopped.

        Raises Unavailable, LedgerDamaged.
        """
        going = dict(self._views)
        async for events in self._store.replay(until=comparison.until, limit=page):
            if stopping():
                return False
            await self._page(going, events, comparison)
            comparison.position = events[-1].position
        for name, view in going.items():
            await self._whole(name, view, comparison)
        return True

    async def _page(self, going: dict[str, _View], events: Page, comparison: Comparison) -> None:
        after, last = events[0].position - 1, events[-1].position
        dispatch = Dispatch(view.table.projection for view in going.values())
        touches = dispatch.touches(events)
        keys = touched(touches)
        stored = {name: await self._before(going[name], some, after) for name, some in keys.items()}
        folds: dict[str, Fold[Any]] = {
            name: Fold(
                going[name].table.projection,
                {key: row for key, (row, _) in stored[name].items()},
                [Counting(tally) for tally in going[name].tallies],
            )
            for name in keys
        }
        for start in range(0, len(touches), AT_A_STRETCH):
            dispatch.feed(touches[start : start + AT_A_STRETCH], folds)
            await asyncio.sleep(0)  # others want to be answered
        for name, stopped in dispatch.stopped.items():
            comparison.note(Difference(view=name, kind="stopped", position=stopped.position))
            del going[name]
        for name, fold in folds.items():
            if name in going:
                within = after, last
                await self._held_against(fold, stored[name], keys[name], within, comparison)
                _count(going[name], fold, comparison.until)

    async def _held_against(
        self,
        fold: Fold[Any],
        before: Mapping[int, tuple[Any, int | None]],
        keys: set[int],
        within: tuple[int, int],
        comparison: Comparison,
    ) -> None:
        name, (after, last) = fold.projection.name, within
        view = self._views[name]
        table = view.table
        columns = [column.name for column in table.columns]
        key_at, from_at = columns.index(table.key), columns.index("valid_from")
        there = {
            (record[1 + key_at], record[1 + from_at]): tuple(record)
            for record in await self._fetch(view.sql["begun"], list(keys), after, last)
        }
        for expected in table.records(self._store.log_id, fold.begun, without_nul=True):
            until, values = expected[1], expected[2:]
            place = values[key_at], values[from_at]
            view.begun += 1
            comparison.rows += 1
            record = there.pop(place, None)
            if record is None:
                comparison.note(
                    Difference(view=name, kind="missing", key=place[0], position=place[1])
                )
                continue
            fields = [
                column
                for column, one, other in zip(columns, values, record[1:], strict=True)
                if one != other
            ]
            if not _ends_alike(until, record[0], last):
                fields.append("valid_to")
            if fields:
                comparison.note(
                    Difference(
                        view=name, kind="differs", key=place[0], position=place[1], fields=fields
                    )
                )
        for key, position in there:
            comparison.note(Difference(view=name, kind="extra", key=key, position=position))
        for key, (row, valid_to) in before.items():
            until = fold.ended[key][1] if key in fold.ended else None
            if not _ends_alike(until, valid_to, last):
                comparison.note(
                    Difference(
                        view=name,
                        kind="differs",
                        key=key,
                        position=row.position,
                        fields=["valid_to"],
                    )
                )

    async def _before(
        self, view: _View, keys: set[int], after: int
    ) -> dict[int, tuple[Any, int | None]]:
        """The stored rows that hold after `after`, and until when they do, by key."""
        if view.table.append_only:
            return {}
        found = {}
        for record in await self._fetch(view.sql["before"], list(keys), after):
            row = view.table.row(tuple(record)[1:])
            found[getattr(row, view.table.key)] = row, record[0]
        return found

    async def _whole(self, name: str, view: _View, comparison: Comparison) -> None:
        """Rows of no event at all, and what the rows add up to."""
        ((rows,),) = await self._fetch(view.sql["count"], comparison.until)
        if rows != view.begun:
            comparison.note(Difference(view=name, kind="rows", fields=[f"{rows - view.begun:+d}"]))
        for tally in view.tallies:
            settled, rest = view.sums.get(tally.name, {}), view.rest.get(tally.name, {})
            if tally.name in REST:
                base = tally.last_end(comparison.until)
                there = await self._sums(tally, base)
                _note_sums(comparison, tally, settled, there)
            there = await self._sums(tally, None)
            if await self._store.head() == comparison.until:  # else they have moved on
                keys = settled.keys() | rest.keys()
                both = {key: total((settled.get(key, {}), rest.get(key, {}))) for key in keys}
                _note_sums(comparison, tally, both, there)

    async def _sums(self, tally: Tally[Any], as_of: int | None) -> Mapping[int, Amounts]:
        try:
            return await self._totals.read(self._store.pool, tally, as_of=as_of)
        except DRIVER_ERRORS as error:
            raise translated(error) from error

    async def _fetch(self, query: str, *arguments: object) -> Sequence[Any]:
        try:
            return await self._store.pool.fetch(query, self._store.log_id, *arguments)
        except DRIVER_ERRORS as error:
            raise translated(error) from error


def _count(view: _View, fold: Fold[Any], until: int) -> None:
    """Add what the page changes: to what whole blocks have by now, or to the rest."""
    for counting in fold.watching:
        assert isinstance(counting, Counting)
        tally = counting.tally
        for (end, counted), times in counting.changes.items():
            sums = view.sums if end <= until else view.rest
            of_tally = sums.setdefault(tally.name, {})
            for key, amounts in tally.amounts(counted).items():
                add(of_tally.setdefault(key, {}), amounts, times)


def _note_sums(
    comparison: Comparison,
    tally: Tally[Any],
    expected: Mapping[int, Amounts],
    stored: Mapping[int, Amounts],
) -> None:
    for key in sorted(expected.keys() | stored.keys()):
        if _without_zeros(expected.get(key, {})) != _without_zeros(stored.get(key, {})):
            comparison.note(Difference(view=tally.name, kind="totals", key=key))


def _ends_alike(expected: int | None, stored: int | None, last: int) -> bool:
    """Whether it ends there, or, as far as these events tell, does not end."""
    return stored == expected if expected is not None else stored is None or stored > last


def _without_zeros(amounts: Mapping[str, Decimal]) -> dict[str, Decimal]:
    return {name: amount for name, amount in amounts.items() if amount}

"""Tallies as rows of one table: stored with their views, read for now and for any position."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from adapters.postgres.statements import statements
from projections import (
    audit_totals,
    conflict_totals,
    entry_totals,
    lag_totals,
    run_totals,
    usage_totals,
)
from projections.tally import (
    Amounts,
    Counted,
    Counting,
    Row,
    Sums,
    Tally,
    by_key,
    rows_of,
    total,
    versions,
)

if TYPE_CHECKING:
    import asyncpg

Session: TypeAlias = "asyncpg.Pool | asyncpg.Connection | asyncpg.pool.PoolConnectionProxy[Any]"

_amounts = msgspec.json.Decoder(dict[str, Decimal]).decode
LAST_KEY = 2**31  # beyond any day
# Of each tally the statement that says what the events of the block in hand changed. One that is
# not here is read for the present only.
REST = {
    entry_totals.TALLY.name: "rest_of_entries",
    audit_totals.TALLY.name: "rest_of_audit",
    run_totals.TALLY.name: "rest_of_runs",
    conflict_totals.TALLY.name: "rest_of_conflicts",
    lag_totals.TALLY.name: "rest_of_lags",
    usage_totals.TALLY.name: "rest_of_usage",
}


def _columns(rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    """Of rows, of which there is one at least."""
    return [list(column) for column in zip(*rows, strict=True)]


class TotalsTable:
    """The tallies of one log."""

    def __init__(self, log_id: int) -> None:
        self._log_id = log_id
        self._sql = statements("totals")

    async def store(self, connection: Session, countings: Sequence[Counting[Any]]) -> None:
        """Add the changes of a page; in the transaction that stores the rows they come from."""
        sums = {each.tally.name: by_key(each.tally, each.changes) for each in countings}
        live = await self._live(connection, sums)
        ended: list[tuple[str, int, int]] = []
        begun: list[tuple[str, int, int, int | None, str]] = []
        for name, of_tally in sums.items():
            rows = live[name]
            for key, of_key in versions(of_tally, rows).items():
                first = of_key[0].row.position
                if key in rows and rows[key].position < first:  # else it is only replaced
                    ended.append((name, key, first))
                for each in of_key:
                    amounts = msgspec.json.encode(each.row.amounts).decode()
                    begun.append((name, key, each.row.position, each.until, amounts))
        if ended:
            await connection.execute(self._sql["end"], self._log_id, *_columns(ended))
        if begun:
            await connection.execute(self._sql["put"], self._log_id, *_columns(begun))

    async def _live(
        self, connection: Session, sums: Mapping[str, Sums]
    ) -> Mapping[str, Mapping[int, Row]]:
        """The rows of now that the sums are to be added to, by tally and key."""
        wanted = [(name, key) for name, of_tally in sums.items() for key in sorted(of_tally)]
        found: dict[str, dict[int, Row]] = {name: {} for name in sums}
        if not wanted:  # what changed counts nowhere
            return found
        query = self._sql["live"]
        for name, key, since, amounts in await connection.fetch(
            query, self._log_id, *_columns(wanted)
        ):
            found[name][key] = Row(key, since, _amounts(amounts))
        return found

    async def empty(self, connection: Session, tally: Tally[Any]) -> None:
        """Forget it, to be made anew."""
        await connection.execute(self._sql["empty"], self._log_id, tally.name)

    async def fingerprint(self, connection: Session, tally: Tally[Any]) -> str:
        """The same for the same rows in any order."""
        return str(await connection.fetchval(self._sql["fingerprint"], self._log_id, tally.name))

    async def read(
        self,
        connection: Session,
        tally: Tally[Any],
        *,
        first: int = 0,
        last: int = LAST_KEY,
        also: int | None = None,
        as_of: int | None = None,
    ) -> Mapping[int, Amounts]:
        """The amounts of the keys from `first` to `last` and of `also`, by key.

        Those without any are left out.

        For the present and for a past position alike it takes as long as there are keys, and reads
        the events of one block at most. In a transaction it shows what that sees of the view.
        """
        base = None if as_of is None else tally.last_end(as_of)
        name = "now" if base is None else "then"
        past = () if base is None else (base,)
        other = first if also is None else also
        records = await connection.fetch(
            self._sql[name], self._log_id, tally.name, first, last, other, *past
        )
        found: dict[int, Amounts] = {key: _amounts(amounts) for key, amounts in records}
        if base is None or as_of is None or base == as_of:
            return found
        rest = rows_of(tally, await self._rest(connection, tally, base, as_of))
        for key, sums in rest.items():
            if first <= key <= last or key == other:
                found[key] = total((found.get(key, {}), sums))
        return found

    async def _rest(
        self, connection: Session, tally: Tally[Any], after: int, upto: int
    ) -> Iterable[tuple[Counted, int]]:
        """What of the view counts since `after`: which values, and how often, also less often."""
        query = self._sql[REST[tally.name]]
        records = await connection.fetch(query, self._log_id, after, upto)
        return [(tuple(record)[:-1], record["times"]) for record in records]

"""Tallies as rows of one table: stored with their views, read for now and for any position."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from adapters.postgres.statements import statements
from projections import audit_totals, conflict_totals, entry_totals, run_totals
from projections.tally import (
    Amounts,
    Counted,
    Counting,
    Row,
    Tally,
    keys,
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
}


class TotalsTable:
    """The tallies of one log."""

    def __init__(self, log_id: int) -> None:
        self._log_id = log_id
        self._sql = statements("totals")

    async def store(self, connection: Session, counting: Counting[Any]) -> None:
        """Add the changes of a page; in the transaction that stores the rows they come from."""
        tally, changes = counting.tally, counting.changes
        wanted = sorted(keys(tally, changes))
        records = await connection.fetch(self._sql["live"], self._log_id, tally.name, wanted)
        live = {key: Row(key, since, _amounts(amounts)) for key, since, amounts in records}
        begun = versions(tally, changes, live)
        ended = [
            (key, begun[key][0].row.position)
            for key, row in live.items()
            if row.position < begun[key][0].row.position
        ]
        if ended:  # within a block the row is only replaced
            keys_of, until = [key for key, _ in ended], [at for _, at in ended]
            await connection.execute(self._sql["end"], self._log_id, tally.name, keys_of, until)
        rows = [(each.row, each.until) for of_key in begun.values() for each in of_key]
        await connection.execute(
            self._sql["put"],
            self._log_id,
            tally.name,
            [row.key for row, _ in rows],
            [row.position for row, _ in rows],
            [until for _, until in rows],
            [msgspec.json.encode(row.amounts).decode() for row, _ in rows],
        )

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

"""Reads what the dashboard's figures are made of: a few rows by key, whatever the ledger holds."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from adapters.postgres.connecting import DRIVER_ERRORS, translated
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.statements import statements
from adapters.postgres.totals import TotalsTable
from projections import (
    connectors,
    delivery_totals,
    entry_totals,
    lag_totals,
    run_totals,
    sync_runs,
    time_entries,
    write_totals,
)
from projections.entry_totals import ALL
from projections.key_figures import Waits
from projections.kpi import WAITING, Figures, LastRun, Standings
from projections.tally import Amounts, Tally

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

RATED = timedelta(hours=24)  # contract, section 6
VIEWS = (time_entries.PROJECTION, sync_runs.PROJECTION, connectors.PROJECTION)


@dataclass(frozen=True, kw_only=True)
class Sums:
    """What there is, by the names of the tallies; `queue` are jobs that wait or go on, by kind."""

    entries: Amounts
    runs: Amounts
    writes: Amounts
    deliveries: Amounts
    queue: Mapping[str, int]
    oldest_pending: datetime | None


class Kpi:
    """The figures of one log. `entries` and `lags` are tallies that the projections keep."""

    def __init__(
        self,
        store: PostgresEventStore,
        *,
        entries: Tally[time_entries.Row] = entry_totals.TALLY,
        lags: Tally[time_entries.Row] = lag_totals.TALLY,
    ) -> None:
        self._tallies = entries, lags
        self._pool = store.pool
        self._log_id = store.log_id

    @asynccontextmanager
    async def reading(self) -> "AsyncIterator[Moment]":
        """The views as they are in one moment, for all that the block reads.

        Raises Unavailable, whatever of it was reading.
        """
        try:
            async with (
                self._pool.acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                yield Moment(connection, self._log_id, *self._tallies)
        except DRIVER_ERRORS as error:
            raise translated(error) from error

    async def sums(self) -> Sums:
        """What there is of everything, now. Raises Unavailable."""
        async with self.reading() as moment:
            return await moment.sums()


class Moment:
    """One moment of the views; `as_of` asks it for the views as they were after that position."""

    def __init__(
        self,
        connection: "PoolConnectionProxy[Any]",
        log_id: int,
        entries: Tally[time_entries.Row],
        lags: Tally[time_entries.Row],
    ) -> None:
        self._connection, self._log_id = connection, log_id
        self._entries, self._lags = entries, lags
        self._totals = TotalsTable(log_id)
        self._sql = statements("kpi")

    async def figures(
        self, *, first: date, last: date, now: datetime, as_of: int | None = None
    ) -> Figures:
        """The figures with the days from `first` to `last`.

        `now` is the instant they are of: that of `as_of`, or the present.
        """
        whole, days = await self._of_days(self._entries, first, last, as_of)
        views = [view.name for view in VIEWS], [view.version for view in VIEWS]
        (state,) = await self._fetch("state", as_of, *views)
        run = await self._fetch("last_run", as_of)
        return Figures(
            position=state["position"] if as_of is None else as_of,
            whole=whole,
            days=days,
            oldest_pending=await self._oldest_pending(whole, as_of),
            last_sync=state["last_sync"],
            last_run=LastRun(
                run_id=run[0]["run_id"], state=run[0]["state"], begun_at=run[0]["begun_at"]
            )
            if run
            else None,
            active_connectors=state["active_connectors"],
            success_rate=await self._success_rate(now, as_of),
        )

    async def standings(self, *, first: date, last: date, as_of: int) -> Standings:
        """That part of the figures that the key figures need, as of a position."""
        whole, days = await self._of_days(self._entries, first, last, as_of)
        return Standings(position=as_of, whole=whole, days=days)

    async def waits(
        self,
        known: Standings,
        *,
        first: date,
        last: date,
        late: datetime | None,
        as_of: int | None,
    ) -> Waits:
        """What the key figures need beside `known`; who waits since before `late` is late."""
        waiting = _waiting(known.whole)
        oldest = await self._fetch(f"oldest_conflict_{_tense(as_of)}", as_of)
        if late is None or not waiting:
            number = None if late is None else 0
        else:
            more = [late] if as_of is None else [late, waiting]
            (found,) = await self._fetch(f"late_{_tense(as_of)}", as_of, *more)
            number = found["late"]
        _, lags = await self._of_days(self._lags, first, last, as_of)
        return Waits(
            oldest_decision=oldest[0]["opened_at"] if oldest else None, late=number, lags=lags
        )

    async def sums(self) -> Sums:
        """What there is of everything, now."""
        entries = await self._whole(self._entries)
        queue = await self._connection.fetch(self._sql["queue"])
        return Sums(
            entries=entries,
            runs=await self._whole(run_totals.TALLY),
            writes=await self._whole(write_totals.TALLY),
            deliveries=await self._whole(delivery_totals.TALLY),
            queue={record["entrypoint"]: record["jobs"] for record in queue},
            oldest_pending=await self._oldest_pending(entries, None),
        )

    async def _whole(self, tally: Tally[Any]) -> Amounts:
        rows = await self._totals.read(self._connection, tally, first=ALL, last=ALL)
        return rows.get(ALL, {})

    async def _of_days(
        self, tally: Tally[Any], first: date, last: date, as_of: int | None
    ) -> tuple[Amounts, Mapping[date, Amounts]]:
        """The amounts in all, where the tally has them, and by day."""
        sums = await self._totals.read(
            self._connection,
            tally,
            first=first.toordinal(),
            last=last.toordinal(),
            also=ALL,
            as_of=as_of,
        )
        days = {date.fromordinal(key): amounts for key, amounts in sums.items() if key != ALL}
        return sums.get(ALL, {}), days

    async def _oldest_pending(self, whole: Amounts, as_of: int | None) -> datetime | None:
        """Since when the entry waits that waits longest; the totals say how many there are."""
        waiting = _waiting(whole)
        if not waiting:
            return None
        if as_of is None:
            records = await self._fetch("oldest_pending", None)
        else:
            records = await self._fetch("oldest_pending_then", as_of, waiting)
        oldest: datetime | None = records[0]["since"]
        return oldest

    async def _success_rate(self, now: datetime, as_of: int | None) -> float | None:
        """Of the deliveries accepted within the last day, those processed without error."""
        (found,) = await self._fetch("deliveries", as_of, now - RATED)
        return found["well"] / found["taken"] if found["taken"] else None

    async def _fetch(self, name: str, as_of: int | None, *more: object) -> Sequence[Any]:
        held = self._sql[f"held_{_tense(as_of)}"]
        query = self._sql[name].format(held=held)
        return await self._connection.fetch(query, self._log_id, as_of, *more)


def _waiting(whole: Amounts) -> int:
    return int(sum(whole.get(state, 0) for state in WAITING))


def _tense(as_of: int | None) -> str:
    return "now" if as_of is None else "then"

"""One page of events into the views: rows and checkpoint in one transaction, so exactly once."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from adapters.postgres.connecting import WHOLE_TABLE
from adapters.postgres.statements import statements
from adapters.postgres.totals import TotalsTable
from adapters.postgres.view_tables import ViewTable
from domain.event import Event, Recorded
from projections.folding import Dispatch, Fold, Stopped, touched
from projections.projection import Projection
from projections.tally import Counting, Tally

if TYPE_CHECKING:
    import asyncpg

AT_A_STRETCH = 40  # steps of a view before others get their turn: about a millisecond
REMEMBERED = 10_000  # rows kept per view between pages; about 2 kB each
ERROR_LENGTH = 500  # characters of an error's text that are kept

Page: TypeAlias = Sequence[Recorded[Event]]
Session: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"


@dataclass(frozen=True)
class Standing:
    """How far a projection is. `failed_at` is the position of the event that it cannot take."""

    position: int
    failed_at: int | None = None
    error: str | None = None


@dataclass(frozen=True)
class Folded:
    """What the events after `after` make of some views: to be stored, and to be kept after that."""

    after: int
    reached: Mapping[str, Standing]
    folds: Mapping[str, Fold[Any]]

    @property
    def going(self) -> list[str]:
        """The views that took every event."""
        return [name for name, at in self.reached.items() if at.failed_at is None]


class ViewChanged(Exception):  # says what happened, like the domain's errors
    """Rows are not as this program left them; rebuild the view."""


class ProjectionStep:
    """Moves projections that stand at the same position through a page."""

    def __init__(
        self, log_id: int, projections: Sequence[Projection[Any]], tallies: Sequence[Tally[Any]]
    ) -> None:
        self.log_id = log_id
        self.versions = {projection.name: projection.version for projection in projections}
        self.tables = {projection.name: ViewTable(projection) for projection in projections}
        self._sql = statements("projections")
        self._for_table = {
            name: {
                key: self._sql[key].format(table=table.name, key=table.key, selected=table.selected)
                for key in ("live_rows", "end_rows", "empty", "fingerprint")
            }
            for name, table in self.tables.items()
        }
        self._tallies: dict[str, list[Tally[Any]]] = {name: [] for name in self.tables}
        for tally in tallies:
            if tally.of.name in self._tallies:
                self._tallies[tally.of.name].append(tally)
        self._totals = TotalsTable(log_id)
        self._rows: dict[str, dict[int, Any]] = {name: {} for name in self.tables}
        self._rows_at: dict[str, int] = {}

    async def standing(self, connection: Session, names: Collection[str]) -> dict[str, Standing]:
        """How far the projections are, as this connection sees it."""
        records = await connection.fetch(
            self._sql["standing"], self.log_id, list(names), [self.versions[n] for n in names]
        )
        return {
            name: Standing(position, failed_at, error)
            for name, position, failed_at, error in records
        }

    async def take(
        self, connection: Session, names: Sequence[str], after: int
    ) -> tuple[list[str], dict[str, Standing]]:
        """Lock what nobody else works on; return what of it stands at `after`, and all standings.

        The locks last until the transaction ends.
        """
        await connection.execute(self._sql["prepare"])
        taken = await connection.fetch(self._sql["take"], self.log_id, list(names))
        standing = await self.standing(connection, names)
        free = {name for (name,) in taken}
        ready = [
            name
            for name in names
            if name in free
            and standing[name].position == after
            and standing[name].failed_at is None
        ]
        return ready, standing

    async def fold(
        self,
        connection: Session,
        names: Collection[str],
        page: Page,
        *,
        upon: Folded | None = None,
    ) -> Folded:
        """What the page makes of the views; nothing is stored yet.

        `upon` is what the page before made and may not be stored yet. A projection that cannot take
        an event stops before it and keeps what it had done; the others go on.
        """
        after = page[0].position - 1
        dispatch = Dispatch(self.tables[name].projection for name in names)
        touches = dispatch.touches(page)
        keys = touched(touches)
        folds = {
            name: Fold(
                self.tables[name].projection,
                await self._live(connection, name, keys.get(name, set()), after, upon),
                [Counting(tally) for tally in self._tallies[name]],
            )
            for name in names
        }
        for start in range(0, len(touches), AT_A_STRETCH):
            dispatch.feed(touches[start : start + AT_A_STRETCH], folds)
            await asyncio.sleep(0)
        stopped = dispatch.stopped
        reached = {name: _reached(stopped.get(name), page[-1].position) for name in names}
        return Folded(after, reached, folds)

    async def store(
        self, connection: Session, folded: Folded, *, without_nul: bool = False
    ) -> None:
        """Store the rows and advance the checkpoints.

        Must run inside the transaction that holds the locks of views that stand at `folded.after`.
        """
        for name, fold in folded.folds.items():
            await self._store(connection, name, fold, without_nul=without_nul)
        countings = [
            counting
            for fold in folded.folds.values()
            for counting in fold.watching
            if isinstance(counting, Counting) and counting.changes
        ]
        if countings:
            await self._totals.store(connection, countings)
        await self._advance(connection, folded.after, folded.reached)

    def keep(self, folded: Folded) -> None:
        """Remember the rows of a committed transaction; the next page probably touches them."""
        for name, fold in folded.folds.items():
            if self.tables[name].append_only:
                continue
            known = self._rows[name]
            for key in fold.ended:
                known.pop(key, None)
            for key, row in fold.rows.items():
                known.pop(key, None)
                known[key] = row  # at the young end
            for key in list(islice(known, max(0, len(known) - REMEMBERED))):
                del known[key]
            self._rows_at[name] = folded.reached[name].position

    def forget(self, names: Collection[str]) -> None:
        """Remember no row of these views: what is stored of them is not what was folded."""
        for name in names:
            self._rows[name].clear()

    async def lock(self, connection: Session, name: str) -> None:
        """Wait until nobody else works on the view; the lock lasts until the transaction ends."""
        await connection.execute(self._sql["prepare"])
        await connection.execute(self._sql["take_waiting"], self.log_id, name)

    async def fail(self, connection: Session, name: str, position: int, error: Exception) -> None:
        """Record that the projection cannot take the event at `position`."""
        version, text = self.versions[name], told(error)
        await connection.execute(self._sql["fail"], self.log_id, name, version, position, text)

    async def forgive(self, connection: Session, name: str) -> None:
        """Let the projection try again."""
        await connection.execute(self._sql["forgive"], self.log_id, name)

    async def prune(self, connection: Session, standing: Mapping[str, int]) -> None:
        """Delete the checkpoints that newer ones have replaced."""
        await connection.execute(self._sql["prune"], self.log_id, *self._columns(standing))

    async def begin_again(self, connection: Session, name: str) -> None:
        """Lock the projection and empty its view, its checkpoints and its failure."""
        await self.lock(connection, name)
        await connection.execute(self._for_table[name]["empty"], self.log_id, timeout=WHOLE_TABLE)
        for tally in self._tallies[name]:
            await self._totals.empty(connection, tally)
        await connection.execute(self._sql["forget_checkpoints"], self.log_id, name)
        await self.forgive(connection, name)
        self._rows[name].clear()
        self._rows_at.pop(name, None)

    async def fingerprint(self, connection: Session, name: str) -> tuple[int, str]:
        """Number of rows and a hash over them in any order, and over what they add up to."""
        query = self._for_table[name]["fingerprint"]
        record = await connection.fetchrow(query, self.log_id, timeout=WHOLE_TABLE)
        assert record is not None  # an aggregate always has a row
        sums = [await self._totals.fingerprint(connection, each) for each in self._tallies[name]]
        return record["count"], " ".join([record["hash"], *sums])

    async def outdated(self, connection: Session) -> list[str]:
        """Projections whose rows another version of the program made."""
        return [
            name
            for name, version in self.versions.items()
            if await connection.fetchval(self._sql["other_version"], self.log_id, name, version)
        ]

    async def _live(
        self,
        connection: Session,
        name: str,
        keys: set[int],
        after: int,
        upon: Folded | None,
    ) -> dict[int, Any]:
        """The rows that hold after `after`: those of the page before, remembered, stored ones."""
        table = self.tables[name]
        known = self._rows[name]
        begun_at = upon.after if upon else after
        if self._rows_at.get(name) not in {after, begun_at}:  # another process moved on since
            known.clear()
        if table.append_only or not keys:
            return {}
        rows, missing = {}, keys
        if upon:
            fresh = upon.folds[name]
            rows = {key: fresh.rows[key] for key in keys & fresh.rows.keys()}
            missing = keys - rows.keys() - fresh.ended.keys()
        rows |= {key: known[key] for key in missing & known.keys()}
        if missing := missing - rows.keys():
            query = self._for_table[name]["live_rows"]
            for record in await connection.fetch(query, self.log_id, list(missing)):
                row = table.row(tuple(record))
                rows[getattr(row, table.key)] = row
        return rows

    async def _store(
        self, connection: Session, name: str, fold: Fold[Any], *, without_nul: bool
    ) -> None:
        table = self.tables[name]
        if fold.ended:
            done = await connection.execute(
                self._for_table[name]["end_rows"],
                self.log_id,
                list(fold.ended),
                [since for since, _ in fold.ended.values()],
                [until for _, until in fold.ended.values()],
            )
            if done != f"UPDATE {len(fold.ended)}":
                raise ViewChanged(f"{name}: {len(fold.ended)} rows should end, {done} did")
        if fold.begun:
            records = table.records(self.log_id, fold.begun, without_nul=without_nul)
            await connection.copy_records_to_table(
                table.name, records=records, columns=table.copied
            )

    async def _advance(
        self, connection: Session, after: int, reached: Mapping[str, Standing]
    ) -> None:
        moved = {name: to.position for name, to in reached.items() if to.position > after}
        if moved:
            await connection.execute(self._sql["advance"], self.log_id, *self._columns(moved))
        for name, to in reached.items():
            if to.failed_at is not None:
                await connection.execute(
                    self._sql["fail"],
                    self.log_id,
                    name,
                    self.versions[name],
                    to.failed_at,
                    to.error,
                )

    def _columns(self, at: Mapping[str, int]) -> tuple[list[str], list[int], list[int]]:
        return list(at), [self.versions[name] for name in at], list(at.values())


def _reached(stopped: Stopped | None, last: int) -> Standing:
    if stopped is None:
        return Standing(last)
    return Standing(stopped.position - 1, stopped.position, told(stopped.error))


def told(error: Exception) -> str:
    """An error as it is stored: short, and in a form that PostgreSQL takes."""
    return f"{type(error).__name__}: {error}"[:ERROR_LENGTH].replace("\0", "")

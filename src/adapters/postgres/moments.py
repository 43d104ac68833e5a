"""Entries and runs as they were right after some events: for the live stream."""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from adapters.postgres.connecting import DRIVER_ERRORS, translated
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.view_tables import ViewTable
from projections import sync_runs
from projections.frames import Moment

_MOMENTS = """
SELECT u.entry_id, u.at, t.state, t.reason_code, t.conflict_id, t.timesheet_id,
       (t.facts -> 'others')::text AS others, t.minutes, t.ticket_number, t.last_run_id
  FROM unnest($2::bigint[], $3::bigint[]) AS u(entry_id, at)
 CROSS JOIN LATERAL (
    SELECT * FROM time_entries AS v
     WHERE v.log_id = $1 AND v.entry_id = u.entry_id AND v.valid_from <= u.at
     ORDER BY v.valid_from DESC LIMIT 1) AS t
"""
_RUNS = """
SELECT {selected} FROM sync_runs
 WHERE log_id = $1 AND valid_to IS NULL AND run_id = ANY($2::bigint[])
"""
_RUN_TABLE = ViewTable(sync_runs.PROJECTION)
_others = msgspec.json.Decoder(tuple[int, ...]).decode


class Moments:
    """Looks into the views of one log. Raises Unavailable while the database is away."""

    def __init__(self, store: PostgresEventStore) -> None:
        self._pool = store.pool
        self._log_id = store.log_id

    async def entries(self, places: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], Moment]:
        """The entries right after positions, by entry and position; unknown ones are left out."""
        if not places:
            return {}
        ids, positions = [entry for entry, _ in places], [at for _, at in places]
        try:
            records = await self._pool.fetch(_MOMENTS, self._log_id, ids, positions)
        except DRIVER_ERRORS as error:
            raise translated(error) from error
        return {
            (entry, at): Moment(
                entry, at, state, reason, conflict, sheet, _others(others or "[]"), *rest
            )
            for entry, at, state, reason, conflict, sheet, others, *rest in records
        }

    async def runs(self, ids: Collection[int]) -> Mapping[int, sync_runs.Row]:
        """The runs as they are now, by id."""
        if not ids:
            return {}
        try:
            records = await self._pool.fetch(
                _RUNS.format(selected=_RUN_TABLE.selected), self._log_id, list(ids)
            )
        except DRIVER_ERRORS as error:
            raise translated(error) from error
        rows = [_RUN_TABLE.row(tuple(record)) for record in records]
        return {row.run_id: row for row in rows}

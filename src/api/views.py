"""TEMPORARY"""

from typing import Any

from projections import audit_log, connectors, sync_runs, users
from projections.projection import Projection, rows_after


class Views:
    def __init__(self, store: Any) -> None:
        self._s = store

    async def _rows(self, p: Projection[Any], as_of=None) -> list[Any]:
        out = []
        after = 0
        while page := await self._s.page(after, 1000):
            out += page
            after = page[-1].position
        rows = rows_after(p, out, as_of)
        return [rows[k] for k in sorted(rows)]

    async def all_rows(self, p):
        return await self._rows(p)

    async def users(self, *, skip, limit):
        r = await self._rows(users.PROJECTION)
        return r[skip : skip + limit], len(r)

    async def connectors(self, *, skip, limit, include_retired, as_of=None):
        r = [
            x
            for x in await self._rows(connectors.PROJECTION, as_of)
            if include_retired or x.retired_at is None
        ]
        return r[skip : skip + limit], len(r)

    async def connector(self, i, *, as_of=None):
        return next(
            (x for x in await self._rows(connectors.PROJECTION, as_of) if x.connector_id == i), None
        )

    async def connectors_in_use(self):
        return {
            c
            for x in await self._rows(sync_runs.PROJECTION)
            if x.state in ("queued", "running")
            for c in (x.source_connector_id, x.target_connector_id)
        }

    async def mappings(self, p, *, skip, limit, is_active, as_of=None):
        r = [x for x in await self._rows(p, as_of) if is_active is None or x.is_active == is_active]
        return r[skip : skip + limit], len(r)

    async def mapping(self, p, i, *, as_of=None):
        return next((x for x in await self._rows(p, as_of) if x.mapping_id == i), None)

    async def runs(
        self, *, skip, limit, status, state, trigger_type, start_date, end_date, search, as_of=None
    ):
        r = list(reversed(await self._rows(sync_runs.PROJECTION, as_of)))
        return r[skip : skip + limit], len(r)

    async def run(self, i, *, as_of=None):
        return next(
            (x for x in await self._rows(sync_runs.PROJECTION, as_of) if x.run_id == i), None
        )

    async def audit(self, *, skip, limit, as_of=None, **f):
        r = list(reversed(await self._rows(audit_log.PROJECTION, as_of)))
        return r[skip : skip + limit], len(r)

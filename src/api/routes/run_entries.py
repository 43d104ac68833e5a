"""What a run did to each entry: contract, section 6."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.as_of import AsOf
from api.cursors import decoded, encoded
from api.identity import Own, Viewer
from api.inputs import Number
from api.past_shapes import RunAction, RunEntryPage
from api.problems import Problem
from api.routing import LedgerRoute
from projections.numbers import json_number

router = APIRouter(prefix="/sync", tags=["sync"], route_class=LedgerRoute)


@router.get("/runs/{run_id}/entries", response_model=RunEntryPage)
async def list_run_entries(
    run_id: Number,
    _: Viewer,
    own: Own,
    as_of: AsOf,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    action: RunAction | None = None,
) -> object:
    """What the run did, by entry. One that it found as it should be, and kept so, has no row."""
    if await own.views.run(run_id, as_of=as_of) is None:
        raise Problem("not_found", "There is no such run.")
    kind = f"run-entries:{run_id}:{action or ''}"
    after = int(decoded(kind, cursor, own.secret)) if cursor else 0
    found = await own.past.of_run(run_id, limit=limit + 1, action=action, after=after, as_of=as_of)
    page = found[:limit]
    more = len(found) > limit
    return {
        "items": [vars(row) | {"minutes": json_number(row.minutes)} for row in page],
        "next_cursor": encoded(kind, page[-1].entry_id, own.secret) if more else None,
    }

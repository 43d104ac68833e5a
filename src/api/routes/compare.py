"""Replay and compare: whether the views are what the events make of them."""

from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Request

from api.bodies import Answer
from api.comparing import Comparisons
from api.identity import Admin, Own
from api.routing import LedgerRoute

router = APIRouter(prefix="/audit", tags=["audit"], route_class=LedgerRoute)


class DifferenceOut(Answer):
    """What is not as the events make it; `position` is where the row begins to hold.

    `kind`: a row is `missing`, `extra` or `differs` in `fields`; the view cannot take the event
    (`stopped`); it has so many `rows` more or less; or its `totals` differ.
    """

    view: str
    kind: Literal["missing", "extra", "differs", "stopped", "rows", "totals"]
    key: int | None
    position: int | None
    fields: list[str]


class CompareOut(Answer):
    """Events up to `until` are folded, `position` is how far it is.

    `found` counts all differences, of which the first 100 are listed; values are not shown.
    """

    state: Literal["never", "running", "done", "failed"]
    started_at: datetime | None
    ended_at: datetime | None
    position: int
    until: int
    rows: int
    found: int
    differences: list[DifferenceOut]
    error: str | None


@router.post("/compare", status_code=202, response_model=CompareOut)
async def begin_comparison(request: Request, _: Admin, own: Own) -> object:
    """Fold all events anew and hold every row of every view against it; nothing is changed.

    One at a time: while one is going on this answers how far that is.
    """
    comparisons: Comparisons = request.app.state.comparisons
    await comparisons.begin(own)
    return _shown(comparisons)


@router.get("/compare", response_model=CompareOut)
async def get_comparison(request: Request, _: Admin) -> object:
    """How far the one that goes on is, or what the last one of this process found."""
    return _shown(request.app.state.comparisons)


def _shown(comparisons: Comparisons) -> CompareOut:
    comparison = comparisons.comparison
    return CompareOut(
        state=comparisons.state,
        started_at=comparisons.started_at,
        ended_at=comparisons.ended_at,
        position=comparison.position,
        until=comparison.until,
        rows=comparison.rows,
        found=comparison.found,
        differences=[
            DifferenceOut(
                view=each.view,
                kind=each.kind,
                key=each.key,
                position=each.position,
                fields=list(each.fields),
            )
            for each in comparison.differences
        ],
        error=comparisons.error,
    )

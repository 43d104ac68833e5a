"""Plans: contract, section 6."""

from contextlib import aclosing
from datetime import UTC
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Response
from pydantic import Field

from api import plans, runs
from api.bodies import Body
from api.cursors import decoded, encoded
from api.identity import Operator, Own, RequestCommands, Viewer
from api.inputs import BIGGEST, Day, Number
from api.plan_shapes import Action, PlanOut, PlanPage, PlanRowPage
from api.problems import Problem
from api.routing import LedgerRoute
from api.run_answers import accepted, asked_async, response_of
from api.services import Services
from api.shapes import AcceptedOut, SyncResponse
from domain.ids import PlanId
from domain.plan.pages import pages
from domain.plan.values import PlanKind, PlanRow
from domain.sync.applying import drifted_text
from projections import plans as view

PATIENCE = 24.0  # seconds; the contract answers within 25
SHOWN = 200  # rows within a plan; the others are listed by their own route

Cursor = Annotated[str | None, Query(max_length=2000)]
Limit = Annotated[int, Query(ge=1, le=200)]
EntryNumber = Annotated[int, Field(ge=1, le=BIGGEST)]

router = APIRouter(prefix="/sync/plans", tags=["sync"], route_class=LedgerRoute)


class PlanWish(Body):
    connector_id: Annotated[int, Field(ge=0, le=BIGGEST)] | None = None
    start_date: Day | None = None
    end_date: Day | None = None
    kind: Literal["run", "unit"] = "run"
    entry_ids: Annotated[list[EntryNumber], Field(min_length=1, max_length=200)] | None = None


@router.post(
    "",
    status_code=201,
    response_model=PlanOut,
    responses={202: {"model": PlanOut | AcceptedOut}},
)
async def request_plan(
    _: Operator,
    own: Own,
    commands: RequestCommands,
    response: Response,
    body: PlanWish | None = None,
    prefer: Annotated[str, Header()] = "",
) -> object:
    """What a run would do, without doing it; 202 when that is not known within 25 s."""
    wish = body or PlanWish()
    wanted = runs.Wanted(
        connector_id=wish.connector_id, start_date=wish.start_date, end_date=wish.end_date
    )
    kind = PlanKind(wish.kind)
    plan_id = await plans.request(own, commands, wanted, kind=kind, entry_ids=wish.entry_ids)
    within = 0.0 if asked_async(prefer) else PATIENCE
    plan = await plans.made(own, plan_id, within=within)
    if plan.state == "building":
        response.status_code = 202
    commands.position = await plans.last_position(own, plan_id)
    await own.shown(commands.position)
    return await _whole(own, plan_id)


@router.get("", response_model=PlanPage)
async def list_plans(_: Viewer, own: Own, cursor: Cursor = None, limit: Limit = 50) -> object:
    """Plans, newest first, without their rows."""
    before = int(decoded("plans", cursor, own.secret)) if cursor else None
    rows = await own.views.plans(limit=limit + 1, before=before)
    page, now = rows[:limit], own.clock.now().astimezone(UTC)
    more = len(rows) > limit
    return {
        "items": [view.shown(row, now) for row in page],
        "next_cursor": encoded("plans", page[-1].plan_id, own.secret) if more else None,
    }


@router.get("/{plan_id}", response_model=PlanOut)
async def get_plan(plan_id: Number, _: Viewer, own: Own) -> object:
    """One plan with its first rows."""
    return await _whole(own, plan_id)


@router.get("/{plan_id}/rows", response_model=PlanRowPage)
async def list_rows(
    plan_id: Number,
    _: Viewer,
    own: Own,
    cursor: Cursor = None,
    limit: Limit = 50,
    action: Action | None = None,
) -> object:
    """Rows of a plan in their order; a plan that is being made has none yet."""
    after = int(decoded(_kind(plan_id, action), cursor, own.secret)) if cursor else 0
    return await _rows(own, await _known(own, plan_id), after, limit, action)


class Application(Body):
    digest: Annotated[str, Field(max_length=100)]


@router.post(
    "/{plan_id}/apply",
    response_model=SyncResponse,
    responses={202: {"model": AcceptedOut}},
)
async def apply_plan(
    plan_id: Number,
    _: Operator,
    own: Own,
    commands: RequestCommands,
    body: Application,
    prefer: Annotated[str, Header()] = "",
) -> object:
    """Write exactly the planned rows, when they are still what a run would do."""
    number = PlanId(plan_id)
    queued = await plans.apply(own, commands, number, body.digest)
    if asked_async(prefer):
        return accepted(queued.run_id)
    run = await runs.ended(own, queued.run_id, within=PATIENCE)
    commands.position = await runs.last_position(own, queued.run_id)
    if (refused := await plans.refusal(own, number, queued.run_id)) is not None:
        await own.shown(commands.position)  # the views tell the same as this answer
        raise Problem(
            "plan_drifted",
            drifted_text(number, refused.rows),
            extra={"drift": view.drift(refused.moved), "drifted_rows": refused.rows},
        )
    return response_of(run, queued, plan_id=number)


async def _whole(own: Services, plan_id: int) -> dict[str, object]:
    row = await _known(own, plan_id)
    page = await _rows(own, row, 0, SHOWN, None)
    return {
        **view.shown(row, own.clock.now().astimezone(UTC)),
        "rows": page["items"],
        "next_cursor": page["next_cursor"],
    }


async def _known(own: Services, plan_id: int) -> view.Row:
    row = await own.views.plan(plan_id)
    if row is None:
        raise Problem("not_found", "There is no such plan.")
    return row


async def _rows(
    own: Services, plan: view.Row, after: int, limit: int, action: str | None
) -> dict[str, object]:
    found: list[PlanRow] = []
    none = action is not None and getattr(plan.counts, action) == 0
    if plan.digest is not None and after < plan.rows and not none:
        found = await _read(own, plan, after, limit + 1, action)
    page = found[:limit]
    kind = _kind(plan.plan_id, action)
    return {
        "items": [view.row_shown(row) for row in page],
        "next_cursor": encoded(kind, page[-1].row, own.secret) if len(found) > limit else None,
    }


async def _read(
    own: Services, plan: view.Row, after: int, most: int, action: str | None
) -> list[PlanRow]:
    """At most so many rows after that number, of one action or of all."""
    found: list[PlanRow] = []
    reading = pages(own.store, PlanId(plan.plan_id), plan.rows_after, first=after + 1)
    async with aclosing(reading) as pages_read:
        async for page in pages_read:
            found += [row for row in page if action in (None, row.action.value)]
            if len(found) >= most:
                break
    return found[:most]


def _kind(plan_id: int, action: str | None) -> str:
    return f"plan-rows:{plan_id}:{action or 'all'}"

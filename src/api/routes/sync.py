"""Runs: contract, section 6."""

from collections.abc import AsyncIterator, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import Field, ValidationError

from adapters.postgres.read_models import RunFilter
from api import plans, runs
from api.as_of import AsOf
from api.bodies import Body
from api.exporting import export, files
from api.identity import Operator, Own, RequestCommands, Viewer
from api.inputs import BIGGEST, Day, Expected, Number, Skip
from api.problems import Problem, of_validation
from api.routing import LedgerRoute
from api.run_answers import accepted, asked_async, response_of
from api.services import Commands, Services
from api.shapes import AcceptedOut, CancelAccepted, RunPage, SyncResponse, SyncRunOut
from domain.ids import RunId, run_stream
from domain.sync_run.commands import CancelRun
from domain.sync_run.decide import SYNC_RUN, holds
from domain.sync_run.events import Cause
from projections import plans as plan_view
from projections import sync_runs

PATIENCE = 25.0  # seconds within which `/sync/run` answers
BEFORE_DEADLINE = 1.0  # seconds left for the answer itself
MOST_EXPORTED = 1_000_000  # runs
COLUMNS = (
    "id",
    "trigger_type",
    "status",
    "state",
    "started_at",
    "ended_at",
    "duration_seconds",
    "entries_fetched",
    "entries_synced",
    "entries_updated",
    "entries_deleted",
    "entries_already_synced",
    "entries_skipped",
    "entries_failed",
    "conflicts_detected",
    "error_message",
)

Status = Literal["all", "running", "completed", "failed"]
State = Literal["queued", "running", "cancelling", "completed", "failed", "cancelled"]
Trigger = Literal["manual", "scheduled", "webhook"]

router = APIRouter(prefix="/sync", tags=["sync"], route_class=LedgerRoute)


class RunWish(Body):
    connector_id: Annotated[int, Field(ge=0, le=BIGGEST)] | None = None
    start_date: Day | None = None
    end_date: Day | None = None
    dry_run: bool = False


@router.post("/run", response_model=SyncResponse, responses={202: {"model": AcceptedOut}})
async def run_sync(
    identity: Operator,
    own: Own,
    commands: RequestCommands,
    body: RunWish | None = None,
    connector_id: str | None = None,
    start_date: str | None = None,
    end_date: str | None = None,
    dry_run: str | None = None,
    prefer: Annotated[str, Header()] = "",
) -> object:
    """Run now; answers within 25 s, with the counters so far when it goes on."""
    asked = {
        "connector_id": connector_id,
        "start_date": start_date,
        "end_date": end_date,
        "dry_run": dry_run,
    }
    wish = _merged({name: value for name, value in asked.items() if value is not None}, body)
    wanted = runs.Wanted(
        connector_id=wish.connector_id, start_date=wish.start_date, end_date=wish.end_date
    )
    if wish.dry_run:
        return await _dry_run(own, commands, wanted, prefer)
    cause = Cause(kind="user", name=str(identity.account.user_id))
    queued = await runs.queue(own, commands, wanted, trigger="manual", cause=cause)
    if asked_async(prefer):
        return accepted(queued.run_id)
    run = await runs.ended(own, queued.run_id, within=PATIENCE - BEFORE_DEADLINE)
    commands.position = await runs.last_position(own, queued.run_id)
    await own.shown(commands.position)
    row = await own.views.run(queued.run_id)
    return response_of(run, queued, plan_id=row.plan_id if row else None)


async def _dry_run(own: Services, commands: Commands, wanted: runs.Wanted, prefer: str) -> object:
    """A plan in a run's clothes."""
    start, end = await runs.range_of(own, commands, wanted)
    plan_id = await plans.request(own, commands, wanted)
    if asked_async(prefer):
        url = f"/api/v1/sync/plans/{plan_id}"
        return JSONResponse({"run_id": None, "plan_id": plan_id, "status_url": url}, 202)
    await plans.made(own, plan_id, within=PATIENCE - BEFORE_DEADLINE)
    commands.position = await plans.last_position(own, plan_id)
    await own.shown(commands.position)
    row = await own.views.plan(plan_id)
    if row is None:
        raise Problem("projection_lag", "The plan is not shown yet.", headers={"Retry-After": "1"})
    counts = row.counts
    return SyncResponse(
        status="failed" if row.state == "failed" else "success",
        message=_planned(row),
        start_date=start,
        end_date=end,
        num_processed=row.fetched,
        num_created=counts.create,
        num_conflicts=counts.conflict,
        num_skipped=counts.skip,
        error_detail=row.error,
        run_id=None,
        run_status=_PLANNING.get(row.state, "completed"),
        num_updated=counts.update,
        num_deleted=counts.delete,
        num_failed=0,
        dry_run=True,
        plan_id=plan_id,
    )


_PLANNING: Mapping[str, Literal["running", "failed"]] = MappingProxyType(
    {"building": "running", "failed": "failed"}
)


def _planned(row: plan_view.Row) -> str:
    match row.state:
        case "building":
            return f"Plan {row.plan_id} is still being made; nothing is written"
        case "failed":
            return f"Plan {row.plan_id} could not be made; nothing was written"
    counts = row.counts
    return (
        f"Nothing was written. A run would create {counts.create}, update {counts.update} and"
        f" delete {counts.delete} timesheets and open {counts.conflict} conflicts: plan"
        f" {row.plan_id}"
    )


def _filter(
    status: Status = "all",
    state: State | None = None,
    trigger_type: Trigger | None = None,
    start_date: Day | None = None,
    end_date: Day | None = None,
    search: Annotated[str | None, Query(max_length=200)] = None,
) -> RunFilter:
    return RunFilter(
        status=None if status == "all" else status,
        state=state,
        trigger_type=trigger_type,
        start_date=start_date,
        end_date=end_date,
        search=search,
    )


Which = Annotated[RunFilter, Depends(_filter)]


@router.get("/runs", response_model=RunPage)
async def list_runs(
    _: Viewer,
    own: Own,
    as_of: AsOf,
    which: Which,
    skip: Skip = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
) -> object:
    """Runs, newest first; the dates are those of the start, inclusive."""
    rows, total = await own.views.runs(which, skip=skip, limit=limit, as_of=as_of)
    return {"data": [sync_runs.shown(row) for row in rows], "total": total}


@router.get(
    "/runs/export",
    response_class=StreamingResponse,
    responses=files("csv", "json", of=list[SyncRunOut]),
)
async def export_runs(
    _: Viewer,
    own: Own,
    as_of: AsOf,
    which: Which,
    form: Annotated[Literal["csv", "json"], Query(alias="format")] = "csv",
) -> StreamingResponse:
    """All of them, newest first, as a file; 422 `export_too_large` beyond a million."""
    count = await own.views.count_runs(which, as_of=as_of)
    if count > MOST_EXPORTED:
        text = f"{count:,} runs; at most {MOST_EXPORTED:,} fit into an export. Choose dates."
        raise Problem("export_too_large", text)
    return export(_pages(own, which, as_of), name="sync-history", form=form, columns=COLUMNS)


async def _pages(
    own: Services, which: RunFilter, as_of: int | None
) -> AsyncIterator[Sequence[SyncRunOut]]:
    async for rows in own.views.all_runs(which, as_of=as_of):
        yield [SyncRunOut.model_validate(sync_runs.shown(row)) for row in rows]


@router.get("/runs/{run_id}", response_model=SyncRunOut)
async def get_run(run_id: Number, _: Viewer, own: Own, as_of: AsOf) -> object:
    """One run."""
    row = await own.views.run(run_id, as_of=as_of)
    if row is None:
        raise Problem("not_found", "There is no such run.")
    return sync_runs.shown(row)


class Cancellation(Body):
    reason: Annotated[str, Field(max_length=500)] | None = None


@router.post("/runs/{run_id}/cancel", status_code=202, response_model=CancelAccepted)
async def cancel_run(
    run_id: Number,
    _: Operator,
    commands: RequestCommands,
    expected: Expected,
    body: Cancellation | None = None,
) -> object:
    """Stop a run after the write in progress; 409 `run_not_active` when it has ended."""
    number = RunId(run_id)
    command = CancelRun(reason=body.reason if body else None)
    await commands.run(SYNC_RUN, run_stream(number), command, holds, seen=expected)
    return CancelAccepted(id=number, state="cancelling")


def _merged(query: dict[str, str], body: RunWish | None) -> RunWish:
    """Query and body together; the body wins. A date that is none is `range_invalid`."""
    given = body.model_dump(exclude_unset=True) if body else {}
    try:
        return RunWish.model_validate({**query, **given})
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False, include_context=False)
        if any(str(part).endswith("_date") for item in errors for part in item["loc"][:1]):
            raise Problem("range_invalid", "A date is not a date (YYYY-MM-DD).") from None
        raise of_validation([{**item, "loc": ("query", *item["loc"])} for item in errors]) from None

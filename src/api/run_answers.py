"""What a client is told of a run that it asked for: contract, section 6."""

from fastapi.responses import JSONResponse

from api import runs
from api.shapes import SyncResponse
from domain.ids import RunId
from domain.sync_run.decide import Run
from projections import sync_runs


def asked_async(prefer: str) -> bool:
    """Whether the header asks for an answer at once."""
    return "respond-async" in prefer.lower()


def accepted(run_id: RunId) -> JSONResponse:
    """The answer at once."""
    url = f"/api/v1/sync/runs/{run_id}"
    return JSONResponse({"run_id": run_id, "status_url": url}, status_code=202)


def response_of(run: Run, queued: runs.Queued, *, plan_id: int | None = None) -> SyncResponse:
    """The run as far as it is."""
    counters, status = run.counters, sync_runs.STATUS_OF[run.state]
    return SyncResponse(
        status="failed" if status == "failed" else "success",
        message=_message(run) + _held(run, plan_id),
        start_date=queued.start_date,
        end_date=queued.end_date,
        num_processed=counters.fetched,
        num_created=counters.created,
        num_conflicts=counters.conflicts,
        num_skipped=counters.skipped,
        error_detail=run.error,
        run_id=run.run_id,
        run_status=status,
        num_updated=counters.updated,
        num_deleted=counters.deleted,
        num_failed=counters.failed,
        dry_run=False,
        plan_id=plan_id,
    )


def _held(run: Run, plan_id: int | None) -> str:
    """That deletions wait, where the run did not come to carry that plan out."""
    if plan_id is None or plan_id == run.plan_id:
        return ""
    return f"; more deletions than a run makes by itself wait for approval as plan {plan_id}"


def _message(run: Run) -> str:
    if run.is_active:
        return f"Run {run.run_id} continues in the background"
    if sync_runs.STATUS_OF[run.state] == "failed":
        return f"Run {run.run_id} {'was cancelled' if run.state == 'cancelled' else 'failed'}"
    counters = run.counters
    return (
        f"Run {run.run_id} completed: {counters.created} created, {counters.updated} updated,"
        f" {counters.deleted} deleted, {counters.conflicts} conflicts, {counters.failed} failed"
    )

"""The audit log: contract, section 10."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from adapters.postgres.read_models import AuditFilter
from api.as_of import AsOf
from api.exporting import Format, export, files
from api.identity import Own, Viewer
from api.inputs import BIGGEST, Day, Number, Skip
from api.problems import Problem
from api.routing import LedgerRoute
from api.services import Services
from api.shapes import AuditLogOut, AuditPage
from projections import audit_log

COLUMNS = (
    "id",
    "created_at",
    "action",
    "entity_type",
    "entity_id",
    "user",
    "ip_address",
    "user_agent",
    "correlation_id",
    "run_id",
    "details",
    "changes",
    "digest",
)
Text = Annotated[str | None, Query(max_length=200)]

router = APIRouter(prefix="/audit-logs", tags=["audit"], route_class=LedgerRoute)


def _filter(
    action: Text = None,
    action_type: Literal["access", "sync", "all"] = "all",
    user: Text = None,
    ip_address: Text = None,
    start_date: Day | None = None,
    end_date: Day | None = None,
    entity: Text = None,
    correlation_id: Text = None,
    run_id: Annotated[int | None, Query(ge=0, le=BIGGEST)] = None,
) -> AuditFilter:
    return AuditFilter(
        action=action,
        action_type=action_type,
        user=user,
        ip_address=ip_address,
        start_date=start_date,
        end_date=end_date,
        entity=entity,
        correlation_id=correlation_id,
        run_id=run_id,
    )


Which = Annotated[AuditFilter, Depends(_filter)]


@router.get("", response_model=AuditPage)
async def list_audit_logs(
    _: Viewer,
    own: Own,
    as_of: AsOf,
    which: Which,
    skip: Skip = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> object:
    """Who did what, newest first; the dates are inclusive."""
    rows, total = await own.views.audit(which, skip=skip, limit=limit, as_of=as_of)
    return {"data": [audit_log.shown(row) for row in rows], "total": total}


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses=files("csv", "json", "ndjson", of=list[AuditLogOut]),
)
async def export_audit_logs(
    _: Viewer,
    own: Own,
    as_of: AsOf,
    which: Which,
    form: Annotated[Format, Query(alias="format")] = "json",
) -> StreamingResponse:
    """All of them, newest first, as a file."""
    return export(_pages(own, which, as_of), name="audit-logs", form=form, columns=COLUMNS)


@router.get("/{position}", response_model=AuditLogOut)
async def get_audit_log(position: Number, _: Viewer, own: Own, as_of: AsOf) -> object:
    """One audited event."""
    row = await own.views.audit_entry(position, as_of=as_of)
    if row is None:
        raise Problem("not_found", "There is no such audit entry.")
    return audit_log.shown(row)


async def _pages(
    own: Services, which: AuditFilter, as_of: int | None
) -> AsyncIterator[Sequence[AuditLogOut]]:
    async for rows in own.views.all_audited(which, as_of=as_of):
        yield [AuditLogOut.model_validate(audit_log.shown(row)) for row in rows]

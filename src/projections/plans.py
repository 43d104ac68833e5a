"""What plans are there, and what became of them? One row per plan (`contract.md`, section 6).

The rows of a plan are not here: they are read from its own stream, a page at a time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import assert_never, get_args

from domain.event import Recorded
from domain.personal import Personal
from domain.plan.events import (
    PlanApplied,
    PlanBegun,
    PlanEvent,
    PlanFailed,
    PlanMade,
    PlanRefused,
    PlanRequested,
)
from domain.plan.values import Counts, Minutes, Moved, PlanRow
from domain.target_item.values import Creation
from domain.time_entry.values import Desired, Request, Written
from projections.numbers import json_number, minutes_of
from projections.projection import Projection

NAME, VERSION = "plans", 1


@dataclass(frozen=True)
class Row:
    """One plan. `moved` is what stood in the way when somebody last wanted to apply it."""

    plan_id: int
    position: int
    version: int
    kind: str
    state: str
    source_connector_id: int
    target_connector_id: int
    start_date: date | None
    end_date: date | None
    created_at: datetime
    expires_at: datetime | None
    digest: str | None
    rows_after: int
    rows: int
    counts: Counts
    minutes: Minutes
    fetched: int
    run_id: int | None
    applied_by: int | None
    error: str | None
    moved: tuple[Moved, ...]
    moved_rows: int


def keys(recorded: Recorded[PlanEvent]) -> Sequence[int]:
    return (recorded.event.plan_id,)


def project(  # noqa: PLR0911 # one flat branch per event
    row: Row | None, recorded: Recorded[PlanEvent]
) -> Row | None:
    """The plan after the event."""
    event = recorded.event
    if isinstance(event, PlanRequested):
        return _requested(event, recorded)
    if row is None:
        return None
    row = replace(row, position=recorded.position, version=recorded.version)
    match event:
        case PlanBegun(rows_after=rows_after):
            return replace(row, rows_after=rows_after)
        case PlanMade():
            return replace(
                row,
                state="ready",
                digest=event.digest,
                expires_at=event.expires_at,
                rows=event.rows,
                counts=event.counts,
                minutes=event.minutes,
                fetched=event.fetched,
            )
        case PlanFailed(error=error):
            return replace(row, state="failed", error=error)
        case PlanApplied(run_id=run_id):
            return replace(row, state="applied", applied_by=run_id, moved=(), moved_rows=0)
        case PlanRefused(rows=rows, moved=moved):
            return replace(row, moved=moved, moved_rows=rows)
        case _:
            assert_never(event)


def _requested(event: PlanRequested, recorded: Recorded[PlanEvent]) -> Row:
    return Row(
        plan_id=event.plan_id,
        position=recorded.position,
        version=recorded.version,
        kind=event.kind.value,
        state="building",
        source_connector_id=event.source_connector_id,
        target_connector_id=event.target_connector_id,
        start_date=event.start_date,
        end_date=event.end_date,
        created_at=recorded.recorded_at,
        expires_at=None,
        digest=None,
        rows_after=0,
        rows=0,
        counts=Counts(),
        minutes=Minutes(),
        fetched=0,
        run_id=recorded.metadata.run_id,
        applied_by=None,
        error=None,
        moved=(),
        moved_rows=0,
    )


def state_at(row: Row, now: datetime) -> str:
    """The contract's state: what is ready expires by itself."""
    over = row.state == "ready" and row.expires_at is not None and now >= row.expires_at
    return "expired" if over else row.state


def shown(row: Row, now: datetime) -> dict[str, object]:
    """The contract's Plan, without its rows."""
    return {
        "plan_id": row.plan_id,
        "kind": row.kind,
        "digest": row.digest,
        "state": state_at(row, now),
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "start_date": row.start_date,
        "end_date": row.end_date,
        "counts": vars(row.counts),
        "minutes": {name: json_number(value) for name, value in vars(row.minutes).items()},
        "total_rows": row.rows,
        "run_id": row.run_id,
        "applied_by": row.applied_by,
        "error": row.error,
        "drift": drift(row.moved),
        "drifted_rows": row.moved_rows,
    }


def drift(moved: Iterable[Moved]) -> list[dict[str, object]]:
    """What moved, as the contract lists it."""
    return [dict(vars(each)) for each in moved]


def row_shown(row: PlanRow) -> dict[str, object]:
    """The contract's row of a plan."""
    return {
        "row": row.row,
        "entry_id": row.entry_id,
        "action": row.action.value,
        "ticket_number": row.ticket_number,
        "user": _clear(row.user),
        "minutes": None if row.minutes is None else json_number(row.minutes),
        "before": None if row.before is None else _before(row.before),
        "after": None if row.after is None else _after(row.after),
        "creates": [creation_shown(each) for each in row.creates],
        "request": None if row.request is None else request_shown(row.request),
        "reason_code": None if row.reason is None else row.reason.value,
        "message": row.detail,
    }


def _before(sheet: Written) -> dict[str, object]:
    return {
        "timesheet_id": sheet.timesheet_id,
        **_work(sheet, sheet.duration),
        "exported": sheet.exported,
    }


def _after(desired: Desired) -> dict[str, object]:
    return _work(desired, desired.end - desired.begin)


def _work(sheet: Written | Desired, lasting: timedelta) -> dict[str, object]:
    return {
        "begin": sheet.begin,
        "end": sheet.end,
        "minutes": json_number(minutes_of(lasting)),
        "description": _clear(sheet.description),
        "project_id": sheet.project_id,
        "activity_id": sheet.activity_id,
        "user_id": sheet.user_id,
        "billable": sheet.billable,
    }


def creation_shown(creation: Creation) -> dict[str, object]:
    """The request that makes it."""
    return {"method": "POST", "path": creation.path, "body": creation.body}


def request_shown(request: Request) -> dict[str, object]:
    """A request to Kimai, without credentials."""
    body: dict[str, object] = dict(request.fields)
    if request.description is not None:
        body["description"] = _clear(request.description)
    return {"method": request.method, "path": request.path, "body": body or None}


def _clear(value: Personal | None) -> str | None:
    return None if value is None else value.value


PROJECTION = Projection(
    name=NAME,
    version=VERSION,
    row=Row,
    key="plan_id",
    events=frozenset(get_args(PlanEvent)),
    keys=keys,
    project=project,
)

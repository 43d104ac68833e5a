"""What did each run do? One row per run (`contract.md`, section 6)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, assert_never, get_args

from domain.event import Recorded
from domain.personal import Personal
from domain.plan.events import PlanRequested
from domain.sync_run.events import (
    PLAN_CAUSE,
    Counters,
    SyncRunCancelled,
    SyncRunCancelRequested,
    SyncRunCompleted,
    SyncRunEvent,
    SyncRunFailed,
    SyncRunProgressed,
    SyncRunQueued,
    SyncRunSkipped,
    SyncRunStarted,
)
from projections.projection import Projection

NAME, VERSION = "sync_runs", 6
STATUS_OF = {  # contract state -> the three words that old clients know
    "queued": "running",
    "running": "running",
    "cancelling": "running",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "failed",
}


@dataclass(frozen=True)
class Row:
    """One run, made of its own events only; `begun_at` is the start, or the queueing before it.

    Personal: `cause_name` where `cause_kind` is user (subject `account:<id>` of who asked), and
    `error` of a cancelled run, which names who did. `plan_id` is the plan that it carries out, or
    that of the deletions it held back. `whole`: not limited to some entries
    or tickets.
    """

    run_id: int
    position: int
    version: int
    first_position: int
    state: str
    trigger_type: str
    cause_kind: str
    cause_name: str
    source_connector_id: int
    target_connector_id: int
    start_date: date | None
    end_date: date | None
    begun_at: datetime
    ended_at: datetime | None
    phase: str
    done: int
    total: int
    counters: Counters
    watermark: datetime | None
    target_watermark: datetime | None
    target_listed_at: datetime | None
    ticket_watermark: datetime | None
    error: str | None
    correlation_id: str
    plan_id: int | None
    whole: bool


def keys(recorded: Recorded[SyncRunEvent | PlanRequested]) -> Sequence[int]:
    event = recorded.event
    if not isinstance(event, PlanRequested):
        return (event.run_id,)
    run_id = recorded.metadata.run_id  # of the run that holds these deletions back
    return () if run_id is None else (run_id,)


def project(  # noqa: PLR0911 # one flat branch per event
    row: Row | None, recorded: Recorded[SyncRunEvent | PlanRequested]
) -> Row | None:
    """The run after the event."""
    event = recorded.event
    if isinstance(event, SyncRunQueued):
        return _queued(event, recorded)
    if row is None or isinstance(event, SyncRunSkipped):
        return row
    if isinstance(event, PlanRequested):
        return replace(row, position=recorded.position, plan_id=event.plan_id)
    row = replace(row, position=recorded.position, version=recorded.version)
    match event:
        case SyncRunStarted():
            return replace(row, state="running", begun_at=recorded.recorded_at)
        case SyncRunProgressed():
            return replace(
                row,
                phase=event.phase,
                done=event.done,
                total=event.total,
                counters=event.counters,
            )
        case SyncRunCompleted():
            return replace(
                row,
                state="completed",
                phase="done",
                done=max(row.done, row.total),
                counters=event.counters,
                watermark=event.watermark,
                target_watermark=event.target_watermark,
                target_listed_at=event.target_listed_at,
                ticket_watermark=event.ticket_watermark,
                error=event.remark,
                ended_at=recorded.recorded_at,
            )
        case SyncRunFailed():
            return replace(
                row,
                state="failed",
                counters=event.counters,
                error=event.error,
                ended_at=recorded.recorded_at,
            )
        case SyncRunCancelRequested(reason=reason):
            return replace(row, state="cancelling", error=_who_cancelled(recorded, reason))
        case SyncRunCancelled(counters=counters):
            return replace(row, state="cancelled", counters=counters, ended_at=recorded.recorded_at)
        case _:
            assert_never(event)


def _queued(event: SyncRunQueued, recorded: Recorded[Any]) -> Row:
    return Row(
        run_id=event.run_id,
        position=recorded.position,
        version=recorded.version,
        first_position=recorded.position,
        state="queued",
        trigger_type=event.trigger,
        cause_kind=event.cause.kind,
        cause_name=_cause_name(event, recorded),
        source_connector_id=event.source_connector_id,
        target_connector_id=event.target_connector_id,
        start_date=event.start_date,
        end_date=event.end_date,
        begun_at=recorded.recorded_at,
        ended_at=None,
        phase="discover",
        done=0,
        total=0,
        counters=Counters(),
        watermark=None,
        target_watermark=None,
        target_listed_at=None,
        ticket_watermark=None,
        error=None,
        correlation_id=recorded.metadata.correlation_id,
        plan_id=int(event.cause.name) if event.cause.kind == PLAN_CAUSE else None,
        whole=(event.entry_ids, event.ticket_ids) == (None, None)
        and event.cause.kind != PLAN_CAUSE,
    )


def _who_cancelled(recorded: Recorded[Any], reason: str | None) -> str:
    name = recorded.metadata.actor.name
    who = (name.value or "an erased person") if isinstance(name, Personal) else name
    return f"Cancelled by {who}" + (f": {reason}" if reason else "")


def _cause_name(event: SyncRunQueued, recorded: Recorded[Any]) -> str:
    """Of a person the user name, which only the metadata hold, sealed; else the event's word."""
    name = recorded.metadata.actor.name
    if event.cause.kind == "user" and isinstance(name, Personal) and name.value:
        return name.value
    return event.cause.name


def shown(row: Row) -> dict[str, object]:
    """The contract's SyncRun."""
    count = row.counters
    lasted = (row.ended_at - row.begun_at).total_seconds() if row.ended_at else None
    return {
        "id": row.run_id,
        "trigger_type": row.trigger_type,
        "started_at": row.begun_at,
        "ended_at": row.ended_at,
        "status": STATUS_OF[row.state],
        "entries_fetched": count.fetched,
        "entries_synced": count.created,
        "entries_already_synced": count.already_synced,
        "entries_skipped": count.skipped,
        "entries_failed": count.failed,
        "conflicts_detected": count.conflicts,
        "error_message": row.error,
        "state": row.state,
        "entries_updated": count.updated,
        "entries_deleted": count.deleted,
        "duration_seconds": None if lasted is None else round(lasted, 3),
        "start_date": row.start_date,
        "end_date": row.end_date,
        "cause": {"kind": row.cause_kind, "id": row.cause_name},
        "connector_ids": [row.source_connector_id, row.target_connector_id],
        "plan_id": row.plan_id,
        "correlation_id": row.correlation_id,
        "progress": {
            "phase": row.phase,
            "done": row.done,
            "total": row.total,
            "found": count.fetched,
            "decided": count.decided,
            "written": count.created + count.updated + count.deleted,
            "failed": count.failed,
            "left": max(row.total - row.done, 0),
        },
        "first_position": row.first_position,
        "last_position": row.position,
        "version": row.version,
    }


PROJECTION = Projection(
    name=NAME,
    version=VERSION,
    row=Row,
    key="run_id",
    events=frozenset({*get_args(SyncRunEvent), PlanRequested}),
    keys=keys,
    project=project,
)

"""What one can ask of a run."""

from dataclasses import dataclass
from datetime import date, datetime

from domain.ids import ConnectorId, EntryId, RunId
from domain.sync_run.events import Cause, Counters


@dataclass(frozen=True, kw_only=True)
class QueueRun:
    """`place` None: only when no other run is active; else it waits for its turn there."""

    run_id: RunId
    trigger: str
    cause: Cause
    source_connector_id: ConnectorId
    target_connector_id: ConnectorId
    start_date: date | None
    end_date: date | None
    entry_ids: tuple[EntryId, ...] | None = None
    place: int | None = None
    ticket_ids: tuple[int, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class SkipRun:
    """Record that a due run did not take place; see `SyncRunSkipped`."""

    run_id: RunId
    cause: Cause
    due_at: datetime
    code: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class StartRun:
    """A worker takes it."""


@dataclass(frozen=True, kw_only=True)
class ReportProgress:
    phase: str
    done: int
    total: int
    counters: Counters


@dataclass(frozen=True, kw_only=True)
class CompleteRun:
    counters: Counters
    watermark: datetime | None
    target_watermark: datetime | None = None
    target_listed_at: datetime | None = None
    remark: str | None = None
    ticket_watermark: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class FailRun:
    """It cannot go on. `counters` None: as last reported. `ticket_ids`: see `SyncRunFailed`."""

    error: str
    counters: Counters | None = None
    ticket_ids: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CancelRun:
    """Stop after the write in progress; a run that nobody has started ends at once."""

    reason: str | None = None


RunCommand = QueueRun | SkipRun | StartRun | ReportProgress | CompleteRun | FailRun | CancelRun

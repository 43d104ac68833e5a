"""What one can ask of a run."""

from dataclasses import dataclass
from datetime import date, datetime

from domain.ids import ConnectorId, EntryId, RunId
from domain.sync_run.events import Cause, Counters


@dataclass(frozen=True, kw_only=True)
class QueueRun:
    run_id: RunId
    trigger: str
    cause: Cause
    source_connector_id: ConnectorId
    target_connector_id: ConnectorId
    start_date: date | None
    end_date: date | None
    entry_ids: tuple[EntryId, ...] | None = None


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
    """It cannot go on. `counters` None: as last reported."""

    error: str
    counters: Counters | None = None


@dataclass(frozen=True, kw_only=True)
class CancelRun:
    """Stop after the write in progress; a run that nobody has started ends at once."""

    reason: str | None = None


RunCommand = QueueRun | StartRun | ReportProgress | CompleteRun | FailRun | CancelRun

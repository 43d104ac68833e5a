"""The rules of a run: queued once, started once, ended once; one active run at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import assert_never

from domain.errors import RuleViolation
from domain.event import Decider
from domain.ids import ConnectorId, RunId
from domain.numbering import NumberTaken
from domain.sync_run.commands import (
    CompleteRun,
    FailRun,
    QueueRun,
    ReportProgress,
    RunCommand,
    StartRun,
)
from domain.sync_run.events import (
    Counters,
    SyncRunCompleted,
    SyncRunEvent,
    SyncRunFailed,
    SyncRunProgressed,
    SyncRunQueued,
    SyncRunStarted,
)

ACTIVE = ("queued", "running")
ACTIVE_RUN = "active-run"  # the claim that keeps a second run out
_ALLOWED_IN: Mapping[type[RunCommand], Sequence[str]] = {
    StartRun: ("queued",),
    ReportProgress: ("running",),
    CompleteRun: ("running",),
    FailRun: ACTIVE,
}


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a run is now; `state` is queued, running, completed or failed."""

    run_id: RunId
    trigger: str
    source_connector_id: ConnectorId
    target_connector_id: ConnectorId
    start_date: date | None
    end_date: date | None
    state: str = "queued"
    phase: str | None = None
    done: int = 0
    total: int = 0
    counters: Counters = field(default_factory=Counters)
    error: str | None = None

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE


def decide(command: RunCommand, run: Run | None) -> Sequence[SyncRunEvent]:
    """Raises RuleViolation (`not_found`, `run_not_active`)."""
    if isinstance(command, QueueRun):
        return _queued(command, run)
    if run is None:
        raise RuleViolation("not_found", "There is no such run.")
    if run.state not in _ALLOWED_IN[type(command)]:
        raise RuleViolation("run_not_active", f"Run {run.run_id} is {run.state}.")
    match command:
        case StartRun():
            return [SyncRunStarted(run_id=run.run_id)]
        case ReportProgress():
            return [
                SyncRunProgressed(
                    run_id=run.run_id,
                    phase=command.phase,
                    done=command.done,
                    total=command.total,
                    counters=command.counters,
                )
            ]
        case CompleteRun():
            return [
                SyncRunCompleted(
                    run_id=run.run_id,
                    counters=command.counters,
                    watermark=command.watermark,
                    target_watermark=command.target_watermark,
                    target_listed_at=command.target_listed_at,
                )
            ]
        case FailRun():
            counters = run.counters if command.counters is None else command.counters
            return [SyncRunFailed(run_id=run.run_id, counters=counters, error=command.error)]
        case _:
            assert_never(command)


def evolve(run: Run | None, event: SyncRunEvent) -> Run | None:
    """The run after `event`."""
    if isinstance(event, SyncRunQueued):
        return Run(
            run_id=event.run_id,
            trigger=event.trigger,
            source_connector_id=event.source_connector_id,
            target_connector_id=event.target_connector_id,
            start_date=event.start_date,
            end_date=event.end_date,
        )
    if run is None:
        return None
    match event:
        case SyncRunStarted():
            return replace(run, state="running")
        case SyncRunProgressed():
            return replace(
                run,
                phase=event.phase,
                done=event.done,
                total=event.total,
                counters=event.counters,
            )
        case SyncRunCompleted():
            return replace(run, state="completed", phase="done", counters=event.counters)
        case SyncRunFailed():
            return replace(run, state="failed", counters=event.counters, error=event.error)
        case _:
            assert_never(event)


def holds(run: Run | None) -> frozenset[str]:
    """The one active place."""
    return frozenset({ACTIVE_RUN}) if run is not None and run.is_active else frozenset()


SYNC_RUN: Decider[RunCommand, Run | None, SyncRunEvent] = Decider(
    initial=None, decide=decide, evolve=evolve
)


def _queued(command: QueueRun, run: Run | None) -> Sequence[SyncRunEvent]:
    if run is not None:
        raise NumberTaken(f"run {command.run_id} exists")
    return [
        SyncRunQueued(
            run_id=command.run_id,
            trigger=command.trigger,
            cause=command.cause,
            source_connector_id=command.source_connector_id,
            target_connector_id=command.target_connector_id,
            start_date=command.start_date,
            end_date=command.end_date,
        )
    ]

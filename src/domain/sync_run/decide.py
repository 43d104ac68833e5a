"""The rules of a run: queued once, started once, ended once; one active run at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import assert_never

from domain.errors import RuleViolation
from domain.event import Decider
from domain.ids import ConnectorId, EntryId, PlanId, RunId
from domain.numbering import NumberTaken
from domain.sync_run.commands import (
    CancelRun,
    CompleteRun,
    FailRun,
    QueueRun,
    ReportProgress,
    RunCommand,
    SkipRun,
    StartRun,
)
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

STARTED = ("running", "cancelling")
ACTIVE = ("queued", *STARTED)
ACTIVE_RUN = "active-run"  # the claim that keeps a second run out
PLACES = tuple(range(1, 6))  # where runs wait for the active one (`contract.md`, section 9)
NO_CONNECTOR = ConnectorId(0)  # of a run that did not take place
CANCELLED = "Cancelled; what was written stays written."
_ALLOWED_IN: Mapping[type[RunCommand], Sequence[str]] = {
    StartRun: ("queued",),
    ReportProgress: STARTED,
    CompleteRun: STARTED,  # a wish to stop that comes too late changes nothing
    FailRun: ACTIVE,
    CancelRun: ACTIVE,
}


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a run is now; `state` is one of the contract's six (section 6), or `skipped`.

    `plan_id` is the plan that it carries out, None for an ordinary run.
    """

    run_id: RunId
    trigger: str
    source_connector_id: ConnectorId
    target_connector_id: ConnectorId
    start_date: date | None
    end_date: date | None
    plan_id: PlanId | None = None
    entry_ids: tuple[EntryId, ...] | None = None
    place: int | None = None
    ticket_ids: tuple[int, ...] | None = None
    state: str = "queued"
    phase: str | None = None
    done: int = 0
    total: int = 0
    counters: Counters = field(default_factory=Counters)
    error: str | None = None

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE

    @property
    def is_owed(self) -> bool:
        """Whether somebody asked for just this: a plan, entries to be tried again, a look."""
        return self.plan_id is not None or self.is_partial

    @property
    def is_partial(self) -> bool:
        """Whether it looks at some entries or tickets only."""
        return self.entry_ids is not None or self.ticket_ids is not None


def decide(command: RunCommand, run: Run | None) -> Sequence[SyncRunEvent]:
    """Raises RuleViolation (`not_found`, `run_not_active`)."""
    if isinstance(command, QueueRun | SkipRun):
        return _begun(command, run)
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
                    remark=command.remark,
                    ticket_watermark=command.ticket_watermark,
                )
            ]
        case FailRun():
            return [_ended_early(command, run)]
        case CancelRun(reason=reason):
            return _cancelled(reason, run)
        case _:
            assert_never(command)


def evolve(  # noqa: PLR0911 # one flat branch per event
    run: Run | None, event: SyncRunEvent
) -> Run | None:
    """The run after `event`."""
    if isinstance(event, SyncRunQueued):
        return Run(
            run_id=event.run_id,
            trigger=event.trigger,
            source_connector_id=event.source_connector_id,
            target_connector_id=event.target_connector_id,
            start_date=event.start_date,
            end_date=event.end_date,
            entry_ids=event.entry_ids,
            place=event.place,
            ticket_ids=event.ticket_ids,
            plan_id=PlanId(int(event.cause.name)) if event.cause.kind == PLAN_CAUSE else None,
        )
    if isinstance(event, SyncRunSkipped):
        return Run(
            run_id=event.run_id,
            trigger="scheduled",
            source_connector_id=NO_CONNECTOR,
            target_connector_id=NO_CONNECTOR,
            start_date=None,
            end_date=None,
            state="skipped",
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
        case SyncRunCancelRequested():
            return replace(run, state="cancelling")
        case SyncRunCancelled():
            return replace(run, state="cancelled", counters=event.counters, error=CANCELLED)
        case _:
            assert_never(event)


def holds(run: Run | None) -> frozenset[str]:
    """The one active place, or one of those for the runs that wait for it."""
    if run is None or not run.is_active:
        return frozenset()
    if run.state == "queued" and run.place is not None:
        return frozenset({waiting_place(run.place)})
    return frozenset({ACTIVE_RUN})


def waiting_place(place: int) -> str:
    """The claim of one who waits."""
    return f"waiting-run-{place}"


SYNC_RUN: Decider[RunCommand, Run | None, SyncRunEvent] = Decider(
    initial=None, decide=decide, evolve=evolve
)


def _ended_early(command: FailRun, run: Run) -> SyncRunEvent:
    """Whatever ends a run that is to be stopped, it was stopped."""
    counters = run.counters if command.counters is None else command.counters
    if run.state == "cancelling":
        return SyncRunCancelled(run_id=run.run_id, counters=counters)
    return SyncRunFailed(
        run_id=run.run_id, counters=counters, error=command.error, ticket_ids=command.ticket_ids
    )


def _cancelled(reason: str | None, run: Run) -> Sequence[SyncRunEvent]:
    if run.state == "cancelling":
        return []
    requested = SyncRunCancelRequested(run_id=run.run_id, reason=reason)
    if run.state != "queued":
        return [requested]
    return [requested, SyncRunCancelled(run_id=run.run_id, counters=run.counters)]


def _begun(command: QueueRun | SkipRun, run: Run | None) -> Sequence[SyncRunEvent]:
    if run is not None:
        raise NumberTaken(f"run {command.run_id} exists")
    if isinstance(command, SkipRun):
        return [
            SyncRunSkipped(
                run_id=command.run_id,
                cause=command.cause,
                due_at=command.due_at,
                code=command.code,
                detail=command.detail,
            )
        ]
    return [
        SyncRunQueued(
            run_id=command.run_id,
            trigger=command.trigger,
            cause=command.cause,
            source_connector_id=command.source_connector_id,
            target_connector_id=command.target_connector_id,
            start_date=command.start_date,
            end_date=command.end_date,
            entry_ids=command.entry_ids,
            place=command.place,
            ticket_ids=command.ticket_ids,
        )
    ]

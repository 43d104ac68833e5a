"""The rules of a plan: worked out once, valid for a day, applied once and only as it was read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import assert_never

from domain.errors import RuleViolation
from domain.event import Decider
from domain.ids import ConnectorId, EntryId, PlanId, RunId
from domain.numbering import NumberTaken
from domain.plan.commands import (
    ApplyPlan,
    BeginPlan,
    FailPlan,
    FinishPlan,
    PlanCommand,
    RefusePlan,
    RequestPlan,
)
from domain.plan.events import (
    PlanApplied,
    PlanBegun,
    PlanEvent,
    PlanFailed,
    PlanMade,
    PlanRefused,
    PlanRequested,
)
from domain.plan.values import PlanKind

LIFETIME = timedelta(hours=24)  # `contract.md`, section 6


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a plan is now; `state` is building, ready, applied or failed.

    `rows_after` is the version of the stream of rows before the first that counts. `applied_by`
    is the run that carries it out.
    """

    plan_id: PlanId
    kind: PlanKind
    source_connector_id: ConnectorId
    target_connector_id: ConnectorId
    start_date: date | None
    end_date: date | None
    entry_ids: tuple[EntryId, ...] | None
    state: str = "building"
    rows_after: int = 0
    rows: int = 0
    digest: str | None = None
    expires_at: datetime | None = None
    error: str | None = None
    applied_by: RunId | None = None

    def check_applicable(self, digest: str, now: datetime, *, again: bool = False) -> None:
        """Raise RuleViolation unless this digest may be applied now.

        `again`: the run that carried it out did not get to its end, so another one may go on.
        """
        if self.state == "applied" and not again:
            raise RuleViolation("plan_applied", f"Plan {self.plan_id} was applied already.")
        if self.state not in ("ready", "applied") or self.expires_at is None:
            raise RuleViolation("plan_not_ready", f"Plan {self.plan_id} is {self.state}.")
        if now >= self.expires_at:
            raise RuleViolation(
                "plan_expired",
                f"Plan {self.plan_id} expired at {self.expires_at.isoformat()}. Make a new one.",
            )
        if digest != self.digest:
            raise RuleViolation(
                "plan_digest_mismatch",
                f"This is not the digest of plan {self.plan_id}; nothing was written. "
                "Load the plan again and look at it before applying it.",
            )

    def check_rows(self, digest: str) -> None:
        """Raise RuleViolation unless the stored rows, which have this digest, are those made."""
        if digest != self.digest:
            raise RuleViolation(
                "plan_digest_mismatch",
                f"The stored rows of plan {self.plan_id} are not those that were made; nothing was "
                "written. Check the ledger with `timeledger verify`, then make a new plan.",
            )


def decide(  # noqa: PLR0911 # one flat branch per command
    command: PlanCommand, plan: Plan | None
) -> Sequence[PlanEvent]:
    """Raises RuleViolation (`not_found`, `plan_not_ready`, `plan_expired`, `plan_applied`, …)."""
    if isinstance(command, RequestPlan):
        return _requested(command, plan)
    if plan is None:
        raise RuleViolation("not_found", "There is no such plan.")
    match command:
        case BeginPlan(rows_after=rows_after):
            _check_building(plan)
            return [PlanBegun(plan_id=plan.plan_id, rows_after=rows_after)]
        case FinishPlan():
            _check_building(plan)
            return [
                PlanMade(
                    plan_id=plan.plan_id,
                    digest=command.digest,
                    rows=command.rows,
                    counts=command.counts,
                    minutes=command.minutes,
                    fetched=command.fetched,
                    expires_at=command.now + LIFETIME,
                )
            ]
        case FailPlan(error=error):
            _check_building(plan)
            return [PlanFailed(plan_id=plan.plan_id, error=error)]
        case ApplyPlan(run_id=run_id, digest=digest, now=now, again=again):
            if plan.applied_by == run_id:
                return []  # the same run, taken up again
            plan.check_applicable(digest, now, again=again)
            return [PlanApplied(plan_id=plan.plan_id, run_id=run_id, digest=digest)]
        case RefusePlan(run_id=run_id, rows=rows, moved=moved):
            return [PlanRefused(plan_id=plan.plan_id, run_id=run_id, rows=rows, moved=moved)]
        case _:
            assert_never(command)


def evolve(  # noqa: PLR0911 # one flat branch per event
    plan: Plan | None, event: PlanEvent
) -> Plan | None:
    """The plan after `event`."""
    if isinstance(event, PlanRequested):
        return Plan(
            plan_id=event.plan_id,
            kind=event.kind,
            source_connector_id=event.source_connector_id,
            target_connector_id=event.target_connector_id,
            start_date=event.start_date,
            end_date=event.end_date,
            entry_ids=event.entry_ids,
        )
    if plan is None:
        return None
    match event:
        case PlanBegun(rows_after=rows_after):
            return replace(plan, rows_after=rows_after)
        case PlanMade():
            return replace(
                plan,
                state="ready",
                digest=event.digest,
                rows=event.rows,
                expires_at=event.expires_at,
            )
        case PlanFailed(error=error):
            return replace(plan, state="failed", error=error)
        case PlanApplied(run_id=run_id):
            return replace(plan, state="applied", applied_by=run_id)
        case PlanRefused():
            return plan
        case _:
            assert_never(event)


PLAN: Decider[PlanCommand, Plan | None, PlanEvent] = Decider(
    initial=None, decide=decide, evolve=evolve
)


def _check_building(plan: Plan) -> None:
    if plan.state != "building":
        raise RuleViolation("entry_state", f"Plan {plan.plan_id} is {plan.state} already.")


def _requested(command: RequestPlan, plan: Plan | None) -> Sequence[PlanEvent]:
    if plan is not None:
        raise NumberTaken(f"plan {command.plan_id} exists")
    return [
        PlanRequested(
            plan_id=command.plan_id,
            kind=command.kind,
            source_connector_id=command.source_connector_id,
            target_connector_id=command.target_connector_id,
            start_date=command.start_date,
            end_date=command.end_date,
            entry_ids=command.entry_ids,
        )
    ]

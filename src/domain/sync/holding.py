"""Deletions that are too many for a run to make by itself: held back, as a plan to approve.

Many bookings that disappear at once look like an accident in Zammad, or with its token. The run
leaves their timesheets, says so on each entry, and asks for a plan of just these deletions; to
apply the plan is to approve them (`contract.md`, architecture's promise 4).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.connector.settings import KimaiSettings
from domain.event import Metadata
from domain.ids import EntryId, PlanId
from domain.plan.commands import RequestPlan
from domain.plan.requesting import request_plan
from domain.plan.values import PlanKind
from domain.sync.ports import Ports
from domain.sync_run.decide import Run
from domain.time_entry.commands import Decide, Ruling
from domain.time_entry.values import Outcome, ReasonCode

PERCENT = 100


def most_deletions(kimai: KimaiSettings, known: int) -> int:
    """How many timesheets a run may delete by itself, of `known` bookings: the larger of both."""
    return max(kimai.delete_limit, int(known * kimai.delete_limit_percent // PERCENT))


@dataclass(frozen=True, kw_only=True)
class DeletionsHolder:
    """Asks for the plan of the deletions that this run holds back."""

    run: Run
    ports: Ports
    metadata: Metadata

    async def __call__(self, entries: Sequence[EntryId]) -> PlanId:
        """Its number. It is worked out once the run is over: both need the same lock."""
        wish = RequestPlan(
            plan_id=PlanId(0),
            kind=PlanKind.DELETIONS,
            source_connector_id=self.run.source_connector_id,
            target_connector_id=self.run.target_connector_id,
            start_date=None,
            end_date=None,
            entry_ids=tuple(entries),
        )
        now = self.ports.clock.now()
        plan_id, _ = await request_plan(self.ports.ledger, wish, lambda _: self.metadata, now=now)
        return plan_id


def held(ruling: Ruling, *, most: int, count: int, plan_id: PlanId) -> Decide:
    """The deletion of one booking, held back."""
    detail = (
        f"{count} bookings disappeared from Zammad at once, and a run deletes at most {most} "
        "timesheets by itself (settings delete_limit and delete_limit_percent), so theirs were "
        f"left. Find out in Zammad what happened; then apply plan {plan_id} to delete them, or "
        "keep them."
    )
    return Decide(
        ruling=Ruling(
            outcome=Outcome.HOLD,
            basis=ruling.basis,
            reason=ReasonCode.SOURCE_DELETED,
            detail=detail,
        )
    )

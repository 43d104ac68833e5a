"""Ask for a plan under the next free number; whoever follows the ledger has it worked out."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from domain.event import Appended, Metadata
from domain.handling import handle
from domain.ids import PlanId, plan_stream
from domain.numbering import with_next_number
from domain.plan.commands import RequestPlan
from domain.plan.decide import PLAN
from domain.ports.event_store import EventStore


async def request_plan(
    ledger: EventStore,
    wish: RequestPlan,
    metadata: Callable[[PlanId], Metadata],
    *,
    now: datetime,
    key: str | None = None,
) -> tuple[PlanId, Appended]:
    """Its number and where it was asked for. A second request with the same `key` makes none."""

    async def add(number: int) -> Appended:
        plan_id = PlanId(number)
        return await handle(
            ledger,
            PLAN,
            plan_stream(plan_id),
            replace(wish, plan_id=plan_id),
            metadata=metadata(plan_id),
            now=now,
            key=key,
        )

    number, done = await with_next_number(ledger, lambda n: plan_stream(PlanId(n)), add)
    return PlanId(number), done

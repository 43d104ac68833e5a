"""Asking for a plan, and waiting for it: what a dry run and a plan have in common."""

from collections.abc import Sequence
from dataclasses import replace

from api import runs
from api.problems import Problem
from api.services import Commands, Services
from domain.handling import state_of
from domain.ids import EntryId, PlanId, plan_stream
from domain.numbering import with_next_number
from domain.plan.commands import RequestPlan
from domain.plan.decide import PLAN, Plan
from domain.plan.values import PlanKind


async def request(
    own: Services,
    commands: Commands,
    wanted: runs.Wanted,
    *,
    entry_ids: Sequence[int] | None = None,
) -> PlanId:
    """Append the wish for a plan; the follower makes a job of it.

    Raises:
        Problem: `range_invalid`, `connectors_missing`, `connector_inactive`, `run_active`.
    """
    start, end = runs.range_of(own, commands, wanted)
    source, target = await runs.pair(own, wanted.connector_id)
    active, _ = await own.views.runs(skip=0, limit=1, status="running")
    if active:
        number = active[0].run_id
        raise Problem("run_active", f"Run {number} is active.", extra={"run_id": number})

    async def add(number: int) -> None:
        command = RequestPlan(
            plan_id=PlanId(number),
            kind=PlanKind.RUN,
            source_connector_id=source,
            target_connector_id=target,
            start_date=start,
            end_date=end,
            entry_ids=None if entry_ids is None else tuple(map(EntryId, entry_ids)),
        )
        numbered = replace(
            commands, metadata=replace(commands.metadata, correlation_id=f"plan-{number}")
        )
        await numbered.run(PLAN, plan_stream(PlanId(number)), command)
        commands.position = numbered.position

    number, _ = await with_next_number(own.store, lambda n: plan_stream(PlanId(n)), add)
    return PlanId(number)


async def made(own: Services, plan_id: PlanId, *, within: float) -> Plan:
    """The plan once it is complete, or as far as it is after `within` seconds."""

    async def look() -> Plan:
        plan = await state_of(own.store, PLAN, plan_stream(plan_id))
        if plan is None:
            raise Problem("not_found", "There is no such plan.")
        return plan

    return await runs.awaited(own, look, lambda plan: plan.state != "building", within=within)


async def last_position(own: Services, plan_id: PlanId) -> int:
    """Where the plan's newest event is."""
    return (await own.store.read_recorded(plan_stream(plan_id)))[-1].position

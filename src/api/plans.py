"""Asking for a plan, waiting for it, having it carried out."""

from collections.abc import Sequence
from dataclasses import replace

from adapters.postgres.read_models import RunFilter
from api import runs
from api.problems import Problem
from api.services import Commands, Services
from domain.event import Metadata
from domain.handling import state_of
from domain.ids import EntryId, PlanId, RunId, plan_stream
from domain.plan.commands import RequestPlan
from domain.plan.decide import PLAN, Plan
from domain.plan.events import PlanApplied, PlanRefused
from domain.plan.pages import digest_of
from domain.plan.requesting import request_plan
from domain.plan.values import PlanKind
from domain.sync.applying import is_unfinished
from domain.sync_run.commands import QueueRun
from domain.sync_run.events import PLAN_CAUSE, Cause


async def request(
    own: Services,
    commands: Commands,
    wanted: runs.Wanted,
    *,
    kind: PlanKind = PlanKind.RUN,
    entry_ids: Sequence[int] | None = None,
) -> PlanId:
    """Append the wish for a plan; the follower makes a job of it.

    Raises:
        Problem: `range_invalid`, `connectors_missing`, `connector_inactive`, `run_active`.
    """
    start, end = await runs.range_of(own, commands, wanted)
    source, target = await runs.pair(own, wanted.connector_id)
    active, _ = await own.views.runs(RunFilter(status="running"), skip=0, limit=1)
    if active:
        number = active[0].run_id
        raise Problem("run_active", f"Run {number} is active.", extra={"run_id": number})

    wish = RequestPlan(
        plan_id=PlanId(0),
        kind=kind,
        source_connector_id=source,
        target_connector_id=target,
        start_date=start,
        end_date=end,
        entry_ids=None if entry_ids is None else tuple(map(EntryId, entry_ids)),
    )

    def metadata(plan_id: PlanId) -> Metadata:
        return replace(commands.metadata, correlation_id=f"plan-{plan_id}")

    plan_id, done = await request_plan(own.store, wish, metadata, now=commands.now)
    commands.position = done.position
    return plan_id


async def made(own: Services, plan_id: PlanId, *, within: float) -> Plan:
    """The plan once it is complete, or as far as it is after `within` seconds."""

    async def look() -> Plan:
        plan = await state_of(own.store, PLAN, plan_stream(plan_id))
        if plan is None:
            raise Problem("not_found", "There is no such plan.")
        return plan

    return await runs.awaited(own, look, lambda plan: plan.state != "building", within=within)


async def apply(own: Services, commands: Commands, plan_id: PlanId, digest: str) -> runs.Queued:
    """Queue the run that carries it out.

    Raises:
        RuleViolation: `plan_not_ready`, `plan_expired`, `plan_applied`, `plan_digest_mismatch`.
        Problem: `connector_inactive`: the plan was made for another pair of connectors.
        AlreadyClaimed: another run is active.
    """
    plan = await state_of(own.store, PLAN, plan_stream(plan_id))
    if plan is None:
        raise Problem("not_found", "There is no such plan.")
    again = await is_unfinished(plan, own.store)
    plan.check_applicable(digest, commands.now, again=again)
    plan.check_rows(await digest_of(own.store, plan_id, plan.rows_after))
    theirs = plan.source_connector_id, plan.target_connector_id
    if await runs.pair(own, None) != theirs:
        text = f"Plan {plan_id} was made for connectors {theirs[0]} and {theirs[1]}, not for these."
        raise Problem("connector_inactive", text)
    wish = QueueRun(
        run_id=RunId(0),
        trigger="manual",
        cause=Cause(kind=PLAN_CAUSE, name=str(plan_id)),
        source_connector_id=plan.source_connector_id,
        target_connector_id=plan.target_connector_id,
        start_date=plan.start_date,
        end_date=plan.end_date,
    )
    run_id = await runs.numbered(own, commands, wish)
    today = commands.now.date()
    return runs.Queued(
        run_id=run_id, start_date=plan.start_date or today, end_date=plan.end_date or today
    )


async def refusal(own: Services, plan_id: PlanId, run_id: RunId) -> PlanRefused | None:
    """What the run found moved before it wrote anything; None when it went on to write."""
    story = [each.event for each in await own.store.read_recorded(plan_stream(plan_id))]
    if any(isinstance(event, PlanApplied) and event.run_id == run_id for event in story):
        return None
    refused = [e for e in story if isinstance(e, PlanRefused) and e.run_id == run_id]
    return refused[-1] if refused else None


async def last_position(own: Services, plan_id: PlanId) -> int:
    """Where the plan's newest event is."""
    return (await own.store.read_recorded(plan_stream(plan_id)))[-1].position

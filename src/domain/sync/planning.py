"""Make a plan: rehearse a run and keep what it tells."""

from collections.abc import Awaitable, Callable
from functools import reduce

from domain.errors import LedgerError, RuleViolation
from domain.event import Actor, Metadata
from domain.handling import handle
from domain.ids import EntryId, PlanId, plan_rows_stream, plan_stream
from domain.plan.commands import BeginPlan, FailPlan, FinishPlan, PlanCommand
from domain.plan.decide import PLAN, Plan
from domain.plan.events import PlanRequested
from domain.plan.pages import RowsWriter
from domain.plan.values import PlanKind
from domain.rules.configuration import Configuration
from domain.sync.limits import LIMITS, Limits
from domain.sync.ports import Ports
from domain.sync.preparing import Order, prepare
from domain.sync.rehearsing import Rehearsal, rehearsed
from domain.sync.tally import Tally
from domain.sync_run.events import Counters

ACTOR = Actor(kind="service", name="sync")


async def make_plan(
    plan_id: PlanId, configuration: Configuration, ports: Ports, *, limits: Limits = LIMITS
) -> Plan:
    """Work out plan `plan_id`, which was requested before, and return how that ended.

    Neither the peers nor the bookings' own streams are written to. A plan whose maker died is
    begun again; one that is complete is left as it is. At most one call per pair of connectors
    at a time: the caller holds a lock.

    Raises:
        RuleViolation: `not_found`.
        LedgerError: the ledger itself could not take the end of the plan.
    """
    plan = await load(plan_id, ports)
    if plan.state != "building":
        return plan
    recorded = await ports.ledger.read_recorded(plan_stream(plan_id), limit=1)
    asked = next(each.position for each in recorded if isinstance(each.event, PlanRequested))
    metadata = Metadata(actor=ACTOR, correlation_id=f"plan-{plan_id}", causation_position=asked)

    async def record(command: PlanCommand) -> None:
        now = ports.clock.now()
        stream = plan_stream(plan_id)
        await handle(ports.ledger, PLAN, stream, command, metadata=metadata, now=now)

    try:
        late = await _rehearse(plan, configuration, ports, limits, metadata, record, frozenset())
        while late:
            late = await _rehearse(plan, configuration, ports, limits, metadata, record, late)
    except LedgerError as error:
        await record(FailPlan(error=str(error)))
    return await load(plan_id, ports)


async def _rehearse(
    plan: Plan,
    configuration: Configuration,
    ports: Ports,
    limits: Limits,
    metadata: Metadata,
    record: Callable[[PlanCommand], Awaitable[None]],
    late: frozenset[EntryId],
) -> frozenset[EntryId]:
    """Rehearse and keep the rows, those of `late` last; none when the plan is complete.

    Else something was told twice, and its first row may be in the ledger already: these entries,
    with `late`, are to be late in another rehearsal. Each time there are more of them, so it ends.
    """
    kept = await ports.ledger.read_recorded(plan_rows_stream(plan.plan_id))
    writer = RowsWriter(
        ledger=ports.ledger,
        clock=ports.clock,
        plan_id=plan.plan_id,
        metadata=metadata,
        version=kept[-1].version if kept else 0,
    )
    await record(BeginPlan(rows_after=writer.version))

    async def keep(*_progress: object) -> None:
        await writer.keep()

    tally = Tally(clock=ports.clock, report=keep, last=ports.clock.now())
    rehearsal = Rehearsal(take=writer.take, late=late)
    order = Order(
        number=plan.plan_id,
        start_date=plan.start_date,
        end_date=plan.end_date,
        unit_anew=plan.kind is PlanKind.UNIT,
        only=None if plan.entry_ids is None else frozenset(plan.entry_ids),
        rehearsed=True,
        witness=rehearsal.witness,
        gate=rehearsal.gate,
        creation_gate=rehearsal.creation_gate,
    )
    crossing = prepare(order, configuration, rehearsed(ports), limits, tally, metadata)
    await crossing.run()
    rehearsal.finish()
    if more := rehearsal.again - late:
        return late | more
    await writer.keep(everything=True)
    tally.problems += tally.remarks  # what a run does without, a plan does not
    if tally.problems:
        await record(FailPlan(error=tally.problems_text("make a new plan later")))
    else:
        await record(_finished(writer, tally.counters(), ports))
    return frozenset()


async def load(plan_id: PlanId, ports: Ports) -> Plan:
    """The plan as the ledger has it. Raises RuleViolation `not_found`."""
    history = await ports.ledger.read(plan_stream(plan_id))
    plan = reduce(PLAN.evolve, history.events, None)  # type: ignore[arg-type] # its stream holds its events only
    if plan is None:
        raise RuleViolation("not_found", f"There is no plan {plan_id}.")
    return plan


def _finished(writer: RowsWriter, counters: Counters, ports: Ports) -> FinishPlan:
    return FinishPlan(
        digest=writer.digest,
        rows=writer.rows,
        counts=writer.counts(unchanged=counters.already_synced, skip=counters.skipped),
        minutes=writer.minutes(),
        fetched=counters.fetched,
        now=ports.clock.now(),
    )

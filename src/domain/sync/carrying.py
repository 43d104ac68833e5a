"""Carry bookings across: one run from its start to its end, whatever happens in between."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import reduce

from domain.errors import LedgerError, RuleViolation, RunCancelled, StreamMovedOn, Unavailable
from domain.event import Actor, Metadata
from domain.handling import handle
from domain.ids import RunId, run_stream
from domain.rules.configuration import Configuration
from domain.sync.applying import apply_plan
from domain.sync.crossing import Crossing
from domain.sync.holding import DeletionsHolder
from domain.sync.limits import LIMITS, Limits
from domain.sync.ports import Ports
from domain.sync.preparing import Order, prepare
from domain.sync.tally import Tally
from domain.sync_run.commands import (
    CompleteRun,
    FailRun,
    ReportProgress,
    RunCommand,
    StartRun,
)
from domain.sync_run.decide import SYNC_RUN, Run, holds
from domain.sync_run.events import (
    Counters,
    SyncRunCancelRequested,
    SyncRunEvent,
    SyncRunQueued,
    SyncRunStarted,
)

ACTOR = Actor(kind="service", name="sync")


async def carry_across(
    run_id: RunId, configuration: Configuration, ports: Ports, *, limits: Limits = LIMITS
) -> Run:
    """Do run `run_id`, which was queued before, and return how it ended.

    A run that was started by a process that died is taken up again; one that has ended is left
    as it is, because jobs are delivered at least once. Failures of the peers and of
    single bookings end in the run's own events; nothing is raised for them. At most one call per
    pair of connectors at a time: the caller holds a lock.

    Raises:
        RuleViolation: `not_found`.
        LedgerError: the ledger itself could not take the end of the run.
    """
    run = await _load(run_id, ports)
    if run is None:
        raise RuleViolation("not_found", f"There is no run {run_id}.")
    if not run.is_active:
        return run
    metadata = Metadata(actor=ACTOR, correlation_id=f"run-{run_id}", run_id=run_id)

    async def record(command: RunCommand) -> None:
        await handle(
            ports.ledger,
            SYNC_RUN,
            run_stream(run_id),
            command,
            metadata=metadata,
            now=ports.clock.now(),
            holds=holds,
        )

    async def report(phase: str, done: int, total: int, counters: Counters) -> None:
        # progress is for eyes: what matters waits for the database, and a newer report is as good
        with suppress(Unavailable, StreamMovedOn):
            await record(ReportProgress(phase=phase, done=done, total=total, counters=counters))

    if run.state != "running":
        metadata = replace(metadata, causation_position=await _where(SyncRunQueued, run_id, ports))
        await record(StartRun())
    started = await _where(SyncRunStarted, run_id, ports)
    metadata = replace(metadata, causation_position=started)
    tally = Tally(clock=ports.clock, report=report, last=ports.clock.now())

    async def cross(crossing: Crossing) -> datetime | None:
        watch = asyncio.create_task(_watch(run_id, started, ports, crossing))
        try:
            return await crossing.run()
        finally:
            watch.cancel()
            await asyncio.wait([watch])

    async def carry() -> CompleteRun:
        if run.plan_id is not None:
            await apply_plan(run, configuration, ports, limits, tally, metadata, cross)
            return await _unmoved(run, ports, tally)
        order = Order(
            number=run_id,
            start_date=run.start_date,
            end_date=run.end_date,
            only=None if run.entry_ids is None else frozenset(run.entry_ids),
            tickets=None if run.ticket_ids is None else frozenset(run.ticket_ids),
            run_id=run_id,
            taken_up=run.state == "running",
            hold=DeletionsHolder(run=run, ports=ports, metadata=metadata),
        )
        crossing = prepare(order, configuration, ports, limits, tally, metadata)
        watermark = await cross(crossing)
        if run.is_partial:
            return await _unmoved(run, ports, tally)
        return CompleteRun(
            counters=tally.counters(),
            watermark=watermark,
            target_watermark=crossing.marks.polled_at,
            target_listed_at=crossing.marks.listed_at,
            ticket_watermark=crossing.discoverer.tickets_at,
            remark="; ".join(tally.remarks) or None,
        )

    telling = asyncio.create_task(tally.keep_telling())
    try:
        end = await _ended(run, carry, tally)
        await ports.before_end()
    finally:
        telling.cancel()
        await asyncio.wait([telling])
    await record(end)
    ended = await _load(run_id, ports)
    assert ended is not None
    return ended


async def _ended(
    run: Run, carry: Callable[[], Awaitable[CompleteRun]], tally: Tally
) -> CompleteRun | FailRun:
    """How it ended, to be recorded."""
    try:
        completed = await carry()
    except LedgerError as error:
        return FailRun(error=_error(error, tally), counters=tally.counters())
    if tally.problems:
        tickets = () if run.ticket_ids is None else tally.tickets_in_trouble
        return FailRun(error=tally.problems_text(), counters=tally.counters(), ticket_ids=tickets)
    return completed


async def _unmoved(run: Run, ports: Ports, tally: Tally) -> CompleteRun:
    """A run that looks at some entries or tickets only leaves everything as far known as it was."""
    source, target = run.source_connector_id, run.target_connector_id
    marks = await ports.known.target_marks(source, target)
    return CompleteRun(
        counters=tally.counters(),
        watermark=await ports.known.watermark(source),
        target_watermark=marks.polled_at,
        target_listed_at=marks.listed_at,
        ticket_watermark=await ports.known.ticket_watermark(source),
        remark="; ".join(tally.remarks) or None,
    )


async def _watch(run_id: RunId, since: int, ports: Ports, crossing: Crossing) -> None:
    """Stop the crossing when somebody wants that, also when they said so before it began."""
    pages = ports.ledger.subscribe(since, types=[SyncRunCancelRequested.TYPE])
    async for page in pages:
        for recorded in page:
            event = recorded.event
            if isinstance(event, SyncRunCancelRequested) and event.run_id == run_id:
                crossing.stop(RunCancelled("somebody cancelled the run"))
                return


async def _load(run_id: RunId, ports: Ports) -> Run | None:
    history = await ports.ledger.read(run_stream(run_id))
    return reduce(SYNC_RUN.evolve, history.events, None)  # type: ignore[arg-type] # its stream holds its events only


async def _where(kind: type[SyncRunEvent], run_id: RunId, ports: Ports) -> int:
    """The position of that event of the run: the queueing causes the start, the start the rest."""
    recorded = await ports.ledger.read_recorded(run_stream(run_id))
    return next(each.position for each in recorded if isinstance(each.event, kind))


def _error(error: LedgerError, tally: Tally) -> str:
    return "; ".join([str(error), *([tally.problems_text()] if tally.problems else [])])

"""What Zammad announced becomes looks at tickets: one run for all deliveries that wait.

```text
deliveries that wait ──▶ run over their tickets ──▶ ended ──▶ each delivery told, once
        ▲                                                        │ failed: later again
        └──── came after that run had begun ◀────────────────────┘
```
A run answers those deliveries that were asked for before it began: what they announced, it has
read. All others wait for the next one. Nothing here is remembered outside the ledger.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce

import structlog

from api import runs
from api.problems import Problem
from api.services import Commands, Services
from domain.connector.identity import known_as
from domain.delivery.commands import DeliveryCommand, FailLook, FinishLook
from domain.delivery.decide import DELIVERY
from domain.errors import AlreadyClaimed, Unavailable
from domain.event import Actor, Event, Metadata, Recorded
from domain.ids import ConnectorId, RunId, delivery_stream, run_stream
from domain.sync_run.commands import QueueRun
from domain.sync_run.decide import ACTIVE_RUN, PLACES, SYNC_RUN, Run, waiting_place
from domain.sync_run.events import (
    DELIVERY_CAUSE,
    Cause,
    SyncRunCancelled,
    SyncRunFailed,
    SyncRunStarted,
)
from domain.time_entry.values import ReasonCode
from projections.deliveries import Row

APART = timedelta(seconds=2)  # between the beginnings of two looks: a burst becomes few of them
MOST_TICKETS = 200  # of one look: other runs wait for it meanwhile
MOST_DELIVERIES = 5_000  # read at once; a busy ticket has many
AT_ONCE = 32  # deliveries told together
CATCH_UP = 10.0  # seconds that the views get to show what the ledger says
WHILE_BUSY = timedelta(seconds=3)  # another run is active: its end is a reason to come again, too
WHILE_PAUSED = timedelta(seconds=10)  # no pair is ready: somebody has to see to it first
SOONEST = timedelta(milliseconds=50)
LOOKS_BACK = 5  # ended looks that are told again, if need be; one is the rule
RUNS_FIRST = (
    ACTIVE_RUN,
    *map(waiting_place, PLACES),
)  # looks come often enough
ACTOR = Actor(kind="service", name="webhook")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _End:
    """How a look ended. `begun` is where: deliveries asked for before it are answered."""

    run: Run
    begun: int
    ended: int
    error: str | None
    unread: Sequence[int]

    def told(self, row: Row, now: datetime) -> DeliveryCommand:
        """What that means to one of its deliveries."""
        refused = row.ticket_id in self.unread
        if self.error is None or (self.unread and not refused):
            return FinishLook(receipt=row.receipt, run_id=self.run.run_id, asked=row.asked)
        reason = ReasonCode.TICKET_UNREADABLE if refused else ReasonCode.PEER_REJECTED
        return FailLook(
            receipt=row.receipt,
            run_id=self.run.run_id,
            asked=row.asked,
            reason=reason.value,
            message=self.error,
            now=now,
            refused=refused,
        )


class Looker:
    """Sees to the deliveries that wait, for the worker. `apart` keeps looks from crowding."""

    def __init__(self, own: Services, *, apart: timedelta = APART) -> None:
        self._own = own
        self._apart = apart

    async def look(self, position: int) -> timedelta | None:
        """Tell the deliveries what became of their looks, and queue a run for those that wait.

        Gives how long to wait before another try, None when nothing waits, or when the end of the
        run will be the reason to come again. `position` is that of the reason for this one. Called
        again after a crash, or by two processes, it may look once too often, never too rarely.

        Raises Unavailable when the views do not follow.
        """
        own = self._own
        if await own.store.holder(RUNS_FIRST) is not None:
            return WHILE_BUSY
        if not await own.projections.wait_for(await own.store.head(), within=CATCH_UP):
            raise Unavailable("service", own.projections.obstacle())
        begun = await own.deliveries.last_look()
        if begun is not None and await self._tell_ended():
            await own.projections.wait_for(await own.store.head(), within=CATCH_UP)
        now = own.clock.now().astimezone(UTC)
        due = await own.deliveries.due()
        if due is None:
            return None
        soonest = max(due, begun + self._apart) if begun is not None else due
        if soonest > now:
            return max(soonest - now, SOONEST)
        return await self._begin(now, position)

    async def _begin(self, now: datetime, position: int) -> timedelta | None:
        own = self._own
        try:
            source, target = await runs.pair(own, None)
        except Problem as problem:
            log.info("look_waits", code=problem.code)
            return WHILE_PAUSED
        waiting = await own.deliveries.waiting(now, limit=MOST_DELIVERIES)
        mine = await self._of_source(waiting, source)
        if not mine:
            return SOONEST
        tickets = list(dict.fromkeys(row.ticket_id for row in mine if row.ticket_id is not None))
        wish = QueueRun(
            run_id=RunId(0),
            trigger="webhook",
            cause=Cause(kind=DELIVERY_CAUSE, name=_named(mine)),
            source_connector_id=source,
            target_connector_id=target,
            start_date=None,
            end_date=None,
            ticket_ids=tuple(sorted(tickets[:MOST_TICKETS])),
        )
        try:
            await runs.numbered(own, self._commands(position), wish)
        except AlreadyClaimed:
            return WHILE_BUSY
        return None

    async def _of_source(self, waiting: Sequence[Row], source: ConnectorId) -> Sequence[Row]:
        """Those that came from the Zammad in use; nobody can be asked about the others."""
        names = await self._names()
        foreign = [row for row in waiting if names.get(_connector(row)) != names[source]]
        now = self._own.clock.now().astimezone(UTC)
        lost = {
            row.delivery_id: FailLook(
                receipt=row.receipt,
                run_id=None,
                asked=row.asked,
                reason=ReasonCode.PEER_REJECTED.value,
                message=f"Connector {row.connector_id}, which took it, is not in use any more.",
                now=now,
                for_good=True,
            )
            for row in foreign
        }
        await self._tell(lost, self._commands(None))
        return [row for row in waiting if row.delivery_id not in lost]

    async def _names(self) -> Mapping[ConnectorId, ConnectorId]:
        """By which connector's name each peer goes: a Zammad may have been connected again."""
        connectors = await self._own.connectors()
        return {each.connector_id: known_as(each, connectors) for each in connectors}

    async def _tell_ended(self) -> bool:
        """Tell what became of the looks that have ended; whether there was anything to tell."""
        own, told = self._own, False
        names = await self._names()
        for run_id in await own.deliveries.ended_looks(limit=LOOKS_BACK):
            end = _end_of(await own.store.read_recorded(run_stream(run_id)))
            rows = await own.deliveries.covered(end.run, end.begun)
            now = own.clock.now().astimezone(UTC)
            source = names.get(end.run.source_connector_id)
            mine = [row for row in rows if names.get(_connector(row)) == source]
            words = {row.delivery_id: end.told(row, now) for row in mine}
            await self._tell(words, self._commands(end.ended, run_id))
            told = told or bool(words)
        return told

    async def _tell(self, words: Mapping[str, DeliveryCommand], commands: Commands) -> None:
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(name: str, command: DeliveryCommand) -> None:
            async with slots:
                await commands.run(DELIVERY, delivery_stream(name), command)

        await asyncio.gather(*(one(name, command) for name, command in words.items()))

    def _commands(self, cause: int | None, run_id: RunId | None = None) -> Commands:
        metadata = Metadata(
            actor=ACTOR,
            correlation_id="webhook" if run_id is None else f"run-{run_id}",
            causation_position=cause,
            run_id=run_id,
        )
        now = self._own.clock.now().astimezone(UTC)
        return Commands(store=self._own.store, metadata=metadata, now=now)


def _connector(row: Row) -> ConnectorId:
    return ConnectorId(row.connector_id)


def _named(waiting: Sequence[Row]) -> str:
    return waiting[0].delivery_id if len(waiting) == 1 else f"{len(waiting)} deliveries"


def _end_of(recorded: Sequence[Recorded[Event]]) -> _End:
    """What the stream of a look that has ended says. One that never began read nothing."""
    events = [each.event for each in recorded]
    run: Run | None = reduce(SYNC_RUN.evolve, events, None)  # type: ignore[arg-type] # its stream holds its events only
    assert run is not None  # the view knows it
    began = [each.position for each in recorded if isinstance(each.event, SyncRunStarted)]
    last = recorded[-1]
    error = run.error
    if isinstance(last.event, SyncRunCancelled):
        error = f"Run {run.run_id} was cancelled."
    unread = last.event.ticket_ids if isinstance(last.event, SyncRunFailed) else ()
    known = began and set(unread) <= set(run.ticket_ids or ())
    return _End(
        run=run,
        begun=began[0] if began else recorded[0].position,
        ended=last.position,
        error=error,
        unread=unread if known else (),
    )

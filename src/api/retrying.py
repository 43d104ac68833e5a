"""Entries that somebody wants tried again: asked for here, done by a run of their own."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta

import structlog

from api import runs
from api.problems import Problem
from api.services import Commands, Services
from domain.errors import AlreadyClaimed, RuleViolation
from domain.event import Actor, Metadata
from domain.handling import state_of
from domain.ids import EntryId, RunId, entry_stream
from domain.sync_run.commands import QueueRun
from domain.sync_run.events import Cause
from domain.time_entry.commands import Retry
from domain.time_entry.decide import TIME_ENTRY
from domain.time_entry.standing import EntryState

AT_ONCE = 32  # streams opened together
WHILE_BUSY = timedelta(seconds=2)  # another run is active: ask again then
WHILE_PAUSED = timedelta(seconds=30)  # no pair is ready: somebody has to see to it first

NOT_DONE = (EntryState.PENDING, EntryState.WRITING)  # a request may be left of a process that died

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Refused:
    """An entry that is not tried again, with a code of the contract."""

    entry_id: EntryId
    code: str


async def ask(commands: Commands, entries: Sequence[EntryId]) -> Sequence[Refused]:
    """Record the wish for each of these dead letters; those that are none are given back."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(entry: EntryId) -> Refused | None:
        async with slots:
            try:
                await commands.run(TIME_ENTRY, entry_stream(entry), Retry(only_dead=True))
            except RuleViolation as error:
                return Refused(entry_id=entry, code=error.code)
        return None

    answers = await asyncio.gather(*(one(entry) for entry in entries))
    return [answer for answer in answers if answer is not None]


class Retrier:
    """Queues the runs that do what was asked for, for the worker."""

    def __init__(self, own: Services) -> None:
        self._own = own

    async def queue(self, entries: Sequence[EntryId], position: int) -> timedelta | None:
        """Queue a run for those that still wait; `position` is that of the wish.

        Gives how long to wait before another try, None when there is nothing more to do. Called
        again after a crash, it may queue a second run, which finds nothing to do.
        """
        own = self._own
        waiting = await self._waiting(entries)
        if not waiting:
            return None
        metadata = Metadata(
            actor=Actor(kind="service", name="retry"),
            correlation_id="retry",
            causation_position=position,
        )
        commands = Commands(store=own.store, metadata=metadata, now=own.clock.now().astimezone(UTC))
        try:
            source, target = await runs.pair(own, None)
            wish = QueueRun(
                run_id=RunId(0),
                trigger="manual",
                cause=Cause(kind="retry", name=_named(waiting)),
                source_connector_id=source,
                target_connector_id=target,
                start_date=None,
                end_date=None,
                entry_ids=tuple(waiting),
            )
            await runs.numbered(own, commands, wish)
        except AlreadyClaimed:
            return WHILE_BUSY
        except Problem as problem:
            log.info("retry_waits", code=problem.code)
            return WHILE_PAUSED
        return None

    async def _waiting(self, entries: Sequence[EntryId]) -> Sequence[EntryId]:
        """Those that nothing was decided of since they were asked for, or whose write is not done.

        A changed mapping decides them, too, and writes nothing.
        """
        slots = asyncio.Semaphore(AT_ONCE)

        async def waits(entry: EntryId) -> bool:
            async with slots:
                state = await state_of(self._own.store, TIME_ENTRY, entry_stream(entry))
            if state is None:
                return False
            standing = state.standing
            return standing.outcome is None or standing.state in NOT_DONE

        answers = await asyncio.gather(*(waits(entry) for entry in entries))
        return [entry for entry, waiting in zip(entries, answers, strict=True) if waiting]


def _named(entries: Sequence[EntryId]) -> str:
    return f"entry-{entries[0]}" if len(entries) == 1 else f"{len(entries)} entries"

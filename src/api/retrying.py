"""What somebody wants tried again: asked for here, done by a run of its own."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta

import structlog

from adapters.postgres.dead_letters import Letter
from api import runs
from api.inputs import BIGGEST
from api.problems import Problem
from api.services import Commands, Services
from domain.delivery.commands import RequestReplay
from domain.delivery.decide import DELIVERY
from domain.errors import AlreadyClaimed, RuleViolation
from domain.event import Actor, Metadata
from domain.handling import state_of
from domain.ids import EntryId, RunId, delivery_stream, entry_stream, is_delivery
from domain.sync_run.commands import QueueRun
from domain.sync_run.events import Cause
from domain.time_entry.commands import Retry
from domain.time_entry.decide import TIME_ENTRY
from domain.time_entry.standing import EntryState

AT_ONCE = 32  # streams opened together
WHILE_BUSY = timedelta(seconds=2)  # another run is active: ask again then
WHILE_PAUSED = timedelta(seconds=30)  # no pair is ready: somebody has to see to it first

LONGEST_NAME = 200  # characters of a delivery's id with what goes before it
_ENTRY = re.compile(r"entry-([0-9]{1,16})")
NOT_DONE = (EntryState.PENDING, EntryState.WRITING)  # a request may be left of a process that died

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Refused:
    """An entry that is not tried again, with a code of the contract."""

    entry_id: EntryId
    code: str


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Dead letters of both kinds; deliveries by id. `unknown` are names of none."""

    entries: Sequence[EntryId]
    deliveries: Sequence[str]
    unknown: Sequence[str] = ()

    @classmethod
    def of(cls, letters: Sequence[Letter]) -> "Wanted":
        return cls(
            entries=[EntryId(each.number) for each in letters if each.delivery_id is None],
            deliveries=[each.delivery_id for each in letters if each.delivery_id is not None],
        )

    @classmethod
    def named(cls, ids: Sequence[str]) -> "Wanted":
        """By the ids of the contract: `entry-4711`, `delivery-<id>`; each once."""
        names = list(dict.fromkeys(ids))
        entries = {name: entry for name in names if (entry := _entry_of(name)) is not None}
        deliveries = {
            name: name.partition("-")[2]
            for name in names
            if is_delivery(name) and len(name) <= LONGEST_NAME and name.isprintable()
        }
        return cls(
            entries=list(dict.fromkeys(entries.values())),
            deliveries=list(deliveries.values()),
            unknown=[name for name in names if name not in entries and name not in deliveries],
        )


async def ask_deliveries(commands: Commands, names: Sequence[str]) -> Mapping[str, str]:
    """Record the wish for each of these deliveries; those not taken are given back, with a code."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> str | None:
        async with slots:
            receipt = await commands.receipt_of(name)
            if receipt is None:
                return "not_found"
            try:
                wish = RequestReplay(receipt=receipt, only_dead=True)
                await commands.run(DELIVERY, delivery_stream(name), wish)
            except RuleViolation as error:
                return error.code
        return None

    answers = await asyncio.gather(*(one(name) for name in names))
    return {name: code for name, code in zip(names, answers, strict=True) if code is not None}


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


def _entry_of(name: str) -> EntryId | None:
    found = _ENTRY.fullmatch(name)
    number = int(found[1]) if found else None
    return None if number is None or number > BIGGEST else EntryId(number)


def _named(entries: Sequence[EntryId]) -> str:
    return f"entry-{entries[0]}" if len(entries) == 1 else f"{len(entries)} entries"

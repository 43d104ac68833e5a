"""Bookings in hand: loaded, decided upon and appended, one writer per stream."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

from domain.errors import LedgerError, StreamMovedOn, Unavailable, Unstorable
from domain.event import Append, Appended, Metadata
from domain.ids import EntryId, entry_stream
from domain.ports.clock import Clock
from domain.ports.event_store import EventStore
from domain.sync.limits import Limits
from domain.sync.parts import parts
from domain.sync.tally import Tally
from domain.time_entry.commands import TimeEntryCommand
from domain.time_entry.decide import TIME_ENTRY
from domain.time_entry.events import TimeEntryEvent
from domain.time_entry.state import TimeEntry

AT_A_STRETCH = 10  # bookings decided before others get their turn: about a millisecond
READ_TOGETHER = 20  # streams of one statement: a few milliseconds to decode

# A command, or what makes one of the state it meets: after a reload it is asked again
Step = TimeEntryCommand | Callable[[TimeEntry | None], TimeEntryCommand | None]


@dataclass
class Live:
    """A booking in hand: its state at `version` of its stream."""

    entry_id: EntryId
    state: TimeEntry | None = None
    version: int = 0


Witness = Callable[[Live, Sequence[TimeEntryEvent]], None]


def unseen(_live: Live, _events: Sequence[TimeEntryEvent]) -> None:
    """Nobody looks on."""


@dataclass(frozen=True)
class Entries:
    """The streams of bookings, for one run; everything appended carries its metadata.

    `witness` is told of each booking's new events once it stands as they left it.
    """

    ledger: EventStore
    clock: Clock
    metadata: Metadata
    tally: Tally
    limits: Limits
    witness: Witness = unseen

    async def load(self, entry: EntryId) -> Live:
        """The booking as the ledger has it; a restarting database is waited for."""
        (live,) = await self.load_all([entry])
        return live

    async def load_all(self, entries: Iterable[EntryId]) -> list[Live]:
        """Several, some with each statement; others get their turn in between."""
        lives = [Live(entry) for entry in entries]
        for part in parts(lives, READ_TOGETHER):
            await self._load(part)
        return lives

    async def _load(self, lives: Sequence[Live]) -> None:
        for tries in range(1, self.limits.ledger_attempts):
            try:
                await self._reload(*lives)
            except Unavailable:
                await self.clock.sleep(self.limits.pause * tries)
            else:
                return
        await self._reload(*lives)

    async def apply(self, live: Live, *steps: Step) -> Sequence[TimeEntryEvent]:
        """Take the steps one after another and append what they gave, all or nothing.

        When somebody else wrote meanwhile, or the database went away, the stream is read again
        and the steps are taken on what it says then.

        Raises:
            RuleViolation: a step is not allowed in the state it met.
            StreamMovedOn, Unavailable: not even after several tries.
        """
        tries = self.limits.ledger_attempts
        while True:
            events, after = _taken(live.state, steps)
            if not events:
                return events
            try:
                appended = await self.ledger.append(self._append(live, events))
            except (StreamMovedOn, Unavailable) as error:
                if (tries := tries - 1) == 0:
                    raise
                await self._recover(live, error, self.limits.ledger_attempts - tries)
            else:
                live.state, live.version = after, appended.version
                self._note(live, events)
                return events

    async def apply_all(self, work: Sequence[tuple[Live, Sequence[Step]]]) -> None:
        """The same for independent bookings in one go.

        An entry whose events cannot be stored is named among the problems of the run.
        """
        taken = []
        for number, (live, steps) in enumerate(work, 1):
            taken.append((live, steps, *_taken(live.state, steps)))
            if number % AT_A_STRETCH == 0:
                await asyncio.sleep(0)  # the writers wait for Kimai's answers meanwhile
        waiting = [item for item in taken if item[2]]
        if not waiting:
            return
        answers: Sequence[Appended | LedgerError]
        try:
            answers = await self.ledger.append_many(
                [self._append(live, events) for live, _, events, _ in waiting]
            )
        except Unavailable as error:
            answers = [error] * len(waiting)
        for (live, steps, events, after), answer in zip(waiting, answers, strict=True):
            match answer:
                case Appended(version=version):
                    live.state, live.version = after, version
                    self._note(live, events)
                case StreamMovedOn() | Unavailable():
                    await self._recover(live, answer, 1)
                    await self.apply(live, *steps)
                case Unstorable():
                    booking = None if after is None else after.booking
                    ticket = None if booking is None else booking.ticket_id
                    text = f"entry {live.entry_id} cannot be stored: {answer}"
                    self.tally.problem(text, ticket=ticket)
                case _:
                    raise answer

    def _note(self, live: Live, events: Sequence[TimeEntryEvent]) -> None:
        self.tally.note(events)
        self.witness(live, events)

    async def _recover(self, live: Live, error: LedgerError, tries: int) -> None:
        """Read the stream again; after a lost connection, wait for the database first."""
        if not isinstance(error, Unavailable):
            await self._reload(live)
            return
        await self.clock.sleep(self.limits.pause * tries)
        try:
            await self._reload(live)
        except Unavailable:
            return  # the append that follows will say so again, and is counted

    async def _reload(self, *lives: Live) -> None:
        histories = await self.ledger.read_many([entry_stream(live.entry_id) for live in lives])
        for live, history in zip(lives, histories, strict=True):
            live.state = reduce(TIME_ENTRY.evolve, history.events, None)  # type: ignore[arg-type] # its stream holds its events only
            live.version = history.version

    def _append(self, live: Live, events: Sequence[TimeEntryEvent]) -> Append:
        return Append(
            stream=entry_stream(live.entry_id),
            events=events,
            metadata=self.metadata,
            occurred_at=self.clock.now(),
            expected=live.version,
        )


def _taken(
    state: TimeEntry | None, steps: Sequence[Step]
) -> tuple[Sequence[TimeEntryEvent], TimeEntry | None]:
    events: list[TimeEntryEvent] = []
    for step in steps:
        command = step(state) if callable(step) else step
        if command is None:
            continue
        new = TIME_ENTRY.decide(command, state)
        state = reduce(TIME_ENTRY.evolve, new, state)
        events += new
    return events, state

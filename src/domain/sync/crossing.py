"""Carry bookings across: one run, from looking at Zammad to proving what Kimai holds.

Whatever was left unsettled by an earlier run is read back first. Then bookings are observed and
decided in batches while earlier ones are being written. The run may be killed at any instant:
what matters is in the ledger before it is sent.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime

from domain.errors import ExternalSystemError, LedgerError, Unavailable
from domain.ids import EntryId, PlanId, entry_id, entry_stream
from domain.ports.known_entries import TargetMarks, Unsettled
from domain.ports.ticket_system import ListedEntry, SourceEntry, UnreadableEntry
from domain.rules.configuration import Configuration
from domain.rules.netting import others
from domain.sync.adopting import Adopter, is_new
from domain.sync.ahead import read_ahead
from domain.sync.confirming import Confirmer
from domain.sync.discovering import KNOWN_AT_ONCE, Chunks, Discoverer
from domain.sync.entries import Entries, Live, Step
from domain.sync.holding import held, most_deletions
from domain.sync.judging import Judge
from domain.sync.limits import Limits
from domain.sync.looking import Look
from domain.sync.netting import Netter
from domain.sync.parts import parts
from domain.sync.ports import Ports
from domain.sync.reading import ContextReader, as_booking
from domain.sync.settling import Settler
from domain.sync.tally import Tally
from domain.sync.waiting import Waiting
from domain.sync.writing import Writer, wants_write
from domain.time_entry.causes import RefusalCause
from domain.time_entry.commands import (
    Decide,
    Observe,
    ObserveUnreadable,
    Vanish,
)
from domain.time_entry.events import (
    ConflictOpened,
    TimesheetWriteIntended,
    TimesheetWriteUncertain,
)
from domain.time_entry.standing import EntryState
from domain.time_entry.state import TimeEntry
from domain.time_entry.values import Context, ReasonCode

TARGET = "kimai"
NETTINGS = 100  # in a run: each may find one more timesheet that cannot be shortened
CHUNKS_AHEAD = 2  # one being fetched, one waiting, while a third is appended


@dataclass
class Crossing:
    """One run at work, put together by `preparing.prepare`.

    `hold` asks for a plan of these deletions. `rehearsed`: nothing is kept and nothing sent, so
    what is in doubt is left to a run.
    """

    ports: Ports
    limits: Limits
    entries: Entries
    tally: Tally
    judge: Judge
    discoverer: Discoverer
    reader: ContextReader
    waiting: Waiting
    writer: Writer
    look: Look
    adopter: Adopter
    confirmer: Confirmer
    netter: Netter
    hold: Callable[[Sequence[EntryId]], Awaitable[PlanId]]
    rehearsed: bool = False
    marks: TargetMarks = field(default_factory=TargetMarks)
    _queue: asyncio.Queue[Live | None] = field(init=False)
    _taken: set[EntryId] = field(default_factory=set)
    _disputed: set[EntryId] = field(default_factory=set)
    _failed: LedgerError | None = None
    _group: asyncio.TaskGroup | None = None
    _target_prepared: bool = False
    _writes: bool = True

    def __post_init__(self) -> None:
        self._queue = asyncio.Queue(self.limits.waiting)

    @property
    def configuration(self) -> Configuration:
        return self.judge.configuration

    @property
    def _ruling(self) -> Sequence[Step]:
        """A decision, for a booking whose timesheet may have been in Kimai before us."""
        return [self.adopter.adoption, self.judge.decision]

    async def run(self) -> datetime | None:
        """Do it all; return the new watermark.

        Raises a LedgerError when the run could not go on; what was written stays written.
        """
        known = self.ports.known
        await known.wait_for(await self.ports.ledger.head())
        begun = self.ports.clock.now()
        await self._mean_tickets()
        unsettled = await self._unsettled()
        await self.netter.begin(unsettled)
        settler = Settler(self.writer)
        if self.rehearsed:
            resumed = await self._in_doubt(unsettled)
        else:
            resumed = await self._recover(settler, unsettled)
        workers = self.limits.writers * (1 + self.limits.ahead)
        async with asyncio.TaskGroup() as group:
            self._group = group
            group.create_task(self._produce(unsettled, resumed, workers))
            for _ in range(workers):
                group.create_task(self.writer.consume(self._queue))
        if self.writer.stopped is None:
            await self._verify(settler)
        self._raise_failure()
        await self._net(settler)
        self._raise_failure()
        if self.discoverer.first:  # all of ours in Kimai, this run has put there and read back
            self.marks = TargetMarks(polled_at=begun, listed_at=begun)
        elif self.discoverer.tickets is None:  # a look at tickets leaves Kimai to the others
            await self._look(settler)
            self._raise_failure()
        return self.discoverer.newest

    async def decide_waiting(self, is_meant: Callable[[Unsettled], bool]) -> None:
        """Only decide again what waits and is meant; what is to be written is left to a run.

        Raises a LedgerError when it could not go on.
        """
        self._writes, self._queue = False, asyncio.Queue()  # nobody takes anything from it
        await self.ports.known.wait_for(await self.ports.ledger.head())
        unsettled = [item for item in await self._unsettled() if is_meant(item)]
        await self._decide_again(unsettled, [])
        await self._decide_stacked()

    async def _unsettled(self) -> list[Unsettled]:
        found = await self.ports.known.unsettled(self.configuration.source)
        if (tickets := self.discoverer.tickets) is not None:
            self._mean(item.entry_id for item in found if item.ticket_id in tickets)
        return [item for item in found if self.judge.is_meant(item.entry_id)]

    async def _mean_tickets(self) -> None:
        """A look at tickets is meant for what is known of them; what is found there joins it."""
        source = self.configuration.source
        for part in parts(sorted(self.discoverer.tickets or ()), KNOWN_AT_ONCE):
            known = await self.ports.known.live_of_tickets(source, part)
            self._mean(entry_id(source, each) for ids in known.values() for each in ids)

    def _mean(self, entries: Iterable[EntryId]) -> None:
        if self.judge.only is not None:
            self.judge.only = self.judge.only | frozenset(entries)

    def _raise_failure(self) -> None:
        failed = self.writer.stopped or self._failed
        if failed is not None:
            raise failed

    async def _look(self, settler: Settler) -> None:
        """After all writes, so that no answer of Kimai is older than what we sent."""
        self.tally.phase = "verify"
        await self.ports.known.wait_for(await self.ports.ledger.head())
        unsettled = await self._unsettled()
        try:
            self.marks = await self.look.look(unsettled, self._disputed)
        except Unavailable as error:
            await self._do_without(error)
            return
        again = {live.entry_id: live for live in self.look.touched if self._is_to_write(live)}
        if again:
            await self._write_beside(list(again.values()), settler)
        self.netter.note(self.look.touched)
        await self._net(settler)

    async def _net(self, settler: Settler) -> None:
        """After a write it may turn out that a timesheet cannot be shortened: net once more."""
        for _ in range(NETTINGS):
            if self.writer.stopped is not None:
                return
            lives = await self.netter.settle()
            due = [live for live in lives if self._is_to_write_netted(live)]
            if not due:
                return
            await self._write_beside(due, settler)
            self.netter.note(due)

    def _is_to_write_netted(self, live: Live) -> bool:
        if live.entry_id in self.netter.changed:
            return wants_write(live.state)
        return self._is_to_write(live)

    async def _write_beside(self, lives: list[Live], settler: Settler) -> None:
        """Write these now, the queue being done with."""
        absent = await self._absent(lives)
        self.writer.expect(absent)
        for part in parts(absent, self.limits.writers):
            await asyncio.gather(*(self._write_again(live) for live in part))
        await self._verify(settler)

    async def _do_without(self, error: Unavailable) -> None:
        """Nothing is left to be written, so a Kimai that does not answer keeps nobody waiting.

        The next run looks from where the last one did. Raises `error` when that is not so.
        """
        if error.system != TARGET or self.tally.counters().failed:
            raise error
        self.tally.remarks.append(f"Kimai was not looked at, the next run does: {error}")
        configuration = self.configuration
        self.marks = await self.ports.known.target_marks(configuration.source, configuration.target)

    def _is_to_write(self, live: Live) -> bool:
        state = live.state
        if state is None or state.decided is None or not wants_write(state):
            return False
        return self.judge.in_range(state.decided.basis.work_date)

    async def _write_again(self, live: Live) -> None:
        if self.writer.stopped is not None:
            return
        try:
            await self.writer.write(live)
        except LedgerError as error:
            self.writer.stopped = self.writer.stopped or error

    def stop(self, why: LedgerError) -> None:
        """Begin nothing more: what is being written or read is finished, then `run` raises."""
        self.writer.stop(why)

    async def _recover(self, settler: Settler, unsettled: Sequence[Unsettled]) -> list[Live]:
        """Read back what an earlier run sent and could not conclude, before anything else."""
        ids = [item.entry_id for item in unsettled if _is_in_doubt(item)]
        if not ids:
            return []
        self.tally.phase = "verify"
        before = {entry: await self.last_sent(entry) for entry in ids}
        await settler.wait_out(max(sent for sent, _ in before.values()))
        self.writer.check_cancelled()
        # What moved on meanwhile is in somebody else's hands: its newest request was not waited
        # out, and the next run looks at it again.
        lives = [
            live
            for live in await self.entries.load_all(ids)
            if live.version == before[live.entry_id][1]
        ]
        for live in lives:
            await settler.settle(live)
        return lives

    async def _in_doubt(self, unsettled: Sequence[Unsettled]) -> list[Live]:
        """What a run would read back first; nobody can say today what it will find."""
        ids = [item.entry_id for item in unsettled if _is_in_doubt(item)]
        for live in await self.entries.load_all(ids):
            self.entries.witness(live, ())
        return []

    async def last_sent(self, entry: EntryId) -> tuple[datetime, int]:
        """The latest instant at which a request of its may have been sent, and its version.

        A process that died can have sent it long after it recorded the intent: it waited for its
        turn. Only what was learned of it later proves that it had been sent before. Of the two
        clocks that tell when that was, the later counts: the database's may be behind ours.
        """
        recorded = await self.ports.ledger.read_recorded(entry_stream(entry))
        version = recorded[-1].version if recorded else 0
        for one in reversed(recorded):
            if isinstance(one.event, TimesheetWriteUncertain | ConflictOpened):
                return max(one.recorded_at, one.occurred_at), version
            if isinstance(one.event, TimesheetWriteIntended):
                break
        return self.ports.clock.now(), version

    async def _produce(
        self, unsettled: Sequence[Unsettled], resumed: Sequence[Live], workers: int
    ) -> None:
        """Everything up to the decision; always tells the writers when there is no more."""
        try:
            elsewise = await self._limit_to_other_units(unsettled)
            if await self.adopter.look():
                self.judge.take_over()
            await self._observe_all(self.discoverer.changed())
            await self._observe_all(self.discoverer.missing())
            await self._observe_moves()
            await self._observe_deletions()
            self.tally.phase = "decide"
            await self._decide_again(unsettled, resumed)
            await self._decide_all(elsewise)
            await self.netter.settle_gone()
            await self._decide_stacked()
            await self._decide_deletions()
            self.tally.phase = "write"
        except LedgerError as error:
            self._failed = error
        for _ in range(workers):
            await self._queue.put(None)

    async def _observe_all(self, chunks: Chunks) -> None:
        async with aclosing(read_ahead(self._with_contexts(chunks), CHUNKS_AHEAD)) as ready:
            async for rows, contexts in ready:
                await self._observe(rows, contexts)

    async def _observe_deletions(self) -> None:
        gone = self.discoverer.gone
        every = (entry_id(self.configuration.source, source_id) for source_id, _ in gone)
        ids = [entry for entry in every if self.judge.is_meant(entry)]
        for part in parts(ids, self.limits.chunk):
            lives = await self.entries.load_all(part)
            steps: list[Step] = [Vanish(), self.judge.decision]
            await self._carry_on([(live, steps) for live in lives if live.state is not None])

    async def _observe_moves(self) -> None:
        """Bookings whose ticket changed hands, where that was all that changed."""
        async with aclosing(self.discoverer.on_touched_tickets()) as touched:
            async for by_ticket in touched:
                every = (
                    entry_id(self.configuration.source, source_id)
                    for ids in by_ticket.values()
                    for source_id in ids
                )
                left = [
                    entry
                    for entry in sorted(every)
                    if entry not in self._taken and self.judge.is_meant(entry)
                ]
                if left:
                    await self.reader.read_tickets(by_ticket)
                for part in parts(left, self.limits.chunk):
                    lives = await self.entries.load_all(part)
                    moved = [live for live in lives if self.reader.moved(live.state) is not None]
                    await self.judge.know_agents(moved)
                    steps: list[Step] = [self.reader.moved, self.judge.decision]
                    await self._carry_on([(live, steps) for live in moved])

    async def _with_contexts(
        self, chunks: Chunks
    ) -> AsyncGenerator[tuple[Sequence[ListedEntry], dict[int, Context | None]], None]:
        async for every in chunks:
            if self.discoverer.tickets is not None:
                source = self.configuration.source
                self._mean(entry_id(source, row.source_id) for row in every)
            rows = [row for row in every if self._is_meant(row)]
            self._expect_writes(rows)
            bookings = [as_booking(row) for row in rows if isinstance(row, SourceEntry)]
            await self.judge.know(booking.created_by_id for booking in bookings)
            yield rows, await self.reader.contexts(bookings)

    def _is_meant(self, row: ListedEntry) -> bool:
        return self.judge.is_meant(entry_id(self.configuration.source, row.source_id))

    def _expect_writes(self, rows: Sequence[ListedEntry]) -> None:
        """New bookings will be written soon: ask Kimai who we are while Zammad is being read."""
        new = any(row.source_id in self.discoverer.new for row in rows)
        if new and not self._target_prepared and self._group is not None:
            self._target_prepared = True
            self._group.create_task(self.writer.target.prepare())

    async def _observe(
        self, rows: Sequence[ListedEntry], contexts: dict[int, Context | None]
    ) -> None:
        readable = [
            row for row in rows if isinstance(row, UnreadableEntry) or row.source_id in contexts
        ]
        lives = await self._lives(readable)
        bookings = [row for row in readable if isinstance(row, SourceEntry)]
        await self.netter.expect(
            {row.ticket_id for row in bookings},
            {row.ticket_id for row in bookings if row.time_unit < 0},
        )
        work: list[tuple[Live, Sequence[Step]]] = [
            (live, [self._observation(row, contexts), *self._ruling])
            for live, row in zip(lives, readable, strict=True)
        ]
        await self._carry_on(work)

    def _observation(
        self, row: ListedEntry, contexts: dict[int, Context | None]
    ) -> Observe | ObserveUnreadable:
        source = self.configuration.source
        entry = entry_id(source, row.source_id)
        if isinstance(row, SourceEntry):
            return Observe(
                entry_id=entry,
                connector_id=source,
                booking=as_booking(row),
                context=contexts[row.source_id],
            )
        return ObserveUnreadable(
            entry_id=entry,
            connector_id=source,
            fields=row.fields,
            ticket_id=row.ticket_id,
            updated_at=row.updated_at,
        )

    async def _lives(self, rows: Sequence[ListedEntry]) -> list[Live]:
        """The streams of these rows; one the read model does not know is taken to be empty.

        Should it exist after all, the append is refused and the stream is read then.
        """
        new = self.discoverer.new
        ids = [entry_id(self.configuration.source, row.source_id) for row in rows]
        known = [entry for entry, row in zip(ids, rows, strict=True) if row.source_id not in new]
        loaded = {live.entry_id: live for live in await self.entries.load_all(known)}
        return [loaded.get(entry) or Live(entry) for entry in ids]

    async def _decide_again(self, unsettled: Sequence[Unsettled], resumed: Sequence[Live]) -> None:
        """What waits from earlier runs, and was not observed anew in this one."""
        own = [live for live in resumed if live.entry_id not in self._taken]
        await self._carry_on([(live, self._ruling) for live in own])
        waiting = [item for item in unsettled if item.entry_id not in self._taken]
        for part in parts(await self.waiting.worthwhile(waiting), self.limits.chunk):
            opened = await self.waiting.opened(part)
            await self._carry_on([(live, [*steps, *self._ruling]) for live, steps in opened])

    async def _limit_to_other_units(self, unsettled: Sequence[Unsettled]) -> Sequence[EntryId]:
        """What was written with another unit, when the crossing is about that and nothing else.

        Of entries that were named, those under way are meant, too: an earlier run began them.
        """
        if not self.judge.situation.unit_anew:
            return ()
        unit, configuration = await self.judge.unit(), self.configuration
        if unit is None:
            self.judge.only = frozenset()
            return ()
        entries = await self.ports.known.carried_with_another_unit(
            configuration.source, configuration.target, unit
        )
        meant = [entry for entry in entries if self.judge.is_meant(entry)]
        begun = () if self.judge.only is None else (item.entry_id for item in unsettled)
        self.judge.only = frozenset((*meant, *begun))
        return meant

    async def _decide_all(self, entries: Sequence[EntryId]) -> None:
        """These, and what takes from them: a booking and its corrections have one unit."""
        own = [entry for entry in entries if entry not in self._taken]
        for part in parts(own, self.limits.chunk):
            lives = await self.entries.load_all(part)
            beside = [other for live in lives if live.state for other in others(live.state)]
            if beside and self.judge.only is not None:
                self.judge.only = self.judge.only | frozenset(beside)
            await self._carry_on([(live, [self.judge.decision]) for live in lives])

    async def _decide_stacked(self) -> None:
        """All at once, so that a day is filled in the order in which its work was booked."""
        waiting = self.judge.unplaced.values()
        ordered = sorted(waiting, key=lambda one: (one.day.day, one.booked_at))
        for part in parts([one.entry_id for one in ordered], self.limits.chunk):
            await self.judge.give_places(part)
            lives = await self.netter.load(set(part))
            await self._carry_on([(live, [self.judge.decision]) for live in lives.values()])

    async def _decide_deletions(self) -> None:
        """All at once, because many of them together are held back for a person."""
        doomed = list(self.judge.doomed)
        most = most_deletions(self.configuration.kimai, self.discoverer.live)
        plan_id = await self.hold(doomed) if len(doomed) > most else None
        if plan_id is not None:
            remark = f"{len(doomed)} deletions wait for approval as plan {plan_id}"
            self.tally.remarks.append(remark)

        def step(entry: TimeEntry | None) -> Decide | None:
            ruling = self.judge.deletion(entry)
            if ruling is None:
                return None
            if plan_id is None:
                return Decide(ruling=ruling)
            return held(ruling, most=most, count=len(doomed), plan_id=plan_id)

        for part in parts(doomed, self.limits.chunk):
            lives = await self.entries.load_all(part)
            await self._carry_on([(live, [step]) for live in lives])

    async def _carry_on(self, work: Sequence[tuple[Live, Sequence[Step]]]) -> None:
        """Record what is new, and hand on what is to be written."""
        if not work:
            return
        self.writer.check_cancelled()
        await self.judge.know_unit()
        self._taken.update(live.entry_id for live, _ in work)
        states = (live.state for live, _ in work)
        known = {state.booking.ticket_id for state in states if state and state.booking}
        await self.netter.expect(known, frozenset())
        await self.confirmer.confirm(self.judge.situation, _people(work))
        await self.entries.apply_all(work)
        lives = [live for live, _ in work]
        await self._provide(lives)
        due = [
            live
            for live in lives
            if live.entry_id not in self.judge.unplaced and self._is_to_write(live)
        ]
        due = await self._absent(due) if self._writes else due
        self.netter.note(lives)
        self.writer.expect(due)
        for live in lives:
            if live.state is not None and live.state.standing.conflict is ReasonCode.TARGET_EDITED:
                self._disputed.add(live.entry_id)
        for live in due:
            self.tally.total += 1
            await self._queue.put(live)
        await self.tally.tell()

    async def _absent(self, lives: list[Live]) -> list[Live]:
        """Those still to be written once what Kimai holds for them is linked or suggested.

        While Kimai does not say what it holds, nothing is created, and the run ends.
        """
        new = [live.state for live in lives if live.state is not None and is_new(live.state)]
        if not new or self.writer.stopped is not None:
            return lives
        try:
            await self.adopter.look_around(new)
        except ExternalSystemError as error:
            self.writer.stopped = error
            self.tally.count("failed", len(new))
            return []
        steps: list[Step] = [*self._ruling, self.adopter.suggestion]
        there = [live for live in lives if live.state and self.adopter.has_found(live.state)]
        await self.entries.apply_all([(live, steps) for live in there])
        return [live for live in lives if wants_write(live.state)]

    async def _provide(self, lives: Sequence[Live]) -> None:
        """Decide those that lack a project in Kimai once they have one, or cannot have it."""
        lacking = [live for live in lives if live.entry_id in self.judge.lacking]
        if lacking:
            await self.judge.provide([live.entry_id for live in lacking])
            await self.entries.apply_all([(live, [self.judge.decision]) for live in lacking])

    async def _verify(self, settler: Settler) -> None:
        """Settle what became doubtful in this run, and try again what proved absent."""
        for _ in range(self.limits.attempts):
            doubtful, self.writer.doubtful = self.writer.doubtful, []
            if not doubtful or self.writer.stopped is not None:
                return
            self.tally.phase = "verify"
            await settler.wait_out(max(since for _, since in doubtful))
            self.writer.check_cancelled()  # not waited out: the next run reads back
            await asyncio.gather(*(self._settle_and_retry(settler, live) for live, _ in doubtful))
        # the next run reads back what is in doubt still
        self.tally.count("failed", len(self.writer.doubtful))

    async def _settle_and_retry(self, settler: Settler, live: Live) -> None:
        try:
            await settler.settle(live)
            if wants_write(live.state) and self.writer.stopped is None:
                lost = "its answer was lost each time"
                if not await self.writer.bury(live, lost, RefusalCause.ANSWER_LOST):
                    await self.writer.write(live)
        except LedgerError as error:
            self.writer.stopped = self.writer.stopped or error


def _people(work: Sequence[tuple[Live, Sequence[Step]]]) -> Iterator[tuple[int, Context]]:
    """Who booked these, as the bookings say."""
    for live, steps in work:
        seen = next((step for step in steps if isinstance(step, Observe)), live.state)
        if seen is not None and seen.booking is not None and seen.context is not None:
            yield seen.booking.created_by_id, seen.context


def _is_in_doubt(item: Unsettled) -> bool:
    return item.state is EntryState.WRITING or item.reason is ReasonCode.WRITE_UNCERTAIN

"""Carry out what a person decided about one booking, by the same steps as a run.

First everything is rehearsed: what stands in the way is found before anything is recorded. Then
the decision is recorded, and what it asks for is written as a run writes: intended, sent once,
confirmed. A process that dies in between leaves a decision that the next run carries out.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from domain.errors import (
    ExternalSystemError,
    LedgerError,
    Misconfigured,
    OutcomeUnknown,
    RuleViolation,
    Unavailable,
)
from domain.event import Metadata
from domain.handling import handle
from domain.ids import EntryId, entry_stream, source_of
from domain.minutes import minutes_of
from domain.ports.timesheets import Timesheet
from domain.rules.carry import carry_ruling
from domain.rules.comparison import as_alike, as_written, changes_since
from domain.rules.configuration import Configuration
from domain.rules.rounding import as_asked
from domain.rules.row_ops import Op
from domain.sync.crossing import Crossing
from domain.sync.entries import Live, Step
from domain.sync.limits import Limits
from domain.sync.looking import untouched
from domain.sync.ports import Ports
from domain.sync.preparing import Order, prepare
from domain.sync.rehearsing import numbered, rehearsed
from domain.sync.settling import Settler
from domain.sync.tally import Tally
from domain.sync.waiting import seen_again
from domain.sync.writing import Withheld, wants_write
from domain.target_item.values import Creation, Lacking
from domain.time_entry.commands import (
    Adopt,
    Carry,
    Decide,
    Hold,
    NoteDrift,
    NoteTargetGone,
    ReadBack,
    Ruling,
    TimeEntryCommand,
    Uncarry,
)
from domain.time_entry.decide import TIME_ENTRY
from domain.time_entry.events import TimeEntryEvent
from domain.time_entry.state import KEEP_TARGET, UPDATE, Correcting, TimeEntry, Wait
from domain.time_entry.taking_over import CONFIRMED, holds, subject_of, suggested
from domain.time_entry.values import Alike, Outcome, ReasonCode, Request, Stored, Written
from domain.work_day.values import Unplaced

READINESS = 4  # a place on the day, a customer, a project: so often a decision may need more first
LOST = (
    "A request to Kimai was sent and its answer lost. It is read back before anything else is "
    "done; choose the same again after that, or leave it to the next run."
)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a person wants of the conflict that was opened as the `nth` of its entry.

    `seen` is the booking as that person saw it: when it has changed since, nothing is done.
    """

    entry_id: EntryId
    op: Op
    nth: int
    seen: TimeEntry
    note: str | None = None


class Refused(LedgerError):
    """Kimai refused; the text is that of the conflict which says why and what to do."""


@dataclass
class Prospect:
    """What would be sent, in this order; nothing when `blocked_by` says why not.

    `foreseen` is what Kimai's own rounding makes of times that are sent, where it changes them.
    """

    creates: list[Creation] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    foreseen: Stored | None = None
    blocked_by: str | None = None

    def gate(self, live: Live, request: Request, _found: Written | None) -> None:
        decided = None if live.state is None else live.state.decided
        if decided is not None and decided.desired is not None and "begin" in request.fields:
            asked = as_asked(decided.desired.begin, decided.desired.end)
            self.foreseen = None if decided.basis.foreseen == asked else decided.basis.foreseen
        self.requests.append(numbered(live, request) if self.creates else request)
        raise Withheld

    def creation_gate(self, _entries: Sequence[EntryId], creations: Sequence[Creation]) -> None:
        self.creates += creations
        raise Withheld


@dataclass(frozen=True, kw_only=True)
class Resolver:
    """Does what people want, between one pair of connectors.

    While something is written the caller holds the pair's lock. `metadata` says who wants it.
    """

    configuration: Configuration
    ports: Ports
    limits: Limits
    metadata: Metadata
    # one after another: whoever meets another's request for a customer waits until it is over
    _making: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def preview(self, wish: Wish) -> Prospect:
        """What `carry` would send now; both peers are only read.

        Raises what reading them raises.
        """
        prospect = Prospect()
        try:
            await self._attempt(wish, prospect)
        except RuleViolation as error:
            if error.code != "op_not_applicable":
                raise
            prospect.blocked_by = str(error)
        return prospect

    async def carry(self, wish: Wish) -> TimeEntry:
        """Do it; the booking afterwards.

        Raises:
            RuleViolation: `already_resolved`, `stale_version`, `op_not_applicable`; nothing was
                sent.
            Refused, Unavailable, Misconfigured: nothing was stored, and the row is open.
            OutcomeUnknown: the answer was lost; the row is open as WRITE_UNCERTAIN.
        """
        if wish.seen.intent is None:  # what is in doubt nobody can rehearse
            try:
                await self._attempt(wish, Prospect())
            except _Found as found:
                raise await self._recorded(wish, found.wait) or found from found
        return await self._attempt(wish, None)

    async def _recorded(self, wish: Wish, why: Wait) -> RuleViolation | None:
        """Have the row show what the rehearsal found in Kimai; why nothing was sent, if it does."""
        attempt = await self._begun(wish, None)
        await attempt.record_found(why)
        held = attempt.state.conflict
        if held is None or attempt.state.opened == wish.nth:
            return None
        return _inapplicable(held.detail)

    async def _attempt(self, wish: Wish, prospect: Prospect | None) -> TimeEntry:
        return await (await self._begun(wish, prospect)).run()

    async def _begun(self, wish: Wish, prospect: Prospect | None) -> "_Attempt":
        ports = self.ports if prospect is None else rehearsed(self.ports)
        order = Order(number=0, start_date=None, end_date=None, only=frozenset({wish.entry_id}))
        if prospect is not None:
            order = replace(
                order, rehearsed=True, gate=prospect.gate, creation_gate=prospect.creation_gate
            )
        tally = Tally(clock=ports.clock, report=_untold, last=ports.clock.now())
        limits = replace(self.limits, attempts=1)  # a person waits, and may press again
        crossing = prepare(order, self.configuration, ports, limits, tally, self.metadata)
        await ports.known.wait_for(await ports.ledger.head())
        return _Attempt(
            wish=wish,
            crossing=crossing,
            ports=ports,
            metadata=self.metadata,
            live=await crossing.entries.load(wish.entry_id),
            prospect=prospect,
            making=self._making,
        )


@dataclass
class _Attempt:
    """One try: in earnest, or rehearsed when there is a `prospect` to fill."""

    wish: Wish
    crossing: Crossing
    ports: Ports
    metadata: Metadata
    live: Live
    prospect: Prospect | None
    making: asyncio.Lock
    _stopped: ExternalSystemError | None = None

    @property
    def real(self) -> bool:
        return self.prospect is None

    @property
    def state(self) -> TimeEntry:
        assert self.live.state is not None
        return self.live.state

    async def run(self) -> TimeEntry:
        self._check(self.live.state)
        if self.state.intent is not None:
            await self._read_back()
            await self._apply(self.crossing.judge.decision)
            if wants_write(self.live.state):
                await self._or_as_before(self._write())
            return await self._concluded()
        if suggested(self.state):
            await self._adopt()
            if self.wish.op is Op.KEEP_TARGET:
                await self._apply(self.crossing.judge.decision)
                return self.state
            await self._or_as_before(self._decide())
        else:
            if self.wish.op is Op.CORRECT:
                await self._look_at_locked()
            ruling = await self._ruled()
            correct = self.wish.op is Op.CORRECT
            carry = Carry(nth=self.wish.nth, ruling=ruling, note=self.wish.note, correct=correct)
            await self._apply(self._if_as_seen(carry))
        await self._or_as_before(self._write())
        return await self._concluded()

    async def _decide(self) -> None:
        await self._apply(Decide(ruling=await self._ruled()))

    async def _or_as_before(self, step: Awaitable[None]) -> None:
        """What cannot be asked of a peer any more leaves the row open, and nothing linked."""
        try:
            await step
        except LedgerError:
            await self._claiming(Uncarry(nth=self.wish.nth, note=None))
            raise

    def _correcting(self, state: TimeEntry) -> Correcting | None:
        """It is booked on the day of the work, unless Kimai said that this day is locked."""
        if self.wish.op is not Op.CORRECT:
            return None
        held = state.conflict
        locked = held is not None and held.reason is ReasonCode.PERIOD_LOCKED
        return Correcting(until=self.ports.clock.now() if locked else None)

    async def _look_at_locked(self) -> None:
        """The timesheet that stays as it is, is still what the person saw.

        Raises `op_not_applicable`: with what is found there, when that has changed.
        """
        settled, held = self.state.settled, self.state.conflict
        if settled is None:
            raise _inapplicable("There is no timesheet that could be corrected by a second one.")
        assert held is not None
        number = settled.written.timesheet_id
        sheet = await self.ports.timesheets.get(number)
        if sheet is None:
            text = f"Timesheet {number} was deleted in Kimai; load the row again."
            raise _Found(Wait(reason=ReasonCode.TARGET_DELETED, detail=text))
        found = self._seen(sheet)
        changed = changes_since(self.state.drifted or settled.written, found)
        if changed:
            raise _Found(_edited_since(found, changed))
        exported = self.state.drifted or settled.written
        if exported.exported and not found.exported:
            raise _inapplicable("The export was taken back: have the timesheet updated.")

    def _seen(self, sheet: Timesheet) -> Written:
        assert self.state.settled is not None
        return as_written(sheet, self.state.settled.desired.description.subject)

    async def record_found(self, why: Wait) -> None:
        """Look at the linked timesheet as a run does; without one, ask about what looks alike."""
        self._check(self.live.state)
        settled = self.state.settled
        if settled is None:
            if why.reason is ReasonCode.DUPLICATE:
                await self._apply(Hold(**vars(why)))
            return
        await self.crossing.judge.know_unit()
        number = settled.written.timesheet_id
        sheet = await self.ports.timesheets.get(number)
        if sheet is None:
            await self._apply(NoteTargetGone(timesheet_id=number))
        elif self.wish.op is Op.CORRECT:
            found = self._seen(sheet)
            changed = changes_since(self.state.drifted or settled.written, found)
            now = _edited_since(found, changed)
            drift = NoteDrift(found=found, changed=changed, detail=now.detail, reason=now.reason)
            await self._apply(drift)
        else:
            await self.crossing.judge.place([untouched(self.state)])
            await self._apply(self.crossing.look.comparison(sheet))

    def _check(self, state: TimeEntry | None) -> None:
        if state is None:
            raise RuleViolation("not_found", "There is no such entry.")
        if state.conflict is None or state.opened != self.wish.nth:
            raise RuleViolation("already_resolved", "This conflict is not open any more.")
        if state != self.wish.seen:
            raise RuleViolation("stale_version", "It has changed; load the row again.")
        source, _ = source_of(state.entry_id)
        if source != self.crossing.configuration.source:
            raise _inapplicable(f"It came from Zammad connector {source}, which is not in use.")

    def _if_as_seen(self, command: Carry) -> Step:
        seen = self.state

        def step(state: TimeEntry | None) -> TimeEntryCommand:
            if state != seen:
                self._check(state)
            return command

        return step

    async def _apply(self, *steps: Step) -> Sequence[TimeEntryEvent]:
        return await self.crossing.entries.apply(self.live, *steps)

    async def _read_back(self) -> None:
        """What became of the request whose answer was lost, once it cannot land any more."""
        clock, limit = self.ports.clock, self.crossing.limits.request_limit
        sent, _ = await self.crossing.last_sent(self.live.entry_id)
        rest = limit - (clock.now() - sent)
        if rest > timedelta(0):
            raise _inapplicable(
                "The request may still be at work in Kimai; it is read back in "
                f"{int(rest.total_seconds()) + 1} seconds."
            )
        if not self.real:
            raise _inapplicable(LOST)
        settler = Settler(
            self.crossing.writer,
            lambda came: ReadBack(nth=self.wish.nth, came=came, note=self.wish.note),
        )
        await settler.settle(self.live)
        if self.crossing.tally.problems:
            raise Unavailable("kimai", "it could not be asked what became of the request")

    async def _adopt(self) -> None:
        """Link the oldest that is free of those that look like the booking, as it is."""
        alike = sorted(suggested(self.state))
        source, target = self.crossing.configuration.source, self.crossing.configuration.target
        taken = await self.ports.known.linked_to(source, target, alike)
        free = set(alike) - {each.seen.timesheet_id for each in taken}
        if not free:
            raise _inapplicable(f"Entry {taken[0].entry_id} has timesheet {alike[0]}.")
        first = min(free)
        sheet = await self.ports.timesheets.get(first)
        if sheet is None:
            raise _inapplicable(f"Timesheet {first} is not in Kimai any more.")
        held, now = self.state.conflict, as_alike(sheet, target)
        if held is not None and held.alike is not None and _is_otherwise(now, held.alike):
            raise _Found(replace(held, detail=_asked_anew(now), alike=now))
        adopt = Adopt(
            found=[as_written(sheet, subject_of(self.state))],
            how=CONFIRMED,
            target_connector_id=target,
            marker="",
            action=KEEP_TARGET if self.wish.op is Op.KEEP_TARGET else UPDATE,
            note=self.wish.note,
        )
        await self._claiming(adopt)

    async def _claiming(self, command: Adopt | Uncarry) -> None:
        """Append it, with the claim on the timesheet that it links or lets go."""
        if not self.real:
            await self._apply(command)
            return
        await handle(
            self.ports.ledger,
            TIME_ENTRY,
            entry_stream(self.live.entry_id),
            command,
            metadata=self.metadata,
            now=self.ports.clock.now(),
            holds=holds,
        )
        loaded = await self.crossing.entries.load(self.live.entry_id)
        self.live.state, self.live.version = loaded.state, loaded.version

    async def _ruled(self) -> Ruling:
        """What is to be written, with all that it needs first. Raises `op_not_applicable`."""
        judge, entry = self.crossing.judge, self.live.entry_id
        await self._know()
        for _ in range(READINESS):
            state = self.state
            ruling = carry_ruling(state, judge.situation, correcting=self._correcting(state))
            match ruling:
                case Unplaced():
                    judge.unplaced[entry] = ruling
                    await judge.give_places([entry])
                case Lacking():
                    judge.lacking[entry] = ruling
                    async with self.making:
                        await judge.provide([entry])
                case Ruling(outcome=Outcome.HOLD | Outcome.LEAVE):
                    raise _inapplicable(ruling.detail or "There is nothing to write.")
                case Ruling():
                    return ruling
        problems = "; ".join(self.crossing.tally.problems) or "it was not made"
        raise Unavailable(
            "kimai", f"what the timesheet is to be booked on is not there: {problems}"
        )

    async def _know(self) -> None:
        """Ask the peers what the rules need to know of them."""
        judge, booking = self.crossing.judge, self.state.booking
        await judge.know_unit()
        if booking is None:
            return
        await judge.know([booking.created_by_id])
        if self.state.context is None:
            found = await self.crossing.reader.contexts([booking])
            await self._apply(seen_again(found.get(booking.source_id)))
            self.wish = replace(self.wish, seen=self.state)

    async def _write(self) -> None:
        """Send it, unless Kimai turns out to hold it, or something alike, already."""
        state = self.state
        if state.standing.outcome is Outcome.CREATE and state.conflict is None:
            adopter = self.crossing.adopter
            await adopter.look_around([state])
            if adopter.has_found(state):
                judge = self.crossing.judge
                await self._apply(adopter.adoption, judge.decision, adopter.suggestion)
        try:
            await self.crossing.writer.write(self.live)
        except ExternalSystemError as error:
            self._stopped = error

    async def _concluded(self) -> TimeEntry:
        """The booking after the write; what could not be written is open again."""
        try:
            return self._ended()
        except (Unavailable, Misconfigured):
            await self._claiming(Uncarry(nth=self.wish.nth, note=None))
            raise
        except OutcomeUnknown:
            await self._apply(Hold(reason=ReasonCode.WRITE_UNCERTAIN, detail=LOST))
            raise

    def _ended(self) -> TimeEntry:
        state = self.state
        if state.conflict is not None:
            raise self._stopped_by(state)
        if self.prospect is not None and self.prospect.requests:
            return state
        if state.intent is not None:
            raise OutcomeUnknown("kimai", "the request was sent and its answer lost")
        if wants_write(state):
            stopped = self._stopped or self.crossing.writer.stopped
            raise stopped or Unavailable("kimai", "it did not answer; nothing was stored")
        return state

    def _stopped_by(self, state: TimeEntry) -> LedgerError:
        """What was found right before the write, or what Kimai answered."""
        assert state.conflict is not None
        detail, refused = state.conflict.detail, state.refused
        if refused is not None and refused.wait.reason is state.conflict.reason:
            return Refused(detail)
        return _Found(state.conflict)


def _edited_since(found: Written, changed: Sequence[str]) -> Wait:
    detail = (
        f"Timesheet {found.timesheet_id} was edited in Kimai ({', '.join(changed)}) since a person "
        f"looked at it, and has {minutes_of(found.duration).normalize():f} min now. Keep Kimai as "
        "it is, bring the timesheet to the booking, or correct it by what is missing now."
    )
    return Wait(reason=ReasonCode.TARGET_EDITED, detail=detail)


def _is_otherwise(now: Alike, shown: Alike) -> bool:
    """Whether it is not what a person was asked about, or another one like it."""
    if now.timesheet_id == shown.timesheet_id:
        return now != shown
    return now.duration != shown.duration


def _asked_anew(now: Alike) -> str:
    return (
        f"Timesheet {now.timesheet_id} was edited in Kimai since a person was asked about it, and "
        f"has {minutes_of(now.duration).normalize():f} min now. Adopt it if it is this booking all "
        "the same; if it is other work, say so, and the booking gets a timesheet of its own."
    )


class _Found(RuleViolation):
    """Kimai, or what it holds, turned out to be otherwise than the row says."""

    def __init__(self, wait: Wait) -> None:
        super().__init__("op_not_applicable", wait.detail)
        self.wait = wait


def _inapplicable(why: str) -> RuleViolation:
    return RuleViolation("op_not_applicable", why)


async def _untold(*_progress: object) -> None:
    """Nobody follows it step by step."""

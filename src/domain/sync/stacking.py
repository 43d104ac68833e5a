"""Give bookings their places on their persons' days: recorded before anything is decided on them.

The day's stream is the only one to say who lies where: it is read, a place is chosen, and the
append is refused when somebody else was there in between; then it is read again. Whoever dies
after that has taken a place and nothing else, and finds it again in the next run.
"""

import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta
from functools import reduce
from itertools import chain, islice

from domain.errors import LedgerError, StreamMovedOn, Unavailable
from domain.event import Append, Appended, Metadata
from domain.ids import EntryId, source_of
from domain.ports.clock import Clock
from domain.ports.event_store import EventStore
from domain.ports.known_entries import KnownEntries, Occupying
from domain.rules.configuration import Configuration
from domain.rules.stacking import reach_of
from domain.span import Span
from domain.sync.entries import Live
from domain.sync.limits import Limits
from domain.time_entry.standing import EntryState
from domain.time_entry.state import TimeEntry, worked
from domain.work_day.decide import WORK_DAY, Slots, TakeSlot, answer
from domain.work_day.events import SlotTaken, WorkDayEvent
from domain.work_day.values import Slot, Unplaced, WorkDay

DAY = timedelta(days=1)
AT_REST = frozenset({EntryState.SYNCED, EntryState.WITHDRAWN, EntryState.IGNORED})
Taken = tuple[WorkDay, Sequence[Unplaced], Sequence[WorkDayEvent], Slots]


@dataclass
class _Day:
    """`held` is what each booking has in Kimai, or waits to get there; `gone` need no place."""

    slots: Slots
    version: int
    held: dict[EntryId, Sequence[Span]]
    gone: frozenset[EntryId]


@dataclass
class Stacker:
    """The days that one run has opened, and in `places` what it found there.

    `kept` is what a rehearsed run has in hand, because no read model will show it; None in earnest.
    """

    ledger: EventStore
    known: KnownEntries
    clock: Clock
    metadata: Metadata
    configuration: Configuration
    limits: Limits
    kept: Mapping[EntryId, Live] | None = None
    places: dict[Unplaced, Slot | None] = field(default_factory=dict)
    _asked: dict[EntryId, Unplaced] = field(default_factory=dict)
    _days: dict[WorkDay, _Day] = field(default_factory=dict)
    _fresh: bool = False
    _booked: dict[tuple[int, date], list[EntryId]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _indexed: int = 0  # of `kept`, which only grows

    async def place(self, wanted: Sequence[Unplaced]) -> None:
        """Answer each in `places`, in the order in which they were booked.

        Raises StreamMovedOn, Unavailable: not even after several tries.
        """
        left = _by_day(wanted)
        for tries in range(1, self.limits.ledger_attempts + 1):
            error = await self._try(left)
            if error is None:
                return
            if tries == self.limits.ledger_attempts:
                raise error
            if isinstance(error, Unavailable):
                await self.clock.sleep(self.limits.pause * tries)

    async def _try(self, left: dict[WorkDay, Sequence[Unplaced]]) -> LedgerError | None:
        """Those days that could be appended to are taken out of `left`."""
        try:
            await self._open([day for day in left if day not in self._days])
        except Unavailable as error:
            return error
        taken = [self._taken(day, wanted) for day, wanted in left.items()]
        answers = await self._append([each for each in taken if each[2]])
        failed: LedgerError | None = None
        for each in taken:
            day, wanted, events, slots = each
            given = answers.get(day)
            if isinstance(given, StreamMovedOn | Unavailable):
                del self._days[day]
                failed = given
                continue
            if isinstance(given, LedgerError):
                raise given
            opened = self._days[day]
            opened.slots, opened.version = slots, opened.version + len(events)
            for one in wanted:
                self._answer(one, slots)
            del left[day]
        return failed

    def _answer(self, wanted: Unplaced, slots: Slots) -> None:
        """A booking has one place: what it was told before does not count any more."""
        former = self._asked.get(wanted.entry_id)
        if former is not None:
            self.places.pop(former, None)
        self._asked[wanted.entry_id] = wanted
        self.places[wanted] = answer(wanted, slots)

    def _taken(self, day: WorkDay, wanted: Sequence[Unplaced]) -> Taken:
        opened, events = self._days[day], list[WorkDayEvent]()
        slots = opened.slots
        for one in wanted:
            others = (spans for entry, spans in opened.held.items() if entry != one.entry_id)
            command = TakeSlot(
                wanted=one,
                day_start=self.configuration.zammad.day_start,
                kimai=self.configuration.kimai,
                held=[*chain.from_iterable(others), *one.beside],
                gone=opened.gone - {one.entry_id},
            )
            new = WORK_DAY.decide(command, slots)
            slots = reduce(WORK_DAY.evolve, new, slots)
            events += new
        return day, wanted, events, slots

    async def _append(self, taken: Sequence[Taken]) -> dict[WorkDay, Appended | LedgerError]:
        if not taken:
            return {}
        commands = [
            Append(
                stream=day.stream,
                events=events,
                metadata=self.metadata,
                occurred_at=self.clock.now(),
                expected=self._days[day].version,
            )
            for day, _, events, _ in taken
        ]
        days = [day for day, *_ in taken]
        try:
            answers = await self.ledger.append_many(commands)
        except Unavailable as error:
            return dict.fromkeys(days, error)
        return dict(zip(days, answers, strict=True))

    async def _open(self, days: Sequence[WorkDay]) -> None:
        if not self._fresh:  # what this run adopted is in the way, too
            await self.known.wait_for(await self.ledger.head())
            self._fresh = True
        source = self.configuration.source
        keys = [(day.agent_id, day.day) for day in days]
        found = await self.known.occupying(source, keys) if keys else {}
        for day, key in zip(days, keys, strict=True):
            rows = {row.entry_id: row for row in found[key]} | self._in_hand(day)
            self._days[day] = await self._opened(day, list(rows.values()))

    def _in_hand(self, day: WorkDay) -> dict[EntryId, Occupying]:
        """What the read model would show of a run in earnest by now."""
        kept = self.kept or {}
        for live in islice(kept.values(), self._indexed, None):
            if live.state is not None and (booking := live.state.booking) is not None:
                booked_on = booking.created_at.astimezone(UTC).date()
                self._booked[booking.created_by_id, booked_on].append(live.entry_id)
        self._indexed = len(kept)
        around = (day.day + DAY * each for each in range(-2, 3))
        near = chain.from_iterable(self._booked.get((day.agent_id, each), ()) for each in around)
        states = (kept[entry].state for entry in near)
        return {
            state.entry_id: _occupying(state)
            for state in states
            if state is not None and _is_near(state, day)
        }

    async def _opened(self, day: WorkDay, rows: Sequence[Occupying]) -> _Day:
        recorded = await self.ledger.read_recorded(day.stream)
        slots: Slots = {}
        since: dict[EntryId, int] = {}
        for each in recorded:
            if isinstance(each.event, SlotTaken):
                since[each.event.entry_id] = each.position
            slots = WORK_DAY.evolve(slots, each.event)  # type: ignore[arg-type] # its stream holds its events only
        seen = {row.entry_id for row in rows}
        withdrawn = {
            row.entry_id
            for row in rows
            if row.state is EntryState.WITHDRAWN and row.position > since.get(row.entry_id, 0)
        }
        return _Day(
            slots=slots,
            version=recorded[-1].version if recorded else 0,
            held={row.entry_id: self._held(row) for row in rows},
            gone=frozenset(withdrawn | await self._elsewhere(slots.keys() - seen)),
        )

    async def _elsewhere(self, entries: set[EntryId]) -> set[EntryId]:
        """Those that came to rest on another day, or as somebody else's."""
        ids = {source_of(entry)[1]: entry for entry in entries}
        known = await self.known.versions(self.configuration.source, ids) if ids else {}
        return {ids[source_id] for source_id, each in known.items() if each.state in AT_REST}

    def _held(self, row: Occupying) -> Sequence[Span]:
        reach = reach_of(self.configuration.kimai)
        decided = row.decided and reach(row.decided.begin, row.decided.end)
        return [*(span for span in (decided, row.stored) if span is not None), *row.beside]


def _is_near(entry: TimeEntry, day: WorkDay) -> bool:
    """As `KnownEntries.occupying` has it: of that person, within a day of that day."""
    if entry.booking is None or entry.booking.created_by_id != day.agent_id:
        return False
    found = None if entry.decided is None else entry.decided.basis.work_date
    return abs((found or entry.booking.created_at.astimezone(UTC).date()) - day.day) <= DAY


def _occupying(entry: TimeEntry) -> Occupying:
    decided = entry.decided
    desired = None if decided is None else decided.desired
    sheet = None if entry.settled is None else entry.settled.written
    return Occupying(
        entry_id=entry.entry_id,
        position=sys.maxsize,  # newer than all that is in the ledger
        state=entry.standing.state,
        decided=worked(desired, decided.basis) if decided and desired else None,
        stored=Span(begin=sheet.begin, end=sheet.end or sheet.begin) if sheet else None,
        beside=tuple(Span(begin=each.begin, end=each.end or each.begin) for each in entry.beside),
    )


def _by_day(wanted: Sequence[Unplaced]) -> dict[WorkDay, Sequence[Unplaced]]:
    """In booking order; two of one instant by their ids, so that it never comes out otherwise."""
    days: defaultdict[WorkDay, list[Unplaced]] = defaultdict(list)
    for one in sorted(wanted, key=lambda each: (each.booked_at, each.entry_id)):
        days[one.day].append(one)
    return dict(days)

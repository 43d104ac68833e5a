"""What waits from earlier runs, and which of it is worth opening in this one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.errors import Unavailable
from domain.ids import EntryId
from domain.ports.known_entries import Unsettled
from domain.sync.entries import Entries, Live, Step
from domain.sync.judging import Judge
from domain.sync.limits import Limits, share
from domain.sync.reading import ContextReader
from domain.sync.refusing import Refusals, again
from domain.time_entry.commands import Observe, TimeEntryCommand
from domain.time_entry.standing import EntryState
from domain.time_entry.state import TimeEntry
from domain.time_entry.values import Booking, Context, ReasonCode

DAY = timedelta(days=1)
# all others were found in Kimai or flagged by a person, whom no setting answers for
DECIDED_AGAIN = frozenset(ReasonCode) - {
    ReasonCode.TARGET_DELETED,
    ReasonCode.TARGET_EDITED,
    ReasonCode.DUPLICATE,
    ReasonCode.WRITE_UNCERTAIN,
    ReasonCode.OTHER,
}


@dataclass
class Waiting:
    """Chooses among what is not at rest, and looks at its ticket once more where that may help."""

    run_id: int
    judge: Judge
    entries: Entries
    reader: ContextReader
    limits: Limits
    refusals: Refusals
    _lifted: set[EntryId] = field(default_factory=set)
    _visible: set[int] = field(default_factory=set)

    async def worthwhile(self, waiting: Sequence[Unsettled]) -> Sequence[Unsettled]:
        """Still to be written, decided with other settings, or with a ticket readable by now."""
        if any(item.reason is ReasonCode.USER_UNMAPPED for item in waiting):
            waiting = await self._with_people(waiting)
        if any(item.reason is ReasonCode.UNIT_UNKNOWN for item in waiting):
            await self.judge.know_unit()
        if any(item.reason is ReasonCode.PROJECT_OR_CUSTOMER_MISSING for item in waiting):
            waiting = await self._with_items(waiting)
        readable = await self._readable(waiting)
        self._lifted = set(await self.refusals.lifted(waiting))
        hopeful = readable | self._lifted
        return [item for item in waiting if item.entry_id in hopeful or self._is_worthwhile(item)]

    async def _with_people(self, waiting: Sequence[Unsettled]) -> Sequence[Unsettled]:
        """Read Kimai's users; who cannot be found out about now waits for the next run."""
        try:
            await self.judge.know_people()
        except Unavailable as error:
            remark = f"People without a mapping were not looked for, the next run does: {error}"
            self.entries.tally.remarks.append(remark)
            return [item for item in waiting if item.reason is not ReasonCode.USER_UNMAPPED]
        return waiting

    async def _with_items(self, waiting: Sequence[Unsettled]) -> Sequence[Unsettled]:
        """The same with Kimai's customers and projects."""
        try:
            await self.judge.know_items()
        except Unavailable as error:
            remark = f"Projects without a mapping were not looked for, the next run does: {error}"
            self.entries.tally.remarks.append(remark)
            missing = ReasonCode.PROJECT_OR_CUSTOMER_MISSING
            return [item for item in waiting if item.reason is not missing]
        return waiting

    def _is_worthwhile(self, item: Unsettled) -> bool:
        if self._long_before(item.booked_at):
            return False
        match item.state:
            case EntryState.PENDING:
                return True
            case EntryState.CONFLICT:
                return self._may_differ(item)
            case EntryState.IGNORED:
                return self.judge.is_outdated(item.decided_with, None)
            case _:
                return False

    def _may_differ(self, item: Unsettled) -> bool:
        if item.decided_with is None:
            return True  # a person asked to try again, or it changed
        if self.judge.approved and item.reason is ReasonCode.SOURCE_DELETED:
            return True
        outdated = self.judge.is_outdated(item.decided_with, item.reason)
        return item.reason in DECIDED_AGAIN and outdated

    def _long_before(self, booked_at: datetime | None) -> bool:
        """Work never begins after it was booked, whatever the zone."""
        if self.judge.start_date is None or booked_at is None:
            return False
        return booked_at.date() + DAY < self.judge.start_date

    async def _readable(self, waiting: Sequence[Unsettled]) -> set[EntryId]:
        """Entries whose ticket could not be read before and can be now.

        A bounded number is asked for, another part of them with each run.
        """
        hidden = [item for item in waiting if item.reason is ReasonCode.TICKET_UNREADABLE]
        tickets = sorted({item.ticket_id for item in hidden if item.ticket_id is not None})
        if not tickets:
            return set()
        chosen = share(tickets, self.limits.unreadable_tickets, self.run_id)
        self._visible = await self.reader.visible(set(chosen))
        return {item.entry_id for item in hidden if item.ticket_id in self._visible}

    async def opened(self, items: Sequence[Unsettled]) -> Sequence[tuple[Live, Sequence[Step]]]:
        """Their streams, each with the steps to take before the decision."""
        lives = await self.entries.load_all(item.entry_id for item in items)
        held = {item.entry_id for item in items if item.state is EntryState.CONFLICT}
        parked = {item.entry_id for item in items if self._is_parked(item)}
        bookings = dict(
            self._to_look_at([live for live in lives if live.entry_id not in parked], held)
        )
        await self.judge.know_agents(lives)
        found = await self.reader.contexts(list(bookings.values()))
        contexts = {entry: found.get(booking.source_id) for entry, booking in bookings.items()}
        return [
            (live, [*self._anew(live), seen_again(contexts.get(live.entry_id))]) for live in lives
        ]

    def _anew(self, live: Live) -> Sequence[Step]:
        return [again] if live.entry_id in self._lifted else []

    def _is_parked(self, item: Unsettled) -> bool:
        """Its ticket is not readable still: asking for it alone is one request each."""
        if item.reason is not ReasonCode.TICKET_UNREADABLE or item.decided_with is None:
            return False
        return item.ticket_id not in self._visible

    @staticmethod
    def _to_look_at(lives: Sequence[Live], held: set[EntryId]) -> Iterator[tuple[EntryId, Booking]]:
        """Held bookings not written yet, or whose ticket was never read: ask what it says now."""
        for live in lives:
            state = live.state
            if state is None or state.booking is None:
                continue
            if state.settled is not None and state.context is not None:
                continue
            if live.entry_id in held or state.context is None:
                yield live.entry_id, state.booking


def seen_again(context: Context | None) -> Step:
    def step(state: TimeEntry | None) -> TimeEntryCommand | None:
        if context is None or state is None or state.booking is None:
            return None
        if state.standing.vanished or state.unreadable:
            return None
        return Observe(
            entry_id=state.entry_id,
            connector_id=state.connector_id,
            booking=state.booking,
            context=context,
        )

    return step

"""A run that keeps nothing and sends nothing: its ports let nothing out, and it tells its rows.

The crossing is the same as in earnest, so what it tells is what a run would do. What would become
of a booking is told when it is clear, and once more when it turns out otherwise: a correction on a
later page shortens what was about to be created. The last that is told of it counts.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import NoReturn

from domain.errors import LedgerError
from domain.event import Append, Appended, Event, Recorded
from domain.ids import EntryId
from domain.minutes import MINUTE_PLACES, minutes_of
from domain.plan.digest import fingerprint
from domain.plan.values import METHODS, Action, PlanRow
from domain.ports.event_store import EventStore, History
from domain.ports.timesheets import (
    Circumstances,
    LastLook,
    Peek,
    TargetItem,
    Timesheet,
    TimesheetFields,
    Timesheets,
    TimesheetsIdentity,
)
from domain.rules.decision import BY_NUMBER
from domain.sync.entries import Live
from domain.sync.making import MISSING
from domain.sync.ports import Ports
from domain.sync.writing import Withheld
from domain.target_item.values import Creation, ItemKind
from domain.time_entry.events import (
    ConflictOpened,
    EntryDecided,
    TimeEntryEvent,
    TimesheetAdopted,
)
from domain.time_entry.state import TimeEntry
from domain.time_entry.values import Desired, Outcome, ReasonCode, Request, Written

IN_DOUBT = (
    "A request to Kimai is under way or its answer was lost. A run reads back what became of it "
    "before it does anything else; make a new plan after that."
)
# how a timesheet was linked that was ours before; "read_back" is our own create, its answer lost
OURS_BEFORE: Mapping[str, Action | None] = MappingProxyType(
    {
        "equal": Action.UNCHANGED,
        "unchanged": Action.UNCHANGED,
        "kept": Action.UNCHANGED,
        "read_back": None,
    }
)


def rehearsed(ports: Ports) -> Ports:
    """The same ports, with everything readable and nothing writable."""
    return replace(
        ports, ledger=ReadOnlyLedger(ports.ledger), timesheets=ReadOnlyTimesheets(ports.timesheets)
    )


@dataclass
class Rehearsal:
    """Makes the rows of a rehearsed crossing and gives each to `take`, as witness and gate.

    Where a ticket has negative bookings, a timesheet that turns out to be billed leaves what was
    to be taken from it to another one, which had been settled before: its row waits for `finish`.
    So do those of `late`. `again` are bookings of which something else was told later.
    """

    take: Callable[[PlanRow], None]
    late: AbstractSet[EntryId] = frozenset()
    rows: int = 0
    again: set[EntryId] = field(default_factory=set)
    _told: dict[EntryId, bytes] = field(default_factory=dict)
    _netting: set[int] = field(default_factory=set)
    _later: dict[EntryId, Callable[[], None]] = field(default_factory=dict)
    _creates: dict[EntryId, tuple[Creation, ...]] = field(default_factory=dict)

    def witness(self, live: Live, events: Sequence[TimeEntryEvent]) -> None:
        """What was recorded of a booking, where that says what becomes of it.

        No events: it is only shown, because a request of its is under way.
        """
        entry, action = live.state, _told_by(events)
        if entry is not None and entry.intent is not None and not events:
            known = None if entry.settled is None else entry.settled.written
            why = ReasonCode.WRITE_UNCERTAIN
            self._tell(entry, Action.SKIP, before=known, reason=why, detail=IN_DOUBT)
        if entry is None:
            return
        nets = self._nets(entry)
        if action is None:
            return
        conflict = entry.conflict if action is Action.CONFLICT else None
        decided = entry.decided
        tell = partial(
            self._tell,
            entry,
            action,
            before=None if entry.settled is None else entry.settled.written,
            reason=conflict and conflict.reason,
            detail=conflict.detail if conflict else decided and decided.detail,
        )
        if nets or entry.entry_id in self.late:
            self._later[entry.entry_id] = tell
        else:
            tell()

    def gate(self, live: Live, request: Request, found: Written | None) -> NoReturn:
        """A request that a run would send now."""
        assert live.state is not None
        told = numbered(live, request) if request.fields.get("project") == MISSING else request
        creates = self._creates.get(live.entry_id, ()) if told is not request else ()
        action = METHODS[request.method]
        tell = partial(self._tell, live.state, action, before=found, request=told, creates=creates)
        self._later.pop(live.entry_id, None)
        if live.entry_id in self.late:
            self._later[live.entry_id] = tell
        else:
            tell()
        raise Withheld

    def creation_gate(self, entries: Sequence[EntryId], creations: Sequence[Creation]) -> NoReturn:
        """What a run would make in Kimai first, for these."""
        self._creates |= dict.fromkeys(entries, tuple(creations))
        raise Withheld

    def finish(self) -> None:
        """The crossing is over: what waited is as it is now."""
        for tell in self._later.values():
            tell()
        self._later.clear()

    def _nets(self, entry: TimeEntry) -> bool:
        """Whether its ticket has, or had, negative bookings, as far as they were met."""
        booking = entry.booking
        if booking is None:
            return False
        if booking.time_unit < 0 or entry.netted is not None or entry.reduced.by:
            self._netting.add(booking.ticket_id)
        return booking.ticket_id in self._netting

    def _tell(self, entry: TimeEntry, action: Action, **what: object) -> None:
        row = _row(self.rows + 1, entry, action, **what)  # type: ignore[arg-type] # as `_row` has them
        told, before = fingerprint(row), self._told.get(entry.entry_id)
        if told == before:
            return
        if before is not None:
            self.again.add(entry.entry_id)
        self._told[entry.entry_id] = told
        self.rows += 1
        self.take(row)


def numbered(live: Live, request: Request) -> Request:
    """The request with its project named by number, where that is how it was chosen."""
    decided = None if live.state is None else live.state.decided
    basis = "" if decided is None else decided.basis.project or ""
    if not basis.startswith(BY_NUMBER) or "project" not in request.fields:
        return request
    return replace(request, fields={**request.fields, "project": basis.removeprefix(BY_NUMBER)})


def _row(
    number: int,
    entry: TimeEntry,
    action: Action,
    *,
    before: Written | None,
    request: Request | None = None,
    **why: object,
) -> PlanRow:
    desired = None if entry.decided is None else entry.decided.desired
    after = None if action in (Action.DELETE, Action.SKIP) else desired
    context = entry.context
    return PlanRow(
        row=number,
        entry_id=entry.entry_id,
        action=action,
        ticket_number=None if context is None else context.ticket_number,
        user=None if context is None else context.agent_name,
        minutes=_minutes(entry, before) if after is None else minutes_of(after.end - after.begin),
        before=before,
        after=after,
        request=request,
        **why,  # type: ignore[arg-type] # reason, detail and creates
    )


def _minutes(entry: TimeEntry, before: Written | None) -> Decimal | None:
    """Those of the timesheet, else of the booking where its unit is known."""
    if before is not None:
        return minutes_of(before.duration)
    unit = None if entry.decided is None else entry.decided.basis.unit_minutes
    if unit is None or entry.booking is None:
        return None
    return (entry.booking.time_unit * unit).quantize(MINUTE_PLACES)


def _is_taken_over(events: Sequence[TimeEntryEvent]) -> bool:
    return any(isinstance(event, TimesheetAdopted) and event.marker is not None for event in events)


def _told_by(  # noqa: PLR0911 # one return per kind of event
    events: Sequence[TimeEntryEvent],
) -> Action | None:
    """What the newest of them says, None when a request is to follow or nothing was decided."""
    for event in reversed(events):
        match event:
            case ConflictOpened():
                return Action.CONFLICT
            case TimesheetAdopted(how=how):
                return OURS_BEFORE.get(how, Action.ADOPT)
            case EntryDecided(outcome=Outcome.HOLD):
                return Action.CONFLICT
            case EntryDecided(outcome=Outcome.LEAVE) if _is_taken_over(events):
                return Action.ADOPT
            case EntryDecided(outcome=Outcome.LEAVE, desired=desired):
                return Action.SKIP if desired is None else Action.UNCHANGED
            case EntryDecided():
                return None
    return None


@dataclass(frozen=True)
class ReadOnlyLedger:
    """`EventStore` that takes every append and keeps none."""

    ledger: EventStore

    async def append(self, command: Append) -> Appended:
        """See the port. Nothing is written."""
        return Appended(position=0, version=(command.expected or 0) + len(command.events))

    async def append_many(self, commands: Sequence[Append]) -> Sequence[Appended | LedgerError]:
        """See the port. Nothing is written."""
        return [await self.append(command) for command in commands]

    async def read(self, stream: str) -> History:
        """See the port."""
        return await self.ledger.read(stream)

    async def read_many(self, streams: Sequence[str]) -> Sequence[History]:
        """See the port."""
        return await self.ledger.read_many(streams)

    async def read_recorded(
        self, stream: str, *, after_version: int = 0, limit: int | None = None
    ) -> Sequence[Recorded[Event]]:
        """See the port."""
        return await self.ledger.read_recorded(stream, after_version=after_version, limit=limit)

    async def page(self, after: int, limit: int) -> Sequence[Recorded[Event]]:
        """See the port."""
        return await self.ledger.page(after, limit)

    async def head(self) -> int:
        """See the port."""
        return await self.ledger.head()

    async def position_at(self, instant: datetime) -> int:
        """See the port."""
        return await self.ledger.position_at(instant)

    def subscribe(
        self, after: int, *, types: Collection[str] = ()
    ) -> AsyncIterator[Sequence[Recorded[Event]]]:
        """See the port."""
        return self.ledger.subscribe(after, types=types)


@dataclass(frozen=True)
class ReadOnlyTimesheets:
    """`Timesheets` that can only be read; a write that gets here is a bug, and stops everything."""

    timesheets: Timesheets

    async def identity(self) -> TimesheetsIdentity:
        """See the port."""
        return await self.timesheets.identity()

    async def ensure_tag(self, name: str) -> None:
        """A run makes sure that the tag exists; here it is taken for granted."""

    async def create(
        self,
        fields: TimesheetFields,
        *,
        last_look: LastLook | None = None,  # noqa: ARG002 # nothing is sent
    ) -> Timesheet:
        """Never."""
        raise _written(f"POST {fields.begin}")

    async def update(
        self,
        timesheet_id: int,
        fields: Mapping[str, object],
        *,
        last_look: LastLook | None = None,  # noqa: ARG002 # nothing is sent
    ) -> Timesheet:
        """Never."""
        raise _written(f"PATCH {timesheet_id} of {', '.join(fields)}")

    async def delete(
        self,
        timesheet_id: int,
        *,
        last_look: LastLook | None = None,  # noqa: ARG002 # nothing is sent
    ) -> bool:
        """Never."""
        raise _written(f"DELETE {timesheet_id}")

    async def get(self, timesheet_id: int) -> Timesheet | None:
        """See the port."""
        return await self.timesheets.get(timesheet_id)

    async def find_marked(
        self, marker: str, *, begin: datetime, end: datetime, user_id: int | None
    ) -> Sequence[Timesheet]:
        """See the port."""
        return await self.timesheets.find_marked(marker, begin=begin, end=end, user_id=user_id)

    def modified_since(self, instant: datetime) -> AsyncGenerator[Sequence[Timesheet], None]:
        """See the port."""
        return self.timesheets.modified_since(instant)

    def listing(self, begin: datetime, end: datetime) -> AsyncGenerator[Sequence[Timesheet], None]:
        """See the port."""
        return self.timesheets.listing(begin, end)

    async def peek(self, begin: datetime, end: datetime) -> Peek:
        """See the port."""
        return await self.timesheets.peek(begin, end)

    async def projects(self) -> Sequence[TargetItem]:
        """See the port."""
        return await self.timesheets.projects()

    async def customers(self) -> Sequence[TargetItem]:
        """See the port."""
        return await self.timesheets.customers()

    async def listed_now(self, kind: ItemKind) -> Sequence[TargetItem]:
        """See the port."""
        return await self.timesheets.listed_now(kind)

    async def make(
        self,
        creation: Creation,
        *,
        last_look: LastLook | None = None,  # noqa: ARG002 # nothing is sent
    ) -> TargetItem:
        """Never."""
        raise _written(f"POST {creation.path}")

    async def activities(self) -> Sequence[TargetItem]:
        """See the port."""
        return await self.timesheets.activities()

    async def circumstances(self, desired: Desired, timesheet_id: int | None) -> Circumstances:
        """See the port."""
        return await self.timesheets.circumstances(desired, timesheet_id)

    async def users(self) -> Sequence[TargetItem]:
        """See the port."""
        return await self.timesheets.users()


def _written(what: str) -> LedgerError:
    return LedgerError(f"a dry run was about to send {what} to Kimai; it was stopped")

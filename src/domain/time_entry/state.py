"""All that the rules need to know of one booking, folded from its events."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import assert_never

from domain.ids import ConnectorId, EntryId
from domain.moved import moved
from domain.rules.comparison import asked_otherwise, changes_since
from domain.span import Span
from domain.time_entry.causes import RefusalCause
from domain.time_entry.events import (
    ConflictDismissed,
    ConflictNoteChanged,
    ConflictOpened,
    ConflictReopened,
    ConflictResolved,
    EntryChangedAtSource,
    EntryDeadLettered,
    EntryDecided,
    EntryIgnored,
    EntryNetted,
    EntryObserved,
    EntryReduced,
    EntryRetryRequested,
    EntryUnignored,
    EntryUnreadable,
    EntryVanishedAtSource,
    TimeEntryEvent,
    TimesheetAdopted,
    TimesheetCreated,
    TimesheetDeleted,
    TimesheetDrifted,
    TimesheetUpdated,
    TimesheetVanished,
    TimesheetWriteIntended,
    TimesheetWriteRejected,
    TimesheetWriteUncertain,
    TimesheetWriteUnsent,
)
from domain.time_entry.standing import NOWHERE, Standing, stand
from domain.time_entry.values import (
    Alike,
    Basis,
    Booking,
    Context,
    Desired,
    Outcome,
    ReasonCode,
    Reduction,
    Written,
)

UTC = "UTC"  # the zone of what nobody has decided yet
# found in Kimai, or flagged by a person: it stays so until a person decides, whatever Zammad says
FOR_A_PERSON = frozenset(
    {
        ReasonCode.TARGET_DELETED,
        ReasonCode.TARGET_EDITED,
        ReasonCode.DUPLICATE,
        ReasonCode.OTHER,
    }
)


# what a person does (`contract.md`, 8): leaves Kimai as it is, has it brought to the booking,
# wants a timesheet made, leaves Kimai without one, or wants the rest in a second timesheet
KEEP_TARGET, UPDATE, CREATE, SKIP, CORRECT = (
    "keep_target",
    "update_from_source",
    "create_in_target",
    "skipped",
    "corrected",
)


NettingKey = tuple[int, int, int | None]  # ticket, agent, type: within these time is netted


@dataclass(frozen=True, kw_only=True)
class Reduced:
    """What negative bookings take from this one, and which bookings were looked at for it."""

    by: tuple[Reduction, ...]
    key: NettingKey | None

    @property
    def seconds(self) -> int:
        return sum(each.seconds for each in self.by)


@dataclass(frozen=True, kw_only=True)
class Netted:
    """What this negative booking was taken from, and what it said then."""

    against: tuple[Reduction, ...]
    rest_seconds: int
    time_unit: Decimal | None
    key: NettingKey | None


NOT_REDUCED = Reduced(by=(), key=None)


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Why a person must act, with the text that says what to do.

    `others` are the timesheets that a DUPLICATE is about beside the linked one, if any is linked.
    `alike` is the first of them where none is. `cause` is there where the reason has several.
    """

    reason: ReasonCode
    detail: str
    cause: RefusalCause | None = None
    others: tuple[int, ...] = ()
    alike: Alike | None = None


@dataclass(frozen=True, kw_only=True)
class Intent:
    """A request that was recorded and is not settled; `desired` is what it is to bring about.

    `doubtful`: it is known that its answer was lost. `reduced` are the seconds that negative
    bookings take from it in `desired`.
    """

    event: TimesheetWriteIntended
    desired: Desired | None
    basis: Basis
    booking: Booking
    context: Context | None
    reduced: int = 0
    doubtful: bool = False


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What Kimai holds for us, and on what it was based: the base of every comparison.

    `kept` names what somebody edited in Kimai since and what was accepted as it is. `reduced` are
    the seconds that negative bookings take from it there; None for one that was taken over and
    that nothing was decided about yet. `adopted`: it was there before us and stays as it is until
    the booking changes; `desired` is what it is.
    """

    target: ConnectorId
    marker: str
    written: Written
    desired: Desired
    basis: Basis
    booking: Booking
    context: Context | None
    kept: tuple[str, ...] = ()
    adopted: bool = False
    reduced: int | None = 0

    @property
    def worked(self) -> Span:
        """When the work was done, before rounding made begin and end of it."""
        return worked(self.desired, self.basis)


def worked(desired: Desired, basis: Basis) -> Span:
    """When the work was done for which `desired` was decided."""
    return basis.worked or Span(begin=desired.begin, end=desired.end)


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """A timesheet of the booking that stays as it is, corrected by a later one.

    `seconds` are what it counts for: what it had when a person last looked at it. `drifted` is how
    somebody left it since, `gone`: it was deleted in Kimai since.
    """

    settled: Settled
    seconds: int
    drifted: Written | None = None
    gone: bool = False

    @property
    def timesheet_id(self) -> int:
        return self.settled.written.timesheet_id

    @property
    def seen(self) -> Written:
        """As Kimai last showed it."""
        return self.drifted or self.settled.written


@dataclass(frozen=True, kw_only=True)
class Correcting:
    """A person wants what is missing beside the linked timesheet in one of its own.

    It begins at `begin`, once that was decided; before that, `until` is when it is to end, where
    the day of the work is locked.
    """

    begin: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Refused:
    """What Kimai refused last, and what it said then of everything that was to rest on.

    The same is not sent again until somebody asks for it, or Kimai says something else.
    """

    desired: Desired | None
    wait: Wait
    circumstances: str | None = None


@dataclass(frozen=True, kw_only=True)
class Closed:
    """The newest conflict, closed by a person, with all that its closing moved.

    `action` None: dismissed.
    """

    wait: Wait
    action: str | None
    found: Wait | None
    drifted: Written | None
    settled: Settled | None
    refused: Refused | None
    accepted: Wait | None
    earlier: tuple[Earlier, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TimeEntry:
    """One booking. `booking` is None while Zammad's row was never readable.

    `attempts` counts writes without effect since the last one that had some; `writes` counts
    all intents. `found` is what was found in Kimai and waits for a person. `drifted` is the
    timesheet as somebody left it since our last write; `accepted` the last conflict that a person
    ended by keeping Kimai as it is. `distinct`: a person said that what looks like it in Kimai is
    something else. `unit` are the minutes of one Zammad unit with which it was carried, and who
    said so: written once, or netted; it stays when the timesheet goes. `opened` counts the
    conflicts that were opened; `closed` is the newest one after a person closed it, for as long as
    nothing was written since. `overwrite` is the timesheet as a person saw it who wants it brought
    to the booking. `until_change`: it is left alone until one of the sides changes. `earlier` are
    timesheets that stay as they are, oldest first; `settled` corrects them. `correcting`: the
    linked one is to become one of them, as soon as the one that corrects it is there.
    """

    entry_id: EntryId
    connector_id: ConnectorId
    booking: Booking | None = None
    context: Context | None = None
    unreadable: tuple[str, ...] = ()
    standing: Standing = NOWHERE
    decided: EntryDecided | None = None
    conflict: Wait | None = None
    found: Wait | None = None
    intent: Intent | None = None
    settled: Settled | None = None
    refused: Refused | None = None
    drifted: Written | None = None
    accepted: Wait | None = None
    distinct: bool = False
    reduced: Reduced = NOT_REDUCED
    netted: Netted | None = None
    unit: tuple[Decimal, str | None] | None = None
    writes: int = 0
    attempts: int = 0
    opened: int = 0
    closed: Closed | None = None
    overwrite: Written | None = None
    until_change: bool = False
    earlier: tuple[Earlier, ...] = ()
    correcting: Correcting | None = None

    @property
    def is_corrected(self) -> bool:
        """Whether timesheets that stay as they are have a part of it, or are about to."""
        return bool(self.earlier) or self.correcting is not None

    @property
    def beside(self) -> tuple[Written, ...]:
        """The timesheets that stay as they are, as Kimai last showed them."""
        there = tuple(one.seen for one in self.earlier if not one.gone)
        if self.correcting is None or self.settled is None:
            return there
        return (*there, self.settled.written)

    @property
    def beside_seconds(self) -> int:
        """How much of the booking is in them."""
        seconds = sum(each.seconds for each in self.earlier)
        if self.correcting is None or self.settled is None:
            return seconds
        return seconds + _seconds(self.settled.written)

    def earlier_one(self, timesheet_id: int) -> Earlier | None:
        """That timesheet, when it is one of those that stay as they are and is there."""
        return next(
            (one for one in self.earlier if one.timesheet_id == timesheet_id and not one.gone), None
        )

    @property
    def asks_about_earlier(self) -> bool:
        """Whether a person is asked about one that stays as it is, edited or deleted since."""
        held = self.conflict
        if held is None or held.reason is not ReasonCode.TARGET_EDITED or not self.earlier:
            return False
        return self.drifted is None or any(one.drifted for one in self.earlier)

    @property
    def is_to_be_brought_back(self) -> bool:
        """Whether somebody's edit in Kimai is to be written over, by a person's wish or by policy.

        It is from the decision on until a write is done, however often Kimai refuses in between.
        """
        if self.overwrite is not None:
            return True
        if self.found is not None or self.settled is None or self.drifted is None:
            return False
        return bool(changes_since(self.settled.written, self.drifted))

    @property
    def netting_key(self) -> NettingKey | None:
        """None when there is no booking that could be netted or reduced.

        A row that cannot be read any more keeps what it took and what was taken from it.
        """
        booking = self.booking
        if booking is None or self.standing.vanished:
            return None
        return booking.ticket_id, booking.created_by_id, booking.type_id

    @property
    def is_netted(self) -> bool:
        """Whether something is taken from it, or it from others."""
        return bool(self.reduced.by) or (self.netted is not None and bool(self.netted.against))


def evolve(entry: TimeEntry | None, event: TimeEntryEvent) -> TimeEntry | None:
    """The booking after `event`."""
    if entry is None:
        if not isinstance(event, EntryObserved | EntryUnreadable):
            return None  # a stream begins with an observation
        entry = TimeEntry(entry_id=event.entry_id, connector_id=event.connector_id)
    return _after(entry, event, partial(moved, entry, standing=stand(entry.standing, event)))


def _after(  # noqa: C901, PLR0911, PLR0912 # one flat branch per event
    entry: TimeEntry, event: TimeEntryEvent, changed: Callable[..., TimeEntry]
) -> TimeEntry:
    """`changed` gives the booking with its new standing and whatever else is named."""
    match event:
        case EntryObserved() | EntryChangedAtSource():
            return changed(
                booking=event.booking,
                context=event.context,
                unreadable=(),
                attempts=0,
                overwrite=None,
                correcting=None,
            )
        case EntryUnreadable(fields=fields):
            return changed(unreadable=fields)
        case EntryVanishedAtSource():
            return changed(overwrite=None, correcting=None)
        case EntryDeadLettered():
            return changed()
        case TimesheetDrifted(found=seen) if entry.earlier_one(seen.timesheet_id):
            return changed(earlier=_drifted_earlier(entry, event))
        case TimesheetDrifted(found=seen):
            settled = _exported(entry, event)
            return changed(drifted=seen, settled=settled, overwrite=None, correcting=None)
        case EntryDecided():
            against = () if entry.netted is None else entry.netted.against
            carried = bool(entry.reduced.by or against)
            unit = _unit(event.basis, entry) if carried else entry.unit
            return changed(
                decided=event,
                unit=unit,
                settled=_left_as_found(entry, event),
                correcting=_correcting(entry, event),
            )
        case EntryReduced(by=by):
            return changed(reduced=Reduced(by=by, key=entry.netting_key))
        case EntryNetted(against=against, rest_seconds=rest):
            units = None if entry.booking is None else entry.booking.time_unit
            key = entry.netting_key
            netted = Netted(against=against, rest_seconds=rest, time_unit=units, key=key)
            return changed(netted=netted)
        case EntryRetryRequested():
            return changed(refused=None, attempts=0, **_tried_again(entry))
        case ConflictOpened(reason=reason):
            wait = Wait(
                reason=reason,
                detail=event.detail,
                cause=event.cause,
                others=event.others,
                alike=event.alike,
            )
            found = wait if reason in FOR_A_PERSON else entry.found
            opened = entry.opened + 1
            correcting = None if entry.intent is None else entry.correcting  # it may have landed
            return changed(
                conflict=wait, found=found, opened=opened, closed=None, correcting=correcting
            )
        case ConflictResolved(action=action):
            if action is None:
                return changed(conflict=None)
            return changed(conflict=None, closed=_closed(entry, action), **_by(action, entry))
        case ConflictDismissed():
            return changed(conflict=None, found=None, overwrite=None, closed=_closed(entry, None))
        case ConflictReopened(unlinked=unlinked):
            before = _as_it_was(entry)
            if unlinked is not None:  # the closing of it is what had linked it
                before |= {"settled": None, "found": before.get("conflict")}
            return changed(**before, closed=None, overwrite=None, correcting=None)
        case EntryIgnored(until_change=until_change):
            return changed(until_change=until_change, correcting=None)
        case EntryUnignored() | ConflictNoteChanged():
            return changed()
        case _:
            return _after_write(entry, event, changed)


def _tried_again(entry: TimeEntry) -> dict[str, object]:
    """Who tries an edit again wants it written over; a timesheet that stays as it is never is."""
    edited = entry.found is not None and entry.found.reason is ReasonCode.TARGET_EDITED
    if not edited or entry.asks_about_earlier:
        return {}
    return {"found": None, "settled": entry.settled and moved(entry.settled, kept=())}


def _by(action: str, entry: TimeEntry) -> dict[str, object]:
    """What a person's decision moves."""
    if action == KEEP_TARGET:
        return {
            "found": None,
            "accepted": entry.conflict,
            "settled": _kept(entry),
            "drifted": None,
            "overwrite": None,
            "earlier": tuple(
                moved(one, settled=moved(one.settled, written=one.seen), drifted=None)
                for one in entry.earlier
            ),
        }
    said: dict[str, object] = {"found": None, "drifted": None, "overwrite": None}
    if action == SKIP:
        return said
    said["earlier"] = tuple(_looked_at(one) for one in entry.earlier if not one.gone)
    if action == CORRECT:
        seen = entry.drifted and entry.settled and moved(entry.settled, written=entry.drifted)
        left = {"settled": seen or entry.settled, "correcting": Correcting()}
        return {**said, **left, "refused": None, "attempts": 0}
    # asked for: what was refused may be sent again, and what was seen in Kimai written over
    seen = entry.drifted or entry.overwrite or (entry.settled and entry.settled.written)
    alike = entry.conflict is not None and entry.conflict.reason is ReasonCode.DUPLICATE
    distinct = entry.distinct or (action == CREATE and entry.settled is None and alike)
    return {
        **said,
        "drifted": entry.drifted,  # until a write is done: the wish may end before that
        "refused": None,
        "attempts": 0,
        "overwrite": seen,
        "distinct": distinct,
    }


def _closed(entry: TimeEntry, action: str | None) -> Closed | None:
    if entry.conflict is None:
        return None
    return Closed(
        wait=entry.conflict,
        action=action,
        found=entry.found,
        drifted=entry.drifted,
        settled=entry.settled,
        refused=entry.refused,
        accepted=entry.accepted,
        earlier=entry.earlier,
    )


def _as_it_was(entry: TimeEntry) -> dict[str, object]:
    """Everything that the closing of the newest conflict moved, moved back."""
    closed = entry.closed
    if closed is None:
        return {}
    return {
        "conflict": closed.wait,
        "found": closed.found,
        "drifted": closed.drifted,
        "settled": closed.settled,
        "refused": closed.refused,
        "accepted": closed.accepted,
        "earlier": closed.earlier,
    }


def _seconds(written: Written) -> int:
    return round(written.duration.total_seconds())


def _looked_at(one: Earlier) -> Earlier:
    """A person knows how it is now, and wants the booking in Kimai: it counts for that."""
    settled = moved(one.settled, written=one.seen)
    return moved(one, settled=settled, seconds=_seconds(one.seen), drifted=None)


def _drifted_earlier(entry: TimeEntry, event: TimesheetDrifted) -> tuple[Earlier, ...]:
    """Exporting changes nothing of the work, so it moves the base and nothing else."""

    def after(one: Earlier) -> Earlier:
        if event.changed == ("exported",):
            return moved(one, settled=moved(one.settled, written=event.found))
        return moved(one, drifted=event.found)

    return _with_earlier(entry, event.found.timesheet_id, after)


def _with_earlier(
    entry: TimeEntry, timesheet_id: int, after: Callable[[Earlier], Earlier]
) -> tuple[Earlier, ...]:
    return tuple(after(one) if one.timesheet_id == timesheet_id else one for one in entry.earlier)


def _correcting(entry: TimeEntry, event: EntryDecided) -> Correcting | None:
    """What was decided about it is where it begins; any other decision puts an end to it."""
    if entry.correcting is None or event.outcome is not Outcome.CREATE or event.desired is None:
        return None
    return Correcting(begin=worked(event.desired, event.basis).begin)


def _after_gone(entry: TimeEntry, timesheet_id: int) -> dict[str, object]:
    """Without that timesheet: of those that it corrected, the newest is the linked one again."""
    if entry.earlier_one(timesheet_id) is not None:
        return {"earlier": _with_earlier(entry, timesheet_id, lambda one: moved(one, gone=True))}
    left = [one for one in entry.earlier if not one.gone]
    if not left:
        return {"settled": None, "earlier": (), "drifted": None}
    rest = tuple(one for one in entry.earlier if one is not left[-1])
    return {"settled": left[-1].settled, "earlier": rest, "drifted": left[-1].drifted}


def _after_write(  # noqa: C901, PLR0911 # one flat branch per event
    entry: TimeEntry,
    event: TimesheetWriteIntended
    | TimesheetCreated
    | TimesheetUpdated
    | TimesheetDeleted
    | TimesheetAdopted
    | TimesheetVanished
    | TimesheetWriteRejected
    | TimesheetWriteUncertain
    | TimesheetWriteUnsent,
    changed: Callable[..., TimeEntry],
) -> TimeEntry:
    match event:
        case TimesheetWriteIntended():
            return changed(intent=_intent(entry, event), writes=event.intent)
        case TimesheetAdopted(written=seen, how="kept" | "unchanged") if entry.earlier_one(
            seen.timesheet_id
        ):
            return changed(
                earlier=_with_earlier(
                    entry,
                    seen.timesheet_id,
                    lambda one: moved(one, settled=moved(one.settled, written=seen), drifted=None),
                ),
                found=None,
            )
        case TimesheetAdopted(how="kept" | "unchanged" as how):
            base = entry.settled and moved(entry.settled, written=event.written)
            if how == "kept":
                base = _kept(entry)
            return changed(settled=base, found=None, drifted=None)
        case TimesheetCreated() | TimesheetUpdated() | TimesheetAdopted():
            if isinstance(event, TimesheetAdopted) and event.marker is not None:
                settled = _taken_over(entry, event)
            else:
                settled = _settled(entry, event.written)
            found = None if isinstance(event, TimesheetAdopted) else entry.found
            return changed(
                settled=settled,
                earlier=_corrected(entry, event.written),
                correcting=None,
                unit=_unit(settled.basis, entry) if settled is not None else entry.unit,
                intent=None,
                refused=None,
                attempts=0,
                found=found,
                drifted=None,
                accepted=entry.accepted if settled is not None and settled.adopted else None,
                closed=None,
                overwrite=None,
            )
        case TimesheetDeleted(timesheet_id=gone) | TimesheetVanished(timesheet_id=gone):
            return changed(
                **_after_gone(entry, gone),
                intent=None,
                refused=None,
                attempts=0,
                closed=None,
                overwrite=None,
                correcting=None,
            )
        case TimesheetWriteRejected():
            refused = Refused(
                desired=None if entry.intent is None else entry.intent.desired,
                wait=Wait(reason=event.reason, detail=event.detail, cause=event.cause),
                circumstances=event.circumstances,
            )
            return changed(intent=None, refused=refused)
        case TimesheetWriteUncertain():
            return changed(intent=entry.intent and moved(entry.intent, doubtful=True))
        case TimesheetWriteUnsent():
            return changed(intent=None, attempts=entry.attempts + 1)
        case _:
            assert_never(event)


def _corrected(entry: TimeEntry, written: Written) -> tuple[Earlier, ...]:
    """What was linked stays beside the timesheet that is linked now, when that is another."""
    former = entry.settled
    if former is None or former.written.timesheet_id == written.timesheet_id:
        return entry.earlier
    return (*entry.earlier, Earlier(settled=former, seconds=_seconds(former.written)))


def _unit(basis: Basis, entry: TimeEntry) -> tuple[Decimal, str | None] | None:
    """What the basis says, which may not have got as far as the unit."""
    return entry.unit if basis.unit_minutes is None else (basis.unit_minutes, basis.unit_source)


def _exported(entry: TimeEntry, event: TimesheetDrifted) -> Settled | None:
    """Exporting changes nothing of the work, so it moves the base and nothing else."""
    if entry.settled is None or event.changed != ("exported",):
        return entry.settled
    return moved(entry.settled, written=event.found)


def _kept(entry: TimeEntry) -> Settled | None:
    """The base after somebody's edit, or what Kimai made of our request, was accepted."""
    if entry.settled is None:
        return None
    if entry.drifted is None:
        return _kept_beside(entry, entry.settled)
    changes = changes_since(entry.settled.written, entry.drifted)
    before = (name for name in entry.settled.kept if name not in changes)
    return moved(entry.settled, written=entry.drifted, kept=(*before, *changes))


def _kept_beside(entry: TimeEntry, settled: Settled) -> Settled:
    """What is asked for otherwise than Kimai has it stays as it is there."""
    desired = None if entry.decided is None else entry.decided.desired
    if desired is None or settled.adopted:
        return settled
    names = asked_otherwise(desired, settled.written)
    before = (name for name in settled.kept if name not in names)
    return moved(settled, kept=(*before, *names))


def _still_kept(entry: TimeEntry, written: Written) -> tuple[str, ...]:
    """What was kept as somebody left it in Kimai and was not written over since."""
    settled = entry.settled
    if settled is None or settled.written.timesheet_id != written.timesheet_id:
        return ()
    if not settled.kept:
        return ()
    changes = changes_since(settled.written, written)
    return tuple(name for name in settled.kept if name not in changes)


def _intent(entry: TimeEntry, event: TimesheetWriteIntended) -> Intent | None:
    if entry.booking is None:
        return None
    return Intent(
        event=event,
        desired=None if entry.decided is None else entry.decided.desired,
        basis=entry.decided.basis if entry.decided else Basis(),
        booking=entry.booking,
        context=entry.context,
        reduced=entry.reduced.seconds,
    )


def _taken_over(entry: TimeEntry, event: TimesheetAdopted) -> Settled | None:
    if entry.booking is None or event.target_connector_id is None:
        return entry.settled
    written = event.written
    return Settled(
        target=event.target_connector_id,
        marker=event.marker or "",
        written=written,
        desired=Desired(
            begin=written.begin,
            end=written.end or written.begin + written.duration,
            zone=entry.decided.basis.zone or UTC if entry.decided else UTC,
            user_id=written.user_id,
            project_id=written.project_id,
            activity_id=written.activity_id,
            description=written.description,
            tag=next(iter(written.tags), ""),
            billable=written.billable,
        ),
        basis=Basis(),
        booking=entry.booking,
        context=entry.context,
        adopted=True,
        reduced=None,
    )


def _left_as_found(entry: TimeEntry, event: EntryDecided) -> Settled | None:
    """What corrections took from a timesheet that was taken over, when it was left as it is."""
    settled = entry.settled
    if settled is None or not settled.adopted:
        return settled
    left = event.outcome is Outcome.LEAVE or event.reason is ReasonCode.TIME_MISMATCH
    return moved(settled, reduced=entry.reduced.seconds) if left else settled


def _is_adopted_still(settled: Settled | None, desired: Desired | None) -> bool:
    """Whether a write only brought back how it was when it was taken over."""
    return settled is not None and settled.adopted and desired == settled.desired


def _settled(entry: TimeEntry, written: Written) -> Settled | None:
    """What the write was based on: the open intent, or the last decision when none was needed."""
    if entry.intent is not None and entry.intent.desired is not None:
        intent = entry.intent
        return Settled(
            target=intent.event.target_connector_id,
            marker=intent.event.marker,
            written=written,
            desired=entry.intent.desired,
            basis=intent.basis,
            booking=intent.booking,
            context=intent.context,
            kept=_still_kept(entry, written),
            adopted=_is_adopted_still(entry.settled, intent.desired),
            reduced=intent.reduced,
        )
    if entry.settled is None or entry.decided is None or entry.booking is None:
        return entry.settled
    return moved(
        entry.settled,
        written=written,
        kept=_still_kept(entry, written),
        adopted=_is_adopted_still(entry.settled, entry.decided.desired),
        desired=entry.decided.desired or entry.settled.desired,
        basis=entry.decided.basis,
        booking=entry.booking,
        context=entry.context,
        reduced=entry.reduced.seconds,
    )

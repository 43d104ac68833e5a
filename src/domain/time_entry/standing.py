"""Where one booking stands: the small part of its state that lists and counters show.

Views keep these few values per row and call `stand` for each event, so that the state a person
sees is the state the rules act on.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from domain.moved import moved
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
from domain.time_entry.values import Outcome, ReasonCode


class EntryState(StrEnum):
    """What a person reads (`contract.md`, section 7)."""

    PENDING = "pending"
    WRITING = "writing"
    SYNCED = "synced"
    CONFLICT = "conflict"
    FAILED = "failed"
    IGNORED = "ignored"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The few values that the state of a booking is made of.

    `outcome` is that of the newest decision while it holds: None before the first, and again
    after anything that asks for a new one. `writing`: a request is recorded whose answer is not
    settled. `conflict` is the reason of the open one. `ignored`: a person wants it left alone.
    `earlier` are timesheets of the booking that stay as they are: `timesheet_id` corrects them.
    """

    outcome: Outcome | None = None
    timesheet_id: int | None = None
    writing: bool = False
    vanished: bool = False
    dead: bool = False
    conflict: ReasonCode | None = None
    ignored: bool = False
    earlier: tuple[int, ...] = ()

    @property
    def state(self) -> EntryState:  # noqa: PLR0911 # one return per state
        """The state a person sees; what waits for a person comes before everything else."""
        if self.conflict is not None:
            return EntryState.CONFLICT
        if self.writing:
            return EntryState.WRITING
        if self.ignored:
            return EntryState.IGNORED
        if self.dead:
            return EntryState.FAILED
        if self.vanished and (self.timesheet_id is None or self.outcome is Outcome.LEAVE):
            return EntryState.WITHDRAWN
        if self.outcome is Outcome.LEAVE:
            return EntryState.IGNORED if self.timesheet_id is None else EntryState.SYNCED
        return EntryState.PENDING


NOWHERE = Standing()


def stand(standing: Standing, event: TimeEntryEvent) -> Standing:  # noqa: C901, PLR0911, PLR0912 # one flat branch per event
    """Where the booking stands after `event`."""
    match event:
        case EntryObserved() | EntryUnreadable() | EntryChangedAtSource():
            return moved(standing, outcome=None, vanished=False, dead=False)
        case EntryVanishedAtSource():
            return moved(standing, outcome=None, vanished=True, dead=False)
        case EntryDecided(outcome=outcome):
            return moved(standing, outcome=outcome)
        case TimesheetWriteIntended():
            return moved(standing, writing=True)
        case TimesheetAdopted(how="kept" | "unchanged"):
            return _answered(standing, Outcome.LEAVE)
        case TimesheetCreated(written=written) | TimesheetUpdated(written=written):
            return _settled(standing, written.timesheet_id)
        case TimesheetAdopted(written=written, marker=None):
            return _settled(standing, written.timesheet_id)
        case TimesheetAdopted(written=written):  # taken over: whether it fits is to be decided
            linked = written.timesheet_id
            return moved(standing, timesheet_id=linked, writing=False, outcome=None)
        case TimesheetDeleted(timesheet_id=gone):
            return _without(_answered(standing, Outcome.LEAVE), gone)
        case TimesheetVanished(timesheet_id=gone):
            return _without(moved(standing, writing=False, outcome=None), gone)
        case TimesheetWriteRejected():
            return _answered(standing, Outcome.HOLD)
        case TimesheetWriteUnsent():
            return moved(standing, writing=False)
        case EntryDeadLettered():
            return moved(standing, dead=True)
        case EntryRetryRequested():
            return moved(standing, outcome=None, dead=False)
        case EntryReduced() | EntryNetted():
            return moved(standing, outcome=None)
        case ConflictOpened(reason=reason):
            return moved(standing, conflict=reason)
        case ConflictResolved() | ConflictDismissed():
            return moved(standing, conflict=None)
        case ConflictReopened(reason=reason, unlinked=unlinked):
            held = None if standing.outcome is None else Outcome.HOLD
            again = moved(standing, conflict=reason, outcome=held, ignored=False)
            return again if unlinked is None else _without(again, unlinked)
        case EntryIgnored():
            return moved(standing, outcome=Outcome.LEAVE, ignored=True, dead=False)
        case EntryUnignored():
            return moved(standing, outcome=None, ignored=False)
        case TimesheetDrifted() | TimesheetWriteUncertain() | ConflictNoteChanged():
            return standing  # the conflict beside the one, the read-back after the other says more
        case _:
            assert_never(event)


def _settled(standing: Standing, timesheet_id: int) -> Standing:
    """Linked to this one; what was linked before, and is another, stays beside it."""
    answered, former = _answered(standing, Outcome.LEAVE), standing.timesheet_id
    if former in (None, timesheet_id):
        return moved(answered, timesheet_id=timesheet_id)
    return moved(answered, timesheet_id=timesheet_id, earlier=(*standing.earlier, former))


def _without(standing: Standing, gone: int) -> Standing:
    """One of its timesheets is gone; if that was the newest, the one it corrected is left."""
    if gone in standing.earlier:
        left = tuple(each for each in standing.earlier if each != gone)
        return moved(standing, earlier=left)
    if not standing.earlier:
        return moved(standing, timesheet_id=None)
    return moved(standing, timesheet_id=standing.earlier[-1], earlier=standing.earlier[:-1])


def _answered(standing: Standing, outcome: Outcome) -> Standing:
    # a change that came while the request was under way still wants its own decision
    return moved(standing, writing=False, outcome=None if standing.outcome is None else outcome)

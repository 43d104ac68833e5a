"""What can happen to one booking, from Zammad to Kimai.

Stream `time-entry-<id>`; the names are the catalogue of `contract.md`, section 17.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from domain.ids import ConnectorId, EntryId
from domain.time_entry.causes import RefusalCause
from domain.time_entry.values import (
    Alike,
    Basis,
    Booking,
    Context,
    Desired,
    Operation,
    Outcome,
    ReasonCode,
    Reduction,
    Request,
    Written,
)

# the texts of schema 1
_OTHERS = re.compile(r" is linked, but ([0-9, ]+) in Kimai |^In Kimai, timesheet ([0-9, ]+) has ")


@dataclass(frozen=True, kw_only=True)
class EntryObserved:
    """A booking was seen in Zammad for the first time. `context` None: ticket not readable."""

    TYPE: ClassVar = "EntryObserved"
    SCHEMA: ClassVar = 1

    entry_id: EntryId
    connector_id: ConnectorId
    booking: Booking
    context: Context | None


@dataclass(frozen=True, kw_only=True)
class EntryUnreadable:
    """Zammad lists a row that says something we cannot read; `fields` names what.

    May stand before `EntryObserved`, which follows once the row can be read.
    """

    TYPE: ClassVar = "EntryUnreadable"
    SCHEMA: ClassVar = 1

    entry_id: EntryId
    connector_id: ConnectorId
    fields: tuple[str, ...]
    ticket_id: int | None
    updated_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class EntryChangedAtSource:
    """The booking, or what its ticket says, differs from what was known; `changed` names how."""

    TYPE: ClassVar = "EntryChangedAtSource"
    SCHEMA: ClassVar = 1

    entry_id: EntryId
    booking: Booking
    context: Context | None
    changed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class EntryVanishedAtSource:
    """Absent from a complete sweep and 404 by itself: the booking was deleted in Zammad."""

    TYPE: ClassVar = "EntryVanishedAtSource"
    SCHEMA: ClassVar = 1

    entry_id: EntryId


@dataclass(frozen=True, kw_only=True)
class EntryDecided:
    """What should happen next. `desired` is there for create, update and leave-as-equal."""

    TYPE: ClassVar = "EntryDecided"
    SCHEMA: ClassVar = 3

    entry_id: EntryId
    outcome: Outcome
    basis: Basis
    desired: Desired | None = None
    reason: ReasonCode | None = None
    detail: str | None = None

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Schema 1 foresaw no rounding: its basis lacks `foreseen`, and nothing is put there."""

    @staticmethod
    def upcast_v2_v3(state: dict[str, Any]) -> None:
        """Schema 2 left rounding to Kimai: `desired` is the work itself; `worked` is absent."""


@dataclass(frozen=True, kw_only=True)
class TimesheetWriteIntended:
    """About to send `request`. No Kimai write without this being durable first.

    `intent` counts the writes of this entry from 1. `marker` identifies the timesheet in the
    Kimai behind `target_connector_id`.
    """

    TYPE: ClassVar = "TimesheetWriteIntended"
    SCHEMA: ClassVar = 1

    entry_id: EntryId
    intent: int
    target_connector_id: ConnectorId
    operation: Operation
    marker: str
    request: Request
    timesheet_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class TimesheetCreated:
    """Kimai answered the create; `written` is what it stored, its rounding included."""

    TYPE: ClassVar = "TimesheetCreated"
    SCHEMA: ClassVar = 1

    entry_id: EntryId
    intent: int
    written: Written


@dataclass(frozen=True, kw_only=True)
class TimesheetUpdated:
    """Kimai answered the update; `written` is what it stored, its rounding included."""

    TYPE: ClassVar = "TimesheetUpdated"
    SCHEMA: ClassVar = 1

    entry_id: EntryId
    intent: int
    written: Written


@dataclass(frozen=True, kw_only=True)
class TimesheetDeleted:
    """The timesheet is gone by our request."""

    TYPE: ClassVar = "TimesheetDeleted"
    SCHEMA: ClassVar = 1

    entry_id: EntryId
    intent: int
    timesheet_id: int


@dataclass(frozen=True, kw_only=True)
class TimesheetAdopted:
    """A timesheet was found in Kimai and linked, without any write.

    `how`: "read_back" after a lost answer; "equal" when Kimai held the wanted values already;
    "kept" and "unchanged" after somebody had edited it. Taken over from before our time:
    "marker" and "earlier_marker" by what its text says, "confirmed" by a person; then
    `target_connector_id` and `marker` say where it is and what it is known by.
    """

    TYPE: ClassVar = "TimesheetAdopted"
    SCHEMA: ClassVar = 2

    entry_id: EntryId
    written: Written
    how: str
    target_connector_id: ConnectorId | None = None
    marker: str | None = None

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Before, only what this ledger had written was linked."""
        state["target_connector_id"] = state["marker"] = None


@dataclass(frozen=True, kw_only=True)
class TimesheetDrifted:
    """Somebody changed the timesheet in Kimai since our last write."""

    TYPE: ClassVar = "TimesheetDrifted"
    SCHEMA: ClassVar = 1

    entry_id: EntryId
    found: Written
    changed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TimesheetVanished:
    """The timesheet answers 404: somebody deleted it in Kimai."""

    TYPE: ClassVar = "TimesheetVanished"
    SCHEMA: ClassVar = 1

    entry_id: EntryId
    timesheet_id: int


@dataclass(frozen=True, kw_only=True)
class TimesheetWriteRejected:
    """Kimai refused the intended write; nothing was stored there.

    `circumstances` stands for what Kimai said then of everything the timesheet was to rest on
    (`rules/refusal.py`); None: it was not asked, or did not say. `cause` None: before schema 3.
    """

    TYPE: ClassVar = "TimesheetWriteRejected"
    SCHEMA: ClassVar = 3

    entry_id: EntryId
    intent: int
    status: int
    fields: tuple[str, ...]
    reason: ReasonCode
    detail: str
    circumstances: str | None = None
    cause: RefusalCause | None = None

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Schema 1 did not ask for the circumstances, so nothing is put there."""

    @staticmethod
    def upcast_v2_v3(state: dict[str, Any]) -> None:
        """Schema 2 told the cause in words only, which nothing can rest on."""
        state["cause"] = None


@dataclass(frozen=True, kw_only=True)
class TimesheetWriteUncertain:
    """The request may or may not have been applied; read back before anything else."""

    TYPE: ClassVar = "TimesheetWriteUncertain"
    SCHEMA: ClassVar = 1

    entry_id: EntryId
    intent: int
    cause: str


@dataclass(frozen=True, kw_only=True)
class TimesheetWriteUnsent:
    """The intended request provably had no effect; it may be intended again.

    Either it never reached Kimai, or a read-back found nothing after its time was over.
    """

    TYPE: ClassVar = "TimesheetWriteUnsent"
    SCHEMA: ClassVar = 1

    entry_id: EntryId
    intent: int
    cause: str


@dataclass(frozen=True, kw_only=True)
class EntryDeadLettered:
    """Retries are used up; a person or a retry command goes on from here."""

    TYPE: ClassVar = "EntryDeadLettered"
    SCHEMA: ClassVar = 2

    entry_id: EntryId
    reason: ReasonCode
    detail: str
    attempts: int
    cause: RefusalCause | None = None

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Schema 1 told the cause in words only."""
        state["cause"] = None


@dataclass(frozen=True, kw_only=True)
class EntryRetryRequested:
    """Somebody asked to try again: decided anew with today's settings by the next run."""

    TYPE: ClassVar = "EntryRetryRequested"
    SCHEMA: ClassVar = 1

    entry_id: EntryId
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class ConflictOpened:
    """A person has to decide. The conflict's id is the position of this event.

    `others` are the timesheets that a DUPLICATE is about: those that carry the marker beside the
    linked one; without a link those that look like the booking, and `alike` is the first of them.
    `cause` is there where the reason has several.
    """

    TYPE: ClassVar = "ConflictOpened"
    SCHEMA: ClassVar = 3

    entry_id: EntryId
    reason: ReasonCode
    detail: str
    cause: RefusalCause | None = None
    others: tuple[int, ...] = ()
    alike: Alike | None = None

    @staticmethod
    def upcast_v2_v3(state: dict[str, Any]) -> None:
        """Schema 2 did not say how the first of the others was."""
        state["alike"] = None

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Schema 1 named the other timesheets in its text only, and no cause."""
        named = _OTHERS.search(state["detail"])
        ids = (named[1] or named[2]).split(", ") if named else ()
        state["others"] = tuple(int(each) for each in ids)
        state["cause"] = None


@dataclass(frozen=True, kw_only=True)
class ConflictResolved:
    """The conflict is over. `action` is None when its cause went away by itself."""

    TYPE: ClassVar = "ConflictResolved"
    SCHEMA: ClassVar = 1

    entry_id: EntryId
    reason: ReasonCode
    action: str | None = None
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class ConflictDismissed:
    """A person closed the conflict undecided: the entry is left alone (`EntryIgnored`)."""

    TYPE: ClassVar = "ConflictDismissed"
    SCHEMA: ClassVar = 1

    entry_id: EntryId
    reason: ReasonCode
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class ConflictReopened:
    """The newest conflict, closed by a person, is open again, with what it hung on then.

    A person wanted that, one of the two sides changed, or what was decided could not be done.
    `unlinked`: the timesheet that the decision had linked, and that is only suggested again.
    """

    TYPE: ClassVar = "ConflictReopened"
    SCHEMA: ClassVar = 2

    entry_id: EntryId
    reason: ReasonCode
    note: str | None = None
    unlinked: int | None = None

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Before, an accepted suggestion stayed linked."""
        state["unlinked"] = None


@dataclass(frozen=True, kw_only=True)
class ConflictNoteChanged:
    """What people wrote beside the newest conflict, open or closed; None: taken away."""

    TYPE: ClassVar = "ConflictNoteChanged"
    SCHEMA: ClassVar = 1

    entry_id: EntryId
    note: str | None


@dataclass(frozen=True, kw_only=True)
class EntryIgnored:
    """A person wants it left alone, in Kimai too. `until_change`: until either side changes."""

    TYPE: ClassVar = "EntryIgnored"
    SCHEMA: ClassVar = 1

    entry_id: EntryId
    until_change: bool
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class EntryUnignored:
    """It is not left alone any more: decided anew by the next run."""

    TYPE: ClassVar = "EntryUnignored"
    SCHEMA: ClassVar = 1

    entry_id: EntryId
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class EntryReduced:
    """Negative bookings take this from the booking; what they took before is over.

    Its timesheet is that much shorter. `by` names the negative bookings; empty: none any more.
    """

    TYPE: ClassVar = "EntryReduced"
    SCHEMA: ClassVar = 1

    entry_id: EntryId
    by: tuple[Reduction, ...]


@dataclass(frozen=True, kw_only=True)
class EntryNetted:
    """The negative booking is taken from these others; `rest_seconds` found no timesheet to reduce.

    Recorded after `EntryReduced` of each of `against`. What it said before is over.
    """

    TYPE: ClassVar = "EntryNetted"
    SCHEMA: ClassVar = 1

    entry_id: EntryId
    against: tuple[Reduction, ...]
    rest_seconds: int


TimeEntryEvent = (
    EntryObserved
    | EntryUnreadable
    | EntryChangedAtSource
    | EntryVanishedAtSource
    | EntryDecided
    | TimesheetWriteIntended
    | TimesheetCreated
    | TimesheetUpdated
    | TimesheetDeleted
    | TimesheetAdopted
    | TimesheetDrifted
    | TimesheetVanished
    | TimesheetWriteRejected
    | TimesheetWriteUncertain
    | TimesheetWriteUnsent
    | EntryDeadLettered
    | EntryRetryRequested
    | ConflictOpened
    | ConflictResolved
    | ConflictDismissed
    | ConflictReopened
    | ConflictNoteChanged
    | EntryIgnored
    | EntryUnignored
    | EntryReduced
    | EntryNetted
)

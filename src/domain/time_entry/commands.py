"""What can be asked of one booking. Commands carry values only; the use case found them out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.connector.settings import EditedInKimaiPolicy
from domain.ids import ConnectorId, EntryId
from domain.time_entry.causes import RefusalCause
from domain.time_entry.state import KEEP_TARGET
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


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """What the rules say should happen with a booking, on what basis; see `EntryDecided`.

    `cause`, `others` and `alike` are for the conflict of one that is held: see `ConflictOpened`.
    """

    outcome: Outcome
    basis: Basis
    desired: Desired | None = None
    reason: ReasonCode | None = None
    detail: str | None = None
    cause: RefusalCause | None = None
    others: tuple[int, ...] = ()
    alike: Alike | None = None


@dataclass(frozen=True, kw_only=True)
class Observe:
    """Zammad says this now. `context` None: its ticket could not be read this time."""

    entry_id: EntryId
    connector_id: ConnectorId
    booking: Booking
    context: Context | None


@dataclass(frozen=True, kw_only=True)
class ObserveUnreadable:
    """Zammad lists the entry, but `fields` of it cannot be read."""

    entry_id: EntryId
    connector_id: ConnectorId
    fields: tuple[str, ...]
    ticket_id: int | None
    updated_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Vanish:
    """Absent from a complete sweep and 404 by itself."""


@dataclass(frozen=True, kw_only=True)
class Decide:
    """The rules were asked and this is their ruling."""

    ruling: Ruling


@dataclass(frozen=True, kw_only=True)
class Intend:
    """Record the request that is about to be sent."""

    target_connector_id: ConnectorId
    operation: Operation
    marker: str
    request: Request
    timesheet_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Confirm:
    """Kimai answered a create or update and stored `written`.

    `mismatch` says in words how that differs from what was asked, beyond known rounding.
    `again`: one more update is needed to bring the rest, because Kimai drops it beside others.
    """

    intent: int
    written: Written
    mismatch: str | None = None
    again: bool = False


@dataclass(frozen=True, kw_only=True)
class ConfirmDeleted:
    """The timesheet is gone, by our request."""

    intent: int
    timesheet_id: int


@dataclass(frozen=True, kw_only=True)
class Reject:
    """Kimai refused the request; nothing was stored."""

    intent: int
    status: int
    fields: tuple[str, ...]
    reason: ReasonCode
    detail: str
    circumstances: str | None = None
    cause: RefusalCause | None = None


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """The request was sent and its answer never came."""

    intent: int
    cause: str


@dataclass(frozen=True, kw_only=True)
class Unsent:
    """The request had no effect: it never arrived, or a read-back found nothing."""

    intent: int
    cause: str


@dataclass(frozen=True, kw_only=True)
class Adopt:
    """These timesheets are there for the booking; the first becomes ours. Never empty.

    `target_connector_id` and `marker`, what the first is known by ("" for nothing), are for one
    that is taken over: neither written by us nor linked before. `action` is what a person who
    confirms it wants of it: that it stays as it is, or is brought to the booking.
    """

    found: Sequence[Written]
    how: str
    mismatch: str | None = None
    target_connector_id: ConnectorId | None = None
    marker: str | None = None
    action: str = KEEP_TARGET
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReadBack:
    """What came of a request whose answer was lost, for a person who decided the `nth` conflict."""

    nth: int
    came: Confirm | ConfirmDeleted | Unsent | Adopt
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Distinguish:
    """A person says: what looks like this booking in Kimai is something else."""

    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Reading the target showed that a person must decide before anything is written.

    `cause`, `others`, `alike`: see `ConflictOpened`.
    """

    reason: ReasonCode
    detail: str
    cause: RefusalCause | None = None
    others: tuple[int, ...] = ()
    alike: Alike | None = None


@dataclass(frozen=True, kw_only=True)
class NoteDrift:
    """The timesheet differs from what we last wrote; `changed` names how, `reason` why we stop."""

    found: Written
    changed: tuple[str, ...]
    detail: str
    reason: ReasonCode = ReasonCode.TARGET_EDITED
    cause: RefusalCause | None = None


@dataclass(frozen=True, kw_only=True)
class Compare:
    """Kimai holds `found` now, seen outside of a write.

    `ours` is what the rules ask for today, had nobody touched Kimai; None when they ask for no
    timesheet. `agreed` is the same where `found` already is that.
    """

    found: Written
    policy: EditedInKimaiPolicy
    ours: Ruling | None = None
    agreed: Ruling | None = None


@dataclass(frozen=True, kw_only=True)
class NoteSurplus:
    """These timesheets beside the linked one carry its marker; none: no more."""

    timesheet_ids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class NoteTargetGone:
    """Our timesheet answers 404."""

    timesheet_id: int


@dataclass(frozen=True, kw_only=True)
class GiveUp:
    """Retries are used up."""

    reason: ReasonCode
    detail: str
    cause: RefusalCause | None = None


@dataclass(frozen=True, kw_only=True)
class Retry:
    """It is to be tried again with today's settings: a person wants it, or a cause is gone.

    `only_dead`: if it was given up.
    """

    note: str | None = None
    only_dead: bool = False


@dataclass(frozen=True, kw_only=True)
class Keep:
    """A person leaves Kimai as it is. `nth` here and below: the conflict that is meant, counted.

    See `TimeEntry.opened`.
    """

    nth: int
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Carry:
    """A person wants Kimai brought to the booking, which is to be done right after.

    `ruling` is what the rules ask for then: a create, an update or a delete. `correct`: a create of
    a second timesheet, beside the linked one, which stays as it is.
    """

    nth: int
    ruling: Ruling
    correct: bool = False
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Uncarry:
    """What a person wanted carried could not be: nothing was stored, and the conflict is back."""

    nth: int
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Skip:
    """A person leaves Kimai without it."""

    nth: int
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Dismiss:
    """A person closes the conflict without deciding it; the entry is left alone."""

    nth: int
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Reopen:
    """A person wants a dismissed conflict back."""

    nth: int
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Undo:
    """A person takes back what was decided, as long as nothing came of it in Kimai."""

    nth: int
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class ChangeNote:
    """What a person writes beside the newest conflict."""

    nth: int
    note: str | None


@dataclass(frozen=True, kw_only=True)
class Flag:
    """A person wants the entry looked at by people."""

    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Ignore:
    """A person wants the entry left alone, whatever changes."""

    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Unignore:
    """The opposite."""

    note: str | None = None


PersonalCommand = (
    Keep | Carry | Uncarry | Skip | Dismiss | Reopen | Undo | ChangeNote | Flag | Ignore | Unignore
)


@dataclass(frozen=True, kw_only=True)
class Reduce:
    """Negative bookings take `by` from this one; nothing else."""

    by: tuple[Reduction, ...]


@dataclass(frozen=True, kw_only=True)
class Net:
    """A negative booking is taken from `against`; `rest_seconds` of it from nothing."""

    against: tuple[Reduction, ...]
    rest_seconds: int


TimeEntryCommand = (
    Observe
    | ObserveUnreadable
    | Vanish
    | Decide
    | Intend
    | Confirm
    | ConfirmDeleted
    | Reject
    | Doubt
    | Unsent
    | Adopt
    | ReadBack
    | Distinguish
    | Hold
    | NoteDrift
    | Compare
    | NoteSurplus
    | NoteTargetGone
    | GiveUp
    | Retry
    | PersonalCommand
    | Reduce
    | Net
)

"""Timesheets that were in Kimai before us: linked as they are, or suggested to a person."""

from collections.abc import Sequence

from domain.errors import RuleViolation
from domain.time_entry.commands import Adopt, Distinguish
from domain.time_entry.conflicts import close_conflict, open_conflict
from domain.time_entry.drift import surplus_text
from domain.time_entry.events import (
    ConflictResolved,
    EntryRetryRequested,
    TimeEntryEvent,
    TimesheetAdopted,
)
from domain.time_entry.state import CREATE, TimeEntry, Wait
from domain.time_entry.values import ReasonCode, Written

MARKER, EARLIER_MARKER, CONFIRMED = "marker", "earlier_marker", "confirmed"
TAKEN_OVER = frozenset({MARKER, EARLIER_MARKER, CONFIRMED})

Events = Sequence[TimeEntryEvent]


def is_free(entry: TimeEntry) -> bool:
    """Whether a timesheet that names the booking may be linked to it."""
    untouched = entry.settled is None and entry.intent is None and entry.found is None
    left = entry.standing.vanished or entry.standing.ignored
    return untouched and entry.booking is not None and not left


def subject_of(entry: TimeEntry) -> str:
    """Whom the text of a timesheet belongs to: the customer, else who booked."""
    if entry.context is not None:
        return f"customer:{entry.context.customer_id}"
    assert entry.booking is not None
    return f"zammad-user:{entry.booking.created_by_id}"


def holds(entry: TimeEntry | None) -> frozenset[str]:
    """The timesheet that was taken over, which no other booking may have."""
    if entry is None or entry.settled is None or not entry.settled.adopted:
        return frozenset()
    settled = entry.settled
    return frozenset({f"adopted-timesheet:{settled.target}:{settled.written.timesheet_id}"})


def take_over(command: Adopt, entry: TimeEntry) -> Events:
    """Link the first and say so when there are more.

    Raises RuleViolation (`entry_state`) when a person confirms what is not suggested any more.
    """
    first, *others = sorted(command.found, key=lambda written: written.timesheet_id)
    adopted = TimesheetAdopted(
        entry_id=entry.entry_id,
        written=first,
        how=command.how,
        target_connector_id=command.target_connector_id,
        marker=command.marker,
    )
    if command.how == CONFIRMED:
        _check_suggested(entry, first)
        return [adopted, _decided(entry, command.action, command.note)]
    if not is_free(entry):
        return []
    if not others:
        return [adopted, *close_conflict(entry)]
    ids = tuple(written.timesheet_id for written in others)
    detail = surplus_text(first.timesheet_id, ids)
    wait = Wait(reason=ReasonCode.DUPLICATE, detail=detail, others=ids)
    return [adopted, *open_conflict(wait, entry)]


def distinguish(command: Distinguish, entry: TimeEntry) -> Events:
    """The booking gets a timesheet of its own, with the next run.

    Raises RuleViolation (`entry_state`) when nothing is suggested.
    """
    _check_suggested(entry, None)
    again = EntryRetryRequested(entry_id=entry.entry_id, note=command.note)
    return [_decided(entry, CREATE, command.note), again]


def suggestion_text(timesheet_ids: Sequence[int]) -> str:
    """The detail of a suggestion."""
    ids = ", ".join(str(each) for each in sorted(timesheet_ids))
    return (
        f"In Kimai, timesheet {ids} has the ticket, person, day and amount of this booking and "
        "carries no marker. Adopt it if it is this booking; if it is other work, say so, and the "
        "booking gets a timesheet of its own."
    )


def suggested(entry: TimeEntry) -> tuple[int, ...]:
    """The timesheets that an open conflict suggests; none when it is about something else."""
    held = entry.conflict
    if entry.settled is not None or held is None or held.reason is not ReasonCode.DUPLICATE:
        return ()
    return held.others


def _check_suggested(entry: TimeEntry, chosen: Written | None) -> None:
    ids = suggested(entry)
    if entry.intent is not None or not ids:
        raise RuleViolation("entry_state", "No timesheet is suggested for this entry.")
    if chosen is not None and chosen.timesheet_id not in ids:
        message = f"Timesheet {chosen.timesheet_id} is not suggested for this entry."
        raise RuleViolation("entry_state", message)


def _decided(entry: TimeEntry, action: str, note: str | None) -> ConflictResolved:
    return ConflictResolved(
        entry_id=entry.entry_id, reason=ReasonCode.DUPLICATE, action=action, note=note
    )

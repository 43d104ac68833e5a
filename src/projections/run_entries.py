"""What did each run do to each entry? One row per event that says so (`contract.md`, section 6).

Of the rows of one run and entry the one with the greatest `weight` tells, of equal ones the newest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from domain.event import Event, Recorded
from domain.time_entry.events import (
    ConflictOpened,
    EntryDeadLettered,
    EntryDecided,
    TimesheetAdopted,
    TimesheetCreated,
    TimesheetDeleted,
    TimesheetUpdated,
    TimesheetWriteRejected,
    TimesheetWriteUncertain,
    TimesheetWriteUnsent,
)
from domain.time_entry.values import Outcome
from projections.projection import Projection

NAME, VERSION = "run_entries", 1
AGREED, DONE, REFUSED = 0, 1, 2
"""What a row weighs: that all agrees says less than that something was done, and the conflict that
a refused write opens says less than the refusal."""

_Seen = (
    EntryDecided
    | ConflictOpened
    | EntryDeadLettered
    | TimesheetAdopted
    | TimesheetCreated
    | TimesheetDeleted
    | TimesheetUpdated
    | TimesheetWriteRejected
    | TimesheetWriteUncertain
    | TimesheetWriteUnsent
)
_Said = tuple[str, int, int | None, str | None, str | None]  # the last five fields of a Row


@dataclass(frozen=True)
class Row:
    """One thing that a run did. `action` is as in plans, or `failed`."""

    position: int
    run_id: int
    entry_id: int
    action: str
    weight: int
    timesheet_id: int | None
    reason_code: str | None
    message: str | None


def keys(recorded: Recorded[_Seen]) -> Sequence[int]:
    return () if recorded.metadata.run_id is None else (recorded.position,)


def project(row: Row | None, recorded: Recorded[_Seen]) -> Row | None:
    """The row of this event; it never changes afterwards."""
    run_id, event = recorded.metadata.run_id, recorded.event
    if row is not None or run_id is None or (said := _said(event)) is None:
        return row
    return Row(recorded.position, run_id, event.entry_id, *said)


def _said(event: _Seen) -> _Said | None:  # noqa: PLR0911 # one flat branch per event
    match event:
        case EntryDecided():
            return _decided(event)
        case TimesheetCreated(written=written):
            return "create", DONE, written.timesheet_id, None, None
        case TimesheetUpdated(written=written):
            return "update", DONE, written.timesheet_id, None, None
        case TimesheetDeleted(timesheet_id=number):
            return "delete", DONE, number, None, None
        case TimesheetAdopted():
            return _adopted(event)
        case ConflictOpened(reason=reason, detail=detail):
            return "conflict", DONE, None, reason.value, detail
        case TimesheetWriteRejected(reason=reason, detail=detail):
            return "failed", REFUSED, None, reason.value, detail
        case EntryDeadLettered(reason=reason, detail=detail):
            return "failed", REFUSED, None, reason.value, detail
        case TimesheetWriteUncertain(cause=cause) | TimesheetWriteUnsent(cause=cause):
            return "failed", DONE, None, None, cause
        case _:
            assert_never(event)


def _decided(event: EntryDecided) -> _Said | None:
    reason = None if event.reason is None else event.reason.value
    match event.outcome:
        case Outcome.HOLD:
            return "conflict", DONE, None, reason, event.detail
        case Outcome.LEAVE if event.desired is None:
            return "skip", DONE, None, reason, event.detail
        case Outcome.LEAVE:
            return "unchanged", AGREED, None, reason, event.detail
        case Outcome.CREATE | Outcome.UPDATE | Outcome.DELETE:
            return None  # a request follows, and its answer tells
        case _:
            assert_never(event.outcome)


def _adopted(event: TimesheetAdopted) -> _Said:
    number = event.written.timesheet_id
    if event.marker is not None:
        return "adopt", DONE, number, None, "It was in Kimai before and is linked now."
    if event.how == "read_back":  # it was us who created it, and so do the run's counters say
        return "create", DONE, number, None, "The answer was lost; it was found in Kimai."
    return "unchanged", AGREED, number, None, None


PROJECTION: Projection[Any] = Projection(
    name=NAME,
    version=VERSION,
    row=Row,
    key="position",
    events=frozenset[type[Event]](
        {
            EntryDecided,
            ConflictOpened,
            EntryDeadLettered,
            TimesheetAdopted,
            TimesheetCreated,
            TimesheetDeleted,
            TimesheetUpdated,
            TimesheetWriteRejected,
            TimesheetWriteUncertain,
            TimesheetWriteUnsent,
        }
    ),
    keys=keys,
    project=project,
)

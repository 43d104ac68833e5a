"""What failed for good, why, and since when? One row per entry in trouble (`contract.md`, 7)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never, get_args

from domain.event import Recorded
from domain.time_entry.events import (
    EntryChangedAtSource,
    EntryDeadLettered,
    EntryIgnored,
    EntryObserved,
    EntryRetryRequested,
    EntryUnreadable,
    EntryVanishedAtSource,
    TimesheetAdopted,
    TimesheetCreated,
    TimesheetDeleted,
    TimesheetUpdated,
    TimesheetVanished,
    TimesheetWriteUncertain,
    TimesheetWriteUnsent,
)
from projections.projection import Projection

NAME, VERSION = "dead_letters", 3

_Failed = TimesheetWriteUnsent | TimesheetWriteUncertain
_Over = (
    EntryObserved
    | EntryUnreadable
    | EntryChangedAtSource
    | EntryVanishedAtSource
    | TimesheetCreated
    | TimesheetUpdated
    | TimesheetDeleted
    | TimesheetAdopted
    | TimesheetVanished
    | EntryRetryRequested
    | EntryIgnored
)
_Seen = _Failed | EntryDeadLettered | _Over


@dataclass(frozen=True)
class Row:
    """An entry whose writes had no effect since the last that had one; `dead`: given up for good.

    `reason_code`, `cause`, `message` and `attempts` are those of the giving up.
    """

    entry_id: int
    position: int
    version: int
    dead: bool
    reason_code: str | None
    message: str | None
    attempts: int
    first_failed_at: datetime
    last_failed_at: datetime
    cause: str | None = None


def keys(recorded: Recorded[_Seen]) -> Sequence[int]:
    return (recorded.event.entry_id,)


def project(row: Row | None, recorded: Recorded[_Seen]) -> Row | None:
    """The entry's trouble after the event; None when it is over."""
    match event := recorded.event:
        case TimesheetWriteUnsent() | TimesheetWriteUncertain():
            return _failed(row, recorded)
        case EntryDeadLettered(reason=reason, detail=detail, attempts=attempts, cause=cause):
            failed = _failed(row, recorded)
            # giving up is no try of its own
            last = failed.last_failed_at if row is None else row.last_failed_at
            return replace(
                failed,
                dead=True,
                reason_code=reason.value,
                message=detail,
                attempts=attempts,
                last_failed_at=last,
                cause=cause,
            )
        case _ if isinstance(event, get_args(_Over)):
            return None
        case _:
            assert_never(event)  # type: ignore[arg-type] # what is over was seen above


def _failed(row: Row | None, recorded: Recorded[_Seen]) -> Row:
    at = recorded.recorded_at
    if row is None:
        return Row(
            entry_id=recorded.event.entry_id,
            position=recorded.position,
            version=recorded.version,
            dead=False,
            reason_code=None,
            message=None,
            attempts=0,
            first_failed_at=at,
            last_failed_at=at,
        )
    return replace(row, position=recorded.position, version=recorded.version, last_failed_at=at)


PROJECTION = Projection(
    name=NAME,
    version=VERSION,
    row=Row,
    key="entry_id",
    events=frozenset(get_args(_Seen)),
    keys=keys,
    project=project,
    stream="time-entry",
)

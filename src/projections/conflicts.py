"""What had a person to decide about each entry, and what became of it? (`contract.md`, 8).

One row per entry: its newest conflict. Earlier ones are the last rows that had their number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never, get_args

from domain.event import Recorded
from domain.moved import moved
from domain.time_entry.events import (
    ConflictDismissed,
    ConflictNoteChanged,
    ConflictOpened,
    ConflictReopened,
    ConflictResolved,
    EntryChangedAtSource,
    EntryVanishedAtSource,
    TimesheetDrifted,
    TimesheetVanished,
)
from domain.time_entry.values import Alike
from projections.projection import Projection

NAME, VERSION = "conflicts", 1
PENDING, RESOLVED, IGNORED = "pending", "resolved", "ignored"
SYSTEM = "system"  # closed by itself

_Side = EntryChangedAtSource | EntryVanishedAtSource | TimesheetDrifted | TimesheetVanished
_Seen = (
    ConflictOpened
    | ConflictResolved
    | ConflictDismissed
    | ConflictReopened
    | ConflictNoteChanged
    | _Side
)


@dataclass(frozen=True)
class Row:
    """A conflict; `version` counts what was said of it and, while it is open, of both sides.

    Personal: `resolved_by` (`resolved_by_subject`; None for `system`). `status` and `action` are
    the contract's words.
    """

    entry_id: int
    position: int
    version: int
    conflict_id: int
    status: str
    reason_code: str
    cause: str | None
    detail: str
    others: tuple[int, ...]
    alike: Alike | None
    action: str | None
    opened_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    resolved_by_subject: str | None
    notes: str | None


def keys(recorded: Recorded[_Seen]) -> Sequence[int]:
    return (recorded.event.entry_id,)


def project(  # noqa: PLR0911 # one flat branch per event
    row: Row | None, recorded: Recorded[_Seen]
) -> Row | None:
    """The entry's newest conflict after the event; None while it never had one."""
    event = recorded.event
    if isinstance(event, ConflictOpened):
        return _opened(event, recorded)
    if row is None:
        return None
    later = {"position": recorded.position, "version": row.version + 1}
    match event:
        case ConflictResolved(action=action, note=note):
            return moved(row, **later, **_closed(recorded, RESOLVED, action, note or row.notes))
        case ConflictDismissed(note=note):
            return moved(row, **later, **_closed(recorded, IGNORED, None, note or row.notes))
        case ConflictReopened(note=note):
            again = dict.fromkeys(("action", "resolved_at", "resolved_by", "resolved_by_subject"))
            return moved(row, **later, **again, status=PENDING, notes=note or row.notes)
        case ConflictNoteChanged(note=note):
            return moved(row, **later, notes=note)
        case _ if isinstance(event, get_args(_Side)):
            return moved(row, **later) if row.status == PENDING else row
        case _:
            assert_never(event)  # type: ignore[arg-type] # the sides were seen above


def _opened(event: ConflictOpened, recorded: Recorded[_Seen]) -> Row:
    return Row(
        entry_id=event.entry_id,
        position=recorded.position,
        version=1,
        conflict_id=recorded.position,
        status=PENDING,
        reason_code=event.reason.value,
        cause=event.cause,
        detail=event.detail,
        others=event.others,
        alike=event.alike,
        action=None,
        opened_at=recorded.recorded_at,
        resolved_at=None,
        resolved_by=None,
        resolved_by_subject=None,
        notes=None,
    )


def _closed(
    recorded: Recorded[_Seen], status: str, action: str | None, notes: str | None
) -> dict[str, object]:
    name = recorded.metadata.actor.name
    by, subject = (name, None) if isinstance(name, str) else (name.value, name.subject)
    if status == RESOLVED and action is None:
        by, subject = SYSTEM, None
    return {
        "status": status,
        "action": action,
        "resolved_at": recorded.recorded_at,
        "resolved_by": by,
        "resolved_by_subject": subject,
        "notes": notes,
    }


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

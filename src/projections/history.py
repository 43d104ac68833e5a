"""The story of one entry, event by event (`contract.md`, section 7). A fold, not a stored view."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from domain.event import Event, Recorded
from domain.time_entry.events import (
    ConflictOpened,
    ConflictResolved,
    EntryDecided,
    TimesheetDrifted,
    TimesheetWriteIntended,
    TimesheetWriteRejected,
)
from projections import time_entries

Change = tuple[str, object, object]  # field, before, after

TITLES: Mapping[str, str] = MappingProxyType(
    {
        "EntryObserved": "Seen in Zammad",
        "EntryUnreadable": "Seen in Zammad, but not readable",
        "EntryChangedAtSource": "Changed in Zammad",
        "EntryVanishedAtSource": "Deleted in Zammad",
        "TimesheetCreated": "Created in Kimai",
        "TimesheetUpdated": "Updated in Kimai",
        "TimesheetDeleted": "Deleted in Kimai by us",
        "TimesheetAdopted": "Found in Kimai and linked",
        "TimesheetVanished": "Deleted in Kimai by somebody",
        "TimesheetWriteUncertain": "No answer from Kimai: read back first",
        "TimesheetWriteUnsent": "The request never reached Kimai",
        "EntryDeadLettered": "Given up after too many tries",
        "EntryRetryRequested": "Another try was asked for",
        "EntryDecided": "Decided:",
        "TimesheetWriteIntended": "About to send to Kimai:",
        "TimesheetWriteRejected": "Refused by Kimai",
        "EntryReduced": "Shortened by negative bookings:",
        "EntryNetted": "Taken from earlier bookings:",
        "ConflictOpened": "Waits for a person",
        "ConflictResolved": "No longer waits",
        "ConflictDismissed": "Closed undecided",
        "ConflictReopened": "Waits for a person again",
        "ConflictNoteChanged": "Note changed",
        "EntryIgnored": "Left alone by a person",
        "EntryUnignored": "Not left alone any more",
    }
)

# What people look at, by its name in the contract's Entry: on the side of Zammad ...
SOURCE: Sequence[str] = (
    "time_minutes",
    "activity_name",
    "ticket_number",
    "user_name",
    "description",
)
# ... and in its `target`, on the side of Kimai.
TARGET: Sequence[str] = (
    "timesheet_id",
    "minutes",
    "begin",
    "end",
    "user_id",
    "project_id",
    "activity_id",
    "billable",
    "exported",
    "description",
)

Shown = Mapping[str, Any]


@dataclass(frozen=True)
class Item:
    """One event of the entry with what it changed: field, before, after."""

    recorded: Recorded[Event]
    title: str
    changes: Sequence[Change]


def history(events: Sequence[Recorded[Event]]) -> list[Item]:
    """The items of one entry's whole stream, oldest first."""
    items: list[Item] = []
    row: time_entries.Row | None = None
    before: Shown = {}
    for recorded in events:
        row = time_entries.PROJECTION.apply(row, recorded)
        after = _entry(row)
        changes = _changes(before, after, recorded.event) if before else ()
        items.append(Item(recorded, title(recorded.event, changes), changes))
        before = after
    return items


def title(event: Event, changes: Sequence[Change]) -> str:
    """What happened, in a few words."""
    if isinstance(event, TimesheetDrifted):
        minutes = [f": {old} → {new} min" for field, old, new in changes if field == "minutes"]
        done = "Exported" if tuple(event.changed) == ("exported",) else "Edited"
        return f"{done} in Kimai" + "".join(minutes)
    return TITLES.get(event.TYPE, event.TYPE) + _more(event)


def _more(event: Event) -> str:
    match event:
        case EntryDecided(outcome=outcome, reason=reason):
            return f" {outcome.value}" + (f": {reason.value}" if reason else "")
        case TimesheetWriteIntended(operation=operation):
            return f" {operation.value}"
        case TimesheetWriteRejected(status=status):
            return f" ({status})"
        case ConflictOpened(reason=reason, detail=detail):
            return f": {reason.value}. {detail}"
        case ConflictResolved(reason=reason):
            return f": {reason.value}"
        case _:
            return ""


def shown(item: Item) -> dict[str, object]:
    """The contract's HistoryItem."""
    recorded, metadata = item.recorded, item.recorded.metadata
    name = metadata.actor.name
    return {
        "position": recorded.position,
        "stream": recorded.stream,
        "version": recorded.version,
        "type": recorded.event.TYPE,
        "recorded_at": recorded.recorded_at,
        "title": item.title,
        "actor": {
            "kind": metadata.actor.kind,
            "name": name if isinstance(name, str) else name.value,
        },
        "run_id": metadata.run_id,
        "correlation_id": metadata.correlation_id,
        "causation_position": metadata.causation_position,
        "changes": [
            {"field": field, "before": before, "after": after}
            for field, before, after in item.changes
        ],
        "digest": recorded.digest,
    }


def _entry(row: time_entries.Row | None) -> Shown:
    return time_entries.shown(row, ticket_base=None, timesheet_base=None) if row else {}


def _changes(before: Shown, after: Shown, event: Event) -> Sequence[Change]:
    if event.TYPE.startswith("Timesheet"):
        old, new, names = before["target"] or {}, after["target"] or {}, TARGET
    else:
        old, new, names = before, after, SOURCE
    found = [(name, old.get(name), new.get(name)) for name in names]
    found.append(("state", before["state"], after["state"]))
    return [(name, one, other) for name, one, other in found if one != other]

"""How a conflict of a booking opens and closes, always in the append of its cause."""

from domain.time_entry.events import ConflictOpened, ConflictResolved, TimeEntryEvent
from domain.time_entry.state import TimeEntry
from domain.time_entry.values import ReasonCode


def open_conflict(reason: ReasonCode, detail: str, entry: TimeEntry) -> list[TimeEntryEvent]:
    """Nothing when exactly this one is open; another one makes way."""
    if entry.conflict and (entry.conflict.reason, entry.conflict.detail) == (reason, detail):
        return []
    opened = ConflictOpened(entry_id=entry.entry_id, reason=reason, detail=detail)
    return [*close_conflict(entry), opened]


def close_conflict(entry: TimeEntry) -> list[TimeEntryEvent]:
    """The open conflict ends because its cause did; nobody decided anything."""
    if entry.conflict is None:
        return []
    return [ConflictResolved(entry_id=entry.entry_id, reason=entry.conflict.reason)]

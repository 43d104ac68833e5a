"""How a conflict of a booking opens and closes, always in the append of its cause."""

from domain.time_entry.events import ConflictOpened, ConflictResolved, TimeEntryEvent
from domain.time_entry.state import TimeEntry, Wait


def open_conflict(wait: Wait, entry: TimeEntry) -> list[TimeEntryEvent]:
    """Nothing when exactly this one is open; another one makes way."""
    held = entry.conflict
    if held is not None and _asked(held) == _asked(wait):
        return []
    opened = ConflictOpened(
        entry_id=entry.entry_id,
        reason=wait.reason,
        detail=wait.detail,
        cause=wait.cause,
        others=wait.others,
        alike=wait.alike,
    )
    return [*close_conflict(entry), opened]


def _asked(wait: Wait) -> tuple[object, ...]:
    """What a person is asked, and about what."""
    return wait.reason, wait.detail, wait.alike


def close_conflict(entry: TimeEntry) -> list[TimeEntryEvent]:
    """The open conflict ends because its cause did; nobody decided anything."""
    if entry.conflict is None:
        return []
    return [ConflictResolved(entry_id=entry.entry_id, reason=entry.conflict.reason)]

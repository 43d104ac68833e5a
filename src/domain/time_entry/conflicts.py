"""How a conflict of a booking opens and closes, always in the append of its cause."""

from domain.time_entry.events import ConflictOpened, ConflictResolved, TimeEntryEvent
from domain.time_entry.state import TimeEntry
from domain.time_entry.values import ReasonCode


def open_conflict(
    reason: ReasonCode, detail: str, entry: TimeEntry, others: tuple[int, ...] = ()
) -> list[TimeEntryEvent]:
    """Nothing when exactly this one is open; another one makes way.

    What was found in Kimai once and is held for it again names the same `others`.
    """
    if entry.conflict and (entry.conflict.reason, entry.conflict.detail) == (reason, detail):
        return []
    found = entry.found
    if not others and found is not None and (found.reason, found.detail) == (reason, detail):
        others = found.others
    opened = ConflictOpened(entry_id=entry.entry_id, reason=reason, detail=detail, others=others)
    return [*close_conflict(entry), opened]


def close_conflict(entry: TimeEntry) -> list[TimeEntryEvent]:
    """The open conflict ends because its cause did; nobody decided anything."""
    if entry.conflict is None:
        return []
    return [ConflictResolved(entry_id=entry.entry_id, reason=entry.conflict.reason)]

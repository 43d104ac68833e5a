"""The text in Kimai by which a timesheet is known to be ours.

Kimai offers no key of its own (`peers/kimai.md`, 2.7): letters, digits and `-` only, a fixed
length, in the last line of the description.
"""

import re
from dataclasses import dataclass

from domain.ids import ConnectorId, EntryId, entry_id, source_of
from domain.time_entry.state import TimeEntry

_MARKER = re.compile(r"TL-([0-9A-Za-z]{8})-([0-9]{16})-([0-9]{2})", re.ASCII)
# of an earlier tool, anywhere in the text (`peers/kimai.md`, 10)
_EARLIER = re.compile(r"(?<![0-9A-Za-z])ZAM:T([0-9]{1,15})\|TA:([0-9]{1,9})(?![0-9])", re.ASCII)
SLOT = 1  # the timesheet of a booking; those that correct one which stays as it is count on


def marker(log_tag: str, entry: EntryId, slot: int = SLOT) -> str:
    """`TL-<8 hex of the log>-<16 digits of the entry>-<2 digits of the slot>`."""
    return f"TL-{_tag(log_tag)}-{entry:016d}-{slot:02d}"


def marker_for(log_tag: str, entry: TimeEntry) -> str:
    """That of the timesheet which is written next; a correction never has that of another."""
    linked = None if entry.settled is None else _MARKER.fullmatch(entry.settled.marker)
    slot = SLOT if linked is None else int(linked[3])
    return marker(log_tag, entry.entry_id, slot if entry.correcting is None else slot + 1)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a text says a timesheet is for. `ticket_id` is None in a marker of our own."""

    entry_id: EntryId
    marker: str
    ticket_id: int | None = None


def carries(description: str, mark: str) -> bool:
    """Whether the last line of `description` ends with exactly this marker.

    One of the earlier tool may stand anywhere.
    """
    if _EARLIER.fullmatch(mark):
        return any(found[0] == mark for found in _EARLIER.finditer(description))
    return bool(mark) and _last_word(description) == mark


def claimed(description: str, log_tag: str, source: ConnectorId) -> Claim | None:
    """The one booking of `source` that `description` names by a marker, ours or the earlier tool's.

    None also where it names several. Whether an earlier tool's marker means this Zammad, its
    ticket has to prove.
    """
    own = marked_entry(description, log_tag)
    if own is not None:
        return Claim(entry_id=own, marker=_last_word(description)) if _is_of(own, source) else None
    found = {match[0]: match for match in _EARLIER.finditer(description)}
    if len(found) != 1:
        return None
    ((mark, match),) = found.items()
    entry = entry_id(source, int(match[2]))
    return Claim(entry_id=entry, marker=mark, ticket_id=int(match[1]))


def is_marked(description: str) -> bool:
    """Whether it carries a marker of any ledger or of the earlier tool."""
    ours = _MARKER.fullmatch(_last_word(description))
    return ours is not None or _EARLIER.search(description) is not None


def _is_of(entry: EntryId, source: ConnectorId) -> bool:
    return source_of(entry)[0] == source


def marked_entry(description: str, log_tag: str) -> EntryId | None:
    """The entry whose marker ends the last line of `description`; None when it is not ours."""
    found = _MARKER.fullmatch(_last_word(description))
    if found is None or found[1] != _tag(log_tag):
        return None
    return EntryId(int(found[2]))


def _tag(log_tag: str) -> str:
    return f"{log_tag:0>8.8}"


def _last_word(description: str) -> str:
    words = description.rstrip().rsplit(maxsplit=1)
    return words[-1] if words else ""

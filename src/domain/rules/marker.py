"""The text in Kimai by which a timesheet is known to be ours.

Kimai offers no key of its own (`peers/kimai.md`, 2.7): letters, digits and `-` only, a fixed
length, in the last line of the description.
"""

import re

from domain.ids import EntryId

_MARKER = re.compile(r"TL-([0-9A-Za-z]{8})-([0-9]{16})-[0-9]{2}", re.ASCII)
SLOT = 1  # the timesheet of a booking; a later issue may link further ones


def marker(log_tag: str, entry: EntryId, slot: int = SLOT) -> str:
    """`TL-<8 hex of the log>-<16 digits of the entry>-<2 digits of the slot>`."""
    return f"TL-{_tag(log_tag)}-{entry:016d}-{slot:02d}"


def carries(description: str, mark: str) -> bool:
    """Whether the last line of `description` ends with exactly this marker."""
    return bool(mark) and _last_word(description) == mark


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

"""The text in Kimai by which a timesheet is known to be ours.

Kimai offers no key of its own (`peers/kimai.md`, 2.7): letters, digits and `-` only, a fixed
length, in the last line of the description.
"""

from domain.ids import EntryId

SLOT = 1  # the timesheet of a booking; a later issue may link further ones


def marker(log_tag: str, entry: EntryId, slot: int = SLOT) -> str:
    """`TL-<8 hex of the log>-<16 digits of the entry>-<2 digits of the slot>`."""
    return f"TL-{log_tag:0>8.8}-{entry:016d}-{slot:02d}"


def carries(description: str, mark: str) -> bool:
    """Whether the last line of `description` ends with exactly this marker."""
    words = description.rstrip().rsplit(maxsplit=1)
    return bool(words) and words[-1] == mark

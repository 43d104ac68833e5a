"""Negative bookings: what they take, and from what, as far as the two peers show it.

Which booking gives depends on what was open when; the sums do not. In each group (ticket, agent,
type) all that is missing from timesheets is what the negative bookings take, and one that waits
for a person found nothing open before it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from adapters.sandbox.kimai.entities import Timesheet
from adapters.sandbox.zammad.records import TimeAccounting
from tests.chaos.times import MINUTE, could_be, rounds_away, stored, times, worked
from tests.chaos.town import Town

LARGEST_STEP = 15 * MINUTE  # of all roundings of all houses

Taken = tuple[int, int]  # seconds that are missing, at least and at most: rounding hides some


@dataclass
class Group:
    positive: list[TimeAccounting] = field(default_factory=list)
    negative: list[TimeAccounting] = field(default_factory=list)


class Netted:
    """All groups with a negative booking."""

    def __init__(
        self, town: Town, sheets: Mapping[int, Timesheet], conflicts: Mapping[int, str]
    ) -> None:
        self._town = town
        self._house = town.diary.house
        self._sheets = sheets
        self._conflicts = conflicts
        groups: defaultdict[tuple[int, int, int | None], Group] = defaultdict(Group)
        for entry in town.zammad.entries:
            seconds = worked(entry, self._house)
            if seconds > 0:
                groups[_key(entry)].positive.append(entry)
            elif seconds < 0:
                groups[_key(entry)].negative.append(entry)
        self._groups = {key: group for key, group in groups.items() if group.negative}

    def taken(self, entry: TimeAccounting, sheet: Timesheet) -> Taken | None:
        """How much of the booking is missing from its timesheet; None when nothing may be, or when
        the timesheet looks like no part of it."""
        if _key(entry) not in self._groups:
            return None
        whole, seen = worked(entry, self._house), stored(sheet)
        near = range(
            max(0, sheet.duration - 2 * LARGEST_STEP),
            min(whole, sheet.duration + 2 * LARGEST_STEP) + 1,
        )
        left = [seconds for seconds in near if could_be(entry, self._house, seconds, seen)]
        return (whole - max(left), whole - min(left)) if left else None

    def may_begin(self, entry: TimeAccounting, sheet: Timesheet) -> bool:
        """Whether some part of the booking would begin there, whatever its end."""
        if _key(entry) not in self._groups:
            return False
        parts = range(worked(entry, self._house) + 1)
        return any(times(entry, self._house, left)[0] == sheet.begin for left in parts)

    def may_be_shortened(self, entry: TimeAccounting) -> bool:
        """Whether negative bookings may take something of it."""
        return _key(entry) in self._groups and worked(entry, self._house) > 0

    def may_be_nothing(self, entry: TimeAccounting) -> bool:
        """Whether nothing is left to be written: so much was taken back, or it is rounded away."""
        group, whole = self._groups.get(_key(entry)), worked(entry, self._house)
        least = whole - (0 if group is None else self._owed(group))
        return least <= self._most_without_timesheet(entry)

    def _most_without_timesheet(self, entry: TimeAccounting) -> int:
        """How much of it may be left when it has none."""
        most = min(worked(entry, self._house), 2 * LARGEST_STEP)
        parts = range(most, 0, -1)
        return next((left for left in parts if rounds_away(entry, self._house, left)), 0)

    def found_nothing(self, entry: TimeAccounting) -> bool:
        """Whether a negative booking rightly waits: nothing before it has anything left."""
        group = self._groups.get(_key(entry))
        if group is None or worked(entry, self._house) >= 0:
            return False
        if entry.id in self._sheets:
            return True  # it was positive once
        before = [each for each in group.positive if _age(each) < _age(entry)]
        return not any(self._is_open(each) for each in before)

    def problems(self) -> Iterator[str]:
        """The groups whose sums do not add up."""
        for (ticket, agent, kind), group in self._groups.items():
            parts = [self._part(entry) for entry in group.positive]
            least, most = (sum(part[n] for part in parts) for n in (0, 1))
            owed = self._owed(group)
            waits = any(entry.id in self._conflicts for entry in group.negative)
            if least > owed or (most < owed and not waits):
                yield (
                    f"{owed} s are to be taken back on ticket {ticket} from agent {agent}, type "
                    f"{kind}, and {least} to {most} s were: "
                    f"booking {', '.join(str(e.id) for e in (*group.negative, *group.positive))}"
                )

    def _part(self, entry: TimeAccounting) -> Taken:
        """What is taken from it; of what waits or was set by a person, nobody can see how much."""
        whole, sheet = worked(entry, self._house), self._sheets.get(entry.id)
        unknown = (0, whole)
        if entry.id in self._conflicts:
            return unknown
        if sheet is None:
            return whole - self._most_without_timesheet(entry), whole
        if self._is_end_edited(sheet):
            return unknown
        return self.taken(entry, sheet) or unknown

    def _is_open(self, entry: TimeAccounting) -> bool:
        """Whether something of it could surely still be taken."""
        sheet = self._sheets.get(entry.id)
        if sheet is None or sheet.exported or entry.id in self._conflicts:
            return False
        if self._is_end_edited(sheet):
            return False
        taken = self.taken(entry, sheet)
        return taken is not None and taken[1] < worked(entry, self._house)

    def _is_end_edited(self, sheet: Timesheet) -> bool:
        """Whether a person set it, so that nobody can see how much of the booking is left."""
        return sheet.end == self._town.diary.edited.get(sheet.id, {}).get("end")

    def _owed(self, group: Group) -> int:
        return -sum(worked(entry, self._house) for entry in group.negative)


def _key(entry: TimeAccounting) -> tuple[int, int, int | None]:
    return entry.ticket_id, entry.created_by_id, entry.type_id


def _age(entry: TimeAccounting) -> tuple[str, int]:
    return entry.created_at, entry.id

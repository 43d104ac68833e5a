"""Bookings of a person laid end to end: what can be seen of it in Kimai."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import pairwise

from adapters.sandbox.kimai.entities import Timesheet
from adapters.sandbox.zammad.records import TimeAccounting
from tests.chaos.times import LONGEST_DAY, MINUTE, day_of, worked
from tests.chaos.town import Town

FULL = 0.5  # share of a day beyond which its gaps may be too short for one more booking

Day = tuple[int, date]  # of an agent


class Days:
    """All days of all agents."""

    def __init__(self, town: Town, sheets: Mapping[int, Timesheet]) -> None:
        self._town = town
        self._house = town.diary.house
        self._sheets = sheets
        self._days: defaultdict[Day, list[TimeAccounting]] = defaultdict(list)
        if self._house.is_stacked:
            for entry in town.zammad.entries:
                self._days[_day(entry)].append(entry)

    def problems(self) -> Iterator[str]:
        """Timesheets of one day that lie on one another, though nobody moved one of them."""
        for entries in self._days.values():
            ours = [self._sheets[entry.id] for entry in entries if entry.id in self._sheets]
            unmoved = [sheet for sheet in ours if self._is_ours(sheet)]
            for one, other in pairwise(sorted(unmoved, key=lambda sheet: sheet.begin or 0)):
                if (one.end or 0) > (other.begin or 0) and one.duration and other.duration:
                    yield f"timesheets {one.id} and {other.id} lie on one another"

    def may_be_full(self, entry: TimeAccounting) -> bool:
        """Whether there may have been no room on its day, for all that was ever laid there."""
        rounding = self._house.rounding
        step = max(1, rounding.begin, rounding.end, rounding.duration) * MINUTE
        taken = sum(
            max(0, worked(each, self._house)) + 2 * step for each in self._days[_day(entry)]
        )
        return taken > FULL * LONGEST_DAY

    def _is_ours(self, sheet: Timesheet) -> bool:
        return sheet.id not in self._town.diary.edited and sheet.id not in self._town.copies


def _day(entry: TimeAccounting) -> Day:
    return entry.created_by_id, day_of(entry)

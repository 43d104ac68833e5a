"""Which booking a timesheet is of, read as the documentation says it, not with our own rules."""

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

from adapters.sandbox.kimai.entities import Timesheet

# `contract.md`: TL-<log>-<connector and booking, the booking in the last ten digits>-<slot>
MARKER = re.compile(r"TL-[0-9a-f]{8}-\d{6}(\d{10})-01$")


def booking_of(sheet: Timesheet) -> int | None:
    """The Zammad id of the booking whose marker the timesheet carries."""
    return _booking_in(sheet.description or "")


@lru_cache(maxsize=1 << 14)  # the same texts are looked at with each thing that people do
def _booking_in(description: str) -> int | None:
    found = MARKER.search(description.rstrip())
    return int(found[1]) if found else None


def by_booking(sheets: Iterable[Timesheet]) -> dict[int | None, list[Timesheet]]:
    """All timesheets under the booking they belong to; under None those of nobody."""
    found: defaultdict[int | None, list[Timesheet]] = defaultdict(list)
    for sheet in sheets:
        found[booking_of(sheet)].append(sheet)
    return dict(found)

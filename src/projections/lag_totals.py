"""How long bookings took into Kimai, per day of the write (UTC), as a histogram.

Seconds are counted under the largest value that shares their five leading binary digits, so that a
percentile is right to a sixteenth and a day has few names, whatever it holds.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC
from decimal import Decimal

from projections import time_entries
from projections.tally import Amounts, Counted, Tally

ONE = Decimal(1)
DIGITS = 5  # leading binary digits that are kept
SEEN, BOOKED = "seen", "booked"  # since the service saw the booking, since Zammad has it


def bucket(seconds: int) -> int:
    """The largest number of seconds that counts as the same."""
    dropped = max(0, seconds.bit_length() - DIGITS)
    return ((seconds >> dropped) + 1 << dropped) - 1


def percentile(parts: Iterable[Amounts], which: str, share: float) -> int | None:
    """The seconds within which that share of all writes came about; None without any."""
    counts: dict[int, int] = {}
    for amounts in parts:
        for name, times in amounts.items():
            kind, _, digits = name.partition(".")
            if kind == which:
                counts[int(digits)] = counts.get(int(digits), 0) + int(times)
    left = sum(counts.values()) * share
    for seconds in sorted(counts):
        left -= counts[seconds]
        if left <= 0:
            return seconds
    return None


def written(parts: Iterable[Amounts]) -> int:
    """How many writes they are of."""
    return int(sum(amounts.get("written", 0) for amounts in parts))


def _counted(row: time_entries.Row) -> Counted:
    if row.lag_seen is None or row.lag_booked is None:
        return ()
    return row.updated_at.astimezone(UTC).date(), row.lag_seen, row.lag_booked


def _amounts(counted: Counted) -> Mapping[int, Amounts]:
    if not counted:
        return {}
    day, seen, booked = counted
    names = ("written", f"{SEEN}.{bucket(seen)}", f"{BOOKED}.{bucket(booked)}")
    return {day.toordinal(): dict.fromkeys(names, ONE)}


def _outlives(before: time_entries.Row, after: time_entries.Row) -> bool:
    """A write goes on counting whatever comes after it."""
    return before.lag_seen is not None and before.position != after.position


TALLY: Tally[time_entries.Row] = Tally(
    name="lag_totals",
    of=time_entries.PROJECTION,
    counted=_counted,
    amounts=_amounts,
    outlives=_outlives,
)

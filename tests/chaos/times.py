"""From when to when a booking is in Kimai, by the settings of a house."""

from decimal import ROUND_HALF_UP, Decimal

from adapters.sandbox.zammad.records import TimeAccounting, instant
from tests.chaos.diary import House, Rounding

MINUTE = 60  # seconds

Times = tuple[int, int, int]  # begin, end, duration: seconds, as Kimai stores them


def worked(entry: TimeAccounting, house: House) -> int:
    """Whole seconds, as Kimai stores them."""
    exactly = Decimal(entry.time_unit) * house.minutes * MINUTE
    return int(exactly.quantize(Decimal(1), ROUND_HALF_UP))


def times(entry: TimeAccounting, house: House, seconds: int) -> Times:
    """Those of the booking when so many seconds of it are left."""
    booked_at = int(instant(entry.created_at).timestamp())
    anchored = booked_at if house.anchor == "start_at_booking" else booked_at - seconds
    begin = anchored - anchored % MINUTE
    return rounded(begin, begin + seconds, house.rounding)


def rounded(begin: int, end: int, rounding: Rounding) -> Times:
    """As Kimai rounds (`peers/kimai.md`, 2.4)."""

    def step(seconds: int, minutes: int, *, up: bool) -> int:
        size = minutes * MINUTE
        rest = seconds % size if size else 0
        if rounding.mode == "closest":
            up = rest > size / 2
        elif rounding.mode != "default":
            up = rounding.mode == "ceil"
        return seconds - rest + (size if rest and up else 0)

    begin = step(begin, rounding.begin, up=False)
    end = step(end, rounding.end, up=True)
    return begin, end, step(end - begin, rounding.duration, up=True)

"""From when to when a booking is in Kimai, by the settings of a house."""

from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from adapters.sandbox.kimai.entities import Timesheet
from adapters.sandbox.zammad.records import TimeAccounting, instant
from tests.chaos.diary import House, Rounding

MINUTE = 60  # seconds
ZONE = ZoneInfo("Europe/Brussels")  # of the connector, as the demo sets it
DAY_START = time(9, 0)  # by default
LONGEST_DAY = 15 * 60 * MINUTE  # from then to midnight

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
    ends_then = house.anchor == "end_at_booking"
    return rounded(begin, begin + seconds, house.rounding, ends_then=ends_then)


def rounds_away(entry: TimeAccounting, house: House, seconds: int) -> bool:
    """Whether rounding leaves nothing of so much of the booking: it gets no timesheet then.

    Stacked, it may lie anywhere, so anywhere is looked at.
    """
    if not house.is_stacked:
        return not times(entry, house, seconds)[2]
    steps = max(1, house.rounding.begin) * max(1, house.rounding.end)
    begins = range(_day_start(entry), _day_start(entry) + steps * MINUTE, MINUTE)
    return any(not rounded(begin, begin + seconds, house.rounding)[2] for begin in begins)


def stored(sheet: Timesheet) -> Times:
    """Those of a timesheet; none of ours is ever left running."""
    assert sheet.begin is not None
    assert sheet.end is not None
    return sheet.begin, sheet.end, sheet.duration


def could_be(entry: TimeAccounting, house: House, seconds: int, seen: Times) -> bool:
    """Whether a timesheet with these times can be of that booking when so much of it is left.

    Stacked, it may lie anywhere on its person's day, from the hour on at which days begin.
    """
    if not house.is_stacked:
        return times(entry, house, seconds) == seen
    first = _day_start(entry)
    reach = max(1, house.rounding.begin) * MINUTE
    begins = range(seen[0] - seen[0] % MINUTE - reach, seen[0] + reach + 1, MINUTE)
    return any(
        first <= begin < first + LONGEST_DAY
        and rounded(begin, begin + seconds, house.rounding) == seen
        for begin in begins
    )


def day_of(entry: TimeAccounting) -> date:
    """The local day on which it was booked."""
    return _date(int(instant(entry.created_at).timestamp()))


def _day_start(entry: TimeAccounting) -> int:
    return int(datetime.combine(day_of(entry), DAY_START, tzinfo=ZONE).timestamp())


def rounded(begin: int, end: int, rounding: Rounding, *, ends_then: bool = False) -> Times:
    """As the service sends it, which Kimai, rounding in the same way, leaves as it is.

    `contract.md`, section 4, `peers/kimai.md`, 2.4. A rounded duration moves the end; or the begin
    of what ends when it was booked, unless that lay on the day before.
    """

    def step(seconds: int, minutes: int, *, up: bool) -> int:
        size = minutes * MINUTE
        rest = seconds % size if size else 0
        if rounding.mode == "closest":
            up = 2 * rest >= size
        elif rounding.mode != "default":
            up = rounding.mode == "ceil"
        return seconds - rest + (size if rest and up else 0)

    first = step(begin, rounding.begin, up=False)
    last = step(end, rounding.end, up=True) if end > begin else first
    length = step(last - first, rounding.duration, up=True)
    if ends_then and _date(last - length) == _date(first):
        return last - length, last, length
    return first, first + length, length


def _date(instant: int) -> date:
    return datetime.fromtimestamp(instant, ZONE).date()

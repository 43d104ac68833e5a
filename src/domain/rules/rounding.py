"""What Kimai will store for a begin and an end, by the rounding that its administrator set.

Source: `peers/kimai.md`, 2.4 (RoundingService.php). Kimai counts minutes from 1970 in UTC, not
from local midnight, and rounds the closest step down on a tie. The weekday is that of the end, in
the zone in which the request is read. Its settings cannot be asked for, so ours may say less than
there is: whole minutes are then to be expected, which is what a fresh Kimai rounds to.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from domain.connector.settings import KimaiSettings, RoundingMode
from domain.ports.timesheets import Timesheet
from domain.time_entry.values import Stored, Written

NOTHING = timedelta(0)
MINUTE = timedelta(minutes=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TO_THE_MINUTE = KimaiSettings(round_begin=1, round_end=1)  # as a fresh Kimai does
# no zone is further from UTC, so the local weekday is one of those in between
WEST, EAST = timedelta(hours=-12), timedelta(hours=14)


def as_asked(begin: datetime, end: datetime) -> Stored:
    """Without any rounding."""
    return Stored(begin=begin, end=end, duration=end - begin)


def foreseen(begin: datetime, end: datetime, kimai: KimaiSettings, zone: ZoneInfo) -> Stored:
    """Exactly what Kimai stores under these settings; `zone` is where the end's weekday lies."""
    if end.astimezone(zone).weekday() not in kimai.rounding_days:
        return as_asked(begin, end)
    return _rounded(begin, end, kimai, NOTHING)


def came_true(stored: Stored | None, written: Written | Timesheet) -> bool:
    """Whether Kimai did store what was foreseen."""
    return stored is not None and (stored.begin, stored.end, stored.duration) == (
        written.begin,
        written.end,
        written.duration,
    )


def explained(begin: datetime, end: datetime, kimai: KimaiSettings) -> tuple[Stored, ...]:
    """All that Kimai may store for these without anybody having changed anything.

    As asked, to the minute as a fresh Kimai does, and as set; where a rounding is not set, to the
    minute all the same. A weekday counts when it is that of the end somewhere: who wrote last
    decides where (`peers/kimai.md`, 5).
    """
    results = [as_asked(begin, end), _rounded(begin, end, TO_THE_MINUTE, NOTHING)]
    if _weekdays(end) & set(kimai.rounding_days):
        results.append(_rounded(begin, end, kimai, NOTHING))
        results.append(_rounded(begin, end, kimai, MINUTE))
    return tuple(dict.fromkeys(results))


def _rounded(begin: datetime, end: datetime, kimai: KimaiSettings, least: timedelta) -> Stored:
    at_begin, at_end, of_duration = _MODES[kimai.rounding_mode]
    begin = EPOCH + at_begin(begin - EPOCH, max(least, _minutes(kimai.round_begin)))
    end = EPOCH + at_end(end - EPOCH, max(least, _minutes(kimai.round_end)))
    duration = of_duration(end - begin, _minutes(kimai.round_duration))
    return Stored(begin=begin, end=end, duration=duration)


def _weekdays(end: datetime) -> set[int]:
    utc = end.astimezone(UTC)
    return {(utc + WEST).weekday(), utc.weekday(), (utc + EAST).weekday()}


def _minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


def _rest(value: timedelta, step: timedelta) -> timedelta:
    """PHP's `%`: with the sign of the left side, so what is below zero rounds towards it."""
    if step == NOTHING:
        return NOTHING
    rest = abs(value) % step
    return rest if value >= NOTHING else -rest


def _down(value: timedelta, step: timedelta) -> timedelta:
    return value - _rest(value, step)


def _up(value: timedelta, step: timedelta) -> timedelta:
    rest = _rest(value, step)
    return value if rest == NOTHING else value - rest + step


def _closest(value: timedelta, step: timedelta) -> timedelta:
    rest = _rest(value, step)
    return value - rest + (step if rest > step / 2 else NOTHING)


_Rounder = Callable[[timedelta, timedelta], timedelta]
_MODES: Mapping[RoundingMode, tuple[_Rounder, _Rounder, _Rounder]] = MappingProxyType(
    {
        RoundingMode.DEFAULT: (_down, _up, _up),
        RoundingMode.FLOOR: (_down, _down, _down),
        RoundingMode.CEIL: (_up, _up, _up),
        RoundingMode.CLOSEST: (_closest, _closest, _closest),
    }
)

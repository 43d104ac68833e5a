"""Rounding of begin, end and duration. Source: RoundingService.php, src/Timesheet/Rounding/."""

import math
from collections.abc import Callable

from adapters.sandbox.kimai import phptime
from adapters.sandbox.kimai.entities import Timesheet
from adapters.sandbox.kimai.settings import KimaiSettings

_RULE = "timesheet.rounding.default."
_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def _down(seconds: int, step: int) -> int:
    return seconds - _rest(seconds, step)


def _up(seconds: int, step: int) -> int:
    rest = _rest(seconds, step)
    return seconds if rest == 0 else seconds - rest + step


def _closest(seconds: int, step: int) -> int:
    rest = _rest(seconds, step)
    return seconds - rest + (step if rest > step / 2 else 0)


def _rest(seconds: int, step: int) -> int:
    """PHP's `%`: the sign of the left side, so instants before 1970 round towards it."""
    return int(math.fmod(seconds, step))


_Rounder = Callable[[int, int], int]
_MODES: dict[str, tuple[_Rounder, _Rounder, _Rounder]] = {
    "default": (_down, _up, _up),
    "floor": (_down, _down, _down),
    "ceil": (_up, _up, _up),
    "closest": (_closest, _closest, _closest),
}


def apply(settings: KimaiSettings, record: Timesheet) -> bool:
    """Round a stopped record and set its duration; whether begin or end moved."""
    if record.begin is None or record.end is None:
        record.duration = 0
        return False
    before = record.begin, record.end
    if _day(record.end, record.zone) in _days(settings):
        begin, end, duration = _MODES[settings.text(f"{_RULE}mode")]
        record.begin = _rounded(begin, before[0], settings.number(f"{_RULE}begin"))
        record.end = _rounded(end, before[1], settings.number(f"{_RULE}end"))
        elapsed = record.end - record.begin - record.pause
        record.duration = _rounded(duration, elapsed, settings.number(f"{_RULE}duration"))
    else:
        record.duration = record.elapsed() or 0
    return before != (record.begin, record.end)


def round_begin(settings: KimaiSettings, begin: int, zone: str) -> int:
    """A begin the server chose itself, rounded as the rule says."""
    if _day(begin, zone) not in _days(settings):
        return begin
    rounder = _MODES[settings.text(f"{_RULE}mode")][0]
    return _rounded(rounder, begin, settings.number(f"{_RULE}begin"))


def _rounded(rounder: _Rounder, seconds: int, minutes: int) -> int:
    return seconds if minutes <= 0 else rounder(seconds, minutes * 60)


def _days(settings: KimaiSettings) -> set[str]:
    return {day.strip().lower() for day in settings.text(f"{_RULE}days").split(",")}


def _day(instant: int, zone: str) -> str:
    return _DAYS[phptime.local(instant, zone).weekday()]

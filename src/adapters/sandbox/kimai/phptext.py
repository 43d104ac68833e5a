"""PHP's relative date texts, as Kimai's lockdown and default-begin settings use them.

Source: https://www.php.net/manual/en/datetime.formats.relative.php, the part an administrator
writes: `first day of last month 00:00:00`, `-1 month`, `+5 days`, `sunday last week 23:59:59`.
"""

import calendar
import re
from datetime import datetime, timedelta

from adapters.sandbox.kimai import phptime

_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_MONTHS = [m.lower() for m in calendar.month_name][1:]
_UNITS = {"sec": 1, "second": 1, "min": 60, "minute": 60, "hour": 3600}
_WORDS = {"last": -1, "previous": -1, "this": 0, "next": 1}
_ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"]
_YEAR = 12  # months


class UnknownText(ValueError):
    """A date text this reader does not know; Kimai then skips the rule that uses it."""


def resolve(text: str, now: int, zone: str) -> int:
    """The instant `text` names at `now`, read in `zone`.

    Raises:
        UnknownText: not a text PHP or this reader understands.
    """
    return _Reader(phptime.local(now, zone)).read(text.strip().lower(), zone, now)


def modify(instant: int, text: str, zone: str) -> int:
    """`DateTime::modify`: `instant` moved by `text`.

    Raises:
        UnknownText: as `resolve`.
    """
    return resolve(text, instant, zone)


class _Reader:
    """Collects date, time and relative parts; PHP applies them together at the end."""

    def __init__(self, base: datetime) -> None:
        self.base = base
        self.time: tuple[int, int, int] | None = None
        self.date: tuple[int, int, int] | None = None
        self.months = 0
        self.days = 0
        self.seconds = 0
        self.edge: str | None = None  # first or last day of the month
        self.weekday: tuple[int, int] | None = None  # day, behaviour
        self.instant: int | None = None
        self._weeks_relative = False

    _FORMS: tuple[tuple[str, str], ...] = (
        (r"@(-?\d+)", "_stamp"),
        (r"(\d{4})-(\d{1,2})-(\d{1,2})t?", "_iso_date"),
        (r"(\d{1,2})\.(\d{1,2})\.(\d{4})", "_german_date"),
        (r"t?(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d+)?", "_clock"),
        (r"(first|last) day of", "_edge_of"),
        (r"(?:midnight|today)", "_midnight"),
        (r"noon", "_noon"),
        (r"now", "_nothing"),
        (r"(yesterday|tomorrow)", "_next_to"),
        (r"([+-]?)\s*(\d+)\s*([a-z]+?)s?\s+ago", "_ago"),
        (r"([+-]*)\s*(\d+)\s*([a-z]+?)s?\b", "_signed"),
        (r"(last|previous|this|next) (\w+?)s?\b", "_worded"),
        (r"(" + "|".join(_ORDINALS) + r") (\w+?)s?\b", "_ordinal"),
        (r"(" + "|".join(_DAYS) + r"|mon|tue|wed|thu|fri|sat|sun)\b", "_named_day"),
        (r"(" + "|".join(_MONTHS) + r")\b", "_named_month"),
    )

    def read(self, text: str, zone: str, now: int) -> int:
        while text:
            for pattern, handler in self._FORMS:
                if match := re.match(pattern, text):
                    getattr(self, handler)(*match.groups())
                    text = text[match.end() :].lstrip(" ,\t")
                    break
            else:
                raise UnknownText(text)
        if self.instant is not None:
            return self.instant + self.seconds
        return self._result(zone, now)

    def _result(self, zone: str, now: int) -> int:
        untouched = self.time is None and self.date is None and self.edge is None
        if untouched and not (self.months or self.days or self.weekday):
            return now + self.seconds  # pure seconds move the instant, not the wall time
        year, month, day = self.date or (self.base.year, self.base.month, self.base.day)
        clock = self.time or (self.base.hour, self.base.minute, self.base.second)
        month0 = month - 1 + self.months
        year, month = year + month0 // _YEAR, month0 % _YEAR + 1
        if self.edge == "first":
            day = 1
        elif self.edge == "last":
            day = calendar.monthrange(year, month)[1]
        at = datetime(year, month, 1) + timedelta(days=day - 1 + self.days)  # noqa: DTZ001  wall time
        at = self._to_weekday(at)
        wall = phptime.wall_seconds(at) + clock[0] * 3600 + clock[1] * 60 + clock[2]
        return phptime.to_instant(wall, zone) + self.seconds

    def _to_weekday(self, at: datetime) -> datetime:
        if self.weekday is None:
            return at
        day, behaviour = self.weekday
        if self._weeks_relative:  # "monday last week": the day of that ISO week
            return at + timedelta(days=day - at.weekday())
        ahead = (day - at.weekday()) % 7
        if behaviour > 0:
            return at + timedelta(days=ahead or 7)
        if behaviour < 0:
            return at - timedelta(days=(at.weekday() - day) % 7 or 7)
        return at + timedelta(days=ahead)

    def _stamp(self, seconds: str) -> None:
        self.instant = int(seconds)

    def _iso_date(self, year: str, month: str, day: str) -> None:
        self.date = int(year), int(month), int(day)
        self.time = self.time or (0, 0, 0)

    def _german_date(self, day: str, month: str, year: str) -> None:
        self._iso_date(year, month, day)

    def _clock(self, hour: str, minute: str, second: str | None) -> None:
        self.time = int(hour), int(minute), int(second or 0)

    def _edge_of(self, edge: str) -> None:
        self.edge = edge

    def _midnight(self) -> None:
        self.time = 0, 0, 0

    def _noon(self) -> None:
        self.time = 12, 0, 0

    def _nothing(self) -> None:
        return

    def _next_to(self, word: str) -> None:
        self.days += 1 if word == "tomorrow" else -1
        self.time = 0, 0, 0

    def _ago(self, sign: str, count: str, unit: str) -> None:
        self._add(unit, int(count) if sign == "-" else -int(count))

    def _signed(self, signs: str, count: str, unit: str) -> None:
        self._add(unit, -int(count) if signs.count("-") % 2 else int(count))

    def _worded(self, word: str, unit: str) -> None:
        if (day := _weekday(unit)) is not None:
            self.weekday = day, _WORDS[word] or 0
            self.time = self.time or (0, 0, 0)
        else:
            self._weeks_relative |= unit == "week"
            self._add(unit, _WORDS[word])

    def _ordinal(self, word: str, unit: str) -> None:
        self._add(unit, _ORDINALS.index(word) + 1)

    def _named_day(self, name: str) -> None:
        day = _weekday(name)
        assert day is not None
        self.weekday = day, 0
        self.time = self.time or (0, 0, 0)

    def _named_month(self, name: str) -> None:
        self.date = self.base.year, _MONTHS.index(name) + 1, self.base.day

    def _add(self, unit: str, count: int) -> None:
        if unit in _UNITS:
            self.seconds += count * _UNITS[unit]
        elif unit in {"day", "weekday"}:
            self.days += count
        elif unit in {"week", "fortnight"}:
            self.days += count * (7 if unit == "week" else 14)
        elif unit == "month":
            self.months += count
        elif unit == "year":
            self.months += count * _YEAR
        else:
            raise UnknownText(unit)


def _weekday(name: str) -> int | None:
    for index, day in enumerate(_DAYS):
        if name in {day, day[:3]}:
            return index
    return None

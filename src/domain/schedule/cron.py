"""Cron expressions in a zone: the one reader, for the preview and for what is really run.

croniter reads the expression, in plain wall time; the clock changes are ours (`contract.md`,
section 9): a wall time that occurs twice counts at its first occurrence, and those that a clock
change leaves out count once, at the instant right after them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, CroniterError, croniter

from domain.errors import RuleViolation

SHORTEST, LONGEST = 9, 100  # characters
FIELDS = ("minute", "hour", "day of the month", "month", "weekday")
ALL = (60, 24, 31, 12, 7)  # values of each
_NUMBER = r"\d{1,2}"
_MONTH = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_WEEKDAY = "sun|mon|tue|wed|thu|fri|sat"
_SHAPES = tuple(
    re.compile(rf"(?:{part})(?:,(?:{part}))*", re.IGNORECASE | re.ASCII)
    for value in (_NUMBER, _NUMBER, _NUMBER, f"{_NUMBER}|{_MONTH}", f"{_NUMBER}|{_WEEKDAY}")
    for part in (rf"\*(?:/{_NUMBER})?|(?:{value})(?:-(?:{value})(?:/{_NUMBER})?)?",)
)
_SPAN = re.compile(r"(\w+)-(\w+)(?:/(\d+))?")
_NAMES = {
    name: str(number)
    for names, first in ((_MONTH, 1), (_WEEKDAY, 0))
    for number, name in enumerate(names.split("|"), first)
}
_LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))  # of the fields, in their order
_SUNDAY = 7  # as people may write it; it is 0 as well
_SECOND = timedelta(seconds=1)
_A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Cron:
    """A readable expression; `text` has one blank between its five fields."""

    text: str

    @classmethod
    def parse(cls, text: str) -> "Cron":
        """Raises RuleViolation `cron_invalid`, saying which field is wrong."""
        if not SHORTEST <= len(text) <= LONGEST:
            raise _invalid(f"has {SHORTEST} to {LONGEST} characters")
        parts = text.split()
        if len(parts) != len(FIELDS):
            raise _invalid(f"has five fields ({', '.join(FIELDS)}), not {len(parts)}")
        for name, part, shape in zip(FIELDS, parts, _SHAPES, strict=True):
            if not shape.fullmatch(part):
                raise _invalid(f"cannot have {part!r} as {name}")
        cron = cls(" ".join(parts))
        try:
            next(cron._walls(datetime(2000, 1, 1), forward=True))  # noqa: DTZ001 # wall time
        except CroniterBadDateError as error:
            raise _invalid("names a day that never comes") from error
        except CroniterError as error:
            raise _invalid(f"cannot be read: {error}") from error
        return cron

    def following(self, after: datetime, zone: str) -> Iterator[datetime]:
        """The instants after `after`, earliest first, with the offset of the zone."""
        tz = ZoneInfo(zone)
        last = after
        for wall in self._walls(_wall(after, tz) - _shift(after, tz), forward=True):
            instant = _instant(wall, tz)
            if instant > last:
                last = instant
                yield instant.astimezone(tz)

    def before(self, until: datetime, zone: str) -> datetime:
        """The newest instant up to and including `until`."""
        tz = ZoneInfo(zone)
        begin = _wall(until, tz) + _shift(until, tz) + _SECOND
        instants = (_instant(wall, tz) for wall in self._walls(begin, forward=False))
        return next(instant for instant in instants if instant <= until).astimezone(tz)

    def _walls(self, begin: datetime, *, forward: bool) -> Iterator[datetime]:
        cron = croniter(_spelt_out(self.text), begin)
        step = cron.get_next if forward else cron.get_prev
        while True:
            yield step(datetime)


@lru_cache(maxsize=100)
def _spelt_out(text: str) -> str:
    """Values, and a star for all of them: croniter takes weekday `*/1` for a choice of days."""
    fields, _ = croniter.expand(_plain(text))
    return " ".join(map(_field, fields, ALL))


def _field(values: Sequence[int | str], count: int) -> str:
    return "*" if len(set(values)) == count else ",".join(str(value) for value in values)


def _plain(text: str) -> str:
    """With every span that has one value, or goes past the end of its field, written out.

    croniter 7.0 takes `5-5`, `jan-1` and `7-0` for everything, and miscounts steps past the end.
    """
    fields = zip(text.split(), _LIMITS, strict=True)
    return " ".join(
        ",".join(_written_out(part, low, high) for part in field.split(","))
        for field, (low, high) in fields
    )


def _written_out(part: str, low: int, high: int) -> str:
    span = _SPAN.fullmatch(part)
    if span is None:
        return part
    first, last = (int(_NAMES.get(end.lower(), end)) for end in span.group(1, 2))
    step = int(span[3] or 1)
    if first == _SUNDAY and high < _SUNDAY:
        first, last = 0, last % _SUNDAY
    if not (low <= first <= high and low <= last <= high and step):
        return part  # for croniter to take, or to refuse
    end = last if first <= last else last + high - low + 1
    values = range(first, end + 1, step)
    return ",".join(str(value if value <= high else value - high + low - 1) for value in values)


def _wall(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)


def _shift(instant: datetime, zone: ZoneInfo) -> timedelta:
    """By how much the clock changes around the instant; a whole day where a date was left out."""
    local = instant.astimezone(UTC)
    offsets = [
        (local + day).astimezone(zone).utcoffset() or timedelta()
        for day in (-_A_DAY, timedelta(), _A_DAY)
    ]
    return max(offsets) - min(offsets)


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant with that wall time; the end of the gap when there is none. In UTC."""
    first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if _wall(first, zone) == wall:
        return first
    # In a gap, fold 0 reckons with the offset before it and lies behind it; fold 1 lies before.
    low, high = wall.replace(tzinfo=zone, fold=1).astimezone(UTC), first
    old = low.astimezone(zone).utcoffset()
    while high - low > _SECOND:
        middle = low + timedelta(seconds=(high - low) // _SECOND // 2)
        if middle.astimezone(zone).utcoffset() == old:
            low = middle
        else:
            high = middle
    return high


def _invalid(what: str) -> RuleViolation:
    return RuleViolation("cron_invalid", f"A cron expression {what}.")

"""Wall times as PHP reads and prints them. Instants are whole seconds since 1970-01-01 UTC.

PHP and Python disagree about the hour that happens twice, and Python has no year 0, so instants
are integers here and zones are asked only for offsets.
Source: timelib `do_adjust_timezone`; peers/kimai.md §5 (table measured with PHP 8.2.36).
"""

import calendar
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  arithmetic on wall time, no zone meant
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = -62_135_596_800 + 2 * 86_400  # 0001-01-03T00:00Z: earlier instants use its offset
_LAST = 253_402_300_799 - 2 * 86_400  # 9999-12-29: later ones use that one
_WALL = re.compile(r"(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2}))?(.*)", re.DOTALL)
_STRICT = re.compile(r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})")
_OFFSET = re.compile(r"(?:GMT|UTC)?([+-])(\d{1,2})(?::?(\d{2}))?(?::?(\d{2}))?", re.IGNORECASE)
_FRACTION = re.compile(r"[.,:]\d+")
_MAX_HOUR, _MAX_MINUTE, _MAX_SECOND, _MAX_OFFSET_HOURS = 24, 59, 60, 99
_NAMED_OFFSETS = {
    "z": 0, "utc": 0, "gmt": 0, "cet": 3600, "cest": 7200, "est": -18000, "edt": -14400,
    "pst": -28800, "pdt": -25200, "bst": 3600, "eet": 7200, "eest": 10800,
}  # fmt: skip


class Wall(NamedTuple):
    """A parsed date and time: seconds since the epoch as if it were UTC, and its own zone."""

    as_utc: int
    offset: int | None = None  # seconds east, when the text carried an offset
    zone: str | None = None  # when the text carried a zone name


@lru_cache(maxsize=1)
def zone_names() -> dict[str, str]:
    """Known zone names by their lower-case form: PHP does not mind the case."""
    return {name.lower(): name for name in available_timezones()}


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def is_zone(name: str) -> bool:
    """Whether `name` is a time zone."""
    return name.lower() in zone_names()


def offset_at(instant: int, zone: str) -> int:
    """Seconds east of UTC that `zone` keeps at `instant`."""
    at = _EPOCH_UTC + timedelta(seconds=min(max(instant, _FIRST), _LAST))
    offset = at.astimezone(_zone(zone)).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def to_instant(wall: int, zone: str) -> int:
    """The instant PHP takes a wall time for; `wall` is that time counted as if it were UTC.

    A skipped time moves forward by the gap. Of a repeated one PHP takes the later east of UTC and
    the earlier west of it: it looks up the offset at the wall time *read as UTC* first.
    """
    current = offset_at(wall, zone)
    after = offset_at(wall - current, zone)
    if current == after:
        return wall - current
    changed = _last_change(wall - after, wall - current, zone)
    if changed is not None and wall - after >= changed + (current - after):
        return wall - current
    return wall - after


def _last_change(low: int, high: int, zone: str) -> int | None:
    """The change of offset in `(low, high]`, None if there is none."""
    if low >= high or offset_at(low, zone) == (target := offset_at(high, zone)):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if offset_at(middle, zone) == target:
            high = middle
        else:
            low = middle
    return high


def instant_of(wall: Wall, zone: str) -> int:
    """The instant of a parsed text; its own offset or zone goes before `zone`."""
    if wall.offset is not None:
        return wall.as_utc - wall.offset
    return to_instant(wall.as_utc, wall.zone or zone)


def local(instant: int, zone: str) -> datetime:
    """The naive wall time of `instant` in `zone`."""
    return _EPOCH + timedelta(seconds=instant + offset_at(instant, zone))


def iso(instant: int, zone: str) -> str:
    """`2026-11-02T09:00:00+0100`: PHP's ISO form, the offset without colon or seconds."""
    offset = offset_at(instant, zone)
    wall = _EPOCH + timedelta(seconds=instant + offset)
    minutes = abs(offset) // 60
    sign = "-" if offset < 0 else "+"
    return f"{wall.isoformat(timespec='seconds')}{sign}{minutes // 60:02d}{minutes % 60:02d}"


def wall_seconds(at: datetime) -> int:
    """A naive wall time counted as if it were UTC."""
    return calendar.timegm(at.timetuple())


def _counted(year: str, month: str, day: str, hour: str, minute: str, second: str) -> int | None:
    try:
        midnight = datetime(int(year), int(month), int(day))  # noqa: DTZ001  wall time
    except ValueError:
        return None
    h, m, s = int(hour), int(minute), int(second)
    if h > _MAX_HOUR or m > _MAX_MINUTE or s > _MAX_SECOND:
        return None
    days = (midnight - _EPOCH) // timedelta(days=1)
    return days * 86_400 + h * 3600 + m * 60 + s


def parse_lenient(text: str) -> Wall | None:
    """A form's date and time: seconds optional, `T` or space, fraction and zone accepted.

    Source: Symfony's `DateTimeToHtml5LocalDateTimeTransformer`, whose pattern has no end anchor.
    """
    match = _WALL.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, rest = match.groups()
    as_utc = _counted(year, month, day, hour, minute, second or "0")
    if as_utc is None:
        return None
    if second is not None and (fraction := _FRACTION.match(rest)):
        rest = rest[fraction.end() :]
    rest = rest.strip()
    return Wall(as_utc) if not rest else _with_zone(as_utc, rest)


def _with_zone(as_utc: int, text: str) -> Wall | None:
    text = text.removeprefix("(").removesuffix(")")
    if text.lower() in _NAMED_OFFSETS:
        return Wall(as_utc, offset=_NAMED_OFFSETS[text.lower()])
    if match := _OFFSET.fullmatch(text):
        sign, hours, minutes, seconds = match.groups()
        if int(hours) > _MAX_OFFSET_HOURS or int(minutes or 0) > _MAX_MINUTE:
            return None
        total = int(hours) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
        return Wall(as_utc, offset=-total if sign == "-" else total)
    if name := zone_names().get(text.lower()):
        return Wall(as_utc, zone=name)
    return None


def parse_strict(text: str) -> int | None:
    """A query's `YYYY-MM-DDTHH:MM:SS` and nothing else, counted as if it were UTC."""
    match = _STRICT.fullmatch(text)
    if match is None:
        return None
    hour, minute, second = (int(part) for part in match.groups()[3:])
    if hour >= _MAX_HOUR or minute > _MAX_MINUTE or second >= _MAX_SECOND:
        return None
    return _counted(*match.groups())

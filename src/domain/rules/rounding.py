"""The connector's rounding: what is sent of a begin and an end, and what Kimai will store of that.

What is sent is rounded already (`contract.md`, section 4), so a Kimai that rounds in the same way
leaves it as it is, and one that does not holds what was meant all the same.

Kimai: `peers/kimai.md`, 2.4 (RoundingService.php). It counts minutes from 1970 in UTC, not from
local midnight, and rounds the closest step down on a tie, where ours goes up. The weekday is that
of the end, in the zone in which the request is read. Its settings cannot be asked for, so ours may
say less than there is: whole minutes are then to be expected, which is what a fresh Kimai rounds
to.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from math import lcm
from types import MappingProxyType
from zoneinfo import ZoneInfo

from domain.connector.settings import KimaiSettings, RoundingMode
from domain.ports.timesheets import Timesheet
from domain.span import Span
from domain.time_entry.values import Basis, Desired, Stored, Written

NOTHING = timedelta(0)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TO_THE_MINUTE = KimaiSettings(round_begin=1, round_end=1)  # as a fresh Kimai does
# no zone is further from UTC, so the local weekday is one of those in between
WEST, EAST = timedelta(hours=-12), timedelta(hours=14)


def as_asked(begin: datetime, end: datetime) -> Stored:
    """Without any rounding."""
    return Stored(begin=begin, end=end, duration=end - begin)


def sent(
    begin: datetime, end: datetime, kimai: KimaiSettings, zone: ZoneInfo, *, ends_then: bool = False
) -> Span:
    """Begin and end as Kimai is asked for them; `zone` is where days and weekdays lie.

    Kimai takes no duration, so a rounded one moves the end, or the begin with `ends_then`, unless
    that lay on another day or on no step of its own. Where it would lie on no step either way,
    Kimai is left to round the duration.
    """
    if not _is_rounded(end, kimai, zone):
        return Span(begin=begin, end=end)
    span, length = _on_steps(begin, end, kimai)
    if ends_then:
        earlier = Span(begin=span.end - length, end=span.end)
        same_day = earlier.begin.astimezone(zone).date() == span.begin.astimezone(zone).date()
        if same_day and _is_on_steps(earlier, kimai):
            return earlier
    return _lasting(span, length, kimai)


def sent_length(
    part: Span, length: timedelta, kimai: KimaiSettings, zone: ZoneInfo, *, ends_then: bool
) -> timedelta:
    """How long work is asked for that lasts `length` and ends, or begins, where `part` does."""
    begin = part.end - length if ends_then else part.begin
    return sent(begin, begin + length, kimai, zone, ends_then=ends_then).duration


def foreseen(begin: datetime, end: datetime, kimai: KimaiSettings, zone: ZoneInfo) -> Stored:
    """Exactly what Kimai stores of what is sent; `zone` is where the end's weekday lies."""
    if not _is_rounded(end, kimai, zone):
        return as_asked(begin, end)
    return _rounded(begin, end, kimai, NOTHING)


def to_hold(desired: Desired, basis: Basis) -> Stored:
    """What Kimai is to hold of what was decided."""
    return basis.foreseen or as_asked(desired.begin, desired.end)


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


def reachable(begin: datetime, end: datetime, kimai: KimaiSettings) -> tuple[Stored, ...]:
    """All that may be in Kimai of work from then to then, sent as it is or rounded.

    For work that does not end where it was booked; weekdays as in `explained`.
    """
    found = explained(begin, end, kimai)
    if not _weekdays(end) & set(kimai.rounding_days):
        return found
    asked = _lasting(*_on_steps(begin, end, kimai), kimai)
    if asked == Span(begin=begin, end=end):
        return found
    return tuple(dict.fromkeys((*found, *explained(asked.begin, asked.end, kimai))))


def _is_rounded(end: datetime, kimai: KimaiSettings, zone: ZoneInfo) -> bool:
    return end.astimezone(zone).weekday() in kimai.rounding_days


def _on_steps(begin: datetime, end: datetime, kimai: KimaiSettings) -> tuple[Span, timedelta]:
    """Begin and end rounded, and the rounded duration.

    What has no length keeps none, and lies on a step of both. Steps that do not fit one another and
    would turn begin and end around are left to Kimai.
    """
    at_begin, at_end, of_duration = _OURS[kimai.rounding_mode]
    first = EPOCH + at_begin(begin - EPOCH, _minutes(kimai.round_begin))
    last = EPOCH + at_end(end - EPOCH, _minutes(kimai.round_end))
    if begin == end:
        both = lcm(max(1, kimai.round_begin), max(1, kimai.round_end))
        common = EPOCH + _down(first - EPOCH, _minutes(both))
        nothing = common if first - common < DAY else first
        return Span(begin=nothing, end=nothing), NOTHING
    if last < first:
        return Span(begin=begin, end=end), end - begin
    return Span(begin=first, end=last), of_duration(last - first, _minutes(kimai.round_duration))


def _lasting(span: Span, length: timedelta, kimai: KimaiSettings) -> Span:
    longer = Span(begin=span.begin, end=span.begin + length)
    return longer if _is_on_steps(longer, kimai) else span


def _is_on_steps(span: Span, kimai: KimaiSettings) -> bool:
    """Whether no rounding moves begin or end; seconds are never sent at the begin."""
    at_begin = max(MINUTE, _minutes(kimai.round_begin))
    at_end = _minutes(kimai.round_end)
    return not _rest(span.begin - EPOCH, at_begin) and not _rest(span.end - EPOCH, at_end)


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


def _closest_or_up(value: timedelta, step: timedelta) -> timedelta:
    rest = _rest(value, step)
    return value - rest + (step if rest and rest >= step / 2 else NOTHING)


_Rounder = Callable[[timedelta, timedelta], timedelta]
_Modes = Mapping[RoundingMode, tuple[_Rounder, _Rounder, _Rounder]]
_MODES: _Modes = MappingProxyType(
    {
        RoundingMode.DEFAULT: (_down, _up, _up),
        RoundingMode.FLOOR: (_down, _down, _down),
        RoundingMode.CEIL: (_up, _up, _up),
        RoundingMode.CLOSEST: (_closest, _closest, _closest),
    }
)
_OURS: _Modes = MappingProxyType({**_MODES, RoundingMode.CLOSEST: (_closest_or_up,) * 3})

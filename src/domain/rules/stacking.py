"""Bookings of one person laid end to end: where a day begins and ends, and its first free gap.

All arithmetic is on instants in UTC, so a day has 23, 24 or 25 hours, or half an hour more or
less, and nothing is lost or doubled when clocks change.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.connector.settings import KimaiSettings
from domain.rules.rounding import EPOCH, reachable
from domain.span import Span
from domain.work_day.values import Slot

MIDNIGHT = time(0, 0)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)

Reach = Callable[[datetime, datetime], Span]


def local_day(day: date, zone: ZoneInfo) -> Span:
    """From midnight to midnight as the clocks of `zone` say."""
    return Span(begin=day_begin(day, MIDNIGHT, zone), end=day_begin(day + DAY, MIDNIGHT, zone))


def day_begin(day: date, start: time, zone: ZoneInfo) -> datetime:
    """The instant at which clocks show `start`: the first one where they show it twice.

    A time that the clocks skip comes as much later as they are put forward (RFC 5545, 3.3.5).
    """
    return datetime.combine(day, start, tzinfo=zone).astimezone(UTC)


def reach_of(kimai: KimaiSettings) -> Reach:
    """What Kimai may make of a begin and an end, all that its rounding allows taken together."""

    def reach(begin: datetime, end: datetime) -> Span:
        possible = reachable(begin, end, kimai)
        return Span(
            begin=min(stored.begin for stored in possible),
            end=max(stored.end for stored in possible),
        )

    return reach


def slot_at(begin: datetime, duration: timedelta, reach: Reach) -> Slot:
    """A place that begins then."""
    end = begin + duration
    return Slot(begin=begin, end=end, reach=reach(begin, end))


def first_free(
    duration: timedelta, within: Span, busy: Iterable[Span], reach: Reach, *, step: int = 1
) -> Slot | None:
    """The earliest place between the busy spans that rounding does not lead out of.

    It begins on the first whole minute, or, where Kimai would round that back into what lies
    before it, on the first multiple of `step` minutes, which no rounding moves.
    """
    begin = within.begin
    for other in sorted(busy, key=lambda span: span.begin):
        if other.end <= begin:
            continue
        found = _between(begin, min(other.begin, within.end), duration, reach, step)
        if found is not None:
            return found
        begin = other.end
    return _between(begin, within.end, duration, reach, step)


def _between(
    begin: datetime, end: datetime, duration: timedelta, reach: Reach, step: int
) -> Slot | None:
    if duration > end - begin:
        return None
    for size in (MINUTE, max(MINUTE, timedelta(minutes=step))):
        slot = slot_at(_up_to(begin, size), duration, reach)
        if begin <= slot.reach.begin and slot.reach.end <= end:
            return slot
    return None


def _up_to(instant: datetime, size: timedelta) -> datetime:
    """The first multiple of `size` from 1970 on, as Kimai counts."""
    return instant + -(instant - EPOCH) % size

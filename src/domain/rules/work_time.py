"""When the work was done: Zammad knows the instant of booking only, the anchor says the rest.

All arithmetic is on instants in UTC, so a clock change moves nothing.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.connector.settings import WorkTimeAnchor
from domain.span import Span

MINUTE = timedelta(minutes=1)


def work_time(booked_at: datetime, duration: timedelta, anchor: WorkTimeAnchor) -> Span:
    """When the work was done, in UTC.

    Begin is cut down to a whole minute and end lies exactly `duration` later: Kimai's default
    rounding (begin down, end up, to the minute; `peers/kimai.md`, 2.4) then leaves whole minutes
    as they are, lengthens others by less than a minute, and nothing ends after it was booked.
    """
    match anchor:
        case WorkTimeAnchor.END_AT_BOOKING:
            begin = _whole_minute(booked_at - duration)
        case WorkTimeAnchor.START_AT_BOOKING:
            begin = _whole_minute(booked_at)
        case WorkTimeAnchor.DAY_START_STACKED:
            raise ValueError("a stacked booking has its place from its day (rules/stacking.py)")
    return Span(begin=begin, end=begin + duration)


def work_date(begin: datetime, zone: str) -> date:
    """The calendar day of the work in `zone`."""
    return begin.astimezone(ZoneInfo(zone)).date()


def _whole_minute(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)

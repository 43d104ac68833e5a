"""The dashboard's figures: contract, section 6, and those that it leads with."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import Field

from adapters.postgres.kpi import Moment
from api.as_of import AsOf, Then, instant_of
from api.bodies import Answer
from api.identity import Own, Viewer
from api.routing import LedgerRoute
from api.services import Services
from api.shapes import Number
from domain.schedule.cron import Cron
from projections import key_figures, kpi
from projections import schedule as schedule_view
from projections.key_figures import Interval
from projections.kpi import Standings

Range = Literal["7d", "30d", "90d"]
A_SECOND = timedelta(seconds=1)  # due times are whole minutes

router = APIRouter(prefix="/sync", tags=["sync"], route_class=LedgerRoute)


class DayMinutes(Answer):
    day: Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    date: date
    minutes: Number


class LastRunOut(Answer):
    id: int
    status: Literal["running", "completed", "failed"]
    started_at: datetime


class SeriesDay(Answer):
    date: date
    synced: Number
    pending: Number
    conflict: Number
    failed: Number
    ignored: Number


class Series(Answer):
    range: Range
    days: list[SeriesDay]


class Coverage(Answer):
    """Of the time booked on the days of the range, and still booked, how much is in Kimai.

    By work date. Bookings whose unit is unknown have no minutes yet; ignored ones count as booked.
    """

    minutes_in_kimai: Number
    minutes_booked: Number
    share: float | None = Field(description="0..1; null when nothing was booked")


class Held(Answer):
    entries: int
    minutes: Number


class HeldBack(Held):
    """What is not in Kimai and should be, whatever its day. `failed` are the dead letters."""

    pending: Held
    conflict: Held
    failed: Held


class Decisions(Answer):
    """`oldest_since`: when the conflict was opened that is open for longest."""

    entries: int
    oldest_since: datetime | None


class LagDay(Answer):
    date: date
    p95_seconds: int | None
    seen_p95_seconds: int | None


class SyncLag(Answer):
    """How long bookings took into Kimai, of the writes of the range (days of UTC).

    A write counts when Kimai confirmed it and nobody had to step in between. Its lag runs from
    the booking's last change in Zammad, or in the names with `seen` from when the service saw
    that, until the confirmation. Percentiles are right to a sixteenth; null without writes.
    `late` entries wait for the service (not for a person) since before the last whole interval
    between two due runs, which took `interval_seconds`; both null while the schedule is off.
    """

    written: int
    median_seconds: int | None
    p95_seconds: int | None
    seen_median_seconds: int | None
    seen_p95_seconds: int | None
    days: list[LagDay]
    late: int | None
    interval_seconds: int | None


class FormerFigures(Answer):
    """All as the service knew it after `position`; `at` is the moment it is of."""

    position: int
    at: datetime
    coverage: Coverage
    held_back: HeldBack
    decisions: Decisions
    sync_lag: SyncLag


class KeyFigures(FormerFigures):
    """`before`: what this route answered when the range began; null before the first event."""

    before: FormerFigures | None


class KpiOut(Answer):
    """Minutes are by work date; days are those of the display zone."""

    open_conflicts: int
    last_sync: datetime | None
    weekly_minutes: Annotated[list[DayMinutes], Field(description="7 days ending today")]
    synced_entries: int
    pending_entries: int
    failed_entries: int
    minutes_today: Number
    minutes_month: Number
    unsynced_minutes: Number
    lag_seconds: int
    webhook_success_rate: float | None
    active_connectors: int
    last_run: LastRunOut | None
    display_timezone: str
    series: Series
    position: int
    key_figures: KeyFigures


@router.get("/kpi", response_model=KpiOut)
async def get_kpi(
    _: Viewer,
    own: Own,
    as_of: AsOf,
    then: Then,
    which: Annotated[Range, Query(alias="range")] = "7d",
) -> object:
    """Figures for the dashboard; of the past they are those of that day."""
    now = then or await instant_of(own, as_of)
    zone = own.settings.display_timezone
    today, days, first = _days(own, now, which)
    interval = await _interval(own, now, as_of)
    async with own.kpi.reading() as moment:
        figures = await moment.figures(first=first, last=today, now=now, as_of=as_of)
        lead = await _lead(moment, figures, now, days, interval, as_of)
    return {
        **kpi.shown(figures, now=now, today=today, zone=zone, which=which),
        "key_figures": {**lead, "before": await _before(own, figures, now, which)},
    }


async def _before(
    own: Services, figures: Standings, now: datetime, which: Range
) -> dict[str, object] | None:
    """The key figures as they were when the range began; None before the first event."""
    then = now - timedelta(days=kpi.RANGES[which])
    position = await own.store.position_at(then) if figures.position else 0
    if not position:
        return None
    today, days, first = _days(own, then, which)
    interval = await _interval(own, then, position)
    async with own.kpi.reading() as moment:
        former = await moment.standings(first=first, last=today, as_of=position)
        return await _lead(moment, former, then, days, interval, position)


def _days(own: Services, now: datetime, which: Range) -> tuple[date, Sequence[date], date]:
    """Today, the days of the range, and the first day that is read."""
    today = now.astimezone(ZoneInfo(own.settings.display_timezone)).date()
    days = kpi.last_days(today, kpi.RANGES[which])
    return today, days, kpi.first_day(today, kpi.RANGES[which])


async def _lead(
    moment: Moment,
    known: Standings,
    now: datetime,
    days: Sequence[date],
    interval: Interval | None,
    as_of: int | None,
) -> dict[str, object]:
    """What of all that views add up to is shown first."""
    late = None if interval is None else interval.begin
    waits = await moment.waits(known, first=days[0], last=days[-1], late=late, as_of=as_of)
    return key_figures.shown(known, waits, now=now, days=days, interval=interval)


async def _interval(own: Services, now: datetime, as_of: int | None) -> Interval | None:
    """Between the last two due times of the schedule; None while it is off."""
    schedule = await own.views.one(schedule_view.PROJECTION, schedule_view.THE_ONE, as_of=as_of)
    if schedule is None or not schedule.enabled:
        return None
    cron = Cron(schedule.cron)
    end = cron.before(now, schedule.timezone).astimezone(UTC)
    begin = cron.before(end - A_SECOND, schedule.timezone).astimezone(UTC)
    return Interval(begin=begin, end=end)

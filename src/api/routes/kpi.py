"""The dashboard's figures: contract, section 6."""

from datetime import date, datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import Field

from api.as_of import AsOf, Then, instant_of
from api.bodies import Answer
from api.identity import Own, Viewer
from api.routing import LedgerRoute
from api.shapes import Number
from projections import kpi

Range = Literal["7d", "30d", "90d"]

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
    today = now.astimezone(ZoneInfo(zone)).date()
    first = kpi.first_day(today, kpi.RANGES[which])
    figures = await own.kpi.figures(first=first, last=today, now=now, as_of=as_of)
    return kpi.shown(figures, now=now, today=today, zone=zone, which=which)

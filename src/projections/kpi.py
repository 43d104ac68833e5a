"""The dashboard's figures (`contract.md`, section 6), of what the views add up to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType

from projections import sync_runs
from projections.entry_totals import minutes
from projections.numbers import json_number
from projections.tally import Amounts

RANGES: Mapping[str, int] = MappingProxyType({"7d": 7, "30d": 30, "90d": 90})  # in days
WEEK = 7  # days of `weekly_minutes`
DAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WAITING = ("pending", "writing")  # `writing` counts as pending
UNSYNCED = (*WAITING, "conflict", "failed")
# A row of the series: its names, and the states that each of them sums up.
SERIES: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "synced": ("synced",),
        "pending": WAITING,
        "conflict": ("conflict",),
        "failed": ("failed",),
        "ignored": ("ignored",),
    }
)
NOTHING = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class LastRun:
    """The run that was queued last; `state` is the contract's."""

    run_id: int
    state: str
    begun_at: datetime


@dataclass(frozen=True, kw_only=True)
class Standings:
    """How much stands where as of `position`: the amounts of `entry_totals`, in all and by day.

    Days without any are left out.
    """

    position: int
    whole: Amounts
    days: Mapping[date, Amounts]


@dataclass(frozen=True, kw_only=True)
class Figures(Standings):
    """What the figures are made of, all as of `position`.

    `oldest_pending` is since when the entry waits that waits longest. `success_rate` is the share
    (0..1) of webhook deliveries that were processed without error, None when there were none.
    """

    oldest_pending: datetime | None
    last_sync: datetime | None
    last_run: LastRun | None
    active_connectors: int
    success_rate: float | None


def first_day(today: date, days: int) -> date:
    """The first day that the figures of the last `days` days need: also of week and month."""
    return min(today.replace(day=1), last_days(today, max(days, WEEK))[0])


def headline(figures: Figures, *, now: datetime, today: date) -> dict[str, object]:
    """The figures without history, as the stream's frame `kpi` has them.

    `today` is the day of `now` in the display zone.
    """
    whole, days = figures.whole, figures.days
    month = [day for day in days if today.replace(day=1) <= day <= today]
    return {
        "open_conflicts": _number(whole, ("conflict",)),
        "last_sync": figures.last_sync,
        "synced_entries": _number(whole, ("synced",)),
        "pending_entries": _number(whole, WAITING),
        "failed_entries": _number(whole, ("failed",)),
        "minutes_today": json_number(_minutes(days.get(today, {}), ("synced",))),
        "minutes_month": json_number(
            sum((_minutes(days[day], ("synced",)) for day in month), NOTHING)
        ),
        "unsynced_minutes": json_number(_minutes(whole, UNSYNCED)),
        "lag_seconds": _age(figures.oldest_pending, now),
        "webhook_success_rate": figures.success_rate,
    }


def shown(
    figures: Figures, *, now: datetime, today: date, zone: str, which: str
) -> dict[str, object]:
    """The contract's KPI; `which` is a key of `RANGES`, `zone` the display zone."""
    last = figures.last_run
    return {
        **headline(figures, now=now, today=today),
        "weekly_minutes": [
            {
                "day": DAY_NAMES[day.weekday()],
                "date": day,
                "minutes": json_number(_minutes(figures.days.get(day, {}), ("synced",))),
            }
            for day in last_days(today, WEEK)
        ],
        "active_connectors": figures.active_connectors,
        "last_run": None
        if last is None
        else {
            "id": last.run_id,
            "status": sync_runs.STATUS_OF[last.state],
            "started_at": last.begun_at,
        },
        "display_timezone": zone,
        "series": {
            "range": which,
            "days": [
                {"date": day, **_of_day(figures.days.get(day, {}))}
                for day in last_days(today, RANGES[which])
            ],
        },
        "position": figures.position,
    }


def _of_day(amounts: Amounts) -> dict[str, object]:
    return {name: json_number(_minutes(amounts, states)) for name, states in SERIES.items()}


def last_days(today: date, days: int) -> Sequence[date]:
    """So many days up to today, oldest first; the calendar may begin later than they would."""
    days = min(days, today.toordinal())
    return [today - timedelta(days=back) for back in reversed(range(days))]


def _number(amounts: Amounts, states: Iterable[str]) -> int:
    return int(sum(amounts.get(state, NOTHING) for state in states))


def _minutes(amounts: Amounts, states: Iterable[str]) -> Decimal:
    return sum((amounts.get(minutes(state), NOTHING) for state in states), NOTHING)


def _age(since: datetime | None, now: datetime) -> int:
    """Whole seconds; 0 when nothing waits, or since an instant that has not come yet."""
    return 0 if since is None else max(0, int((now - since).total_seconds()))

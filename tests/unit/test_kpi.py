"""The figures as people read them."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from projections import kpi

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)  # a Monday
TODAY = NOW.date()


def figures(**values: Any) -> kpi.Figures:
    empty: dict[str, Any] = {
        "position": 7,
        "whole": {},
        "days": {},
        "oldest_pending": None,
        "last_sync": None,
        "last_run": None,
        "active_connectors": 0,
        "success_rate": None,
    }
    return kpi.Figures(**{**empty, **values})


def shown(which: str = "7d", today: date = TODAY, **values: Any) -> Any:
    return kpi.shown(figures(**values), now=NOW, today=today, zone="UTC", which=which)


def amounts(**values: str) -> dict[str, Decimal]:
    return {name.replace("__", "."): Decimal(value) for name, value in values.items()}


def test_the_week_has_seven_days_and_ends_today() -> None:
    days = {date(2026, 10, 29): amounts(synced="2", synced__minutes="95.5000")}
    week = shown(days=days)["weekly_minutes"]
    assert [day["day"] for day in week] == ["Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Mon"]
    assert (week[0]["date"], week[-1]["date"]) == (date(2026, 10, 27), TODAY)
    assert [day["minutes"] for day in week] == [0, 0, 95.5, 0, 0, 0, 0]


def test_the_month_begins_on_its_first_day() -> None:
    ten = amounts(synced="1", synced__minutes="10")
    days = {date(2026, 10, 31): ten, date(2026, 11, 1): ten, TODAY: ten}
    found = shown(days=days)
    assert (found["minutes_today"], found["minutes_month"]) == (10, 20)


def test_writing_counts_as_pending_and_what_waits_is_not_synced() -> None:
    whole = amounts(
        pending="2",
        pending__minutes="20",
        writing="1",
        writing__minutes="5",
        conflict="3",
        conflict__minutes="1.25",
        failed="1",
        failed__minutes="4",
        ignored="9",
        ignored__minutes="900",
        synced="8",
    )
    found = shown(whole=whole, days={TODAY: whole})
    assert found["pending_entries"] == 3
    assert (found["open_conflicts"], found["failed_entries"]) == (3, 1)
    assert (found["synced_entries"], found["unsynced_minutes"]) == (8, 30.25)
    assert found["series"]["days"][-1] == {
        "date": TODAY,
        "synced": 0,
        "pending": 25,
        "conflict": 1.25,
        "failed": 4,
        "ignored": 900,
    }


def test_the_series_has_a_row_for_each_day() -> None:
    for which, days in kpi.RANGES.items():
        series = shown(which)["series"]
        assert series["range"] == which
        assert len(series["days"]) == days
        assert series["days"][-1]["date"] == TODAY
        assert kpi.first_day(TODAY, days) <= series["days"][0]["date"]


def test_the_first_days_of_the_calendar_are_no_error() -> None:
    found = shown("90d", today=date(1, 1, 3))
    assert [day["date"] for day in found["weekly_minutes"]] == [date(1, 1, n) for n in (1, 2, 3)]


def test_nothing_waits_into_the_future() -> None:
    assert shown()["lag_seconds"] == 0
    since = datetime(2026, 11, 2, 8, 58, 48, tzinfo=UTC)
    assert shown(oldest_pending=since)["lag_seconds"] == 72
    assert shown(oldest_pending=datetime(2026, 11, 3, tzinfo=UTC))["lag_seconds"] == 0

"""The four figures that the dashboard leads with: carried, held back, to decide, and how fast."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType

from projections.entry_totals import minutes
from projections.kpi import WAITING, Standings
from projections.lag_totals import BOOKED, SEEN, percentile, written
from projections.numbers import json_number
from projections.tally import Amounts

# What was booked and still is: a booking that is gone in Zammad (`withdrawn`) is not.
BOOKED_STATES = ("synced", *WAITING, "conflict", "failed", "ignored")
HELD_BACK: Mapping[str, Sequence[str]] = MappingProxyType(
    {"pending": WAITING, "conflict": ("conflict",), "failed": ("failed",)}
)
MEDIAN, P95 = 0.5, 0.95


@dataclass(frozen=True, kw_only=True)
class Interval:
    """The schedule's last whole interval: two due times that follow each other."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, kw_only=True)
class Waits:
    """What the sums do not say: the oldest open conflict, entries that are late, lags per day.

    `late` is None without a schedule. `lags` are the amounts of `lag_totals`, by UTC day.
    """

    oldest_decision: datetime | None
    late: int | None
    lags: Mapping[date, Amounts]


def shown(
    figures: Standings,
    waits: Waits,
    *,
    now: datetime,
    days: Sequence[date],
    interval: Interval | None,
) -> dict[str, object]:
    """The figures of `days`, which end with the day of `now`."""
    of_days = [figures.days.get(day, {}) for day in days]
    in_kimai, booked = _minutes(of_days, ("synced",)), _minutes(of_days, BOOKED_STATES)
    lags = [waits.lags[day] for day in days if day in waits.lags]
    return {
        "position": figures.position,
        "at": now,
        "coverage": {
            "minutes_in_kimai": json_number(in_kimai),
            "minutes_booked": json_number(booked),
            "share": float(round(in_kimai / booked, 4)) if booked else None,
        },
        "held_back": {
            **_held([figures.whole], [state for part in HELD_BACK.values() for state in part]),
            **{name: _held([figures.whole], states) for name, states in HELD_BACK.items()},
        },
        "decisions": {
            "entries": _number([figures.whole], ("conflict",)),
            "oldest_since": waits.oldest_decision,
        },
        "sync_lag": {
            "written": written(lags),
            "median_seconds": percentile(lags, BOOKED, MEDIAN),
            "p95_seconds": percentile(lags, BOOKED, P95),
            "seen_median_seconds": percentile(lags, SEEN, MEDIAN),
            "seen_p95_seconds": percentile(lags, SEEN, P95),
            "days": [
                {
                    "date": day,
                    "p95_seconds": percentile([waits.lags.get(day, {})], BOOKED, P95),
                    "seen_p95_seconds": percentile([waits.lags.get(day, {})], SEEN, P95),
                }
                for day in days
            ],
            "late": waits.late,
            "interval_seconds": None
            if interval is None
            else int((interval.end - interval.begin).total_seconds()),
        },
    }


def _held(parts: Sequence[Amounts], states: Sequence[str]) -> dict[str, object]:
    return {
        "entries": _number(parts, states),
        "minutes": json_number(_minutes(parts, states)),
    }


def _number(parts: Sequence[Amounts], states: Sequence[str]) -> int:
    return int(sum(amounts.get(state, 0) for amounts in parts for state in states))


def _minutes(parts: Sequence[Amounts], states: Sequence[str]) -> Decimal:
    found = (amounts.get(minutes(state), Decimal(0)) for amounts in parts for state in states)
    return sum(found, Decimal(0))

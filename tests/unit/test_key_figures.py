"""The figures that the dashboard leads with, and how a lag is counted."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.event import Actor, Metadata, Recorded
from domain.ids import EntryId
from domain.time_entry.events import (
    ConflictOpened,
    ConflictResolved,
    EntryChangedAtSource,
    TimesheetUpdated,
)
from domain.time_entry.values import Operation, Outcome, ReasonCode
from projections import key_figures, lag_totals, time_entries
from projections.key_figures import Interval, Waits
from projections.projection import rows_after
from projections.tally import rows_of
from tests.support.believable import (
    START,
    booking,
    carried,
    decided,
    intended,
    observed,
    written,
)
from tests.unit.test_kpi import NOW, TODAY, amounts, figures

ENTRY = EntryId(10_000_000_007)
METADATA = Metadata(actor=Actor(kind="service", name="sync"), correlation_id="run-1", run_id=1)
Story = list[tuple[int, Any]]
DAYS = [TODAY - timedelta(days=1), TODAY]
NO_WAITS = Waits(oldest_decision=None, late=None, lags={})


def shown(waits: Waits = NO_WAITS, interval: Interval | None = None, **values: Any) -> Any:
    return key_figures.shown(figures(**values), waits, now=NOW, days=DAYS, interval=interval)


def test_coverage_is_what_is_in_kimai_of_all_that_is_still_booked() -> None:
    of_today = {
        name: Decimal(minutes)
        for name, minutes in {
            "synced.minutes": 60,
            "pending.minutes": 10,
            "writing.minutes": 5,
            "conflict.minutes": 15,
            "failed.minutes": 5,
            "ignored.minutes": 5,
            "withdrawn.minutes": 1000,
        }.items()
    }
    long_ago = {date(2026, 1, 1): amounts(synced__minutes="999")}
    found = shown(days={TODAY: of_today, **long_ago})["coverage"]
    assert found == {"minutes_in_kimai": 60, "minutes_booked": 100, "share": 0.6}
    assert shown()["coverage"]["share"] is None


def test_what_is_held_back_is_the_sum_of_its_states() -> None:
    whole = amounts(
        pending="2",
        pending__minutes="20",
        writing="1",
        writing__minutes="1",
        conflict="3",
        conflict__minutes="30",
        failed="4",
        failed__minutes="40",
        synced="5",
        ignored="6",
    )
    held = shown(whole=whole)["held_back"]
    assert (held["entries"], held["minutes"]) == (10, 91)
    assert held["pending"] == {"entries": 3, "minutes": 21}
    assert held["conflict"] == {"entries": 3, "minutes": 30}
    assert held["failed"] == {"entries": 4, "minutes": 40}


def test_the_interval_is_that_between_two_due_times() -> None:
    interval = Interval(begin=NOW - timedelta(hours=7), end=NOW - timedelta(hours=1))
    found = shown(Waits(oldest_decision=NOW, late=2, lags={}), interval)
    assert found["sync_lag"]["interval_seconds"] == 6 * 3600
    assert (found["sync_lag"]["late"], found["decisions"]["oldest_since"]) == (2, NOW)


@pytest.mark.parametrize("seconds", [0, 1, 31, 32, 33, 63, 64, 100, 3600, 86_400, 31_000_000])
def test_a_bucket_is_right_to_a_sixteenth(seconds: int) -> None:
    found = lag_totals.bucket(seconds)
    assert seconds <= found <= seconds * 17 / 16
    assert lag_totals.bucket(found) == found


def test_a_percentile_is_that_of_all_writes() -> None:
    day = date(2026, 11, 2)
    lags = [*range(1, 96), 200, 200, 200, 300, 400]
    counted = [((day, seconds, 2 * seconds), 1) for seconds in lags]
    (of_day,) = rows_of(lag_totals.TALLY, counted).values()
    assert lag_totals.written([of_day]) == 100
    assert lag_totals.percentile([of_day], "seen", 0.95) == lag_totals.bucket(95)
    assert lag_totals.percentile([of_day], "booked", 0.5) == lag_totals.bucket(100)
    assert lag_totals.percentile([of_day], "seen", 1) == lag_totals.bucket(400)
    assert lag_totals.percentile([], "seen", 0.95) is None


def at(seconds: int, events: Sequence[Any]) -> Story:
    return [(seconds, event) for event in events]


def lags(*story: tuple[int, Any]) -> list[tuple[Any, ...]]:
    """What counts of a booking's events, each so many seconds after the booking."""
    past = [
        Recorded(
            position=number,
            stream=f"time-entry-{ENTRY}",
            version=number,
            event=event,
            metadata=METADATA,
            occurred_at=START,
            recorded_at=START + timedelta(seconds=seconds),
            digest="",
        )
        for number, (seconds, event) in enumerate(story, 1)
    ]
    found = []
    for upto in range(1, len(past) + 1):
        (row,) = rows_after(time_entries.PROJECTION, past, upto).values()
        assert lag_totals.TALLY.counted is not None
        if counts := lag_totals.TALLY.counted(row):
            found.append((upto, *counts[1:]))
    return found


OBSERVED = observed(ENTRY, 7, START)
CREATE, CREATED = carried(ENTRY, 7, START)


def test_a_lag_is_counted_with_the_write_that_carries_the_booking_across() -> None:
    story: Story = [(100, OBSERVED), *at(130, CREATE), *at(160, CREATED)]
    assert lags(*story) == [(4, 60, 160)]
    changed = EntryChangedAtSource(
        entry_id=ENTRY, booking=booking(7, START + timedelta(seconds=500)), context=None, changed=()
    )
    again: Story = [
        (510, changed),
        (520, decided(ENTRY, 7, START, Outcome.UPDATE)),
        (520, intended(ENTRY, 7, START, 2, Operation.UPDATE)),
        (540, TimesheetUpdated(entry_id=ENTRY, intent=2, written=written(7, START))),
    ]
    assert lags(*story, *again) == [(4, 60, 160), (8, 30, 40)]


def test_a_booking_that_waited_for_a_person_has_no_lag() -> None:
    opened = ConflictOpened(entry_id=ENTRY, reason=ReasonCode.UNMAPPED_ACTIVITY, detail="no")
    story: Story = [
        (0, OBSERVED),
        (10, decided(ENTRY, 7, START, Outcome.HOLD)),
        (10, opened),
        (9000, ConflictResolved(entry_id=ENTRY, reason=opened.reason, action=None)),
        *at(9010, CREATE),
        *at(9020, CREATED),
    ]
    assert lags(*story) == []


def test_a_change_under_way_is_not_carried_by_the_older_write() -> None:
    changed = EntryChangedAtSource(
        entry_id=ENTRY, booking=booking(7, START), context=None, changed=()
    )
    story: Story = [(0, OBSERVED), *at(1, CREATE), (5, changed), *at(9, CREATED)]
    assert lags(*story) == []


def test_clocks_that_disagree_make_no_negative_lag() -> None:
    early = observed(ENTRY, 7, START + timedelta(hours=1))
    story: Story = [(0, early), *at(0, CREATE), *at(1, CREATED)]
    assert lags(*story) == [(4, 1, 0)]

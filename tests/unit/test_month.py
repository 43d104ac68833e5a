"""The demo tells the same story on whatever day somebody tries it."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.sandbox.month import BOOKINGS, believable_month

UNTIL = st.dates(date(2026, 1, 1), date(2036, 12, 31))
ON_CALL = "On call: failover watched during the clock change."


@settings(max_examples=30)
@given(until=UNTIL)
def test_the_month_ends_yesterday_and_holds_the_clock_change(until: date) -> None:
    month = believable_month(datetime.combine(until, datetime.min.time(), UTC))
    assert len(month.bookings) == BOOKINGS
    assert month.last_day == until - timedelta(days=1)
    for one in month.bookings:
        assert month.tickets[one.ticket].created_at < one.created_at
        assert one.created_at.date() <= until  # in New York it is still the day before
    lately = until - timedelta(days=30)
    assert sum(one.created_at.date() >= lately for one in month.bookings) > BOOKINGS / 2
    night = {one.created_at.date() for one in month.bookings if one.text == ON_CALL}
    assert len(night) == 1
    assert (night.pop() + timedelta(days=7)).month == 11


@settings(max_examples=30)
@given(until=UNTIL)
def test_one_run_covers_it(until: date) -> None:
    month = believable_month(datetime.combine(until, datetime.min.time(), UTC))
    tomorrow = until + timedelta(days=1)
    assert (tomorrow - month.first_day).days + 1 <= 366


@pytest.mark.parametrize(("until", "reached"), [("2027-10-15", True), ("2027-10-29", False)])
def test_only_before_the_next_change_the_last_one_is_too_long_ago(
    until: str, reached: bool
) -> None:
    month = believable_month(datetime.fromisoformat(until).replace(tzinfo=UTC))
    assert (month.bookings[0].created_at.date() > month.first_day) is reached

"""The rules of the schedule, and what a cron expression may be."""

from datetime import UTC, datetime
from itertools import islice

import pytest

from domain.change import Change
from domain.errors import RuleViolation
from domain.schedule.cron import Cron
from domain.schedule.decide import SCHEDULE, ChangeSchedule, Schedule
from domain.schedule.events import ScheduleChanged
from tests.support.given import given

NIGHTLY = ScheduleChanged(
    cron="30 2 * * *",
    timezone="Europe/Berlin",
    concurrency="skip",
    notifications=False,
    enabled=True,
    changes=(
        Change(field="cron", old="0 */6 * * *", new="30 2 * * *"),
        Change(field="timezone", old="UTC", new="Europe/Berlin"),
        Change(field="enabled", old=False, new=True),
    ),
)
FIELDS = {"cron": "30 2  * * *", "timezone": "Europe/Berlin", "enabled": True}


def test_a_change_names_what_it_changed() -> None:
    given(SCHEDULE).when(ChangeSchedule(fields=FIELDS)).then(NIGHTLY)


def test_what_changes_nothing_is_no_event() -> None:
    given(SCHEDULE, NIGHTLY).when(ChangeSchedule(fields=FIELDS)).then()
    given(SCHEDULE).when(ChangeSchedule(fields={"enabled": False})).then()


def test_another_version_is_refused() -> None:
    stale = ChangeSchedule(fields={"enabled": False}, expected=0)
    given(SCHEDULE, NIGHTLY).when(stale).then_refused("stale_version")


def test_it_exists_before_anybody_changed_it() -> None:
    assert Schedule() == Schedule(
        cron="0 */6 * * *",
        timezone="UTC",
        concurrency="skip",
        notifications=False,
        enabled=False,
        version=0,
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("* * * *", "9 to 100 characters"),
        ("0 " + "0," * 50 + "0 * * *", "9 to 100 characters"),
        ("@hourly   ", "five fields"),
        ("0 0 1 1 1 2026", "not 6"),
        ("0 0 L * *", "'L' as day of the month"),
        ("0 0 * * 5#2", "'5#2' as weekday"),
        ("0 0 ? * *", "'?' as day of the month"),
        ("H * * * *", "'H' as minute"),
        ("R * * * *", "'R' as minute"),
        ("0 0 * * mon-", "'mon-' as weekday"),
        ("0 0 * fri *", "'fri' as month"),
        ("٣ 0 * * *", "as minute"),
        ("60 * * * *", "out of range"),
        ("0 24 * * *", "out of range"),
        ("0 0 0 * *", "out of range"),
        ("0 0 * 13 *", "out of range"),
        ("0 0 * * 8", "out of range"),
        ("*/0 * * * *", "step"),
        ("0 0 30 2 *", "never comes"),
        ("0 0 31 4,6,9,11 *", "never comes"),
    ],
)
def test_what_is_no_cron_expression(text: str, says: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        Cron.parse(text)
    assert refused.value.code == "cron_invalid"
    assert says in str(refused.value)


def shown(cron: str, zone: str, after: datetime, count: int) -> list[str]:
    following = Cron.parse(cron).following(after, zone)
    return [instant.strftime("%a %d %H:%M%z") for instant in islice(following, count)]


@pytest.mark.parametrize("weekday", ["0", "7", "sun", "SUN", "7-0"])
def test_sunday_has_two_digits(weekday: str) -> None:
    friday = datetime(2026, 11, 27, tzinfo=UTC)
    days = ["Sun 29 09:00+0000", "Sun 06 09:00+0000"]
    assert shown(f"0 9 * * {weekday}", "UTC", friday, 2) == days


def test_a_span_of_one_is_that_one() -> None:
    """croniter 7.0 reads `5-5` as everything."""
    friday = datetime(2026, 11, 27, tzinfo=UTC)
    assert shown("05-5 9-9 * * fri-FRI", "UTC", friday, 2) == [
        "Fri 27 09:05+0000",
        "Fri 04 09:05+0000",
    ]


@pytest.mark.parametrize("every", ["*", "*/1", "0-6", "1-7", "mon-sun"])
def test_every_weekday_is_no_choice(every: str) -> None:
    """croniter 7.0 knows only the star as such."""
    friday = datetime(2026, 11, 27, tzinfo=UTC)
    days = ["Tue 01 09:00+0000", "Fri 01 09:00+0000"]
    assert shown(f"0 9 1 * {every}", "UTC", friday, 2) == days


def test_either_of_two_restricted_day_fields() -> None:
    friday = datetime(2026, 11, 27, tzinfo=UTC)
    days = ["Mon 30 00:00+0000", "Tue 01 00:00+0000", "Mon 07 00:00+0000"]
    assert shown("0 0 1 * mon", "UTC", friday, 3) == days


def test_a_time_that_is_left_out_comes_right_after() -> None:
    before = datetime(2026, 3, 28, 12, tzinfo=UTC)
    times = ["Sun 29 03:00+0200", "Mon 30 02:30+0200"]
    assert shown("30 2 * * *", "Europe/Berlin", before, 2) == times
    every = ["Sun 29 01:40+0100", "Sun 29 03:00+0200", "Sun 29 03:20+0200"]
    assert shown("*/20 * * * *", "Europe/Berlin", datetime(2026, 3, 29, 0, 30, tzinfo=UTC), 3) == (
        every
    )


def test_a_time_that_comes_twice_counts_once() -> None:
    before = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)
    times = ["Sun 25 02:00+0200", "Sun 25 02:30+0200", "Sun 25 03:00+0100"]
    assert shown("*/30 * * * *", "Europe/Berlin", before, 3) == times


def test_half_an_hour_and_a_whole_day_that_are_left_out() -> None:
    before = datetime(2026, 10, 3, tzinfo=UTC)
    times = ["Sun 04 02:30+1100", "Mon 05 02:15+1100"]
    assert shown("15 2 * * *", "Australia/Lord_Howe", before, 2) == times
    times = ["Thu 29 12:00-1000", "Sat 31 00:00+1400", "Sat 31 12:00+1400"]
    assert shown("0 12 * * *", "Pacific/Apia", datetime(2011, 12, 29, tzinfo=UTC), 3) == times


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("0 0 * jan-1 *", "0 0 * 1 *"),
        ("0 0 * 1-JAN *", "0 0 * 1 *"),
        ("0 0 * * sun-0", "0 0 * * 0"),
        ("0 0 * * 7-sun", "0 0 * * 0"),
        ("0 0 * * 07-00/2", "0 0 * * 0"),
        ("0 0 * * 7-1", "0 0 * * 0,1"),
        ("0 0 * * 6-1/2", "0 0 * * 1,6"),
        ("0 0 * * fri-mon/3", "0 0 * * 1,5"),
        ("50-10/15 * * * *", "5,50 * * * *"),
        ("0 22-2/3 * * *", "0 1,22 * * *"),
        ("0 0 28-3/2 * *", "0 0 1,3,28,30 * *"),
        ("0 0 1 oct-feb/2 *", "0 0 1 2,10,12 *"),
        ("0 0 * * 5-7/2", "0 0 * * 5,0"),
    ],
)
def test_a_span_counts_on_past_the_end_of_its_field(text: str, same: str) -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    ours, theirs = (islice(Cron.parse(each).following(begin, "UTC"), 100) for each in (text, same))
    assert list(ours) == list(theirs)

"""Clock changes: an instant told to Kimai as wall time is the same instant when Kimai reads it.

The cases are the table of `peers/kimai.md`, 5. Work is given as the instant the clock changes and
minutes before and after it, so the same cases hold in every zone; in UTC nothing ever changes.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from adapters.sandbox.kimai import phptime
from domain.connector.settings import WorkTimeAnchor
from domain.rules.wall_time import patch_times, wall_times
from domain.rules.work_time import work_date, work_time
from tests.support.clock_changes import CHANGES, WORK, ClockChange, Minutes


@pytest.mark.parametrize("work", WORK)
@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_every_case_of_a_clock_change_is_read_back_as_meant(
    change: ClockChange, work: Minutes
) -> None:
    """Kimai's traps 2, 3 and 5."""
    begin, end = change.work(work)
    zone = ZoneInfo(change.zone)
    for told, meant in zip(wall_times(begin, end, zone), (begin, end), strict=True):
        assert as_php_reads(told, change.zone) == meant


@pytest.mark.parametrize("work", WORK)
@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_patch_is_read_back_as_meant_in_the_zone_of_the_record(
    change: ClockChange, work: Minutes
) -> None:
    """Kimai's trap 3: a record may carry its owner's zone, an older one of it, or an unknown."""
    begin, end = change.work(work)
    zone = ZoneInfo(change.zone)
    for owner, record in ((zone, zone), (zone, ZoneInfo("Asia/Tokyo")), (None, zone)):
        offset = begin.astimezone(record).utcoffset()
        assert offset is not None
        sent = patch_times(begin, end, zone=owner, record_begin=begin, record_offset=offset)
        read = [as_php_reads(told, record.key) for told in sent]
        assert read == [begin, end]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_work_across_a_clock_change_keeps_its_length(change: ClockChange) -> None:
    booked = change.at + timedelta(minutes=25)
    work = work_time(booked, timedelta(minutes=50), WorkTimeAnchor.END_AT_BOOKING)
    begin, end = work.begin, work.end
    assert (begin, end) == (change.at - timedelta(minutes=25), booked)


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_only_an_hour_that_comes_twice_is_told_with_its_offset(change: ClockChange) -> None:
    """Kimai's trap 5; the official text asks for the form without offset."""
    minute = timedelta(minutes=1)
    zone = ZoneInfo(change.zone)
    told = wall_times(change.at - minute, change.at + minute, zone)
    assert all(datetime.fromisoformat(text).tzinfo is not None for text in told) is change.twice
    later = wall_times(change.at + timedelta(hours=3), change.at + timedelta(hours=4), zone)
    assert all(datetime.fromisoformat(text).tzinfo is None for text in later)


@pytest.mark.parametrize(
    ("instant", "zone", "day"),
    [
        ("2026-07-01T21:59:00+00:00", "Europe/Berlin", "2026-07-01"),
        ("2026-07-01T22:00:00+00:00", "Europe/Berlin", "2026-07-02"),
        ("2026-07-01T03:59:00+00:00", "America/New_York", "2026-06-30"),
        ("2026-07-01T04:00:00+00:00", "America/New_York", "2026-07-01"),
        ("2026-07-01T13:29:00+00:00", "Australia/Lord_Howe", "2026-07-01"),
        ("2026-07-01T13:30:00+00:00", "Australia/Lord_Howe", "2026-07-02"),
        ("2026-07-01T23:59:00+00:00", "UTC", "2026-07-01"),
        ("2026-07-02T00:00:00+00:00", "UTC", "2026-07-02"),
    ],
)
def test_work_near_midnight_lands_on_the_local_day(instant: str, zone: str, day: str) -> None:
    assert work_date(datetime.fromisoformat(instant), zone).isoformat() == day


def as_php_reads(told: str, zone: str) -> datetime:
    """The sandbox's own reading, measured on PHP."""
    read = datetime.fromisoformat(told)
    if read.tzinfo is None:
        wall = int(read.replace(tzinfo=UTC).timestamp())
        return datetime.fromtimestamp(phptime.to_instant(wall, zone), UTC)
    return read.astimezone(UTC)

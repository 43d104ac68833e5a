"""Instants told to Kimai as wall time, across the clock changes of four zones."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.rules.wall_time import patch_times, wall_times
from tests.support.instants import instants

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC")
HOUR = timedelta(hours=1)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type] # year to minute, as given


def read(text: str, zone: ZoneInfo, *, later: bool) -> datetime:
    """As Kimai might: an offset is honoured, a repeated hour is either of the two."""
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        value = value.replace(tzinfo=zone, fold=int(later))
    return value.astimezone(UTC)


def test_an_ordinary_time_is_told_without_offset() -> None:
    times = wall_times(utc(2026, 7, 1, 7), utc(2026, 7, 1, 8), ZoneInfo("Europe/Berlin"))
    assert times == ("2026-07-01T09:00:00", "2026-07-01T10:00:00")


@pytest.mark.parametrize(
    ("zone", "begin", "expected"),
    [
        ("Europe/Berlin", (2026, 10, 25, 0, 30), "2026-10-25T02:30:00+02:00"),
        ("Europe/Berlin", (2026, 10, 25, 1, 30), "2026-10-25T02:30:00+01:00"),
        ("America/New_York", (2026, 11, 1, 5, 30), "2026-11-01T01:30:00-04:00"),
        ("America/New_York", (2026, 11, 1, 6, 30), "2026-11-01T01:30:00-05:00"),
        ("Australia/Lord_Howe", (2026, 4, 4, 14, 45), "2026-04-05T01:45:00+11:00"),
        ("Australia/Lord_Howe", (2026, 4, 4, 15, 15), "2026-04-05T01:45:00+10:30"),
        ("UTC", (2026, 10, 25, 0, 30), "2026-10-25T00:30:00"),
    ],
)
def test_in_a_repeated_hour_the_offset_is_told(
    zone: str, begin: tuple[int, ...], expected: str
) -> None:
    start = utc(*begin)
    assert wall_times(start, start, ZoneInfo(zone))[0] == expected


def test_both_carry_an_offset_when_one_needs_it() -> None:
    times = wall_times(utc(2026, 10, 24, 23), utc(2026, 10, 25, 1, 15), ZoneInfo("Europe/Berlin"))
    assert times == ("2026-10-25T01:00:00+02:00", "2026-10-25T02:15:00+01:00")


def test_over_the_gap_the_wall_times_differ_more_than_the_work_lasted() -> None:
    times = wall_times(utc(2026, 3, 29, 0, 30), utc(2026, 3, 29, 1, 30), ZoneInfo("Europe/Berlin"))
    assert times == ("2026-03-29T01:30:00", "2026-03-29T03:30:00")


@given(
    begin=instants("2020-01-01", "2030-01-01"),
    length=st.timedeltas(timedelta(0), timedelta(days=2)),
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    later=st.booleans(),
)
def test_whatever_hour_kimai_prefers_it_reads_the_instants_we_meant(
    begin: datetime, length: timedelta, zone: ZoneInfo, later: bool
) -> None:
    end = (begin + length).replace(microsecond=0)
    told = wall_times(begin, end, zone)
    assert tuple(read(text, zone, later=later) for text in told) == (begin, end)


@given(
    begin=instants("2026-03-28", "2026-03-31"),
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    other=st.sampled_from(ZONES).map(ZoneInfo),
    later=st.booleans(),
)
def test_a_patch_means_the_same_instants_whatever_zone_the_record_has(
    begin: datetime, zone: ZoneInfo, other: ZoneInfo, later: bool
) -> None:
    """The record lies in winter, the new time around the change, its zone may be an old one."""
    recorded = utc(2026, 3, 20, 9)
    offset = recorded.astimezone(other).utcoffset()
    assert offset is not None
    told = patch_times(begin, begin + HOUR, zone=zone, record_begin=recorded, record_offset=offset)
    as_read = tuple(read(text, other, later=later) for text in told)
    if zone.key == other.key or offset != recorded.astimezone(zone).utcoffset():
        assert as_read == (begin, begin + HOUR)


def test_a_patch_for_somebody_whose_zone_is_unknown_carries_offsets() -> None:
    told = patch_times(
        utc(2026, 7, 1, 8),
        utc(2026, 7, 1, 9),
        zone=None,
        record_begin=utc(2026, 7, 1, 8),
        record_offset=timedelta(hours=9),
    )
    assert told == ("2026-07-01T08:00:00+00:00", "2026-07-01T09:00:00+00:00")

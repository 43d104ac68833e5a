"""Wall times as PHP 8.2 reads them: the table of peers/kimai.md §5 and the zones named there."""

import pytest

from adapters.sandbox.kimai import phptext, phptime


def read(text: str, zone: str) -> str:
    wall = phptime.parse_lenient(text)
    assert wall is not None
    return phptime.iso(phptime.instant_of(wall, zone), zone)


@pytest.mark.parametrize(
    ("zone", "sent", "stored"),
    [
        ("Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T03:30:00+0200"),
        ("Europe/Berlin", "2026-03-29T02:00:00", "2026-03-29T03:00:00+0200"),
        ("Europe/Berlin", "2026-03-29T01:59:59", "2026-03-29T01:59:59+0100"),
        ("Europe/Berlin", "2026-03-29T03:00:00", "2026-03-29T03:00:00+0200"),
        ("America/New_York", "2026-03-08T02:30:00", "2026-03-08T03:30:00-0400"),
        ("Europe/London", "2026-03-29T01:30:00", "2026-03-29T02:30:00+0100"),
        ("Australia/Lord_Howe", "2026-10-04T02:15:00", "2026-10-04T02:45:00+1100"),
    ],
)
def test_a_skipped_time_moves_forward_by_the_gap(zone: str, sent: str, stored: str) -> None:
    assert read(sent, zone) == stored


@pytest.mark.parametrize(
    ("zone", "sent", "stored"),
    [
        ("Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T02:30:00+0100"),
        ("Europe/Berlin", "2026-10-25T02:00:00", "2026-10-25T02:00:00+0100"),
        ("Europe/Berlin", "2026-10-25T01:59:59", "2026-10-25T01:59:59+0200"),
        ("Europe/Paris", "2026-10-25T02:30:00", "2026-10-25T02:30:00+0100"),
        ("Europe/London", "2026-10-25T01:30:00", "2026-10-25T01:30:00+0000"),
        ("Europe/Athens", "2026-10-25T03:30:00", "2026-10-25T03:30:00+0200"),
        ("Australia/Sydney", "2026-04-05T02:30:00", "2026-04-05T02:30:00+1000"),
        ("Pacific/Auckland", "2026-04-05T02:30:00", "2026-04-05T02:30:00+1200"),
        ("America/New_York", "2026-11-01T01:30:00", "2026-11-01T01:30:00-0400"),
        ("America/Los_Angeles", "2026-11-01T01:30:00", "2026-11-01T01:30:00-0700"),
        ("America/New_York", "2026-11-01T02:00:00", "2026-11-01T02:00:00-0500"),
    ],
)
def test_a_repeated_time_is_late_in_the_east_and_early_in_the_west(
    zone: str, sent: str, stored: str
) -> None:
    assert read(sent, zone) == stored


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("2026-11-02T14:00:00Z", "2026-11-02T15:00:00+0100"),
        ("2026-11-02T14:00:00+02:00", "2026-11-02T13:00:00+0100"),
        ("2026-11-02T14:00:00-0500", "2026-11-02T20:00:00+0100"),
        ("2026-11-02T14:00:00.123456Z", "2026-11-02T15:00:00+0100"),
        ("2026-11-02 14:00", "2026-11-02T14:00:00+0100"),
        ("2026-11-02T14:00:00 America/New_York", "2026-11-02T20:00:00+0100"),
        ("2026-11-02T24:00:00", "2026-11-03T00:00:00+0100"),
        ("2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+0200"),
        ("0001-01-01T00:00:00", "0001-01-01T00:00:00+0053"),
        ("9999-12-31T23:00:00", "9999-12-31T23:00:00+0100"),
    ],
)
def test_forms_accept_offsets_fractions_and_blanks(sent: str, stored: str) -> None:
    assert read(sent, "Europe/Berlin") == stored


@pytest.mark.parametrize(
    "sent",
    ["yesterday", "2026-11-02", "2026-13-01T00:00:00", "2026-02-30T00:00:00", "09:00",
     "2026-11-02T25:00:00", "2026-11-02T09:60:00", "2026-11-02T09:00:00 nowhere", "1762000000"],
)  # fmt: skip
def test_other_texts_are_no_time(sent: str) -> None:
    assert phptime.parse_lenient(sent) is None


@pytest.mark.parametrize(
    "sent", ["2026-11-02", "2026-11-02T09:00", "2026-11-02 09:00:00", "2026-11-02T09:00:00Z",
             "2026-02-30T09:00:00", "2026-11-02T24:00:00"],
)  # fmt: skip
def test_queries_are_strict(sent: str) -> None:
    assert phptime.parse_strict(sent) is None


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("first day of last month 00:00:00", "2026-10-01T00:00:00+0200"),
        ("last day of last month 23:59:59", "2026-10-31T23:59:59+0100"),
        ("first day of this month midnight", "2026-11-01T00:00:00+0100"),
        ("monday this week 00:00", "2026-11-16T00:00:00+0100"),
        ("sunday last week 23:59:59", "2026-11-15T23:59:59+0100"),
        ("last friday 23:59:59", "2026-11-20T23:59:59+0100"),
        ("next monday", "2026-11-23T00:00:00+0100"),
        ("yesterday noon", "2026-11-21T12:00:00+0100"),
        ("-1 month", "2026-10-22T18:30:00+0200"),
        ("+10 days 12:00", "2026-12-02T12:00:00+0100"),
        ("2 weeks ago", "2026-11-08T18:30:00+0100"),
        ("2026-10-01 08:00", "2026-10-01T08:00:00+0200"),
        ("-30 minutes", "2026-11-22T18:00:00+0100"),
        ("now", "2026-11-22T18:30:00+0100"),
    ],
)
def test_relative_texts_name_what_php_names(text: str, named: str) -> None:
    zone = "Europe/Berlin"
    wall = phptime.parse_lenient("2026-11-22T17:30:00Z")
    assert wall is not None
    now = phptime.instant_of(wall, zone)
    assert phptime.iso(phptext.resolve(text, now, zone), zone) == named


def test_an_unreadable_relative_text_is_refused() -> None:
    with pytest.raises(phptext.UnknownText):
        phptext.resolve("whenever it suits", 0, "UTC")

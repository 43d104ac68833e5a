"""Places on a person's day, one booking at a time."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.connector.settings import KimaiSettings, RoundingMode
from domain.ids import ConnectorId, EntryId
from domain.rules.stacking import day_begin, local_day
from domain.span import Span
from domain.work_day.decide import WORK_DAY, Slots, TakeSlot, answer
from domain.work_day.events import SlotFreed, SlotTaken, WorkDayEvent
from domain.work_day.values import Slot, Unplaced, WorkDay
from tests.support.given import Given, given

BERLIN = "Europe/Berlin"
DAY = date(2026, 7, 1)
A, B, C = EntryId(1), EntryId(2), EntryId(3)
EMPTY: Given[TakeSlot, Slots, WorkDayEvent] = given(WORK_DAY)


def at(text: str, day: date = DAY, zone: str = BERLIN) -> datetime:
    return day_begin(day, time.fromisoformat(text), ZoneInfo(zone))


def wanted(entry: EntryId, minutes: float, preferred: str | None = None) -> Unplaced:
    return Unplaced(
        entry_id=entry,
        day=WorkDay(connector_id=ConnectorId(3), agent_id=5, day=DAY),
        zone=BERLIN,
        booked_at=at("17:00"),
        duration=timedelta(minutes=minutes),
        preferred=None if preferred is None else at(preferred),
    )


def take(
    entry: EntryId,
    minutes: float,
    *,
    preferred: str | None = None,
    start: str = "09:00",
    held: tuple[tuple[str, str], ...] = (),
    gone: tuple[EntryId, ...] = (),
    **kimai: object,
) -> TakeSlot:
    return TakeSlot(
        wanted=wanted(entry, minutes, preferred),
        day_start=time.fromisoformat(start),
        kimai=KimaiSettings(**kimai),  # type: ignore[arg-type] # each test names its own
        held=[Span(begin=at(first), end=at(last)) for first, last in held],
        gone=gone,
    )


def taken(
    entry: EntryId, begin: str, end: str, *, reach: tuple[str, str] | None = None
) -> SlotTaken:
    first, last = reach or (begin, end)
    slot = Slot(begin=at(begin), end=at(end), reach=Span(begin=at(first), end=at(last)))
    return SlotTaken(
        connector_id=ConnectorId(3),
        agent_id=5,
        day=DAY,
        zone=BERLIN,
        day_start=at("09:00"),
        entry_id=entry,
        slot=slot,
    )


def freed(entry: EntryId) -> SlotFreed:
    return SlotFreed(connector_id=ConnectorId(3), agent_id=5, day=DAY, entry_id=entry)


def test_bookings_lie_end_to_end_from_the_set_hour() -> None:
    first = EMPTY.when(take(A, 45)).then(taken(A, "09:00", "09:45"))
    second = first.when(take(B, 30)).then(taken(B, "09:45", "10:15"))
    second.when(take(C, 60)).then(taken(C, "10:15", "11:15"))


def test_asking_again_changes_nothing() -> None:
    EMPTY.when(take(A, 45)).after().when(take(A, 45)).then()


def test_a_longer_booking_stays_where_it_is_while_it_fits() -> None:
    given(WORK_DAY, taken(A, "09:00", "09:30"), taken(B, "10:00", "10:30")).when(take(A, 60)).then(
        taken(A, "09:00", "10:00")
    )


def test_a_longer_booking_that_does_not_fit_moves_and_nobody_else_does() -> None:
    given(
        WORK_DAY, taken(A, "09:00", "09:30"), taken(B, "09:30", "10:00"), taken(C, "11:00", "12:00")
    ).when(take(A, 60)).then(taken(A, "10:00", "11:00"))


def test_a_shorter_booking_leaves_a_gap_that_the_next_one_takes() -> None:
    shorter = (
        given(WORK_DAY, taken(A, "09:00", "10:00"), taken(B, "10:00", "11:00"))
        .when(take(A, 30))
        .then(taken(A, "09:00", "09:30"))
    )
    shorter.when(take(C, 45)).then(taken(C, "11:00", "11:45"))
    shorter.when(take(C, 30)).then(taken(C, "09:30", "10:00"))


def test_a_timesheet_in_kimai_keeps_its_begin_when_its_length_changes() -> None:
    EMPTY.when(take(A, 30, preferred="13:00")).then(taken(A, "13:00", "13:30"))


def test_it_keeps_it_also_when_the_day_starts_later_by_now() -> None:
    EMPTY.when(take(A, 30, preferred="07:00", start="09:00")).then(taken(A, "07:00", "07:30"))


def test_what_others_have_in_kimai_is_in_the_way_however_it_came_there() -> None:
    held = (("09:20", "10:00"), ("08:00", "09:05"), ("09:50", "10:30"))
    EMPTY.when(take(A, 30, held=held)).then(taken(A, "10:30", "11:00"))
    EMPTY.when(take(A, 15, held=held)).then(taken(A, "09:05", "09:20"))


def test_the_place_of_a_booking_that_is_gone_is_free() -> None:
    given(WORK_DAY, taken(A, "09:00", "10:00")).when(take(B, 60, gone=(A,))).then(
        freed(A), taken(B, "09:00", "10:00")
    )


def test_what_does_not_fit_into_the_day_gets_no_place() -> None:
    full = given(WORK_DAY, taken(A, "09:00", "23:00"))
    full.when(take(B, 61)).then()
    assert answer(wanted(B, 61), full.state) is None


def test_a_booking_that_outgrows_the_day_keeps_the_place_of_its_timesheet() -> None:
    grown = given(WORK_DAY, taken(A, "09:00", "23:00"), taken(B, "23:00", "23:30")).when(
        take(B, 90)
    )
    assert answer(wanted(B, 90), grown.then().state) is None
    assert answer(wanted(B, 30), grown.then().state) is not None


def test_a_day_that_is_full_to_the_minute_is_not_full() -> None:
    (event,) = given(WORK_DAY, taken(A, "09:00", "23:00")).when(take(B, 60)).events
    assert isinstance(event, SlotTaken)
    assert event.slot.end == local_day(DAY, ZoneInfo(BERLIN)).end


def test_longer_than_any_calendar_is_no_room() -> None:
    given(WORK_DAY, taken(A, "09:00", "09:30")).when(take(A, 10**9)).then()


def test_seconds_are_rounded_up_to_the_minute_before_the_next_one() -> None:
    first = EMPTY.when(take(A, 7.5)).then_types(SlotTaken)
    first.when(take(B, 10)).then(taken(B, "09:08", "09:18"))


@pytest.mark.parametrize(
    ("mode", "reach", "then"),
    [
        # begin down, end up: the first reaches 9:30, and nothing moves a begin there
        (RoundingMode.DEFAULT, ("09:00", "09:30"), ("09:30", "09:50")),
        (RoundingMode.CEIL, ("09:00", "09:30"), ("09:30", "09:50")),
        # as asked it ends at 9:20, but Kimai would put 9:20 back to 9:15
        (RoundingMode.FLOOR, ("09:00", "09:20"), ("09:30", "09:50")),
        (RoundingMode.CLOSEST, ("09:00", "09:20"), ("09:30", "09:50")),
    ],
)
def test_no_rounding_makes_two_overlap(
    mode: RoundingMode, reach: tuple[str, str], then: tuple[str, str]
) -> None:
    rounding = {"rounding_mode": mode, "round_begin": 15, "round_end": 15}
    first = EMPTY.when(take(A, 20, **rounding)).then(taken(A, "09:00", "09:20", reach=reach))  # type: ignore[arg-type] # one value each
    (event,) = first.when(take(B, 20, **rounding)).events  # type: ignore[arg-type] # one value each
    assert isinstance(event, SlotTaken)
    assert (event.slot.begin, event.slot.end) == (at(then[0]), at(then[1]))


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        (BERLIN, date(2026, 3, 29), 23),
        (BERLIN, date(2026, 10, 25), 25),
        ("America/New_York", date(2026, 3, 8), 23),
        ("America/New_York", date(2026, 11, 1), 25),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("America/Havana", date(2026, 11, 1), 25),
        ("Africa/Cairo", date(2026, 4, 24), 23),  # its first hour is the one that is skipped
        ("UTC", date(2026, 3, 29), 24),
    ],
)
def test_a_day_is_as_long_as_clocks_make_it(zone: str, day: date, hours: float) -> None:
    found = local_day(day, ZoneInfo(zone))
    assert found.end - found.begin == timedelta(hours=hours)
    assert found.begin.astimezone(ZoneInfo(zone)).date() == day
    assert (found.begin - timedelta(microseconds=1)).astimezone(ZoneInfo(zone)).date() < day
    assert (found.end - timedelta(microseconds=1)).astimezone(ZoneInfo(zone)).date() == day


def test_a_day_start_that_clocks_skip_comes_later_and_one_they_repeat_the_first_time() -> None:
    skipped = day_begin(date(2026, 3, 29), time(2, 30), ZoneInfo(BERLIN))
    assert skipped == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # 03:30 there
    twice = day_begin(date(2026, 10, 25), time(2, 30), ZoneInfo(BERLIN))
    assert twice == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)

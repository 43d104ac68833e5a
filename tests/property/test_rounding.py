"""What is sent is rounded as set, and what Kimai makes of that is foreseen.

The rounding foreseen is that of Kimai, of which the sandbox has a copy of its own.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sandbox.kimai import rounding as sandbox
from adapters.sandbox.kimai.entities import Timesheet
from adapters.sandbox.kimai.settings import KimaiSettings as SandboxSettings
from domain.connector.settings import KimaiSettings, RoundingMode
from domain.rules.rounding import as_asked, explained, foreseen, reachable, sent

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
steps = st.one_of(st.integers(0, 1440), st.sampled_from((0, 1, 5, 6, 10, 15, 30, 60)))
settings = st.builds(
    KimaiSettings,
    rounding_mode=st.sampled_from(RoundingMode),
    round_begin=steps,
    round_end=steps,
    round_duration=steps,
    rounding_days=st.sets(st.integers(0, 6)).map(lambda days: tuple(sorted(days))),
)
begins = st.integers(0, 4 * 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
durations = st.integers(0, 3 * 86_400).map(lambda seconds: timedelta(seconds=seconds))


@given(begin=begins, worked=durations, kimai=settings, zone=st.sampled_from(ZONES))
def test_what_is_foreseen_is_what_kimai_stores(
    begin: datetime, worked: timedelta, kimai: KimaiSettings, zone: str
) -> None:
    """Kimai's traps 19 and 20."""
    end = begin + worked
    record = Timesheet(begin=int(begin.timestamp()), end=int(end.timestamp()), zone=zone, user=1)
    sandbox.apply(as_in_kimai(kimai), record)
    stored = foreseen(begin, end, kimai, ZoneInfo(zone))
    assert record.begin == stored.begin.timestamp()
    assert record.end == stored.end.timestamp()
    assert record.duration == stored.duration.total_seconds()
    assert stored in explained(begin, end, kimai)


@given(begin=begins, worked=durations, kimai=settings)
def test_rounding_to_the_minute_and_none_are_always_explained(
    begin: datetime, worked: timedelta, kimai: KimaiSettings
) -> None:
    end = begin + worked
    minute = foreseen(begin, end, KimaiSettings(round_begin=1, round_end=1), ZoneInfo("UTC"))
    assert {as_asked(begin, end), minute} <= set(explained(begin, end, kimai))


@st.composite
def agreeing(draw: st.DrawFn) -> KimaiSettings:
    """Steps of begin and end that the step of the duration is made of."""
    step = draw(st.sampled_from((0, 1, 5, 15)))
    return KimaiSettings(
        rounding_mode=draw(st.sampled_from(RoundingMode)),
        round_begin=step,
        round_end=step,
        round_duration=max(1, step) * draw(st.integers(0, 8)),
    )


@given(
    begin=begins.map(lambda instant: instant.replace(second=0)),
    worked=st.integers(0, 1500).map(lambda minutes: timedelta(minutes=minutes)),
    kimai=agreeing(),
    zone=st.sampled_from(ZONES),
    ends_then=st.booleans(),
)
def test_what_is_sent_is_what_is_stored_whether_kimai_rounds_or_not(
    begin: datetime, worked: timedelta, kimai: KimaiSettings, zone: str, ends_then: bool
) -> None:
    """`contract.md`, section 4: rounding is applied to what is sent and to what is compared."""
    end, place = begin + worked, ZoneInfo(zone)
    asked = sent(begin, end, kimai, place, ends_then=ends_then)
    stored = foreseen(asked.begin, asked.end, kimai, place)
    assert stored == as_asked(asked.begin, asked.end)
    assert sent(asked.begin, asked.end, kimai, place, ends_then=ends_then) == asked
    assert not kimai.round_duration or not asked.duration % minutes(kimai.round_duration)
    assert worked or not asked.duration
    if not ends_then:
        assert stored in reachable(begin, end, kimai)
    off = timedelta(minutes=kimai.round_begin + kimai.round_end + kimai.round_duration)
    assert abs(asked.duration - worked) <= off
    assert off or asked.duration == worked


@given(begin=begins, worked=durations, kimai=settings, zone=st.sampled_from(ZONES))
def test_whatever_is_set_kimai_can_be_asked_for_it(
    begin: datetime, worked: timedelta, kimai: KimaiSettings, zone: str
) -> None:
    """Steps that do not fit one another: never an end before its begin, never another weekday."""
    begin = begin.replace(second=0)
    for ends_then in (False, True):
        asked = sent(begin, begin + worked, kimai, ZoneInfo(zone), ends_then=ends_then)
        assert asked.begin <= asked.end
        assert asked.begin.second == 0
        if (begin + worked).astimezone(ZoneInfo(zone)).weekday() not in kimai.rounding_days:
            assert (asked.begin, asked.end) == (begin, begin + worked)


@pytest.mark.parametrize(
    ("minutes_worked", "mode", "begin", "end"),
    [
        (7, "default", "09:52", "10:07"),
        (7, "ceil", "09:52", "10:07"),
        (7, "floor", "10:07", "10:07"),
        (7, "closest", "10:07", "10:07"),
        (8, "closest", "09:52", "10:07"),
    ],
)
def test_a_rounded_duration_is_sent_as_a_begin(
    minutes_worked: int, mode: str, begin: str, end: str
) -> None:
    kimai = KimaiSettings(rounding_mode=RoundingMode(mode), round_duration=15)
    at = datetime(2026, 3, 4, 10, 7, tzinfo=UTC)
    asked = sent(at - minutes(minutes_worked), at, kimai, ZoneInfo("UTC"), ends_then=True)
    assert (f"{asked.begin:%H:%M}", f"{asked.end:%H:%M}") == (begin, end)


def test_halves_of_the_closest_step_go_up() -> None:
    """Kimai's go down, but what is sent lies on a step, which Kimai leaves alone."""
    at = datetime(2026, 3, 4, 10, 5, tzinfo=UTC)
    kimai = KimaiSettings(rounding_mode=RoundingMode.CLOSEST, round_begin=10, round_end=10)
    asked = sent(at, at + minutes(20), kimai, ZoneInfo("UTC"))
    assert (asked.begin, asked.end) == (at + minutes(5), at + minutes(25))
    assert foreseen(at, at + minutes(20), kimai, ZoneInfo("UTC")).begin == at - minutes(5)


def test_a_begin_is_not_moved_to_the_day_before() -> None:
    at = datetime(2026, 3, 4, 0, 5, tzinfo=UTC)
    kimai = KimaiSettings(round_duration=15)
    asked = sent(at - minutes(5), at, kimai, ZoneInfo("UTC"), ends_then=True)
    assert (asked.begin, asked.end) == (at - minutes(5), at + minutes(10))


def test_nothing_stays_nothing() -> None:
    """Kimai would round 10:07 to 10:07 up to a quarter of an hour (`peers/kimai.md`, 2.4)."""
    at = datetime(2026, 3, 4, 10, 7, tzinfo=UTC)
    kimai = KimaiSettings(round_begin=15, round_end=15)
    assert foreseen(at, at, kimai, ZoneInfo("UTC")).duration == minutes(15)
    turning = KimaiSettings(rounding_mode=RoundingMode.CEIL, round_begin=15, round_end=1)
    apart = KimaiSettings(round_begin=7, round_end=30)
    for other in (kimai, KimaiSettings(round_end=15), apart, turning):
        asked = sent(at, at, other, ZoneInfo("UTC"))
        assert foreseen(asked.begin, asked.end, other, ZoneInfo("UTC")).duration == minutes(0)


def test_steps_that_would_turn_a_time_around_are_left_to_kimai() -> None:
    at = datetime(2026, 3, 4, 10, 8, tzinfo=UTC)
    kimai = KimaiSettings(rounding_mode=RoundingMode.CEIL, round_begin=15, round_end=1)
    assert foreseen(at, at + minutes(4), kimai, ZoneInfo("UTC")).duration == -minutes(3)
    asked = sent(at, at + minutes(4), kimai, ZoneInfo("UTC"))
    assert (asked.begin, asked.end) == (at, at + minutes(4))


def minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


def as_in_kimai(kimai: KimaiSettings) -> SandboxSettings:
    settings = SandboxSettings()
    values = {
        "mode": kimai.rounding_mode.value,
        "begin": kimai.round_begin,
        "end": kimai.round_end,
        "duration": kimai.round_duration,
        "days": ",".join(DAYS[day] for day in kimai.rounding_days),
    }
    settings.change({f"timesheet.rounding.default.{key}": value for key, value in values.items()})
    return settings

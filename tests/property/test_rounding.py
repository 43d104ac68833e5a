"""The rounding foreseen is the rounding of Kimai; the sandbox has a copy of its own."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from adapters.sandbox.kimai import rounding as sandbox
from adapters.sandbox.kimai.entities import Timesheet
from adapters.sandbox.kimai.settings import KimaiSettings as SandboxSettings
from domain.connector.settings import KimaiSettings, RoundingMode
from domain.rules.rounding import as_asked, explained, foreseen

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

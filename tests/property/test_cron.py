"""The cron reader against another one, written from crontab(5), minute by minute."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import accumulate, takewhile
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import RuleViolation
from domain.schedule.cron import Cron

MINUTE = timedelta(minutes=1)
BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC", "Pacific/Apia")
# Around clock changes of these zones, Apia's lost 30 December among them; and quiet days.
DAYS = (
    datetime(2026, 3, 28, tzinfo=UTC),
    datetime(2026, 10, 24, tzinfo=UTC),
    datetime(2026, 3, 7, tzinfo=UTC),
    datetime(2026, 10, 31, tzinfo=UTC),
    datetime(2026, 4, 4, tzinfo=UTC),
    datetime(2026, 10, 3, tzinfo=UTC),
    datetime(2011, 12, 29, tzinfo=UTC),
    datetime(2026, 6, 29, tzinfo=UTC),
    datetime(2028, 2, 28, tzinfo=UTC),
)


@st.composite
def parts(draw: st.DrawFn, low: int, high: int) -> str:
    """One field: a star, a step, or a list of values and ranges."""
    kind = draw(st.sampled_from(["star", "star", "step", "list"]))
    if kind == "star":
        return "*"
    if kind == "step":
        return f"*/{draw(st.integers(1, high))}"
    one = st.integers(low, high).map(str)
    span = st.tuples(st.integers(low, high), st.integers(low, high)).map(sorted)
    spans = span.map(lambda both: f"{both[0]}-{both[1]}")
    stepped = st.tuples(spans, st.integers(1, high)).map(lambda both: f"{both[0]}/{both[1]}")
    return ",".join(draw(st.lists(one | spans | stepped, min_size=1, max_size=3)))


CRONS = st.tuples(*(parts(low, high) for low, high in BOUNDS)).map(" ".join)


def values(part: str, low: int, high: int) -> set[int]:
    found: set[int] = set()
    for piece in part.split(","):
        span, _, step = piece.partition("/")
        first, _, last = span.partition("-")
        begin = low if span == "*" else int(first)
        end = high if span == "*" else int(last or first)
        found.update(range(begin, end + 1, int(step or 1)))
    return found


def matcher(cron: str) -> Callable[[datetime], bool]:
    """As crontab(5) has it: a day counts by either of two day fields that leave something out."""
    texts = cron.split()
    minute, hour, day, month, weekday = (
        values(text, *bounds) for text, bounds in zip(texts, BOUNDS, strict=True)
    )
    weekdays = {number % 7 for number in weekday}
    either = day != set(range(1, 32)) and weekdays != set(range(7))

    def matches(wall: datetime) -> bool:
        if wall.minute not in minute or wall.hour not in hour or wall.month not in month:
            return False
        by_day, by_weekday = wall.day in day, wall.isoweekday() % 7 in weekdays
        return (by_day or by_weekday) if either else (by_day and by_weekday)

    return matches


def expected(cron: str, zone: str, begin: datetime, end: datetime) -> list[datetime]:
    """Every wall minute of the days around, told as an instant: its first, or its gap's end."""
    first = begin.replace(hour=0, minute=0) - timedelta(days=2)
    walls = highest_walls(zone, first)
    wall, last = first.replace(tzinfo=None), (end + timedelta(days=1)).replace(tzinfo=None)
    found, matches = set(), matcher(cron)
    while wall < last:
        if matches(wall):
            found.add(first + bisect_left(walls, wall) * MINUTE)
        wall += MINUTE
    return sorted(instant for instant in found if begin < instant <= end)


@cache
def highest_walls(zone: str, first: datetime) -> Sequence[datetime]:
    """Minute by minute for a week, the latest wall time seen so far: it only ever grows."""
    tz = ZoneInfo(zone)
    minutes = (first + n * MINUTE for n in range(7 * 24 * 60))
    return list(accumulate((each.astimezone(tz).replace(tzinfo=None) for each in minutes), max))


def up_to(end: datetime, instants: Iterable[datetime]) -> list[datetime]:
    return list(takewhile(lambda instant: instant <= end, instants))


@settings(deadline=None)
@given(CRONS, st.sampled_from(ZONES), st.sampled_from(DAYS), st.integers(0, 48 * 60))
def test_the_instants_are_those_of_crontab(cron: str, zone: str, day: datetime, off: int) -> None:
    try:
        read = Cron.parse(cron)
    except RuleViolation as error:
        if "never comes" in str(error):  # 30 February
            return
        raise
    begin = day + timedelta(minutes=off)
    end = begin + timedelta(hours=6)
    due = expected(cron, zone, begin, end)
    assert [each.astimezone(UTC) for each in up_to(end, read.following(begin, zone))] == due
    newest = read.before(end, zone)
    assert newest <= end
    if due:
        assert newest == due[-1]
    else:
        assert newest <= begin

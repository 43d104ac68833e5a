"""Whatever is booked and edited in whatever order: a day never holds two at one instant."""

from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import reduce
from itertools import combinations
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from domain.connector.settings import KimaiSettings, RoundingMode
from domain.ids import ConnectorId, EntryId
from domain.rules.rounding import foreseen, sent
from domain.rules.stacking import day_begin, local_day, reach_of, slot_at
from domain.span import Span
from domain.work_day.decide import WORK_DAY, Slots, TakeSlot, answer
from domain.work_day.values import Slot, Unplaced, WorkDay

MINUTE = timedelta(minutes=1)
DAYS = [
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("Europe/Berlin", date(2026, 7, 1)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("UTC", date(2026, 2, 28)),
]
ROUNDINGS = st.builds(
    KimaiSettings,
    rounding_mode=st.sampled_from(RoundingMode),
    round_begin=st.sampled_from([0, 1, 5, 7, 15, 60]),
    round_end=st.sampled_from([0, 1, 5, 7, 15, 60]),
    round_duration=st.sampled_from([0, 30]),
    rounding_days=st.sampled_from([(0, 1, 2, 3, 4, 5, 6), (6,), ()]),
)


@dataclass(frozen=True)
class Booked:
    entry: EntryId
    seconds: int


BOOKINGS = st.lists(
    st.builds(
        Booked,
        entry=st.integers(1, 8).map(EntryId),
        seconds=st.one_of(st.integers(1, 5 * 60 * 4).map(lambda n: n * 15), st.integers(1, 90_000)),
    ),
    max_size=25,
)


@given(BOOKINGS, ROUNDINGS, st.sampled_from(DAYS), st.integers(0, 23 * 4 + 3))
def test_the_laws_of_a_day(
    bookings: list[Booked], kimai: KimaiSettings, where: tuple[str, date], quarter: int
) -> None:
    """No overlap, nobody else moves, the same day, the length that was booked."""
    zone, day = ZoneInfo(where[0]), where[1]
    start = time(quarter // 4, quarter % 4 * 15)
    bounds = local_day(day, zone)
    slots: Slots = {}
    for booked in bookings:
        wanted = Unplaced(
            entry_id=booked.entry,
            day=WorkDay(connector_id=ConnectorId(3), agent_id=5, day=day),
            zone=where[0],
            booked_at=bounds.begin,
            duration=timedelta(seconds=booked.seconds),
        )
        command = TakeSlot(wanted=wanted, day_start=start, kimai=kimai)
        events = WORK_DAY.decide(command, slots)
        assert list(events) == list(WORK_DAY.decide(command, dict(reversed(list(slots.items())))))
        before, slots = slots, reduce(WORK_DAY.evolve, events, slots)
        assert WORK_DAY.decide(command, slots) == []
        others = {entry: slot for entry, slot in slots.items() if entry != booked.entry}
        assert others == {entry: slot for entry, slot in before.items() if entry != booked.entry}
        found = answer(wanted, slots)
        if found is None:
            assert slots == before
            no_step_is_free(wanted, start, kimai, others)
            continue
        assert found.end - found.begin == wanted.duration
        stays_where_it_fits(before.get(booked.entry), found, others, kimai, bounds)
        nothing_overlaps(slots, kimai, zone, bounds)


def nothing_overlaps(slots: Slots, kimai: KimaiSettings, zone: ZoneInfo, day: Span) -> None:
    for slot in slots.values():
        asked = sent(slot.begin, slot.end, kimai, zone)
        before = foreseen(slot.begin, slot.end, kimai, zone)  # of what was sent as it is
        after = foreseen(asked.begin, asked.end, kimai, zone)
        spans = [(slot.begin, slot.end), (asked.begin, asked.end)]
        for begin, end in (*spans, (before.begin, before.end), (after.begin, after.end)):
            assert slot.reach.begin <= begin
            assert end <= slot.reach.end
        assert day.begin <= slot.reach.begin
        assert slot.reach.end <= day.end
        assert slot.begin.astimezone(zone).date() == (day.begin.astimezone(zone)).date()
        assert slot.begin.second == slot.begin.microsecond == 0
    for one, other in combinations(slots.values(), 2):
        assert not one.reach.meets(other.reach)


def stays_where_it_fits(
    before: Slot | None, found: Slot, others: Slots, kimai: KimaiSettings, day: Span
) -> None:
    if before is None or before.begin == found.begin:
        return
    there = slot_at(before.begin, found.end - found.begin, reach_of(kimai)).reach
    taken = any(there.meets(other.reach) for other in others.values())
    assert taken or there.begin < day.begin or there.end > day.end


def no_step_is_free(wanted: Unplaced, start: time, kimai: KimaiSettings, others: Slots) -> None:
    """Tried one after another: no place at a multiple of the step would do."""
    zone = ZoneInfo(wanted.zone)
    end = local_day(wanted.day.day, zone).end
    first = day_begin(wanted.day.day, start, zone)
    step = max(1, kimai.round_begin)
    begin = first
    while begin + wanted.duration <= end:
        if int(begin.timestamp()) % (step * 60) == 0:
            reach = slot_at(begin, wanted.duration, reach_of(kimai)).reach
            inside = first <= reach.begin and reach.end <= end
            assert not inside or any(reach.meets(other.reach) for other in others.values())
        begin += MINUTE

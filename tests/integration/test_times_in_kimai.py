"""Times that reach Kimai: its rounding and its zones, through the real client and the sandbox."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from adapters.kimai.client import KimaiTimesheets
from adapters.sandbox.kimai import KimaiState, create_kimai_app, seed_recordings, token_of
from domain.ports.ticket_system import SourceEntry
from domain.ports.timesheets import Timesheet, TimesheetFields
from domain.rules.rounding import as_asked
from domain.rules.units import worked
from domain.rules.wall_time import patch_times, wall_times
from domain.time_entry.standing import EntryState
from domain.time_entry.values import ReasonCode
from tests.support.clock_changes import CHANGES, WORK, ClockChange
from tests.support.guarded import running
from tests.support.peers import NOON, World

ROUNDINGS: list[dict[str, Any]] = [
    {"round_begin": 1, "round_end": 1},
    {"round_begin": 15, "round_end": 15},
    {"round_begin": 15, "round_end": 15, "rounding_mode": "floor"},
    {"round_begin": 7, "round_end": 30, "rounding_mode": "ceil", "round_duration": 25},
    {"round_begin": 10, "round_end": 10, "rounding_mode": "closest", "round_duration": 60},
    {"round_begin": 60, "round_duration": 45},
    {"round_begin": 30, "round_end": 30, "rounding_days": [(NOON.weekday() + 3) % 7]},
]
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass
class Server:
    state: KimaiState
    url: str

    def client(self) -> KimaiTimesheets:
        return KimaiTimesheets(self.url, token_of("admin"))

    def round_as(self, rounding: dict[str, Any]) -> None:
        """Set in Kimai what Timeledger was told."""
        prefix = "timesheet.rounding.default."
        days = rounding.get("rounding_days", range(7))
        values = {
            "mode": rounding.get("rounding_mode", "default"),
            "begin": rounding.get("round_begin", 0),
            "end": rounding.get("round_end", 0),
            "duration": rounding.get("round_duration", 0),
            "days": ",".join(DAYS[day] for day in days),
        }
        self.state.settings.change({prefix + key: value for key, value in values.items()})


@pytest.fixture
async def kimai() -> AsyncIterator[Server]:
    state = KimaiState()
    state.clock.fix(NOON + timedelta(days=2))
    seed_recordings(state)
    async with running(create_kimai_app(state)) as url:
        yield Server(state, url)


@pytest.mark.parametrize("rounding", ROUNDINGS, ids=str)
async def test_rounding_that_is_foreseen_is_no_conflict_and_no_update(
    kimai: Server, rounding: dict[str, Any]
) -> None:
    """Kimai's traps 2, 19 and 20."""
    kimai.round_as(rounding)
    async with kimai.client() as client:
        world = World(kimai=rounding)
        world.kimai = cast("Any", client)
        alone = await seven_carried(world, rounding)
        before = stored(kimai)
        for source_id in range(1, 8):
            world.tickets.edit(source_id)
        second = await world.sync()
        assert (second.counters.updated, second.counters.conflicts) == (0, 0)
        assert stored(kimai) == before
        states = {
            (await world.entry(source_id)).standing.state
            for source_id in range(1, 8)
            if source_id not in alone
        }
        assert states == {EntryState.SYNCED}


@pytest.mark.parametrize("rounding", [*ROUNDINGS[:3], *ROUNDINGS[4:6]], ids=str)
async def test_a_kimai_that_does_not_round_holds_what_was_rounded_here(
    kimai: Server, rounding: dict[str, Any]
) -> None:
    """`contract.md`, section 4: what is sent is rounded; this Kimai takes seconds as they are."""
    kimai.round_as({"round_begin": 0, "round_end": 0})
    async with kimai.client() as client:
        world = World(kimai=rounding)
        world.kimai = cast("Any", client)
        await seven_carried(world, rounding)
        for begin, end, duration, _ in stored(kimai):
            for seconds, key in ((begin, "begin"), (end, "end"), (duration, "duration")):
                assert not seconds % (60 * rounding.get(f"round_{key}", 0) or 1)
        for source_id in range(1, 8):
            world.tickets.edit(source_id)
        again = await world.sync()
        assert (again.counters.updated, again.counters.conflicts) == (0, 0)


async def test_rounding_other_than_foreseen_asks_a_person(kimai: Server) -> None:
    kimai.round_as({"round_begin": 60, "round_end": 60})
    async with kimai.client() as client:
        world = World(kimai={"round_begin": 15, "round_end": 15})
        world.kimai = cast("Any", client)
        world.tickets.book(9)
        await world.sync()
        assert (await world.entry(9)).standing.conflict is ReasonCode.CONFLICT


@pytest.mark.parametrize("elsewhere", ["Asia/Kathmandu", "America/New_York", "UTC"])
@pytest.mark.parametrize("change", CHANGES, ids=str)
async def test_every_instant_round_trips_around_a_clock_change(
    kimai: Server, change: ClockChange, elsewhere: str
) -> None:
    """Kimai's traps 3, 4 and 5: the token's owner in one zone, the person in another.

    The instants of a POST, of the next GET, of a PATCH and of the GET after it are those meant,
    whatever offset each of them is told with.
    """
    people = {user.username: user for user in kimai.state.users.values()}
    people["admin"].timezone, people["bob"].timezone = change.zone, elsewhere
    async with kimai.client() as client:
        zone = ZoneInfo((await client.identity()).timezone)
        assert zone.key == change.zone
        for work in WORK:
            begin, end = change.work(work)
            made = await client.create(fields(*wall_times(begin, end, zone), people["bob"].id))
            read = await client.get(made.timesheet_id)
            assert read is not None
            assert times(made) == times(read) == (begin, end, end - begin)
            begin, end = begin - timedelta(minutes=7), end + timedelta(minutes=7)
            for owner in (None, ZoneInfo(elsewhere)):
                sent = patch_times(
                    begin, end, zone=owner, record_begin=read.begin, record_offset=read.offset
                )
                body = dict(zip(("begin", "end"), sent, strict=True))
                changed = await client.update(made.timesheet_id, body)
                read = await client.get(made.timesheet_id)
                assert read is not None
                assert times(changed) == times(read) == (begin, end, end - begin)
                begin, end = begin - timedelta(minutes=4), end + timedelta(minutes=4)


async def test_seconds_are_never_sent_so_neighbours_never_overlap(kimai: Server) -> None:
    """Kimai's trap 19: two bookings end to end, made at odd seconds."""
    async with kimai.client() as client:
        world = World()
        world.kimai = cast("Any", client)
        for number in range(1, 5):
            at = NOON + timedelta(minutes=15 * number, seconds=17, milliseconds=250)
            world.tickets.book(number, created_at=at, updated_at=at)
        assert (await world.sync()).counters.created == 4
    rows = stored(kimai)
    assert all(row[2] == 900 for row in rows)
    assert sorted(row[0] for row in rows)[1:] == sorted(row[1] for row in rows)[:-1]


def fields(begin: str, end: str, user: int) -> TimesheetFields:
    return TimesheetFields(
        begin=begin, end=end, project=1, activity=2, description="x", tags="", user=user
    )


def times(sheet: Timesheet) -> tuple[datetime, datetime | None, timedelta]:
    return sheet.begin, sheet.end, sheet.duration


def stored(kimai: Server) -> list[tuple[int, int, int, int | None]]:
    """Times and last change of all records."""
    return [
        (row.begin or 0, row.end or 0, row.duration, row.modified_at)
        for row in kimai.state.timesheets.values()
    ]


@pytest.mark.parametrize("rounding", [*ROUNDINGS[:2], ROUNDINGS[4]], ids=str)
@pytest.mark.parametrize("change", CHANGES, ids=str)
async def test_a_stacked_day_round_trips_around_a_clock_change(
    kimai: Server, change: ClockChange, rounding: dict[str, Any]
) -> None:
    """Kimai's traps 2 to 5, 19 and 20: a day of 23 to 25 hours, filled from its first half hour.

    What Kimai stores are the instants that were chosen, or what rounding was foreseen to make of
    them; nothing overlaps, all of it lies on the local day, also after every booking was edited.
    Kimai forbids overlaps here, so not even on the way from one to the other may there be one.
    """
    kimai.round_as(rounding)
    kimai.state.settings.change({"timesheet.rules.allow_overlapping_records": False})
    zone = ZoneInfo(change.zone)
    for user in kimai.state.users.values():
        user.timezone = change.zone
    day = change.at.astimezone(zone).date()
    lengths = [Decimal("7.31") * number for number in range(1, 11)]  # 6 hours and 42 minutes
    zammad = {
        "work_time_anchor": "day_start_stacked",
        "day_start": "00:30",
        "timezone": change.zone,
    }
    async with kimai.client() as client:
        world = World(zammad=zammad, kimai=rounding)
        world.clock.advance(max(change.at - NOON, timedelta(0)))
        world.kimai = cast("Any", client)
        for number, length in enumerate(lengths, start=1):
            at = change.at + timedelta(hours=3, minutes=number)
            world.tickets.book(number, time_unit=length, created_at=at, updated_at=at)
        run = await world.sync()
        alone = await left_alone(world, rounding)
        assert (run.counters.created, run.counters.conflicts) == (10 - len(alone), 0)
        await lies_as_foreseen(kimai, world, client, zone, day)
        quiet = await world.sync()
        assert (quiet.counters.updated, quiet.counters.conflicts) == (0, 0)
        for number, length in enumerate(lengths, start=1):
            world.tickets.edit(number, time_unit=length + (17 if number % 3 else -3))
        run = await world.sync()
        assert run.counters.conflicts == 0
        await left_alone(world, rounding)
        await lies_as_foreseen(kimai, world, client, zone, day)


async def seven_carried(world: World, rounding: dict[str, Any]) -> set[int]:
    """Seven bookings, each with a timesheet but those of which rounding leaves nothing."""
    for source_id in range(1, 8):
        world.tickets.book(source_id, time_unit=Decimal("7.31") * source_id)
    run = await world.sync()
    alone = await left_alone(world, rounding)
    assert (run.counters.created, run.counters.conflicts) == (7 - len(alone), 0)
    return alone


async def left_alone(world: World, rounding: dict[str, Any]) -> set[int]:
    """The bookings without timesheet: those of which the rounding leaves nothing, and no others."""
    found = set()
    for source_id, row in world.tickets.rows.items():
        entry = await world.entry(source_id)
        assert isinstance(row, SourceEntry)
        if entry.settled is None:
            assert (rounding["rounding_mode"], rounding["round_duration"]) == ("closest", 60)
            assert row.time_unit < 30
            assert (entry.standing.state, entry.conflict) == (EntryState.IGNORED, None)
            found.add(source_id)
    return found


async def lies_as_foreseen(
    kimai: Server, world: World, client: KimaiTimesheets, zone: ZoneInfo, day: date
) -> None:
    found = []
    for source_id, row in world.tickets.rows.items():
        entry = await world.entry(source_id)
        assert isinstance(row, SourceEntry)
        if entry.settled is None:  # `left_alone` has looked at it
            continue
        assert entry.standing.state is EntryState.SYNCED
        desired = entry.settled.desired
        assert entry.settled.worked.duration == worked(row.time_unit, Decimal(1))
        sheet = await client.get(entry.settled.written.timesheet_id)
        assert sheet is not None
        foreseen = entry.settled.basis.foreseen or as_asked(desired.begin, desired.end)
        minute = as_asked(desired.begin, desired.end + -(desired.end - NOON) % timedelta(minutes=1))
        assert times(sheet) in [
            (stored.begin, stored.end, stored.duration) for stored in (foreseen, minute)
        ]
        assert sheet.begin.astimezone(zone).date() == day
        assert sheet.end is not None
        found.append((sheet.begin, sheet.end))
    assert len(found) == len(kimai.state.timesheets)
    found.sort()
    for (_, end), (begin, _) in pairwise(found):
        assert end <= begin
    assert (found[-1][1] - timedelta(seconds=1)).astimezone(zone).date() == day

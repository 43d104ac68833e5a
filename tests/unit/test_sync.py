"""One run after another against both peers in memory."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from domain.errors import Misconfigured, OutcomeUnknown, Rejected, Unavailable
from domain.flow.breaker import BreakerRules
from domain.ids import MappingId, entry_id, entry_stream, run_stream
from domain.mapping.rows import UserMapping
from domain.ports.ticket_system import UnreadableEntry
from domain.ports.timesheets import TargetItem
from domain.rules.rounding import as_asked
from domain.time_entry.causes import RefusalCause
from domain.time_entry.events import EntryDeadLettered
from domain.time_entry.standing import EntryState
from domain.time_entry.state import TimeEntry
from domain.time_entry.values import ReasonCode, Stored
from projections import history
from tests.support.bookings import ZAMMAD, activity_mapping, configuration, project_mapping
from tests.support.peers import NOON, World


@pytest.fixture
def world() -> World:
    return World()


async def test_a_booking_arrives_in_kimai_with_marker_and_tag(world: World) -> None:
    world.tickets.book(9, article_id=89)
    run = await world.sync()
    assert (run.state, run.counters.created, run.counters.fetched) == ("completed", 1, 1)
    (sheet,) = world.kimai.sheets.values()
    assert sheet.description == ("Reset the tunnel.\nZammad #10050 TL-0a1b2c3d-0000010000000009-01")
    assert sheet.tags == {"source:zammad"}
    assert (sheet.begin, sheet.end) == (NOON - timedelta(minutes=6), NOON + timedelta(minutes=9))
    assert await world.types(9) == [
        "EntryObserved",
        "EntryDecided",
        "TimesheetWriteIntended",
        "TimesheetCreated",
    ]
    assert (await world.entry(9)).standing.state is EntryState.SYNCED


async def test_a_second_run_with_nothing_changed_writes_nothing(world: World) -> None:
    for source_id in range(1, 2501):
        world.tickets.book(source_id, ticket_id=source_id % 300 + 1)
    await world.sync()
    assert len(world.kimai.sheets) == 2500
    world.an_hour_later()
    await world.sync()  # sees its own writes once more
    world.an_hour_later()
    world.kimai.writes = world.kimai.requests = world.tickets.requests = 0
    head = await world.store.head()
    run = await world.sync()
    assert run.state == "completed"
    assert (world.kimai.writes, world.kimai.requests) == (0, 1)
    assert world.tickets.requests <= 3
    assert [e.stream for e in await world.store.page(head, 100)] == ["sync-run-3"] * 3


async def test_an_edit_changes_the_timesheet(world: World) -> None:
    world.tickets.book(9)
    await world.sync()
    world.tickets.edit(9, time_unit=Decimal(30))
    run = await world.sync()
    assert run.counters.updated == 1
    (sheet,) = world.kimai.sheets.values()
    assert sheet.duration == timedelta(minutes=30)
    body = world.kimai.bodies[-1]
    assert isinstance(body, dict)
    assert set(body) == {"begin", "end"}


async def test_an_exported_timesheet_is_not_touched(world: World) -> None:
    world.tickets.book(9)
    await world.sync()
    world.kimai.export(1)
    world.tickets.edit(9, time_unit=Decimal(30))
    world.kimai.writes = 0
    run = await world.sync()
    assert (run.state, run.counters.conflicts, world.kimai.writes) == ("completed", 1, 0)
    entry = await world.entry(9)
    assert entry.standing.conflict is ReasonCode.SOURCE_CHANGED_AFTER_EXPORT
    story = history.history(await world.store.read_recorded(entry_stream(entry_id(ZAMMAD, 9))))
    assert story[-1].title.startswith("Waits for a person: SOURCE_CHANGED_AFTER_EXPORT. The ")
    (drift,) = [item for item in story if item.title == "Exported in Kimai"]
    assert list(drift.changes) == [("exported", False, True)]
    world.tickets.edit(9, time_unit=Decimal(15))
    await world.sync()
    assert (await world.entry(9)).standing.state is EntryState.SYNCED


@pytest.mark.parametrize(
    ("policy", "sheets", "state"),
    [
        ("delete", 0, EntryState.WITHDRAWN),
        ("keep", 1, EntryState.WITHDRAWN),
        ("conflict", 1, EntryState.CONFLICT),
    ],
)
async def test_a_deleted_booking_follows_the_policy(
    policy: str, sheets: int, state: EntryState
) -> None:
    world = World(kimai={"delete_policy": policy})
    world.tickets.book(8)
    world.tickets.book(9)
    await world.sync()
    del world.tickets.rows[8]
    run = await world.sync()
    assert run.state == "completed"
    assert len(world.kimai.sheets) == sheets + 1
    assert (await world.entry(8)).standing.state is state
    assert (await world.entry(9)).standing.state is EntryState.SYNCED
    world.tickets.requests = 0
    await world.sync()
    assert world.tickets.requests == 2  # counts agree again: no sweep


async def test_the_start_of_a_run_causes_what_it_does(world: World) -> None:
    world.tickets.book(9)
    run = await world.sync()
    queued, started, *_ = await world.store.read_recorded(run_stream(run.run_id))
    assert started.metadata.causation_position == queued.position
    recorded = await world.store.read_recorded(entry_stream(entry_id(ZAMMAD, 9)))
    assert {each.metadata.causation_position for each in recorded} == {started.position}


async def test_what_waits_for_a_person_is_not_counted_as_synced() -> None:
    world = World(activities=())
    world.tickets.book(8)
    world.tickets.book(9, time_unit=Decimal(0))
    await world.sync()
    counters = (await world.sync()).counters
    assert (counters.fetched, counters.already_synced, counters.skipped) == (2, 0, 1)


async def test_an_edited_timesheet_of_a_deleted_booking_says_so() -> None:
    world = World(kimai={"delete_policy": "delete"})
    world.tickets.book(9)
    await world.sync()
    sheet = world.kimai.sheets[1]
    world.kimai.sheets[1] = replace(sheet, project_id=sheet.project_id + 1)
    del world.tickets.rows[9]
    await world.sync()
    conflict = (await world.entry(9)).conflict
    assert conflict is not None
    assert "the booking was deleted in Zammad" in conflict.detail


async def test_an_exported_timesheet_of_a_deleted_booking_stays() -> None:
    world = World(kimai={"delete_policy": "delete"})
    world.tickets.book(9)
    await world.sync()
    world.kimai.export(1)
    del world.tickets.rows[9]
    await world.sync()
    assert len(world.kimai.sheets) == 1
    assert (await world.entry(9)).standing.conflict is ReasonCode.SOURCE_DELETED


async def test_a_missing_mapping_waits_and_goes_on_by_itself() -> None:
    world = World(projects=(), kimai={"project_strategy": "fixed"})
    world.tickets.book(9)
    run = await world.sync()
    assert run.counters.conflicts == 1
    assert (await world.entry(9)).standing.conflict is ReasonCode.PROJECT_OR_CUSTOMER_MISSING
    before = await world.types(9)
    await world.sync()
    assert await world.types(9) == before
    world.configuration = configuration(projects=(project_mapping(),))
    await world.sync()
    assert (await world.entry(9)).standing.state is EntryState.SYNCED


async def test_a_hidden_ticket_waits_until_it_is_readable(world: World) -> None:
    world.tickets.hidden_tickets.add(50)
    world.tickets.book(9)
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.TICKET_UNREADABLE
    world.tickets.hidden_tickets.clear()
    await world.sync()
    assert (await world.entry(9)).standing.state is EntryState.SYNCED


async def test_a_kimai_user_is_found_by_email() -> None:
    world = World(users=())
    world.tickets.book(9)
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.USER_UNMAPPED
    world.kimai.people = (
        TargetItem(item_id=7, name="Emma", active=True, email="Agent5@example.com"),
    )
    await world.sync()
    assert [sheet.user_id for sheet in world.kimai.sheets.values()] == [7]


async def test_a_booking_that_waited_for_its_day_knows_people_by_email() -> None:
    world = World(users=())
    world.kimai.people = (
        TargetItem(item_id=4, name="emma", active=True, email="agent5@example.com"),
    )
    world.tickets.book(9)
    await world.sync(start_date=date(2020, 1, 1), end_date=date(2020, 1, 2))
    assert (await world.entry(9)).standing.state is EntryState.PENDING
    assert (await world.sync()).counters.created == 1


async def test_an_unreadable_row_waits_and_recovers(world: World) -> None:
    world.tickets.book(8)
    world.tickets.rows[9] = UnreadableEntry(
        source_id=9, fields=("time_unit",), ticket_id=50, updated_at=NOON
    )
    run = await world.sync()
    assert (run.state, run.counters.created, run.counters.conflicts) == ("completed", 1, 1)
    held = await world.entry(9)
    assert held.standing.conflict is ReasonCode.PEER_REJECTED
    assert held.conflict is not None
    assert held.conflict.cause is RefusalCause.ROW_UNREADABLE
    await world.sync()
    assert len(await world.types(9)) == 3
    world.tickets.book(9, updated_at=NOON + timedelta(hours=1))
    await world.sync()
    assert (await world.entry(9)).standing.state is EntryState.SYNCED


async def test_zero_and_negative_bookings_are_recorded_and_not_written(world: World) -> None:
    world.tickets.book(8, time_unit=Decimal(0))
    world.tickets.book(9, time_unit=Decimal("-5.00"))
    await world.sync()
    assert not world.kimai.sheets
    assert (await world.entry(8)).standing.state is EntryState.IGNORED
    assert (await world.entry(9)).standing.conflict is ReasonCode.NEGATIVE_TIME


async def test_only_work_dates_in_range_are_written(world: World) -> None:
    world.tickets.book(8, created_at=NOON - timedelta(days=40))
    world.tickets.book(9)
    await world.sync(start_date=date(2026, 6, 20), end_date=date(2026, 7, 1))
    assert (await world.entry(8)).standing.state is EntryState.PENDING
    assert (await world.entry(9)).standing.state is EntryState.SYNCED
    await world.sync()
    assert (await world.entry(8)).standing.state is EntryState.SYNCED


async def test_without_the_global_list_tickets_are_read_one_by_one(world: World) -> None:
    world.tickets.lists_all = False
    world.tickets.book(8)
    world.tickets.book(9, ticket_id=51)
    await world.sync()
    assert len(world.kimai.sheets) == 2
    del world.tickets.rows[9]
    world.configuration = configuration(kimai={"delete_policy": "delete"})
    run = await world.sync()
    assert (run.state, run.counters.deleted) == ("completed", 1)
    assert (await world.entry(9)).standing.state is EntryState.WITHDRAWN


async def test_a_ticket_that_may_not_be_read_keeps_the_watermark(world: World) -> None:
    world.tickets.lists_all = False
    world.tickets.book(8)
    world.tickets.book(9, ticket_id=51)
    world.tickets.hidden_tickets.add(51)
    run = await world.sync()
    assert run.state == "failed"
    assert "ticket 51" in (run.error or "")
    assert len(world.kimai.sheets) == 1
    assert not world.known.marks


async def test_a_lost_answer_is_read_back_and_not_repeated(world: World) -> None:
    world.tickets.book(9)
    world.perils.failing["kimai:create:after"] = [OutcomeUnknown("kimai", "timed out")]
    run = await world.sync()
    assert run.counters.created == 1
    assert len(world.kimai.sheets) == 1
    assert (await world.types(9))[2:] == [
        "TimesheetWriteIntended",
        "TimesheetWriteUncertain",
        "TimesheetAdopted",
    ]


async def test_a_lost_request_is_repeated_after_reading_back(world: World) -> None:
    world.tickets.book(9)
    world.perils.failing["kimai:create:before"] = [OutcomeUnknown("kimai", "reset")]
    await world.sync()
    assert len(world.kimai.sheets) == 1
    assert (await world.types(9))[3:] == [
        "TimesheetWriteUncertain",
        "TimesheetWriteUnsent",
        "TimesheetWriteIntended",
        "TimesheetCreated",
    ]


async def test_a_request_that_lands_late_is_waited_for(world: World) -> None:
    world.tickets.book(9)
    world.kimai.late = [timedelta(seconds=59)]
    await world.sync()
    world.an_hour_later()
    assert len(world.kimai.sheets) == 1
    assert (await world.entry(9)).standing.state is EntryState.SYNCED


async def test_a_request_sent_long_after_its_intent_is_waited_for_as_well(world: World) -> None:
    for source_id in (8, 9):
        world.tickets.book(source_id)
    world.kimai.turns = asyncio.Semaphore(1)
    world.kimai.slow = 50  # the other booking's intent waits for its turn meanwhile

    def dies() -> None:
        world.perils.dead = True

    def the_other_one_is_lost() -> None:
        world.clock.advance(timedelta(seconds=29))
        world.kimai.late = [timedelta(seconds=59)]
        world.perils.then["kimai:create:after"] = dies

    world.perils.then["kimai:create:after"] = the_other_one_is_lost
    with pytest.raises(BaseExceptionGroup):
        await world.sync()
    assert len(world.kimai.landing_late) == 1
    world.perils.dead = False
    await world.resume()
    world.an_hour_later()
    marks = sorted(sheet.description.split()[-1] for sheet in world.kimai.sheets.values())
    assert marks == sorted(set(marks))
    assert len(marks) == 2


async def test_what_is_given_up_says_whether_kimai_was_away_or_its_answers_were_lost(
    world: World,
) -> None:
    world.limits = replace(world.limits, dead_letter_after=2)
    lost, away = OutcomeUnknown("kimai", "reset"), Unavailable("kimai", "no connection")
    for source_id, error, cause in (
        (8, lost, RefusalCause.ANSWER_LOST),
        (9, away, RefusalCause.KIMAI_UNAVAILABLE),
    ):
        world.tickets.book(source_id)
        world.perils.failing["kimai:create:before"] = [error] * 9
        for _ in range(2):
            await world.sync()
            world.an_hour_later()
        world.perils.failing.clear()
        assert (await world.entry(source_id)).standing.state is EntryState.FAILED
        assert await dead_letter(world, source_id) is cause


async def dead_letter(world: World, source_id: int) -> RefusalCause | None:
    history = await world.store.read(entry_stream(entry_id(ZAMMAD, source_id)))
    return next(each.cause for each in history.events if isinstance(each, EntryDeadLettered))


async def test_a_booking_whose_answers_are_all_lost_counts_as_failed(world: World) -> None:
    world.tickets.book(9)
    world.perils.failing["kimai:create:before"] = [OutcomeUnknown("kimai", "reset")] * 20
    run = await world.sync()
    assert (run.counters.created, run.counters.failed) == (0, 1)
    world.perils.failing.clear()
    await world.sync()
    assert len(world.kimai.sheets) == 1


async def test_two_timesheets_with_one_marker_are_a_conflict(world: World) -> None:
    world.tickets.book(9)
    world.perils.failing["kimai:create:after"] = [OutcomeUnknown("kimai", "timed out")]
    world.perils.failing["kimai:find"] = [Unavailable("kimai", "down")]
    run = await world.sync()
    assert run.state == "failed"
    assert (await world.entry(9)).standing.state is EntryState.WRITING
    world.kimai.sheets[2] = replace(world.kimai.sheets[1], timesheet_id=2)
    await world.sync()
    entry = await world.entry(9)
    assert entry.standing.conflict is ReasonCode.DUPLICATE
    assert entry.standing.timesheet_id == 1
    assert len(world.kimai.sheets) == 2


async def test_a_refused_booking_does_not_stop_the_others(world: World) -> None:
    for source_id in (7, 8, 9):
        world.tickets.book(source_id)
    world.perils.failing["kimai:create:before"] = [
        Rejected("kimai", "refused", status=400, fields=("project",))
    ]
    run = await world.sync()
    assert (run.state, run.counters.created, run.counters.failed) == ("completed", 2, 1)
    states = [(await world.entry(i)).standing.conflict for i in (7, 8, 9)]
    assert states.count(ReasonCode.CREATION_ERROR) == 1
    writes = world.kimai.writes
    await world.sync()
    assert world.kimai.writes == writes


async def test_a_busy_kimai_is_tried_again_within_the_run(world: World) -> None:
    world.tickets.book(9)
    world.perils.failing["kimai:create:before"] = [Unavailable("kimai", "429", retry_after=5)]
    before = world.clock.now()
    run = await world.sync()
    assert (run.state, run.counters.created) == ("completed", 1)
    assert world.clock.now() - before == timedelta(seconds=5)


async def test_a_kimai_that_is_down_fails_the_run_and_loses_nothing(world: World) -> None:
    for source_id in range(1, 501):
        world.tickets.book(source_id)
    world.kimai.rules = BreakerRules(failures=4)  # this clock moves all writers at once
    world.perils.failing["kimai:create:before"] = [
        Unavailable("kimai", "connection refused") for _ in range(1000)
    ]
    run = await world.sync()
    assert run.state == "failed"
    assert "not asked for" in (run.error or "")
    assert len(world.perils.failing["kimai:create:before"]) > 800  # most were not asked about
    world.perils.failing.clear()
    world.clock.advance(timedelta(minutes=1))
    assert "kimai" in (run.error or "")
    world.perils.failing.clear()
    run = await world.sync()
    assert (run.state, len(world.kimai.sheets)) == ("completed", 500)


async def test_an_entry_that_never_succeeds_becomes_a_dead_letter(world: World) -> None:
    world.tickets.book(9)
    for _ in range(4):
        world.perils.failing["kimai:create:before"] = [
            Unavailable("kimai", "connection refused") for _ in range(3)
        ]
        await world.sync()
    assert (await world.entry(9)).standing.state is EntryState.FAILED
    world.perils.failing.clear()
    await world.sync()
    assert not world.kimai.sheets


async def test_a_wrong_token_stops_the_run(world: World) -> None:
    for source_id in range(1, 51):
        world.tickets.book(source_id)
    refusals = [Misconfigured("kimai", "the token is not accepted") for _ in range(9)]
    world.perils.failing["kimai:identity"] = [*refusals]
    run = await world.sync()
    assert (run.state, run.error) == ("failed", "kimai: the token is not accepted")
    assert (await world.entry(1)).standing.state is EntryState.PENDING


async def test_zammad_failing_in_between_writes_what_was_decided(world: World) -> None:
    world.tickets.page = 100
    for source_id in range(1, 301):
        world.tickets.book(source_id)
    world.tickets.counts_along = False
    world.perils.failing["zammad:count"] = [Unavailable("zammad", "502")]
    run = await world.sync()
    assert (run.state, len(world.kimai.sheets)) == ("failed", 300)


async def test_an_edit_in_kimai_is_not_overwritten(world: World) -> None:
    world.tickets.book(9)
    await world.sync()
    sheet = world.kimai.sheets[1]
    world.kimai.sheets[1] = replace(sheet, project_id=77)
    world.tickets.edit(9, time_unit=Decimal(30))
    await world.sync()
    assert world.kimai.sheets[1].project_id == 77
    assert (await world.entry(9)).standing.conflict is ReasonCode.TARGET_EDITED


async def test_a_timesheet_deleted_in_kimai_is_not_made_again(world: World) -> None:
    world.tickets.book(9)
    await world.sync()
    del world.kimai.sheets[1]
    world.tickets.edit(9, time_unit=Decimal(30))
    await world.sync()
    assert not world.kimai.sheets
    assert (await world.entry(9)).standing.conflict is ReasonCode.TARGET_DELETED


async def test_unexplained_rounding_is_flagged_and_known_rounding_is_not() -> None:
    world = World()
    world.kimai.round_minutes = 10
    world.tickets.book(9)
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.CONFLICT
    world.configuration = configuration(kimai={"round_begin": 10, "round_end": 10})
    await world.sync()
    assert (await world.entry(9)).standing.state is EntryState.SYNCED


async def test_the_zone_of_a_person_applies_to_what_is_not_yet_written(world: World) -> None:
    world.tickets.book(9)
    await world.sync()
    person = UserMapping(
        mapping_id=MappingId(1),
        version=2,
        zammad_user_id=5,
        kimai_user_id=4,
        timezone="America/New_York",
    )
    world.configuration = configuration(users=(person,))
    world.tickets.book(10)
    world.tickets.edit(9, time_unit=Decimal(30))
    await world.sync()
    zones = [(await world.entry(source_id)).settled for source_id in (9, 10)]
    assert [settled and settled.basis.zone for settled in zones] == [
        "Europe/Berlin",
        "America/New_York",
    ]


async def rounded() -> World:
    """A Kimai that rounds as it was set: 11:54 to 12:09 is stored as 11:50 to 12:10."""
    world = World(kimai={"round_begin": 10, "round_end": 10})
    world.kimai.round_minutes = 10
    world.tickets.book(9)
    await world.sync()
    return world


async def swallowed(world: World) -> TimeEntry:
    """The booking after an edit that Kimai's rounding swallows: nobody was asked, nothing sent."""
    world.kimai.writes = 0
    world.tickets.edit(9, time_unit=Decimal(17))
    run = await world.sync()
    assert (run.counters.conflicts, world.kimai.writes) == (0, 0)
    entry = await world.entry(9)
    assert entry.standing.state is EntryState.SYNCED
    return entry


async def test_an_edit_that_rounding_swallows_is_not_sent() -> None:
    world = await rounded()
    settled = (await world.entry(9)).settled
    assert settled is not None
    assert settled.basis.foreseen == as_asked(settled.desired.begin, settled.desired.end)
    assert settled.basis.foreseen == Stored(
        begin=NOON - timedelta(minutes=10),
        end=NOON + timedelta(minutes=10),
        duration=timedelta(minutes=20),
    )
    entry = await swallowed(world)
    assert entry.settled is not None
    assert entry.settled.worked.duration == timedelta(minutes=17)
    world.tickets.edit(9, time_unit=Decimal(25))
    await world.sync()
    assert world.kimai.writes == 1


async def test_an_edit_that_rounding_swallows_asks_nobody_after_the_export() -> None:
    world = await rounded()
    world.kimai.export(1)
    entry = await swallowed(world)
    assert entry.settled is not None
    assert entry.settled.written.exported
    world.tickets.edit(9, time_unit=Decimal(25))
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.SOURCE_CHANGED_AFTER_EXPORT
    assert world.kimai.writes == 0


async def test_what_a_person_edited_before_the_export_is_asked_about_all_the_same() -> None:
    world = await rounded()
    world.kimai.edit(1, project_id=99)
    world.kimai.export(1)
    world.tickets.edit(9, time_unit=Decimal(17))
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.SOURCE_CHANGED_AFTER_EXPORT


async def test_what_is_sent_is_rounded_as_set() -> None:
    """`contract.md`, section 4. A duration cannot be sent, so the begin says it."""
    world = World(kimai={"round_duration": 20})
    world.tickets.book(9)
    run = await world.sync()
    assert (run.counters.created, run.counters.conflicts) == (1, 0)
    (sheet,) = world.kimai.sheets.values()
    entry = await world.entry(9)
    assert entry.settled is not None
    assert entry.settled.worked.duration == timedelta(minutes=15)
    assert (sheet.duration, sheet.end) == (timedelta(minutes=20), entry.settled.worked.end)


@pytest.mark.parametrize("steps", [{"round_begin": 1, "round_end": 1}, {"round_end": 7}], ids=str)
async def test_work_that_rounds_to_nothing_is_left_alone_until_the_setting_goes(
    steps: dict[str, int],
) -> None:
    """Kimai can refuse what has no length (`peers/kimai.md`, 2.8), and nobody is billed for it.

    With the second steps the times that are sent have a length, and Kimai makes none of them.
    """
    world = World(kimai={"round_duration": 20, "rounding_mode": "floor", **steps})
    world.tickets.book(9)
    await world.sync()
    entry = await world.entry(9)
    assert (entry.standing.state, world.kimai.writes) == (EntryState.IGNORED, 0)
    assert entry.decided is not None
    assert entry.decided.detail == "Rounded as set, nothing is left of 15 min."
    world.configuration = configuration()
    await world.sync()
    assert world.kimai.sheets[1].duration == timedelta(minutes=15)


async def test_a_rounding_that_is_set_later_leaves_alone_what_is_in_kimai(world: World) -> None:
    world.tickets.book(9)
    await world.sync()
    world.configuration = configuration(kimai={"round_duration": 20})
    world.tickets.edit(9)  # seen again, with nothing of the time changed
    await world.sync()
    assert world.kimai.sheets[1].duration == timedelta(minutes=15)
    world.tickets.edit(9, time_unit=Decimal(21))
    await world.sync()
    assert world.kimai.sheets[1].duration == timedelta(minutes=40)
    world.configuration = configuration()
    world.tickets.edit(9)
    await world.sync()
    assert world.kimai.sheets[1].duration == timedelta(minutes=40)


async def test_a_negative_booking_takes_from_the_work_and_not_from_what_rounding_added() -> None:
    world = World(kimai={"round_duration": 20})
    world.tickets.book(8)
    await world.sync()
    world.tickets.book(9, time_unit=Decimal(-5))
    await world.sync()
    assert world.kimai.sheets[1].duration == timedelta(minutes=20)  # ten minutes are left
    world.tickets.book(10, time_unit=Decimal(-10))
    await world.sync()
    assert world.kimai.sheets[1].duration == timedelta(0)
    states = {(await world.entry(number)).standing.state for number in (8, 9, 10)}
    assert EntryState.CONFLICT not in states


async def test_rounding_that_was_foreseen_once_is_no_drift_when_the_setting_goes() -> None:
    world = await rounded()
    world.configuration = configuration()
    world.kimai.writes = 0
    world.tickets.edit(9)  # seen again, with nothing of the time changed
    run = await world.sync()
    assert (run.counters.conflicts, world.kimai.writes) == (0, 0)
    world.tickets.edit(9, type_id=7)
    world.configuration = configuration(
        activities=(activity_mapping(), activity_mapping(zammad_type_id=7, kimai_activity_id=3))
    )
    run = await world.sync()
    assert (run.counters.conflicts, world.kimai.writes) == (0, 1)
    assert (await world.entry(9)).standing.state is EntryState.SYNCED


async def test_a_merged_ticket_of_another_customer_asks_a_person(world: World) -> None:
    world.tickets.merged = {50: 60, 51: 61}
    world.tickets.customers = {61: 99}
    world.tickets.book(8, ticket_id=50)
    world.tickets.book(9, ticket_id=51)
    await world.sync()
    assert (await world.entry(8)).standing.state is EntryState.SYNCED
    assert (await world.entry(9)).standing.conflict is ReasonCode.TICKET_MERGED


async def test_a_unit_that_zammad_declares_later_is_taken_up() -> None:
    world = World(zammad={"time_unit_minutes": None})
    world.tickets.book(9)
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.UNIT_UNKNOWN
    world.tickets.unit = "hour"
    await world.sync()
    (sheet,) = world.kimai.sheets.values()
    assert sheet.duration == timedelta(hours=15)
    world.tickets.requests = 0
    await world.sync()
    assert world.tickets.requests == 2  # tickets and bookings: nobody waits for the unit

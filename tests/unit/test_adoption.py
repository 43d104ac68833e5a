"""A Kimai that was in use before us. Peers in memory."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.errors import RuleViolation
from domain.ids import ConnectorId, entry_id
from domain.ports.timesheets import Timesheet
from domain.rules.comparison import as_written
from domain.rules.marker import claimed, marker
from domain.sync.limits import LIMITS
from domain.time_entry.commands import Adopt, Distinguish, Undo
from domain.time_entry.decide import TIME_ENTRY
from domain.time_entry.standing import EntryState
from domain.time_entry.taking_over import CONFIRMED, holds, subject_of, suggested
from domain.time_entry.values import ReasonCode
from tests.property.test_sync_faults import dies_at
from tests.support.bookings import KIMAI, LOG_TAG, ZAMMAD
from tests.support.peers import NOON, World

OURS = marker(LOG_TAG, entry_id(ZAMMAD, 9))
EARLIER = "ZAM:T50|TA:9"


@pytest.fixture
def world() -> World:
    world = World()
    world.tickets.book(9)
    return world


def put(world: World, timesheet_id: int, text: str, **changes: Any) -> Timesheet:
    """A record that was in Kimai before us: a quarter of an hour by person 4, begun at noon."""
    begin = changes.pop("begin", NOON)
    lasting = changes.pop("duration", timedelta(minutes=15))
    sheet = Timesheet(
        timesheet_id=timesheet_id,
        user_id=4,
        project_id=77,
        activity_id=88,
        begin=begin,
        end=begin + lasting,
        duration=lasting,
        offset=timedelta(hours=2),
        description=text,
        tags=frozenset({"by hand"}),
        exported=False,
        billable=True,
    )
    world.kimai.tags.add("by hand")
    world.kimai.sheets[timesheet_id] = replace(sheet, **changes)
    return world.kimai.sheets[timesheet_id]


@pytest.mark.parametrize(
    "text", [f"VPN\n{OURS}", f"{EARLIER} VPN", f"VPN ({EARLIER})", f"Note\n{EARLIER}\nmore"]
)
async def test_a_timesheet_with_a_marker_is_linked_without_a_write(world: World, text: str) -> None:
    before = put(world, 500, text)
    run = await world.sync()
    assert (run.state, run.counters.created, run.counters.conflicts) == ("completed", 0, 0)
    assert run.counters.already_synced == 1
    assert world.kimai.writes == 0
    assert world.kimai.sheets == {500: before}
    state = await world.entry(9)
    assert (state.standing.state, state.standing.timesheet_id) == (EntryState.SYNCED, 500)
    assert await world.types(9) == ["EntryObserved", "TimesheetAdopted", "EntryDecided"]
    world.an_hour_later()
    head = await world.store.head()
    await world.sync()
    assert [e.stream for e in await world.store.page(head, 100)] == ["sync-run-2"] * 3


@pytest.mark.parametrize(
    "text",
    [
        "ZAM:T51|TA:9",  # another ticket, so another Zammad
        "ZAM:T50|TA:90",
        "XZAM:T50|TA:9",
        "ZAM:T50|TA:9 ZAM:T50|TA:8",  # for whom?
        marker("99999999", entry_id(ZAMMAD, 9)),  # another ledger's
        marker(LOG_TAG, entry_id(ConnectorId(7), 9)),
        "Worked on something",
    ],
)
async def test_a_timesheet_of_somebody_else_is_left_alone(world: World, text: str) -> None:
    before = put(world, 500, text)
    run = await world.sync()
    assert run.counters.created == 1
    assert world.kimai.sheets[500] == before
    assert (await world.entry(9)).standing.timesheet_id != 500


async def test_the_first_change_brings_it_to_the_booking_as_a_whole(world: World) -> None:
    put(world, 500, f"{EARLIER} VPN")
    await world.sync()
    world.an_hour_later()
    world.tickets.edit(9, time_unit=Decimal(30))
    run = await world.sync()
    assert (run.counters.updated, run.counters.conflicts) == (1, 0)
    (sheet,) = world.kimai.sheets.values()
    assert (sheet.timesheet_id, sheet.duration) == (500, timedelta(minutes=30))
    assert (sheet.project_id, sheet.activity_id) == (77, 88), "nobody changed what it is booked on"
    assert sheet.description.endswith(OURS)
    assert sheet.tags == {"by hand", "source:zammad"}
    world.an_hour_later()
    world.tickets.edit(9, time_unit=Decimal(45))
    assert (await world.sync()).counters.updated == 1


async def test_what_was_exported_is_linked_and_never_touched(world: World) -> None:
    before = put(world, 500, EARLIER, exported=True)
    await world.sync()
    assert (await world.entry(9)).standing.state is EntryState.SYNCED
    world.an_hour_later()
    world.tickets.edit(9, time_unit=Decimal(30))
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.SOURCE_CHANGED_AFTER_EXPORT
    assert world.kimai.sheets == {500: before}


async def test_another_amount_asks_a_person_and_rounding_does_not(world: World) -> None:
    world.tickets.book(8)
    put(world, 500, "ZAM:T50|TA:8", duration=timedelta(minutes=16))
    put(world, 501, EARLIER, duration=timedelta(minutes=20))
    await world.sync()
    assert (await world.entry(8)).standing.state is EntryState.SYNCED
    assert (await world.entry(9)).standing.conflict is ReasonCode.TIME_MISMATCH
    assert (await world.entry(9)).standing.timesheet_id == 501
    assert world.kimai.writes == 0


@pytest.mark.parametrize("minutes", [15, 25])
async def test_an_amount_that_is_corrected_by_hand_is_asked_about_as_it_is_now(
    world: World, minutes: int
) -> None:
    sheet = put(world, 500, EARLIER, duration=timedelta(minutes=20))
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.TIME_MISMATCH
    lasting = timedelta(minutes=minutes)
    world.an_hour_later()
    world.kimai.edit(500, duration=lasting, end=sheet.begin + lasting)
    for _ in range(2):
        await world.sync()
        state = await world.entry(9)
        assert state.settled is not None
        if minutes == 15:  # what the booking asks for
            assert (state.standing.state, state.conflict) == (EntryState.SYNCED, None)
            assert state.settled.written.duration == lasting
        else:
            assert state.standing.conflict is ReasonCode.TARGET_EDITED
            assert "0:25:00" in state.conflict.detail  # type: ignore[union-attr] # it is open
        world.clock.advance(timedelta(hours=25))
    assert world.kimai.writes == 0


async def test_an_edit_in_kimai_is_drift_from_what_was_found(world: World) -> None:
    put(world, 500, EARLIER)
    await world.sync()
    world.an_hour_later()
    world.kimai.edit(500, activity_id=99)
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.TARGET_EDITED
    world.kimai.edit(500, activity_id=88)
    await world.sync()
    assert (await world.entry(9)).standing.state is EntryState.SYNCED
    assert world.kimai.writes == 0


async def test_two_timesheets_with_one_marker_are_a_conflict(world: World) -> None:
    put(world, 501, f"Copy\n{OURS}")
    put(world, 500, EARLIER)
    await world.sync()
    state = await world.entry(9)
    assert (state.standing.conflict, state.standing.timesheet_id) == (ReasonCode.DUPLICATE, 500)
    assert world.kimai.writes == 0
    world.an_hour_later()
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.DUPLICATE
    del world.kimai.sheets[501]
    await world.sync()
    assert (await world.entry(9)).standing.state is EntryState.SYNCED


async def test_it_is_linked_whatever_stands_in_the_way_of_a_new_one(world: World) -> None:
    world.tickets.book(10, type_id=5)  # nobody mapped that type
    world.tickets.book(11, ticket_id=51)
    world.tickets.hidden_tickets.add(51)
    for number, text in ((500, EARLIER), (501, "ZAM:T50|TA:10"), (502, "ZAM:T51|TA:11")):
        put(world, number, text)
    await world.sync(start_date=date(2020, 1, 1), end_date=date(2020, 1, 2))
    assert [(await world.entry(each)).standing.timesheet_id for each in (9, 10, 11)] == [
        500,
        501,
        502,
    ]
    assert (await world.entry(9)).standing.state is EntryState.SYNCED
    assert (await world.entry(10)).standing.state is EntryState.SYNCED
    world.tickets.hidden_tickets.clear()
    world.an_hour_later()
    await world.sync()
    assert (await world.entry(11)).standing.state is EntryState.SYNCED
    assert world.kimai.writes == 0


async def test_a_booking_deleted_in_zammad_takes_what_was_adopted_along() -> None:
    world = World(kimai={"delete_policy": "delete"})
    world.tickets.book(8)
    world.tickets.book(9)
    put(world, 500, EARLIER)
    await world.sync()
    world.an_hour_later()
    del world.tickets.rows[9]
    assert (await world.sync()).counters.deleted == 1
    assert 500 not in world.kimai.sheets


# --- suggestions


async def test_what_only_looks_like_it_is_suggested_and_nothing_is_written(world: World) -> None:
    put(world, 500, "VPN again, #10050")
    await world.sync()
    state = await world.entry(9)
    assert state.standing.conflict is ReasonCode.DUPLICATE
    assert suggested(state) == (500,)
    assert (world.kimai.writes, state.standing.timesheet_id) == (0, None)
    world.an_hour_later()
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.DUPLICATE
    assert world.kimai.writes == 0


async def test_the_rounded_whole_of_a_booking_that_was_taken_from_looks_like_it() -> None:
    world = World(kimai={"round_duration": 20})
    world.tickets.book(9)
    world.tickets.book(10, time_unit=Decimal(-9))
    put(world, 500, "VPN again, #10050", duration=timedelta(minutes=20))
    put(world, 501, "VPN again, #10050", duration=timedelta(minutes=40))
    await world.sync()
    assert suggested(await world.entry(9)) == (500,)


async def test_the_whole_is_rounded_where_it_lay() -> None:
    """Ten minutes that ended at 12:09 are 11:45 to 12:15; the five that are left are half of it."""
    world = World(kimai={"round_begin": 15, "round_end": 15})
    world.tickets.book(9, time_unit=Decimal(10))
    world.tickets.book(10, time_unit=Decimal(-5))
    put(world, 500, "VPN again, #10050", duration=timedelta(minutes=30))
    await world.sync()
    assert suggested(await world.entry(9)) == (500,)


@pytest.mark.parametrize(
    "changes",
    [
        {"user_id": 5},
        {"duration": timedelta(minutes=16)},
        {"begin": NOON + timedelta(days=1)},
        {"description": "VPN again, #10051"},
        {"description": "VPN again, #100501"},
        {"description": f"#10050\n{marker('99999999', entry_id(ZAMMAD, 9))}"},
    ],
)
async def test_ticket_person_day_and_amount_have_to_agree(
    world: World, changes: dict[str, Any]
) -> None:
    put(world, 500, changes.pop("description", "VPN again, #10050"), **changes)
    assert (await world.sync()).counters.created == 1


async def test_a_person_confirms_a_suggestion(world: World) -> None:
    sheet = put(world, 500, "VPN again, #10050")
    await world.sync()
    await confirm(world, sheet)
    world.an_hour_later()
    await world.sync()
    state = await world.entry(9)
    assert (state.standing.state, state.standing.timesheet_id) == (EntryState.SYNCED, 500)
    assert world.kimai.writes == 0
    world.an_hour_later()
    world.tickets.edit(9, time_unit=Decimal(30))
    assert (await world.sync()).counters.updated == 1
    assert world.kimai.sheets[500].description.endswith(OURS)


async def test_accepting_a_suggestion_can_be_taken_back(world: World) -> None:
    sheet = put(world, 500, "VPN again, #10050")
    await world.sync()
    opened = (await world.entry(9)).opened
    await confirm(world, sheet)
    assert holds(await world.entry(9))
    await decide(world, Undo(nth=opened))
    for _ in range(2):
        state = await world.entry(9)
        assert (state.standing.conflict, suggested(state)) == (ReasonCode.DUPLICATE, (500,))
        assert (state.standing.timesheet_id, state.settled, holds(state)) == (
            None,
            None,
            frozenset(),
        )
        world.an_hour_later()
        await world.sync()
    assert world.kimai.writes == 0
    await decide(world, Distinguish(note="that was on the phone"))
    world.an_hour_later()
    assert (await world.sync()).counters.created == 1
    assert world.kimai.sheets[500].description == "VPN again, #10050"


async def test_a_person_says_that_it_is_other_work(world: World) -> None:
    put(world, 500, "VPN again, #10050")
    await world.sync()
    await decide(world, Distinguish(note="that was on the phone"))
    world.an_hour_later()
    assert (await world.sync()).counters.created == 1
    assert len(world.kimai.sheets) == 2


async def test_only_what_is_suggested_can_be_confirmed(world: World) -> None:
    sheet = put(world, 500, "VPN again, #10050")
    other = put(world, 501, "Else")
    await world.sync()
    with pytest.raises(RuleViolation):
        await confirm(world, other)
    await confirm(world, sheet)
    with pytest.raises(RuleViolation):
        await confirm(world, sheet)
    with pytest.raises(RuleViolation):
        await decide(world, Distinguish())


async def decide(world: World, command: Adopt | Distinguish | Undo) -> None:
    state = await world.entry(9)
    events = TIME_ENTRY.decide(command, state)
    await world.keep(9, events)


async def confirm(world: World, sheet: Timesheet) -> None:
    state = await world.entry(9)
    found = as_written(sheet, subject_of(state))
    await decide(world, Adopt(found=[found], how=CONFIRMED, target_connector_id=KIMAI, marker=""))


async def test_a_timesheet_taken_over_is_held_against_all_other_bookings(world: World) -> None:
    sheet = put(world, 500, "VPN again, #10050")
    await world.sync()
    assert holds(await world.entry(9)) == frozenset()
    await confirm(world, sheet)
    assert holds(await world.entry(9)) == {f"adopted-timesheet:{KIMAI}:500"}


# --- once, at any price


async def test_kimai_is_listed_once_and_in_pages(world: World) -> None:
    for number in range(1_001, 2_202):
        put(world, number, "Somebody's work")
    before = world.kimai.requests
    await world.sync()
    assert world.kimai.listed == [min(world.kimai.listed)]
    spent = world.kimai.requests - before
    assert spent <= 3 + 3  # the pages; who we are, the tag, the timesheet itself
    world.an_hour_later()
    await world.sync()
    assert len(world.kimai.listed) == 1


async def test_a_crash_at_any_point_of_taking_over_makes_nothing_twice() -> None:
    point = 0
    while True:
        point += 1
        world = World()
        for source_id in (8, 9, 10, 11):
            world.tickets.book(source_id)
        kept = {put(world, 500, EARLIER), put(world, 501, "ZAM:T50|TA:10", exported=True)}
        looks_alike = put(world, 502, "#10050", begin=NOON - timedelta(minutes=3))
        finished = not await dies_at(world, point)
        world.an_hour_later()
        world.limits = replace(LIMITS, request_limit=timedelta(0))
        if not finished:
            await world.resume()
        assert kept | {looks_alike} == set(world.kimai.sheets.values())
        for source_id, timesheet_id in ((9, 500), (10, 501)):
            assert (await world.entry(source_id)).standing.timesheet_id == timesheet_id
        for source_id in (8, 11):
            assert suggested(await world.entry(source_id)) == (502,)
        if finished:
            assert point > 10
            return


def test_a_text_that_names_several_bookings_claims_none() -> None:
    assert claimed("ZAM:T50|TA:9, ZAM:T50|TA:9", LOG_TAG, ZAMMAD) is not None, "the same twice"
    assert claimed("ZAM:T50|TA:9, ZAM:T50|TA:8", LOG_TAG, ZAMMAD) is None
    assert claimed("ZAM:T50|TA:12345678901", LOG_TAG, ZAMMAD) is None

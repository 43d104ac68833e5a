"""A timesheet that may not be changed is corrected by a second one, and both are watched."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from domain.errors import Rejected, RuleViolation
from domain.handling import handle
from domain.ids import entry_id, entry_stream
from domain.rules.marker import marker
from domain.rules.row_ops import Op
from domain.sync.resolving import Refused
from domain.time_entry.commands import Keep, Retry
from domain.time_entry.decide import TIME_ENTRY
from domain.time_entry.standing import EntryState
from domain.time_entry.state import TimeEntry
from domain.time_entry.values import ReasonCode
from tests.support.bookings import LOG_TAG, ZAMMAD
from tests.support.peers import World
from tests.unit.test_carrying_out import ALICE, billed, carry, dies_at, resolver, wish

CHANGED, EDITED = ReasonCode.SOURCE_CHANGED_AFTER_EXPORT, ReasonCode.TARGET_EDITED


def lasting(world: World) -> dict[int, float]:
    """Minutes in Kimai, by timesheet."""
    sheets = world.kimai.sheets.values()
    return {sheet.timesheet_id: sheet.duration / timedelta(minutes=1) for sheet in sheets}


def known(entry: TimeEntry) -> list[int]:
    linked = [] if entry.settled is None else [entry.settled.written.timesheet_id]
    return [*(one.timesheet_id for one in entry.earlier if not one.gone), *linked]


async def corrected(minutes: int = 40, **settings: object) -> World:
    world = await billed(minutes, **settings)
    await carry(world, Op.CORRECT)
    return world


async def later(world: World) -> TimeEntry:
    """The next run, which lists all of Kimai."""
    world.limits = replace(world.limits, list_every=timedelta(0))
    world.an_hour_later()
    run = await world.sync()
    assert run.state == "completed", run.error
    return await world.entry(9)


async def keep(world: World) -> None:
    command = Keep(nth=(await world.entry(9)).opened)
    stream, now = entry_stream(entry_id(ZAMMAD, 9)), world.clock.now()
    await handle(world.store, TIME_ENTRY, stream, command, metadata=ALICE, now=now)


async def quiet(world: World) -> None:
    """Nothing is said, asked or sent any more."""
    before, writes = await world.types(9), world.kimai.writes
    await later(world)
    assert (await world.types(9), world.kimai.writes) == (before, writes)


async def test_the_difference_is_booked_beside_the_exported_timesheet() -> None:
    world = await billed()
    first = world.kimai.sheets[1]
    entry = await carry(world, Op.CORRECT)
    assert (entry.standing.state, entry.standing.earlier) == (EntryState.SYNCED, (1,))
    assert world.kimai.sheets[1] == first
    second = world.kimai.sheets[2]
    assert second.duration == timedelta(minutes=25)
    assert second.end == first.begin  # the whole of it lies where the booking does
    assert second.description.endswith(marker(LOG_TAG, entry_id(ZAMMAD, 9), 2))
    assert (second.project_id, second.activity_id) == (first.project_id, first.activity_id)
    await quiet(world)


@pytest.mark.parametrize(
    ("anchor", "begin"),
    [("end_at_booking", "11:29"), ("start_at_booking", "12:24"), ("day_start_stacked", "09:15")],
)
async def test_it_lies_beside_the_first_one_whatever_the_anchor(anchor: str, begin: str) -> None:
    world = await corrected(zammad={"work_time_anchor": anchor, "timezone": "UTC"})
    assert f"{world.kimai.sheets[2].begin:%H:%M}" == begin
    await quiet(world)


async def test_a_stacked_day_keeps_clear_of_both() -> None:
    world = await corrected(zammad={"work_time_anchor": "day_start_stacked", "timezone": "UTC"})
    for number in (10, 11):
        world.tickets.book(number)
    await later(world)
    ordered = sorted(world.kimai.sheets.values(), key=lambda sheet: sheet.begin)
    assert len(ordered) == 4
    for one, next_one in pairwise(ordered):
        assert one.end is not None
        assert one.end <= next_one.begin


async def test_a_further_change_goes_to_the_correction() -> None:
    world = await corrected()
    world.tickets.edit(9, time_unit=Decimal(50))
    entry = await later(world)
    assert entry.standing.state is EntryState.SYNCED
    assert lasting(world) == {1: 15, 2: 35}
    await quiet(world)


async def test_less_than_what_was_billed_asks_again_and_offers_no_correction() -> None:
    world = await corrected()
    world.tickets.edit(9, time_unit=Decimal(10))
    entry = await later(world)
    assert entry.standing.conflict is CHANGED
    assert entry.conflict is not None
    assert "no negative time" in entry.conflict.detail
    assert lasting(world) == {1: 15, 2: 25}
    with pytest.raises(RuleViolation, match="no negative time"):
        await carry(world, Op.UPDATE)
    await quiet(world)


async def test_what_is_more_only_by_rounding_is_not_too_much() -> None:
    """All of 12 minutes is 20 as set, which the exported timesheet has."""
    world = await corrected(kimai={"round_duration": 20})
    assert lasting(world) == {1: 20, 2: 20}
    world.tickets.edit(9, time_unit=Decimal(12))
    entry = await later(world)
    assert (entry.standing.state, lasting(world)) == (EntryState.SYNCED, {1: 20, 2: 0})
    await quiet(world)


async def test_a_smaller_booking_has_nothing_to_add() -> None:
    world = await billed(10)
    preview = await resolver(world).preview(await wish(world, Op.CORRECT))
    assert preview.blocked_by is not None
    assert "negative" in preview.blocked_by
    with pytest.raises(RuleViolation):
        await carry(world, Op.CORRECT)
    assert lasting(world) == {1: 15}


async def test_an_exported_correction_is_corrected_by_a_third() -> None:
    world = await corrected()
    world.kimai.export(2)
    world.tickets.edit(9, time_unit=Decimal(60))
    assert (await later(world)).standing.conflict is CHANGED
    entry = await carry(world, Op.CORRECT)
    assert known(entry) == [1, 2, 3]
    assert lasting(world) == {1: 15, 2: 25, 3: 20}
    assert world.kimai.sheets[3].description.endswith("-03")
    await quiet(world)


@pytest.mark.parametrize("op", [Op.KEEP_TARGET, Op.UPDATE])
async def test_an_edit_of_the_first_one_is_asked_about(op: Op) -> None:
    world = await corrected()
    sheet = world.kimai.sheets[1]
    world.kimai.edit(1, duration=timedelta(minutes=20), end=sheet.begin + timedelta(minutes=20))
    entry = await later(world)
    assert entry.standing.conflict is EDITED
    await quiet(world)
    if op is Op.KEEP_TARGET:
        await keep(world)
        assert lasting(world) == {1: 20, 2: 25}
    else:
        assert (await carry(world, op)).standing.state is EntryState.SYNCED
        assert lasting(world) == {1: 20, 2: 20}
    await quiet(world)


async def test_an_edit_that_is_undone_closes_its_question() -> None:
    world = await corrected()
    former = world.kimai.sheets[1]
    world.kimai.edit(1, project_id=77)
    assert (await later(world)).standing.conflict is EDITED
    world.kimai.edit(1, project_id=former.project_id)
    assert (await later(world)).standing.state is EntryState.SYNCED
    await quiet(world)


async def test_taking_back_the_export_of_the_first_one_says_nothing() -> None:
    world = await corrected()
    world.kimai.edit(1, exported=False)
    entry = await later(world)
    assert entry.standing.state is EntryState.SYNCED
    assert [one.settled.written.exported for one in entry.earlier] == [False]
    await quiet(world)


@pytest.mark.parametrize("op", [Op.KEEP_TARGET, Op.UPDATE])
async def test_the_first_one_deleted_in_kimai_is_asked_about(op: Op) -> None:
    world = await corrected()
    del world.kimai.sheets[1]
    entry = await later(world)
    assert (entry.standing.conflict, known(entry)) == (EDITED, [2])
    await quiet(world)
    if op is Op.KEEP_TARGET:
        await keep(world)
        assert lasting(world) == {2: 25}
    else:
        await carry(world, op)
        assert lasting(world) == {2: 40}
    await quiet(world)


async def test_the_correction_deleted_in_kimai_asks_about_the_first_one_again() -> None:
    world = await corrected()
    del world.kimai.sheets[2]
    entry = await later(world)
    assert (entry.standing.conflict, known(entry)) == (CHANGED, [1])
    await quiet(world)
    entry = await carry(world, Op.CORRECT)
    assert lasting(world) == {1: 15, 2: 25}
    assert world.kimai.sheets[2].description.endswith("-02")
    await quiet(world)


async def test_a_copy_of_either_is_a_duplicate() -> None:
    world = await corrected()
    assert world.kimai.duplicate(2) == 3
    entry = await later(world)
    assert entry.standing.conflict is ReasonCode.DUPLICATE
    assert entry.conflict is not None
    assert entry.conflict.others == (3,)


@pytest.mark.parametrize("policy", ["delete", "conflict"])
async def test_a_booking_deleted_in_zammad_takes_the_correction_back_only_by_a_person(
    policy: str,
) -> None:
    world = await corrected(kimai={"delete_policy": policy})
    del world.tickets.rows[9]
    world.tickets.book(8)
    entry = await later(world)
    assert entry.standing.conflict is ReasonCode.SOURCE_DELETED
    entry = await carry(world, Op.UPDATE)
    assert (entry.standing.state, known(entry)) == (EntryState.WITHDRAWN, [1])
    assert 2 not in world.kimai.sheets
    assert world.kimai.sheets[1].exported


async def test_an_edit_since_the_person_looked_is_shown_first() -> None:
    world = await billed()
    old = await wish(world, Op.CORRECT)
    sheet = world.kimai.sheets[1]
    world.kimai.edit(1, duration=timedelta(minutes=30), end=sheet.begin + timedelta(minutes=30))
    with pytest.raises(RuleViolation, match="has 30 min now"):
        await resolver(world).carry(old)
    assert lasting(world) == {1: 30}
    entry = await world.entry(9)
    assert (entry.standing.conflict, entry.opened) == (EDITED, 2)
    await carry(world, Op.CORRECT)
    assert lasting(world) == {1: 30, 2: 10}
    await quiet(world)


async def test_an_export_that_was_taken_back_needs_no_correction() -> None:
    world = await billed()
    world.kimai.edit(1, exported=False)
    with pytest.raises(RuleViolation, match="taken back"):
        await carry(world, Op.CORRECT)
    await carry(world, Op.UPDATE)
    assert lasting(world) == {1: 40}


async def test_a_change_after_the_decision_and_before_the_request_voids_it() -> None:
    """The process dies in between, and the next run finds another booking than was decided on."""
    point, entry = 0, None
    while entry is None or entry.correcting is None:
        point += 1
        world = await billed()
        await dies_at(world, await wish(world, Op.CORRECT), point)
        entry = await world.entry(9)
    assert (entry.intent, entry.closed and entry.closed.action) == (None, "corrected")
    world.tickets.edit(9, time_unit=Decimal(55))
    entry = await later(world)
    assert (entry.standing.conflict, entry.correcting) == (CHANGED, None)
    assert lasting(world) == {1: 15}
    await carry(world, Op.CORRECT)
    assert lasting(world) == {1: 15, 2: 40}


async def test_where_the_day_is_locked_it_goes_to_the_day_of_the_decision() -> None:
    world = await billed()
    locked = Rejected("kimai", "400", status=400, fields=())
    world.perils.failing["kimai:create:before"] = [locked]
    with pytest.raises(Refused):
        await carry(world, Op.CORRECT)
    entry = await world.entry(9)
    assert (entry.standing.conflict, known(entry)) == (ReasonCode.PERIOD_LOCKED, [1])
    await carry(world, Op.CORRECT)
    assert lasting(world) == {1: 15, 2: 25}
    assert world.kimai.sheets[2].end == world.clock.now().replace(second=0, microsecond=0)
    entry = await world.entry(9)
    assert entry.decided is not None
    assert entry.decided.basis.work_date == date(2026, 7, 1)
    world.tickets.edit(9, time_unit=Decimal(50))
    begin = world.kimai.sheets[2].begin
    await later(world)
    assert (lasting(world), world.kimai.sheets[2].begin) == ({1: 15, 2: 35}, begin)
    await quiet(world)


async def test_negative_bookings_take_from_the_correction_and_no_more() -> None:
    world = await corrected()
    world.tickets.book(10, time_unit=Decimal(-40), created_at=datetime(2026, 7, 2, tzinfo=UTC))
    await later(world)
    assert lasting(world) == {1: 15, 2: 0}
    other = await world.entry(10)
    assert other.netted is not None
    assert other.netted.rest_seconds == 15 * 60
    await quiet(world)


@pytest.mark.parametrize("gone", [False, True])
async def test_another_try_does_not_end_the_question_about_one_that_stays(*, gone: bool) -> None:
    world = await corrected()
    if gone:
        del world.kimai.sheets[1]
    else:
        world.kimai.edit(1, project_id=77)
    await later(world)
    stream, now = entry_stream(entry_id(ZAMMAD, 9)), world.clock.now()
    await handle(world.store, TIME_ENTRY, stream, Retry(), metadata=ALICE, now=now)
    await world.sync()
    entry = await later(world)
    assert entry.standing.conflict is ReasonCode.TARGET_EDITED

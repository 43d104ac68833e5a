"""A person's decision is carried out by the steps of a run, and dies at every point of it."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from domain.errors import ExternalSystemError, OutcomeUnknown, RuleViolation, Unavailable
from domain.event import Actor, Metadata
from domain.ids import entry_id
from domain.rules.row_ops import Op
from domain.sync.resolving import Resolver, Wish
from domain.time_entry.events import ConflictResolved
from domain.time_entry.standing import EntryState
from domain.time_entry.state import TimeEntry
from domain.time_entry.values import ReasonCode
from tests.support.bookings import ZAMMAD, configuration
from tests.support.peers import Crash, World
from tests.unit.test_adoption import put

ALICE = Metadata(actor=Actor(kind="user", name="alice"), correlation_id="request-1")
MINUTES = timedelta(minutes=15)


def resolver(world: World) -> Resolver:
    return Resolver(
        configuration=world.configuration,
        ports=world.ports(),
        limits=world.limits,
        metadata=ALICE,
    )


async def wish(world: World, op: Op, source_id: int = 9) -> Wish:
    seen = await world.entry(source_id)
    return Wish(entry_id=entry_id(ZAMMAD, source_id), op=op, nth=seen.opened, seen=seen, note="n")


async def carry(world: World, op: Op, source_id: int = 9) -> TimeEntry:
    return await resolver(world).carry(await wish(world, op, source_id))


async def edited() -> World:
    """The booking lasts 15 minutes, and somebody made it 30 in Kimai."""
    world = World()
    world.tickets.book(9)
    await world.sync()
    sheet = world.kimai.sheets[1]
    world.kimai.edit(1, duration=sheet.duration * 2, end=sheet.begin + sheet.duration * 2)
    world.an_hour_later()
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.TARGET_EDITED
    return world


async def deleted() -> World:
    """Somebody deleted the timesheet in Kimai, and the booking was changed since."""
    world = World()
    world.tickets.book(9)
    await world.sync()
    del world.kimai.sheets[1]
    world.tickets.edit(9, time_unit=Decimal(15), type_id=4)
    world.an_hour_later()
    world.limits = replace(world.limits, list_every=timedelta(0))
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.TARGET_DELETED
    return world


async def gone() -> World:
    """The booking was deleted in Zammad."""
    world = World()
    world.tickets.book(8)
    world.tickets.book(9)
    await world.sync()
    del world.tickets.rows[9]
    world.an_hour_later()
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.SOURCE_DELETED
    return world


async def billed(minutes: int = 40, **settings: object) -> World:
    """The booking lasted 15 minutes, was exported, and lasts 40 by now."""
    world = World(**settings)
    world.tickets.book(9)
    await world.sync()
    world.kimai.export(1)
    world.tickets.edit(9, time_unit=Decimal(minutes))
    world.an_hour_later()
    await world.sync()
    reason = (await world.entry(9)).standing.conflict
    assert reason is ReasonCode.SOURCE_CHANGED_AFTER_EXPORT
    return world


async def alike(**settings: object) -> World:
    """Somebody typed in what was booked, before us and without a marker."""
    world = World(**settings)
    world.tickets.unit = "minute"
    world.tickets.book(9)
    put(world, 500, "VPN again, #10050")
    await world.sync()
    held = (await world.entry(9)).conflict
    assert held is not None
    assert (held.reason, held.others) == (ReasonCode.DUPLICATE, (500,))
    return world


def one_each(world: World) -> None:
    marks = Counter(sheet.description.split()[-1] for sheet in world.kimai.sheets.values())
    assert set(marks.values()) <= {1}


CASES: list[tuple[Callable[[], Awaitable[World]], Op, EntryState]] = [
    (edited, Op.UPDATE, EntryState.SYNCED),
    (deleted, Op.CREATE, EntryState.SYNCED),
    (gone, Op.UPDATE, EntryState.WITHDRAWN),
    (billed, Op.CORRECT, EntryState.SYNCED),
    (alike, Op.UPDATE, EntryState.SYNCED),
]
ACTIONS = {
    Op.UPDATE: "update_from_source",
    Op.CREATE: "create_in_target",
    Op.CORRECT: "corrected",
}


@pytest.mark.parametrize(("before", "op", "state"), CASES)
async def test_it_is_rehearsed_then_recorded_then_sent_once(
    before: Callable[[], Awaitable[World]], op: Op, state: EntryState
) -> None:
    world = await before()
    head, writes = await world.store.head(), world.kimai.writes
    prospect = await resolver(world).preview(await wish(world, op))
    assert (prospect.blocked_by, len(prospect.requests)) == (None, 1)
    assert (await world.store.head(), world.kimai.writes) == (head, writes)
    after = await carry(world, op)
    assert (after.standing.state, after.conflict) == (state, None)
    assert world.kimai.writes == writes + 1
    new = await world.store.page(head, 100)
    linked = ["TimesheetAdopted"] if before is alike else []
    assert [one.event.TYPE for one in new][: len(linked) + 3] == [
        *linked,
        "ConflictResolved",
        "EntryDecided",
        "TimesheetWriteIntended",
    ]
    (decision,) = (one.event for one in new if isinstance(one.event, ConflictResolved))
    assert (decision.action, decision.note) == (ACTIONS[op], "n")
    assert {one.metadata for one in new} == {ALICE}
    one_each(world)
    world.an_hour_later()
    await world.sync()
    assert world.kimai.writes == writes + 1


@pytest.mark.parametrize(("before", "op", "state"), CASES)
async def test_a_death_at_any_point_loses_no_decision_and_sends_nothing_twice(
    before: Callable[[], Awaitable[World]], op: Op, state: EntryState
) -> None:
    point, died = 0, True
    while died:
        point += 1
        world = await before()
        wanted, writes = await wish(world, op), world.kimai.writes
        died = await dies_at(world, wanted, point)
        entry = await world.entry(9)
        decided = entry.closed is not None or entry.conflict is None
        world.an_hour_later()
        run = await world.sync()
        assert run.state == "completed", run.error
        one_each(world)
        now = await world.entry(9)
        if decided:  # it was recorded, so it was carried out
            assert now.standing.state is state, point
            assert world.kimai.writes == writes + 1, point
        else:
            assert now.conflict == entry.conflict, point
            assert world.kimai.writes == writes, point
        history = await world.store.read("time-entry-10000000009")
        resolved = [e for e in history.events if isinstance(e, ConflictResolved) and e.action]
        assert len(resolved) == decided
    assert point > 8


async def dies_at(world: World, wanted: Wish, point: int) -> bool:
    world.perils.reached, world.perils.crash_at = 0, point
    try:
        await resolver(world).carry(wanted)
    except Crash:
        return True
    finally:
        world.perils.dead, world.perils.crash_at = False, None
    return False


@pytest.mark.parametrize(("before", "op", "state"), CASES)
async def test_a_kimai_that_does_not_take_it_gives_the_row_back_as_it_was(
    before: Callable[[], Awaitable[World]], op: Op, state: EntryState
) -> None:
    world = await before()
    entry, writes = await world.entry(9), world.kimai.writes
    names = {Op.CREATE: "create", Op.CORRECT: "create", Op.UPDATE: "update"}
    name = names[op] if before is not gone else "delete"
    world.perils.failing[f"kimai:{name}:before"] = [Unavailable("kimai", "503")]
    with pytest.raises(Unavailable):
        await carry(world, op)
    now = await world.entry(9)
    assert (now.conflict, now.found, now.drifted, now.settled) == (
        entry.conflict,
        entry.found,
        entry.drifted,
        entry.settled,
    )
    world.an_hour_later()
    await world.sync()
    assert (await world.entry(9)).conflict == entry.conflict
    assert world.kimai.writes == writes
    assert (await carry(world, op)).standing.state is state


@pytest.mark.parametrize("landed", [True, False])
@pytest.mark.parametrize(
    ("before", "op", "sheets"), [(deleted, Op.CREATE, 1), (billed, Op.CORRECT, 2)]
)
async def test_a_lost_answer_is_waited_out_and_read_back(
    before: Callable[[], Awaitable[World]], op: Op, sheets: int, landed: bool
) -> None:
    world = await before()
    point = "kimai:create:after" if landed else "kimai:create:before"
    world.perils.failing[point] = [OutcomeUnknown("kimai", "timed out")]
    writes = world.kimai.writes
    with pytest.raises(OutcomeUnknown):
        await carry(world, op)
    now = await world.entry(9)
    assert now.standing.conflict is ReasonCode.WRITE_UNCERTAIN
    assert now.intent is not None
    with pytest.raises(RuleViolation, match="read back in"):
        await carry(world, op)
    preview = await resolver(world).preview(await wish(world, op))
    assert preview.blocked_by is not None
    world.an_hour_later()
    head = await world.store.head()
    after = await carry(world, op)
    assert (after.standing.state, after.conflict) == (EntryState.SYNCED, None)
    assert len(world.kimai.sheets) == sheets
    assert world.kimai.writes == writes + 1  # that had an effect
    (decision,) = await decisions(world, head)
    assert (decision.action, decision.note) == (ACTIONS[op], "n")


async def decisions(world: World, after: int) -> list[ConflictResolved]:
    """What was decided since that position, all of it by Alice."""
    page = await world.store.page(after, 100)
    found = [one for one in page if isinstance(one.event, ConflictResolved)]
    assert all(one.metadata == ALICE for one in found)
    return [one.event for one in found if isinstance(one.event, ConflictResolved)]


@pytest.mark.parametrize(
    ("before", "op", "name"), [(deleted, Op.CREATE, "create"), (edited, Op.UPDATE, "update")]
)
async def test_what_was_in_doubt_and_cannot_be_sent_now_is_in_doubt_no_more_and_open(
    before: Callable[[], Awaitable[World]], op: Op, name: str
) -> None:
    """It never landed, and Kimai does not take it now: the row waits, as the one it was."""
    world = await before()
    world.perils.failing[f"kimai:{name}:before"] = [
        OutcomeUnknown("kimai", "timed out"),
        Unavailable("kimai", "503"),
    ]
    with pytest.raises(OutcomeUnknown):
        await carry(world, op)
    doubtful = await world.entry(9)
    world.an_hour_later()
    head, writes = await world.store.head(), world.kimai.writes
    with pytest.raises(Unavailable):
        await carry(world, op)
    now = await world.entry(9)
    assert (now.intent, now.opened, now.conflict) == (None, doubtful.opened, doubtful.conflict)
    assert [one.action for one in await decisions(world, head)] == [ACTIONS[op]]
    assert world.kimai.writes == writes
    assert (await carry(world, op)).standing.state is EntryState.SYNCED


async def test_who_cannot_ask_what_became_of_a_request_has_decided_nothing() -> None:
    world = await deleted()
    world.perils.failing["kimai:create:after"] = [OutcomeUnknown("kimai", "timed out")]
    with pytest.raises(OutcomeUnknown):
        await carry(world, Op.CREATE)
    world.an_hour_later()
    head = await world.store.head()
    world.perils.failing["kimai:find"] = [Unavailable("kimai", "503")]
    with pytest.raises(Unavailable):
        await carry(world, Op.CREATE)
    assert await world.store.head() == head
    assert (await carry(world, Op.CREATE)).standing.state is EntryState.SYNCED


async def test_a_timesheet_that_could_not_be_brought_to_the_booking_is_free_again() -> None:
    world = await alike()
    world.perils.failing["kimai:update:before"] = [Unavailable("kimai", "503")]
    with pytest.raises(Unavailable):
        await carry(world, Op.UPDATE)
    assert (await world.entry(9)).settled is None
    world.tickets.book(10)
    world.an_hour_later()
    await world.sync()
    taken = await carry(world, Op.KEEP_TARGET, 10)
    assert taken.standing.timesheet_id == 500
    with pytest.raises(RuleViolation, match="has timesheet 500"):
        await carry(world, Op.UPDATE)


async def test_a_kimai_that_is_away_leaves_nothing_recorded() -> None:
    world = await edited()
    head = await world.store.head()
    world.perils.failing["kimai:get"] = [Unavailable("kimai", "503")]
    with pytest.raises(ExternalSystemError):
        await carry(world, Op.UPDATE)
    assert await world.store.head() == head


async def test_a_peer_that_is_away_after_the_link_leaves_the_look_alike_free() -> None:
    """It was there for the rehearsal; the link is recorded, and what is to be written not known."""
    world = await alike(zammad={"time_unit_minutes": None})
    entry, text = await world.entry(9), world.kimai.sheets[500].description
    away: dict[str, list[BaseException]] = {"zammad:unit": [Unavailable("zammad", "503")]}
    world.perils.then["ledger:append:before"] = lambda: world.perils.failing.update(away)
    with pytest.raises(Unavailable):
        await carry(world, Op.UPDATE)
    assert away == {"zammad:unit": []}
    now = await world.entry(9)
    assert (now.conflict, now.settled) == (entry.conflict, None)
    world.an_hour_later()
    await world.sync()
    assert world.kimai.sheets[500].description == text
    assert (await carry(world, Op.UPDATE)).standing.state is EntryState.SYNCED


@pytest.mark.parametrize("op", [Op.UPDATE, Op.KEEP_TARGET])
async def test_a_look_alike_that_was_edited_since_is_asked_about_again(op: Op) -> None:
    world = await alike()
    sheet, writes = world.kimai.sheets[500], world.kimai.writes
    longer = timedelta(minutes=60)
    world.kimai.edit(500, duration=longer, end=sheet.begin + longer)
    with pytest.raises(RuleViolation, match="has 60 min now") as refused:
        await carry(world, op)
    assert refused.value.code == "op_not_applicable"
    now = await world.entry(9)
    assert (now.settled, now.opened, world.kimai.writes) == (None, 2, writes)
    assert now.conflict is not None
    assert now.conflict.alike is not None
    assert now.conflict.alike.duration == longer
    assert (await carry(world, op)).standing.timesheet_id == 500  # as it is shown now


async def test_a_setting_that_was_missing_is_enough_by_now() -> None:
    world = World(activities=())
    world.tickets.book(9)
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.UNMAPPED_ACTIVITY
    with pytest.raises(RuleViolation) as refused:
        await carry(world, Op.CREATE)
    assert refused.value.code == "op_not_applicable"
    world.configuration = configuration()
    assert (await carry(world, Op.CREATE)).standing.state is EntryState.SYNCED


async def test_a_ticket_that_is_readable_by_now_is_read_for_it() -> None:
    world = World()
    world.tickets.book(9)
    world.tickets.hidden_tickets.add(50)
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.TICKET_UNREADABLE
    with pytest.raises(RuleViolation):
        await carry(world, Op.CREATE)
    world.tickets.hidden_tickets.clear()
    assert (await carry(world, Op.CREATE)).standing.state is EntryState.SYNCED


async def test_a_negative_booking_is_never_created() -> None:
    world = World()
    world.tickets.book(9, time_unit=Decimal(-15))
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.NEGATIVE_TIME
    with pytest.raises(RuleViolation):
        await carry(world, Op.CREATE)
    assert world.kimai.sheets == {}


async def test_a_booking_of_a_stacked_day_gets_its_place() -> None:
    world = World(zammad={"work_time_anchor": "day_start_stacked"}, activities=())
    for number in (8, 9):
        world.tickets.book(number)
    await world.sync()
    stacked: dict[str, object] = {"work_time_anchor": "day_start_stacked"}
    world.configuration = configuration(zammad=stacked)
    for number in (8, 9):
        await carry(world, Op.CREATE, number)
    first, second = sorted(world.kimai.sheets.values(), key=lambda sheet: sheet.begin)
    assert first.end == second.begin


async def test_of_two_bookings_alike_each_gets_one_of_two_timesheets_alike() -> None:
    world = World()
    for number in (7, 8, 9):
        world.tickets.book(number)
    for number in (500, 501):
        put(world, number, "VPN again, #10050")
    await world.sync()
    for number, timesheet in ((8, 500), (9, 501)):
        held = (await world.entry(number)).conflict
        assert held is not None
        assert held.others == (500, 501)
        kept = await carry(world, Op.KEEP_TARGET, number)
        assert (kept.standing.state, kept.standing.timesheet_id) == (EntryState.SYNCED, timesheet)
    with pytest.raises(RuleViolation, match="has timesheet 500"):
        await carry(world, Op.KEEP_TARGET, 7)
    assert world.kimai.writes == 0


async def test_a_row_that_changed_since_it_was_seen_is_left_alone() -> None:
    world = await edited()
    old = await wish(world, Op.UPDATE)
    world.tickets.edit(9, time_unit=Decimal(20))
    world.an_hour_later()
    await world.sync()
    writes = world.kimai.writes
    with pytest.raises(RuleViolation) as refused:
        await resolver(world).carry(old)
    assert refused.value.code in ("stale_version", "already_resolved")
    assert world.kimai.writes == writes

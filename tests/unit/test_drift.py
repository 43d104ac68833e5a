"""What somebody does in Kimai is noticed, told apart, and never mistaken for something else."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from domain.connector.settings import EditedInKimaiPolicy
from domain.errors import OutcomeUnknown, Rejected
from domain.event import Actor, Append, Metadata
from domain.handling import handle
from domain.ids import entry_id, entry_stream
from domain.rules.marker import marked_entry
from domain.rules.objection import objection
from domain.rules.row_ops import Op
from domain.sync.resolving import Refused
from domain.time_entry.commands import (
    Compare,
    Confirm,
    Dismiss,
    Keep,
    NoteSurplus,
    Reject,
    Reopen,
    Retry,
    Ruling,
    TimeEntryCommand,
)
from domain.time_entry.decide import TIME_ENTRY
from domain.time_entry.drift import surplus_text
from domain.time_entry.events import (
    ConflictOpened,
    ConflictResolved,
    EntryDecided,
    TimesheetAdopted,
    TimesheetDrifted,
    TimesheetWriteRejected,
)
from domain.time_entry.standing import EntryState
from domain.time_entry.taking_over import suggestion_text
from domain.time_entry.values import Operation, Outcome, ReasonCode, Written
from tests.support.bookings import (
    ENTRY,
    LOG_TAG,
    MARK,
    ZAMMAD,
    context,
    decide,
    intend,
    observe,
    situation,
    written,
)
from tests.support.given import Given, given
from tests.support.peers import World
from tests.unit.test_adoption import put
from tests.unit.test_carrying_out import carry

ASK, KEEP, OVERWRITE = (
    EditedInKimaiPolicy.CONFLICT,
    EditedInKimaiPolicy.KEEP_TARGET,
    EditedInKimaiPolicy.OVERWRITE,
)
Story = Given  # of one booking


def synced() -> tuple[Story, Written]:  # type: ignore[type-arg] # the booking's own, all through
    seen = given(TIME_ENTRY).when(observe()).after()
    decided = seen.when(decide(seen.state)).after()
    sent = decided.when(intend()).after()
    assert sent.state is not None
    assert sent.state.decided is not None
    assert sent.state.decided.desired is not None
    stored = written(sent.state.decided.desired)
    return sent.when(Confirm(intent=1, written=stored)).after(), stored


def test_nothing_changed_is_nothing_to_record() -> None:
    story, stored = synced()
    story.when(Compare(found=stored, policy=ASK)).then()


def test_an_edit_asks_a_person_once_and_names_the_fields() -> None:
    story, stored = synced()
    edit = Compare(found=replace(stored, project_id=77), policy=ASK)
    held = story.when(edit).then_types(TimesheetDrifted, EntryDecided, ConflictOpened)
    assert held.state is not None
    assert held.state.conflict is not None
    assert held.state.conflict.reason is ReasonCode.TARGET_EDITED
    assert "project_id 1 → 77" in held.state.conflict.detail
    held.when(edit).then()


def test_an_export_moves_the_base_and_asks_nobody() -> None:
    story, stored = synced()
    exported = replace(stored, exported=True)
    drifted = TimesheetDrifted(entry_id=ENTRY, found=exported, changed=("exported",))
    after = story.when(Compare(found=exported, policy=ASK)).then(drifted)
    after.when(Compare(found=exported, policy=ASK)).then()


def test_an_undone_edit_closes_its_conflict() -> None:
    story, stored = synced()
    held = story.when(Compare(found=replace(stored, project_id=77), policy=ASK)).after()
    free = held.when(Compare(found=stored, policy=ASK)).then_types(
        TimesheetAdopted, ConflictResolved
    )
    assert free.state is not None
    assert free.state.found is None


def test_a_kept_edit_is_the_new_base() -> None:
    story, stored = synced()
    edit = Compare(found=replace(stored, project_id=77), policy=KEEP)
    kept = story.when(edit).then_types(TimesheetDrifted, TimesheetAdopted)
    kept.when(edit).then()
    assert kept.state is not None
    assert decide(kept.state).ruling.outcome is Outcome.LEAVE


def test_an_exported_record_is_never_written_over() -> None:
    story, stored = synced()
    ours = decide(story.state).ruling
    found = replace(stored, project_id=77, exported=True)
    story.when(Compare(found=found, policy=OVERWRITE, ours=ours)).then_types(
        TimesheetDrifted, EntryDecided, ConflictOpened
    )


def overwritten() -> Story:  # type: ignore[type-arg] # as above
    """Edited in Kimai, and to be brought back by policy."""
    story, stored = synced()
    ours = decide(story.state).ruling
    found = replace(stored, project_id=77)
    return story.when(Compare(found=found, policy=OVERWRITE, ours=ours)).then_types(
        TimesheetDrifted, EntryDecided
    )


def test_an_edit_is_brought_back_also_after_kimai_refused_to() -> None:
    sent = overwritten().when(intend(Operation.UPDATE, 11)).after()
    refusal = Reject(
        intent=2, status=400, fields=(), reason=ReasonCode.PEER_REJECTED, detail="ended"
    )
    refused = sent.when(refusal).then_types(TimesheetWriteRejected, ConflictOpened)
    held = decide(refused.state).ruling
    assert (held.outcome, held.reason) == (Outcome.HOLD, ReasonCode.PEER_REJECTED)
    again = refused.when(Retry()).after()
    decided = again.when(decide(again.state)).then_types(EntryDecided, ConflictResolved)
    assert decided.state is not None
    assert decided.state.standing.outcome is Outcome.UPDATE


def test_an_edit_is_brought_back_also_after_zammad_spoke_in_between() -> None:
    more = overwritten().when(observe(about=context(group_name="Another"))).after()
    assert more.state is not None
    assert decide(more.state).ruling.outcome is Outcome.UPDATE


def test_another_try_is_no_leave_to_keep_silent_about_an_edit() -> None:
    story, stored = synced()
    found = replace(stored, project_id=77)
    again = story.when(Compare(found=found, policy=ASK)).after().when(Retry()).after()
    assert again.state is not None
    assert decide(again.state).ruling.outcome is Outcome.UPDATE
    settled = again.state.settled
    assert settled is not None
    asked = objection(again.state, settled, found, ASK)
    assert asked is not None
    assert asked.reason is ReasonCode.TARGET_EDITED


def test_a_decision_to_keep_holds_until_kimai_changes_again() -> None:
    story, stored = synced()
    edit = Compare(found=replace(stored, project_id=77), policy=ASK)
    held = story.when(edit).after()
    resolved = ConflictResolved(
        entry_id=ENTRY, reason=ReasonCode.TARGET_EDITED, action="keep_target"
    )
    kept = Given(TIME_ENTRY, [*held.history, resolved])
    assert kept.state is not None
    ruling = decide(kept.state)
    assert ruling.ruling.outcome is Outcome.LEAVE
    rested = kept.when(ruling).after()
    rested.when(edit).then()
    further = Compare(found=replace(stored, project_id=78), policy=ASK)
    rested.when(further).then_types(TimesheetDrifted, EntryDecided, ConflictOpened)


def test_a_second_record_is_a_conflict_until_it_is_gone() -> None:
    story, _ = synced()
    held = story.when(NoteSurplus(timesheet_ids=(12,))).then_types(EntryDecided, ConflictOpened)
    held.when(NoteSurplus(timesheet_ids=(12,))).then()
    held.when(NoteSurplus(timesheet_ids=())).then_types(TimesheetAdopted, ConflictResolved)


def test_the_conflict_names_the_surplus_ones() -> None:
    story, _ = synced()
    held = story.when(NoteSurplus(timesheet_ids=(12, 14))).after()
    assert held.state is not None
    assert held.state.conflict is not None
    assert held.state.conflict.others == (12, 14)


def test_before_schema_2_only_the_text_named_them() -> None:
    for detail, ids in (
        (surplus_text(11, [14, 12]), (12, 14)),
        (suggestion_text([501, 500]), (500, 501)),
        ("flagged by hand", ()),
    ):
        state: dict[str, object] = {"detail": detail}
        ConflictOpened.upcast_v1_v2(state)
        assert state["others"] == ids


def test_only_a_marker_of_this_log_in_the_last_line_is_ours() -> None:
    assert marked_entry(f"Work\nZammad #1 {MARK}", LOG_TAG) == ENTRY
    assert marked_entry(f"{MARK}\nWork", LOG_TAG) is None
    assert marked_entry(f"Work {MARK}", "ffffffff") is None
    assert marked_entry("", LOG_TAG) is None


async def a_world(count: int = 1, **kimai: object) -> World:
    """`count` bookings written, and a run long after that saw them at rest."""
    world = World(kimai=kimai)
    for source_id in range(9, 9 + count):
        world.tickets.book(source_id)
    await world.sync()
    world.an_hour_later()
    await world.sync()
    world.an_hour_later()
    return world


async def later(world: World) -> None:
    """A day later a run lists everything."""
    world.clock.advance(timedelta(hours=24))
    run = await world.sync()
    assert run.state == "completed"


async def test_an_edit_in_kimai_alone_is_noticed_by_the_next_run() -> None:
    world = await a_world()
    world.kimai.edit(1, project_id=77)
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.TARGET_EDITED
    before = await world.types(9)
    await later(world)
    assert await world.types(9) == before
    world.kimai.edit(1, project_id=1)
    await world.sync()
    assert (await world.entry(9)).standing.state is EntryState.SYNCED


async def test_both_sides_coming_to_agree_closes_the_conflict() -> None:
    world = await a_world()
    sheet = world.kimai.sheets[1]
    begin = sheet.begin - timedelta(minutes=15)
    world.kimai.edit(1, begin=begin, duration=timedelta(minutes=30))
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.TARGET_EDITED
    writes = world.kimai.writes
    world.tickets.edit(9, time_unit=Decimal(30))
    await world.sync()
    assert (await world.entry(9)).standing.state is EntryState.SYNCED
    assert world.kimai.writes == writes


async def said(world: World, source_id: int, command: TimeEntryCommand) -> None:
    metadata = Metadata(actor=Actor(kind="user", name="alice"), correlation_id="said")
    stream = entry_stream(entry_id(ZAMMAD, source_id))
    now = world.clock.now()
    await handle(world.store, TIME_ENTRY, stream, command, metadata=metadata, now=now)


async def retried(world: World, source_id: int) -> None:
    await said(world, source_id, Retry())


@pytest.mark.parametrize("taken_over", [False, True])
async def test_an_edit_that_kimai_did_not_let_us_bring_back_is_when_tried_again(
    *, taken_over: bool
) -> None:
    """Found by the fault campaign: it was shown as synced, and the edit stood."""
    world = World(kimai={"edited_in_kimai_policy": "overwrite"})
    world.tickets.book(9)
    if taken_over:
        put(world, 1, "ZAM:T50|TA:9 VPN")
    for _ in range(2):
        await world.sync()
        world.an_hour_later()
    before = world.kimai.sheets[1].project_id
    world.kimai.edit(1, project_id=78)
    world.perils.failing["kimai:update:before"] = [Rejected("kimai", "400", status=400)]
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.PERIOD_LOCKED
    await later(world)
    assert (await world.entry(9)).standing.conflict is ReasonCode.PERIOD_LOCKED
    await retried(world, 9)
    await world.sync()
    assert (await world.entry(9)).standing.state is EntryState.SYNCED
    assert world.kimai.sheets[1].project_id == before
    writes = world.kimai.writes
    await later(world)
    assert world.kimai.writes == writes


async def disputed() -> World:
    """Edited in Kimai, and a person is asked."""
    world = await a_world()
    world.kimai.edit(1, project_id=77)
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.TARGET_EDITED
    return world


@pytest.mark.parametrize("retry", [False, True])
@pytest.mark.parametrize(
    "trouble", [Rejected("kimai", "400", status=400), OutcomeUnknown("kimai", "lost")]
)
async def test_an_update_that_kimai_did_not_take_is_asked_about_again(
    trouble: Exception, *, retry: bool
) -> None:
    world = await disputed()
    world.perils.failing["kimai:update:before"] = [trouble]
    with suppress(OutcomeUnknown, Refused):
        await carry(world, Op.UPDATE)
    world.tickets.edit(9)
    world.an_hour_later()
    await world.sync()
    if retry and (await world.entry(9)).standing.state is EntryState.CONFLICT:
        await retried(world, 9)
        await world.sync()
    await later(world)
    entry = await world.entry(9)
    assert entry.standing.conflict is not None or world.kimai.sheets[1].project_id == 1


async def test_what_was_left_alone_opened_again_and_tried_is_asked_about_again() -> None:
    world = await disputed()
    number = (await world.entry(9)).opened
    for command in (Dismiss(nth=number), Reopen(nth=number), Retry()):
        await said(world, 9, command)
    await world.sync()
    await later(world)
    assert (await world.entry(9)).standing.conflict is ReasonCode.TARGET_EDITED


async def test_what_was_taken_over_stays_so_after_an_edit_was_brought_back() -> None:
    world = World(kimai={"edited_in_kimai_policy": "overwrite"})
    world.tickets.book(9)
    before = put(world, 1, "ZAM:T50|TA:9 VPN")
    for _ in range(2):
        await world.sync()
        world.an_hour_later()
    for project in (78, 79):
        world.kimai.edit(1, project_id=project)
        await world.sync()
        world.tickets.edit(9)
        world.an_hour_later()
        await world.sync()
    now = world.kimai.sheets[1]
    assert (now.begin, now.project_id) == (before.begin, before.project_id)
    assert now.description == before.description


async def test_another_try_of_something_else_leaves_what_was_kept() -> None:
    world = await a_world(edited_in_kimai_policy="keep_target")
    world.kimai.edit(1, project_id=77)
    await world.sync()
    world.perils.failing["kimai:update:before"] = [Rejected("kimai", "400", status=400)]
    world.tickets.edit(9, time_unit=Decimal(30))
    await world.sync()
    await retried(world, 9)
    await world.sync()
    now = world.kimai.sheets[1]
    assert (now.project_id, now.duration) == (77, timedelta(minutes=30))


async def test_overwriting_brings_times_and_project_back_in_the_same_run() -> None:
    world = await a_world(edited_in_kimai_policy="overwrite")
    sheet = world.kimai.sheets[1]
    world.kimai.edit(1, begin=sheet.begin - timedelta(minutes=15), project_id=77)
    await world.sync()
    now = world.kimai.sheets[1]
    assert (now.begin, now.project_id) == (sheet.begin, sheet.project_id)
    assert (await world.entry(9)).standing.state is EntryState.SYNCED


async def test_keeping_records_the_edit_and_writes_nothing() -> None:
    world = await a_world(edited_in_kimai_policy="keep_target")
    world.kimai.edit(1, project_id=77)
    writes = world.kimai.writes
    await world.sync()
    await later(world)
    assert (await world.entry(9)).standing.state is EntryState.SYNCED
    assert (world.kimai.writes, world.kimai.sheets[1].project_id) == (writes, 77)


async def test_what_the_policy_kept_stays_while_the_rest_follows_zammad() -> None:
    world = await a_world(edited_in_kimai_policy="keep_target")
    world.kimai.edit(1, project_id=77)
    await world.sync()
    for minutes in (30, 45):
        world.tickets.edit(9, time_unit=Decimal(minutes))
        await world.sync()
        await later(world)
        now = world.kimai.sheets[1]
        assert (now.project_id, now.duration) == (77, timedelta(minutes=minutes))
        assert (await world.entry(9)).standing.state is EntryState.SYNCED


async def test_a_kept_time_that_zammad_changes_later_asks_a_person() -> None:
    world = await a_world(edited_in_kimai_policy="keep_target")
    begin = world.kimai.sheets[1].begin - timedelta(minutes=15)
    world.kimai.edit(1, begin=begin)
    await world.sync()
    world.tickets.edit(9, time_unit=Decimal(30))
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.TARGET_EDITED
    assert world.kimai.sheets[1].begin == begin


async def test_a_kept_timesheet_is_not_deleted_unasked() -> None:
    world = await a_world(count=2, edited_in_kimai_policy="keep_target", delete_policy="delete")
    world.kimai.edit(1, project_id=77)
    await world.sync()
    del world.tickets.rows[9]
    await later(world)
    assert (await world.entry(9)).standing.conflict is ReasonCode.TARGET_EDITED
    assert 1 in world.kimai.sheets


async def test_two_edits_one_after_the_other_are_both_kept() -> None:
    world = await a_world(edited_in_kimai_policy="keep_target")
    world.kimai.edit(1, project_id=77)
    await world.sync()
    world.kimai.edit(1, activity_id=78)
    await world.sync()
    world.tickets.edit(9, time_unit=Decimal(30))
    await world.sync()
    now = world.kimai.sheets[1]
    assert (now.project_id, now.activity_id) == (77, 78)
    assert now.duration == timedelta(minutes=30)


async def test_an_export_run_is_seen_by_the_listing_alone() -> None:
    world = await a_world()
    world.kimai.export(1)
    before = await world.types(9)
    await world.sync()
    assert await world.types(9) == before
    await later(world)
    assert await world.types(9) == [*before, "TimesheetDrifted"]
    assert (await world.entry(9)).standing.state is EntryState.SYNCED


async def test_absence_from_the_list_is_no_deletion() -> None:
    world = await a_world(count=3)
    world.kimai.hidden.add(1)
    world.kimai.barred.add(2)
    del world.kimai.sheets[3]
    await later(world)
    assert (await world.entry(9)).standing.state is EntryState.SYNCED
    barred, deleted = await world.entry(10), await world.entry(11)
    assert barred.standing.conflict is ReasonCode.PEER_REJECTED
    assert barred.conflict is not None
    assert "not deleted" in barred.conflict.detail
    assert barred.settled is not None
    assert deleted.standing.conflict is ReasonCode.TARGET_DELETED
    world.kimai.barred.clear()
    await later(world)
    assert (await world.entry(10)).standing.state is EntryState.SYNCED


async def test_what_was_kept_and_is_disputed_now_waits_for_a_person_in_peace() -> None:
    """It differs from the booking, not from what we last knew of it: nothing was undone."""
    world = await a_world(edited_in_kimai_policy="keep_target")
    sheet = world.kimai.sheets[1]
    world.kimai.edit(1, duration=sheet.duration * 3, end=sheet.begin + sheet.duration * 3)
    await world.sync()
    assert (await world.entry(9)).standing.state is EntryState.SYNCED
    world.tickets.edit(9, time_unit=Decimal(30))
    await world.sync()
    held = await world.entry(9)
    assert held.standing.conflict is ReasonCode.TARGET_EDITED
    types = await world.types(9)
    for _ in range(3):
        await later(world)
    assert await world.types(9) == types


def test_who_keeps_kimai_after_all_keeps_the_edit_that_was_to_be_written_over() -> None:
    """The newest word counts; without it the edit would stand and nobody would know."""
    story, stored = synced()
    edited = story.when(Compare(found=replace(stored, project_id=77), policy=ASK)).after()
    for action in ("update_from_source", "keep_target"):
        state = edited.state
        assert state is not None
        assert state.conflict is not None
        resolved = ConflictResolved(entry_id=ENTRY, reason=state.conflict.reason, action=action)
        after = Given(TIME_ENTRY, [*edited.history, resolved])
        edited = after.when(NoteSurplus(timesheet_ids=(12,))).after()
    assert edited.state is not None
    assert edited.state.settled is not None
    kept = replace(stored, project_id=77)
    assert (edited.state.settled.written, edited.state.settled.kept) == (kept, ("project_id",))


def test_a_hold_whose_conflict_was_closed_is_held_anew() -> None:
    seen = given(TIME_ENTRY).when(observe()).after()
    missing = decide(seen.state, situation(activities=()))
    held = seen.when(missing).after()
    resolved = ConflictResolved(
        entry_id=ENTRY, reason=ReasonCode.UNMAPPED_ACTIVITY, action="create_in_target"
    )
    closed = Given(TIME_ENTRY, [*held.history, resolved])
    closed.when(missing).then_types(EntryDecided, ConflictOpened)


def test_copies_that_a_person_left_are_not_asked_about_again_in_parts() -> None:
    story, _ = synced()
    held = story.when(NoteSurplus(timesheet_ids=(12, 14))).after()
    kept = held.when(Keep(nth=1)).after()
    for copies in ((12,), (14,), (12, 14)):
        kept.when(NoteSurplus(timesheet_ids=copies)).then()
    kept.when(NoteSurplus(timesheet_ids=(12, 15))).then_types(EntryDecided, ConflictOpened)


def test_what_kimai_stored_otherwise_is_looked_at_again_once_somebody_corrected_it() -> None:
    seen = given(TIME_ENTRY).when(observe()).after()
    sent = seen.when(decide(seen.state)).after().when(intend()).after()
    assert sent.state is not None
    asked = sent.state.decided
    assert asked is not None
    assert asked.desired is not None
    right = written(asked.desired)
    wrong = replace(right, project_id=77)
    confirm = Confirm(intent=1, written=wrong, mismatch="Kimai has another project.")
    held = sent.when(confirm).after()
    ours = Ruling(outcome=Outcome.LEAVE, basis=asked.basis, desired=asked.desired)
    for policy in EditedInKimaiPolicy:
        held.when(Compare(found=wrong, policy=policy)).then()
        mended = held.when(Compare(found=right, policy=policy, ours=ours, agreed=ours))
        after = mended.then_types(EntryDecided, TimesheetAdopted, ConflictResolved)
        assert after.state is not None
        assert after.state.standing.state is EntryState.SYNCED
        assert after.state.settled is not None
        assert (after.state.settled.written, after.state.settled.kept) == (right, ())
    other = replace(right, project_id=78)
    for policy in (EditedInKimaiPolicy.CONFLICT, EditedInKimaiPolicy.OVERWRITE):
        asks = held.when(Compare(found=other, policy=policy)).after()
        assert asks.state is not None
        assert asks.state.standing.conflict is ReasonCode.TARGET_EDITED
        assert asks.state.drifted == other


async def test_a_duplicate_is_a_conflict_until_it_is_gone_and_is_not_deleted_by_us() -> None:
    world = await a_world()
    copy = world.kimai.duplicate(1)
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.DUPLICATE
    before = await world.types(9)
    await world.sync()
    assert await world.types(9) == before
    assert copy in world.kimai.sheets
    del world.kimai.sheets[copy]
    await world.sync()
    assert (await world.entry(9)).standing.state is EntryState.SYNCED


async def test_foreign_records_are_ignored() -> None:
    world = await a_world()
    copy = world.kimai.duplicate(1)
    world.kimai.edit(copy, description="Somebody's own work")
    head = await world.store.head()
    await later(world)
    streams = {each.stream for each in await world.store.page(head, 100)}
    assert streams == {"sync-run-3"}


@pytest.mark.parametrize(("hours", "requests"), [(1, 1), (24, 1)])
async def test_an_idle_run_needs_one_request(hours: int, requests: int) -> None:
    world = await a_world(count=30)
    world.clock.advance(timedelta(hours=hours))
    world.kimai.requests = 0
    await world.sync()
    assert world.kimai.requests == requests


async def test_what_a_person_kept_reopens_when_zammad_changes() -> None:
    world = await a_world()
    world.kimai.edit(1, project_id=77)
    await world.sync()
    resolved = ConflictResolved(
        entry_id=entry_id(ZAMMAD, 9), reason=ReasonCode.TARGET_EDITED, action="keep_target"
    )
    await world.store.append(
        Append(
            stream=entry_stream(entry_id(ZAMMAD, 9)),
            events=[resolved],
            metadata=Metadata(actor=Actor(kind="user", name="alice"), correlation_id="x"),
            occurred_at=world.clock.now(),
            expected=None,
        )
    )
    await later(world)
    assert (await world.entry(9)).conflict is None
    world.tickets.edit(9, time_unit=Decimal(30))
    await world.sync()
    assert (await world.entry(9)).standing.conflict is ReasonCode.TARGET_EDITED
    assert world.kimai.sheets[1].project_id == 77

"""What people decide: it holds while both sides stay, and one of two who press at once wins."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain.connector.settings import EditedInKimaiPolicy
from domain.rules.carry import carry_ruling
from domain.sync.writing import wants_write
from domain.time_entry.commands import (
    Carry,
    ChangeNote,
    Compare,
    Confirm,
    Decide,
    Dismiss,
    Flag,
    GiveUp,
    Ignore,
    Keep,
    NoteSurplus,
    NoteTargetGone,
    Reject,
    Reopen,
    Retry,
    Ruling,
    Skip,
    TimeEntryCommand,
    Uncarry,
    Undo,
    Unignore,
    Unsent,
    Vanish,
)
from domain.time_entry.decide import TIME_ENTRY
from domain.time_entry.events import (
    ConflictDismissed,
    ConflictNoteChanged,
    ConflictOpened,
    ConflictReopened,
    ConflictResolved,
    EntryChangedAtSource,
    EntryDecided,
    EntryIgnored,
    EntryRetryRequested,
    EntryUnignored,
    EntryVanishedAtSource,
    TimesheetVanished,
)
from domain.time_entry.standing import EntryState
from domain.time_entry.state import TimeEntry
from domain.time_entry.values import Operation, Outcome, ReasonCode, Written
from tests.support.bookings import (
    ENTRY,
    booking,
    decide,
    intend,
    observe,
    ruling,
    situation,
    written,
)
from tests.support.given import Given, given

ASK = EditedInKimaiPolicy.CONFLICT
UNMAPPED = situation(activities=())
Story = Given[Any, Any, Any]


def state(story: Story) -> TimeEntry:
    assert story.state is not None
    found: TimeEntry = story.state
    return found


def synced() -> tuple[Story, Written]:
    seen = given(TIME_ENTRY).when(observe()).after()
    decided = seen.when(decide(seen.state)).after()
    sent = decided.when(intend()).after()
    desired = state(sent).decided.desired  # type: ignore[union-attr] # it was decided
    assert desired is not None
    stored = written(desired)
    return sent.when(Confirm(intent=1, written=stored)).after(), stored


def edited() -> tuple[Story, Written]:
    story, stored = synced()
    other = replace(stored, project_id=77)
    return story.when(Compare(found=other, policy=ASK)).after(), other


def unmapped() -> Story:
    seen = given(TIME_ENTRY).when(observe()).after()
    return seen.when(decide(seen.state, UNMAPPED)).after()


def deleted() -> Story:
    story, stored = synced()
    return story.when(NoteTargetGone(timesheet_id=stored.timesheet_id)).after()


def carry(story: Story, **changes: Any) -> Carry:
    found = carry_ruling(state(story), situation(**changes))
    assert isinstance(found, Ruling)
    return Carry(nth=state(story).opened, ruling=found, note="as booked")


def observed_anew() -> TimeEntryCommand:
    return observe(booking(time_unit=Decimal(30)))


def refused(story: Story, command: TimeEntryCommand, code: str) -> None:
    story.when(command).then_refused(code)


# keep


def test_keeping_takes_the_edit_as_the_new_base() -> None:
    story, other = edited()
    kept = story.when(Keep(nth=1, note="agreed")).then_types(ConflictResolved, EntryDecided)
    assert state(kept).standing.state is EntryState.SYNCED
    assert state(kept).settled.written == other  # type: ignore[union-attr] # it is linked
    kept.when(Compare(found=other, policy=ASK)).then()
    resolved = kept.history[-2]
    assert (resolved.action, resolved.note) == ("keep_target", "agreed")


def test_another_edit_after_keeping_asks_again() -> None:
    story, other = edited()
    kept = story.when(Keep(nth=1)).after()
    again = kept.when(Compare(found=replace(other, project_id=78), policy=ASK)).after()
    assert state(again).standing.conflict is ReasonCode.TARGET_EDITED
    assert state(again).opened == 2


def test_keeping_what_was_deleted_in_zammad_withdraws_it() -> None:
    story, _ = synced()
    gone = story.when(Vanish()).after()
    held = gone.when(decide(gone.state)).after()
    assert state(held).standing.conflict is ReasonCode.SOURCE_DELETED
    kept = held.when(Keep(nth=1)).after()
    assert state(kept).standing.state is EntryState.WITHDRAWN


def test_what_has_no_timesheet_cannot_be_kept_and_what_has_one_not_be_skipped() -> None:
    refused(unmapped(), Keep(nth=1), "op_not_applicable")
    refused(edited()[0], Skip(nth=1), "op_not_applicable")


def test_keeping_beside_copies_says_nothing_of_a_booking_that_changed_meanwhile() -> None:
    story, _ = synced()
    copied = story.when(NoteSurplus(timesheet_ids=(12,))).after()
    changed = copied.when(observed_anew()).after()
    held = changed.when(decide(changed.state)).after()
    for asked in (changed, held):
        kept = asked.when(Keep(nth=1)).then_types(ConflictResolved, EntryRetryRequested)
        assert state(kept).standing.state is EntryState.PENDING
        assert ruling(state(kept)).outcome is Outcome.UPDATE
    kept = copied.when(Keep(nth=1)).then_types(ConflictResolved, EntryDecided)
    assert state(kept).standing.state is EntryState.SYNCED


# what was given up


def given_up() -> Story:
    story, _ = synced()
    changed = story.when(observed_anew()).after()
    decided = changed.when(decide(changed.state)).after()
    return decided.when(GiveUp(reason=ReasonCode.PEER_REJECTED, detail="down")).after()


@pytest.mark.parametrize(
    "finding", [Flag(), NoteTargetGone(timesheet_id=11), NoteSurplus(timesheet_ids=(12,))]
)
def test_what_was_given_up_is_written_once_a_person_wants_it(finding: TimeEntryCommand) -> None:
    asked = given_up().when(finding).after()
    assert state(asked).standing.state is EntryState.CONFLICT
    wanted = asked.when(carry(asked)).after()
    assert wants_write(state(wanted))
    assert state(wanted).attempts == 0


def test_what_was_given_up_rests_once_a_person_keeps_it() -> None:
    asked = given_up().when(Flag()).after()
    kept = asked.when(Keep(nth=1)).after()
    assert state(kept).standing.state is EntryState.SYNCED


# bring Kimai to the booking


def test_an_edit_is_written_over_when_a_person_has_seen_it() -> None:
    story, other = edited()
    wanted = story.when(carry(story)).then_types(ConflictResolved, EntryDecided)
    assert wants_write(state(wanted))
    assert state(wanted).standing.outcome is Outcome.UPDATE
    assert state(wanted).overwrite == other
    sent = wanted.when(intend(Operation.UPDATE, 11)).after()
    desired = state(sent).decided.desired  # type: ignore[union-attr] # it was decided
    assert desired is not None
    done = sent.when(Confirm(intent=2, written=written(desired))).after()
    assert state(done).standing.state is EntryState.SYNCED
    assert (state(done).overwrite, state(done).closed) == (None, None)


def test_wanting_it_carried_survives_another_decision_on_the_same_booking() -> None:
    story, _ = edited()
    wanted = story.when(carry(story)).after()
    again = ruling(state(wanted))
    assert again.outcome is Outcome.UPDATE


def test_a_booking_that_changes_meanwhile_is_not_written_over_an_edit() -> None:
    story, _ = edited()
    wanted = story.when(carry(story)).after()
    changed = wanted.when(observed_anew()).after()
    assert state(changed).overwrite is None


def test_a_deleted_booking_is_deleted_in_kimai() -> None:
    story, _ = synced()
    gone = story.when(Vanish()).after()
    held = gone.when(decide(gone.state)).after()
    wanted = held.when(carry(held)).after()
    assert state(wanted).standing.outcome is Outcome.DELETE


def test_a_deleted_timesheet_is_made_again() -> None:
    story = deleted()
    wanted = story.when(carry(story)).after()
    assert state(wanted).standing.outcome is Outcome.CREATE
    resolved = wanted.history[-2]
    assert resolved.action == "create_in_target"


def test_what_the_rules_do_not_let_be_written_is_not_carried() -> None:
    story = unmapped()
    refused(story, carry(story, activities=()), "op_not_applicable")
    assert carry(story).ruling.outcome is Outcome.CREATE  # there is a mapping by now


def test_what_could_not_be_carried_is_as_it_was_before() -> None:
    story, _ = edited()
    before = state(story)
    sent = story.when(carry(story)).after().when(intend(Operation.UPDATE, 11)).after()
    refused_by_nobody = sent.when(Uncarry(nth=1)).then()
    unsent = refused_by_nobody.when(Unsent(intent=2, cause="down")).after()
    back = unsent.when(Uncarry(nth=1)).then_types(ConflictReopened)
    now = state(back)
    assert (now.conflict, now.found, now.settled, now.drifted) == (
        before.conflict,
        before.found,
        before.settled,
        before.drifted,
    )
    assert now.standing.state is EntryState.CONFLICT
    assert not wants_write(now)
    back.when(Uncarry(nth=1)).then()


def test_what_kimai_refuses_is_another_conflict_and_not_carried_back() -> None:
    story, _ = edited()
    sent = story.when(carry(story)).after().when(intend(Operation.UPDATE, 11)).after()
    no = Reject(intent=2, status=400, fields=(), reason=ReasonCode.PERIOD_LOCKED, detail="locked")
    held = sent.when(no).after()
    assert (state(held).standing.conflict, state(held).opened) == (ReasonCode.PERIOD_LOCKED, 2)
    held.when(Uncarry(nth=1)).then()
    again = held.when(Carry(nth=2, ruling=carry(held).ruling)).after()
    assert wants_write(state(again))


# two people


@pytest.mark.parametrize("second", [Keep, Dismiss, Skip])
def test_of_two_who_press_at_once_the_second_is_told(second: Any) -> None:
    story, _ = edited()
    won = story.when(Keep(nth=1)).after()
    refused(won, second(nth=1), "already_resolved")


def test_nothing_is_decided_about_a_newer_conflict_than_the_one_looked_at() -> None:
    story, other = edited()
    again = story.when(Compare(found=replace(other, project_id=78), policy=ASK)).after()
    assert state(again).opened == 2
    refused(again, Keep(nth=1), "already_resolved")


# leave alone


def test_skipping_leaves_kimai_without_it_until_the_booking_changes() -> None:
    skipped = deleted().when(Skip(nth=1)).then_types(ConflictResolved, EntryIgnored)
    assert state(skipped).standing.state is EntryState.IGNORED
    skipped.when(decide(skipped.state)).then()
    changed = skipped.when(observed_anew()).then_types(EntryChangedAtSource, ConflictReopened)
    held = changed.when(decide(changed.state)).after()
    assert state(held).standing.conflict is ReasonCode.TARGET_DELETED
    assert state(held).opened == 1


def test_a_dismissed_edit_is_open_again_after_the_next_one() -> None:
    story, other = edited()
    dismissed = story.when(Dismiss(nth=1)).then_types(ConflictDismissed, EntryIgnored)
    dismissed.when(Compare(found=other, policy=ASK)).then()
    again = dismissed.when(Compare(found=replace(other, project_id=78), policy=ASK)).after()
    assert isinstance(again.history[len(dismissed.history)], ConflictReopened)
    assert state(again).standing.conflict is ReasonCode.TARGET_EDITED


def test_a_dismissed_edit_whose_timesheet_is_deleted_is_open_again() -> None:
    story, _ = edited()
    dismissed = story.when(Dismiss(nth=1)).after()
    gone = dismissed.when(NoteTargetGone(timesheet_id=11)).after()
    assert state(gone).standing.conflict is ReasonCode.TARGET_DELETED
    wanted = gone.when(carry(gone)).after()
    assert wants_write(state(wanted))


def test_a_dismissed_conflict_comes_back_when_a_person_wants_it() -> None:
    story, _ = edited()
    dismissed = story.when(Dismiss(nth=1)).after()
    back = dismissed.when(Reopen(nth=1)).then_types(ConflictReopened)
    assert state(back).conflict == state(story).conflict
    assert state(back).found == state(story).found
    back.when(Reopen(nth=1)).then()
    kept = story.when(Keep(nth=1)).after()
    refused(kept, Reopen(nth=1), "already_resolved")


def test_what_nothing_came_of_is_taken_back() -> None:
    story, _ = edited()
    for decision in (Keep(nth=1), Dismiss(nth=1)):
        decided = story.when(decision).after()
        back = decided.when(Undo(nth=1, note="a slip")).then_types(ConflictReopened)
        assert state(back).conflict == state(story).conflict
        assert state(back).settled == state(story).settled
        assert state(back).standing.state is EntryState.CONFLICT
        assert state(back.when(decision).after()).standing == state(decided).standing
        refused(back, Undo(nth=1), "op_not_applicable")
        refused(decided, Undo(nth=2), "op_not_applicable")


def test_what_kimai_was_written_for_is_not_taken_back() -> None:
    story, _ = edited()
    refused(story, Undo(nth=1), "op_not_applicable")
    refused(story.when(carry(story)).after(), Undo(nth=1), "op_not_applicable")


def test_what_a_person_ignores_stays_so_whatever_changes() -> None:
    story, stored = synced()
    ignored = story.when(Ignore(note="by hand")).then(
        EntryIgnored(entry_id=ENTRY, until_change=False, note="by hand")
    )
    assert state(ignored).standing.state is EntryState.IGNORED
    ignored.when(Ignore()).then()
    ignored.when(Compare(found=replace(stored, project_id=77), policy=ASK)).then()
    changed = ignored.when(observed_anew()).then_types(EntryChangedAtSource)
    changed.when(decide(changed.state)).then()
    gone = changed.when(NoteTargetGone(timesheet_id=11)).then_types(TimesheetVanished)
    vanished = gone.when(Vanish()).then_types(EntryVanishedAtSource)
    assert state(vanished).standing.state is EntryState.IGNORED
    refused(ignored, Retry(), "entry_state")


def test_ignoring_closes_what_is_open_and_unignoring_opens_it_again() -> None:
    ignored = unmapped().when(Ignore()).then_types(ConflictDismissed, EntryIgnored)
    back = ignored.when(Unignore()).then_types(EntryUnignored, ConflictReopened)
    assert state(back).standing.state is EntryState.CONFLICT
    assert state(back).standing.outcome is None  # and is decided anew
    refused(back, Unignore(), "entry_state")


def test_nothing_is_ignored_while_a_request_is_under_way() -> None:
    seen = given(TIME_ENTRY).when(observe()).after()
    sent = seen.when(decide(seen.state)).after().when(intend()).after()
    refused(sent, Ignore(), "entry_state")
    refused(sent, Flag(), "entry_state")


# flag


def test_a_flag_stays_until_a_person_takes_it_away() -> None:
    story, stored = synced()
    flagged = story.when(Flag(note="twice?")).then_types(ConflictOpened, ConflictNoteChanged)
    assert state(flagged).standing.conflict is ReasonCode.OTHER
    refused(flagged, Flag(), "entry_state")
    flagged.when(Compare(found=stored, policy=ASK)).then()
    again = flagged.when(decide(flagged.state)).after()
    assert state(again).conflict == state(flagged).conflict
    changed = again.when(observed_anew()).after()
    still = changed.when(decide(changed.state)).after()
    assert state(still).conflict == state(flagged).conflict
    kept = still.when(Keep(nth=1)).after()
    assert state(kept).standing.state is EntryState.SYNCED


def test_a_note_belongs_to_the_newest_conflict() -> None:
    story, _ = edited()
    noted = story.when(ChangeNote(nth=1, note="see mail")).then_types(ConflictNoteChanged)
    kept = noted.when(Keep(nth=1)).after()
    kept.when(ChangeNote(nth=1, note=None)).then_types(ConflictNoteChanged)
    refused(kept, ChangeNote(nth=0, note="?"), "already_resolved")


def test_a_refused_row_is_decided_by_the_rules_again_when_its_booking_changes() -> None:
    skipped = unmapped().when(Skip(nth=1)).after()
    changed = skipped.when(observed_anew()).after()
    made = changed.when(Decide(ruling=ruling(state(changed)))).after()
    assert state(made).standing.outcome is Outcome.CREATE
    assert state(made).conflict is None

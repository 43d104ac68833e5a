"""The rules of one booking, event by event."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from domain.personal import Personal
from domain.time_entry.commands import (
    Adopt,
    Confirm,
    ConfirmDeleted,
    Decide,
    Doubt,
    GiveUp,
    Hold,
    NoteDrift,
    NoteTargetGone,
    ObserveUnreadable,
    Reject,
    Retry,
    TimeEntryCommand,
    Unsent,
    Vanish,
)
from domain.time_entry.decide import TIME_ENTRY
from domain.time_entry.events import (
    ConflictOpened,
    ConflictResolved,
    EntryChangedAtSource,
    EntryDeadLettered,
    EntryDecided,
    EntryObserved,
    EntryRetryRequested,
    EntryUnreadable,
    EntryVanishedAtSource,
    TimeEntryEvent,
    TimesheetAdopted,
    TimesheetCreated,
    TimesheetDeleted,
    TimesheetDrifted,
    TimesheetUpdated,
    TimesheetVanished,
    TimesheetWriteIntended,
    TimesheetWriteRejected,
    TimesheetWriteUncertain,
    TimesheetWriteUnsent,
)
from domain.time_entry.standing import EntryState
from domain.time_entry.state import TimeEntry
from domain.time_entry.values import Operation, Outcome, ReasonCode, Written
from tests.support.bookings import (
    BOOKED,
    ENTRY,
    ZAMMAD,
    booking,
    configuration,
    context,
    decide,
    intend,
    observe,
    project_mapping,
    situation,
    written,
)
from tests.support.given import Given, given

Stream = Given[TimeEntryCommand, TimeEntry | None, TimeEntryEvent]
START: Stream = given(TIME_ENTRY)
REJECT = Reject(
    intent=1, status=400, fields=("project",), reason=ReasonCode.CREATION_ERROR, detail="refused"
)


def state(stream: Stream) -> TimeEntry:
    assert stream.state is not None
    return stream.state


def stored(stream: Stream) -> Written:
    """What Kimai stores for what was decided last."""
    decided = state(stream).decided
    assert decided is not None
    assert decided.desired is not None
    return written(decided.desired)


def observed() -> Stream:
    return START.when(observe()).after()


def decided() -> Stream:
    stream = observed()
    return stream.when(decide(stream.state)).after()


def intended() -> Stream:
    return decided().when(intend()).after()


def created() -> Stream:
    stream = intended()
    return stream.when(Confirm(intent=1, written=stored(stream))).after()


def edited() -> Stream:
    stream = created().when(observe(booking(time_unit=Decimal(30)))).after()
    return stream.when(decide(stream.state)).after()


def vanished(policy: str) -> Stream:
    stream = created().when(Vanish()).after()
    where = situation(kimai={"delete_policy": policy})
    return stream.when(decide(stream.state, where)).after()


def test_a_new_booking_is_observed() -> None:
    START.when(observe()).then(
        EntryObserved(entry_id=ENTRY, connector_id=ZAMMAD, booking=booking(), context=context())
    )
    assert state(observed()).standing.state is EntryState.PENDING


def test_seeing_the_same_again_changes_nothing() -> None:
    for stream in (observed(), decided(), intended(), created()):
        stream.when(observe()).then()


def test_a_change_names_what_changed() -> None:
    changed = booking(time_unit=Decimal(30), updated_at=BOOKED + timedelta(hours=1))
    observed().when(observe(changed)).then(
        EntryChangedAtSource(
            entry_id=ENTRY,
            booking=changed,
            context=context(),
            changed=("time_unit", "updated_at"),
        )
    )


def test_a_renamed_customer_is_a_change_too() -> None:
    about = context(customer_name=Personal("customer:8", "Emily Brown"))
    stream = observed().when(observe(about=about))
    (event,) = stream.events
    assert isinstance(event, EntryChangedAtSource)
    assert event.changed == ("customer_name",)


def test_a_ticket_that_cannot_be_read_now_keeps_what_is_known() -> None:
    observed().when(replace(observe(), context=None)).then()


def test_a_row_that_cannot_be_read_is_kept_and_recovers() -> None:
    unreadable = ObserveUnreadable(
        entry_id=ENTRY, connector_id=ZAMMAD, fields=("time_unit",), ticket_id=50, updated_at=BOOKED
    )
    stream = START.when(unreadable).then_types(EntryUnreadable)
    stream.when(unreadable).then()
    held = stream.when(decide(stream.state)).then_types(EntryDecided, ConflictOpened)
    assert state(held).standing.conflict is ReasonCode.PEER_REJECTED
    read = held.when(observe()).then_types(EntryObserved, ConflictResolved)
    assert state(read).standing.state is EntryState.PENDING
    read.when(decide(read.state)).then_types(EntryDecided)


def test_a_decision_is_recorded_once() -> None:
    stream = decided()
    assert state(stream).standing.outcome is Outcome.CREATE
    stream.when(decide(stream.state)).then()


def test_a_held_decision_opens_its_conflict_in_the_same_append() -> None:
    stream = observed()
    held = stream.when(decide(stream.state, situation(activities=()))).then_types(
        EntryDecided, ConflictOpened
    )
    assert state(held).standing.conflict is ReasonCode.UNMAPPED_ACTIVITY


def test_a_conflict_whose_cause_is_gone_closes_itself() -> None:
    stream = observed()
    held = stream.when(decide(stream.state, situation(activities=()))).after()
    stream = held.when(decide(held.state)).then_types(EntryDecided, ConflictResolved)
    assert state(stream).standing.state is EntryState.PENDING


def test_another_reason_replaces_the_open_conflict() -> None:
    stream = observed()
    held = stream.when(decide(stream.state, situation(activities=()))).after()
    fixed = situation(projects=(), kimai={"project_strategy": "fixed"})
    other = held.when(decide(held.state, fixed)).then_types(
        EntryDecided, ConflictResolved, ConflictOpened
    )
    assert state(other).standing.conflict is ReasonCode.PROJECT_OR_CUSTOMER_MISSING


def test_a_write_needs_its_intent_first_and_only_one() -> None:
    observed().when(intend()).then_refused("entry_state")
    stream = decided().when(intend()).then_types(TimesheetWriteIntended)
    assert state(stream).standing.state is EntryState.WRITING
    stream.when(intend()).then_refused("entry_state")
    stream.when(Decide(ruling=decide(decided().state).ruling)).then_refused("entry_state")


def test_only_what_was_decided_may_be_intended() -> None:
    decided().when(intend(Operation.UPDATE, 11)).then_refused("entry_state")
    created().when(intend()).then_refused("entry_state")


def test_a_confirmed_timesheet_is_synced() -> None:
    stream = intended()
    done = stream.when(Confirm(intent=1, written=stored(stream))).then_types(TimesheetCreated)
    assert state(done).standing.state is EntryState.SYNCED
    done.when(Confirm(intent=1, written=stored(stream))).then()


def test_an_answer_that_differs_is_a_conflict() -> None:
    stream = intended()
    confirm = Confirm(intent=1, written=stored(stream), mismatch="begin differs")
    done = stream.when(confirm).then_types(TimesheetCreated, ConflictOpened)
    assert state(done).standing.conflict is ReasonCode.CONFLICT


def test_a_change_while_a_request_is_under_way_is_decided_afterwards() -> None:
    stream = intended().when(observe(booking(time_unit=Decimal(30)))).after()
    done = stream.when(Confirm(intent=1, written=stored(stream))).after()
    assert state(done).standing.state is EntryState.PENDING
    again = done.when(decide(done.state)).after()
    assert state(again).standing.outcome is Outcome.UPDATE


def test_a_deletion_while_a_request_is_refused_is_decided_afterwards() -> None:
    """Found by the fault campaign: the refusal held what nobody had decided on yet."""
    stream = intended().when(Vanish()).after().when(REJECT).after()
    standing = state(stream).standing
    assert (standing.outcome, standing.vanished) == (None, True)
    assert standing.conflict is REJECT.reason


def test_a_refusal_opens_a_conflict_and_is_not_repeated() -> None:
    stream = intended().when(REJECT).then_types(TimesheetWriteRejected, ConflictOpened)
    assert state(stream).standing.state is EntryState.CONFLICT
    stream.when(intend()).then_refused("entry_state")
    again = stream.when(decide(stream.state)).after()
    assert state(again).standing.conflict is ReasonCode.CREATION_ERROR


def test_another_mapping_makes_a_refused_booking_writable() -> None:
    stream = intended().when(REJECT).after()
    where = situation(kimai={"project_strategy": "fixed", "default_project_id": 6}, projects=())
    again = stream.when(decide(stream.state, where)).then_types(EntryDecided, ConflictResolved)
    assert state(again).standing.outcome is Outcome.CREATE


def test_a_retry_makes_a_refused_booking_writable() -> None:
    stream = intended().when(REJECT).after().when(Retry(note="fixed")).after()
    again = stream.when(decide(stream.state)).then_types(EntryDecided, ConflictResolved)
    again.when(intend()).then_types(TimesheetWriteIntended)


def test_a_lost_answer_blocks_everything_until_it_is_read_back() -> None:
    stream = intended().when(Doubt(intent=1, cause="timed out")).then_types(TimesheetWriteUncertain)
    stream.when(Doubt(intent=1, cause="timed out")).then()
    stream.when(intend()).then_refused("entry_state")
    stream.when(Retry()).then_refused("entry_state")
    assert state(stream).standing.state is EntryState.WRITING


def test_a_found_timesheet_is_adopted() -> None:
    stream = intended().when(Doubt(intent=1, cause="timed out")).after()
    adopt = Adopt(found=[stored(stream)], how="read_back")
    done = stream.when(adopt).then_types(TimesheetAdopted)
    assert state(done).standing.state is EntryState.SYNCED
    assert state(done).settled is not None


def test_a_timesheet_that_is_not_there_may_be_written_again() -> None:
    stream = intended().when(Doubt(intent=1, cause="reset")).after()
    stream = stream.when(Unsent(intent=1, cause="not there")).then_types(TimesheetWriteUnsent)
    (event,) = stream.when(intend()).events
    assert isinstance(event, TimesheetWriteIntended)
    assert event.intent == 2


def test_two_found_timesheets_are_a_conflict_and_the_first_is_linked() -> None:
    stream = intended()
    second = replace(stored(stream), timesheet_id=12)
    done = stream.when(Adopt(found=[second, stored(stream)], how="read_back")).then_types(
        TimesheetAdopted, ConflictOpened
    )
    assert state(done).standing.timesheet_id == 11
    assert state(done).standing.conflict is ReasonCode.DUPLICATE
    changed = done.when(observe(booking(time_unit=Decimal(30)))).after()
    held = changed.when(decide(changed.state)).after()
    assert state(held).standing.conflict is ReasonCode.DUPLICATE


def test_a_read_back_that_is_refused_waits_for_a_person_and_stays_open() -> None:
    stream = intended().when(Doubt(intent=1, cause="reset")).after()
    hold = Hold(reason=ReasonCode.WRITE_UNCERTAIN, detail="look in Kimai")
    held = stream.when(hold).then_types(ConflictOpened)
    held.when(hold).then()
    held.when(intend()).then_refused("entry_state")
    held.when(Unsent(intent=1, cause="not there")).then_types(
        TimesheetWriteUnsent, ConflictResolved
    )


def test_an_edit_becomes_an_update() -> None:
    stream = edited()
    assert state(stream).standing.outcome is Outcome.UPDATE
    stream = stream.when(intend(Operation.UPDATE, 11)).after()
    done = stream.when(Confirm(intent=2, written=stored(stream))).then_types(TimesheetUpdated)
    assert state(done).standing.state is EntryState.SYNCED


def test_a_ticket_of_another_customer_in_the_same_project_changes_no_timesheet() -> None:
    """Found by `make chaos`: an exported timesheet waited for a person, and nothing differed."""
    theirs = context(
        organization_id=9,
        customer_id=21,
        customer_name=Personal("customer:21", "Jo Field"),
        text=Personal("customer:21", "Reset the tunnel."),
    )
    both = situation(projects=(project_mapping(), project_mapping(mapping_id=8, source_id=9)))
    stream = created().when(observe(about=theirs)).after()
    stream = stream.when(decide(stream.state, both)).after()
    assert state(stream).standing.state is EntryState.SYNCED
    said = replace(theirs, text=Personal("customer:21", "Reset it twice."))
    stream = stream.when(observe(about=said)).after()
    stream = stream.when(decide(stream.state, both)).after()
    assert state(stream).standing.outcome is Outcome.UPDATE


def test_billable_that_was_dropped_beside_other_fields_is_sent_again() -> None:
    stream = edited().when(intend(Operation.UPDATE, 11)).after()
    confirm = Confirm(intent=2, written=stored(stream), again=True)
    done = stream.when(confirm).then_types(TimesheetUpdated, EntryDecided)
    done.when(intend(Operation.UPDATE, 11)).then_types(TimesheetWriteIntended)


def test_an_exported_timesheet_holds_the_update() -> None:
    hold = Hold(reason=ReasonCode.SOURCE_CHANGED_AFTER_EXPORT, detail="exported")
    held = edited().when(hold).then_types(EntryDecided, ConflictOpened)
    held.when(intend(Operation.UPDATE, 11)).then_refused("entry_state")
    again = held.when(decide(held.state, situation(activities=()))).then_types(EntryDecided)
    assert state(again).standing.conflict is ReasonCode.SOURCE_CHANGED_AFTER_EXPORT


def test_going_back_to_what_was_billed_closes_the_conflict() -> None:
    hold = Hold(reason=ReasonCode.SOURCE_CHANGED_AFTER_EXPORT, detail="exported")
    back = edited().when(hold).after().when(observe()).after()
    done = back.when(decide(back.state)).then_types(EntryDecided, ConflictResolved)
    assert state(done).standing.state is EntryState.SYNCED


def test_an_edit_in_kimai_waits_for_a_person_whatever_zammad_says() -> None:
    stream = edited()
    found = replace(stored(stream), project_id=77)
    drift = NoteDrift(found=found, changed=("project_id",), detail="edited")
    held = stream.when(drift).then_types(TimesheetDrifted, EntryDecided, ConflictOpened)
    held.when(drift).then()
    more = held.when(observe(booking(time_unit=Decimal(20)))).after()
    again = more.when(decide(more.state)).after()
    assert state(again).standing.conflict is ReasonCode.TARGET_EDITED
    asked = again.when(Retry()).after()
    tried = asked.when(decide(asked.state)).after()
    assert state(tried).standing.outcome is Outcome.UPDATE


def test_a_timesheet_deleted_in_kimai_is_not_made_again_by_itself() -> None:
    gone = (
        created()
        .when(NoteTargetGone(timesheet_id=11))
        .then_types(TimesheetVanished, ConflictOpened)
    )
    gone.when(NoteTargetGone(timesheet_id=11)).then()
    for asked in (gone, gone.when(Retry()).after()):
        again = asked.when(decide(asked.state)).after()
        assert state(again).standing.conflict is ReasonCode.TARGET_DELETED


@pytest.mark.parametrize(
    ("policy", "outcome", "contract_state"),
    [
        ("delete", Outcome.DELETE, EntryState.PENDING),
        ("keep", Outcome.LEAVE, EntryState.WITHDRAWN),
        ("conflict", Outcome.HOLD, EntryState.CONFLICT),
    ],
)
def test_a_vanished_booking_follows_the_policy(
    policy: str, outcome: Outcome, contract_state: EntryState
) -> None:
    stream = vanished(policy)
    assert state(stream).standing.outcome is outcome
    assert state(stream).standing.state is contract_state
    stream.when(Vanish()).then()


def test_a_deleted_timesheet_withdraws_the_entry() -> None:
    stream = vanished("delete").when(intend(Operation.DELETE, 11)).after()
    done = stream.when(ConfirmDeleted(intent=2, timesheet_id=11)).then_types(TimesheetDeleted)
    assert state(done).standing.state is EntryState.WITHDRAWN


def test_gone_on_both_sides_leaves_nothing_to_decide() -> None:
    done = (
        vanished("conflict")
        .when(NoteTargetGone(timesheet_id=11))
        .then_types(TimesheetVanished, ConflictResolved)
    )
    assert state(done).standing.state is EntryState.WITHDRAWN


def test_a_booking_that_comes_back_is_carried_over_again() -> None:
    stream = vanished("keep").when(observe()).then_types(EntryChangedAtSource)
    again = stream.when(decide(stream.state)).after()
    assert state(again).standing.state is EntryState.SYNCED


def test_a_vanished_booking_that_was_never_written_is_withdrawn() -> None:
    stream = observed().when(Vanish()).then_types(EntryVanishedAtSource)
    assert state(stream).standing.state is EntryState.WITHDRAWN


def test_retries_used_up_are_a_dead_letter_until_somebody_asks_again() -> None:
    stream = intended().when(Unsent(intent=1, cause="down")).after()
    dead = stream.when(GiveUp(reason=ReasonCode.PEER_REJECTED, detail="down")).then(
        EntryDeadLettered(
            entry_id=ENTRY, reason=ReasonCode.PEER_REJECTED, detail="down", attempts=1
        )
    )
    assert state(dead).standing.state is EntryState.FAILED
    dead.when(intend()).then_refused("entry_state")
    again = dead.when(Retry()).then(EntryRetryRequested(entry_id=ENTRY))
    assert state(again).standing.state is EntryState.PENDING
    assert state(again).attempts == 0


def test_what_is_at_rest_cannot_be_retried() -> None:
    created().when(Retry()).then_refused("entry_state")
    intended().when(Retry()).then_refused("entry_state")


def test_an_unknown_booking_takes_no_command() -> None:
    for command in (Vanish(), Retry(), REJECT, intend()):
        START.when(command).then_refused("not_found")


def test_a_retried_intent_of_another_number_is_ignored() -> None:
    stream = intended()
    for command in (
        Doubt(intent=7, cause="late"),
        Unsent(intent=7, cause="late"),
        Confirm(intent=7, written=stored(stream)),
        replace(REJECT, intent=7),
        ConfirmDeleted(intent=7, timesheet_id=11),
    ):
        stream.when(command).then()


def test_zero_is_recorded_and_ignored() -> None:
    stream = START.when(observe(booking(time_unit=Decimal("0.00")))).after()
    done = stream.when(decide(stream.state)).then_types(EntryDecided)
    assert state(done).standing.state is EntryState.IGNORED
    done.when(decide(done.state)).then()


def test_an_intent_names_the_kimai_it_was_meant_for() -> None:
    stream = created()
    moved = situation(target=99)
    changed = stream.when(observe(booking(time_unit=Decimal(30)))).after()
    held = changed.when(decide(changed.state, moved)).after()
    assert state(held).standing.conflict is ReasonCode.CONFLICT


def test_settings_changed_later_do_not_move_what_was_written() -> None:
    other = situation(
        zammad={"time_unit_minutes": "hour", "work_time_anchor": "start_at_booking"},
        activities=(),
        projects=(),
        users=(),
    )
    stream = created().when(observe(booking(time_unit=Decimal(30)))).after()
    again = stream.when(decide(stream.state, other)).after()
    decided_again = state(again).decided
    assert decided_again is not None
    assert decided_again.outcome is Outcome.UPDATE
    assert decided_again.desired is not None
    assert decided_again.desired.end - decided_again.desired.begin == timedelta(minutes=30)
    assert configuration().zammad.timezone == decided_again.desired.zone

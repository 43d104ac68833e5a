"""The rules of one booking: observe, decide, intend, write, confirm.

A request is recorded before it is sent, and no second one while the first is not settled. A
conflict lives in the booking's own stream: it opens and closes in the same append as its cause.
"""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import assert_never

from domain.errors import RuleViolation
from domain.event import Decider
from domain.personal import agrees
from domain.time_entry.commands import (
    Adopt,
    Carry,
    ChangeNote,
    Compare,
    Confirm,
    ConfirmDeleted,
    Decide,
    Dismiss,
    Distinguish,
    Doubt,
    Flag,
    GiveUp,
    Hold,
    Ignore,
    Intend,
    Keep,
    Net,
    NoteDrift,
    NoteSurplus,
    NoteTargetGone,
    Observe,
    ObserveUnreadable,
    ReadBack,
    Reduce,
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
from domain.time_entry.conflicts import close_conflict as _close
from domain.time_entry.conflicts import open_conflict as _open
from domain.time_entry.drift import (
    compare,
    compare_earlier,
    is_edited_since,
    surplus,
    surplus_text,
)
from domain.time_entry.events import (
    EntryChangedAtSource,
    EntryDeadLettered,
    EntryDecided,
    EntryNetted,
    EntryObserved,
    EntryReduced,
    EntryRetryRequested,
    EntryUnignored,
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
from domain.time_entry.resolving import carried, decide_by_person, reopened_by_change
from domain.time_entry.standing import EntryState
from domain.time_entry.state import Netted, Reduced, TimeEntry, Wait, evolve
from domain.time_entry.taking_over import distinguish, take_over
from domain.time_entry.values import Operation, Outcome, ReasonCode, Reduction

Events = Sequence[TimeEntryEvent]

OPERATIONS = {
    Outcome.CREATE: Operation.CREATE,
    Outcome.UPDATE: Operation.UPDATE,
    Outcome.DELETE: Operation.DELETE,
}
AT_REST = (Outcome.LEAVE, Outcome.LEAVE)
DEAD = frozenset({EntryState.FAILED})
RETRYABLE = frozenset({EntryState.FAILED, EntryState.CONFLICT, EntryState.PENDING})


def decide(  # noqa: C901, PLR0911, PLR0912 # one flat branch per command
    command: TimeEntryCommand, entry: TimeEntry | None
) -> Events:
    """Raises RuleViolation (`not_found`, `entry_state`)."""
    match command:
        case Observe():
            return _observe(command, entry)
        case ObserveUnreadable():
            return _observe_unreadable(command, entry)
    if entry is None:
        raise RuleViolation("not_found", "This booking was never observed.")
    match command:
        case Vanish():
            if entry.standing.vanished:
                return []
            return [EntryVanishedAtSource(entry_id=entry.entry_id), *reopened_by_change(entry)]
        case (
            Keep()
            | Carry()
            | Uncarry()
            | Skip()
            | Dismiss()
            | Reopen()
            | Undo()
            | ChangeNote()
            | Flag()
            | Ignore()
            | Unignore()
        ):
            return decide_by_person(command, entry)
        case Decide(ruling=ruling):
            return _decide(ruling, entry)
        case Hold():
            return _hold(Wait(**vars(command)), entry)
        case NoteDrift():
            return _drift(command, entry)
        case Compare() if entry.standing.ignored:
            return _compared_while_ignored(command, entry)
        case Compare():
            earlier = entry.earlier_one(command.found.timesheet_id)
            found = compare_earlier(command, entry, earlier) if earlier else compare(command, entry)
            return _drift(found, entry) if isinstance(found, NoteDrift) else found
        case NoteSurplus() if entry.decided is None:
            return []  # adopted, and not for this run to decide; the next listing sees them again
        case NoteSurplus():
            over = surplus(command, entry)
            if isinstance(over, str):
                ids = command.timesheet_ids
                return _hold(Wait(reason=ReasonCode.DUPLICATE, detail=over, others=ids), entry)
            return over
        case NoteTargetGone(timesheet_id=timesheet_id):
            return _target_gone(timesheet_id, entry)
        case Distinguish():
            return distinguish(command, entry)
        case GiveUp():
            return _give_up(command, entry)
        case Retry(note=note, only_dead=only_dead):
            retryable = DEAD if only_dead else RETRYABLE
            if entry.standing.state not in retryable or entry.intent is not None:
                raise RuleViolation("entry_state", f"It is {entry.standing.state}, not waiting.")
            return [EntryRetryRequested(entry_id=entry.entry_id, note=note)]
        case ReadBack(nth=nth, came=came, note=note):
            if entry.intent is None:
                return []  # settled already
            resolved = carried(entry, nth, note)
            return [resolved, *_write(came, _after(entry, resolved))]
        case Reduce(by=by):
            return _reduce(by, entry)
        case Net():
            return _net(command, entry)
        case _:
            return _write(command, entry)


TIME_ENTRY: Decider[TimeEntryCommand, TimeEntry | None, TimeEntryEvent] = Decider(
    initial=None, decide=decide, evolve=evolve
)


def _observe(command: Observe, entry: TimeEntry | None) -> Events:
    if entry is None or entry.booking is None:
        observed = EntryObserved(
            entry_id=command.entry_id,
            connector_id=command.connector_id,
            booking=command.booking,
            context=command.context,
        )
        return [observed, *([] if entry is None else _close(entry))]
    changed = _changed(entry, command)
    if not changed:
        return []
    changes = EntryChangedAtSource(
        entry_id=entry.entry_id,
        booking=command.booking,
        # a ticket that cannot be read now says nothing new about the booking
        context=command.context or entry.context,
        changed=changed,
    )
    return [changes, *reopened_by_change(entry)]


def _changed(entry: TimeEntry, command: Observe) -> tuple[str, ...]:
    names = ["restored"] if entry.standing.vanished else []
    names += ["readable"] if entry.unreadable else []
    names += _differing(entry.booking, command.booking)
    if command.context is not None and entry.context is None:
        names.append("context")
    elif command.context is not None:
        names += _differing(entry.context, command.context)
    return tuple(names)


def _differing(old: object, new: object) -> list[str]:
    names = [field.name for field in fields(new)]  # type: ignore[arg-type] # only dataclasses come here
    return [name for name in names if not agrees(getattr(old, name), getattr(new, name))]


def _observe_unreadable(command: ObserveUnreadable, entry: TimeEntry | None) -> Events:
    if entry is not None and entry.unreadable == command.fields and not entry.standing.vanished:
        return []
    return [
        EntryUnreadable(
            entry_id=command.entry_id,
            connector_id=command.connector_id,
            fields=command.fields,
            ticket_id=command.ticket_id,
            updated_at=command.updated_at,
        )
    ]


def _decide(ruling: Ruling, entry: TimeEntry) -> Events:
    if entry.intent is not None:
        raise RuleViolation("entry_state", "A request is under way; settle it first.")
    if entry.standing.ignored or _stands(ruling, entry):
        return []
    decided = EntryDecided(
        entry_id=entry.entry_id,
        outcome=ruling.outcome,
        basis=ruling.basis,
        desired=ruling.desired,
        reason=ruling.reason,
        detail=ruling.detail,
    )
    if ruling.outcome is not Outcome.HOLD:
        return [decided, *_close(entry)]
    wait = Wait(
        reason=ruling.reason or ReasonCode.OTHER,
        detail=ruling.detail or "",
        cause=ruling.cause,
        others=ruling.others,
        alike=ruling.alike,
    )
    return [decided, *_open(wait, entry)]


def _stands(ruling: Ruling, entry: TimeEntry) -> bool:
    """Whether the newest decision says the same and still holds."""
    decided = entry.decided
    if decided is None or entry.standing.outcome is None:
        return False
    if ruling.outcome is Outcome.HOLD and entry.conflict is None:
        return False  # its conflict was closed, and what it was about is there still
    if entry.settled is not None and (entry.standing.outcome, ruling.outcome) == AT_REST:
        return entry.conflict is None and agrees(decided.desired, ruling.desired)
    stood = Ruling(
        outcome=decided.outcome,
        basis=decided.basis,
        desired=decided.desired,
        reason=decided.reason,
        detail=decided.detail,
        cause=ruling.cause,  # of the conflict, which the text tells from all others
        others=ruling.others,
        alike=ruling.alike,
    )
    return entry.standing.outcome is decided.outcome and agrees(stood, ruling)


def _reduce(by: tuple[Reduction, ...], entry: TimeEntry) -> Events:
    if entry.intent is not None:
        raise RuleViolation("entry_state", "A request is under way; settle it first.")
    now = Reduced(by=by, key=entry.netting_key)
    if entry.reduced == now or (not by and not entry.reduced.by):
        return []
    return [EntryReduced(entry_id=entry.entry_id, by=by)]


def _net(command: Net, entry: TimeEntry) -> Events:
    now = Netted(
        against=command.against,
        rest_seconds=command.rest_seconds,
        time_unit=None if entry.booking is None else entry.booking.time_unit,
        key=entry.netting_key,
    )
    if entry.netted == now or (entry.netted is None and entry.netting_key is None):
        return []
    return [
        EntryNetted(
            entry_id=entry.entry_id, against=command.against, rest_seconds=command.rest_seconds
        )
    ]


def _hold(wait: Wait, entry: TimeEntry) -> Events:
    if entry.intent is not None:  # only a read-back that failed comes here
        return _open(wait, entry)
    if entry.decided is None:
        raise RuleViolation("entry_state", "Nothing was decided that could be held.")
    return _decide(
        Ruling(
            outcome=Outcome.HOLD,
            basis=entry.decided.basis,
            desired=entry.decided.desired,
            reason=wait.reason,
            detail=wait.detail,
            cause=wait.cause,
            others=wait.others,
            alike=wait.alike,
        ),
        entry,
    )


def _compared_while_ignored(command: Compare, entry: TimeEntry) -> Events:
    """Somebody edited what a person had left alone until then: it is open again, and compared."""
    reopened = reopened_by_change(entry) if is_edited_since(entry, command.found) else []
    if not reopened:
        return []
    after = entry
    for event in reopened:
        after = evolve(after, event) or after
    return [*reopened, *decide(command, after)]


def _drift(command: NoteDrift, entry: TimeEntry) -> Events:
    drifted = TimesheetDrifted(
        entry_id=entry.entry_id, found=command.found, changed=command.changed
    )
    wait = Wait(reason=command.reason, detail=command.detail, cause=command.cause)
    held = _hold(wait, entry)
    return [drifted, *held] if held else []


def _target_gone(timesheet_id: int, entry: TimeEntry) -> Events:
    earlier = entry.earlier_one(timesheet_id)
    if earlier is not None:
        return _earlier_gone(timesheet_id, entry)
    if entry.standing.timesheet_id != timesheet_id:
        return []
    gone = TimesheetVanished(entry_id=entry.entry_id, timesheet_id=timesheet_id)
    if entry.standing.vanished:  # gone on both sides: nothing is left to decide
        return [gone, *_close(entry)]
    if entry.standing.ignored and not entry.until_change:
        return [gone]
    detail = (
        f"Timesheet {timesheet_id} was deleted in Kimai. Create it again, "
        "or skip the entry to leave Kimai without it."
    )
    again = [EntryUnignored(entry_id=entry.entry_id)] if entry.standing.ignored else []
    if entry.standing.earlier:  # what it corrected is there still: that is to be decided about anew
        return [gone, *again, *_close(entry)]
    held = _open(Wait(reason=ReasonCode.TARGET_DELETED, detail=detail), entry)
    return [gone, *again, *held]


def _earlier_gone(timesheet_id: int, entry: TimeEntry) -> Events:
    """A timesheet that was to stay as it is was deleted in Kimai: part of the booking is missing.

    One thing at a time: while something else waits, it is seen again with the next listing.
    """
    if entry.intent is not None or entry.conflict is not None or entry.decided is None:
        return []
    gone = TimesheetVanished(entry_id=entry.entry_id, timesheet_id=timesheet_id)
    if entry.standing.vanished or (entry.standing.ignored and not entry.until_change):
        return [gone]
    detail = (
        f"Timesheet {timesheet_id}, which was to stay as it is, was deleted in Kimai. Keep Kimai "
        "as it is, or have its time put into the timesheet that corrects it."
    )
    again = [EntryUnignored(entry_id=entry.entry_id)] if entry.standing.ignored else []
    held = EntryDecided(
        entry_id=entry.entry_id,
        outcome=Outcome.HOLD,
        basis=entry.decided.basis,
        desired=entry.decided.desired,
        reason=ReasonCode.TARGET_EDITED,
        detail=detail,
    )
    opened = _open(Wait(reason=ReasonCode.TARGET_EDITED, detail=detail), entry)
    return [gone, *again, held, *opened]


def _give_up(command: GiveUp, entry: TimeEntry) -> Events:
    if entry.standing.dead or entry.standing.ignored:
        return []
    if entry.intent is not None:
        raise RuleViolation("entry_state", "A request is under way; settle it first.")
    return [
        EntryDeadLettered(
            entry_id=entry.entry_id,
            reason=command.reason,
            detail=command.detail,
            attempts=entry.attempts,
            cause=command.cause,
        )
    ]


def _after(entry: TimeEntry, event: TimeEntryEvent) -> TimeEntry:
    after = evolve(entry, event)
    assert after is not None
    return after


def _write(  # noqa: PLR0911 # one flat branch per command
    command: Intend | Confirm | ConfirmDeleted | Reject | Doubt | Unsent | Adopt, entry: TimeEntry
) -> Events:
    match command:
        case Intend():
            return [_intended(command, entry)]
        case Adopt():
            return _adopt(command, entry)
        case _ if entry.intent is None or entry.intent.event.intent != command.intent:
            return []  # settled already: the answer came twice, or its append did
        case Confirm():
            return _confirm(command, entry)
        case ConfirmDeleted(intent=intent, timesheet_id=timesheet_id):
            deleted = TimesheetDeleted(
                entry_id=entry.entry_id, intent=intent, timesheet_id=timesheet_id
            )
            return [deleted, *_close(entry)]
        case Reject():
            return _reject(command, entry)
        case Doubt(intent=intent, cause=cause):
            if entry.intent.doubtful:
                return []
            return [TimesheetWriteUncertain(entry_id=entry.entry_id, intent=intent, cause=cause)]
        case Unsent(intent=intent, cause=cause):
            unsent = TimesheetWriteUnsent(entry_id=entry.entry_id, intent=intent, cause=cause)
            return [unsent, *_close(entry)]
        case _:
            assert_never(command)


def _intended(command: Intend, entry: TimeEntry) -> TimesheetWriteIntended:
    if entry.intent is not None:
        raise RuleViolation("entry_state", "A request is under way; read back first.")
    barred = entry.standing.dead or entry.standing.ignored
    if barred or entry.conflict is not None or entry.booking is None:
        raise RuleViolation("entry_state", f"It is {entry.standing.state}; nothing may be sent.")
    outcome = entry.standing.outcome
    if outcome is None or OPERATIONS.get(outcome) is not command.operation:
        raise RuleViolation("entry_state", f"{command.operation} is not what was decided.")
    free = entry.settled is None or entry.correcting is not None
    if (command.operation is Operation.CREATE) != free:
        raise RuleViolation("entry_state", "A linked timesheet is never created a second time.")
    return TimesheetWriteIntended(
        entry_id=entry.entry_id,
        intent=entry.writes + 1,
        target_connector_id=command.target_connector_id,
        operation=command.operation,
        marker=command.marker,
        request=command.request,
        timesheet_id=command.timesheet_id,
    )


def _confirm(command: Confirm, entry: TimeEntry) -> Events:
    assert entry.intent is not None
    created = entry.intent.event.operation is Operation.CREATE
    kind = TimesheetCreated if created else TimesheetUpdated
    stored = kind(entry_id=entry.entry_id, intent=command.intent, written=command.written)
    rest: list[TimeEntryEvent] = []
    if command.again and entry.standing.outcome is not None and entry.decided is not None:
        rest = [replace(entry.decided, outcome=Outcome.UPDATE)]
    return [stored, *rest, *_conclude(command.mismatch, entry)]


def _conclude(mismatch: str | None, entry: TimeEntry) -> Events:
    if mismatch is None:
        return _close(entry)
    return _open(Wait(reason=ReasonCode.CONFLICT, detail=mismatch), entry)


def _reject(command: Reject, entry: TimeEntry) -> Events:
    rejected = TimesheetWriteRejected(
        entry_id=entry.entry_id,
        intent=command.intent,
        status=command.status,
        fields=command.fields,
        reason=command.reason,
        detail=command.detail,
        circumstances=command.circumstances,
        cause=command.cause,
    )
    wait = Wait(reason=command.reason, detail=command.detail, cause=command.cause)
    return [rejected, *_open(wait, entry)]


def _adopt(command: Adopt, entry: TimeEntry) -> Events:
    if command.marker is not None:
        return take_over(command, entry)
    if entry.intent is None and entry.settled is None:
        return []  # settled meanwhile, and nothing of ours asked for it
    first, *others = sorted(command.found, key=lambda written: written.timesheet_id)
    adopted = TimesheetAdopted(entry_id=entry.entry_id, written=first, how=command.how)
    if not others:
        return [adopted, *_conclude(command.mismatch, entry)]
    ids = tuple(written.timesheet_id for written in others)
    detail = surplus_text(first.timesheet_id, ids)
    return [adopted, *_open(Wait(reason=ReasonCode.DUPLICATE, detail=detail, others=ids), entry)]

"""What people decide about a booking that waits for them (`contract.md`, section 8).

A decision holds for as long as neither side changes. Whoever decides names the conflict that was
looked at: of two people who press at once, one wins and the other is told.
"""

from typing import assert_never

from domain.errors import RuleViolation
from domain.time_entry.commands import (
    Carry,
    ChangeNote,
    Dismiss,
    Flag,
    Ignore,
    Keep,
    PersonalCommand,
    Reopen,
    Skip,
    Uncarry,
    Undo,
    Unignore,
)
from domain.time_entry.conflicts import open_conflict
from domain.time_entry.events import (
    ConflictDismissed,
    ConflictNoteChanged,
    ConflictReopened,
    ConflictResolved,
    EntryDecided,
    EntryIgnored,
    EntryRetryRequested,
    EntryUnignored,
    TimeEntryEvent,
)
from domain.time_entry.standing import EntryState
from domain.time_entry.state import (
    CORRECT,
    CREATE,
    KEEP_TARGET,
    SKIP,
    UPDATE,
    Closed,
    TimeEntry,
    Wait,
)
from domain.time_entry.values import Basis, Outcome, ReasonCode

Events = list[TimeEntryEvent]

FLAGGED = "Flagged by a person. Look at both sides, then decide."
CARRIED = frozenset({UPDATE, CREATE, CORRECT})
LINKING = frozenset({KEEP_TARGET, UPDATE})
WRITES = frozenset({Outcome.CREATE, Outcome.UPDATE, Outcome.DELETE})
GONE = "This conflict is not open any more."
UNDER_WAY = "A request to Kimai is under way or its answer was lost; it is read back first."


def decide_by_person(  # noqa: C901, PLR0911, PLR0912 # one flat branch per command
    command: PersonalCommand, entry: TimeEntry
) -> Events:
    """The events of the command.

    Raises RuleViolation: `already_resolved`, `op_not_applicable`, `entry_state`.
    """
    match command:
        case Keep():
            return _keep(command, entry)
        case Carry():
            return _carry(command, entry)
        case Uncarry():
            return _uncarry(command, entry)
        case Skip():
            _check_open(command, entry)
            if entry.settled is not None:
                raise _inapplicable("A timesheet is linked: keep it, or have it updated.")
            return [_resolved(entry, SKIP, command.note), _ignored(entry, until_change=True)]
        case Dismiss():
            _check_open(command, entry)
            return [_dismissed(entry, command.note), _ignored(entry, until_change=True)]
        case Reopen():
            return _reopen(command, entry)
        case Undo():
            return _undo(command, entry)
        case ChangeNote(nth=nth, note=note):
            if nth != entry.opened:
                raise RuleViolation("already_resolved", "A newer conflict took its place.")
            return [ConflictNoteChanged(entry_id=entry.entry_id, note=note)]
        case Flag(note=note):
            return _flag(note, entry)
        case Ignore(note=note):
            return _ignore(note, entry)
        case Unignore(note=note):
            return _unignore(note, entry)
        case _:
            assert_never(command)


def reopened_by_change(entry: TimeEntry) -> Events:
    """One of the sides changed: what a person left alone until then is open again."""
    if not entry.standing.ignored or not entry.until_change or entry.closed is None:
        return []
    return [ConflictReopened(entry_id=entry.entry_id, reason=entry.closed.wait.reason)]


def carried_action(entry: TimeEntry, *, correct: bool = False) -> str:
    """What wanting it in Kimai is called: it depends on whether Kimai has it."""
    if correct:
        return CORRECT
    return CREATE if entry.settled is None else UPDATE


def _keep(command: Keep, entry: TimeEntry) -> Events:
    _check_open(command, entry)
    if entry.settled is None:
        raise _inapplicable("No timesheet is linked that could be kept.")
    decided, resolved = entry.decided, _resolved(entry, KEEP_TARGET, command.note)
    if _asks_about_copies_alone(entry):
        return [resolved, EntryRetryRequested(entry_id=entry.entry_id)]
    left = EntryDecided(
        entry_id=entry.entry_id,
        outcome=Outcome.LEAVE,
        basis=Basis() if decided is None else decided.basis,
        desired=None if decided is None else decided.desired,
        detail="A person keeps it as it is in Kimai.",
    )
    return [resolved, *_no_longer_dead(entry), left]


def _asks_about_copies_alone(entry: TimeEntry) -> bool:
    """Nobody was asked yet whether the linked timesheet is what the booking says."""
    assert entry.conflict is not None
    if entry.conflict.reason is not ReasonCode.DUPLICATE:
        return False
    decided = entry.decided
    return entry.standing.outcome is None or decided is None or decided.desired is None


def _no_longer_dead(entry: TimeEntry) -> Events:
    """Whatever was given up before: a person has decided since."""
    return [EntryRetryRequested(entry_id=entry.entry_id)] if entry.standing.dead else []


def _carry(command: Carry, entry: TimeEntry) -> Events:
    _check_open(command, entry)
    ruling = command.ruling
    if ruling.outcome not in WRITES:
        raise _inapplicable(ruling.detail or "There is nothing to write.")
    linked = entry.settled is not None
    if command.correct and (ruling.outcome is not Outcome.CREATE or not linked):
        raise _inapplicable("There is no timesheet that could be corrected by a second one.")
    if not command.correct and (ruling.outcome is Outcome.CREATE) == linked:
        raise _inapplicable("A linked timesheet is never created a second time.")
    decided = EntryDecided(
        entry_id=entry.entry_id,
        outcome=ruling.outcome,
        basis=ruling.basis,
        desired=ruling.desired,
    )
    action = carried_action(entry, correct=command.correct)
    return [_resolved(entry, action, command.note), *_no_longer_dead(entry), decided]


def _uncarry(command: Uncarry, entry: TimeEntry) -> Events:
    closed = entry.closed
    if closed is None or closed.action not in CARRIED or command.nth != entry.opened:
        return []  # it was carried, or somebody had another hand in it
    if entry.intent is not None or entry.conflict is not None:
        return []
    return [_reopened(entry, closed.wait.reason, command.note, _linked_by(closed, entry))]


def _reopen(command: Reopen, entry: TimeEntry) -> Events:
    if entry.conflict is not None and command.nth == entry.opened:
        return []
    closed = entry.closed
    if closed is None or closed.action is not None or command.nth != entry.opened:
        raise RuleViolation("already_resolved", "Only an ignored conflict can be opened again.")
    return [_reopened(entry, closed.wait.reason, command.note)]


def _undo(command: Undo, entry: TimeEntry) -> Events:
    closed = entry.closed
    if command.nth != entry.opened or closed is None:
        raise _inapplicable(
            "It is open already."
            if entry.conflict is not None
            else "Kimai was written by it, it has changed since, or no person decided it: there is "
            "nothing to take back."
        )
    if entry.intent is not None:
        raise _inapplicable(UNDER_WAY)
    if closed.action in CARRIED:
        raise _inapplicable("It is on its way to Kimai. Decide anew when the row opens again.")
    unlinked = _linked_by(closed, entry)
    return [_reopened(entry, closed.wait.reason, command.note, unlinked)]


def _linked_by(closed: Closed, entry: TimeEntry) -> int | None:
    """The timesheet that the person took for the booking's own when closing that conflict."""
    settled = entry.settled
    if closed.action not in LINKING or settled is None or not settled.adopted:
        return None
    linked = settled.written.timesheet_id
    return linked if linked in closed.wait.others else None


def _flag(note: str | None, entry: TimeEntry) -> Events:
    if entry.conflict is not None:
        raise RuleViolation("entry_state", "The entry has an open conflict already.")
    if entry.intent is not None:
        raise RuleViolation("entry_state", UNDER_WAY)
    if entry.standing.vanished and entry.settled is None:
        raise RuleViolation("entry_state", "The booking is gone on both sides.")
    found = open_conflict(Wait(reason=ReasonCode.OTHER, detail=FLAGGED), entry)
    ignored = [EntryUnignored(entry_id=entry.entry_id)] if entry.standing.ignored else []
    noted = [] if note is None else [ConflictNoteChanged(entry_id=entry.entry_id, note=note)]
    return [*ignored, *found, *noted]


def _ignore(note: str | None, entry: TimeEntry) -> Events:
    if entry.intent is not None:
        raise RuleViolation("entry_state", UNDER_WAY)
    if entry.standing.ignored and not entry.until_change:
        return []
    if entry.standing.state is EntryState.WITHDRAWN:
        raise RuleViolation("entry_state", "It is withdrawn; there is nothing to ignore.")
    closed = [] if entry.conflict is None else [_dismissed(entry, note)]
    return [*closed, _ignored(entry, until_change=False, note=note)]


def _unignore(note: str | None, entry: TimeEntry) -> Events:
    if not entry.standing.ignored:
        raise RuleViolation("entry_state", f"It is {entry.standing.state}, and nobody ignores it.")
    closed = entry.closed
    unignored = EntryUnignored(entry_id=entry.entry_id, note=note)
    if closed is None or closed.action not in (None, SKIP):
        return [unignored]
    return [unignored, _reopened(entry, closed.wait.reason, None)]


def _check_open(command: Keep | Carry | Skip | Dismiss, entry: TimeEntry) -> None:
    if entry.conflict is None or command.nth != entry.opened:
        raise RuleViolation("already_resolved", GONE)
    if entry.intent is not None:
        raise _inapplicable(UNDER_WAY)


def carried(entry: TimeEntry, nth: int, note: str | None) -> ConflictResolved:
    """A person wants what a request was to bring about whose answer was lost.

    Raises RuleViolation `already_resolved`.
    """
    if entry.conflict is None or nth != entry.opened:
        raise RuleViolation("already_resolved", GONE)
    action = carried_action(entry, correct=entry.correcting is not None)
    return _resolved(entry, action, note)


def _resolved(entry: TimeEntry, action: str, note: str | None) -> ConflictResolved:
    assert entry.conflict is not None
    reason = entry.conflict.reason
    return ConflictResolved(entry_id=entry.entry_id, reason=reason, action=action, note=note)


def _dismissed(entry: TimeEntry, note: str | None) -> ConflictDismissed:
    assert entry.conflict is not None
    reason = entry.conflict.reason
    return ConflictDismissed(entry_id=entry.entry_id, reason=reason, note=note)


def _reopened(
    entry: TimeEntry, reason: ReasonCode, note: str | None, unlinked: int | None = None
) -> ConflictReopened:
    return ConflictReopened(entry_id=entry.entry_id, reason=reason, note=note, unlinked=unlinked)


def _ignored(entry: TimeEntry, *, until_change: bool, note: str | None = None) -> EntryIgnored:
    return EntryIgnored(entry_id=entry.entry_id, until_change=until_change, note=note)


def _inapplicable(why: str) -> RuleViolation:
    return RuleViolation("op_not_applicable", why)

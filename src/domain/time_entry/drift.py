"""Kimai changed by itself: compare what it holds with what it held after our last write.

Base is what Kimai stored then, theirs is Kimai now, ours is what Zammad asks for now. Only
bookings at rest are compared: what is to be written is looked at right before it is sent.
"""

from collections.abc import Sequence
from datetime import datetime

from domain.connector.settings import EditedInKimaiPolicy
from domain.rules.comparison import changes_since
from domain.time_entry.commands import Compare, NoteDrift, NoteSurplus
from domain.time_entry.conflicts import close_conflict
from domain.time_entry.events import (
    EntryDecided,
    TimeEntryEvent,
    TimesheetAdopted,
    TimesheetDrifted,
)
from domain.time_entry.standing import EntryState
from domain.time_entry.state import Earlier, Settled, TimeEntry
from domain.time_entry.values import Outcome, ReasonCode, Written

Events = list[TimeEntryEvent]

# about a linked timesheet as it is; who corrects that by hand in Kimai has answered, or asks anew
ABOUT_AS_IT_IS = frozenset(
    {ReasonCode.CONFLICT, ReasonCode.TIME_MISMATCH, ReasonCode.NEGATIVE_TIME}
)


def compare(  # noqa: PLR0911 # one return per kind of finding
    command: Compare, entry: TimeEntry
) -> Events | NoteDrift:
    """The events of what was found, or the drift that a person has to look at."""
    settled, found = entry.settled, command.found
    if settled is None or not _is_comparable(entry, settled, found):
        return []
    edits = changes_since(settled.written, found)
    exported = ("exported",) if settled.written.exported != found.exported else ()
    drifted = TimesheetDrifted(entry_id=entry.entry_id, found=found, changed=(*edits, *exported))
    disputed = _is_disputed_still(entry, found)
    as_it_is = is_about_as_it_is(entry)
    if not edits and not disputed:
        back = [] if as_it_is or entry.asks_about_earlier else _unchanged(entry, found)
        return [*([drifted] if exported else []), *back]
    if command.agreed is not None:
        decided = EntryDecided(
            entry_id=entry.entry_id,
            outcome=Outcome.LEAVE,
            basis=command.agreed.basis,
            desired=command.agreed.desired,
        )
        adopted = TimesheetAdopted(entry_id=entry.entry_id, written=found, how="equal")
        return [decided, adopted, *close_conflict(entry)]
    if disputed:
        return []
    fits = as_it_is and command.ours is not None and command.ours.outcome is Outcome.LEAVE
    if fits or command.policy is EditedInKimaiPolicy.KEEP_TARGET:
        kept = TimesheetAdopted(entry_id=entry.entry_id, written=found, how="kept")
        return [drifted, kept, *close_conflict(entry)]
    overwritten = command.policy is EditedInKimaiPolicy.OVERWRITE and not as_it_is
    if overwritten and not found.exported and command.ours:
        again = EntryDecided(
            entry_id=entry.entry_id,
            outcome=Outcome.UPDATE,
            basis=command.ours.basis,
            desired=command.ours.desired,
        )
        return [drifted, again, *close_conflict(entry)]
    detail = edited_text(settled.written, found, edits)
    return NoteDrift(found=found, changed=drifted.changed, detail=detail)


def compare_earlier(command: Compare, entry: TimeEntry, earlier: Earlier) -> Events | NoteDrift:
    """The same for a timesheet that stays as it is, beside the one that corrects it.

    Nothing is ever written over there, so whatever the policy, an edit is kept or asked about.
    """
    conflict, found = entry.conflict, command.found
    asked = conflict is not None and conflict.reason is ReasonCode.TARGET_EDITED
    rests = conflict is None and entry.standing.state is EntryState.SYNCED
    if entry.intent is not None or not (asked or rests):
        return []
    base = earlier.settled.written
    edits = changes_since(base, found)
    exported = ("exported",) if base.exported != found.exported else ()
    drifted = TimesheetDrifted(entry_id=entry.entry_id, found=found, changed=(*edits, *exported))
    if not edits:
        undone = earlier.drifted is not None and asked and entry.drifted is None
        adopted = TimesheetAdopted(entry_id=entry.entry_id, written=found, how="unchanged")
        back = [adopted, *close_conflict(entry)] if undone else []
        return [*([drifted] if exported else []), *back]
    if earlier.drifted == found:
        return []
    if command.policy is EditedInKimaiPolicy.KEEP_TARGET:
        kept = TimesheetAdopted(entry_id=entry.entry_id, written=found, how="kept")
        return [drifted, kept, *close_conflict(entry)]
    detail = edited_text(base, found, edits)
    return NoteDrift(found=found, changed=drifted.changed, detail=detail)


def is_edited_since(entry: TimeEntry, found: Written) -> bool:
    """Whether the timesheet is not as it was when a person last looked at it."""
    earlier = entry.earlier_one(found.timesheet_id)
    if earlier is not None:
        return entry.intent is None and bool(changes_since(earlier.seen, found))
    if entry.settled is None or entry.intent is not None:
        return False
    seen = entry.drifted or entry.settled.written
    return seen.timesheet_id == found.timesheet_id and bool(changes_since(seen, found))


def _is_comparable(entry: TimeEntry, settled: Settled, found: Written) -> bool:
    if entry.intent is not None or settled.written.timesheet_id != found.timesheet_id:
        return False
    if entry.conflict is None:
        return entry.standing.state is EntryState.SYNCED
    edited = entry.conflict.reason is ReasonCode.TARGET_EDITED
    return edited or is_about_as_it_is(entry) or _lost_access(entry)


def is_about_as_it_is(entry: TimeEntry) -> bool:
    """Whether a person is asked about the linked timesheet as we know it."""
    return entry.conflict is not None and entry.conflict.reason in ABOUT_AS_IT_IS


def _is_disputed_still(entry: TimeEntry, found: Written) -> bool:
    """It is as it was when the conflict was opened: also where that is about what was kept."""
    held = entry.conflict
    return held is not None and held.reason is ReasonCode.TARGET_EDITED and entry.drifted == found


def _lost_access(entry: TimeEntry) -> bool:
    """Whether the conflict is that Kimai did not show the record, rather than a refused write."""
    held, refused = entry.conflict, entry.refused
    assert held is not None
    rejected = held.reason is ReasonCode.PEER_REJECTED and not entry.unreadable
    return rejected and (refused is None or refused.wait.detail != held.detail)


def _unchanged(entry: TimeEntry, found: Written) -> Events:
    """The edit was undone, or the record is shown again: the conflict has lost its cause."""
    if entry.conflict is None:
        return []
    adopted = TimesheetAdopted(entry_id=entry.entry_id, written=found, how="unchanged")
    return [adopted, *close_conflict(entry)]


def surplus(command: NoteSurplus, entry: TimeEntry) -> Events | str:
    """The events when no surplus record is left, or the text of the conflict about them."""
    if entry.settled is None or entry.intent is not None:
        return []
    held = entry.conflict
    if held is not None and held.reason is not ReasonCode.DUPLICATE:
        return []  # one thing at a time; the next full listing sees them again
    if not command.timesheet_ids:
        return _unchanged(entry, entry.settled.written)
    if _are_accepted(command.timesheet_ids, entry):
        return []
    return surplus_text(entry.settled.written.timesheet_id, command.timesheet_ids)


def _are_accepted(copies: Sequence[int], entry: TimeEntry) -> bool:
    """A person left all of them beside the linked one, also when a part of them is found first."""
    accepted = entry.accepted
    if accepted is None or accepted.reason is not ReasonCode.DUPLICATE:
        return False
    return set(copies) <= set(accepted.others)


def surplus_text(linked: int, others: Sequence[int]) -> str:
    """The detail of a DUPLICATE."""
    ids = ", ".join(str(each) for each in sorted(others))
    return (
        f"Timesheet {linked} is linked, but {ids} in Kimai carry the same marker. "
        "Delete the surplus ones in Kimai, then keep the linked one."
    )


def edited_text(base: Written, found: Written, names: Sequence[str]) -> str:
    """What somebody changed, in words."""
    parts = [f"{name} {_told(base, name)} → {_told(found, name)}" for name in names]
    exported = " It is exported, so it is not written to." if found.exported else ""
    return (
        f"Timesheet {found.timesheet_id} was edited in Kimai after it was written: "
        f"{', '.join(parts)}.{exported} Keep the edit or bring it to Zammad's values."
    )


def _told(written: Written, name: str) -> str:
    if name == "description":
        return "text"  # personal, and shown elsewhere
    value = getattr(written, name)
    return value.isoformat() if isinstance(value, datetime) else str(value)

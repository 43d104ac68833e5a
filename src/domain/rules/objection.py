"""Whether a timesheet may be changed as it is in Kimai right before the write.

It is not when it was exported, does not carry our marker any more, or somebody edited it in a way
that the policy does not let us write over.
"""

from domain.connector.settings import EditedInKimaiPolicy
from domain.rules.comparison import asked_anew, asks_the_same, changes_since
from domain.rules.marker import carries
from domain.time_entry.causes import RefusalCause
from domain.time_entry.commands import NoteDrift
from domain.time_entry.state import Settled, TimeEntry
from domain.time_entry.values import Outcome, ReasonCode, Written


def objection(
    entry: TimeEntry, settled: Settled, found: Written, policy: EditedInKimaiPolicy
) -> NoteDrift | None:
    """What a person has to look at first; None when the write may go ahead."""
    changed = changes_since(entry.overwrite or settled.written, found)
    if found.exported:
        return _exported(entry, found, changed)
    seen = entry.overwrite  # without the marker, too, when a person decided to write over it
    missing = settled.marker and not carries(found.description.value or "", settled.marker)
    if missing and (seen is None or carries(seen.description.value or "", settled.marker)):
        detail = (
            f"Timesheet {found.timesheet_id} does not carry the marker {settled.marker} any "
            "more, so it is left alone. Put the marker back in its last line, or keep it."
        )
        return NoteDrift(found=found, changed=(*changed, "marker"), detail=detail)
    if changed and policy is not EditedInKimaiPolicy.OVERWRITE:
        return NoteDrift(found=found, changed=changed, detail=_edited(entry, found, changed))
    disputed = () if entry.overwrite is not None else _disputed(entry, settled, policy)
    if disputed:
        return NoteDrift(found=found, changed=disputed, detail=_edited(entry, found, disputed))
    return None


def left_alone(entry: TimeEntry, policy: EditedInKimaiPolicy) -> tuple[str, ...]:
    """What an update leaves as somebody set it in Kimai, unless a person wants it written over."""
    if entry.settled is None or policy is not EditedInKimaiPolicy.KEEP_TARGET:
        return ()
    return () if entry.overwrite is not None else entry.settled.kept


def _disputed(entry: TimeEntry, settled: Settled, policy: EditedInKimaiPolicy) -> tuple[str, ...]:
    """What was kept as somebody left it in Kimai, and what the booking says otherwise now."""
    match policy:
        case EditedInKimaiPolicy.OVERWRITE:
            return ()
        case EditedInKimaiPolicy.CONFLICT:
            return settled.kept  # it was kept beside the booking as that was then
        case EditedInKimaiPolicy.KEEP_TARGET:
            decided = None if entry.decided is None else entry.decided.desired
            if decided is None or entry.standing.outcome is Outcome.DELETE:
                return settled.kept
            anew = asked_anew(settled.desired, decided)
            return tuple(name for name in settled.kept if name in anew)


def _edited(entry: TimeEntry, found: Written, changed: tuple[str, ...]) -> str:
    edited = f"Timesheet {found.timesheet_id} was edited in Kimai ({', '.join(changed)})"
    if entry.overwrite is not None:
        return edited + " since a person looked at it. Look again: keep it, or have it updated."
    if not entry.standing.vanished and _asks_the_same(entry):
        return edited + ". Keep the edit, or have it updated to what Zammad says."
    edited += ", and the "
    if entry.standing.vanished:
        return edited + "booking was deleted in Zammad. Keep the timesheet, or delete it, too."
    return edited + "booking changed in Zammad, too. Keep the one or bring it to the other."


def _asks_the_same(entry: TimeEntry) -> bool:
    """Whether the booking is as it was carried: all that is to be written is over an edit."""
    desired = None if entry.decided is None else entry.decided.desired
    settled = entry.settled
    return settled is not None and desired is not None and asks_the_same(settled.desired, desired)


def _exported(entry: TimeEntry, found: Written, changed: tuple[str, ...]) -> NoteDrift:
    if entry.standing.vanished:
        return NoteDrift(
            found=found,
            changed=(*changed, "exported"),
            reason=ReasonCode.SOURCE_DELETED,
            cause=RefusalCause.EXPORTED,
            detail=f"The booking was deleted in Zammad after timesheet {found.timesheet_id} was "
            "exported. It stays as it was billed; keep it, or take back the export first.",
        )
    what = f"The booking changed in Zammad after timesheet {found.timesheet_id} was exported."
    if _asks_the_same(entry):
        what = f"Timesheet {found.timesheet_id} was edited in Kimai, and exported since."
    return NoteDrift(
        found=found,
        changed=(*changed, "exported"),
        reason=ReasonCode.SOURCE_CHANGED_AFTER_EXPORT,
        cause=RefusalCause.EXPORTED,
        detail=f"{what} It stays as it was billed; keep it, or take back the export and retry.",
    )

"""One row of Reconcile in full: both sides, what was written last, and who changed what since."""

from collections.abc import Mapping, Sequence

from domain.event import Event, Recorded
from domain.minutes import minutes_of
from domain.rules.comparison import asked_anew, changes_since
from domain.rules.rounding import to_hold
from domain.time_entry.events import ConflictOpened
from domain.time_entry.state import TimeEntry
from domain.time_entry.values import Alike, Basis, Desired, Written
from projections import time_entries
from projections.numbers import json_number

Shown = dict[str, object]

# field, and what it is called where changes are told
FIELDS: Mapping[str, str] = {
    "minutes": "duration",
    "begin": "begin",
    "end": "end",
    "user_id": "user_id",
    "project_id": "project_id",
    "activity_id": "activity_id",
    "description": "description",
    "billable": "billable",
}
MOST_CAUSES = 20


def sides(
    entry: TimeEntry, row: time_entries.Row
) -> tuple[Shown | None, Shown | None, Shown | None]:
    """Source, target and base; None for a side that does not exist.

    The source says what the rules last asked for, as Kimai is to hold it, rounding included;
    before they got that far, what was booked.
    """
    zone, settled = row.facts.zone, entry.settled
    source = None if entry.standing.vanished else _asked(entry, row)
    target = _alike(entry, zone)
    if settled is not None:
        target = _held(entry.drifted or settled.written, zone)
    base = None if settled is None else _held(settled.written, zone)
    return source, target, base


def differences(entry: TimeEntry, row: time_entries.Row) -> list[Shown]:
    """The fields in which the sides, or one of them and the base, differ."""
    source, target, base = sides(entry, row)
    by_source, by_target = _changed_at_source(entry), _changed_at_target(entry)
    found = []
    for name, told in FIELDS.items():
        ours, theirs, was = (side and side.get(name) for side in (source, target, base))
        who = _who(told in by_source, told in by_target)
        both = target is not None and source is not None and name in target
        if who is not None or (both and ours != theirs):
            found.append(
                {"field": name, "source": ours, "target": theirs, "base": was, "changed_by": who}
            )
    return found


def causation(history: Sequence[Recorded[Event]], conflict_id: int | None) -> list[Shown]:
    """The events that led to the row, oldest first: those of the same cause, up to its conflict."""
    upto = [one for one in history if conflict_id is None or one.position <= conflict_id]
    if not upto:
        return []
    last = upto[-1].metadata
    caused = [
        one
        for one in upto
        if one.metadata.correlation_id == last.correlation_id
        or one.position == last.causation_position
        or isinstance(one.event, ConflictOpened)
    ]
    return [
        {"position": one.position, "type": one.event.TYPE, "at": one.recorded_at}
        for one in caused[-MOST_CAUSES:]
    ]


def _asked(entry: TimeEntry, row: time_entries.Row) -> Shown:
    desired, basis = _desired(entry)
    if desired is None:
        return {"minutes": json_number(row.minutes), "description": row.description}
    zone = row.facts.zone
    stored = to_hold(desired, basis)
    return {
        "minutes": json_number(minutes_of(stored.duration)),
        "begin": time_entries.local(stored.begin, zone),
        "end": time_entries.local(stored.end, zone),
        "user_id": desired.user_id,
        "project_id": desired.project_id,
        "activity_id": desired.activity_id,
        "description": desired.description.value,
        "billable": desired.billable,
    }


def _desired(entry: TimeEntry) -> tuple[Desired | None, Basis]:
    """What the booking asks for as it is, as far as the rules said so, and on what ground."""
    if entry.decided is not None and entry.decided.desired is not None:
        return entry.decided.desired, entry.decided.basis
    settled = entry.settled
    same = settled is not None and (settled.booking, settled.context) == (
        entry.booking,
        entry.context,
    )
    if settled is None or not same:
        return None, Basis()
    return settled.desired, settled.basis


def _alike(entry: TimeEntry, zone: str | None) -> Shown | None:
    """A timesheet that only looks like the booking; its text is not kept."""
    if entry.conflict is None or entry.conflict.alike is None:
        return None
    return _held(entry.conflict.alike, zone)


def _held(sheet: Written | Alike, zone: str | None) -> Shown:
    text = {"description": sheet.description.value} if isinstance(sheet, Written) else {}
    return {
        "timesheet_id": sheet.timesheet_id,
        "minutes": json_number(minutes_of(sheet.duration)),
        "begin": time_entries.local(sheet.begin, zone),
        "end": time_entries.local(sheet.end, zone),
        "user_id": sheet.user_id,
        "project_id": sheet.project_id,
        "activity_id": sheet.activity_id,
        **text,
        "billable": sheet.billable,
        "exported": sheet.exported,
    }


def _changed_at_source(entry: TimeEntry) -> Sequence[str]:
    desired, _ = _desired(entry)
    if entry.settled is None or desired is None:
        return ()
    return asked_anew(entry.settled.desired, desired)


def _changed_at_target(entry: TimeEntry) -> Sequence[str]:
    if entry.settled is None or entry.drifted is None:
        return ()
    return changes_since(entry.settled.written, entry.drifted)


def _who(source: bool, target: bool) -> str | None:
    if source and target:
        return "both"
    return "source" if source else "target" if target else None

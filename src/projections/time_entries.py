"""Where does each booking stand? One row per entry (`contract.md`, section 7)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, assert_never, get_args
from zoneinfo import ZoneInfo

from domain.event import Recorded
from domain.ids import source_of
from domain.moved import made, moved
from domain.time_entry.events import (
    ConflictDismissed,
    ConflictNoteChanged,
    ConflictOpened,
    ConflictReopened,
    ConflictResolved,
    EntryChangedAtSource,
    EntryDeadLettered,
    EntryDecided,
    EntryIgnored,
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
from domain.time_entry.standing import NOWHERE, EntryState, Standing, stand
from domain.time_entry.state import worked
from domain.time_entry.values import Booking, Context, Outcome, ReasonCode, Written
from projections.numbers import MINUTE_PLACES, json_number, minutes_of
from projections.projection import Projection

NAME, VERSION = "time_entries", 6
CONFLICT, MISSING, MATCH = "conflict", "missing", "match"  # statuses of the rows of Reconcile
SYNC_STATUS: Mapping[str, str] = {  # contract state -> the word that old clients know
    EntryState.PENDING: "pending",
    EntryState.WRITING: "pending",
    EntryState.SYNCED: "synced",
    EntryState.CONFLICT: "conflict",
    EntryState.FAILED: "error",
    EntryState.IGNORED: "synced",
    EntryState.WITHDRAWN: "synced",
}

WAITING = (EntryState.PENDING, EntryState.WRITING)
_FRESH = (EntryObserved, EntryChangedAtSource, EntryUnreadable)
_WRITTEN = (TimesheetCreated, TimesheetUpdated)


@dataclass(frozen=True)
class Target:
    """The timesheet as Kimai last said it is; its text stands in the row, being personal."""

    begin: datetime
    end: datetime | None
    minutes: Decimal
    project_id: int
    activity_id: int
    user_id: int
    tags: tuple[str, ...]
    billable: bool | None
    exported: bool


@dataclass(frozen=True)
class Earlier:
    """A timesheet that stays as it is and is corrected by a later one; its text is not kept."""

    timesheet_id: int
    target: Target


@dataclass(frozen=True)
class Newest:
    """The conflict that was opened last, as it was then: it may be opened again."""

    conflict_id: int
    cause: str | None = None
    others: tuple[int, ...] = ()


@dataclass(frozen=True)
class Facts:
    """What nobody filters or sorts by, and nothing personal.

    `unit_minutes`, `zone`, when the work `begins` and `ends`, and `lasting`, the minutes that its
    timesheet is to have, rounding included, are those of the newest decision. `reduced`: negative
    bookings take something of it. `attempts` counts the writes tried since the last settled one.
    `others`: see `ConflictOpened`. `earlier` are the timesheets that `target` corrects, oldest
    first. `fresh_since`: when the booking was seen as it is now, None once it is carried across or
    had to wait for a person. `edited` names what somebody changed of `target` in Kimai since it
    was `base`: of the open conflict, or of the one before, which may be opened again.
    """

    standing: Standing
    observed_at: datetime
    article_id: int | None = None
    activity_type_id: int | None = None
    time_unit: Decimal | None = None
    source_created_at: datetime | None = None
    unit_minutes: Decimal | None = None
    zone: str | None = None
    begins: datetime | None = None
    ends: datetime | None = None
    lasting: Decimal | None = None
    reduced: bool = False
    target_connector_id: int | None = None
    marker: str | None = None
    attempts: int = 0
    target: Target | None = None
    base: Target | None = None
    edited: tuple[str, ...] = ()
    others: tuple[int, ...] = ()
    newest: Newest | None = None
    earlier: tuple[Earlier, ...] = ()
    fresh_since: datetime | None = None


@dataclass(frozen=True)
class Row:
    """One entry; what is None is not known.

    Personal: `user_name`, `user_email` (subject `zammad-user:<user_id>`), `customer_name`
    (`customer:<customer_id>`), `description` (`description_subject`) and `target_description`
    (`target_subject`). `minutes` are those booked in Zammad, None while the unit is unknown.
    `entry_date` is the work day; before a decision has named the zone, the UTC day of booking or
    else of the first sight. `decided_with` is `Basis.configuration` of the newest decision.
    `cause` is there where the reason code has several. `pending_since`: when the entry began to
    wait for a decision or a write, None while it does not. `row_status` says which rows of
    Reconcile it is one of, None for none. `corrected`: some of `facts.earlier` are there.
    `lag_seen` and `lag_booked`: only where the newest event is the write that carried the booking
    across by itself, after how many seconds since it was seen and since Zammad has it.
    """

    entry_id: int
    position: int
    version: int
    connector_id: int
    source_id: int
    state: str
    reason_code: str | None
    conflict_id: int | None
    timesheet_id: int | None
    vanished: bool
    entry_date: date
    minutes: Decimal | None
    updated_at: datetime
    last_run_id: int | None
    facts: Facts
    ticket_id: int | None = None
    source_updated_at: datetime | None = None
    ticket_number: str | None = None
    ticket_title: str | None = None
    activity_name: str | None = None
    customer_id: int | None = None
    customer_name: str | None = None
    organization_name: str | None = None
    user_id: int | None = None
    user_name: str | None = None
    user_email: str | None = None
    description: str | None = None
    description_subject: str | None = None
    target_description: str | None = None
    target_subject: str | None = None
    decided_with: str | None = None
    cause: str | None = None
    pending_since: datetime | None = None
    row_status: str | None = None
    corrected: bool = False
    lag_seen: int | None = None
    lag_booked: int | None = None


Values = dict[str, Any]  # fields of a Row, or of Facts, and what they become


def keys(recorded: Recorded[TimeEntryEvent]) -> Sequence[int]:
    return (recorded.event.entry_id,)


def project(row: Row | None, recorded: Recorded[TimeEntryEvent]) -> Row | None:
    """The entry after the event."""
    event = recorded.event
    if row is None:
        return _first_seen(event, recorded)
    standing = stand(row.facts.standing, event)
    state = standing.state
    values, facts = _said(row, recorded)
    others = facts.get("others", row.facts.others)
    facts["fresh_since"] = _fresh_since(event, state, row, recorded)
    values["lag_seen"], values["lag_booked"] = _lags(event, state, row, recorded)
    return moved(
        row,
        position=recorded.position,
        version=recorded.version,
        state=state,
        reason_code=_reason(event, standing, row),
        cause=_cause(event, standing, row),
        row_status=_row_status(standing, state, others),
        timesheet_id=standing.timesheet_id,
        vanished=standing.vanished,
        updated_at=recorded.recorded_at,
        last_run_id=recorded.metadata.run_id or row.last_run_id,
        facts=moved(row.facts, standing=standing, **facts),
        corrected=bool(standing.earlier),
        pending_since=(row.pending_since or recorded.recorded_at) if state in WAITING else None,
        **values,
    )


def _fresh_since(
    event: TimeEntryEvent, state: EntryState, row: Row, recorded: Recorded[TimeEntryEvent]
) -> datetime | None:
    if state not in WAITING:
        return None
    return recorded.recorded_at if isinstance(event, _FRESH) else row.facts.fresh_since


def _lags(
    event: TimeEntryEvent, state: EntryState, row: Row, recorded: Recorded[TimeEntryEvent]
) -> tuple[int | None, int | None]:
    """How long the write took that this event confirms, if nobody had to step in before it."""
    since = row.facts.fresh_since
    if since is None or state is not EntryState.SYNCED or not isinstance(event, _WRITTEN):
        return None, None
    booked = row.source_updated_at or since
    return _seconds(recorded.recorded_at - since), _seconds(recorded.recorded_at - booked)


def _seconds(lasted: timedelta) -> int:
    """Whole seconds; the clocks of two systems may disagree."""
    return max(0, int(lasted.total_seconds()))


def _first_seen(event: TimeEntryEvent, recorded: Recorded[TimeEntryEvent]) -> Row | None:
    match event:
        case EntryObserved(booking=booking):
            day, (values, facts) = booking.created_at.astimezone(UTC).date(), _booked(booking)
            if event.context is not None:
                values |= _named(event.context)
        case EntryUnreadable():
            day, facts = recorded.recorded_at.astimezone(UTC).date(), {}
            values = {"ticket_id": event.ticket_id, "source_updated_at": event.updated_at}
        case _:
            return None  # no other event can begin the stream
    _, source_id = source_of(event.entry_id)
    standing = stand(NOWHERE, event)
    return made(
        Row,
        entry_id=event.entry_id,
        position=recorded.position,
        version=recorded.version,
        connector_id=event.connector_id,
        source_id=source_id,
        state=standing.state,
        reason_code=None,
        conflict_id=None,
        timesheet_id=None,
        vanished=False,
        entry_date=day,
        minutes=None,
        updated_at=recorded.recorded_at,
        last_run_id=recorded.metadata.run_id,
        facts=made(
            Facts,
            standing=standing,
            observed_at=recorded.recorded_at,
            fresh_since=recorded.recorded_at,
            **facts,
        ),
        pending_since=recorded.recorded_at,  # whatever is first seen waits
        **values,
    )


def _said(  # noqa: C901, PLR0911, PLR0912 # one flat branch per event
    row: Row, recorded: Recorded[TimeEntryEvent]
) -> tuple[Values, Values]:
    """What the event says besides where the booking stands: of the row, and of its facts."""
    match event := recorded.event:
        case EntryObserved() | EntryChangedAtSource():
            return _booked_again(row, event.booking, event.context)
        case EntryUnreadable(updated_at=updated_at):
            return {"source_updated_at": updated_at or row.source_updated_at}, {}
        case EntryDecided():
            return _decided(row, event)
        case TimesheetWriteIntended(marker=marker, target_connector_id=connector):
            tried = {"attempts": row.facts.attempts + 1}
            return {}, {"marker": marker, "target_connector_id": connector, **tried}
        case TimesheetCreated(written=written) | TimesheetUpdated(written=written):
            return _written(row, written)
        case TimesheetAdopted(written=written, marker=None):
            return _written(row, written)
        case TimesheetDrifted(found=written):
            return _drifted(row, written)
        case TimesheetAdopted(written=written, marker=marker, target_connector_id=connector):
            values, facts = _written(row, written)
            return values, {**facts, "marker": marker, "target_connector_id": connector}
        case TimesheetDeleted(timesheet_id=gone) | TimesheetVanished(timesheet_id=gone):
            return _without(row, gone)
        case EntryDeadLettered(attempts=attempts):
            return {}, {"attempts": attempts}
        case EntryReduced(by=by):
            return {}, {"lasting": None, "reduced": bool(by)}
        case EntryRetryRequested():
            return {}, {"attempts": 0}
        case ConflictOpened(others=others):
            opened = recorded.position
            newest = Newest(conflict_id=opened, cause=event.cause, others=others)
            return {"conflict_id": opened}, {"others": others, "newest": newest}
        case ConflictResolved() | ConflictDismissed():
            return {"conflict_id": None}, {"others": ()}
        case ConflictReopened(unlinked=unlinked):
            again = row.facts.newest or Newest(conflict_id=recorded.position)
            values, facts = ({}, {}) if unlinked is None else _without(row, unlinked)
            return {**values, "conflict_id": again.conflict_id}, {**facts, "others": again.others}
        case (
            EntryVanishedAtSource()
            | TimesheetWriteRejected()
            | TimesheetWriteUncertain()
            | TimesheetWriteUnsent()
            | EntryNetted()
            | EntryIgnored()
            | EntryUnignored()
            | ConflictNoteChanged()
        ):
            return {}, {}  # the standing says all that they mean for the row
        case _:
            assert_never(event)


def _booked_again(row: Row, booking: Booking, context: Context | None) -> tuple[Values, Values]:
    """A source change: unit and zone hold until the next decision, unreadable names stay."""
    values, facts = _booked(booking)
    values["minutes"] = _minutes(booking.time_unit, row.facts.unit_minutes)
    facts |= {"attempts": 0, "lasting": None}
    if context is not None:
        values |= _named(context)
    elif row.ticket_id != booking.ticket_id:
        values |= dict.fromkeys(_OF_TICKET)
    return values, facts


def _booked(booking: Booking) -> tuple[Values, Values]:
    return {
        "ticket_id": booking.ticket_id,
        "user_id": booking.created_by_id,
        "source_updated_at": booking.updated_at,
    }, {
        "article_id": booking.article_id,
        "activity_type_id": booking.type_id,
        "time_unit": booking.time_unit,
        "source_created_at": booking.created_at,
    }


_UNEDITED: Values = {"base": None, "edited": ()}
_WORK: Mapping[str, Callable[[Target], object]] = {
    "user_id": lambda target: target.user_id,
    "project_id": lambda target: target.project_id,
    "activity_id": lambda target: target.activity_id,
    "begin": lambda target: target.begin,
    "end": lambda target: target.end,
    "duration": lambda target: target.minutes,
    "billable": lambda target: target.billable,
}
_OF_TICKET = ("ticket_number", "ticket_title", "customer_id", "customer_name", "organization_name")


def _named(context: Context) -> Values:
    text = context.text
    return {
        "ticket_number": context.ticket_number,
        "ticket_title": context.ticket_title,
        "customer_id": context.customer_id,
        "customer_name": context.customer_name.value,
        "organization_name": context.organization_name,
        "user_name": context.agent_name.value,
        "user_email": context.agent_email.value,
        "activity_name": context.type_name,
        "description": text.value if text else None,
        "description_subject": text.subject if text else None,
    }


def _decided(row: Row, event: EntryDecided) -> tuple[Values, Values]:
    basis, desired, known = event.basis, event.desired, row.facts
    work = worked(desired, basis) if desired else None
    unit = basis.unit_minutes if basis.unit_minutes is not None else known.unit_minutes
    settled = known.standing.outcome is Outcome.LEAVE  # the writes counted so far are done with
    return {
        "entry_date": basis.work_date or row.entry_date,
        "minutes": _minutes(known.time_unit, unit),
        "decided_with": basis.configuration,
    }, {
        "unit_minutes": unit,
        "zone": basis.zone or known.zone,
        "begins": work.begin if work else None,
        "ends": work.end if work else None,
        "lasting": _lasting(row, event),
        "attempts": 0 if settled else known.attempts,
    }


def _lasting(row: Row, event: EntryDecided) -> Decimal | None:
    """While a person is asked it stays what it was; a taken over timesheet is not what is asked."""
    desired, foreseen = event.desired, event.basis.foreseen
    if event.reason is ReasonCode.TIME_MISMATCH:
        return None
    if foreseen is not None:
        return minutes_of(foreseen.duration)
    if desired is not None:
        return minutes_of(desired.end - desired.begin)
    return Decimal(0) if event.outcome is Outcome.LEAVE else row.facts.lasting


def _drifted(row: Row, found: Written) -> tuple[Values, Values]:
    """The base is what was there before the first edit of those that a person is asked about.

    An edit that was kept is none when it is only asked about again.
    """
    values, facts = _written(row, found)
    asked = row.conflict_id is not None and row.reason_code == ReasonCode.TARGET_EDITED
    base = (row.facts.base if asked else None) or row.facts.target
    if "target" not in facts or base is None:
        return values, facts
    now: Target = facts["target"]
    edited = [name for name, of in _WORK.items() if of(base) != of(now)]
    known = asked and "description" in row.facts.edited
    if known or row.target_description != values["target_description"]:
        edited.append("description")
    return values, {**facts, "base": base if edited else None, "edited": tuple(edited)}


def _written(row: Row, written: Written) -> tuple[Values, Values]:
    target, text, number = _target(written), written.description, written.timesheet_id
    values: Values = {"target_description": text.value, "target_subject": text.subject}
    earlier = row.facts.earlier
    if any(one.timesheet_id == number for one in earlier):
        seen = Earlier(timesheet_id=number, target=target)
        moved_on = (seen if one.timesheet_id == number else one for one in earlier)
        return {}, {"earlier": tuple(moved_on), **_UNEDITED}
    former, facts = row.facts.target, {"target": target, **_UNEDITED}
    if former is None or row.timesheet_id in (None, number):
        return values, facts
    assert row.timesheet_id is not None
    corrected = Earlier(timesheet_id=row.timesheet_id, target=former)
    return values, {**facts, "earlier": (*earlier, corrected)}


def _without(row: Row, gone: int) -> tuple[Values, Values]:
    """One of its timesheets is gone; if that was the newest, the one it corrected is left."""
    earlier = row.facts.earlier
    if any(one.timesheet_id == gone for one in earlier):
        left = tuple(one for one in earlier if one.timesheet_id != gone)
        return {}, {"earlier": left, **_UNEDITED}
    values: Values = {"target_description": None, "target_subject": None}
    newest = earlier[-1].target if earlier else None
    return values, {"target": newest, "earlier": earlier[:-1], **_UNEDITED}


def _target(written: Written) -> Target:
    return made(
        Target,
        begin=written.begin,
        end=written.end,
        minutes=minutes_of(written.duration),
        project_id=written.project_id,
        activity_id=written.activity_id,
        user_id=written.user_id,
        tags=written.tags,
        billable=written.billable,
        exported=written.exported,
    )


def _row_status(standing: Standing, state: EntryState, others: Sequence[int]) -> str | None:
    """`conflict` with a timesheet linked or matched, `missing` without; `match` when at rest."""
    if standing.conflict is not None:
        return MISSING if standing.timesheet_id is None and not others else CONFLICT
    return MATCH if state is EntryState.SYNCED else None


def _reason(event: TimeEntryEvent, standing: Standing, row: Row) -> str | None:
    """Why a person must look: the open conflict's reason, or that of the dead letter."""
    if standing.conflict is not None:
        return standing.conflict
    if not standing.dead:
        return None
    return event.reason if isinstance(event, EntryDeadLettered) else row.reason_code


def _cause(event: TimeEntryEvent, standing: Standing, row: Row) -> str | None:
    """What is behind the reason, where that has several causes."""
    if isinstance(event, ConflictOpened | EntryDeadLettered):
        return event.cause
    if isinstance(event, ConflictReopened):
        return None if row.facts.newest is None else row.facts.newest.cause
    return row.cause if standing.conflict is not None or standing.dead else None


def _minutes(time_unit: Decimal | None, unit_minutes: Decimal | None) -> Decimal | None:
    if time_unit is None or unit_minutes is None:
        return None
    return (time_unit * unit_minutes).quantize(MINUTE_PLACES)


@dataclass(frozen=True)
class Project:
    """What is known of the project that the timesheet is booked on."""

    name: str | None = None
    customer_id: int | None = None


UNKNOWN = Project()


def shown(
    row: Row,
    *,
    ticket_base: str | None,
    timesheet_base: str | None,
    project: Project = UNKNOWN,
) -> dict[str, object]:
    """The contract's Entry; the bases are the connectors' addresses, for links."""
    return {
        "id": row.entry_id,
        "source": "zammad",
        "source_id": str(row.source_id),
        "connector_id": row.connector_id,
        "ticket_number": row.ticket_number or "",
        "ticket_id": row.ticket_id,
        "description": row.description or "",
        "time_minutes": json_number(row.minutes),
        "activity_type_id": row.facts.activity_type_id,
        "activity_name": row.activity_name,
        "user_email": row.user_email,
        "entry_date": row.entry_date,
        "sync_status": SYNC_STATUS[row.state],
        "target_id": None if row.timesheet_id is None else str(row.timesheet_id),
        "tags": list(row.facts.target.tags) if row.facts.target else [],
        "raw_data": _raw(row),
        "created_at": row.facts.observed_at,
        "updated_at": row.updated_at,
        "state": row.state,
        "ticket_title": row.ticket_title,
        "user_name": row.user_name,
        "customer_name": row.organization_name or row.customer_name,
        "project_name": project.name,
        "started_at": local(row.facts.begins, row.facts.zone),
        "ended_at": local(row.facts.ends, row.facts.zone),
        "target": _shown_target(row, project.customer_id),
        "minutes_after": json_number(minutes_after(row)),
        "conflict_id": row.conflict_id,
        "reason_code": row.reason_code,
        "cause": row.cause,
        "other_timesheet_ids": list(row.facts.others),
        "attempts": row.facts.attempts,
        "next_retry_at": None,
        "last_run_id": row.last_run_id,
        "version": row.version,
        "position": row.position,
        "links": links(row, ticket_base, timesheet_base),
    }


def _raw(row: Row) -> dict[str, object]:
    return {
        "time_unit": None if row.facts.time_unit is None else str(row.facts.time_unit),
        "unit_minutes": json_number(row.facts.unit_minutes),
        "ticket_article_id": row.facts.article_id,
        "created_by_id": row.user_id,
        "created_at": row.facts.source_created_at,
        "updated_at": row.source_updated_at,
    }


def _shown_target(row: Row, customer_id: int | None) -> dict[str, object] | None:
    if row.facts.target is None or row.timesheet_id is None:
        return None
    return {
        "timesheet_id": row.timesheet_id,
        "begin": local(row.facts.target.begin, row.facts.zone),
        "end": local(row.facts.target.end, row.facts.zone),
        "minutes": json_number(row.facts.target.minutes),
        "description": target_text(row),
        "customer_id": customer_id,
        "project_id": row.facts.target.project_id,
        "activity_id": row.facts.target.activity_id,
        "user_id": row.facts.target.user_id,
        "billable": row.facts.target.billable,
        "exported": row.facts.target.exported,
        "earlier": [
            {
                "timesheet_id": one.timesheet_id,
                "begin": local(one.target.begin, row.facts.zone),
                "end": local(one.target.end, row.facts.zone),
                "minutes": json_number(one.target.minutes),
                "exported": one.target.exported,
            }
            for one in row.facts.earlier
        ],
    }


def minutes_after(row: Row, *, rounded: bool = True) -> Decimal | None:
    """All that Kimai is to hold for the booking, rounding included; None: nobody knows.

    Nobody does while a person is asked about a timesheet beside the newest one. Of what was never
    decided the booking says it, unless times are `rounded`.
    """
    if row.state == EntryState.SYNCED:
        return held_minutes(row)
    if row.reason_code == ReasonCode.TARGET_EDITED and row.facts.base is None:
        return None
    if row.facts.lasting is not None:
        return row.facts.lasting + sum(one.target.minutes for one in row.facts.earlier)
    first = row.timesheet_id is None or row.reason_code == ReasonCode.TIME_MISMATCH
    if rounded or not first or row.facts.reduced or row.minutes is None or row.minutes < 0:
        return None
    return row.minutes


def held_minutes(row: Row) -> Decimal:
    """How much of the booking is in Kimai, in all of its timesheets."""
    targets = [one.target for one in row.facts.earlier]
    if row.facts.target is not None and row.timesheet_id is not None:
        targets.append(row.facts.target)
    return sum((target.minutes for target in targets), Decimal(0))


def target_text(row: Row) -> str:
    """The timesheet's text without our last line, which is not what the agent wrote."""
    text = row.target_description
    if text and row.facts.marker:
        for ours in (row.facts.marker, f"Zammad #{row.ticket_number}"):
            text = text.removesuffix(ours).rstrip()
    return text or ""


def local(instant: datetime | None, zone: str | None) -> datetime | None:
    """The instant as it is written in the zone."""
    return instant and instant.astimezone(ZoneInfo(zone) if zone else UTC)


def links(row: Row, ticket_base: str | None, timesheet_base: str | None) -> dict[str, str | None]:
    """Where people see both sides; the bases are the connectors' addresses."""
    ticket = None
    if ticket_base and row.ticket_id is not None:
        ticket = f"{ticket_base}#ticket/zoom/{row.ticket_id}"
    return {"ticket": ticket, "timesheet": sheet_link(row.timesheet_id, timesheet_base)}


def sheet_link(timesheet_id: int | None, base: str | None) -> str | None:
    """Where Kimai shows the timesheet."""
    if base is None or timesheet_id is None:
        return None
    return f"{base}en/timesheet/{timesheet_id}/edit"


PROJECTION = Projection(
    name=NAME,
    version=VERSION,
    row=Row,
    key="entry_id",
    events=frozenset(get_args(TimeEntryEvent)),
    keys=keys,
    project=project,
    stream="time-entry",
)

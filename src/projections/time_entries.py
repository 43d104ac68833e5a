"""Where does each booking stand? One row per entry (`contract.md`, section 7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import assert_never, get_args
from zoneinfo import ZoneInfo

from domain.event import Recorded
from domain.ids import source_of
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
from domain.time_entry.standing import NOWHERE, EntryState, Standing, stand
from domain.time_entry.values import Booking, Context, Outcome, Written
from projections.numbers import MINUTE_PLACES, json_number, minutes_of
from projections.projection import Projection

NAME, VERSION = "time_entries", 1
SYNC_STATUS: Mapping[str, str] = {  # contract state -> the word that old clients know
    EntryState.PENDING: "pending",
    EntryState.WRITING: "pending",
    EntryState.SYNCED: "synced",
    EntryState.CONFLICT: "conflict",
    EntryState.FAILED: "error",
    EntryState.IGNORED: "synced",
    EntryState.WITHDRAWN: "synced",
}


@dataclass(frozen=True)
class Source:
    """The booking as Zammad has it, and what ticket and people were called; None is not known.

    Personal: `user_name`, `user_email` (subject `zammad-user:<user_id>`), `customer_name`
    (`customer:<customer_id>`) and `description` (`description_subject`).
    """

    ticket_id: int | None = None
    user_id: int | None = None
    activity_type_id: int | None = None
    time_unit: Decimal | None = None
    article_id: int | None = None
    source_created_at: datetime | None = None
    source_updated_at: datetime | None = None
    ticket_number: str | None = None
    ticket_title: str | None = None
    customer_id: int | None = None
    customer_name: str | None = None
    organization_name: str | None = None
    user_name: str | None = None
    user_email: str | None = None
    activity_name: str | None = None
    description: str | None = None
    description_subject: str | None = None


@dataclass(frozen=True)
class Work:
    """What was decided about the time. `minutes` are those booked, None while the unit is unknown.

    `entry_date` is the work day; before a decision has named the zone, the UTC day of booking or
    else of the first sight.
    """

    entry_date: date
    unit_minutes: Decimal | None = None
    minutes: Decimal | None = None
    zone: str | None = None
    begins: datetime | None = None
    ends: datetime | None = None
    decided_with: str | None = None


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
class Row:
    """One entry. Personal besides those of `source`: `target_description` (`target_subject`)."""

    entry_id: int
    position: int
    version: int
    connector_id: int
    source_id: int
    state: str
    reason_code: str | None
    conflict_id: int | None
    standing: Standing
    source: Source
    work: Work
    target: Target | None
    target_description: str | None
    target_subject: str | None
    target_connector_id: int | None
    marker: str | None
    attempts: int
    last_run_id: int | None
    observed_at: datetime
    updated_at: datetime


def keys(recorded: Recorded[TimeEntryEvent]) -> Sequence[int]:
    return (recorded.event.entry_id,)


def project(row: Row | None, recorded: Recorded[TimeEntryEvent]) -> Row | None:
    """The entry after the event."""
    event = recorded.event
    if row is None:
        return _first_seen(event, recorded)
    standing = stand(row.standing, event)
    return replace(
        _told(row, recorded),
        position=recorded.position,
        version=recorded.version,
        state=standing.state.value,
        reason_code=_reason(event, standing, row),
        standing=standing,
        last_run_id=recorded.metadata.run_id or row.last_run_id,
        updated_at=recorded.recorded_at,
    )


def _first_seen(event: TimeEntryEvent, recorded: Recorded[TimeEntryEvent]) -> Row | None:
    match event:
        case EntryObserved(booking=booking):
            day = booking.created_at.astimezone(UTC).date()
            source, source_id = _source(booking, event.context, None), booking.source_id
        case EntryUnreadable():
            day = recorded.recorded_at.astimezone(UTC).date()
            source = Source(ticket_id=event.ticket_id, source_updated_at=event.updated_at)
            _, source_id = source_of(event.entry_id)
        case _:
            return None  # no other event can begin the stream
    return Row(
        entry_id=event.entry_id,
        position=recorded.position,
        version=recorded.version,
        connector_id=event.connector_id,
        source_id=source_id,
        state=NOWHERE.state.value,
        reason_code=None,
        conflict_id=None,
        standing=stand(NOWHERE, event),
        source=source,
        work=Work(entry_date=day),
        target=None,
        target_description=None,
        target_subject=None,
        target_connector_id=None,
        marker=None,
        attempts=0,
        last_run_id=recorded.metadata.run_id,
        observed_at=recorded.recorded_at,
        updated_at=recorded.recorded_at,
    )


def _told(row: Row, recorded: Recorded[TimeEntryEvent]) -> Row:  # noqa: C901, PLR0911, PLR0912 # one flat branch per event
    """What the event says besides where the booking stands."""
    match event := recorded.event:
        case EntryObserved() | EntryChangedAtSource():
            return _booked_again(row, event.booking, event.context)
        case EntryDecided():
            return _decided(row, event)
        case TimesheetWriteIntended(marker=marker, target_connector_id=target):
            attempts = row.attempts + 1
            return replace(row, target_connector_id=target, marker=marker, attempts=attempts)
        case TimesheetCreated(written=written) | TimesheetUpdated(written=written):
            return _written(row, written)
        case TimesheetAdopted(written=written) | TimesheetDrifted(found=written):
            return _written(row, written)
        case TimesheetDeleted() | TimesheetVanished():
            return replace(row, target=None, target_description=None, target_subject=None)
        case EntryDeadLettered(attempts=attempts):
            return replace(row, attempts=attempts)
        case EntryRetryRequested():
            return replace(row, attempts=0)
        case ConflictOpened():
            return replace(row, conflict_id=recorded.position)
        case ConflictResolved():
            return replace(row, conflict_id=None)
        case EntryUnreadable(updated_at=updated_at) if updated_at is not None:
            return replace(row, source=replace(row.source, source_updated_at=updated_at))
        case (
            EntryUnreadable()
            | EntryVanishedAtSource()
            | TimesheetWriteRejected()
            | TimesheetWriteUncertain()
            | TimesheetWriteUnsent()
        ):
            return row  # the standing says all that they mean for the row
        case _:
            assert_never(event)


def _booked_again(row: Row, booking: Booking, context: Context | None) -> Row:
    """A source change; what the last decision said of unit and zone holds until the next."""
    minutes = _minutes(booking.time_unit, row.work.unit_minutes)
    return replace(
        row,
        source=_source(booking, context, row.source),
        work=replace(row.work, minutes=minutes),
        attempts=0,
    )


def _source(booking: Booking, context: Context | None, known: Source | None) -> Source:
    """Names that cannot be read now stay as they were known."""
    source = Source(
        ticket_id=booking.ticket_id,
        user_id=booking.created_by_id,
        activity_type_id=booking.type_id,
        time_unit=booking.time_unit,
        article_id=booking.article_id,
        source_created_at=booking.created_at,
        source_updated_at=booking.updated_at,
    )
    if context is not None:
        return _named(source, context)
    if known is None or known.ticket_id != booking.ticket_id:
        return source
    return replace(
        known,
        user_id=source.user_id,
        activity_type_id=source.activity_type_id,
        time_unit=source.time_unit,
        article_id=source.article_id,
        source_created_at=source.source_created_at,
        source_updated_at=source.source_updated_at,
    )


def _named(source: Source, context: Context) -> Source:
    return replace(
        source,
        ticket_number=context.ticket_number,
        ticket_title=context.ticket_title,
        customer_id=context.customer_id,
        customer_name=context.customer_name.value,
        organization_name=context.organization_name,
        user_name=context.agent_name.value,
        user_email=context.agent_email.value,
        activity_name=context.type_name,
        description=context.text.value if context.text else None,
        description_subject=context.text.subject if context.text else None,
    )


def _decided(row: Row, event: EntryDecided) -> Row:
    basis, desired = event.basis, event.desired
    unit = basis.unit_minutes if basis.unit_minutes is not None else row.work.unit_minutes
    settled = row.standing.outcome is Outcome.LEAVE  # the writes counted so far are done with
    return replace(
        row,
        attempts=0 if settled else row.attempts,
        work=Work(
            entry_date=basis.work_date or row.work.entry_date,
            unit_minutes=unit,
            minutes=_minutes(row.source.time_unit, unit),
            zone=basis.zone or row.work.zone,
            begins=desired.begin if desired else None,
            ends=desired.end if desired else None,
            decided_with=basis.configuration,
        ),
    )


def _written(row: Row, written: Written) -> Row:
    return replace(
        row,
        target=Target(
            begin=written.begin,
            end=written.end,
            minutes=minutes_of(written.duration),
            project_id=written.project_id,
            activity_id=written.activity_id,
            user_id=written.user_id,
            tags=written.tags,
            billable=written.billable,
            exported=written.exported,
        ),
        target_description=written.description.value,
        target_subject=written.description.subject,
    )


def _reason(event: TimeEntryEvent, standing: Standing, row: Row) -> str | None:
    """Why a person must look: the open conflict's reason, or that of the dead letter."""
    if standing.conflict is not None:
        return standing.conflict.value
    if not standing.dead:
        return None
    return event.reason.value if isinstance(event, EntryDeadLettered) else row.reason_code


def _minutes(time_unit: Decimal | None, unit_minutes: Decimal | None) -> Decimal | None:
    if time_unit is None or unit_minutes is None:
        return None
    return (time_unit * unit_minutes).quantize(MINUTE_PLACES)


def shown(row: Row, *, ticket_base: str | None, timesheet_base: str | None) -> dict[str, object]:
    """The contract's Entry; the bases are the connectors' addresses, for links."""
    return {
        "id": row.entry_id,
        "source": "zammad",
        "source_id": str(row.source_id),
        "connector_id": row.connector_id,
        "ticket_number": row.source.ticket_number or "",
        "ticket_id": row.source.ticket_id,
        "description": row.source.description or "",
        "time_minutes": json_number(row.work.minutes),
        "activity_type_id": row.source.activity_type_id,
        "activity_name": row.source.activity_name,
        "user_email": row.source.user_email,
        "entry_date": row.work.entry_date,
        "sync_status": SYNC_STATUS[row.state],
        "target_id": None if row.standing.timesheet_id is None else str(row.standing.timesheet_id),
        "tags": list(row.target.tags) if row.target else [],
        "raw_data": _raw(row),
        "created_at": row.observed_at,
        "updated_at": row.updated_at,
        "state": row.state,
        "ticket_title": row.source.ticket_title,
        "user_name": row.source.user_name,
        "customer_name": row.source.organization_name or row.source.customer_name,
        "project_name": None,
        "started_at": _local(row.work.begins, row.work.zone),
        "ended_at": _local(row.work.ends, row.work.zone),
        "target": _shown_target(row),
        "conflict_id": row.conflict_id,
        "reason_code": row.reason_code,
        "attempts": row.attempts,
        "next_retry_at": None,
        "last_run_id": row.last_run_id,
        "version": row.version,
        "position": row.position,
        "links": _links(row, ticket_base, timesheet_base),
    }


def _raw(row: Row) -> dict[str, object]:
    return {
        "time_unit": None if row.source.time_unit is None else str(row.source.time_unit),
        "unit_minutes": json_number(row.work.unit_minutes),
        "ticket_article_id": row.source.article_id,
        "created_by_id": row.source.user_id,
        "created_at": row.source.source_created_at,
        "updated_at": row.source.source_updated_at,
    }


def _shown_target(row: Row) -> dict[str, object] | None:
    if row.target is None or row.standing.timesheet_id is None:
        return None
    text = row.target_description
    if text and row.marker:
        text = text.removesuffix(row.marker).rstrip()
    return {
        "timesheet_id": row.standing.timesheet_id,
        "begin": _local(row.target.begin, row.work.zone),
        "end": _local(row.target.end, row.work.zone),
        "minutes": json_number(row.target.minutes),
        "description": text or "",
        "customer_id": None,
        "project_id": row.target.project_id,
        "activity_id": row.target.activity_id,
        "user_id": row.target.user_id,
        "billable": row.target.billable,
        "exported": row.target.exported,
    }


def _local(instant: datetime | None, zone: str | None) -> datetime | None:
    return instant and instant.astimezone(ZoneInfo(zone) if zone else UTC)


def _links(row: Row, ticket_base: str | None, timesheet_base: str | None) -> dict[str, str | None]:
    ticket = None
    if ticket_base and row.source.ticket_id is not None:
        ticket = f"{ticket_base}#ticket/zoom/{row.source.ticket_id}"
    sheet = None
    if timesheet_base and row.standing.timesheet_id is not None:
        sheet = f"{timesheet_base}en/timesheet/{row.standing.timesheet_id}/edit"
    return {"ticket": ticket, "timesheet": sheet}


PROJECTION = Projection(
    name=NAME,
    version=VERSION,
    row=Row,
    key="entry_id",
    events=frozenset(get_args(TimeEntryEvent)),
    keys=keys,
    project=project,
)

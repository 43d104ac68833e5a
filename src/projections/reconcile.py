"""Rows of Reconcile and conflicts as the contract has them (section 8), made of two views' rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType

from domain.minutes import minutes_of
from domain.rules.row_ops import Ops, RowFacts, Status, ops_of
from domain.time_entry.causes import RefusalCause
from domain.time_entry.standing import EntryState
from domain.time_entry.values import ReasonCode
from projections import conflicts, target_names, time_entries
from projections.numbers import json_number

Shown = dict[str, object]

UNKNOWN_ACTIVITY, UNKNOWN_USER, UNKNOWN_CUSTOMER = (
    "Unknown Activity",
    "Unknown User",
    "Unknown Customer",
)
# why a row waits for nobody: by the entry's state
RESTING: Mapping[str, str] = MappingProxyType(
    {
        EntryState.SYNCED: "Kimai holds what was decided.",
        EntryState.PENDING: "It waits to be written to Kimai.",
        EntryState.WRITING: "A request to Kimai is under way.",
        EntryState.FAILED: "It was given up after several attempts: see the dead letters.",
        EntryState.IGNORED: "It is left alone, by a person or by a rule.",
        EntryState.WITHDRAWN: "It is gone in Zammad.",
    }
)
# the words that clients of the earlier project know; other reasons go by the row's status
TYPES: Mapping[str, str] = MappingProxyType(
    {
        ReasonCode.SOURCE_DELETED: "missing_in_zammad",
        ReasonCode.DUPLICATE: "duplicate",
        ReasonCode.UNMAPPED_ACTIVITY: "unmapped_activity",
        ReasonCode.CREATION_ERROR: "create_failed",
    }
)


@dataclass(frozen=True, kw_only=True)
class Names:
    """What people call things: base URLs of connectors, activities and users of Kimai, by id.

    `learnt` is what Kimai itself calls the projects and activities of timesheets. `rounded`: times
    are rounded before they are sent.
    """

    addresses: Mapping[int, str] = field(default_factory=dict)
    activities: Mapping[int, str] = field(default_factory=dict)
    users: Mapping[int, str] = field(default_factory=dict)
    learnt: target_names.Names = field(default_factory=dict)
    rounded: bool = False

    def user(self, entry: time_entries.Row, target: time_entries.Target) -> str | None:
        """Whose timesheet it is: as a mapping says, or where both sides agree, as Zammad does."""
        agreed = entry.user_name if entry.row_status == time_entries.MATCH else None
        return self.users.get(target.user_id) or agreed

    def activity(self, entry: time_entries.Row, target: time_entries.Target) -> str | None:
        """Of the timesheet: as Kimai says, else as a mapping had it when it was made."""
        now = entry.facts.target
        same = now is not None and now.activity_id == target.activity_id
        learnt = target_names.activity_of(entry, self.learnt) if same else None
        return learnt or self.activities.get(target.activity_id)


def facts_of(entry: time_entries.Row) -> RowFacts | None:
    """What the ops of its open conflict depend on; None when none is open."""
    if entry.conflict_id is None or entry.reason_code is None:
        return None
    target = entry.facts.target
    return RowFacts(
        reason=ReasonCode(entry.reason_code),
        cause=None if entry.cause is None else RefusalCause(entry.cause),
        linked=entry.timesheet_id is not None,
        matched=bool(entry.facts.others),
        exported=entry.timesheet_id is not None and target is not None and target.exported,
        source_gone=entry.vanished,
        missing_minutes=_missing(entry),
    )


def _missing(entry: time_entries.Row) -> Decimal | None:
    if entry.minutes is None:
        return None
    return entry.minutes - time_entries.held_minutes(entry)


def conflict_type(reason: str, status: str) -> str:
    """The earlier project's word for it."""
    missing = status == Status.MISSING
    return TYPES.get(reason, "missing_in_kimai" if missing else "conflict")


def item(entry: time_entries.Row, conflict: conflicts.Row | None, names: Names) -> Shown:
    """The contract's DiffItem; what is left out is not there."""
    facts = facts_of(entry)
    ops = Ops() if facts is None else ops_of(facts)
    status = _status(entry) if facts is None else facts.status.value
    shown: Shown = {
        "id": f"entry-{entry.entry_id}" if facts is None else str(entry.conflict_id),
        "status": status,
        "ticketId": entry.ticket_number or str(entry.ticket_id or ""),
        "ticketTitle": entry.ticket_title or "",
        "customer": entry.organization_name or entry.customer_name or UNKNOWN_CUSTOMER,
        "conflictReason": _reason(entry, conflict),
        "reasonCode": entry.reason_code,
        "entryId": entry.entry_id,
        "allowedOps": [op.value for op in ops.allowed],
        "blockedBy": ops.blocked_by,
        "version": entry.version if conflict is None else conflict.version,
        "links": links(entry, conflict, names),
    }
    if conflict is not None:
        shown["conflictType"] = conflict_type(conflict.reason_code, status)
        shown["openedAt"] = conflict.opened_at
        if conflict.notes is not None:
            shown["notes"] = conflict.notes
    if entry.cause is not None:
        shown["cause"] = entry.cause
    if not entry.vanished:
        shown["source"] = _source(entry)
    if (sheet := _sheet_of(entry, conflict)) is not None:
        shown["target"] = _target(entry, sheet, names)
    if (lasting := _minutes_after(entry, names)) is not None:
        shown["minutesAfter"] = json_number(lasting)
    if entry.reason_code == ReasonCode.TARGET_EDITED and entry.facts.base is not None:
        shown["base"] = _held(entry, entry.facts.base, names)
        shown["edited"] = list(entry.facts.edited)
    if facts is not None and status == Status.MISSING:
        shown["autoPath"] = _auto_path(entry)
    return shown


def _status(entry: time_entries.Row) -> str:
    """Of a row that waits for nobody: a match, or only whether Kimai has something of it."""
    if entry.row_status == time_entries.MATCH:
        return time_entries.MATCH
    return Status.MISSING if entry.timesheet_id is None else Status.CONFLICT


def _minutes_after(entry: time_entries.Row, names: Names) -> Decimal | None:
    return time_entries.minutes_after(entry, rounded=names.rounded)


def _reason(entry: time_entries.Row, conflict: conflicts.Row | None) -> str:
    if conflict is not None:
        return conflict.detail
    # the one view may be a moment ahead of the other
    return entry.reason_code or RESTING.get(entry.state, "")


def links(
    entry: time_entries.Row, conflict: conflicts.Row | None, names: Names
) -> dict[str, str | None]:
    """Where people see both sides."""
    target = entry.facts.target_connector_id
    shown = time_entries.links(
        entry,
        names.addresses.get(entry.connector_id),
        None if target is None else names.addresses.get(target),
    )
    alike = None if conflict is None else conflict.alike
    if entry.timesheet_id is None and alike is not None:
        base = names.addresses.get(alike.target_connector_id)
        shown["timesheet"] = time_entries.sheet_link(alike.timesheet_id, base)
    return shown


def _source(entry: time_entries.Row) -> Shown:
    source: Shown = {
        "minutes": json_number(entry.minutes) or 0,
        "activity": entry.activity_name or UNKNOWN_ACTIVITY,
        "user": entry.user_name or UNKNOWN_USER,
        "ticketNumber": entry.ticket_number or "",
        "description": entry.description or "",
    }
    if entry.facts.begins is not None:
        source["startedAt"] = time_entries.local(entry.facts.begins, entry.facts.zone)
    return source


@dataclass(frozen=True, kw_only=True)
class _Sheet:
    """The timesheet of a row: the linked one, else one that only looks like the booking."""

    timesheet_id: int
    held: time_entries.Target
    is_linked: bool


def _sheet_of(entry: time_entries.Row, conflict: conflicts.Row | None) -> _Sheet | None:
    linked = entry.facts.target
    alike = None if conflict is None else conflict.alike
    if entry.timesheet_id is not None:
        if linked is None:
            return None
        return _Sheet(timesheet_id=entry.timesheet_id, held=linked, is_linked=True)
    if alike is None or conflict is None or conflict.status != conflicts.PENDING:
        return None
    held = time_entries.Target(
        begin=alike.begin,
        end=alike.end,
        minutes=minutes_of(alike.duration),
        project_id=alike.project_id,
        activity_id=alike.activity_id,
        user_id=alike.user_id,
        tags=(),
        billable=alike.billable,
        exported=alike.exported,
    )
    return _Sheet(timesheet_id=alike.timesheet_id, held=held, is_linked=False)


def _target(entry: time_entries.Row, sheet: _Sheet, names: Names) -> Shown:
    held = _held(entry, sheet.held, names)
    if not sheet.is_linked:
        return {**held, "description": ""}  # nobody of ours wrote it, so it is not kept
    shown = {
        **held,
        "minutes": json_number(time_entries.held_minutes(entry)),
        "description": time_entries.target_text(entry),
    }
    if entry.facts.earlier:
        earlier = (one.timesheet_id for one in entry.facts.earlier)
        shown["timesheets"] = [*earlier, entry.timesheet_id]
    return shown


def _held(entry: time_entries.Row, target: time_entries.Target, names: Names) -> Shown:
    return {
        "minutes": json_number(target.minutes),
        "activity": names.activity(entry, target) or UNKNOWN_ACTIVITY,
        "user": names.user(entry, target) or UNKNOWN_USER,
        "startedAt": time_entries.local(target.begin, entry.facts.zone),
    }


def _auto_path(entry: time_entries.Row) -> Shown:
    """What `create` would have to make, as far as the last decision got: the preview says more."""
    missing = entry.reason_code == ReasonCode.PROJECT_OR_CUSTOMER_MISSING
    customer = missing and entry.cause == RefusalCause.CUSTOMER_MISSING
    return {"createCustomer": customer, "createProject": missing, "createTimesheet": True}


def conflict(
    row: conflicts.Row, entry: time_entries.Row | None, names: Names, *, rich: bool = True
) -> Shown:
    """The contract's Conflict; without `rich` the two sides, and what is copied, is null."""
    sheet = None if entry is None else _sheet_of(entry, row)
    matched = row.others or sheet is not None
    status = Status.CONFLICT if matched else Status.MISSING
    shown: Shown = {
        "id": row.conflict_id,
        "conflict_type": conflict_type(row.reason_code, status),
        "reason_code": row.reason_code,
        "reason_detail": row.detail,
        "cause": row.cause,
        "resolution_status": row.status,
        "resolution_action": row.action,
        "resolved_at": row.resolved_at,
        "resolved_by": row.resolved_by,
        "notes": row.notes,
        "time_entry_id": row.entry_id,
        "created_at": row.opened_at,
        "version": row.version,
    }
    return shown | _rich(entry if rich else None, sheet if rich else None, names)


def _rich(entry: time_entries.Row | None, sheet: _Sheet | None, names: Names) -> Shown:
    target = sheet and sheet.held
    zone = None if entry is None else entry.facts.zone
    return {
        "zammad_data": _zammad(entry) if entry is not None and not entry.vanished else None,
        "kimai_data": _kimai(entry, sheet, names) if entry is not None and sheet else None,
        "customer_name": entry and (entry.organization_name or entry.customer_name),
        "project_name": entry and target_names.project_of(entry, names.learnt).name,
        "activity_name": entry and entry.activity_name,
        "ticket_number": entry and entry.ticket_number,
        "zammad_created_at": entry and entry.facts.source_created_at,
        "zammad_entry_date": entry and entry.entry_date,
        "zammad_time_minutes": json_number(entry.minutes) if entry else None,
        "minutes_after": entry and json_number(_minutes_after(entry, names)),
        "kimai_begin": target and time_entries.local(target.begin, zone),
        "kimai_end": target and time_entries.local(target.end, zone),
        "kimai_duration_minutes": json_number(target.minutes) if target else None,
        "kimai_id": sheet and sheet.timesheet_id,
    }


def _zammad(entry: time_entries.Row) -> Shown:
    seconds = None if entry.minutes is None else json_number(entry.minutes * 60)
    return {
        "source_id": str(entry.source_id),
        "source": "zammad",
        **_ticket(entry),
        "description": entry.description or "",
        "duration_sec": seconds,
        "activity_type_id": entry.facts.activity_type_id,
        "customer_id": entry.customer_id,
        "project_id": None,
        "activity_id": None,
        "activity_name": entry.activity_name,
        "user_emails": [entry.user_email] if entry.user_email else [],
        "user_email": entry.user_email,
        "user_name": entry.user_name,
        "entry_date": entry.entry_date,
        "begin_time": time_entries.local(entry.facts.begins, entry.facts.zone),
        "end_time": time_entries.local(entry.facts.ends, entry.facts.zone),
        "created_at": entry.facts.source_created_at,
        "updated_at": entry.source_updated_at,
        "tags": [],
    }


def _kimai(entry: time_entries.Row, sheet: _Sheet, names: Names) -> Shown:
    target = sheet.held
    begin = time_entries.local(target.begin, entry.facts.zone)
    project, text = time_entries.UNKNOWN, ""
    if sheet.is_linked:
        project = target_names.project_of(entry, names.learnt)
        text = time_entries.target_text(entry)
    return {
        "source_id": str(sheet.timesheet_id),
        "source": "kimai",
        **_ticket(entry),
        "description": text,
        "duration_sec": json_number(target.minutes * 60),
        "activity_type_id": None,
        "customer_id": project.customer_id,
        "project_id": target.project_id,
        "project_name": project.name,
        "activity_id": target.activity_id,
        "activity_name": names.activity(entry, target),
        "user_emails": [],
        "user_email": None,
        "user_name": names.user(entry, target),
        "entry_date": None if begin is None else begin.date(),
        "begin_time": begin,
        "end_time": time_entries.local(target.end, entry.facts.zone),
        "created_at": None,
        "updated_at": None,
        "tags": list(target.tags),
    }


def _ticket(entry: time_entries.Row) -> Shown:
    return {
        "ticket_number": entry.ticket_number,
        "ticket_id": entry.ticket_id,
        "ticket_title": entry.ticket_title,
        "org_id": None,
        "org_name": entry.organization_name,
        "customer_name": entry.organization_name or entry.customer_name,
        "project_name": None,
    }

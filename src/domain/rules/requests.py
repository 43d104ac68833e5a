"""The exact requests to Kimai, and what they are called in the ledger."""

from collections.abc import Collection, Mapping
from zoneinfo import ZoneInfo

from domain.ports.timesheets import Timesheet, TimesheetFields
from domain.rules.rounding import came_true
from domain.rules.wall_time import patch_times, wall_times
from domain.time_entry.state import Settled
from domain.time_entry.values import Desired, Request, Stored

COLLECTION = "/api/timesheets"
TIMES = frozenset({"begin", "end", "duration"})  # of a record; a PATCH takes them together

Fields = dict[str, str | int | bool | None]


def create_fields(
    desired: Desired, mark: str, *, zone: ZoneInfo, token_user: int
) -> TimesheetFields:
    """The body of a POST; its times are read in the zone of the token's owner.

    `user` is left out where it is the token's own: a plain user may not send it, not even equal.
    """
    begin, end = wall_times(desired.begin, desired.end, zone)
    return TimesheetFields(
        begin=begin,
        end=end,
        project=desired.project_id,
        activity=desired.activity_id,
        description=_text(desired, mark),
        tags=desired.tag,
        user=None if desired.user_id == token_user else desired.user_id,
        billable=desired.billable,
    )


def update_fields(
    desired: Desired,
    settled: Settled,
    record: Timesheet,
    *,
    zone: ZoneInfo | None,
    expected: Stored | None = None,
    keep: Collection[str] = (),
) -> dict[str, object]:
    """The body of a PATCH: what differs from the record as it was just read, nothing else.

    `keep` names what somebody edited in Kimai and what is to stay so.

    Times are compared with what was asked for last, because Kimai may have rounded them, and
    with what it stored then, because somebody may have changed that; they always go together. They
    are left out when the record holds what rounding makes of them, which is `expected`. Tags of
    other people stay: a PATCH replaces all of them.
    """
    fields: dict[str, object] = {}
    former = settled.desired
    changed = (desired.begin, desired.end) != (former.begin, former.end)
    moved = (record.begin, record.end) != (settled.written.begin, settled.written.end)
    due = changed or moved or settled.adopted or bool(settled.kept)
    if due and TIMES.isdisjoint(keep) and not came_true(expected, record):
        fields["begin"], fields["end"] = patch_times(
            desired.begin,
            desired.end,
            zone=zone,
            record_begin=record.begin,
            record_offset=record.offset,
        )
    if record.project_id != desired.project_id and "project_id" not in keep:
        fields["project"] = desired.project_id
    if record.activity_id != desired.activity_id and "activity_id" not in keep:
        fields["activity"] = desired.activity_id
    differs = record.description.strip() != _text(desired, settled.marker)
    if differs and "description" not in keep:
        fields["description"] = _text(desired, settled.marker)
    if desired.tag.casefold() not in {tag.casefold() for tag in record.tags}:
        fields["tags"] = ",".join(sorted({*record.tags, desired.tag}))
    if record.user_id != desired.user_id and "user_id" not in keep:
        fields["user"] = desired.user_id
    unlike = desired.billable is not None and record.billable not in (None, desired.billable)
    if unlike and "billable" not in keep:
        fields["billable"] = desired.billable
    return fields


def loses_billable(fields: Mapping[str, object]) -> bool:
    """Whether Kimai recomputes `billable` beside these and drops ours (`peers/kimai.md`, 2.6)."""
    return bool(fields.keys() & {"project", "activity", "user"})


def post(fields: TimesheetFields, desired: Desired) -> Request:
    """A create as the ledger keeps it, with the description sealed."""
    body: Fields = {
        name: value
        for name, value in vars(fields).items()
        if name != "description" and value is not None
    }
    return Request(method="POST", path=COLLECTION, fields=body, description=desired.description)


def patch(timesheet_id: int, fields: dict[str, object], desired: Desired) -> Request:
    """An update as the ledger keeps it."""
    body: Fields = {
        name: value
        for name, value in fields.items()
        if name != "description" and isinstance(value, str | int | bool)
    }
    return Request(
        method="PATCH",
        path=f"{COLLECTION}/{timesheet_id}",
        fields=body,
        description=desired.description if "description" in fields else None,
    )


def delete(timesheet_id: int) -> Request:
    """A delete as the ledger keeps it."""
    return Request(
        method="DELETE", path=f"{COLLECTION}/{timesheet_id}", fields={}, description=None
    )


def _text(desired: Desired, mark: str) -> str:
    """The description, or the marker alone once the customer was erased."""
    return (desired.description.value or mark).strip()

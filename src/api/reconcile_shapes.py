"""Rows of Reconcile and conflicts as answers show them: contract, section 8."""

from datetime import date, datetime
from typing import Literal

from api.bodies import Answer
from api.plan_shapes import RequestOut
from api.shapes import Json, Number

Status = Literal["conflict", "missing", "match"]
OpName = Literal["keep-target", "update", "create", "skip", "correct"]
ConflictType = Literal[
    "conflict",
    "missing_in_kimai",
    "missing_in_zammad",
    "duplicate",
    "unmapped_activity",
    "create_failed",
]


class SourceOut(Answer):
    """`minutes` is 0 while nobody said how long a Zammad unit is."""

    minutes: Number
    activity: str
    user: str
    startedAt: datetime | None = None  # noqa: N815 # the contract's
    ticketNumber: str  # noqa: N815
    description: str


class HeldOut(Answer):
    """A timesheet as Kimai held it once."""

    minutes: Number
    activity: str
    user: str
    startedAt: datetime | None = None  # noqa: N815


class TargetSideOut(HeldOut):
    """`minutes` are those of all `timesheets`, which are there when a correction is among them."""

    description: str
    timesheets: list[int] | None = None


class AutoPathOut(Answer):
    createCustomer: bool  # noqa: N815
    createProject: bool  # noqa: N815
    createTimesheet: bool  # noqa: N815


class DiffItemOut(Answer):
    """What is left out is not there: a side, or the time of one.

    `edited` names what somebody changed in Kimai since the timesheet was as in `base`.
    `minutesAfter` are those that Kimai is to hold for the booking, rounding included.
    """

    id: str
    status: Status
    ticketId: str  # noqa: N815
    ticketTitle: str  # noqa: N815
    customer: str
    source: SourceOut | None = None
    target: TargetSideOut | None = None
    base: HeldOut | None = None
    edited: list[str] | None = None
    minutesAfter: Number | None = None  # noqa: N815
    autoPath: AutoPathOut | None = None  # noqa: N815
    conflictReason: str  # noqa: N815
    reasonCode: str | None  # noqa: N815
    cause: str | None = None
    entryId: int  # noqa: N815
    conflictType: ConflictType | None = None  # noqa: N815
    openedAt: datetime | None = None  # noqa: N815
    notes: str | None = None
    allowedOps: list[OpName]  # noqa: N815
    blockedBy: str | None  # noqa: N815
    version: int
    links: dict[str, str | None]


class RowCountsOut(Answer):
    conflicts: int
    missing: int
    matches: int


class ReconcilePage(Answer):
    items: list[DiffItemOut]
    total: int
    counts: RowCountsOut


class FieldDifference(Answer):
    field: str
    source: Json
    target: Json
    base: Json
    changed_by: Literal["source", "target", "both"] | None


class CausedBy(Answer):
    position: int
    type: str
    at: datetime


class RowOut(Answer):
    """`base` are the values written last; `source` those that are asked for now."""

    item: DiffItemOut
    source: dict[str, Json] | None
    target: dict[str, Json] | None
    base: dict[str, Json] | None
    fields: list[FieldDifference]
    causation: list[CausedBy]
    allowedOps: list[OpName]  # noqa: N815


class StoredOut(Answer):
    begin: datetime
    end: datetime
    minutes: Number


class OpPreviewOut(Answer):
    """`stored` is there when Kimai's own rounding makes something else of what is sent."""

    op: OpName
    applicable: bool
    blockedBy: str | None = None  # noqa: N815
    requests: list[RequestOut]
    stored: StoredOut | None = None
    effects: list[str]


class OpDone(Answer):
    status: Literal["success"]
    message: str
    conflict_id: int
    entry_id: int
    timesheet_id: int | None = None


class RowResult(Answer):
    id: str
    status: Literal["success", "failed", "queued"]
    code: str | None = None
    message: str
    timesheet_id: int | None = None


class BulkDone(Answer):
    results: list[RowResult]
    succeeded: int
    failed: int
    queued: int


class NormalisedEntry(Answer):
    """One side of a conflict; what a side does not have is null."""

    source_id: str
    source: Literal["zammad", "kimai"]
    ticket_number: str | None
    ticket_id: int | None
    ticket_title: str | None
    org_id: int | None
    org_name: str | None
    user_emails: list[str]
    description: str
    duration_sec: Number | None
    activity_type_id: int | None
    customer_id: int | None
    project_id: int | None
    activity_id: int | None
    activity_name: str | None
    customer_name: str | None
    project_name: str | None
    user_email: str | None
    user_name: str | None
    entry_date: date | None
    begin_time: datetime | None
    end_time: datetime | None
    created_at: datetime | None
    updated_at: datetime | None
    tags: list[str]


class ConflictOut(Answer):
    id: int
    conflict_type: ConflictType
    reason_code: str
    reason_detail: str
    cause: str | None
    resolution_status: Literal["pending", "resolved", "ignored"]
    resolution_action: str | None
    resolved_at: datetime | None
    resolved_by: str | None
    notes: str | None
    time_entry_id: int
    created_at: datetime
    version: int
    zammad_data: NormalisedEntry | None
    kimai_data: NormalisedEntry | None
    customer_name: str | None
    project_name: str | None
    activity_name: str | None
    ticket_number: str | None
    zammad_created_at: datetime | None
    zammad_entry_date: date | None
    zammad_time_minutes: Number | None
    minutes_after: Number | None
    kimai_begin: datetime | None
    kimai_end: datetime | None
    kimai_duration_minutes: Number | None
    kimai_id: int | None

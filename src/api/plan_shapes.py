"""Plans as answers show them: contract, section 6."""

from datetime import date, datetime
from typing import Literal

from api.bodies import Answer
from api.shapes import Json, Number

Action = Literal["create", "update", "delete", "adopt", "unchanged", "skip", "conflict"]


class CountsOut(Answer):
    create: int
    update: int
    delete: int
    adopt: int
    unchanged: int
    skip: int
    conflict: int


class PlannedMinutesOut(Answer):
    create: Number
    update: Number
    delete: Number


class PlannedWorkOut(Answer):
    """What a timesheet is asked to become."""

    begin: datetime
    end: datetime | None
    minutes: Number
    description: str | None
    project_id: int
    activity_id: int
    user_id: int
    billable: bool | None


class PresentWorkOut(PlannedWorkOut):
    """A timesheet as it is."""

    timesheet_id: int
    exported: bool


class RequestOut(Answer):
    method: str
    path: str
    body: dict[str, Json] | None


class PlanRowOut(Answer):
    row: int
    entry_id: int
    action: Action
    ticket_number: str | None
    user: str | None
    minutes: Number | None
    before: PresentWorkOut | None
    after: PlannedWorkOut | None
    creates: list[RequestOut]
    request: RequestOut | None
    reason_code: str | None
    message: str | None


class DriftOut(Answer):
    row: int
    entry_id: int
    field: str
    planned: str
    now: str


class PlanSummaryOut(Answer):
    plan_id: int
    kind: str
    digest: str | None
    state: Literal["building", "ready", "applied", "expired", "failed"]
    created_at: datetime
    expires_at: datetime | None
    start_date: date | None
    end_date: date | None
    counts: CountsOut
    minutes: PlannedMinutesOut
    total_rows: int
    run_id: int | None
    applied_by: int | None
    error: str | None
    drift: list[DriftOut]
    drifted_rows: int


class PlanOut(PlanSummaryOut):
    rows: list[PlanRowOut]
    next_cursor: str | None


class PlanPage(Answer):
    items: list[PlanSummaryOut]
    next_cursor: str | None


class PlanRowPage(Answer):
    items: list[PlanRowOut]
    next_cursor: str | None

"""The objects of the contract as answers show them; `extra="forbid"` keeps them complete."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field

from api.bodies import Answer
from domain.time_entry.causes import RefusalCause

Json = Any  # a value as JSON has it; its shape is the event's
Number = int | float


class UserOut(Answer):
    id: int
    username: str
    email: str
    full_name: str
    is_active: bool
    disabled: bool
    created_at: datetime
    role: Literal["admin", "operator", "viewer"]
    version: int


class Health(Answer):
    state: Literal["unknown", "ok", "degraded", "down", "auth_failed"]
    checked_at: datetime | None = None
    message: str | None = None


class ConnectorOut(Answer):
    id: int
    type: Literal["zammad", "kimai"]
    name: str
    base_url: str
    api_token: str
    is_active: bool
    settings: dict[str, Json]
    created_at: datetime
    updated_at: datetime
    version: int
    token_set: bool
    health: Health
    retired_at: datetime | None = None


class TokenCapabilities(Answer):
    roles: list[str]
    tracking_mode: str
    sends_times: bool
    books_for_others: bool
    sees_exported: bool | None
    lists_people: bool
    creates_projects: bool
    past_locks: bool


class PermissionCheck(Answer):
    """`ok` null: it shows later. `message` says what is so, or what to do."""

    name: str
    ok: bool | None
    needed: bool
    message: str


class TestDetails(Answer):
    peer_version: str | None
    user: str | None
    time_unit_declared: str | None
    missing_permissions: list[str]
    warnings: list[str]
    capabilities: TokenCapabilities | None
    checks: list[PermissionCheck]


class TestAnswer(Answer):
    valid: bool
    message: str
    details: TestDetails | None = None


class HealthCheck(Answer):
    name: str
    ok: bool
    message: str


class WebhookHealth(Answer):
    url: str
    enabled: bool
    last_delivery_at: datetime | None


class TokenOut(Answer):
    """`last_four`: null for a token so short that they would tell too much."""

    last_four: str | None
    since: datetime


class FoundOut(Answer):
    """What the last test of what is stored, that went well, found out."""

    at: datetime
    peer_version: str | None
    roles: list[str]
    tracking_mode: str | None
    time_unit_declared: str | None
    checks: list[PermissionCheck]


class HealthOut(Health):
    checked_at: datetime | None
    latency_ms: int | None
    peer_version: str | None
    checks: list[HealthCheck]
    breaker: Literal["closed", "open", "half_open"]
    webhook: WebhookHealth | None = None
    token: TokenOut
    found: FoundOut | None
    needs: Literal["person", "time"] | None
    next_try_at: datetime | None


class HealthPart(Answer):
    """The worst of what it was from `from` to `to`."""

    begin: datetime = Field(alias="from")
    end: datetime = Field(alias="to")
    state: Literal["unknown", "ok", "degraded", "down", "auth_failed"]
    message: str | None


class ActivityPart(Answer):
    """Events after `from` up to `to`; `position` is that of the last event up to then."""

    begin: datetime = Field(alias="from")
    end: datetime = Field(alias="to")
    position: int
    events: int


class ActivityOut(Answer):
    """`first_at`: when the first event was recorded, before which there is nothing to show."""

    buckets: list[ActivityPart]
    first_at: datetime | None
    head: int


class HealthTurn(Answer):
    at: datetime
    state: Literal["unknown", "ok", "degraded", "down", "auth_failed"]
    message: str | None


class HealthHistory(Answer):
    connector_id: int
    parts: list[HealthPart]
    turns: list[HealthTurn]


class ScheduleOut(Answer):
    id: int
    cron: str
    timezone: str
    concurrency: Literal["skip", "queue"]
    notifications: bool
    enabled: bool
    next_runs: list[datetime]
    created_at: datetime
    updated_at: datetime
    version: int


class SchedulePreviewOut(Answer):
    next_runs: list[datetime]


class CauseOut(Answer):
    kind: str
    id: str


class ProgressOut(Answer):
    """`done` and `left` of `total` are timesheets to be written; the rest counts entries."""

    phase: str
    done: int
    total: int
    found: int
    decided: int
    written: int
    failed: int
    left: int


class SyncRunOut(Answer):
    id: int
    trigger_type: Literal["manual", "scheduled", "webhook"]
    started_at: datetime
    ended_at: datetime | None
    status: Literal["running", "completed", "failed"]
    entries_fetched: int
    entries_synced: int
    entries_already_synced: int
    entries_skipped: int
    entries_failed: int
    conflicts_detected: int
    error_message: str | None
    state: Literal["queued", "running", "cancelling", "completed", "failed", "cancelled"]
    entries_updated: int
    entries_deleted: int
    duration_seconds: float | None
    start_date: date | None
    end_date: date | None
    cause: CauseOut
    connector_ids: list[int]
    plan_id: int | None
    correlation_id: str
    progress: ProgressOut
    first_position: int
    last_position: int
    version: int


class DeadLetterOut(Answer):
    id: str
    kind: Literal["entry", "delivery"]
    entry_id: int | None = None
    delivery_id: str | None = None
    reason_code: str
    cause: RefusalCause | None = None
    message: str
    attempts: int
    first_failed_at: datetime
    last_failed_at: datetime


class DeadLetterPage(Answer):
    items: list[DeadLetterOut]
    next_cursor: str | None
    total: int


class DeadLetterGroup(Answer):
    reason_code: str
    cause: RefusalCause | None
    message: str
    count: int


class DeadLetterGroups(Answer):
    items: list[DeadLetterGroup]
    next_cursor: None
    total: int


class RetryRefused(Answer):
    id: str
    code: str


class RetryResult(Answer):
    """`accepted` counts."""

    accepted: int
    refused: list[RetryRefused]


class DeliveryAccepted(Answer):
    status: Literal["accepted"]
    delivery_id: str


class DeliveryKnown(Answer):
    status: Literal["duplicate"]
    delivery_id: str


class DeliveryOut(Answer):
    delivery_id: str
    received_at: datetime
    status: Literal["received", "processed", "failed", "rejected"]
    ticket_id: int | None
    trigger: str | None
    remote_ip: str
    bytes: int
    attempts: int
    duplicates: int
    run_id: int | None
    message: str | None
    position: int


class DeliveryCounts(Answer):
    received: int = 0
    processed: int = 0
    failed: int = 0
    rejected: int = 0


class DeliveryPage(Answer):
    """`last_day`: those that arrived within the last 24 hours, by what became of them."""

    last_day: DeliveryCounts
    items: list[DeliveryOut]
    next_cursor: str | None


class DeliveryReplay(Answer):
    delivery_id: str
    status: Literal["received"]


class RetryAccepted(Answer):
    entry_id: int
    state: str


class CancelAccepted(Answer):
    """A run that will stop; one that nobody had begun has stopped already."""

    id: int
    state: Literal["cancelling"]


class RunPage(Answer):
    data: list[SyncRunOut]
    total: int


class AcceptedOut(Answer):
    """What was asked for begins; `status_url` says how far it is."""

    run_id: int | None
    plan_id: int | None = None
    status_url: str


class SyncResponse(Answer):
    status: Literal["success", "failed"]
    message: str
    start_date: date
    end_date: date
    num_processed: int
    num_created: int
    num_conflicts: int
    num_skipped: int
    error_detail: str | None = None
    run_id: int | None
    run_status: Literal["running", "completed", "failed"]
    num_updated: int
    num_deleted: int
    num_failed: int
    dry_run: bool
    plan_id: int | None = None


class EarlierOut(Answer):
    """A timesheet of the booking that stays as it is, corrected by the one that is the target."""

    timesheet_id: int
    begin: datetime
    end: datetime | None
    minutes: Number
    exported: bool


class TargetOut(Answer):
    timesheet_id: int
    begin: datetime
    end: datetime | None
    minutes: Number
    description: str
    customer_id: int | None
    project_id: int
    activity_id: int
    user_id: int
    billable: bool | None
    exported: bool
    earlier: list[EarlierOut]


class EntryOut(Answer):
    id: int
    source: Literal["zammad"]
    source_id: str
    connector_id: int
    ticket_number: str
    ticket_id: int | None  # not known of a row that cannot be read
    description: str
    time_minutes: Number | None
    activity_type_id: int | None
    activity_name: str | None
    user_email: str | None
    entry_date: date
    sync_status: Literal["pending", "synced", "conflict", "error"]
    target_id: str | None
    tags: list[str]
    raw_data: dict[str, Json]
    created_at: datetime
    updated_at: datetime
    state: Literal["pending", "writing", "synced", "conflict", "failed", "ignored", "withdrawn"]
    ticket_title: str | None
    user_name: str | None
    customer_name: str | None
    project_name: str | None
    started_at: datetime | None
    ended_at: datetime | None
    target: TargetOut | None
    minutes_after: Number | None  # that Kimai is to hold, rounding included
    conflict_id: int | None
    reason_code: str | None
    cause: RefusalCause | None
    other_timesheet_ids: list[int]
    attempts: int
    next_retry_at: datetime | None
    last_run_id: int | None
    version: int
    position: int
    links: dict[str, str | None]


class EntryPage(Answer):
    items: list[EntryOut]
    next_cursor: str | None
    total: int
    total_minutes: Number


class ActorOut(Answer):
    kind: str
    name: str | None


class FieldChange(Answer):
    field: str
    before: Json
    after: Json


class HistoryItem(Answer):
    position: int
    stream: str
    version: int
    type: str
    recorded_at: datetime
    title: str
    actor: ActorOut
    run_id: int | None
    correlation_id: str
    causation_position: int | None
    changes: list[FieldChange]
    digest: str


class HistoryPage(Answer):
    items: list[HistoryItem]
    next_cursor: str | None


class AuditLogOut(Answer):
    id: int
    action: str
    entity_type: str | None
    entity_id: int | None
    user: str | None
    user_id: int | None
    details: dict[str, Json]
    changes: dict[str, Json]
    ip_address: str | None
    user_agent: str | None
    created_at: datetime
    correlation_id: str | None
    run_id: int | None
    digest: str


class AuditPage(Answer):
    data: list[AuditLogOut]
    total: int


class EventOut(Answer):
    position: int
    stream: str
    version: int
    type: str
    schema_: int = Field(alias="schema")
    recorded_at: str
    data: Json
    metadata: Json
    digest: str


class EventPage(Answer):
    items: list[EventOut]
    next_after: int
    next_before: int | None
    head: int


class VerifyOut(Answer):
    ok: bool
    checked_from: int
    checked_to: int
    head_digest: str
    first_bad_position: int | None

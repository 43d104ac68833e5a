"""Who did what, when and from where? One row per event with an audit action (`contract.md`, 10)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from domain.account.events import (
    LoginFailed,
    LoginThrottled,
    UserAdded,
    UserChanged,
    UserLoggedIn,
    UserLoggedOut,
    UserPasswordReplaced,
)
from domain.channel.events import ChannelAdded, ChannelChanged, ChannelRemoved
from domain.connector.events import (
    ConnectorAdded,
    ConnectorChanged,
    ConnectorHealthChanged,
    ConnectorRetired,
    ConnectorTested,
    ConnectorTokenReplaced,
    WebhookSecretReplaced,
)
from domain.delivery.events import (
    WebhookDeliveryFailed,
    WebhookDeliveryReceived,
    WebhookDeliveryRejected,
    WebhookDeliveryReplayRequested,
)
from domain.event import Event, Recorded
from domain.ids import DELIVERY_KIND, LOGIN_STREAM, SCHEDULE_STREAM, is_delivery
from domain.mapping.events import (
    MappingRemoved,
    MappingSet,
    MappingsImported,
    ProjectMappingRemoved,
    ProjectMappingSet,
    UserMappingRemoved,
    UserMappingSet,
)
from domain.personal import Personal
from domain.plan.events import PlanApplied, PlanMade, PlanRefused
from domain.privacy.events import SubjectErased, SubjectExported
from domain.schedule.events import ScheduleChanged
from domain.sync_run.events import (
    SyncRunCancelled,
    SyncRunCancelRequested,
    SyncRunCompleted,
    SyncRunFailed,
    SyncRunQueued,
    SyncRunSkipped,
    SyncRunStarted,
)
from domain.time_entry.events import (
    ConflictDismissed,
    ConflictNoteChanged,
    ConflictReopened,
    ConflictResolved,
    EntryIgnored,
    EntryRetryRequested,
    EntryUnignored,
)
from domain.waiting.events import WaitingDecided
from projections.projection import Projection

if TYPE_CHECKING:
    from domain.change import Change, PersonalChange

NAME, VERSION = "audit_log", 2
MASK = "********"  # a secret changed; never what it was or is
Json: TypeAlias = "str | int | bool | list[Json] | dict[str, Json] | None"

# Contract, section 17. An event with two actions is the first at version 1 of its stream.
ACTIONS: Mapping[type[Event], str | tuple[str, str]] = MappingProxyType(
    {
        UserAdded: "user_created",
        UserChanged: "user_updated",
        UserPasswordReplaced: "password_changed",
        UserLoggedIn: "login_success",
        LoginFailed: "login_failed",
        LoginThrottled: "login_throttled",
        UserLoggedOut: "logout",
        ConnectorAdded: "connector_created",
        ConnectorChanged: "connector_updated",
        ConnectorTokenReplaced: "connector_token_replaced",
        WebhookSecretReplaced: "webhook_secret_replaced",
        ConnectorTested: "connector_tested",
        ConnectorRetired: "connector_deleted",
        ConnectorHealthChanged: "connector_health_changed",
        MappingSet: ("mapping_created", "mapping_updated"),
        MappingRemoved: "mapping_deleted",
        MappingsImported: "mappings_imported",
        UserMappingSet: ("user_mapping_created", "user_mapping_updated"),
        UserMappingRemoved: "user_mapping_deleted",
        ProjectMappingSet: ("project_mapping_created", "project_mapping_updated"),
        ProjectMappingRemoved: "project_mapping_deleted",
        WaitingDecided: "sync_waiting_decided",
        SyncRunQueued: "sync_queued",
        SyncRunStarted: "sync_triggered",
        SyncRunCompleted: "sync_completed",
        SyncRunFailed: "sync_failed",
        SyncRunCancelRequested: "sync_cancel_requested",
        SyncRunCancelled: "sync_cancelled",
        SyncRunSkipped: "sync_skipped",
        ScheduleChanged: "schedule_updated",
        ChannelAdded: "channel_created",
        ChannelChanged: "channel_updated",
        ChannelRemoved: "channel_deleted",
        PlanMade: "sync_plan_made",
        PlanApplied: "sync_plan_applied",
        PlanRefused: "sync_plan_refused",
        WebhookDeliveryReceived: "webhook_received",
        WebhookDeliveryFailed: "webhook_error",
        WebhookDeliveryRejected: "webhook_rejected",
        WebhookDeliveryReplayRequested: "webhook_replayed",
        EntryRetryRequested: "entry_retried",
        EntryIgnored: "entry_ignored",
        EntryUnignored: "entry_unignored",
        ConflictResolved: "conflict_resolved",
        SubjectExported: "subject_exported",
        SubjectErased: "subject_erased",
        ConflictDismissed: "conflict_dismissed",
        ConflictReopened: "conflict_reopened",
        ConflictNoteChanged: "conflict_note_changed",
    }
)
SECRETS: Mapping[type[Event], str] = MappingProxyType(
    {
        UserPasswordReplaced: "password",
        ConnectorTokenReplaced: "api_token",
        WebhookSecretReplaced: "webhook_secret",
    }
)
# Said elsewhere in the row, or naming a stored secret: not repeated among the details.
LEFT_OUT = frozenset(
    {
        "address_fingerprint",
        "channel_id",
        "changes",
        "personal_changes",
        "connector_id",
        "credential",
        "entry_id",
        "mapping_id",
        "plan_id",
        "run_id",
        "secret_fingerprint",
        "table",
        "token_fingerprint",
        "token_id",
        "user_id",
    }
)


@dataclass(frozen=True)
class Row:
    """One audited event.

    Personal, and therefore apart: `user` and where it came from (`user_subject`), and what the
    event says about a person (`personal_details`, `personal_changes` of `subject`).
    """

    position: int
    action: str
    entity_type: str | None
    entity_id: int | None
    user: str | None
    user_subject: str | None
    user_id: int | None
    ip_address: str | None
    user_agent: str | None
    details: dict[str, object]
    changes: dict[str, object]
    subject: str | None
    personal_details: dict[str, object]
    personal_changes: dict[str, object]
    created_at: datetime
    correlation_id: str
    run_id: int | None
    digest: str


def keys(recorded: Recorded[Event]) -> Sequence[int]:
    return (recorded.position,)


def project(row: Row | None, recorded: Recorded[Event]) -> Row | None:
    """The row of this event; it never changes afterwards."""
    event = recorded.event
    if row is not None or (action := _action(event, recorded.version)) is None:
        return row
    entity_type, entity_id = _entity(recorded)
    user, user_subject, user_id = _who(recorded)
    personal = _personal_of(event)
    return Row(
        position=recorded.position,
        action=action,
        entity_type=entity_type,
        entity_id=entity_id,
        user=user,
        user_subject=user_subject,
        user_id=user_id,
        ip_address=_clear(recorded.metadata.ip_address),
        user_agent=_clear(recorded.metadata.user_agent),
        details=_details(event),
        changes=_changes(event),
        subject=next((value.subject for value in personal.values()), None),
        personal_details={name: value.value for name, value in personal.items()},
        personal_changes=_personal_changes(event),
        created_at=recorded.recorded_at,
        correlation_id=recorded.metadata.correlation_id,
        run_id=recorded.metadata.run_id,
        digest=recorded.digest,
    )


def _action(event: Event, version: int) -> str | None:
    action = ACTIONS.get(type(event))
    return action if action is None or isinstance(action, str) else action[version > 1]


def _entity(recorded: Recorded[Event]) -> tuple[str | None, int | None]:
    """`project-mapping-7` is project_mapping 7; a login is about its account, if there is one.

    A delivery goes by a name, not by a number.
    """
    if isinstance(recorded.event, MappingsImported):
        return recorded.event.table, None
    if is_delivery(recorded.stream):
        return DELIVERY_KIND, None
    kind, _, number = recorded.stream.rpartition("-")
    if number.isdecimal():
        return kind.replace("-", "_"), int(number)
    if recorded.stream == LOGIN_STREAM:
        return "user", getattr(recorded.event, "user_id", None)
    return recorded.stream, 1 if recorded.stream == SCHEDULE_STREAM else None


def _who(recorded: Recorded[Event]) -> tuple[str | None, str | None, int | None]:
    """Name, subject and account number of the actor; at a login that of who tried."""
    name = recorded.metadata.actor.name
    if isinstance(recorded.event, UserLoggedIn | LoginFailed | LoginThrottled | UserLoggedOut):
        name = recorded.event.username
    if isinstance(name, str):
        return name, None, None
    _, _, account = name.subject.partition("account:")
    return name.value, name.subject, int(account) or None if account.isdecimal() else None


def _details(event: Event) -> dict[str, object]:
    """What the event says beyond its entity and its changes, without anything personal."""
    return {
        name: to_json(value)
        for name in _names(type(event))
        if not isinstance(value := getattr(event, name), Personal)
    }


def _personal_of(event: Event) -> dict[str, Personal]:
    return {
        name: value
        for name in _names(type(event))
        if isinstance(value := getattr(event, name), Personal)
    }


def _changes(event: Event) -> dict[str, object]:
    if secret := SECRETS.get(type(event)):
        return {secret: {"old": MASK, "new": MASK}}
    changed: Sequence[Change] = getattr(event, "changes", ())
    return {each.field: {"old": to_json(each.old), "new": to_json(each.new)} for each in changed}


def _personal_changes(event: Event) -> dict[str, object]:
    changed: Sequence[PersonalChange] = getattr(event, "personal_changes", ())
    return {each.field: {"old": _clear(each.old), "new": _clear(each.new)} for each in changed}


def _clear(value: Personal | None) -> str | None:
    return value.value if value else None


_NAMES: dict[type, tuple[str, ...]] = {}


def _names(event: type) -> tuple[str, ...]:
    """The fields that are details; looked up once per event type."""
    if event not in _NAMES:
        _NAMES[event] = tuple(f.name for f in fields(event) if f.name not in LEFT_OUT)
    return _NAMES[event]


def to_json(value: object) -> Json:
    """Values of events in the contract's JSON; instants as ISO with `Z`, decimals as text."""
    if value is None or isinstance(value, bool | int):
        return value
    return _TO_JSON.get(type(value), _compound)(value)


def _compound(value: object) -> Json:
    match value:
        case str():
            return str(value)
        case Mapping():
            return {str(key): to_json(each) for key, each in value.items()}
        case tuple() | list() | frozenset():
            return [to_json(each) for each in value]
        case _:
            nested = [field.name for field in fields(value)]  # type: ignore[arg-type]  # dataclass
            return {name: to_json(getattr(value, name)) for name in nested}


_TO_JSON: Mapping[type, Callable[[object], Json]] = MappingProxyType(
    {
        datetime: lambda value: str(value).replace(" ", "T").replace("+00:00", "Z"),
        date: str,
        Decimal: str,
    }
)


def shown(row: Row) -> dict[str, object]:
    """The contract's AuditLog; what `changes` tells, `details` does not repeat."""
    changes = {**row.changes, **row.personal_changes}
    details = {**row.details, **row.personal_details}
    return {
        "id": row.position,
        "action": row.action,
        "entity_type": row.entity_type,
        "entity_id": row.entity_id,
        "user": row.user,
        "user_id": row.user_id,
        "details": {name: value for name, value in details.items() if name not in changes},
        "changes": changes,
        "ip_address": row.ip_address,
        "user_agent": row.user_agent,
        "created_at": row.created_at,
        "correlation_id": row.correlation_id,
        "run_id": row.run_id,
        "digest": row.digest,
    }


PROJECTION = Projection(
    name=NAME,
    version=VERSION,
    row=Row,
    key="position",
    events=frozenset(ACTIONS),
    keys=keys,
    project=project,
)

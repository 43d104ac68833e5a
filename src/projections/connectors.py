"""Which systems are connected, and how? One row per connector (`contract.md`, section 4)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never, get_args

from domain.change import FieldValue
from domain.connector.events import (
    ConnectorAdded,
    ConnectorChanged,
    ConnectorEvent,
    ConnectorHealthChanged,
    ConnectorRetired,
    ConnectorTested,
    ConnectorTokenReplaced,
    WebhookSecretReplaced,
)
from domain.event import Recorded
from projections.projection import Projection

NAME, VERSION = "connectors", 1
MASK = "********"  # stands for every secret, set or not: its length says nothing


_Later = (
    ConnectorChanged
    | ConnectorTokenReplaced
    | WebhookSecretReplaced
    | ConnectorTested
    | ConnectorHealthChanged
    | ConnectorRetired
)


@dataclass(frozen=True)
class Row:
    """One connector, without any secret.

    `settings` holds only what somebody set; defaults belong to the reader. `version` does not
    count tests and health changes: looking at a connector does not change it.
    """

    connector_id: int
    position: int
    version: int
    kind: str
    name: str
    base_url: str
    is_active: bool
    settings: dict[str, FieldValue]
    token_set: bool
    webhook_secret_set: bool
    health: str
    health_message: str | None
    health_checked_at: datetime | None
    created_at: datetime
    updated_at: datetime
    retired_at: datetime | None


def rounds(row: Row) -> bool:
    """Whether it is a Kimai in use that times are rounded for."""
    steps = ("round_begin", "round_end", "round_duration")
    return row.kind == "kimai" and row.is_active and any(row.settings.get(each) for each in steps)


def keys(recorded: Recorded[ConnectorEvent]) -> Sequence[int]:
    return (recorded.event.connector_id,)


def project(row: Row | None, recorded: Recorded[ConnectorEvent]) -> Row | None:
    """The connector after the event."""
    event = recorded.event
    if isinstance(event, ConnectorAdded):
        return _added(event, recorded)
    return row and _changed(row, event, recorded)


def _changed(row: Row, event: _Later, recorded: Recorded[ConnectorEvent]) -> Row:
    match event:
        case ConnectorChanged():
            return replace(
                _touched(row, recorded),
                name=event.name,
                base_url=event.base_url,
                is_active=event.is_active,
                settings=event.settings,
            )
        case ConnectorTokenReplaced():
            return replace(_touched(row, recorded), token_set=True)
        case WebhookSecretReplaced():
            known = event.secret_fingerprint is not None
            return replace(_touched(row, recorded), webhook_secret_set=known)
        case ConnectorTested():
            return row  # it may have tried another address; health comes from use
        case ConnectorHealthChanged():
            return replace(
                row,
                position=recorded.position,
                health=event.state,
                health_message=event.message,
                health_checked_at=recorded.recorded_at,
            )
        case ConnectorRetired():
            return replace(
                _touched(row, recorded),
                is_active=False,
                token_set=False,
                webhook_secret_set=False,
                retired_at=recorded.recorded_at,
            )
        case _:
            assert_never(event)


def _added(event: ConnectorAdded, recorded: Recorded[ConnectorEvent]) -> Row:
    return Row(
        connector_id=event.connector_id,
        position=recorded.position,
        version=recorded.version,
        kind=event.kind,
        name=event.name,
        base_url=event.base_url,
        is_active=event.is_active,
        settings=event.settings,
        token_set=True,
        webhook_secret_set=False,
        health="unknown",
        health_message=None,
        health_checked_at=None,
        created_at=recorded.recorded_at,
        updated_at=recorded.recorded_at,
        retired_at=None,
    )


def _touched(row: Row, recorded: Recorded[ConnectorEvent]) -> Row:
    return replace(
        row,
        position=recorded.position,
        version=recorded.version,
        updated_at=recorded.recorded_at,
    )


def shown(row: Row) -> dict[str, object]:
    """The contract's Connector; its reader lays `settings` over the defaults of the type."""
    return {
        "id": row.connector_id,
        "type": row.kind,
        "name": row.name,
        "base_url": row.base_url,
        "api_token": MASK,
        "is_active": row.is_active,
        "settings": dict(row.settings),
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "version": row.version,
        "token_set": row.token_set,
        "webhook_secret_set": row.webhook_secret_set,
        "health": {
            "state": row.health,
            "checked_at": row.health_checked_at,
            "message": row.health_message,
        },
        "retired_at": row.retired_at,
    }


PROJECTION = Projection(
    name=NAME,
    version=VERSION,
    row=Row,
    key="connector_id",
    events=frozenset(get_args(ConnectorEvent)),
    keys=keys,
    project=project,
    stream="connector",
)

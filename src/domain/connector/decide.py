"""The rules of a connector: unique, at most one active per kind, a token only for its own address.

Uniqueness across connectors is kept by the claims that `holds` names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar, assert_never

from domain.change import Change, FieldValue
from domain.connector.commands import (
    Access,
    AddConnector,
    ChangeConnector,
    ConnectorCommand,
    RecordHealth,
    RecordTest,
    ResumeConnector,
    RetireConnector,
)
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
from domain.errors import RuleViolation
from domain.event import Decider
from domain.ids import ConnectorId
from domain.numbering import NumberTaken
from domain.versions import require_version

T = TypeVar("T")
REFUSED = "auth_failed"  # the health of a paused connector: its token is not sent any more


@dataclass(frozen=True, kw_only=True)
class Connector:
    """What a connector is now. `revision` is the version that clients see and send back."""

    connector_id: ConnectorId
    kind: str
    name: str
    base_url: str
    is_active: bool
    settings: Mapping[str, FieldValue]
    token_fingerprint: str
    secret_fingerprint: str | None = None
    former_secret_fingerprint: str | None = None
    former_until: datetime | None = None
    health: str = "unknown"
    retired: bool = False
    version: int = 1
    revision: int = 1

    @property
    def access(self) -> Access:
        """What its peer is asked with."""
        return Access(base_url=self.base_url, token_fingerprint=self.token_fingerprint)

    @property
    def is_paused(self) -> bool:
        """Whether runs leave it alone until a test, a new token or a person resumes it."""
        return self.health == REFUSED


def paused_text(connector: Connector) -> str:
    """Why nothing runs with a paused connector, and what to do."""
    return (
        f"Connector {connector.connector_id} ({connector.name}) is paused: "
        f"{connector.kind.capitalize()} refused its token. Test the connection or give it a new "
        "token; both resume it when they succeed."
    )


def decide(command: ConnectorCommand, connector: Connector | None) -> Sequence[ConnectorEvent]:
    """Raises RuleViolation (`not_found`, `stale_version`, `connector_in_use`, `token_required`)."""
    if isinstance(command, AddConnector):
        return _added(command, connector)
    if connector is None or connector.retired:
        raise RuleViolation("not_found", "There is no such connector.")
    match command:
        case ChangeConnector():
            require_revision(connector, command.expected)
            return _changed(command, connector)
        case RecordTest():
            return _tested(command, connector)
        case RecordHealth():
            # what a run under way at that time finds does not resume it
            old = connector.is_paused or command.access != connector.access
            return [] if old else _health(connector, command.state, command.message)
        case ResumeConnector():
            require_revision(connector, command.expected)
            return _resumed(connector)
        case RetireConnector():
            require_revision(connector, command.expected)
            _require_idle(connector, in_use=command.in_use)
            return [ConnectorRetired(connector_id=connector.connector_id)]
        case _:
            assert_never(command)


def evolve(connector: Connector | None, event: ConnectorEvent) -> Connector | None:
    """The connector after `event`."""
    if isinstance(event, ConnectorAdded):
        return Connector(
            connector_id=event.connector_id,
            kind=event.kind,
            name=event.name,
            base_url=event.base_url,
            is_active=event.is_active,
            settings=event.settings,
            token_fingerprint=event.token_fingerprint,
        )
    if connector is None:
        return None
    version = connector.version + 1
    match event:
        case ConnectorChanged():
            changed = replace(
                connector,
                name=event.name,
                base_url=event.base_url,
                is_active=event.is_active,
                settings=event.settings,
            )
        case ConnectorTokenReplaced():
            changed = replace(connector, token_fingerprint=event.token_fingerprint)
        case WebhookSecretReplaced():
            changed = replace(
                connector,
                secret_fingerprint=event.secret_fingerprint,
                former_secret_fingerprint=connector.secret_fingerprint,
                former_until=event.former_until,
            )
        case ConnectorRetired():
            changed = replace(connector, is_active=False, retired=True)
        case ConnectorTested():
            return replace(connector, version=version)
        case ConnectorHealthChanged():
            return replace(connector, version=version, health=event.state)
        case _:
            assert_never(event)
    return replace(changed, version=version, revision=version)


def holds(connector: Connector | None) -> frozenset[str]:
    """The unique values it occupies: its name, and the one active place of its kind."""
    if connector is None or connector.retired:
        return frozenset()
    name = f"connector-name:{connector.name.casefold()}"
    active = {f"active-connector:{connector.kind}"} if connector.is_active else set()
    return frozenset({name} | active)


CONNECTOR: Decider[ConnectorCommand, Connector | None, ConnectorEvent] = Decider(
    initial=None, decide=decide, evolve=evolve
)


def _added(command: AddConnector, connector: Connector | None) -> Sequence[ConnectorEvent]:
    if connector is not None:
        raise NumberTaken(f"connector {command.connector_id} exists")
    events: list[ConnectorEvent] = [
        ConnectorAdded(
            connector_id=command.connector_id,
            kind=command.kind,
            name=command.name,
            base_url=command.base_url,
            is_active=command.is_active,
            settings=dict(command.settings),
            token_fingerprint=command.token_fingerprint,
        )
    ]
    if command.secret_fingerprint is not None:
        events.append(
            WebhookSecretReplaced(
                connector_id=command.connector_id,
                secret_fingerprint=command.secret_fingerprint,
                former_until=None,
            )
        )
    return events


def _changed(command: ChangeConnector, connector: Connector) -> Sequence[ConnectorEvent]:
    events: list[ConnectorEvent] = []
    target = replace(
        connector,
        name=_given(command.name, connector.name),
        base_url=_given(command.base_url, connector.base_url),
        is_active=_given(command.is_active, connector.is_active),
        settings=_merged(connector.settings, command.settings),
    )
    new_token = command.token_fingerprint not in (None, connector.token_fingerprint)
    if target.base_url != connector.base_url and command.token_fingerprint is None:
        raise RuleViolation("token_required", "A new base_url needs the token to go with it.")
    if connector.is_active and not target.is_active:
        _require_idle(connector, in_use=command.in_use)
    if changes := _differences(connector, target):
        events.append(
            ConnectorChanged(
                connector_id=connector.connector_id,
                name=target.name,
                base_url=target.base_url,
                is_active=target.is_active,
                settings=dict(target.settings),
                changes=changes,
            )
        )
    if new_token and command.token_fingerprint is not None:
        events.append(
            ConnectorTokenReplaced(
                connector_id=connector.connector_id,
                token_fingerprint=command.token_fingerprint,
            )
        )
        events += _resumed(connector)
    if command.secret_fingerprint not in (None, connector.secret_fingerprint):
        events.append(
            WebhookSecretReplaced(
                connector_id=connector.connector_id,
                secret_fingerprint=command.secret_fingerprint,
                former_until=command.former_until if connector.secret_fingerprint else None,
            )
        )
    return events


def _tested(command: RecordTest, connector: Connector) -> Sequence[ConnectorEvent]:
    as_stored = command.access == connector.access
    tested = ConnectorTested(
        connector_id=connector.connector_id,
        valid=command.valid,
        message=command.message,
        peer_version=command.peer_version,
        found=command.found if as_stored and command.valid else None,
    )
    if as_stored and command.valid:
        return [tested, *_health(connector, "ok", None)]
    if as_stored and command.token_refused:
        return [tested, *_health(connector, REFUSED, command.message)]
    return [tested]


def _health(connector: Connector, state: str, message: str | None) -> Sequence[ConnectorEvent]:
    if state == connector.health:
        return []
    return [
        ConnectorHealthChanged(connector_id=connector.connector_id, state=state, message=message)
    ]


def _resumed(connector: Connector) -> Sequence[ConnectorEvent]:
    """Nobody knows yet whether it works."""
    return _health(connector, "unknown", None) if connector.is_paused else []


def _merged(
    settings: Mapping[str, FieldValue], patch: Mapping[str, FieldValue]
) -> dict[str, FieldValue]:
    """Key by key; None in the patch takes a key out."""
    return {key: value for key, value in {**settings, **patch}.items() if value is not None}


def _differences(old: Connector, new: Connector) -> tuple[Change, ...]:
    plain = [
        Change(field=name, old=getattr(old, name), new=getattr(new, name))
        for name in ("name", "base_url", "is_active")
        if getattr(old, name) != getattr(new, name)
    ]
    keys = sorted({*old.settings, *new.settings})
    settings = [
        Change(field=f"settings.{key}", old=old.settings.get(key), new=new.settings.get(key))
        for key in keys
        if old.settings.get(key) != new.settings.get(key)
    ]
    return (*plain, *settings)


def _given(value: T | None, otherwise: T) -> T:
    return otherwise if value is None else value


def require_revision(connector: Connector, expected: int | None) -> None:
    """Raises RuleViolation `stale_version`, when it is another one than was expected."""
    require_version(f"Connector {connector.connector_id}", connector.revision, expected)


def _require_idle(connector: Connector, *, in_use: bool) -> None:
    if in_use:
        raise RuleViolation(
            "connector_in_use", f"A run is using connector {connector.connector_id}."
        )

"""The life of a connector. Stream `connector-<id>`; names from `contract.md`, section 17.

No event carries a token or a webhook secret: a fingerprint names the stored ciphertext, which
is written first and counts from the moment an event names it.
The `version` that clients see is the stream version at the last event that is not
`ConnectorTested` or `ConnectorHealthChanged`: looking at a connector does not change it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from domain.change import Change, FieldValue
from domain.ids import ConnectorId


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What a test found out about the token; what a peer does not tell is None.

    `permissions` are by the names of `domain.connector.permissions`, None where it shows later.
    """

    roles: tuple[str, ...]
    tracking_mode: str | None
    time_unit_declared: str | None
    permissions: dict[str, bool | None]


@dataclass(frozen=True, kw_only=True)
class ConnectorAdded:
    """`settings` holds only the keys somebody set; all others follow their defaults."""

    TYPE: ClassVar = "ConnectorAdded"
    SCHEMA: ClassVar = 1

    connector_id: ConnectorId
    kind: str  # zammad or kimai
    name: str
    base_url: str  # lower-case scheme and host, one trailing slash
    is_active: bool
    settings: dict[str, FieldValue]
    token_fingerprint: str


@dataclass(frozen=True, kw_only=True)
class ConnectorChanged:
    """The whole of what it is now; `changes` says which fields differ from before."""

    TYPE: ClassVar = "ConnectorChanged"
    SCHEMA: ClassVar = 1

    connector_id: ConnectorId
    name: str
    base_url: str
    is_active: bool
    settings: dict[str, FieldValue]
    changes: tuple[Change, ...]


@dataclass(frozen=True, kw_only=True)
class ConnectorTokenReplaced:
    """Another API token is used from now on."""

    TYPE: ClassVar = "ConnectorTokenReplaced"
    SCHEMA: ClassVar = 1

    connector_id: ConnectorId
    token_fingerprint: str


@dataclass(frozen=True, kw_only=True)
class WebhookSecretReplaced:
    """Another HMAC key; None takes it away. The former one stays valid until `former_until`."""

    TYPE: ClassVar = "WebhookSecretReplaced"
    SCHEMA: ClassVar = 1

    connector_id: ConnectorId
    secret_fingerprint: str | None
    former_until: datetime | None


@dataclass(frozen=True, kw_only=True)
class ConnectorTested:
    """Somebody asked whether address and token work. `message` never holds a peer's body.

    `found` is there when they did and are those in use.
    """

    TYPE: ClassVar = "ConnectorTested"
    SCHEMA: ClassVar = 2

    connector_id: ConnectorId
    valid: bool
    message: str
    peer_version: str | None = None
    found: Findings | None = None

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Before, what the token may do was only told to who asked."""
        state["found"] = None


@dataclass(frozen=True, kw_only=True)
class ConnectorHealthChanged:
    """`state` is unknown, ok, degraded, down or auth_failed."""

    TYPE: ClassVar = "ConnectorHealthChanged"
    SCHEMA: ClassVar = 1

    connector_id: ConnectorId
    state: str
    message: str | None = None


@dataclass(frozen=True, kw_only=True)
class ConnectorRetired:
    """Inactive for good and its token destroyed; what it brought stays."""

    TYPE: ClassVar = "ConnectorRetired"
    SCHEMA: ClassVar = 1

    connector_id: ConnectorId


ConnectorEvent = (
    ConnectorAdded
    | ConnectorChanged
    | ConnectorTokenReplaced
    | WebhookSecretReplaced
    | ConnectorTested
    | ConnectorHealthChanged
    | ConnectorRetired
)

"""What one can ask of a connector. `expected` is the version the asker saw (If-Match), or None."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.change import FieldValue
from domain.connector.events import Findings
from domain.ids import ConnectorId


@dataclass(frozen=True, kw_only=True)
class AddConnector:
    """`base_url` is normalised already; `settings` hold validated values, no defaults."""

    connector_id: ConnectorId
    kind: str
    name: str
    base_url: str
    is_active: bool
    settings: Mapping[str, FieldValue]
    token_fingerprint: str
    secret_fingerprint: str | None = None


@dataclass(frozen=True, kw_only=True)
class ChangeConnector:
    """None leaves a field as it is; in `settings`, None resets a key to its default.

    `in_use`: a run is going on with it, so it cannot be switched off.
    `secret_fingerprint` replaces the webhook secret; the former one stays valid until
    `former_until`.
    """

    name: str | None = None
    base_url: str | None = None
    is_active: bool | None = None
    settings: Mapping[str, FieldValue] = field(default_factory=dict)
    token_fingerprint: str | None = None
    secret_fingerprint: str | None = None
    former_until: datetime | None = None
    in_use: bool = False
    expected: int | None = None


@dataclass(frozen=True, kw_only=True)
class Access:
    """With what a peer is asked: what was found with one says nothing of another one."""

    base_url: str
    token_fingerprint: str


@dataclass(frozen=True, kw_only=True)
class RecordTest:
    """A person asked whether it works; this is the answer. `access` None: it was only typed in."""

    valid: bool
    message: str
    peer_version: str | None
    access: Access | None = None
    token_refused: bool = False
    found: Findings | None = None


@dataclass(frozen=True, kw_only=True)
class RecordHealth:
    """What a run found."""

    access: Access
    state: str
    message: str | None


@dataclass(frozen=True, kw_only=True)
class ResumeConnector:
    """A person wants it used again as it is, without a test."""

    expected: int | None = None


@dataclass(frozen=True, kw_only=True)
class RetireConnector:
    in_use: bool = False
    expected: int | None = None


ConnectorCommand = (
    AddConnector | ChangeConnector | RecordTest | RecordHealth | ResumeConnector | RetireConnector
)

"""The life of one webhook delivery. Stream `delivery-<id>`; names from `contract.md`, section 17.

A delivery is a hint, "look at ticket N": of its body only the ids and a digest are kept. `receipt`
is the position of the event that received it, which is its number in the views.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from domain.ids import ConnectorId, RunId


@dataclass(frozen=True, kw_only=True)
class WebhookDeliveryReceived:
    """Zammad says that something happened to a ticket; its signature was right.

    `body_digest` is the lower-case hex SHA-256 of the body, `size` its length in bytes, `trigger`
    the name of the trigger in Zammad. Where it came from, the metadata say.
    """

    TYPE: ClassVar = "WebhookDeliveryReceived"
    SCHEMA: ClassVar = 1

    delivery_id: str
    connector_id: ConnectorId
    ticket_id: int
    article_id: int | None
    trigger: str | None
    body_digest: str
    size: int


@dataclass(frozen=True, kw_only=True)
class WebhookDeliveryRepeated:
    """It came again, as after an answer that was lost. Only the first repetitions are recorded."""

    TYPE: ClassVar = "WebhookDeliveryRepeated"
    SCHEMA: ClassVar = 1

    delivery_id: str
    receipt: int


@dataclass(frozen=True, kw_only=True)
class WebhookDeliveryProcessed:
    """A run that began after it looked at its ticket. `asked`: how often that was asked by then."""

    TYPE: ClassVar = "WebhookDeliveryProcessed"
    SCHEMA: ClassVar = 1

    delivery_id: str
    receipt: int
    run_id: RunId
    asked: int


@dataclass(frozen=True, kw_only=True)
class WebhookDeliveryFailed:
    """The look at its ticket failed, for the `attempts`th time since it was asked for.

    `run_id` is None when there was no run for it. `reason` is a reason code of the contract,
    section 8. The next try comes at `again_at` or later; None: it failed for good.
    """

    TYPE: ClassVar = "WebhookDeliveryFailed"
    SCHEMA: ClassVar = 1

    delivery_id: str
    receipt: int
    run_id: RunId | None
    asked: int
    attempts: int
    reason: str
    message: str
    again_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class WebhookDeliveryRejected:
    """It was not taken: `code` is what the sender was told (`contract.md`, section 3)."""

    TYPE: ClassVar = "WebhookDeliveryRejected"
    SCHEMA: ClassVar = 1

    delivery_id: str
    connector_id: ConnectorId
    code: str
    trigger: str | None
    body_digest: str
    size: int


@dataclass(frozen=True, kw_only=True)
class WebhookDeliveryReplayRequested:
    """Somebody wants its ticket looked at once more."""

    TYPE: ClassVar = "WebhookDeliveryReplayRequested"
    SCHEMA: ClassVar = 1

    delivery_id: str
    receipt: int


DeliveryEvent = (
    WebhookDeliveryReceived
    | WebhookDeliveryRepeated
    | WebhookDeliveryProcessed
    | WebhookDeliveryFailed
    | WebhookDeliveryRejected
    | WebhookDeliveryReplayRequested
)

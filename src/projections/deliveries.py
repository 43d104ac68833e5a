"""What did Zammad announce, and was it looked at? One row per delivery (`contract.md`, 11)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never, get_args

from domain.delivery.events import (
    DeliveryEvent,
    WebhookDeliveryFailed,
    WebhookDeliveryProcessed,
    WebhookDeliveryReceived,
    WebhookDeliveryRejected,
    WebhookDeliveryRepeated,
    WebhookDeliveryReplayRequested,
)
from domain.event import Recorded
from projections.projection import Projection

NAME, VERSION = "deliveries", 1

RECEIVED, PROCESSED, FAILED, REJECTED = "received", "processed", "failed", "rejected"
REJECTED_FOR = {
    "bad_signature": "The signature is missing, or not of this body.",
    "malformed_json": "The body is not JSON.",
    "bad_payload": "The body has no integer ticket.id.",
}


@dataclass(frozen=True)
class Row:
    """One delivery. `receipt` is the position of its arrival; a rejected one never gets further.

    `status` is received while a look is still to come, also after failed ones; `again_at` says
    when at the earliest then. `asked` counts how often its ticket was asked for, the last time at
    position `asked_at`. `attempts` are looks that ended, `failures` those that failed since then.
    Personal: `remote_ip`, of subject `account:0`.
    """

    receipt: int
    position: int
    version: int
    delivery_id: str
    connector_id: int
    ticket_id: int | None
    article_id: int | None
    trigger: str | None
    remote_ip: str | None
    size: int
    status: str
    received_at: datetime
    asked: int
    asked_at: int
    attempts: int
    failures: int
    duplicates: int
    run_id: int | None
    reason_code: str | None
    message: str | None
    again_at: datetime | None
    first_failed_at: datetime | None
    last_failed_at: datetime | None


def keys(recorded: Recorded[DeliveryEvent]) -> Sequence[int]:
    event = recorded.event
    if isinstance(event, WebhookDeliveryReceived | WebhookDeliveryRejected):
        return (recorded.position,)
    return (event.receipt,)


def project(row: Row | None, recorded: Recorded[DeliveryEvent]) -> Row | None:
    """The delivery after the event."""
    event = recorded.event
    if isinstance(event, WebhookDeliveryReceived | WebhookDeliveryRejected):
        return _arrived(event, recorded)
    if row is None or row.status == REJECTED:
        return row
    row = replace(row, position=recorded.position, version=recorded.version)
    match event:
        case WebhookDeliveryRepeated():
            return replace(row, duplicates=row.duplicates + 1)
        case WebhookDeliveryReplayRequested():
            return replace(
                row,
                status=RECEIVED,
                asked=row.asked + 1,
                asked_at=recorded.position,
                failures=0,
                again_at=None,
            )
        case WebhookDeliveryProcessed(asked=asked, run_id=run_id):
            status = PROCESSED if asked >= row.asked else row.status
            return replace(
                row,
                status=status,
                attempts=row.attempts + 1,
                run_id=run_id,
                message=None,
                reason_code=None,
                again_at=None,
            )
        case WebhookDeliveryFailed():
            return _failed(row, event, recorded.recorded_at)
        case _:
            assert_never(event)


def _failed(row: Row, event: WebhookDeliveryFailed, at: datetime) -> Row:
    over = event.again_at is None and event.asked >= row.asked
    return replace(
        row,
        status=FAILED if over else row.status,
        attempts=row.attempts + (event.run_id is not None),
        failures=event.attempts,
        run_id=event.run_id if event.run_id is not None else row.run_id,
        reason_code=event.reason,
        message=event.message,
        again_at=event.again_at,
        first_failed_at=row.first_failed_at if row.failures else at,
        last_failed_at=at,
    )


def _arrived(
    event: WebhookDeliveryReceived | WebhookDeliveryRejected, recorded: Recorded[DeliveryEvent]
) -> Row:
    address = recorded.metadata.ip_address
    taken = event if isinstance(event, WebhookDeliveryReceived) else None
    refused = event.code if isinstance(event, WebhookDeliveryRejected) else None
    return Row(
        receipt=recorded.position,
        position=recorded.position,
        version=recorded.version,
        delivery_id=event.delivery_id,
        connector_id=event.connector_id,
        ticket_id=taken.ticket_id if taken else None,
        article_id=taken.article_id if taken else None,
        trigger=event.trigger,
        remote_ip=address.value if address else None,
        size=event.size,
        status=RECEIVED if taken else REJECTED,
        received_at=recorded.recorded_at,
        asked=1 if taken else 0,
        asked_at=recorded.position,
        attempts=0,
        failures=0,
        duplicates=0,
        run_id=None,
        reason_code=refused,
        message=refused and REJECTED_FOR.get(refused, refused),
        again_at=None,
        first_failed_at=None,
        last_failed_at=None,
    )


def shown(row: Row) -> dict[str, object]:
    """The contract's delivery."""
    return {
        "delivery_id": row.delivery_id,
        "received_at": row.received_at,
        "status": row.status,
        "ticket_id": row.ticket_id,
        "trigger": row.trigger,
        "remote_ip": row.remote_ip or "",
        "bytes": row.size,
        "attempts": row.attempts,
        "duplicates": row.duplicates,
        "run_id": row.run_id,
        "message": row.message,
        "position": row.position,
    }


PROJECTION = Projection(
    name=NAME,
    version=VERSION,
    row=Row,
    key="receipt",
    events=frozenset(get_args(DeliveryEvent)),
    keys=keys,
    project=project,
)

"""Taking a webhook delivery: whether it is ours, whether it is known, and where it is kept.

No peer is called: what is durable when the answer goes out is the wish to look at a ticket.
The order of the checks is that of the contract, section 11.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from api.problems import Problem
from api.services import Services
from api.webhook_body import delivery_id_of, digest_of, ids_of, trigger_of
from api.webhook_keys import Keys
from api.webhook_rejections import Rejections
from domain.delivery.commands import NoteRepetition
from domain.delivery.decide import DELIVERY, MOST_REPEATS
from domain.delivery.events import (
    DeliveryEvent,
    WebhookDeliveryReceived,
    WebhookDeliveryRejected,
)
from domain.delivery.signature import is_signed, is_well_formed
from domain.event import Actor, Append, Appended, Metadata
from domain.handling import state_of
from domain.ids import delivery_stream
from domain.personal import Personal

ACTOR = Actor(kind="service", name="webhook")
NOBODY = "account:0"  # whose address that is, nobody knows
ASIDE = 64 * 1024  # bytes; a larger body is hashed beside the loop, and one at a time

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A request as it came: its raw body, and the three headers that count."""

    body: bytes
    signature: str | None
    delivery: str | None
    trigger: str | None
    address: str
    request_id: str


@dataclass(frozen=True)
class Taken:
    """`position` is that of the delivery's newest event, 0 when nothing was appended."""

    delivery_id: str
    duplicate: bool
    position: int


class WebhookIntake:
    """The door for deliveries of one process."""

    def __init__(self, own: Services) -> None:
        self._own = own
        self._rejections = Rejections()
        self._large = asyncio.Lock()

    async def take(self, arrival: Arrival) -> Taken:
        """Record the delivery durably, unless it is known.

        Raises:
            Problem: `webhook_disabled`, `bad_signature`, `malformed_json`, `bad_payload`.
            Unavailable: it could not be recorded; the sender tries again.
        """
        keys = await self._own.webhook_keys.get() or await self._own.webhook_keys.anew()
        if keys is None:
            raise Problem(
                "webhook_disabled", "Webhooks are off, or no active connector has a secret."
            )
        now = self._own.clock.now().astimezone(UTC)
        keys = await self._signer(arrival, keys, now)
        delivery_id = delivery_id_of(arrival.delivery, arrival.body)
        try:
            ids = ids_of(arrival.body)
        except Problem as problem:
            if (receipt := await self._own.store.taken(_key(delivery_id))) is not None:
                return await self._repeated(arrival, delivery_id, receipt, now)
            key = f"webhook-{problem.code}-{delivery_id}"
            await self._record(arrival, keys, problem.code, now, key=key)
            raise
        received = WebhookDeliveryReceived(
            delivery_id=delivery_id,
            connector_id=keys.connector_id,
            ticket_id=ids.ticket_id,
            article_id=ids.article_id,
            trigger=trigger_of(arrival.trigger),
            body_digest=digest_of(arrival.body),
            size=len(arrival.body),
        )
        appended = await self._append(arrival, delivery_id, [received], now, _key(delivery_id))
        if appended.duplicate:
            return await self._repeated(arrival, delivery_id, appended.position, now)
        return Taken(delivery_id, duplicate=False, position=appended.position)

    async def _signer(self, arrival: Arrival, keys: Keys, now: datetime) -> Keys:
        """The keys, one of which signed the body. Raises Problem `bad_signature`."""
        if await self._is_signed(arrival, keys, now):
            return keys
        if is_well_formed(arrival.signature):
            newer = await self._own.webhook_keys.anew()
            if newer not in (None, keys) and await self._is_signed(arrival, newer, now):
                return newer
        await self._reject(arrival, keys, "bad_signature", now)
        raise Problem("bad_signature", "The signature is missing, or not of this body.")

    async def _is_signed(self, arrival: Arrival, keys: Keys, now: datetime) -> bool:
        if not is_well_formed(arrival.signature):
            return False
        valid = keys.valid(now)
        if len(arrival.body) <= ASIDE:
            return is_signed(arrival.signature, arrival.body, valid)
        async with self._large:  # a flood of large ones costs others nothing but this line
            return await asyncio.to_thread(is_signed, arrival.signature, arrival.body, valid)

    async def _repeated(
        self, arrival: Arrival, delivery_id: str, receipt: int, now: datetime
    ) -> Taken:
        """Count it, unless that was done often enough.

        Each repetition has a key of its own, so that those of one instant do not collide.
        """
        delivery = await state_of(self._own.store, DELIVERY, delivery_stream(delivery_id))
        events = DELIVERY.decide(NoteRepetition(receipt=receipt), delivery)
        known = delivery.repeats if delivery is not None and events else MOST_REPEATS
        for number in range(known, MOST_REPEATS):
            key = f"webhook-repetition-{number}-{delivery_id}"
            appended = await self._append(arrival, delivery_id, events, now, key)
            if not appended.duplicate:
                return Taken(delivery_id, duplicate=True, position=appended.position)
        return Taken(delivery_id, duplicate=True, position=0)

    async def _reject(self, arrival: Arrival, keys: Keys, code: str, now: datetime) -> None:
        """Record it, unless that was done often enough for this sender, whom nobody knows."""
        if not self._rejections.admit(arrival.address, now):
            return
        for key in self._rejections.keys(arrival.address, now, self._own.secret):
            if await self._record(arrival, keys, code, now, key=key):
                return

    async def _record(
        self, arrival: Arrival, keys: Keys, code: str, now: datetime, *, key: str
    ) -> bool:
        """Record the refusal, unless that was done under this key; whether it was not."""
        delivery_id = delivery_id_of(arrival.delivery, arrival.body)
        rejected = WebhookDeliveryRejected(
            delivery_id=delivery_id,
            connector_id=keys.connector_id,
            code=code,
            trigger=trigger_of(arrival.trigger),
            body_digest=digest_of(arrival.body),
            size=len(arrival.body),
        )
        appended = await self._append(arrival, delivery_id, [rejected], now, key)
        if not appended.duplicate:
            log.warning("webhook_rejected", code=code, delivery_id=delivery_id)
        return not appended.duplicate

    async def _append(
        self,
        arrival: Arrival,
        delivery_id: str,
        events: Sequence[DeliveryEvent],
        now: datetime,
        key: str,
    ) -> Appended:
        """To the delivery's stream, once by that key."""
        return await self._own.store.append(
            Append(
                stream=delivery_stream(delivery_id),
                events=events,
                metadata=_metadata(arrival),
                occurred_at=now,
                expected=None,
                key=key,
            )
        )


def _key(delivery_id: str) -> str:
    return f"webhook-delivery-{delivery_id}"


def _metadata(arrival: Arrival) -> Metadata:
    return Metadata(
        actor=ACTOR,
        correlation_id=arrival.request_id,
        request_id=arrival.request_id,
        ip_address=Personal(NOBODY, arrival.address),
    )

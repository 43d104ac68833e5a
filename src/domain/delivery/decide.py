"""The rules of a delivery: asked for once or more, looked at after that, tried for a while."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import assert_never

from domain.delivery.commands import (
    DeliveryCommand,
    FailLook,
    FinishLook,
    NoteRepetition,
    RequestReplay,
)
from domain.delivery.events import (
    DeliveryEvent,
    WebhookDeliveryFailed,
    WebhookDeliveryProcessed,
    WebhookDeliveryReceived,
    WebhookDeliveryRejected,
    WebhookDeliveryRepeated,
    WebhookDeliveryReplayRequested,
)
from domain.errors import RuleViolation
from domain.event import Decider
from domain.ids import RunId

MOST_REPEATS = 10  # Zammad sends five times at most; whoever captured a delivery sends for ever
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(minutes=10)
MOST_ATTEMPTS = 12  # about fifty minutes: a restart, an update; then somebody should know
MOST_REFUSALS = 3  # a ticket that Zammad does not show now, it hardly shows in a minute


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """How often its ticket was asked for, and up to which of these times that is done with.

    `asked` is 0 for one that was rejected. `failures` are those since it was asked for last.
    """

    delivery_id: str
    asked: int = 0
    done: int = 0
    failures: int = 0
    failed_in: RunId | None = None
    repeats: int = 0

    @property
    def dead(self) -> bool:
        """Whether the looks failed until they were given up."""
        return not self.waits and self.failures > 0

    @property
    def waits(self) -> bool:
        """Whether a look is still to come."""
        return self.done < self.asked


def decide(command: DeliveryCommand, delivery: Delivery | None) -> Sequence[DeliveryEvent]:
    """Raises RuleViolation (`not_found`, `entry_state`)."""
    if delivery is None:
        raise RuleViolation("not_found", "There is no such delivery.")
    if not delivery.asked:
        raise RuleViolation("entry_state", "This delivery was rejected; nothing is known of it.")
    name, receipt = delivery.delivery_id, command.receipt
    match command:
        case NoteRepetition():
            if delivery.repeats >= MOST_REPEATS:
                return []
            return [WebhookDeliveryRepeated(delivery_id=name, receipt=receipt)]
        case RequestReplay(only_dead=only_dead):
            if only_dead and not delivery.dead:
                raise RuleViolation("entry_state", "This delivery did not fail for good.")
            return [WebhookDeliveryReplayRequested(delivery_id=name, receipt=receipt)]
        case FinishLook(run_id=run_id, asked=asked):
            if delivery.done >= asked:
                return []
            return [
                WebhookDeliveryProcessed(
                    delivery_id=name, receipt=receipt, run_id=run_id, asked=asked
                )
            ]
        case FailLook():
            return _failed(command, delivery)
        case _:
            assert_never(command)


def evolve(delivery: Delivery | None, event: DeliveryEvent) -> Delivery | None:
    """The delivery after `event`."""
    now = delivery or Delivery(delivery_id=event.delivery_id)
    match event:
        case WebhookDeliveryReceived() | WebhookDeliveryReplayRequested():
            return replace(now, asked=now.asked + 1, failures=0, failed_in=None)
        case WebhookDeliveryRepeated():
            return replace(now, repeats=now.repeats + 1)
        case WebhookDeliveryProcessed():
            return replace(now, done=max(now.done, event.asked), failures=0, failed_in=None)
        case WebhookDeliveryFailed():
            done = now.done if event.again_at is not None else max(now.done, event.asked)
            failures = now.failures + 1
            return replace(
                now, done=done, failures=failures, failed_in=event.run_id or now.failed_in
            )
        case WebhookDeliveryRejected():
            return now
        case _:
            assert_never(event)


DELIVERY: Decider[DeliveryCommand, Delivery | None, DeliveryEvent] = Decider(
    initial=None, decide=decide, evolve=evolve
)


def wait_after(attempts: int, *, refused: bool) -> timedelta | None:
    """How long to wait after so many failed looks; None: long enough."""
    if attempts >= (MOST_REFUSALS if refused else MOST_ATTEMPTS):
        return None
    return min(FIRST_WAIT * (1 << (attempts - 1)), LONGEST_WAIT)


def _failed(command: FailLook, delivery: Delivery) -> Sequence[DeliveryEvent]:
    failed_in = delivery.failed_in or 0
    again = command.run_id is not None and command.run_id <= failed_in  # told twice
    if again or delivery.done >= command.asked:
        return []
    attempts = delivery.failures + 1
    wait = None if command.for_good else wait_after(attempts, refused=command.refused)
    return [
        WebhookDeliveryFailed(
            delivery_id=delivery.delivery_id,
            receipt=command.receipt,
            run_id=command.run_id,
            asked=command.asked,
            attempts=attempts,
            reason=command.reason,
            message=command.message,
            again_at=None if wait is None else command.now + wait,
        )
    ]

"""What happened that somebody may want to be told of? One row per occurrence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.channel.telling import MANY_CONFLICTS, Topic
from domain.connector.events import ConnectorHealthChanged
from domain.delivery.events import WebhookDeliveryFailed, WebhookDeliveryRejected
from domain.event import Event, Recorded
from domain.sync_run.events import SyncRunCancelled, SyncRunCompleted, SyncRunFailed
from domain.time_entry.events import EntryDeadLettered
from projections.projection import Projection

NAME, VERSION = "worth_telling", 1
DOWN = ("down", "auth_failed")  # health that people must see to; `degraded` mends itself


@dataclass(frozen=True)
class Row:
    """One occurrence; `text` is a sentence of ours, without anything personal.

    `also`: it belongs to a second topic, a failed run that opened many conflicts.
    """

    position: int
    topic: str
    also: str | None
    text: str
    happened_at: datetime


def keys(recorded: Recorded[Event]) -> Sequence[int]:
    return (recorded.position,) if _occurrence(recorded.event) else ()


def project(row: Row | None, recorded: Recorded[Event]) -> Row | None:
    """The row of this event; it never changes afterwards."""
    if row is not None or (found := _occurrence(recorded.event)) is None:
        return row
    topics, text = found
    return Row(
        position=recorded.position,
        topic=topics[0],
        also=topics[1] if len(topics) > 1 else None,
        text=text,
        happened_at=recorded.recorded_at,
    )


def _occurrence(event: Event) -> tuple[Sequence[Topic], str] | None:  # noqa: PLR0911 # one per kind
    """What it is about, and one sentence on it."""
    match event:
        case SyncRunFailed(ticket_ids=(_, *_)):
            return None  # a look at some tickets: the deliveries that asked for it are told of
        case SyncRunFailed(run_id=run_id, counters=counters, error=error) if (
            counters.conflicts > MANY_CONFLICTS
        ):
            text = f"Run {run_id} failed after it had opened {counters.conflicts} conflicts"
            return (Topic.RUN_FAILED, Topic.CONFLICTS_OPENED), f"{text}: {error}"
        case SyncRunFailed(run_id=run_id, error=error):
            return (Topic.RUN_FAILED,), f"Run {run_id} failed: {error}"
        case (
            SyncRunCompleted(run_id=run_id, counters=counters)
            | SyncRunCancelled(run_id=run_id, counters=counters)
        ) if counters.conflicts > MANY_CONFLICTS:
            text = f"Run {run_id} opened {counters.conflicts} conflicts."
            return (Topic.CONFLICTS_OPENED,), text
        case ConnectorHealthChanged(connector_id=number, state=state, message=message) if (
            state in DOWN
        ):
            what = "does not answer" if state == "down" else "refuses its token"
            said = f" {message}" if message else ""
            return (Topic.CONNECTOR_DOWN,), f"Connector {number} {what}.{said}"
        case EntryDeadLettered(entry_id=number, attempts=attempts, reason=reason):
            text = f"Entry {number} was given up after {attempts} attempts ({reason.value})."
            return (Topic.DEAD_LETTER,), text
        case WebhookDeliveryFailed(attempts=attempts, reason=reason, again_at=None):
            text = f"A webhook delivery was given up after {attempts} looks ({reason})."
            return (Topic.DEAD_LETTER,), text
        case WebhookDeliveryRejected():
            return (Topic.WEBHOOK_REJECTED,), "A webhook delivery was rejected."
        case _:
            return None


PROJECTION = Projection(
    name=NAME,
    version=VERSION,
    row=Row,
    key="position",
    events=frozenset(
        {
            SyncRunFailed,
            SyncRunCompleted,
            SyncRunCancelled,
            ConnectorHealthChanged,
            EntryDeadLettered,
            WebhookDeliveryFailed,
            WebhookDeliveryRejected,
        }
    ),
    keys=keys,
    project=project,
)

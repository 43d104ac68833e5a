"""What happened that somebody may want to be told of? One row per occurrence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.catalogue import ALL
from domain.channel.telling import MANY_CONFLICTS, Topic
from domain.connector.events import ConnectorHealthChanged
from domain.event import Event, Recorded
from domain.sync_run.events import SyncRunCancelled, SyncRunCompleted, SyncRunFailed
from domain.time_entry.events import EntryDeadLettered
from projections.projection import Projection

NAME, VERSION = "worth_telling", 1
DOWN = ("down", "auth_failed")  # health that people must see to; `degraded` mends itself
# Known by its name: where no webhook is received, there is no such event.
REJECTED = "WebhookDeliveryRejected"
_REJECTIONS = tuple(kind for kind in ALL if kind.TYPE == REJECTED)


@dataclass(frozen=True)
class Row:
    """One occurrence; `text` is a sentence of ours, without anything personal."""

    position: int
    topic: str
    text: str
    happened_at: datetime


def keys(recorded: Recorded[Event]) -> Sequence[int]:
    return (recorded.position,) if _occurrences(recorded.event) else ()


def project(row: Row | None, recorded: Recorded[Event]) -> Row | None:
    """The row of this event; it never changes afterwards.

    A failed run that also opened many conflicts is told as failed.
    """
    if row is not None:
        return row
    for topic, text in _occurrences(recorded.event).items():
        return Row(
            position=recorded.position,
            topic=topic,
            text=text,
            happened_at=recorded.recorded_at,
        )
    return None


def _occurrences(event: Event) -> Mapping[Topic, str]:
    match event:
        case SyncRunFailed(run_id=run_id, error=error):
            return {Topic.RUN_FAILED: f"Run {run_id} failed: {error}"}
        case (
            SyncRunCompleted(run_id=run_id, counters=counters)
            | SyncRunCancelled(run_id=run_id, counters=counters)
        ) if counters.conflicts > MANY_CONFLICTS:
            text = f"Run {run_id} opened {counters.conflicts} conflicts."
            return {Topic.CONFLICTS_OPENED: text}
        case ConnectorHealthChanged(connector_id=number, state=state, message=message) if (
            state in DOWN
        ):
            what = "does not answer" if state == "down" else "refuses its token"
            said = f" {message}" if message else ""
            return {Topic.CONNECTOR_DOWN: f"Connector {number} {what}.{said}"}
        case EntryDeadLettered(entry_id=number, attempts=attempts, reason=reason):
            text = f"Entry {number} was given up after {attempts} attempts ({reason.value})."
            return {Topic.DEAD_LETTER: text}
        case _ if isinstance(event, _REJECTIONS):
            return {Topic.WEBHOOK_REJECTED: "A webhook delivery was rejected."}
        case _:
            return {}


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
            *_REJECTIONS,
        }
    ),
    keys=keys,
    project=project,
)

"""What a channel is told, and when: one message for many occurrences, never a flood.

The first occurrence of a topic is told at once. For ten minutes from then on that topic is
silent for that channel; what happened meanwhile is one message with a count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

WINDOW = timedelta(minutes=10)
MOST_FAILURES = 6  # messages in vain, over five hours, before only news make another one
MOST_DOUBLED = 4  # times that the silence after a failure is doubled: 160 minutes at most
MANY_CONFLICTS = 10  # a run that opens more of them is told of (contract, section 9)
SHOWN = 3  # occurrences that a message names; the others are counted
LONGEST = 300  # characters of one of them
TEST = "test"  # the topic of a message that only tries a channel


class Topic(StrEnum):
    """What channels may want to be told of."""

    RUN_FAILED = "run_failed"
    CONFLICTS_OPENED = "conflicts_opened"
    CONNECTOR_DOWN = "connector_down"
    DEAD_LETTER = "dead_letter"
    WEBHOOK_REJECTED = "webhook_rejected"


# Topics that the schedule's `notifications` must be on for.
OF_RUNS = (Topic.RUN_FAILED, Topic.CONFLICTS_OPENED)
# For one, and for so many.
TITLES: dict[Topic, tuple[str, str]] = {
    Topic.RUN_FAILED: ("A run failed", "{count} runs failed"),
    Topic.CONFLICTS_OPENED: (
        "A run opened many conflicts",
        "{count} runs opened many conflicts",
    ),
    Topic.CONNECTOR_DOWN: ("A connector is down", "Connectors went down {count} times"),
    Topic.DEAD_LETTER: (
        "An entry or a delivery was given up",
        "{count} entries or deliveries were given up",
    ),
    Topic.WEBHOOK_REJECTED: (
        "A webhook delivery was rejected",
        "{count} webhook deliveries were rejected",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How far one channel was told of one topic.

    `told_to` is the position up to which it knows everything, or from which on it wants to.
    `tried_to` is that of the newest message that could not be delivered, and `failures` how many
    there were since one was; `last_at` is the instant of the newest message, delivered or not.
    """

    told_to: int
    tried_to: int = 0
    failures: int = 0
    last_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Untold:
    """What happened since: how often, the newest position, and the newest texts, newest first."""

    count: int
    newest: int
    since: datetime
    texts: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Message:
    title: str
    body: str


def due_at(standing: Standing, untold: Untold, now: datetime) -> datetime | None:
    """When the channel is to be told; None when there is nothing, or it was tried in vain enough.

    What could not be delivered is tried again ever more seldom. Once that is given up, the next
    occurrence takes it along.
    """
    if untold.count == 0 or untold.newest <= standing.told_to:
        return None
    if untold.newest <= standing.tried_to and standing.failures >= MOST_FAILURES:
        return None
    if standing.last_at is None:
        return now
    doubled = min(max(standing.failures - 1, 0), MOST_DOUBLED)
    return max(now, standing.last_at + WINDOW * (1 << doubled))


def message(topic: Topic, untold: Untold) -> Message:
    """One message for all of it."""
    one, many = TITLES[topic]
    title = one if untold.count == 1 else many.format(count=untold.count)
    lines = [_short(text) for text in untold.texts[:SHOWN]]
    if untold.count > len(lines):
        since = f"{untold.since:%Y-%m-%d %H:%M} UTC"
        lines.append(f"{untold.count} in all since {since}; these are the newest.")
    return Message(title=f"Timeledger: {title}", body="\n".join(lines))


def trial(name: str) -> Message:
    """What a test sends."""
    text = f"This is a test of the channel {name}. If you can read it, the channel works."
    return Message(title="Timeledger: test message", body=text)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"

"""Who wants to be told of what, and how far are they? One row per channel (`contract.md`, 9)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never, get_args

from domain.channel.events import (
    ChannelAdded,
    ChannelChanged,
    ChannelEvent,
    ChannelRemoved,
    NotificationFailed,
    NotificationSent,
)
from domain.channel.telling import TEST, Standing
from domain.event import Recorded
from projections.projection import Projection

NAME, VERSION = "channels", 1
MASK = "********"  # stands for the address, which holds a secret
DELIVERED = "Delivered."


@dataclass(frozen=True)
class Result:
    """What became of the newest message."""

    ok: bool
    message: str
    topic: str
    at: datetime


@dataclass(frozen=True)
class Told:
    """See `domain.channel.telling.Standing`."""

    told_to: int
    tried_to: int = 0
    failures: int = 0
    last_at: datetime | None = None


@dataclass(frozen=True)
class Facts:
    """`told` has every topic that it wants to be told of, or once wanted to."""

    told: dict[str, Told] = field(default_factory=dict)
    last_result: Result | None = None


@dataclass(frozen=True)
class Row:
    """One channel, without its address. `version` does not count messages."""

    channel_id: int
    position: int
    version: int
    name: str
    kind: str
    events: tuple[str, ...]
    is_active: bool
    facts: Facts
    created_at: datetime
    updated_at: datetime


def keys(recorded: Recorded[ChannelEvent]) -> Sequence[int]:
    return (recorded.event.channel_id,)


def project(row: Row | None, recorded: Recorded[ChannelEvent]) -> Row | None:
    """The channel after the event; None once it is removed."""
    match event := recorded.event:
        case ChannelAdded():
            return Row(
                channel_id=event.channel_id,
                position=recorded.position,
                version=recorded.version,
                name=event.name,
                kind=event.kind,
                events=event.events,
                is_active=event.is_active,
                facts=Facts(told=_from_now_on(event.events, recorded.position)),
                created_at=recorded.recorded_at,
                updated_at=recorded.recorded_at,
            )
        case ChannelChanged():
            return row and _changed(row, event, recorded)
        case ChannelRemoved():
            return None
        case NotificationSent() | NotificationFailed():
            return row and _told(row, event, recorded)
        case _:
            assert_never(event)


def _changed(row: Row, event: ChannelChanged, recorded: Recorded[ChannelEvent]) -> Row:
    """What it newly wants is told from now on; with another address old messages are due again."""
    fresh = event.events if event.is_active and not row.is_active else ()
    added = [topic for topic in event.events if topic not in row.events or topic in fresh]
    told = {**row.facts.told, **_from_now_on(added, recorded.position)}
    if any(change.field == "url" for change in event.changes):
        told = {
            topic: replace(one, tried_to=0, failures=0, last_at=None) for topic, one in told.items()
        }
    return replace(
        row,
        position=recorded.position,
        version=recorded.version,
        name=event.name,
        kind=event.kind,
        events=event.events,
        is_active=event.is_active,
        facts=replace(row.facts, told=told),
        updated_at=recorded.recorded_at,
    )


def _told(
    row: Row, event: NotificationSent | NotificationFailed, recorded: Recorded[ChannelEvent]
) -> Row:
    ok = isinstance(event, NotificationSent)
    text = DELIVERED if isinstance(event, NotificationSent) else event.reason
    result = Result(ok=ok, message=text, topic=event.topic, at=recorded.occurred_at)
    told, at = row.facts.told, recorded.occurred_at  # of the clock that says when it is due
    if event.topic != TEST:
        before = told.get(event.topic, Told(told_to=0))
        after = (
            replace(before, told_to=event.up_to, failures=0, last_at=at)
            if ok
            else replace(before, tried_to=event.up_to, failures=before.failures + 1, last_at=at)
        )
        told = {**told, event.topic: after}
    return replace(
        row, position=recorded.position, facts=replace(row.facts, told=told, last_result=result)
    )


def _from_now_on(topics: Sequence[str], position: int) -> dict[str, Told]:
    return {topic: Told(told_to=position) for topic in topics}


def standing(row: Row, topic: str) -> Standing:
    """How far the channel was told of the topic."""
    told = row.facts.told.get(topic, Told(told_to=row.position))
    return Standing(
        told_to=told.told_to,
        tried_to=told.tried_to,
        failures=told.failures,
        last_at=told.last_at,
    )


def shown(row: Row) -> Mapping[str, object]:
    """The contract's Channel."""
    result = row.facts.last_result
    return {
        "id": row.channel_id,
        "name": row.name,
        "url": MASK,
        "kind": row.kind,
        "events": list(row.events),
        "is_active": row.is_active,
        "last_result": result
        and {
            "ok": result.ok,
            "message": result.message,
            "event": result.topic,
            "at": result.at,
        },
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "version": row.version,
    }


PROJECTION = Projection(
    name=NAME,
    version=VERSION,
    row=Row,
    key="channel_id",
    events=frozenset(get_args(ChannelEvent)),
    keys=keys,
    project=project,
)

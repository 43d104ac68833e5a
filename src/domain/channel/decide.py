"""The rules of a channel: its name is unique, and its address is known by a fingerprint only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from domain.change import Change, FieldValue
from domain.channel.events import (
    ChannelAdded,
    ChannelChanged,
    ChannelEvent,
    ChannelRemoved,
    NotificationFailed,
    NotificationSent,
)
from domain.errors import RuleViolation
from domain.event import Decider
from domain.ids import ChannelId
from domain.numbering import NumberTaken
from domain.versions import require_version

MASK = "********"  # an address changed; never what it was or is


@dataclass(frozen=True, kw_only=True)
class AddChannel:
    channel_id: ChannelId
    name: str
    kind: str
    events: tuple[str, ...]
    is_active: bool
    address_fingerprint: str


@dataclass(frozen=True, kw_only=True)
class ChangeChannel:
    """`fields` replace those of the channel; `expected` is the version the asker saw, or None."""

    fields: Mapping[str, object]
    expected: int | None = None


@dataclass(frozen=True, kw_only=True)
class RemoveChannel:
    expected: int | None = None


ChannelCommand = AddChannel | ChangeChannel | RemoveChannel


@dataclass(frozen=True, kw_only=True)
class Channel:
    """What a channel is now. `revision` is the version that clients see and send back."""

    channel_id: ChannelId
    name: str
    kind: str
    events: tuple[str, ...]
    is_active: bool
    address_fingerprint: str
    removed: bool = False
    version: int = 1
    revision: int = 1


def decide(command: ChannelCommand, channel: Channel | None) -> Sequence[ChannelEvent]:
    """Raises RuleViolation (`not_found`, `stale_version`)."""
    if isinstance(command, AddChannel):
        if channel is not None:
            raise NumberTaken(f"channel {command.channel_id} exists")
        return [ChannelAdded(**vars(command))]
    if channel is None or channel.removed:
        raise RuleViolation("not_found", "There is no such channel.")
    require_version(f"Channel {channel.channel_id}", channel.revision, command.expected)
    match command:
        case ChangeChannel(fields=fields):
            return _changed(channel, replace(channel, **fields))  # type: ignore[arg-type] # names are the route's
        case RemoveChannel():
            return [ChannelRemoved(channel_id=channel.channel_id)]
        case _:
            assert_never(command)


def evolve(channel: Channel | None, event: ChannelEvent) -> Channel | None:
    """The channel after `event`."""
    if isinstance(event, ChannelAdded):
        return Channel(**{name: getattr(event, name) for name in VALUES})
    if channel is None:
        return None
    version = channel.version + 1
    match event:
        case ChannelChanged():
            values = {name: getattr(event, name) for name in VALUES}
            return replace(channel, **values, version=version, revision=version)
        case ChannelRemoved():
            return replace(channel, removed=True, version=version, revision=version)
        case NotificationSent() | NotificationFailed():
            return replace(channel, version=version)
        case _:
            assert_never(event)


def holds(channel: Channel | None) -> frozenset[str]:
    """Its name, as long as it is there."""
    if channel is None or channel.removed:
        return frozenset()
    return frozenset({f"channel-name:{channel.name.casefold()}"})


VALUES = ("channel_id", "name", "kind", "events", "is_active", "address_fingerprint")
CHANNEL: Decider[ChannelCommand, Channel | None, ChannelEvent] = Decider(
    initial=None, decide=decide, evolve=evolve
)


def _changed(old: Channel, new: Channel) -> Sequence[ChannelEvent]:
    changes = [
        Change(field=name, old=_told(getattr(old, name)), new=_told(getattr(new, name)))
        for name in ("name", "kind", "events", "is_active")
        if getattr(old, name) != getattr(new, name)
    ]
    if old.address_fingerprint != new.address_fingerprint:
        changes.append(Change(field="url", old=MASK, new=MASK))
    if not changes:
        return []
    values = {name: getattr(new, name) for name in VALUES}
    return [ChannelChanged(**values, changes=tuple(changes))]


def _told(value: str | bool | tuple[str, ...]) -> FieldValue:
    return ", ".join(value) if isinstance(value, tuple) else value

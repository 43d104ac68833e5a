"""Where people want to be told of trouble. Stream `channel-<id>`; `contract.md`, sections 9, 17.

No event carries an address, which holds a secret: a fingerprint names the stored ciphertext, and
`kind` is the scheme of the address. The `version` that clients see is the stream version at the
last event that is not about a message: telling something does not change the channel.
"""

from dataclasses import dataclass
from typing import ClassVar

from domain.change import Change
from domain.ids import ChannelId


@dataclass(frozen=True, kw_only=True)
class ChannelAdded:
    """`events` are what it wants to be told of: words of `domain.channel.telling.Topic`."""

    TYPE: ClassVar = "ChannelAdded"
    SCHEMA: ClassVar = 1

    channel_id: ChannelId
    name: str
    kind: str
    events: tuple[str, ...]
    is_active: bool
    address_fingerprint: str


@dataclass(frozen=True, kw_only=True)
class ChannelChanged:
    """The whole of what it is now; `changes` says which fields differ from before."""

    TYPE: ClassVar = "ChannelChanged"
    SCHEMA: ClassVar = 1

    channel_id: ChannelId
    name: str
    kind: str
    events: tuple[str, ...]
    is_active: bool
    address_fingerprint: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, kw_only=True)
class ChannelRemoved:
    """It is told nothing more, and its address is destroyed."""

    TYPE: ClassVar = "ChannelRemoved"
    SCHEMA: ClassVar = 1

    channel_id: ChannelId


@dataclass(frozen=True, kw_only=True)
class NotificationSent:
    """The service behind the channel took a message about `topic`, or a test of it.

    The message was about `count` occurrences, all there were up to position `up_to`.
    """

    TYPE: ClassVar = "NotificationSent"
    SCHEMA: ClassVar = 1

    channel_id: ChannelId
    topic: str
    count: int
    up_to: int


@dataclass(frozen=True, kw_only=True)
class NotificationFailed:
    """It did not, in `attempts` attempts; the next message tells of these occurrences, too.

    `reason` is ours: it holds neither the address nor what anybody answered.
    """

    TYPE: ClassVar = "NotificationFailed"
    SCHEMA: ClassVar = 1

    channel_id: ChannelId
    topic: str
    count: int
    up_to: int
    attempts: int
    reason: str


ChannelEvent = (
    ChannelAdded | ChannelChanged | ChannelRemoved | NotificationSent | NotificationFailed
)

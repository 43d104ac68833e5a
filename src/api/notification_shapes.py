"""Channels as answers show them: contract, section 9."""

from datetime import datetime
from typing import Literal

from api.bodies import Answer

Topic = Literal[
    "run_failed", "conflicts_opened", "connector_down", "dead_letter", "webhook_rejected"
]


class ChannelResult(Answer):
    """What became of the newest message, about an event or a test."""

    ok: bool
    message: str
    event: str
    at: datetime


class ChannelOut(Answer):
    """A channel; `url` is always masked, `kind` is its scheme."""

    id: int
    name: str
    url: str
    kind: str
    events: list[Topic]
    is_active: bool
    last_result: ChannelResult | None = None
    created_at: datetime
    updated_at: datetime
    version: int


class ChannelTest(Answer):
    ok: bool
    message: str

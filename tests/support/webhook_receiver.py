"""A real HTTP server that receives webhooks and answers as a test tells it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from tests.support.zammad_world import Switchboard


@dataclass(frozen=True)
class Delivery:
    """One request as it came."""

    method: str
    headers: dict[str, str]
    body: bytes

    @property
    def payload(self) -> dict[str, Any]:
        """The body as JSON."""
        decoded: dict[str, Any] = msgspec.json.decode(self.body)
        return decoded


@dataclass
class Receiver:
    """Remembers deliveries; `answers` are statuses given in turn, then 200."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    before_answer: Callable[[Delivery], None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one request."""
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {k.decode().lower(): v.decode() for k, v in scope["headers"]}
        delivery = Delivery(scope["method"], headers, body)
        self.deliveries.append(delivery)
        if self.before_answer is not None:
            self.before_answer(delivery)
        status = self.answers.pop(0) if self.answers else 200
        extra = [(b"location", b"/elsewhere")] if 300 <= status < 400 else []
        await send({"type": "http.response.start", "status": status, "headers": extra})
        await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def receiving(board: Switchboard) -> AsyncIterator[Receiver]:
    """A receiver, plugged into a switchboard of its own."""
    receiver = Receiver(url=f"{board.url}/hook")
    board.app = receiver
    yield receiver
    board.app = None

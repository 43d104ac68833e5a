"""One listener of the live stream: what waits to be sent to it, and the answer that sends it."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.tokens import Claims

MOST_QUEUED = 1 << 20  # bytes that may wait for a listener that is slower than the log
BEGIN = b"retry: 3000\n\n"  # milliseconds after which a browser comes back


class Told(Protocol):
    """A frame as it is sent."""

    @property
    def kind(self) -> str: ...
    @property
    def data(self) -> bytes: ...


class Listener:
    """The queue of one open stream. `kinds` None: every kind of frame."""

    def __init__(self, claims: Claims, kinds: frozenset[str] | None) -> None:
        self.claims = claims
        self.kinds = kinds
        self.checked_at = asyncio.get_running_loop().time()
        self._chunks: deque[tuple[bytes, int]] = deque([(BEGIN, 0)])  # and what counts of each
        self._size = 0
        self._ready = asyncio.Event()
        self._ready.set()
        self._ended = False
        self._overdue: asyncio.TimerHandle | None = None
        self.abort: Callable[[], object] | None = None  # lets go of a connection that takes nothing

    def chosen(self, frames: Iterable[Told]) -> bytes:
        """Those of the frames that it wants, as one chunk."""
        return b"".join(
            frame.data for frame in frames if self.kinds is None or frame.kind in self.kinds
        )

    def begin(self, chunk: bytes) -> None:
        """What it has missed; that is bounded by what is kept, not by the queue."""
        self._chunks.append((chunk, 0))
        self._ready.set()

    def offer(self, chunk: bytes) -> bool:
        """Whether it could still take the chunk."""
        if self._ended:
            return True
        if self._size + len(chunk) > MOST_QUEUED:
            return False
        self._chunks.append((chunk, len(chunk)))
        self._size += len(chunk)
        self._ready.set()
        return True

    def end(self, last: bytes = b"", *, within: float | None = None) -> None:
        """Send it `last` instead of what waits, and end; it gets `within` seconds to take that."""
        self._chunks.clear()
        self._size = 0
        if last:
            self._chunks.append((last, 0))
        self._ended = True
        self._ready.set()
        if within is not None and self._overdue is None:
            loop = asyncio.get_running_loop()
            self._overdue = loop.call_later(within, self._give_up)

    def closed(self) -> None:
        """The connection is gone."""
        if self._overdue is not None:
            self._overdue.cancel()

    async def next(self) -> bytes | None:
        """The next chunk to send, None at the end."""
        while not self._chunks:
            if self._ended:
                return None
            self._ready.clear()
            await self._ready.wait()
        chunk, size = self._chunks.popleft()
        self._size -= size
        return chunk

    def _give_up(self) -> None:
        if self.abort is not None:
            self.abort()


class Feeding(Protocol):
    """Who feeds listeners."""

    async def join(self, listener: Listener, after: int | None) -> None: ...
    def leave(self, listener: Listener) -> None: ...


class EventStream(Response):
    """Sends what the listener is fed until it ends, or the other side goes."""

    media_type = "text/event-stream"

    def __init__(
        self,
        hub: Feeding | None = None,
        listener: Listener | None = None,
        after: int | None = None,
    ) -> None:
        self._hub, self._listener, self._after = hub, listener, after
        self.status_code = 200
        self.background = None
        # A proxy must hand on each frame as it comes.
        self.init_headers({"X-Accel-Buffering": "no", "Cache-Control": "no-store"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 # ASGI
        assert self._hub is not None  # only the schema makes one without
        assert self._listener is not None
        hub, listener = self._hub, self._listener
        await hub.join(listener, self._after)
        try:
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
            writing = asyncio.ensure_future(_written(listener, send))
            gone = asyncio.ensure_future(_gone(receive))
            listener.abort = writing.cancel
            try:
                await asyncio.wait({writing, gone}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                writing.cancel()
                gone.cancel()
                await asyncio.wait({writing, gone})
        finally:
            hub.leave(listener)
            listener.closed()


async def _written(listener: Listener, send: Callable[..., Awaitable[None]]) -> None:
    while (chunk := await listener.next()) is not None:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

"""One HTTP/1.1 connection: h11 on an asyncio stream.

A request leaves in one piece, and nothing is awaited but the peer: with small requests a second
system call, or a turn of a busy loop, costs as much as everything else together. Time limits are
the caller's: `PeerHttp` bounds the whole exchange, so only connecting is limited here. Errors are
httpx's, raised from what caused them.
"""

import asyncio
import contextlib
import select
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import h11
import httpx

LIMIT = 256 * 1024  # bytes read ahead
PIECE = 64 * 1024  # bytes per read
LONGEST_HEAD = 100 * 1024  # bytes of status line and headers


class _Reader(asyncio.StreamReader):
    """Knows how much came: what nobody asked for must not be taken for the next answer."""

    fed = 0

    def feed_data(self, data: Any) -> None:
        self.fed += len(data)
        super().feed_data(data)


class Connection:
    """Carries one request after another; `idle_since` is the loop's time of the last answer."""

    def __init__(self, reader: _Reader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._read = 0
        self._writer = writer
        self._state = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_HEAD)
        self.idle_since = 0.0

    @classmethod
    async def open(
        cls, url: httpx.URL, tls: ssl.SSLContext | None, *, within: float | None
    ) -> "Connection":
        """Connect to the origin of `url` in at most `within` seconds.

        Raises:
            httpx.ConnectError, httpx.ConnectTimeout: nothing was sent.
        """
        port = url.port or (443 if tls else 80)
        loop = asyncio.get_running_loop()
        reader = _Reader(limit=LIMIT)
        try:
            async with asyncio.timeout(within):
                transport, protocol = await loop.create_connection(
                    lambda: asyncio.StreamReaderProtocol(reader),
                    url.raw_host.decode("ascii"),
                    port,
                    ssl=tls,
                )
        except TimeoutError as error:  # an OSError, hence the order
            raise httpx.ConnectTimeout(type(error).__name__) from error
        except (OSError, ssl.SSLError) as error:
            raise httpx.ConnectError(type(error).__name__) from error
        return cls(reader, asyncio.StreamWriter(transport, protocol, reader, loop))

    async def exchange(
        self, request: httpx.Request, done: Callable[["Connection"], None]
    ) -> httpx.Response:
        """Send the request and read the head of its answer; `done` is called after its body.

        Raises:
            httpx.LocalProtocolError: not sent, no peer could read it.
            httpx.ReadError, httpx.RemoteProtocolError: sent, and the answer is none.
        """
        content = request.read()
        with _as_httpx():
            head = h11.Request(
                method=request.method, target=request.url.raw_path, headers=request.headers.raw
            )
            pieces = [self._state.send(head)]
            if content:
                pieces.append(self._state.send(h11.Data(data=content)))
            pieces.append(self._state.send(h11.EndOfMessage()))
            # A peer may answer and close before it has read everything; its answer still counts.
            with contextlib.suppress(OSError):
                self._writer.write(b"".join(piece for piece in pieces if piece))
                await self._writer.drain()
            event = await self._next()
            while isinstance(event, h11.InformationalResponse):
                event = await self._next()
            if not isinstance(event, h11.Response):
                raise httpx.RemoteProtocolError("closed without an answer")
        return httpx.Response(
            event.status_code,
            headers=event.headers.raw_items(),
            stream=_Body(self, done),
            request=request,
        )

    async def body(self) -> AsyncIterator[bytes]:
        """The body of the present answer, piece by piece."""
        with _as_httpx():
            while isinstance(event := await self._next(), h11.Data):
                yield bytes(event.data)
        at_its_end = self._state.states == _BOTH_DONE and not self._state.trailing_data[0]
        if isinstance(event, h11.EndOfMessage) and at_its_end:
            self._state.start_next_cycle()
            self.idle_since = asyncio.get_running_loop().time()

    async def _next(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        while (event := self._state.next_event()) is h11.NEED_DATA:
            piece = await self._reader.read(PIECE)
            self._read += len(piece)
            self._state.receive_data(piece)
        if event is h11.PAUSED:  # switched to another protocol, which nobody asked for
            raise httpx.RemoteProtocolError("switched protocols")
        return event

    @property
    def complete(self) -> bool:
        """Whether the last answer was read to its end, and both sides would go on."""
        return self._state.states == _BOTH_IDLE

    @property
    def alive(self) -> bool:
        """Whether nobody has hung up, nor said anything unasked."""
        if self._reader.at_eof() or self._writer.is_closing():
            return False
        return self._reader.fed == self._read and not self._has_input()

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(OSError, RuntimeError):
            self._writer.close()

    def _has_input(self) -> bool:
        """On an idle connection that means that the peer has closed it, or is about to fail."""
        sock = self._writer.get_extra_info("socket")
        if sock is None or sock.fileno() < 0:
            return True
        if not hasattr(select, "poll"):  # Windows, whose select has no limit on descriptors
            return bool(select.select([sock.fileno()], [], [], 0)[0])
        poll = select.poll()
        poll.register(sock.fileno(), select.POLLIN)
        return bool(poll.poll(0))


class _Body(httpx.AsyncByteStream):
    def __init__(self, connection: Connection, done: Callable[[Connection], None]) -> None:
        self._connection = connection
        self._done: Callable[[Connection], None] | None = done

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._connection.body():
            yield piece

    async def aclose(self) -> None:
        done, self._done = self._done, None
        if done is not None:
            done(self._connection)


_BOTH_IDLE = {h11.CLIENT: h11.IDLE, h11.SERVER: h11.IDLE}
_BOTH_DONE = {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}


@contextlib.contextmanager
def _as_httpx() -> Iterator[None]:
    try:
        yield
    except h11.RemoteProtocolError as error:
        raise httpx.RemoteProtocolError(str(error)) from error
    except h11.LocalProtocolError as error:
        raise httpx.LocalProtocolError(str(error)) from error
    except (OSError, ssl.SSLError) as error:
        raise httpx.ReadError(type(error).__name__) from error

"""TCP and TLS for httpcore straight on asyncio, sending a request in one piece.

httpcore hands over headers and body separately and through anyio; with small requests the second
system call and the layer in between cost as much as everything else together. Here a write waits
until the answer is read, which in HTTP/1.1 is when the request is complete. Time limits are the
caller's: `PeerHttp` bounds the whole exchange, so only connecting is limited here.
"""

import asyncio
import contextlib
import select
import ssl
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore

LIMIT = 256 * 1024  # bytes read ahead per connection


class AsyncioBackend(httpcore.AsyncNetworkBackend):
    """Opens TCP connections in the running asyncio loop."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        del local_address, socket_options  # nobody sets them here
        with _failing_as(httpcore.ConnectError, httpcore.ConnectTimeout):
            async with asyncio.timeout(timeout):
                reader, writer = await asyncio.open_connection(host, port, limit=LIMIT)
        return AsyncioStream(reader, writer)


class AsyncioStream(httpcore.AsyncNetworkStream):
    """One connection; what is written leaves with the next read."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._waiting: list[bytes] = []

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109  httpcore's signature
        del timeout
        self._waiting.append(buffer)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109  httpcore's signature
        del timeout
        if self._waiting:
            request, self._waiting = b"".join(self._waiting), []
            # A peer may answer and close before it has read everything; its answer still counts.
            with contextlib.suppress(OSError):
                self._writer.write(request)
                await self._writer.drain()
        with _failing_as(httpcore.ReadError, httpcore.ReadTimeout):
            return await self._reader.read(max_bytes)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        try:
            with _failing_as(httpcore.ConnectError, httpcore.ConnectTimeout):
                async with asyncio.timeout(timeout):
                    await self._writer.start_tls(ssl_context, server_hostname=server_hostname)
        except BaseException:
            await self.aclose()
            raise
        return self

    async def aclose(self) -> None:
        self._waiting.clear()
        with contextlib.suppress(OSError, RuntimeError):
            self._writer.close()

    def get_extra_info(self, info: str) -> Any:
        """`is_readable` on an idle connection means that the peer has closed it."""
        if info != "is_readable":
            return self._writer.get_extra_info(info)
        return self._reader.at_eof() or self._writer.is_closing() or self._has_input()

    def _has_input(self) -> bool:
        sock = self._writer.get_extra_info("socket")
        if sock is None or sock.fileno() < 0:
            return True
        if not hasattr(select, "poll"):  # Windows, whose select has no limit on descriptors
            return bool(select.select([sock.fileno()], [], [], 0)[0])
        poll = select.poll()
        poll.register(sock.fileno(), select.POLLIN)
        return bool(poll.poll(0))


@contextlib.contextmanager
def _failing_as(error: type[Exception], timed_out: type[Exception]) -> Iterator[None]:
    """System errors as httpcore's. TimeoutError is an OSError, hence the order."""
    try:
        yield
    except TimeoutError as cause:
        raise timed_out(type(cause).__name__) from cause
    except (OSError, ssl.SSLError) as cause:
        raise error(type(cause).__name__) from cause

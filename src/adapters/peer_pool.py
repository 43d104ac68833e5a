"""httpx on plain httpcore connections, for one origin and few requests at a time.

httpcore's pool serves many origins and both HTTP versions; its bookkeeping is about a third of a
small request's cost. `PeerHttp` already limits how many requests run, so a stack of idle
connections is pool enough: the newest is reused first, and one that the peer closed or that
waited too long is dropped before it carries a request.
"""

import contextlib
from collections.abc import AsyncIterable, AsyncIterator, Iterator

import httpcore
import httpx

from adapters.peer_stream import AsyncioBackend


class OriginTransport(httpx.AsyncBaseTransport):
    """A transport that talks to one origin only, over HTTP/1.1."""

    def __init__(self, base_url: httpx.URL, *, reuse_seconds: float) -> None:
        self._origin = httpcore.URL(
            scheme=base_url.raw_scheme,
            host=base_url.raw_host,
            port=base_url.port,
            target=b"/",
        ).origin
        self._tls = httpx.create_ssl_context() if base_url.scheme == "https" else None
        self._reuse_seconds = reuse_seconds
        self._network = AsyncioBackend()
        self._idle: list[httpcore.AsyncHTTPConnection] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        sent = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        connection = await self._connection()
        try:
            with _as_httpx():
                answer = await connection.handle_async_request(sent)
        except BaseException:
            await connection.aclose()
            raise
        assert isinstance(answer.stream, AsyncIterable)
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(self, connection, answer.stream),
            extensions=answer.extensions,
        )

    async def _connection(self) -> httpcore.AsyncHTTPConnection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.has_expired():
                return connection
            await connection.aclose()
        return httpcore.AsyncHTTPConnection(
            self._origin,
            ssl_context=self._tls,
            keepalive_expiry=self._reuse_seconds,
            network_backend=self._network,
        )

    async def give_back(self, connection: httpcore.AsyncHTTPConnection) -> None:
        """Keep a connection whose answer was read to its end, close any other."""
        if connection.is_idle():
            self._idle.append(connection)
        else:
            await connection.aclose()

    async def aclose(self) -> None:
        while self._idle:
            await self._idle.pop().aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(
        self,
        owner: OriginTransport,
        connection: httpcore.AsyncHTTPConnection,
        stream: AsyncIterable[bytes],
    ) -> None:
        self._owner = owner
        self._connection: httpcore.AsyncHTTPConnection | None = connection
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx():
            async for chunk in self._stream:
                yield chunk

    async def aclose(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if isinstance(self._stream, httpx.AsyncByteStream) or hasattr(self._stream, "aclose"):
            await self._stream.aclose()
        await self._owner.give_back(connection)


@contextlib.contextmanager
def _as_httpx() -> Iterator[None]:
    """Httpcore's errors as httpx's, which carry the same names."""
    try:
        yield
    except _ERRORS as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error


_ERRORS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)

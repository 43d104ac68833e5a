"""httpx on our own connections, for one origin and few requests at a time.

A general pool serves many origins and both HTTP versions; its bookkeeping costs as much as a
small request itself. `PeerHttp` already limits how many requests run, so a stack of idle
connections is pool enough: the newest is reused first, and one that the peer closed or that
waited too long is dropped before it carries a request.
"""

import asyncio

import httpx

from adapters.peer_connection import Connection


class OriginTransport(httpx.AsyncBaseTransport):
    """A transport that talks to one origin only, over HTTP/1.1."""

    def __init__(self, base_url: httpx.URL, *, reuse_seconds: float) -> None:
        self._base = base_url
        self._tls = httpx.create_ssl_context() if base_url.scheme == "https" else None
        self._reuse_seconds = reuse_seconds
        self._idle: list[Connection] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        connection = self._kept()
        if connection is None:
            within = request.extensions["timeout"]["connect"]
            connection = await Connection.open(self._base, self._tls, within=within)
        try:
            return await connection.exchange(request, self._give_back)
        except BaseException:
            connection.close()
            raise

    def _kept(self) -> Connection | None:
        too_old = asyncio.get_running_loop().time() - self._reuse_seconds
        while self._idle:
            connection = self._idle.pop()
            if connection.idle_since > too_old and connection.alive:
                return connection
            connection.close()
        return None

    def _give_back(self, connection: Connection) -> None:
        if connection.complete:
            self._idle.append(connection)
        else:
            connection.close()

    async def aclose(self) -> None:
        while self._idle:
            self._idle.pop().close()

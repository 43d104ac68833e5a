"""Run a sandbox peer on a real TCP port, in this event loop or blocking."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from adapters.sandbox.control.failing import ABORT

KEEP_ALIVE = 75  # seconds, as nginx: closing sooner makes idle pools lose their next request
BACKLOG = 512  # waiting connections; a burst of parallel clients must not be refused
_LINGER_RESET = struct.pack("ii", 1, 0)  # close() sends RST instead of FIN


class PortTaken(OSError):
    """Another program listens on the port; the message names it."""


class AbortableProtocol(HttpToolsProtocol):
    """HTTP/1.1 that lets an app reset its own connection, for the fault layer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        inner = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("extensions", {})[ABORT] = {"call": self._abort}
            await inner(scope, receive, send)

        self.app = app

    def _abort(self) -> None:
        if self.transport.is_closing():
            return  # the client was quicker; its socket may be gone
        raw = self.transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
        self.transport.abort()


class _Server(uvicorn.Server):
    """Leaves signals to the program it runs in."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


def bound(host: str, port: int) -> socket.socket:
    """A listening socket on `host:port` (port 0: any free one).

    Raises:
        PortTaken: the port is in use.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's delay off only for sockets that name their protocol: 40 ms a request
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise PortTaken(f"port {port} on {host} cannot be used: {error.strerror}") from error
    listener.setblocking(False)
    return listener


def _server(app: ASGIApp, kind: type[uvicorn.Server]) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        http=AbortableProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        lifespan="on",
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=1,
    )
    return kind(config)


@contextlib.asynccontextmanager
async def running(app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve `app` in this event loop; yields its base URL, stops on leaving.

    Raises:
        PortTaken: the port is in use.
    """
    listener = bound(host, port)
    server = _server(app, _Server)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            if task.done():
                task.result()
                raise RuntimeError("the sandbox server ended while starting")
            await asyncio.sleep(0.005)
        yield f"http://{host}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()


def serve(app: ASGIApp, port: int, host: str = "127.0.0.1") -> None:
    """Serve `app` until interrupted (blocking); for the command line.

    Raises:
        PortTaken: the port is in use.
    """
    listener = bound(host, port)
    try:
        with contextlib.suppress(KeyboardInterrupt):  # raised again after a graceful end
            _server(app, uvicorn.Server).run(sockets=[listener])
    finally:
        listener.close()

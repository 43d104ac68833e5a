"""A real socket under the application, and an orderly end."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import structlog
import uvicorn
from starlette.types import ASGIApp

from domain.errors import Misconfigured

log = structlog.get_logger(__name__)

BACKLOG = 512  # connections that may wait; a burst of a browser must not be refused
# Milliseconds after which a connection is dropped whose other side takes nothing: it would be kept
# for ever by one that neither reads nor leaves.
DEAD_AFTER = 30_000
LAST_ANSWERS = 5  # seconds that running requests get at the end


class _Server(uvicorn.Server):
    """Leaves signals to the program it runs in."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bound(host: str, port: int) -> socket.socket:
    """A listening socket on `host:port`; port 0 takes a free one.

    It listens at once: a socket that is only bound lets a second program bind the same port.
    Raises Misconfigured, naming the port, when it is taken or the address is not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # named TCP: asyncio sets TCP_NODELAY only then, and Nagle would cost 40 ms an answer
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # connections inherit it; only Linux has it
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_AFTER)
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        text = f"port {port} on {host} cannot be used: {why}. Set PORT to another one"
        raise Misconfigured("settings", text) from error
    return listener


@asynccontextmanager
async def serving(
    app: ASGIApp, listener: socket.socket, *, stopping: asyncio.Event | None = None
) -> AsyncIterator[str]:
    """Answer requests on `listener` for as long as the block; yields the address.

    `stopping` is set at its end, before it waits for the answers under way: streams end by it.
    """
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # origin.py believes only trusted proxies
        timeout_graceful_shutdown=LAST_ANSWERS,
        backlog=BACKLOG,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]), name="http")
    try:
        while not server.started:
            if task.done():
                task.result()
                raise Misconfigured("settings", "the HTTP server did not start")
            await asyncio.sleep(0.01)
        host, port = listener.getsockname()[:2]
        yield f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    finally:
        if stopping is not None:
            stopping.set()
        server.should_exit = True
        await task


@contextlib.contextmanager
def on_stop_signal(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` on SIGTERM or SIGINT; a second one ends the process the hard way."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)
    asked = False

    def handle(number: int) -> None:
        nonlocal asked
        if asked:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        asked = True
        log.info("stopping", signal=signal.Signals(number).name)
        stop()

    former = {}
    for number in numbers:
        try:
            loop.add_signal_handler(number, handle, number)
        except NotImplementedError:  # Windows
            former[number] = signal.signal(
                number, lambda n, _: loop.call_soon_threadsafe(handle, n)
            )
    try:
        yield
    finally:
        for number in numbers:
            if number in former:
                signal.signal(number, former[number])
            else:
                loop.remove_signal_handler(number)

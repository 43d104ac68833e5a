"""`sse_fanout`: how far 500 listeners of the live stream are behind the ledger.

Run with `python -m tests.bench.bench_stream [listeners]`; prints one JSON line. The listeners are a
process of their own, as browsers are; both look at the same clock of the machine.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

import uvloop

from adapters.collecting import spare_what_stays
from api import logs
from api.app import create_app
from api.server import bound, serving
from api.services import Services
from api.wiring import opened, prepare, working
from domain.event import Actor, Append, Appended, Metadata
from domain.ids import entry_id, entry_stream
from tests.bench.bench_views import percentile
from tests.support.believable import START, ZAMMAD, observed
from tests.support.postgres import DatabaseServer
from tests.support.service import ADMIN, settings_for

LISTENERS, BOUND = 500, 100.0  # milliseconds
EVENTS, EVERY = 100, 0.1  # events, and seconds between them
METADATA = Metadata(actor=Actor(kind="service", name="sync"), correlation_id="run-1", run_id=1)


class Ear(asyncio.Protocol):
    """Notes when each frame of an entry came, by its id."""

    def __init__(self, request: bytes, heard: dict[int, list[float]]) -> None:
        self._request, self._heard = request, heard
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(self._request)  # type: ignore[attr-defined] # it is one of a socket

    def data_received(self, data: bytes) -> None:
        now = time.time()
        *blocks, self._rest = (self._rest + data).split(b"\n\n")
        for block in blocks:
            if b"event: entry.changed" in block:
                position = block.partition(b"id: ")[2].partition(b"\n")[0]
                self._heard.setdefault(int(position), []).append(now)


async def listen(url: str, token: str, listeners: int) -> None:
    """Open the streams, say so, and tell what was heard once standard input ends."""
    address = urlsplit(url)
    request = (
        f"GET /api/v1/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n"
    ).encode()
    heard: dict[int, list[float]] = {}
    loop, (host, port) = asyncio.get_running_loop(), (address.hostname or "", address.port or 0)
    for _ in range(listeners):
        await loop.create_connection(lambda: Ear(request, heard), host, port)
    print("listening", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps(heard))


async def measure(dsn: str, listeners: int) -> dict[str, object]:
    """Milliseconds from the end of each append to its arrival at each listener."""
    settings = settings_for(dsn)
    async with opened(settings, dsn) as own:
        await prepare(own)
        app = create_app(own)
        with bound("127.0.0.1", 0) as listener:
            async with working(own), serving(app, listener, stopping=own.stopping) as url:
                spare_what_stays()
                token = await _token(own)
                command = [sys.executable, "-m", "tests.bench.bench_stream", "listen"]
                ears = subprocess.Popen(  # noqa: ASYNC220 # it starts at once
                    [*command, url, token, str(listeners)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
                assert ears.stdin
                assert ears.stdout
                await asyncio.to_thread(ears.stdout.readline)
                while app.state.hub.listeners < listeners:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
                appended = await _append(own)
                await asyncio.sleep(1)
                ears.stdin.close()
                heard = json.loads(await asyncio.to_thread(ears.stdout.read))
                ears.wait()
    behind = [(at - appended[int(p)]) * 1000 for p, times in heard.items() for at in times]
    assert len(behind) == listeners * EVENTS, "everybody heard everything"
    value = percentile(behind, 0.95)
    return {
        "bench": "sse_fanout",
        "value": round(value, 1),
        "unit": "ms",
        "baseline": BOUND,
        "ratio": round(value / BOUND, 2),
        "listeners": listeners,
        "median": round(percentile(behind, 0.5), 1),
        "worst": round(max(behind), 1),
    }


async def _token(own: Services) -> str:
    return own.tokens.issue(username=ADMIN, user_id=1, generation=1, now=own.clock.now())[0]


async def _append(own: Services) -> dict[int, float]:
    """One new booking after the other; when each was in the ledger, by position."""
    appended = {}
    for number in range(1, EVENTS + 1):
        entry = entry_id(ZAMMAD, number)
        done: Appended = await own.store.append(
            Append(
                stream=entry_stream(entry),
                events=[observed(entry, number, START)],
                metadata=METADATA,
                occurred_at=START,
                expected=0,
            )
        )
        appended[done.position] = time.time()
        await asyncio.sleep(EVERY)
    return appended


def main(arguments: Sequence[str]) -> None:
    if arguments[:1] == ["listen"]:
        url, token, listeners = arguments[1:]
        uvloop.run(listen(url, token, int(listeners)))
        return
    logs.configure("error")
    count = int(arguments[0]) if arguments else LISTENERS
    with DatabaseServer.running(settings={}) as server, server.database() as dsn:
        print(json.dumps(uvloop.run(measure(dsn, count))))


if __name__ == "__main__":
    main(sys.argv[1:])

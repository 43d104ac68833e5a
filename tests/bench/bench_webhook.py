"""Taking webhook deliveries: `webhook_ingest` and `webhook_ingest_p99`.

One process serves; 32 connections of another send signed deliveries and wait for each answer, which
comes after the commit. The baseline is the same application in the same process, on another port:
it checks the same signatures and answers without storing anything. Both sides take turns in short
rounds, so that noise of the machine falls on both; the medians of the rounds are compared. `cpu_us`
is what one request of each side takes of this process, which noise changes less than the rates.
Run with `python -m tests.bench.bench_webhook`; prints JSON lines.
"""

import asyncio
import json
import multiprocessing
import os
import secrets
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from statistics import median
from typing import Any, TypeAlias, cast

import httpx
import uvloop
from cryptography.fernet import Fernet

from adapters.collecting import spare_what_stays
from adapters.postgres.event_store import PostgresEventStore
from api import logs
from api.app import create_app
from api.server import bound, serving
from api.services import Services
from api.settings import load_settings
from api.wiring import service
from domain.delivery.signature import signature
from domain.event import Append, Appended
from tests.support.postgres import DatabaseServer

CONNECTIONS = 32
ROUNDS, REQUESTS = 12, 1_500  # of each side
CALM_SECONDS = 10.0  # at half the rate
MOST_MILLISECONDS = 60.0
PASSWORD, SECRET = secrets.token_urlsafe(16), "a-secret-of-the-bench"
PATH = "/api/v1/webhook/zammad"
STORED, BARE = 0, 1  # which of the two addresses
# As large as an ordinary payload of Zammad, with the ids where it has them.
FILLING = json.dumps({f"field_{number}": "value of it" * 3 for number in range(90)})


def body_of(ticket_id: int) -> bytes:
    return (
        f'{{"article":{{"id":{ticket_id + 7},"filling":{FILLING}}},"ticket":{{"id":{ticket_id}}}}}'
    ).encode()


def request_of(host: str, ticket_id: int) -> bytes:
    """A whole signed request, as bytes."""
    body = body_of(ticket_id)
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json; charset=utf-8\r\n"
        f"User-Agent: Zammad User Agent\r\nX-Zammad-Trigger: time sync\r\n"
        f"X-Zammad-Delivery: {uuid.uuid4()}\r\nX-Hub-Signature: {signature(SECRET, body)}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Forgetful:
    """A ledger that answers appends without storing; everything else is the real one."""

    def __init__(self, store: PostgresEventStore) -> None:
        self._store = store

    async def append(self, _command: Append) -> Appended:
        return Appended(position=1, version=1)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@asynccontextmanager
async def configured(dsn: str) -> AsyncIterator[tuple[Services, Sequence[str]]]:
    """The whole service in this process, with a Zammad connector that has a secret.

    Its address, and that of the same without storing.
    """
    settings = load_settings(
        env_file=None,
        database_url=dsn,
        secret_key=secrets.token_urlsafe(48),
        encryption_key=Fernet.generate_key().decode(),
        admin_username="bench",
        admin_password=PASSWORD,
        log_level="warning",
    )
    async with AsyncExitStack() as stack:
        own = await stack.enter_async_context(service(settings))
        forgetful = replace(own, store=cast("PostgresEventStore", Forgetful(own.store)))
        urls = []
        for services in (own, forgetful):
            listener = stack.enter_context(bound("127.0.0.1", 0))
            app = create_app(services)
            urls.append(await stack.enter_async_context(serving(app, listener)))
        async with httpx.AsyncClient(base_url=urls[0], timeout=60) as http:
            form = {"username": "bench", "password": PASSWORD}
            token = (await http.post("/token", data=form)).raise_for_status().json()
            http.headers["Authorization"] = f"Bearer {token['access_token']}"
            body = {
                "type": "zammad",
                "name": "zammad",
                "base_url": "http://127.0.0.1:9/",
                "api_token": "none",
                "settings": {"webhook_secret": SECRET},
            }
            (await http.post("/api/v1/connectors/", json=body)).raise_for_status()
        spare_what_stays()  # as `timeledger serve` does
        yield own, urls


Line: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Senders:
    """32 connections that send what was made before: making it is not what is measured."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._number = 0
        self._lines: list[Line] = []

    async def open(self) -> None:
        """Anew for each order: a server closes connections that idle for seconds."""
        for _, writer in self._lines:
            writer.close()
        self._lines = [
            await asyncio.open_connection(self._host, self._port) for _ in range(CONNECTIONS)
        ]

    def made(self, count: int) -> list[bytes]:
        first, self._number = self._number, self._number + count
        host = f"{self._host}:{self._port}"
        return [request_of(host, number % 5000 + 1) for number in range(first, first + count)]

    async def as_fast_as_it_goes(self, requests: list[bytes]) -> float:
        """Requests a second until all are answered."""
        line = iter(requests)
        begin = time.perf_counter()
        await asyncio.gather(*(self._send_all(at, line) for at in self._lines))
        return len(requests) / (time.perf_counter() - begin)

    async def _send_all(self, at: Line, line: Iterator[bytes]) -> None:
        for request in line:
            await _answered(*at, request)

    async def at_rate(self, requests: list[bytes], rate: float) -> list[float]:
        """Seconds that each took, counted from the instant at which it was to be sent."""
        free: asyncio.Queue[Line] = asyncio.Queue()
        for at in self._lines:
            free.put_nowait(at)
        took: list[float] = []
        begin = time.perf_counter()

        async def one(request: bytes, due: float) -> None:
            at = await free.get()
            await _answered(*at, request)
            took.append(time.perf_counter() - due)
            free.put_nowait(at)

        async with asyncio.TaskGroup() as group:
            for number, request in enumerate(requests):
                due = begin + number / rate
                if (wait := due - time.perf_counter()) > 0:
                    await asyncio.sleep(wait)
                group.create_task(one(request, due))
        return took


async def _answered(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> None:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 202"), head
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    await reader.readexactly(length)


async def serve_orders(pipe: Connection, urls: Sequence[str]) -> None:
    """Send what the other end of the pipe asks for, until it asks for nothing."""
    senders = []
    for url in urls:
        host, _, port = url.removeprefix("http://").partition(":")
        senders.append(Senders(host, int(port)))
    while (order := await asyncio.to_thread(pipe.recv)) is not None:
        which, count, rate = order
        requests = senders[which].made(count)
        await senders[which].open()
        pipe.send("made")
        await asyncio.to_thread(pipe.recv)
        if rate is None:
            pipe.send(await senders[which].as_fast_as_it_goes(requests))
        else:
            pipe.send(await senders[which].at_rate(requests, rate))


def _sending(pipe: Connection, urls: Sequence[str]) -> None:
    uvloop.run(serve_orders(pipe, urls))


@contextmanager
def elsewhere(urls: Sequence[str]) -> Iterator[Connection]:
    """The senders in a process of their own."""
    context = multiprocessing.get_context("spawn")
    near, far = context.Pipe()
    process = context.Process(target=_sending, args=(far, urls))
    process.start()
    far.close()
    try:
        yield near
    finally:
        near.send(None)
        process.join()


@dataclass
class Measured:
    """Of one door: requests a second, and what of a processor each took here, in microseconds."""

    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


class Rounds:
    """Orders to the senders, one after the other, each when the views have caught up."""

    def __init__(self, own: Services, pipe: Connection) -> None:
        self._own = own
        self._pipe = pipe
        self.stored = 0

    async def order(self, which: int, count: int, rate: float | None = None) -> Any:
        """What the senders measured."""
        await asyncio.to_thread(self._ask, (which, count, rate))
        await self._own.projections.wait_for(await self._own.store.head(), within=60)
        self.stored += count if which == STORED else 0
        return await asyncio.to_thread(self._ask, "go")

    def _ask(self, order: object) -> Any:
        self._pipe.send(order)
        return self._pipe.recv()

    async def measured(self, which: int, count: int, to: Measured) -> None:
        before = time.process_time()
        to.rates.append(await self.order(which, count))
        to.cpu.append((time.process_time() - before) / count * 1e6)


async def ingest(dsn: str) -> None:
    """Rate against the bare door, latency at half of it, and nothing lost."""
    stored, bare = Measured(), Measured()
    async with configured(dsn) as (own, urls):
        load = os.getloadavg()[0]
        with elsewhere(urls) as pipe:
            rounds = Rounds(own, pipe)
            for which in (STORED, BARE):  # both warm
                await rounds.order(which, 500)
            for _ in range(ROUNDS):
                await rounds.measured(BARE, REQUESTS, bare)
                await rounds.measured(STORED, REQUESTS, stored)
            rate = median(stored.rates) / 2  # what it does all the time, not at its best
            took = sorted(await rounds.order(STORED, int(rate * CALM_SECONDS), rate))
        kept = await own.store.pool.fetchval(
            "SELECT count(*) FROM event WHERE log_id = $1 AND type = 'WebhookDeliveryReceived'",
            own.store.log_id,
        )
        assert kept == rounds.stored, f"{rounds.stored} were answered, {kept} are in the ledger"
    pairs = zip(stored.rates, bare.rates, strict=True)
    line(
        "webhook_ingest", median(stored.rates), "deliveries/s", median(bare.rates),
        ratios=[round(one / other, 2) for one, other in pairs],
        cpu_us=[round(median(stored.cpu)), round(median(bare.cpu))],
        counted=kept, load=[round(load, 1), round(os.getloadavg()[0], 1)],
    )  # fmt: skip
    line(
        "webhook_ingest_p99", took[int(len(took) * 0.99)] * 1000, "ms", MOST_MILLISECONDS,
        p50=round(median(took) * 1000, 2), rate=round(rate),
    )  # fmt: skip


def line(name: str, value: float, unit: str, baseline: float, **more: object) -> None:
    """One figure, as `make bench` prints them."""
    figure = {"bench": name, "value": round(value, 2), "unit": unit, "baseline": round(baseline, 2)}
    print(json.dumps({**figure, "ratio": round(value / baseline, 2), **more}), flush=True)


def main() -> None:
    logs.configure("warning")
    with DatabaseServer.running(settings={}) as server, server.database() as dsn:
        uvloop.run(ingest(dsn))  # the loop of `timeledger serve`


if __name__ == "__main__":
    main()

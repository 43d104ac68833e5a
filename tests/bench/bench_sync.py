"""Whole runs against sandbox peers in another process.

`sync_create`, `sync_idle`, `sync_mixed`, `drift_full` and `memory`. Run with
`python -m tests.bench.bench_sync [create|idle|mixed|full|memory]`; prints JSON lines.
"""

import asyncio
import json
import resource
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvloop
from cryptography.fernet import Fernet

from adapters.collecting import spare_what_stays
from api import logs
from api.app import create_app
from api.server import bound, serving
from api.settings import load_settings
from api.wiring import service
from domain.ids import RunId, run_stream
from domain.ports.event_store import EventStore
from domain.sync_run.events import SyncRunCompleted, SyncRunQueued
from tests.bench.peers import KIMAI_TOKEN, ZAMMAD_TOKEN, peers
from tests.support.postgres import DatabaseServer

NEW, LATENCY, WRITERS = 2_000, 0.020, 8
KNOWN, MOST_REQUESTS, MOST_SECONDS = 10_000, 6, 2.0
CHANGED = KNOWN // 20
LISTED, MOST_LISTS = 50_000, 110
MANY, MOST_MEGABYTES = 100_000, 400
LONG_AGO = 3600.0  # seconds
PASSWORD = secrets.token_urlsafe(16)


class Bench:
    """A configured service and its two peers."""

    def __init__(self, http: httpx.AsyncClient, store: EventStore, urls: tuple[str, str]) -> None:
        self._http = http
        self._store = store
        self._urls = urls

    async def configure(self) -> None:
        """Both connectors; everything goes to project 1 and activity 1."""
        fixed = {
            "project_strategy": "fixed",
            "default_project_id": 1,
            "default_activity_id": 1,
        }
        for kind, url, token, settings in (
            ("zammad", self._urls[0], ZAMMAD_TOKEN, {"time_unit_minutes": "minute"}),
            ("kimai", self._urls[1], KIMAI_TOKEN, fixed),
        ):
            body = {"type": kind, "name": kind, "base_url": url, "api_token": token}
            answer = await self._http.post(
                "/api/v1/connectors/", json={**body, "settings": settings}
            )
            answer.raise_for_status()

    async def latency(self, seconds: float) -> None:
        """Let both peers answer that much later."""
        rules = [{"kind": "latency", "seconds": seconds}] if seconds else []
        async with httpx.AsyncClient() as control:
            for url in self._urls:
                answer = await control.put(f"{url}/_control/faults", json={"rules": rules})
                answer.raise_for_status()

    async def kimai_clock(self, seconds: float) -> None:
        """Let Kimai's clock be that far from ours."""
        async with httpx.AsyncClient() as control:
            url = f"{self._urls[1]}/_control/clock"
            (await control.post(url, json={"skew_seconds": seconds})).raise_for_status()

    async def requests(self, route: str | None = None) -> int:
        """How many requests the peers have answered since this was asked last, of one route."""
        total = 0
        async with httpx.AsyncClient() as control:
            for url in self._urls:
                seen = (await control.get(f"{url}/_control/requests")).raise_for_status().json()
                total += seen["total"] if route is None else seen["counts"].get(route, 0)
                (await control.delete(f"{url}/_control/requests")).raise_for_status()
        return total

    async def edit(self, bookings: int) -> None:
        """Agents change the amount of so many bookings in Zammad."""
        headers = {"Authorization": f"Token token={ZAMMAD_TOKEN}"}
        async with httpx.AsyncClient(base_url=self._urls[0], headers=headers) as zammad:
            for number in range(1, bookings + 1):
                path = f"/api/v1/time_accountings/{number}"
                answer = await zammad.put(path, json={"time_unit": str(50 + number % 40)})
                answer.raise_for_status()

    async def run(self) -> tuple[dict[str, Any], float]:
        """One run to its end: what the API says of it, and seconds from wish to completion."""
        answer = (await self._http.post("/api/v1/sync/run")).raise_for_status().json()
        path = f"/api/v1/sync/runs/{answer['run_id']}"
        while True:
            run = (await self._http.get(path)).raise_for_status().json()
            if run["status"] != "running":
                break
            await asyncio.sleep(0.5)
        assert run["status"] == "completed", run["error_message"]
        recorded = await self._store.read_recorded(run_stream(RunId(run["id"])))
        at = {type(each.event): each.recorded_at for each in recorded}
        return run, (at[SyncRunCompleted] - at[SyncRunQueued]).total_seconds()


@asynccontextmanager
async def bench(
    dsn: str, urls: tuple[str, str], *, listing_hours: float = 24
) -> AsyncIterator[Bench]:
    """The whole service in this process, on a real socket."""
    settings = load_settings(
        env_file=None,
        database_url=dsn,
        secret_key=secrets.token_urlsafe(48),
        encryption_key=Fernet.generate_key().decode(),
        admin_username="bench",
        admin_password=PASSWORD,
        log_level="warning",
        kimai_full_listing_hours=listing_hours,
    )
    async with service(settings) as own:
        with bound("127.0.0.1", 0) as listener:
            async with (
                serving(create_app(own), listener) as url,
                httpx.AsyncClient(base_url=url, timeout=60) as http,
            ):
                form = {"username": "bench", "password": PASSWORD}
                token = (await http.post("/token", data=form)).raise_for_status().json()
                http.cookies.clear()
                http.headers["Authorization"] = f"Bearer {token['access_token']}"
                spare_what_stays()  # as `timeledger serve` does
                yield Bench(http, own.store, urls)


async def create(dsn: str, urls: tuple[str, str]) -> None:
    """2,000 new bookings at 20 ms latency with 8 writers, against 2000 x 20 ms / 8."""
    async with bench(dsn, urls) as at:
        await at.configure()
        await at.latency(LATENCY)
        run, seconds = await at.run()
        assert run["entries_synced"] == NEW, run
        line("sync_create", seconds, "s", NEW * LATENCY / WRITERS)


async def idle(dsn: str, urls: tuple[str, str]) -> None:
    """A run with nothing to do over 10,000 known bookings, after the run that learnt them."""
    async with bench(dsn, urls) as at:
        await at.configure()
        # What was written within the overlap of the poll is listed again, 500 a request: an
        # instance with nothing to do wrote its bookings longer ago than that.
        await at.kimai_clock(-LONG_AGO)
        run, _ = await at.run()
        assert run["entries_synced"] == KNOWN, run
        await at.kimai_clock(0)
        await at.run()  # the lookback behind the first watermark
        await at.requests()
        run, seconds = await at.run()
        assert run["entries_synced"] + run["entries_updated"] == 0, run
        line("sync_idle", await at.requests(), "requests", MOST_REQUESTS)
        line("sync_idle_time", seconds, "s", MOST_SECONDS)


async def mixed(dsn: str, urls: tuple[str, str]) -> None:
    """A run over 10,000 known bookings of which 5 % were changed."""
    async with bench(dsn, urls) as at:
        await at.configure()
        await at.kimai_clock(-LONG_AGO)
        await at.run()
        await at.kimai_clock(0)
        await at.run()
        await at.edit(CHANGED)
        await at.requests()
        run, _ = await at.run()
        assert run["entries_updated"] == CHANGED, run
        line("sync_mixed", await at.requests(), "requests", 1.2 * CHANGED + 30)


async def full(dsn: str, urls: tuple[str, str]) -> None:
    """A full listing of 50,000 timesheets."""
    async with bench(dsn, urls, listing_hours=0) as at:
        await fill_and_list(at, LISTED)
        line("drift_full", await at.requests("GET /api/timesheets"), "requests", MOST_LISTS)


async def memory(dsn: str, urls: tuple[str, str]) -> None:
    """What runs over 100,000 bookings take: one that carries them, one that lists all."""
    async with bench(dsn, urls, listing_hours=0) as at:
        await fill_and_list(at, MANY)
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        line("memory", most, "MB", MOST_MEGABYTES)


async def fill_and_list(at: Bench, bookings: int) -> None:
    await at.configure()
    run, _ = await at.run()
    assert run["entries_synced"] == bookings, run
    await at.requests()
    run, _ = await at.run()
    assert run["entries_synced"] + run["entries_updated"] == 0, run


def line(name: str, value: float, unit: str, baseline: float) -> None:
    """One figure, as `make bench` prints them."""
    figure = {"bench": name, "value": round(value, 3), "unit": unit, "baseline": baseline}
    print(json.dumps({**figure, "ratio": round(value / baseline, 3)}), flush=True)


def main(names: list[str]) -> None:
    logs.configure("warning")
    with DatabaseServer.running(settings={}) as server:
        for name, bookings, measure in (
            ("create", NEW, create),
            ("idle", KNOWN, idle),
            ("mixed", KNOWN, mixed),
            ("full", LISTED, full),
            ("memory", MANY, memory),
        ):
            if names and name not in names:
                continue
            with server.database() as dsn, peers(bookings) as urls:
                uvloop.run(measure(dsn, urls))  # the loop of `timeledger serve`


if __name__ == "__main__":
    main(sys.argv[1:])

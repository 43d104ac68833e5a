"""A whole service that soon loses patience, with a town to look after, for tests of faults."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

import httpx

from adapters.peer_http import Patience
from adapters.sandbox.control import Controlled, FaultRule
from adapters.secrets import Passwords
from api.app import create_app
from api.demo.keys import DemoKeys
from api.demo.setup import DemoSetup
from api.peers import Peers
from api.services import Services
from api.wiring import opened, prepare, working
from domain.flow.breaker import BreakerRules
from tests.chaos.checker import differences
from tests.chaos.town import Town
from tests.support.guarded import running
from tests.support.leaks import witnessed
from tests.support.service import (
    ADMIN,
    ADMIN_PASSWORD,
    ENCRYPTION_KEY,
    QUICK,
    SECRET_KEY,
    settings_for,
    token,
)

HURRY = 400  # so many times shorter are all waits of a run
SOON = Patience(
    connect=1, request=0.6, attempts=2, total=3, first_wait=0.01, longest_wait=0.1, jitter=0.01
)
KEYS = DemoKeys(
    secret_key=SECRET_KEY,
    encryption_key=ENCRYPTION_KEY,
    username=ADMIN,
    password=ADMIN_PASSWORD,
    zammad_token="zammad-token-of-this-test-0123456789",
    kimai_token="kimai-token-of-this-test1",
    webhook_secret="webhook-secret-of-this-test",
)
LONGEST_RUN = 60.0  # seconds
QUIET_RUNS = 6  # within which a repaired peer must have everything


class HastyClock:
    """The machine's time; waits are `HURRY` times shorter. Nothing lands late in these tests."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / HURRY)


class ImpatientPeers(Peers):
    breaker = BreakerRules(pause=0.05, longest=0.1, again=0.01)

    def zammad(self, base_url: str, token: str, **more: Any) -> Any:
        return super().zammad(base_url, token, **{**more, "patience": SOON})

    def kimai(self, base_url: str, token: str, **more: Any) -> Any:
        return super().kimai(base_url, token, **{**more, "patience": SOON})


@dataclass
class Scene:
    """A service, its API, and the town behind it."""

    town: Town
    http: httpx.AsyncClient
    own: Services

    def peer(self, name: str) -> Controlled:
        return {"zammad": self.town.zammad_app, "kimai": self.town.kimai_app}[name]

    def goes_wrong(self, name: str, *rules: FaultRule) -> None:
        self.peer(name).faults.replace(rules, seed=1)

    async def is_asked(self, name: str) -> None:
        """Wait until the peer meets its next request, which then goes on."""
        peer, asked = self.peer(name), asyncio.Event()
        pick = peer.faults.pick

        def noticed(method: str, path: str) -> tuple[float, FaultRule | None]:
            asked.set()
            return pick(method, path)

        peer.faults.pick = noticed  # type: ignore[method-assign] # looks on, changes nothing
        await asyncio.wait_for(asked.wait(), LONGEST_RUN)
        peer.faults.pick = pick  # type: ignore[method-assign] # as it was

    def is_well(self) -> None:
        self.town.zammad_app.faults.clear()
        self.town.kimai_app.faults.clear()

    async def run(self) -> dict[str, Any]:
        """One run to its end, as the API shows it."""
        return await self.end_of(await self.begun())

    async def begun(self) -> int:
        """The number of a run that has just been asked for."""
        headers = {"Prefer": "respond-async"}
        answer = await self.http.post("/api/v1/sync/run", headers=headers)
        assert answer.status_code == 202, answer.text
        return int(answer.json()["run_id"])

    async def end_of(self, run_id: int) -> dict[str, Any]:
        """The run once it has ended; the database may be away meanwhile."""
        async with asyncio.timeout(LONGEST_RUN):
            while True:
                answer = await self.http.get(f"/api/v1/sync/runs/{run_id}")
                run: dict[str, Any] = answer.json()
                if answer.status_code == 200 and run["status"] != "running":
                    return run
                assert answer.status_code in (200, 503), answer.text
                await asyncio.sleep(0.02)

    async def recovers(self) -> None:
        """Runs until one comes to its end with everything done."""
        for _ in range(QUIET_RUNS):
            run = await self.run()
            if run["state"] == "completed" and not run["entries_failed"]:
                return
        raise AssertionError(f"not well after {QUIET_RUNS} runs: {run}")

    async def resumes(self) -> None:
        """A person tests both connections, which lets a paused connector go on."""
        for connector_id in (1, 2):
            answer = await self.http.post("/api/v1/connectors/test", json={"id": connector_id})
            assert answer.json()["valid"], answer.text

    async def connector(self, name: str) -> dict[str, Any]:
        """The connector of that peer, as the API shows it, once the views are up to date."""
        await self.own.projections.wait_for(await self.own.store.head(), within=10)
        listed = (await self.http.get("/api/v1/connectors/")).json()
        (found,) = (row for row in listed if row["type"] == name)
        return dict(found)

    async def conflicts(self) -> dict[int, dict[str, Any]]:
        """Entries that wait for a person, by the id of their booking."""
        answer = await self.http.get("/api/v1/entries", params={"state": "conflict", "limit": 200})
        assert answer.status_code == 200, answer.text
        return {int(row["source_id"]): row for row in answer.json()["items"]}

    def wrong(self) -> list[str]:
        """What Kimai holds otherwise than it should."""
        return differences(self.town)


@asynccontextmanager
async def scene(dsn: str, *, bookings: int = 12) -> AsyncIterator[Scene]:
    """A configured service on the empty database `dsn`, with bookings that were carried over."""
    town = Town(KEYS)
    settings = settings_for(dsn, log_level="error")
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        zammad, kimai = await enter(running(town.zammad_app)), await enter(running(town.kimai_app))
        own = await enter(
            opened(
                settings,
                dsn,
                clock=HastyClock(),
                peers=ImpatientPeers(),
                passwords=Passwords(QUICK),
            )
        )
        await prepare(own)
        await enter(working(own))
        transport = httpx.ASGITransport(witnessed(create_app(own)))
        http = await enter(
            httpx.AsyncClient(transport=transport, base_url="http://service", timeout=60)
        )
        http.headers["Authorization"] = f"Bearer {await token(http, ADMIN, ADMIN_PASSWORD)}"
        setup = DemoSetup(http, KEYS)
        await setup.connect(zammad_url=zammad, kimai_url=kimai)
        await setup.map(town.zammad, town.kimai)
        town.work(Random(1), bookings)
        made = Scene(town, http, own)
        await made.recovers()
        assert made.wrong() == []
        yield made

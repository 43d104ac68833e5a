"""Plans over real processes: killed while a plan is made, while it is carried out, and after."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.chaos.service import ServiceProcess, environment, verify
from tests.support.postgres import DatabaseServer
from tests.support.service import ADMIN, ADMIN_PASSWORD, SECRET_KEY
from tests.support.two_peers import RANGE, TwoPeers, connect_by, two_peers
from tests.support.waiting import until

PLANS = "/api/v1/sync/plans"
PATIENCE = 400  # looks, a tenth of a second apart: a dead worker's job is given away after 10 s
NOW = {"Prefer": "respond-async"}


@asynccontextmanager
async def connected(
    server: DatabaseServer, folder: Path, bookings: int
) -> AsyncIterator[tuple[ServiceProcess, TwoPeers]]:
    """A service process that knows both peers."""
    with server.database() as dsn:
        variables = environment(
            dsn,
            SECRET_KEY=SECRET_KEY,
            ADMIN_USERNAME=ADMIN,
            ADMIN_PASSWORD=ADMIN_PASSWORD,
            KIMAI_REQUEST_LIMIT_SECONDS="1",  # ours answers at once
        )
        service = ServiceProcess(variables, folder)
        async with two_peers(bookings) as peers:
            await service.launch()
            await service.ready()
            try:
                async with service.client() as http:
                    await connect_by(http, peers)
                yield service, peers
            finally:
                service.kill()
                await service.ended()


async def killed(service: ServiceProcess) -> None:
    """Dead, and alive again."""
    service.kill()
    await service.ended()
    await service.launch()
    await service.ready()


async def shown(http: httpx.AsyncClient, path: str, over: Callable[[Any], bool]) -> dict[str, Any]:
    """What `path` answers once it is over."""
    for _ in range(PATIENCE):
        answer = await http.get(path)
        if answer.status_code == httpx.codes.OK and over(answer.json()):
            break
        await asyncio.sleep(0.1)
    found: dict[str, Any] = answer.json()
    return found


def is_made(plan: dict[str, Any]) -> bool:
    return bool(plan["state"] != "building")


def has_ended(run: dict[str, Any]) -> bool:
    return bool(run["status"] != "running")


async def test_killed_while_a_plan_is_made_it_is_begun_again(
    embedded_server: DatabaseServer, folder: Path
) -> None:
    async with connected(embedded_server, folder, 200) as (service, peers):
        async with service.client() as http:
            asked = await http.post(PLANS, json=RANGE, headers=NOW)
            assert (asked.status_code, asked.json()["state"]) == (202, "building")
        await killed(service)
        async with service.client() as http:
            plan = await shown(http, f"{PLANS}/1", is_made)
            assert (plan["state"], plan["total_rows"]) == ("ready", 200), plan
            assert peers.sheets == 0
            digest = {"digest": plan["digest"]}
            run = (await http.post(f"{PLANS}/1/apply", json=digest)).json()
            assert run["num_created"] == plan["counts"]["create"] == peers.sheets, run
        assert await verify(service) == []


async def test_killed_while_a_plan_is_carried_out_it_goes_on(
    embedded_server: DatabaseServer, folder: Path
) -> None:
    async with connected(embedded_server, folder, 200) as (service, peers):
        async with service.client() as http:
            plan = (await http.post(PLANS, json=RANGE)).json()
            body = {"digest": plan["digest"]}
            assert (await http.post(f"{PLANS}/1/apply", json=body, headers=NOW)).status_code == 202
            await until(lambda: peers.sheets >= 30)
        await killed(service)
        assert peers.sheets < plan["counts"]["create"]
        async with service.client() as http:
            run = await shown(http, "/api/v1/sync/runs/1", has_ended)
            assert (run["state"], run["plan_id"]) == ("completed", 1), run
            assert peers.sheets == plan["counts"]["create"]
            texts = {sheet.description for sheet in peers.kimai.timesheets.values()}
            assert len(texts) == peers.sheets
            assert (await http.get(f"{PLANS}/1")).json()["state"] == "applied"
            again = await http.post(f"{PLANS}/1/apply", json=body)
            assert (again.status_code, again.json()["code"]) == (409, "plan_applied")
            assert (await http.post("/api/v1/sync/run", json=RANGE)).json()["num_created"] == 0
        assert await verify(service) == []


async def test_deletions_that_were_approved_are_made_after_a_kill(
    embedded_server: DatabaseServer, folder: Path
) -> None:
    async with connected(embedded_server, folder, 120) as (service, peers):
        async with service.client() as http:
            policy = {"settings": {"delete_policy": "delete"}}
            await http.patch("/api/v1/connectors/2", json=policy)
            await http.post("/api/v1/sync/run", json=RANGE)
            before = peers.sheets
            page = (await http.get("/api/v1/entries?state=synced&limit=60")).json()
            for entry in page["items"]:
                peers.zammad.delete_entry(int(entry["source_id"]))
            run = (await http.post("/api/v1/sync/run", json=RANGE)).json()
            assert (run["num_deleted"], run["plan_id"], peers.sheets) == (0, 1, before)
        await killed(service)  # before anybody looked at the plan
        async with service.client() as http:
            plan = await shown(http, f"{PLANS}/1", is_made)
            assert (plan["state"], plan["counts"]["delete"]) == ("ready", 60), plan
            body = {"digest": plan["digest"]}
            assert (await http.post(f"{PLANS}/1/apply", json=body, headers=NOW)).status_code == 202
            await until(lambda: peers.sheets < before)
        await killed(service)
        async with service.client() as http:
            run = await shown(http, "/api/v1/sync/runs/3", has_ended)
            assert run["state"] == "completed", run
            assert peers.sheets == before - 60
            gone = (await http.get("/api/v1/entries?state=withdrawn&limit=1")).json()
            assert gone["total"] == 60
        assert await verify(service) == []

"""Peers that refuse the token, fall over or ask for time: who is paused, and what goes on when."""

import asyncio
from itertools import pairwise
from random import Random
from time import monotonic
from typing import Any

import httpx
import pytest

from adapters.sandbox.control import FaultKind, FaultRule
from tests.support.impatient import KEYS, Scene, scene

CHANGES = 7
WRITES = ("POST", "PATCH", "DELETE")


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def health(world: Scene, connector_id: int) -> dict[str, Any]:
    await world.own.projections.wait_for(await world.own.store.head(), within=10)
    answer = await world.http.get(f"/api/v1/connectors/{connector_id}/health")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


@pytest.mark.parametrize("peer", ["zammad", "kimai"])
@pytest.mark.parametrize("kind", [FaultKind.UNAUTHORIZED, FaultKind.FORBIDDEN])
async def test_a_refused_token_pauses_its_connector_only_until_a_test_succeeds(
    database: str, peer: str, kind: FaultKind
) -> None:
    async with scene(database) as world:
        other = {"zammad": "kimai", "kimai": "zammad"}[peer]
        world.town.work(Random(5), CHANGES)
        world.goes_wrong(peer, FaultRule(kind=kind))
        run = await world.run()
        assert run["state"] == "failed"
        assert peer in run["error_message"]
        paused = await world.connector(peer)
        assert paused["health"]["state"] == "auth_failed"
        assert (await world.connector(other))["health"]["state"] in ("ok", "unknown")

        refused = await world.http.post("/api/v1/sync/run")
        assert code(refused) == (409, "connector_inactive")
        assert f"Connector {paused['id']}" in refused.json()["detail"]
        assert code(await world.http.post("/api/v1/sync/plans", json={})) == (
            409,
            "connector_inactive",
        )
        asked = world.peer(peer).requests.total
        await asyncio.sleep(0.2)
        assert world.peer(peer).requests.total == asked  # nobody tries it meanwhile

        test = await world.http.post("/api/v1/connectors/test", json={"id": paused["id"]})
        assert not test.json()["valid"]
        assert code(await world.http.post("/api/v1/sync/run")) == (409, "connector_inactive")

        world.is_well()
        await world.resumes()
        assert (await world.connector(peer))["health"]["state"] == "ok"
        await world.recovers()
        assert world.wrong() == []
        audit = await world.http.get(
            "/api/v1/audit-logs/", params={"action": "connector_health_changed"}
        )
        told = [row["changes"] or row["details"] for row in audit.json()["data"]]
        assert len(told) >= 2, told


async def test_a_paused_connector_is_resumed_by_a_person_or_a_new_token(database: str) -> None:
    async with scene(database) as world:
        world.goes_wrong("kimai", FaultRule(kind=FaultKind.UNAUTHORIZED))
        await world.run()
        kimai = (await world.connector("kimai"))["id"]
        path = f"/api/v1/connectors/{kimai}"
        wrong = await world.http.post(f"{path}/reauth", json={"api_token": KEYS.kimai_token})
        assert code(wrong) == (422, "token_rejected")
        assert (await health(world, kimai))["state"] == "auth_failed"

        resumed = await world.http.post(f"{path}/resume")
        assert (resumed.status_code, resumed.json()["health"]["state"]) == (200, "unknown")
        assert (await world.run())["state"] == "failed"  # it was no better; paused again
        assert code(await world.http.post("/api/v1/sync/run")) == (409, "connector_inactive")

        world.is_well()
        again = await world.http.post(f"{path}/reauth", json={"api_token": KEYS.kimai_token})
        assert (again.status_code, again.json()["health"]["state"]) == (200, "ok")  # it was tried
        await world.recovers()
        assert (await health(world, kimai))["state"] == "ok"


@pytest.mark.parametrize(
    "rule",
    [
        FaultRule(kind=FaultKind.ERROR_BEFORE, status=503),
        FaultRule(kind=FaultKind.RESET_BEFORE),
        FaultRule(kind=FaultKind.ERROR_AFTER, methods=WRITES, path_prefix="/api/timesheets"),
    ],
    ids=["503", "reset", "500 after the write"],
)
async def test_a_storm_opens_the_breaker_and_a_probe_closes_it(
    database: str, rule: FaultRule
) -> None:
    async with scene(database) as world:
        world.town.work(Random(9), 4 * CHANGES)
        world.goes_wrong("kimai", rule)
        before = world.peer("kimai").requests.total
        for _ in range(16):
            await world.run()
            if (await health(world, 2))["breaker"] != "closed":
                break
        asked = world.peer("kimai").requests.total - before
        kimai = await world.connector("kimai")
        if rule.kind is not FaultKind.ERROR_AFTER:  # its reads go well in between
            assert kimai["health"]["state"] == "down"
            assert "kimai" in kimai["health"]["message"]
            assert (await health(world, kimai["id"]))["breaker"] != "closed"
        assert asked < 400
        world.is_well()
        await world.recovers()  # no test, no person: the probe finds out
        assert world.wrong() == []
        assert (await health(world, kimai["id"]))["breaker"] == "closed"
        assert (await world.connector("kimai"))["health"]["state"] == "ok"


async def test_a_kimai_that_wants_to_be_left_alone_is(database: str) -> None:
    async with scene(database) as world:
        world.town.work(Random(4), CHANGES)
        world.goes_wrong("kimai", FaultRule(kind=FaultKind.TOO_MANY, retry_after=600))
        first = await world.run()
        asked = world.peer("kimai").requests.total
        world.is_well()
        second = await world.run()
        assert {first["state"], second["state"]} == {"failed"}
        assert "left alone for" in second["error_message"]
        assert world.peer("kimai").requests.total == asked
        await world.resumes()  # a person knows better
        await world.recovers()
        assert world.wrong() == []


async def test_progress_is_seen_every_second_while_a_run_is_slow(database: str) -> None:
    async with scene(database) as world:
        world.town.work(Random(3), 80)
        world.goes_wrong("kimai", FaultRule(kind=FaultKind.LATENCY, seconds=0.4))
        run_id = await world.begun()
        begun, seen = monotonic(), list[tuple[float, dict[str, Any]]]()
        while True:
            run = (await world.http.get(f"/api/v1/sync/runs/{run_id}")).json()
            progress = run["progress"]
            if run["state"] != "queued" and (not seen or seen[-1][1] != progress):
                seen.append((monotonic() - begun, progress))
            if run["status"] != "running":
                break
            await asyncio.sleep(0.05)
        moments = [at for at, _ in seen]
        assert moments[-1] > 3, "the run was not slow"
        assert max(later - earlier for earlier, later in pairwise(moments)) <= 1.2, seen
        last = seen[-1][1]
        assert run["state"] == "completed", run
        assert (last["left"], last["done"]) == (0, last["total"])
        assert last["found"] == run["entries_fetched"] >= last["decided"] > 0
        done = ("entries_synced", "entries_updated", "entries_deleted")
        assert last["written"] == sum(run[name] for name in done) > 0
        halfway = [progress for _, progress in seen if 0 < progress["left"] < progress["total"]]
        assert halfway, seen

"""A person decides a row, and the process dies over it: it is done once, whoever goes on."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from adapters.postgres.jobs import enqueue_rows
from adapters.sandbox.control import FaultKind, FaultRule
from tests.chaos.service import ServiceProcess, verify
from tests.e2e.test_killed_plans import connected, killed, shown
from tests.support.ledgers import postgres_ledger
from tests.support.postgres import DatabaseServer
from tests.support.two_peers import RANGE, TwoPeers
from tests.support.waiting import until

ROWS = 8


@asynccontextmanager
async def edited(
    server: DatabaseServer, folder: Path
) -> AsyncIterator[tuple[ServiceProcess, TwoPeers, list[dict[str, Any]]]]:
    """Some timesheets were edited in Kimai, and a run has found that."""
    async with connected(server, folder, ROWS) as (service, peers):
        async with service.client() as http:
            await http.post("/api/v1/sync/run", json=RANGE)
            for sheet in peers.kimai.timesheets.values():
                assert sheet.end is not None
                sheet.end += 900
                sheet.duration = (sheet.duration or 0) + 900
                sheet.modified_at = peers.kimai.now()
            await http.post("/api/v1/sync/run", json=RANGE)
            rows = (await http.get("/api/v1/reconcile/")).json()["items"]
            assert len(rows) == peers.sheets
        peers.kimai_app.requests.clear()
        yield service, peers, rows


def patched(peers: TwoPeers) -> int:
    return peers.kimai_app.requests.count("PATCH", "/api/timesheets/{id}")


def brought_back(peers: TwoPeers, minutes: dict[int, float]) -> bool:
    sheets = peers.kimai.timesheets
    return all((sheets[each].duration or 0) == minutes[each] * 60 for each in minutes)


async def minutes_of(http: httpx.AsyncClient, rows: list[dict[str, Any]]) -> dict[int, float]:
    """What Zammad says, by timesheet."""
    found = {}
    for row in rows:
        entry = (await http.get(f"/api/v1/entries/{row['entryId']}")).json()
        found[int(entry["target_id"])] = row["source"]["minutes"]
    return found


async def test_killed_between_intent_and_answer_it_is_not_sent_again(
    embedded_server: DatabaseServer, folder: Path
) -> None:
    async with edited(embedded_server, folder) as (service, peers, rows):
        row = rows[0]
        hang = FaultRule(
            kind=FaultKind.HANG_AFTER_APPLY,
            methods=("PATCH",),
            path_prefix="/api/timesheets",
            seconds=20,
        )
        async with service.client() as http:
            wanted = await minutes_of(http, [row])
            peers.kimai_app.faults.replace([hang])
            op = {"op": "update", "notes": "before it died"}
            asked = asyncio.create_task(http.post(f"/api/v1/reconcile/row/{row['id']}", json=op))
            await until(lambda: brought_back(peers, wanted))
            service.kill()
            await service.ended()
            await asyncio.wait([asked])
            assert asked.exception() is not None
        peers.kimai_app.faults.clear()
        await service.launch()
        await service.ready()
        async with service.client() as http:
            path = f"/api/v1/entries/{row['entryId']}"
            entry = await shown(http, path, lambda found: found["state"] == "writing")
            assert entry["state"] == "writing"
            conflict = (await http.get(f"/api/v1/conflicts/{row['id']}")).json()
            assert conflict["resolution_action"] == "update_from_source"
            assert (conflict["resolved_by"], conflict["notes"]) == ("alice", "before it died")
            again = await http.post(f"/api/v1/reconcile/row/{row['id']}", json=op)
            assert (again.status_code, again.json()["code"]) == (409, "already_resolved")
            run = (await http.post("/api/v1/sync/run", json=RANGE)).json()
            assert run["run_status"] == "completed", run
            entry = (await http.get(f"/api/v1/entries/{row['entryId']}")).json()
            assert entry["state"] == "synced"
        assert patched(peers) == 1
        assert await verify(service) == []


async def states_of(http: httpx.AsyncClient, rows: list[dict[str, Any]]) -> Counter[str]:
    """How many entries stand where."""
    entries = [await http.get(f"/api/v1/entries/{row['entryId']}") for row in rows]
    return Counter(entry.json()["state"] for entry in entries)


async def test_rows_left_for_later_survive_a_kill_and_are_done_once(
    embedded_server: DatabaseServer, folder: Path
) -> None:
    async with edited(embedded_server, folder) as (service, peers, rows):
        slow = FaultRule(
            kind=FaultKind.LATENCY, methods=("PATCH",), path_prefix="/api/timesheets", seconds=0.5
        )
        async with service.client() as http:
            wanted = await minutes_of(http, rows)
        peers.kimai_app.faults.replace([slow])
        wish = {
            "ids": [row["id"] for row in rows],
            "op": "update",
            "note": "all of them",
            "user": 1,
            "request": "bulk-1",
        }
        async with postgres_ledger(service.variables["DATABASE_URL"]) as store:
            await enqueue_rows(store, json.dumps(wish).encode())
        await until(lambda: patched(peers) >= 2)
        await killed(service)
        async with service.client() as http:
            async with asyncio.timeout(60):
                while True:
                    states = await states_of(http, rows)
                    if states.keys() <= {"synced", "writing", "pending"}:
                        break
                    await asyncio.sleep(0.2)
            lost = states["writing"]  # under way at the kill: done or not, nobody heard
            # It reads those back, and writes what was decided and not begun (`pending`).
            await http.post("/api/v1/sync/run", json=RANGE)
            async with asyncio.timeout(60):
                while True:
                    if (await states_of(http, rows)).keys() == {"synced"}:
                        break
                    await asyncio.sleep(0.2)
            assert brought_back(peers, wanted)
            assert (await http.get("/api/v1/reconcile/")).json()["total"] == 0
            resolved = (await http.get("/api/v1/conflicts/")).json()
            assert {each["resolved_by"] for each in resolved} == {"alice"}
            assert {each["notes"] for each in resolved} == {"all of them"}
        assert ROWS <= patched(peers) <= ROWS + lost  # only what was not done is sent again
        assert await verify(service) == []


async def test_killed_over_a_correction_it_is_booked_once(
    embedded_server: DatabaseServer, folder: Path
) -> None:
    """What was exported lacks time; its second timesheet lands while the process dies."""
    async with connected(embedded_server, folder, ROWS) as (service, peers):
        async with service.client() as http:
            await http.post("/api/v1/sync/run", json=RANGE)
            entries = (await http.get("/api/v1/entries", params={"state": "synced"})).json()
            entry = entries["items"][0]
            peers.kimai.timesheets[int(entry["target_id"])].exported = True
            units = str(entry["time_minutes"] + 20)
            peers.zammad.correct(int(entry["source_id"]), time_unit=units)
            await http.post("/api/v1/sync/run", json=RANGE)
            (row,) = (await http.get("/api/v1/reconcile/")).json()["items"]
            sheets = peers.sheets
            hang = FaultRule(
                kind=FaultKind.HANG_AFTER_APPLY,
                methods=("POST",),
                path_prefix="/api/timesheets",
                seconds=20,
            )
            peers.kimai_app.faults.replace([hang])
            op = {"op": "correct", "notes": "before it died"}
            asked = asyncio.create_task(http.post(f"/api/v1/reconcile/row/{row['id']}", json=op))
            await until(lambda: peers.sheets == sheets + 1)
            service.kill()
            await service.ended()
            await asyncio.wait([asked])
            assert asked.exception() is not None
        peers.kimai_app.faults.clear()
        await service.launch()
        await service.ready()
        async with service.client() as http:
            path = f"/api/v1/entries/{row['entryId']}"
            found = await shown(http, path, lambda found: found["state"] == "writing")
            assert found["target_id"] == entry["target_id"]  # it is not known yet what landed
            conflict = (await http.get(f"/api/v1/conflicts/{row['id']}")).json()
            assert conflict["resolution_action"] == "corrected"
            assert (conflict["resolved_by"], conflict["notes"]) == ("alice", "before it died")
            run = (await http.post("/api/v1/sync/run", json=RANGE)).json()
            assert run["run_status"] == "completed", run
            found = (await http.get(path)).json()
            assert found["state"] == "synced"
            earlier = [each["timesheet_id"] for each in found["target"]["earlier"]]
            assert earlier == [int(entry["target_id"])]
            assert found["target"]["minutes"] == 20
        assert peers.sheets == sheets + 1
        assert await verify(service) == []

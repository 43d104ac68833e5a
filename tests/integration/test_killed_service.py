"""The service dies by SIGKILL in the middle of its work; what it was asked for is not forgotten."""

from pathlib import Path

import pytest

from adapters.postgres.jobs import CRASHED
from adapters.sandbox.control import FaultKind, FaultRule
from tests.support.service_processes import a_process, alive, get
from tests.support.two_peers import RANGE, connect_by, two_peers
from tests.support.waiting import until


async def test_a_run_that_was_killed_is_closed_at_the_next_start_and_gone_on_with(
    migrated: str, tmp_path: Path
) -> None:
    async with two_peers(60) as peers:
        process = a_process(migrated, tmp_path)
        async with alive(process) as http:
            await connect_by(http, peers)
            slow = FaultRule(kind=FaultKind.LATENCY, seconds=0.3)
            peers.kimai_app.faults.replace([slow], seed=1)
            headers = {"Prefer": "respond-async"}
            answer = await http.post("/api/v1/sync/run", json=RANGE, headers=headers)
            assert answer.status_code == 202, answer.text

            async def half_done() -> bool:
                return peers.sheets >= 10

            await until(half_done)
            assert (await get(http, "sync/runs/1"))["state"] == "running"
        peers.kimai_app.faults.clear()
        async with alive(process) as http:

            async def closed() -> bool:
                return bool((await get(http, "sync/runs/1"))["status"] != "running")

            await until(closed)
            run = await get(http, "sync/runs/1")
            assert (run["state"], run["error_message"]) == ("failed", CRASHED)
            assert run["ended_at"] is not None
            second = await http.post("/api/v1/sync/run", json=RANGE)
            assert second.json()["run_status"] == "completed", second.text
            synced = await get(http, "entries?state=synced&limit=200")
            sheets = [entry["target_id"] for entry in synced["items"]]
            assert len(sheets) == len(set(sheets)) == peers.sheets


@pytest.mark.parametrize("written", [0, 2], ids=["before its run", "in the middle of it"])
async def test_a_retry_survives_a_kill(migrated: str, tmp_path: Path, written: int) -> None:
    async with two_peers(20) as peers:
        process = a_process(migrated, tmp_path)
        async with alive(process) as http:
            await connect_by(http, peers)
            for mapping in await get(http, "mappings/"):
                await http.delete(f"/api/v1/mappings/{mapping['id']}")
            first = await http.post("/api/v1/sync/run", json=RANGE)
            assert first.json()["num_conflicts"] > 0, first.text
            assert peers.sheets == 0
            held = (await get(http, "entries?state=conflict&limit=200"))["items"]
            unmapped = [row["id"] for row in held if row["reason_code"] == "UNMAPPED_ACTIVITY"]
            assert unmapped
            for number in {row["activity_type_id"] for row in held}:
                body = {"zammad_type_id": number, "kimai_activity_id": 1}
                assert (await http.post("/api/v1/mappings/", json=body)).status_code == 201
            slow = FaultRule(kind=FaultKind.LATENCY, seconds=0.3)
            peers.kimai_app.faults.replace([slow], seed=1)
            for entry_id in unmapped:
                asked = await http.post(f"/api/v1/entries/{entry_id}/retry")
                assert asked.status_code == 202, asked.text

            async def so_far() -> bool:
                return peers.sheets >= written

            await until(so_far)
            process.kill()
        assert peers.sheets < len(unmapped)
        peers.kimai_app.faults.clear()
        async with alive(process) as http:  # nobody asks again

            async def carried() -> bool:
                page = await get(http, "entries?state=synced&limit=200")
                return set(unmapped) <= {row["id"] for row in page["items"]}

            await until(carried)
            assert peers.sheets == len(unmapped)
            kinds = {
                run["cause"]["kind"] for run in (await get(http, "sync/runs?limit=200"))["data"]
            }
            assert kinds == {"user", "retry"}

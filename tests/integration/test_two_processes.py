"""Two processes on one ledger ask for runs in the same moment: `skip` and `queue` across them."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.sandbox.control.faults import FaultKind, FaultRule
from domain.schedule.cron import Cron
from tests.support.command import SOURCE, spoken
from tests.support.embedded import SAME_PACKAGES
from tests.support.service import running_service
from tests.support.service_processes import a_process, alive, get
from tests.support.two_peers import RANGE, TwoPeers, connect, connect_by, two_peers
from tests.support.waiting import until

EACH = 8  # requests that each process gets at once
MOST_WAITING = 5
AT_ONCE = {"Prefer": "respond-async"}
ROOT = Path(SOURCE).parent


@asynccontextmanager
async def two_of_them(dsn: str, folder: Path, peers: TwoPeers) -> AsyncIterator[Any]:
    """Two processes of the service, and a Zammad that keeps their runs waiting for a while."""
    async with AsyncExitStack() as stack:
        clients = []
        for name in ("first", "second"):
            (folder / name).mkdir()
            process = a_process(dsn, folder / name)
            clients.append(await stack.enter_async_context(alive(process)))
        await connect_by(clients[0], peers)
        slow = FaultRule(kind=FaultKind.LATENCY, seconds=3.0, times=1)
        peers.zammad_app.faults.replace([slow])
        yield clients


async def asked_at_once(clients: list[httpx.AsyncClient]) -> Sequence[httpx.Response]:
    asked = [
        http.post("/api/v1/sync/run", json=RANGE, headers=AT_ONCE)
        for _ in range(EACH)
        for http in clients
    ]
    return await asyncio.gather(*asked)


async def all_ended(http: httpx.AsyncClient) -> list[dict[str, Any]]:
    """All runs, in the order in which they were asked for, once none is active."""

    async def none_runs() -> bool:
        return bool((await get(http, "sync/runs?status=running"))["total"] == 0)

    await until(none_runs, 60)
    runs: list[dict[str, Any]] = (await get(http, "sync/runs?limit=200"))["data"]
    return runs[::-1]


def answers(responses: Sequence[httpx.Response]) -> Counter[str]:
    return Counter(each.json().get("code", str(each.status_code)) for each in responses)


async def test_of_all_that_ask_at_once_one_runs(migrated: str, tmp_path: Path) -> None:
    async with two_peers(3) as peers, two_of_them(migrated, tmp_path, peers) as clients:
        told = await asked_at_once(clients)
        assert answers(told) == {"202": 1, "run_active": 2 * EACH - 1}
        (run,) = await all_ended(clients[0])
        active = {each.json()["run_id"] for each in told if each.status_code == 409}
        assert active == {run["id"]}
        assert run["state"] == "completed"


async def test_one_runs_and_five_wait_in_all_processes_together(
    migrated: str, tmp_path: Path
) -> None:
    async with two_peers(3) as peers, two_of_them(migrated, tmp_path, peers) as clients:
        queue = {"concurrency": "queue"}
        assert (await clients[0].put("/api/v1/schedule/", json=queue)).status_code == 200
        first = await clients[0].post("/api/v1/sync/run", json=RANGE, headers=AT_ONCE)
        assert first.status_code == 202, first.text

        async def it_runs() -> bool:
            return bool((await get(clients[0], "sync/runs?state=running"))["total"] == 1)

        await until(it_runs)
        told = await asked_at_once(clients)
        assert answers(told) == {"202": MOST_WAITING, "queue_full": 2 * EACH - MOST_WAITING}
        runs = await all_ended(clients[1])
        assert [run["state"] for run in runs] == ["completed"] * (1 + MOST_WAITING)
        begun = [datetime.fromisoformat(run["started_at"]) for run in runs]
        ended = [datetime.fromisoformat(run["ended_at"]) for run in runs]
        assert begun == sorted(begun)
        assert all(end <= start for end, start in zip(ended[:-1], begun[1:], strict=True))
        assert peers.sheets == 3


@pytest.mark.parametrize("concurrency", ["skip", "queue"])
async def test_a_due_time_is_one_run_or_one_skipped_one_whoever_leads(
    migrated: str, concurrency: str
) -> None:
    """Both see to it in the same moment, as if each held the lead."""
    async with two_peers(3) as peers, running_service(migrated) as service:
        await connect(service, peers)
        body: dict[str, Any] = {"cron": "0 */6 * * *", "enabled": True, "concurrency": concurrency}
        assert (await service.http.put("/api/v1/schedule/", json=body)).status_code == 200
        due = next(iter(Cron(body["cron"]).following(datetime.now(UTC), "UTC")))
        slow = FaultRule(kind=FaultKind.LATENCY, seconds=3.0, times=1)
        peers.zammad_app.faults.replace([slow])
        async with lookers(migrated, due + timedelta(milliseconds=5)) as both:
            await service.http.post("/api/v1/sync/run", headers=AT_ONCE)
            for each in both:
                assert each.stdin is not None
                each.stdin.write(b"\n")
            runs = await all_ended(service.http)
            for each in both:
                await asyncio.wait_for(each.communicate(b""), 30)
                assert each.returncode == 0
        await service.own.shown(await service.own.store.head())
        skipped = (await get(service.http, "audit-logs/?action=sync_skipped"))["total"]
        assert len(runs) + skipped == 2, (runs, skipped)
        assert skipped == (concurrency == "skip")
        assert {run["state"] for run in runs} == {"completed"}


@asynccontextmanager
async def lookers(dsn: str, instant: datetime) -> AsyncIterator[Sequence[Process]]:
    """Two processes that look at the schedule when they are given a line."""
    both = [
        await spoken(
            "a process that looks at the schedule",
            sys.executable,
            *("-m", "tests.support.schedule_look", dsn, instant.isoformat()),
            cwd=ROOT,
            env=dict(SAME_PACKAGES),
            stdin=PIPE,
            stdout=PIPE,
        )
        for _ in range(2)
    ]
    try:
        for each in both:
            assert each.stdout is not None
            while b"ready" not in await asyncio.wait_for(each.stdout.readline(), 60):
                assert each.returncode is None
        yield both
    finally:
        for each in both:
            if each.returncode is None:
                each.kill()
                await each.wait()

"""Customers and projects made in the sandbox over real HTTP: faults, permissions, kills, plans."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.sandbox.control import FaultKind, FaultRule
from tests.support.service import Service, running_service
from tests.support.service_processes import a_process, alive, get
from tests.support.two_peers import QUICK, RANGE, TwoPeers, connect, connect_by, two_peers
from tests.support.waiting import until

PER_TICKET = {"project_strategy": "per_ticket", "default_project_id": None}
DUPLICATES = {
    "customer": "customer.rules.allow_duplicate_number",
    "project": "project.allow_duplicate_number",
}
PATHS = {"customer": "/api/customers", "project": "/api/projects"}


async def set_kimai(http: httpx.AsyncClient, **settings: Any) -> None:
    answer = await http.patch("/api/v1/connectors/2", json={"settings": settings})
    assert answer.status_code == 200, answer.text


async def run(http: httpx.AsyncClient) -> dict[str, Any]:
    answer = await http.post("/api/v1/sync/run", json=RANGE)
    assert answer.status_code == 200, answer.text
    ended: dict[str, Any] = answer.json()
    return ended


def numbers(peers: TwoPeers, noun: str) -> Counter[str]:
    rows = getattr(peers.kimai, f"{noun}s").values()
    return Counter(row.number for row in rows if (row.number or "").startswith("Z"))


def tickets(peers: TwoPeers) -> set[int]:
    return {row.ticket_id for row in peers.zammad.entries if row.time_unit}


def each_on_its_own(peers: TwoPeers) -> None:
    """One project for each ticket, under the customer of who it is for, and all time on it."""
    assert numbers(peers, "project") == Counter(f"ZT{each}" for each in tickets(peers))
    assert set(numbers(peers, "customer").values()) == {1}
    marked = Counter(sheet.description for sheet in peers.kimai.timesheets.values())
    assert set(marked.values()) == {1}
    for sheet in peers.kimai.timesheets.values():
        assert sheet.project is not None
        project = peers.kimai.projects[sheet.project]
        assert (project.number or "").startswith("ZT")
        ticket = next(row for row in peers.zammad.tickets if f"ZT{row.id}" == project.number)
        customer = peers.kimai.customers[project.customer]
        owner = f"ZO{ticket.organization_id}"
        if ticket.organization_id is None:
            owner = f"ZU{ticket.customer_id}"
        assert customer.number == owner
        assert project.name.startswith(f"{ticket.number} ")


async def test_a_first_run_makes_what_the_bookings_need(migrated: str) -> None:
    async with two_peers(20) as peers, running_service(migrated, **QUICK) as service:
        await connect(service, peers)
        await set_kimai(service.http, **PER_TICKET)
        first = await run(service.http)
        assert (first["run_status"], first["num_conflicts"]) == ("completed", 0), first
        each_on_its_own(peers)
        before = dict(peers.kimai.projects), dict(peers.kimai.customers)
        second = await run(service.http)
        assert (second["run_status"], second["num_created"]) == ("completed", 0)
        assert (peers.kimai.projects, peers.kimai.customers) == before
        assert (await service.own.store.verify()).ok


@pytest.mark.parametrize("noun", ["customer", "project"])
@pytest.mark.parametrize(
    "kind",
    [
        FaultKind.ERROR_BEFORE,
        FaultKind.ERROR_AFTER,
        FaultKind.RESET_BEFORE,
        FaultKind.RESET_AFTER,
        FaultKind.TRUNCATE,
        FaultKind.HTML_AFTER,
        FaultKind.TOO_MANY,
    ],
)
async def test_a_lost_answer_ends_in_one(migrated: str, kind: FaultKind, noun: str) -> None:
    async with two_peers(6) as peers, running_service(migrated, **QUICK) as service:
        # what Kimai allows: only we keep a second one away
        peers.kimai.settings.change({DUPLICATES[noun]: True})
        await connect(service, peers)
        await set_kimai(service.http, **PER_TICKET)
        rule = FaultRule(kind=kind, methods=("POST",), path_prefix=PATHS[noun], times=2)
        peers.kimai_app.faults.replace([rule], seed=1)
        await run(service.http)
        peers.kimai_app.faults.clear()
        last = await run(service.http)
        assert last["run_status"] == "completed", last
        each_on_its_own(peers)


async def test_a_token_that_may_not_make_projects_holds_only_that(migrated: str) -> None:
    async with two_peers(6) as peers, running_service(migrated, **QUICK) as service:
        await connect(service, peers)
        await set_kimai(service.http, **PER_TICKET)
        rule = FaultRule(kind=FaultKind.FORBIDDEN, methods=("POST",), path_prefix="/api/projects")
        peers.kimai_app.faults.replace([rule], seed=1)
        first = await run(service.http)
        assert first["run_status"] == "completed", first
        held = (await get(service.http, "entries?state=conflict&limit=200"))["items"]
        assert {row["reason_code"] for row in held} == {"PROJECT_OR_CUSTOMER_MISSING"}
        assert (peers.sheets, numbers(peers, "project")) == (0, Counter())
        await run(service.http)  # the people that the first one recorded let it ask once more
        asked = peers.kimai_app.faults.describe()["rules"][0]["hit"]  # type: ignore[index]
        await run(service.http)
        assert peers.kimai_app.faults.describe()["rules"][0]["hit"] == asked  # type: ignore[index]
        peers.kimai_app.faults.clear()
        for row in held:
            answer = await service.http.post(f"/api/v1/entries/{row['id']}/retry")
            assert answer.status_code == 202, answer.text

        async def carried() -> bool:
            return peers.sheets >= len(held)

        await until(carried)
        each_on_its_own(peers)


async def test_a_plan_shows_the_requests_and_then_sends_them(migrated: str) -> None:
    async with two_peers(6) as peers, running_service(migrated, **QUICK) as service:
        await connect(service, peers)
        await set_kimai(service.http, **PER_TICKET)
        made = await service.http.post("/api/v1/sync/plans", json=RANGE)
        plan = made.json()
        assert (numbers(peers, "project"), peers.sheets) == (Counter(), 0)
        rows = [row for row in plan["rows"] if row["action"] == "create"]
        shown = {
            (each["path"], each["body"]["number"], each["body"]["name"])
            for row in rows
            for each in row["creates"]
        }
        assert {row["request"]["body"]["project"] for row in rows} == {
            f"ZT{each}" for each in tickets(peers)
        }
        digest = {"digest": plan["digest"]}
        applied = await service.http.post("/api/v1/sync/plans/1/apply", json=digest)
        assert applied.json()["run_status"] == "completed", applied.text
        each_on_its_own(peers)
        stored = {
            (PATHS[noun], row.number, row.name)
            for noun in PATHS
            for row in getattr(peers.kimai, f"{noun}s").values()
            if (row.number or "").startswith("Z")
        }
        assert stored == shown


@pytest.mark.parametrize("noun", ["customer", "project"])
@pytest.mark.parametrize("applied", [False, True], ids=["before it landed", "after it landed"])
async def test_killed_around_the_request_there_is_one_of_each(
    migrated: str, tmp_path: Path, noun: str, applied: bool
) -> None:
    async with two_peers(6) as peers:
        process = a_process(migrated, tmp_path)
        async with alive(process) as http:
            await connect_by(http, peers)
            await set_kimai(http, **PER_TICKET)
            kind = FaultKind.HANG_AFTER_APPLY if applied else FaultKind.LATENCY
            rule = FaultRule(kind=kind, methods=("POST",), path_prefix=PATHS[noun], seconds=30)
            peers.kimai_app.faults.replace([rule], seed=1)
            headers = {"Prefer": "respond-async"}
            answer = await http.post("/api/v1/sync/run", json=RANGE, headers=headers)
            assert answer.status_code == 202, answer.text

            async def under_way() -> bool:
                rules = peers.kimai_app.faults.describe()["rules"]
                return bool(rules[0]["hit"])  # type: ignore[index]

            await until(under_way)
            await asyncio.sleep(0.1)
            process.kill()
        peers.kimai_app.faults.clear()
        async with alive(process) as http:

            async def closed() -> bool:
                return bool((await get(http, "sync/runs/1"))["status"] != "running")

            await until(closed)
            last = await run(http)
            assert last["run_status"] == "completed", last
            each_on_its_own(peers)


async def runs_at_once(services: list[Service]) -> None:
    await asyncio.gather(*(each.http.post("/api/v1/sync/run", json=RANGE) for each in services))


async def test_two_services_at_the_same_time_make_one_of_each(migrated: str) -> None:
    async with (
        two_peers(12) as peers,
        running_service(migrated, **QUICK) as one,
        running_service(migrated, **QUICK) as other,
    ):
        await connect(one, peers)
        await set_kimai(one.http, **PER_TICKET)
        await runs_at_once([one, other, one])
        last = await run(one.http)
        assert last["run_status"] == "completed", last
        each_on_its_own(peers)

"""What Kimai calls the projects of timesheets: from its socket to the entries."""

from datetime import timedelta
from typing import Any

import httpx

from adapters.sandbox.control.faults import FaultKind, FaultRule
from domain.target_names.events import TargetNamed
from tests.support.ahead import AheadClock
from tests.support.service import Service, running_service
from tests.support.two_peers import RANGE, TwoPeers, connect, two_peers

FOR_DAYS = 7 * 24 * 60  # minutes


async def carried(service: Service) -> None:
    answer = await service.http.post("/api/v1/sync/run", json=RANGE)
    assert answer.json()["run_status"] == "completed", answer.text


async def named(service: Service) -> list[TargetNamed]:
    """All names that were learnt, once nothing is under way any more."""
    assert await service.own.shown(await service.own.store.head())
    page = await service.own.store.page(0, 100_000)
    return [each.event for each in page if isinstance(each.event, TargetNamed)]


async def shown(service: Service, **query: Any) -> dict[str, Any]:
    page = (await service.http.get("/api/v1/entries", params={"state": "synced", **query})).json()
    entry: dict[str, Any] = page["items"][0]
    alone = (await service.http.get(f"/api/v1/entries/{entry['id']}", params=query)).json()
    assert alone == entry
    return entry


async def asked(peers: TwoPeers) -> int:
    """How often Kimai was asked for its projects and activities."""
    async with httpx.AsyncClient() as hand:
        counts = (await hand.get(f"{peers.kimai_url}/_control/requests")).json()["counts"]
    return sum(counts.get(f"GET /api/{noun}", 0) for noun in ("projects", "activities"))


async def test_entries_say_what_kimai_calls_their_project(migrated: str) -> None:
    clock = AheadClock()
    async with (
        two_peers(8) as peers,
        running_service(migrated, clock=clock, access_token_minutes=FOR_DAYS) as service,
    ):
        await connect(service, peers)
        await carried(service)
        first = await named(service)
        project = peers.kimai.projects[1]
        entry = await shown(service)
        assert (entry["project_name"], entry["target"]["customer_id"]) == (
            project.name,
            project.customer,
        )

        before, head = await asked(peers), await service.own.store.head()
        await carried(service)
        assert await asked(peers) == before  # all is known
        assert await named(service) == first

        activity = peers.kimai.activities[entry["target"]["activity_id"]]
        project.name, activity.name = "Renamed by the accountant", "Called otherwise"
        clock.ahead += timedelta(hours=25)
        await carried(service)
        news = [each.name for each in (await named(service))[len(first) :]]
        assert news == [project.name, activity.name]
        assert (await shown(service))["project_name"] == project.name
        flag = {"time_entry_id": entry["id"]}
        flagged = (await service.http.post("/api/v1/conflicts/", json=flag)).json()
        assert flagged["project_name"] == flagged["kimai_data"]["project_name"] == project.name
        assert flagged["kimai_data"]["activity_name"] == activity.name
        row = await service.http.get(f"/api/v1/reconcile/row/{flagged['id']}")
        assert row.json()["item"]["target"]["activity"] == activity.name
        assert (await shown(service, as_of=f"position:{head}"))["project_name"] == first[0].name


async def test_a_run_needs_no_names(migrated: str) -> None:
    refusing = FaultRule(kind=FaultKind.ERROR_BEFORE, methods=("GET",), path_prefix="/api/projects")
    async with (
        two_peers(3) as peers,
        running_service(migrated, clock=AheadClock()) as service,
    ):
        await connect(service, peers)
        peers.kimai_app.faults.replace([refusing])
        await carried(service)
        assert await named(service) == []
        assert (await shown(service))["project_name"] is None

        peers.kimai_app.faults.clear()
        await carried(service)
        assert (await shown(service))["project_name"] == peers.kimai.projects[1].name

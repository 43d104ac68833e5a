"""Plans over the whole service: what a run would do, from both peers' sockets to the answers."""

from typing import Any

import httpx

from tests.integration.test_api_runs import open_run
from tests.support.service import ADMIN_PASSWORD, Service, running_service
from tests.support.two_peers import RANGE, TwoPeers, connect, post, two_peers

PLANS = "/api/v1/sync/plans"


async def dry_run(service: Service) -> dict[str, Any]:
    answer = await service.http.post("/api/v1/sync/run", json={**RANGE, "dry_run": True})
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def plan_of(service: Service, number: int) -> dict[str, Any]:
    answer = await service.http.get(f"{PLANS}/{number}")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def writes(peers: TwoPeers) -> dict[str, int]:
    """What either peer was sent that could change something."""
    found: dict[str, int] = {}
    async with httpx.AsyncClient() as hand:
        for url in (peers.zammad_url, peers.kimai_url):
            counts = (await hand.get(f"{url}/_control/requests")).json()["counts"]
            found |= {route: n for route, n in counts.items() if not route.startswith("GET ")}
    found.pop("POST /api/v1/tickets/search", None)  # a question too long for an address
    return found


async def test_a_dry_run_says_what_the_run_then_does(migrated: str) -> None:
    async with two_peers(20) as peers, running_service(migrated) as service:
        await connect(service, peers)
        would = await dry_run(service)
        assert (would["status"], would["dry_run"], would["run_id"]) == ("success", True, None)
        assert (would["plan_id"], would["run_status"]) == (1, "completed")
        assert (peers.sheets, await writes(peers)) == (0, {})
        assert (await service.http.get("/api/v1/entries")).json()["total"] == 0
        assert (await service.http.get("/api/v1/sync/runs")).json()["total"] == 0
        plan = await plan_of(service, 1)
        assert plan["state"] == "ready"
        assert plan["digest"].startswith("sha256:")
        assert plan["counts"]["create"] == would["num_created"]
        assert len(plan["rows"]) == plan["total_rows"] == 20
        first = next(row for row in plan["rows"] if row["action"] == "create")
        assert first["request"]["method"] == "POST"
        assert first["request"]["body"]["tags"] == "source:zammad"
        assert first["request"]["body"]["description"] == first["after"]["description"]
        assert first["before"] is None
        assert first["user"]
        run = (await service.http.post("/api/v1/sync/run", json=RANGE)).json()
        assert {name: run[name] for name in COUNTED} == {name: would[name] for name in COUNTED}
        again = await dry_run(service)
        assert [again[name] for name in COUNTED[1:]] == [0, 0, 0, 0]
        assert (await service.own.store.verify()).ok


async def test_rows_are_answered_in_pages_and_by_action(migrated: str) -> None:
    async with two_peers(130) as peers, running_service(migrated) as service:
        await connect(service, peers)
        for entry_id in sorted(row.id for row in peers.zammad.entries)[::9]:
            peers.zammad.correct(entry_id, time_unit=0)
        made = await post(service, "sync/plans", **RANGE)
        assert len(made["rows"]) == made["total_rows"] == 130
        assert made["next_cursor"] is None
        seen: list[int] = []
        cursor: str | None = ""
        while cursor is not None:
            query: dict[str, str] = {"limit": "47", **({"cursor": cursor} if cursor else {})}
            page = (await service.http.get(f"{PLANS}/1/rows", params=query)).json()
            seen += [row["row"] for row in page["items"]]
            cursor = page["next_cursor"]
        assert seen == list(range(1, 131))
        skipped = (await service.http.get(f"{PLANS}/1/rows?action=skip&limit=200")).json()
        assert len(skipped["items"]) == made["counts"]["skip"] > 0
        assert all(row["request"] is None and row["message"] for row in skipped["items"])
        one = (await service.http.get(f"{PLANS}/1/rows?action=create&limit=1")).json()
        wrong = {"cursor": one["next_cursor"]}
        answer = await service.http.get(f"{PLANS}/1/rows", params=wrong)
        assert (answer.status_code, answer.json()["code"]) == (422, "cursor_invalid")


async def test_plans_are_listed_newest_first(migrated: str) -> None:
    async with two_peers(3) as peers, running_service(migrated) as service:
        await connect(service, peers)
        made = await post(service, "sync/plans", **RANGE)
        few = [made["rows"][1]["entry_id"]]
        limited = await post(service, "sync/plans", **RANGE, entry_ids=few)
        assert [row["entry_id"] for row in limited["rows"]] == few
        page = (await service.http.get(f"{PLANS}?limit=1")).json()
        assert [plan["plan_id"] for plan in page["items"]] == [2]
        assert "rows" not in page["items"][0]
        rest = {"cursor": page["next_cursor"]}
        page = (await service.http.get(PLANS, params=rest)).json()
        assert [plan["plan_id"] for plan in page["items"]] == [1]
        assert page["next_cursor"] is None
        audit = (await service.http.get("/api/v1/audit-logs/?action=sync_plan_made")).json()
        assert [row["entity_id"] for row in audit["data"]] == [2, 1]
        assert (await service.http.get(f"{PLANS}/9")).status_code == 404
        async with service.logged_in(*await viewer(service)) as http:
            assert (await http.get(f"{PLANS}/1")).status_code == 200
            assert (await http.post(PLANS)).status_code == 403


async def viewer(service: Service) -> tuple[str, str]:
    await service.add_user("vera", "viewer")
    return "vera", ADMIN_PASSWORD


async def test_a_plan_that_could_not_be_made_says_why(migrated: str) -> None:
    async with two_peers(1) as peers, running_service(migrated) as service:
        await connect(service, peers)
        moved = {"base_url": peers.zammad_url, "api_token": "not-the-token-of-anybody"}
        assert (await service.http.patch("/api/v1/connectors/1", json=moved)).status_code == 200
        would = await dry_run(service)
        assert (would["status"], would["run_status"]) == ("failed", "failed")
        assert "zammad" in would["error_detail"]
        assert (await plan_of(service, 1))["state"] == "failed"


async def test_refusals_come_before_anything_is_read(migrated: str) -> None:
    async with two_peers(1) as peers, running_service(migrated) as service:
        answer = await service.http.post(PLANS)
        assert (answer.status_code, answer.json()["code"]) == (409, "connectors_missing")
        await connect(service, peers)
        for body, code in (
            ({"start_date": "2026-02-01", "end_date": "2026-01-01"}, "range_invalid"),
            ({"entry_ids": []}, "validation"),
            ({"entry_ids": list(range(1, 202))}, "validation"),
            ({"dry_run": True}, "validation"),
        ):
            answer = await service.http.post(PLANS, json=body)
            assert (answer.status_code, answer.json()["code"]) == (422, code), body
        async with open_run(service.own):
            await service.own.projections.wait_for(await service.own.store.head(), within=5)
            for path, body in ((PLANS, {}), ("/api/v1/sync/run", {"dry_run": True})):
                answer = await service.http.post(path, json=body)
                assert (answer.status_code, answer.json()["code"]) == (409, "run_active")
                assert answer.json()["run_id"] == 1


COUNTED = ("num_processed", "num_created", "num_updated", "num_deleted", "num_conflicts")

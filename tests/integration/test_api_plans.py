"""Plans over the whole service: what a run would do, from both peers' sockets to the answers."""

import asyncio
import math
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import httpx

from adapters.sandbox.control.faults import FaultKind, FaultRule
from api import runs
from domain.ids import RunId
from tests.integration.test_api_runs import open_run
from tests.support.ahead import AheadClock
from tests.support.service import ADMIN_PASSWORD, Service, running_service
from tests.support.two_peers import KIMAI_TOKEN, RANGE, TwoPeers, connect, post, two_peers
from tests.support.waiting import until

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


async def apply(service: Service, plan: dict[str, Any], **body: Any) -> httpx.Response:
    digest = {"digest": plan["digest"], **body}
    return await service.http.post(f"{PLANS}/{plan['plan_id']}/apply", json=digest)


async def test_a_plan_is_applied_as_it_was_read_and_once(migrated: str) -> None:
    async with two_peers(60) as peers, running_service(migrated) as service:
        await connect(service, peers)
        plan = await post(service, "sync/plans", **RANGE)
        other = await apply(service, plan, digest="sha256:" + 64 * "0")
        assert (other.status_code, other.json()["code"]) == (409, "plan_digest_mismatch")
        assert await writes(peers) == {}
        answer = await apply(service, plan)
        assert answer.status_code == 200, answer.text
        run = answer.json()
        assert (run["status"], run["run_status"], run["plan_id"]) == ("success", "completed", 1)
        assert run["num_created"] == plan["counts"]["create"] == peers.sheets > 30
        again = await apply(service, plan)
        assert (again.status_code, again.json()["code"]) == (409, "plan_applied")
        shown = (await service.http.get(f"/api/v1/sync/runs/{run['run_id']}")).json()
        assert (shown["plan_id"], shown["cause"]) == (1, {"kind": "plan", "id": "1"})
        assert (await plan_of(service, 1))["applied_by"] == run["run_id"]
        sent = {row["request"]["body"]["description"] for row in plan["rows"] if row["request"]}
        assert {sheet.description for sheet in peers.kimai.timesheets.values()} == sent
        actions = (await service.http.get("/api/v1/audit-logs/?entity=plan")).json()
        assert {row["action"] for row in actions["data"]} == {
            "sync_plan_made",
            "sync_plan_applied",
        }
        assert (
            await service.http.post(f"{PLANS}/9/apply", json={"digest": "x"})
        ).status_code == 404
        assert (await service.own.store.verify()).ok


async def test_a_plan_outlives_a_crash_and_is_applied_afterwards(migrated: str) -> None:
    async with two_peers(10) as peers:
        async with running_service(migrated) as service:
            await connect(service, peers)
            plan = await post(service, "sync/plans", **RANGE)
        async with running_service(migrated) as service:
            assert (await plan_of(service, 1))["digest"] == plan["digest"]
            assert (await apply(service, plan)).json()["num_created"] == peers.sheets > 5


async def test_a_plan_that_is_being_applied_goes_on_after_a_restart(migrated: str) -> None:
    async with two_peers(200) as peers:
        async with running_service(migrated, kimai_request_limit_seconds=1) as service:
            await connect(service, peers)
            plan = await post(service, "sync/plans", **RANGE)
            slowly = FaultRule(kind=FaultKind.LATENCY, methods=("POST",), seconds=0.2)
            peers.kimai_app.faults.replace([slowly])  # else all may be written before we look
            digest, now = {"digest": plan["digest"]}, {"Prefer": "respond-async"}
            answer = await service.http.post(f"{PLANS}/1/apply", json=digest, headers=now)
            assert answer.status_code == 202
            assert answer.json() == {"run_id": 1, "status_url": "/api/v1/sync/runs/1"}
            for _ in range(1_000):
                if peers.sheets >= 5:
                    break
                await asyncio.sleep(0.01)
        assert peers.sheets < plan["counts"]["create"]
        peers.kimai_app.faults.clear()
        async with running_service(migrated, kimai_request_limit_seconds=1) as service:
            run = await runs.ended(service.own, RunId(1), within=60)
            assert run.state == "completed", run.error
            assert peers.sheets == plan["counts"]["create"]
            assert (await plan_of(service, 1))["state"] == "applied"


async def test_a_plan_of_yesterday_is_not_applied(migrated: str) -> None:
    async with two_peers(3) as peers:
        async with running_service(migrated) as service:
            await connect(service, peers)
            plan = await post(service, "sync/plans", **RANGE)
            life = datetime.fromisoformat(plan["expires_at"]) - datetime.fromisoformat(
                plan["created_at"]
            )
            assert timedelta(hours=24) <= life < timedelta(hours=24, minutes=1)
        async with running_service(
            migrated, clock=AheadClock(timedelta(days=1, seconds=1))
        ) as service:
            shown = (await service.http.get(f"{PLANS}/1")).json()
            assert shown["state"] == "expired"
            digest = {"digest": plan["digest"]}
            answer = await service.http.post(f"{PLANS}/1/apply", json=digest)
            assert (answer.status_code, answer.json()["code"]) == (409, "plan_expired")
            assert (peers.sheets, await writes(peers)) == (0, {})


async def test_a_plan_is_asked_for_without_waiting(migrated: str) -> None:
    async with two_peers(3) as peers, running_service(migrated) as service:
        await connect(service, peers)
        now = {"Prefer": "respond-async"}
        answer = await service.http.post(PLANS, json=RANGE, headers=now)
        assert (answer.status_code, answer.json()["state"]) == (202, "building")
        assert (answer.json()["rows"], answer.json()["digest"]) == ([], None)
        early = await apply(service, {"plan_id": 1, "digest": "sha256:0"})
        assert (early.status_code, early.json()["code"]) in {
            (409, "plan_not_ready"),
            (409, "plan_digest_mismatch"),
        }
        assert (await until_ready(service, 1))["total_rows"] == 3


async def test_two_applies_at_once_write_once(migrated: str) -> None:
    async with two_peers(60) as peers, running_service(migrated) as service:
        await connect(service, peers)
        plan = await post(service, "sync/plans", **RANGE)
        answers = await asyncio.gather(*(apply(service, plan) for _ in range(4)))
        good = [a.json() for a in answers if a.status_code == 200]
        refused = [a.json()["code"] for a in answers if a.status_code == 409]
        assert [run["num_created"] for run in good] == [peers.sheets]
        assert len(refused) == 3
        assert set(refused) <= {"run_active", "plan_applied"}


async def test_what_moved_is_listed_and_nothing_is_written(migrated: str) -> None:
    async with two_peers(12) as peers, running_service(migrated) as service:
        await connect(service, peers)
        plan = await post(service, "sync/plans", **RANGE)
        row = next(row for row in plan["rows"] if row["action"] == "create")
        source_id = row["entry_id"] % 10**10
        peers.zammad.correct(source_id, time_unit=77)
        answer = await apply(service, plan)
        assert (answer.status_code, answer.json()["code"]) == (409, "plan_drifted")
        moved = answer.json()["drift"]
        assert {(each["row"], each["entry_id"]) for each in moved} == {
            (row["row"], row["entry_id"])
        }
        assert "request.begin" in {each["field"] for each in moved}
        assert all(each["planned"] != each["now"] for each in moved)
        assert (peers.sheets, await writes(peers)) == (0, {})
        shown = await plan_of(service, 1)
        assert (shown["state"], shown["drift"], shown["drifted_rows"]) == ("ready", moved, 1)
        audit = (await service.http.get("/api/v1/audit-logs/?action=sync_plan_refused")).json()
        assert audit["total"] == 1
        assert (await service.http.get("/api/v1/entries")).json()["total"] == 0
        fresh = await post(service, "sync/plans", **RANGE)
        assert (await apply(service, fresh)).json()["num_created"] == peers.sheets > 5


async def test_an_edit_in_kimai_between_plan_and_apply_is_left_alone(migrated: str) -> None:
    async with two_peers(12) as peers, running_service(migrated) as service:
        await connect(service, peers)
        await service.http.post("/api/v1/sync/run", json=RANGE)
        page = (await service.http.get("/api/v1/entries?state=synced&limit=2")).json()
        for entry in page["items"]:
            peers.zammad.correct(int(entry["source_id"]), time_unit=77)
        plan = await post(service, "sync/plans", **RANGE)
        assert plan["counts"]["update"] == 2
        target = page["items"][0]["target"]
        headers = {"Authorization": f"Bearer {KIMAI_TOKEN}"}
        async with httpx.AsyncClient(base_url=peers.kimai_url, headers=headers) as hand:
            path = f"/api/timesheets/{target['timesheet_id']}"
            edit = await hand.patch(path, json={"description": "Mine now."})
            assert edit.status_code == 200, edit.text
        answer = await apply(service, plan)
        assert (answer.status_code, answer.json()["code"]) == (409, "plan_drifted")
        (moved,) = answer.json()["drift"]
        assert (moved["field"], moved["planned"]) == ("action", "update")
        assert moved["now"] == "conflict (TARGET_EDITED)"
        sheet = peers.kimai.timesheets[target["timesheet_id"]]
        assert sheet.description == "Mine now."
        other = page["items"][1]["target"]
        assert peers.kimai.timesheets[other["timesheet_id"]].duration == other["minutes"] * 60


async def test_a_plan_whose_stored_rows_were_tampered_with_is_refused(migrated: str) -> None:
    async with two_peers(5) as peers, running_service(migrated) as service:
        await connect(service, peers)
        plan = await post(service, "sync/plans", **RANGE)
        changed = await tamper(
            migrated,
            """UPDATE event SET data = replace(data::text, '"project":1', '"project":2')::json
                WHERE type = 'PlanRowsListed'""",
        )
        assert changed == "UPDATE 1"
        answer = await apply(service, plan)
        assert (answer.status_code, answer.json()["code"]) == (409, "plan_digest_mismatch")
        assert (peers.sheets, await writes(peers)) == (0, {})


async def test_an_accident_in_zammad_deletes_nothing_until_somebody_approves(
    migrated: str,
) -> None:
    async with two_peers(70) as peers:
        async with running_service(migrated) as service:
            await connect(service, peers)
            policy = {"settings": {"delete_policy": "delete", "delete_limit": 10}}
            answer = await service.http.patch("/api/v1/connectors/2", json=policy)
            assert answer.json()["settings"]["delete_limit_percent"] == 5
            await service.http.post("/api/v1/sync/run", json=RANGE)
            before = peers.sheets
            page = (await service.http.get("/api/v1/entries?state=synced&limit=25")).json()
            for entry in page["items"]:
                peers.zammad.delete_entry(int(entry["source_id"]))
            run = (await service.http.post("/api/v1/sync/run", json=RANGE)).json()
            assert (run["status"], run["num_deleted"], run["num_conflicts"]) == ("success", 0, 25)
            assert run["plan_id"] == 1
            assert "wait for approval as plan 1" in run["message"]
            shown = (await service.http.get(f"/api/v1/sync/runs/{run['run_id']}")).json()
            assert (shown["plan_id"], shown["state"]) == (1, "completed")
            assert shown["error_message"] == "25 deletions wait for approval as plan 1"
            entry = (await service.http.get(f"/api/v1/entries/{page['items'][0]['id']}")).json()
            assert (entry["state"], entry["reason_code"]) == ("conflict", "SOURCE_DELETED")
            path = f"/api/v1/entries/{entry['id']}/history"
            story = (await service.http.get(path)).json()["items"]
            assert "apply plan 1" in story[-1]["title"]
            again = (await service.http.post("/api/v1/sync/run", json=RANGE)).json()
            assert (again["num_deleted"], again["plan_id"], peers.sheets) == (0, None, before)
        async with running_service(migrated) as service:
            plan = await until_ready(service, 1)
            assert (plan["kind"], plan["run_id"]) == ("deletions", run["run_id"])
            assert (plan["counts"]["delete"], plan["total_rows"]) == (25, 25)
            assert {row["request"]["method"] for row in plan["rows"]} == {"DELETE"}
            assert all(row["before"]["timesheet_id"] for row in plan["rows"])
            done = (await apply(service, plan)).json()
            assert (done["status"], done["num_deleted"]) == ("success", 25), done
            assert peers.sheets == before - 25
            entry = (await service.http.get(f"/api/v1/entries/{entry['id']}")).json()
            assert (entry["state"], entry["target"]) == ("withdrawn", None)


async def test_a_changed_unit_shows_what_it_would_change(migrated: str) -> None:
    async with two_peers(20) as peers, running_service(migrated) as service:
        await connect(service, peers)
        unit = {"settings": {"time_unit_minutes": 2}}
        await service.http.patch("/api/v1/connectors/1", json=unit)  # nothing is carried yet
        await service.http.patch(
            "/api/v1/connectors/1", json={"settings": {"time_unit_minutes": 1}}
        )
        await service.http.post("/api/v1/sync/run", json=RANGE)
        before = {sheet.id: sheet.duration for sheet in peers.kimai.timesheets.values()}
        assert (await service.http.get(PLANS)).json()["items"] == []
        answer = await service.http.patch("/api/v1/connectors/1", json=unit)
        assert answer.status_code == 200
        plan = await until_ready(service, 1)
        assert (plan["kind"], plan["state"]) == ("unit", "ready")
        assert plan["counts"]["update"] == plan["total_rows"] == len(before)
        booked = {row.id: float(row.time_unit) for row in peers.zammad.entries}
        gained = 0.0
        for row in plan["rows"]:
            assert row["after"]["minutes"] == 2 * booked[row["entry_id"] % 10**10]
            assert row["before"]["minutes"] == before[row["before"]["timesheet_id"]] / 60
            gained += row["after"]["minutes"] - row["before"]["minutes"]
        assert plan["minutes"]["update"] == gained
        run = (await service.http.post("/api/v1/sync/run", json=RANGE)).json()
        assert (run["num_updated"], run["num_created"]) == (0, 0)
        assert {s.id: s.duration for s in peers.kimai.timesheets.values()} == before
        done = (await apply(service, plan)).json()
        assert (done["status"], done["num_updated"]) == ("success", len(before)), done
        for row in plan["rows"]:
            sheet = peers.kimai.timesheets[row["before"]["timesheet_id"]]
            assert sheet.duration == math.ceil(row["after"]["minutes"]) * 60  # Kimai's own minutes
        assert (await post(service, "sync/plans", kind="unit"))["total_rows"] == 0
        run = (await service.http.post("/api/v1/sync/run", json=RANGE)).json()
        assert (run["num_updated"], run["num_conflicts"]) == (0, 0)


async def until_ready(service: Service, number: int) -> dict[str, Any]:
    """A plan that nobody waits for: the worker takes it up once the run's lock is free."""

    async def is_ready() -> bool:
        answer = await service.http.get(f"{PLANS}/{number}")
        return answer.status_code == 200 and answer.json()["state"] != "building"

    await until(is_ready)
    return await plan_of(service, number)


async def tamper(dsn: str, statement: str) -> str:
    """As somebody who owns the database and means harm."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("ALTER TABLE event DISABLE TRIGGER ALL")
        return str(await connection.execute(statement))
    finally:
        await connection.close()


COUNTED = ("num_processed", "num_created", "num_updated", "num_deleted", "num_conflicts")

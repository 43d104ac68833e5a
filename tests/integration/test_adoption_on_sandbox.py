"""Taking over a Kimai in use: the whole service between both peers' sockets."""

import asyncio
from dataclasses import asdict
from datetime import datetime
from typing import Any

import httpx

from domain.ids import EntryId, source_of
from domain.rules.marker import marker
from tests.support.service import Service, running_service
from tests.support.two_peers import RANGE, TwoPeers, connect, two_peers


async def planned(service: Service) -> list[dict[str, Any]]:
    """What a run would create; the plan itself writes nothing."""
    answer = await service.http.post("/api/v1/sync/plans", json=RANGE)
    assert answer.status_code == 201, answer.text
    return [row for row in answer.json()["rows"] if row["action"] == "create"]


async def counts(service: Service) -> dict[str, int]:
    answer = await service.http.post("/api/v1/sync/plans", json=RANGE)
    found: dict[str, int] = answer.json()["counts"]
    return found


async def run(service: Service) -> dict[str, Any]:
    answer = await service.http.post("/api/v1/sync/run", json=RANGE)
    shown: dict[str, Any] = answer.json()
    assert shown["run_status"] == "completed", shown
    return shown


async def entry(service: Service, entry_id: int) -> dict[str, Any]:
    shown: dict[str, Any] = (await service.http.get(f"/api/v1/entries/{entry_id}")).json()
    return shown


def put(peers: TwoPeers, row: dict[str, Any], text: str, **changes: Any) -> int:
    """A record for that booking from before us."""
    after = row["after"]
    begin, end = (int(datetime.fromisoformat(after[name]).timestamp()) for name in ("begin", "end"))
    fields = {
        "user": after["user_id"],
        "project": 2,
        "activity": after["activity_id"],
        "begin": begin - begin % 60,
        "end": end,
        "description": text,
    }
    return int(peers.kimai.add_timesheet(**{**fields, **changes}).id)


def earlier(peers: TwoPeers, row: dict[str, Any]) -> str:
    _, source_id = source_of(EntryId(row["entry_id"]))
    return f"ZAM:T{peers.zammad.entries[source_id].ticket_id}|TA:{source_id}"


async def writes(peers: TwoPeers) -> int:
    async with httpx.AsyncClient() as hand:
        found = (await hand.get(f"{peers.kimai_url}/_control/requests")).json()["counts"]
    found.pop("POST /api/tags", 0)
    return sum(n for route, n in found.items() if not route.startswith("GET "))


async def test_a_kimai_in_use_is_taken_over_without_a_write(migrated: str) -> None:
    async with two_peers(20) as peers, running_service(migrated) as service:
        await connect(service, peers)
        rows = await planned(service)
        first, second, third, alike = rows[:4]
        (event, *_) = await service.own.store.page(0, 1)
        ours = marker(event.digest[:8], EntryId(second["entry_id"]))
        sheets = [
            put(peers, first, f"{earlier(peers, first)} by the tool before"),
            put(peers, second, f"From a backup\n{ours}", exported=True),
            put(peers, third, earlier(peers, third)),
        ]
        twin = put(peers, third, earlier(peers, third))
        suggested = put(peers, alike, f"On the phone, #{alike['ticket_number']}")
        before = {i: asdict(sheet) for i, sheet in peers.kimai.timesheets.items()}

        would = await counts(service)
        assert (would["adopt"], would["create"]) == (2, len(rows) - 4)
        assert await writes(peers) == 0

        done = await run(service)
        assert done["num_created"] == len(rows) - 4 == await writes(peers)
        assert {i: asdict(peers.kimai.timesheets[i]) for i in before} == before
        for row, sheet in zip(rows[:3], sheets, strict=True):
            shown = await entry(service, row["entry_id"])
            assert shown["target"]["timesheet_id"] == sheet
        assert (await entry(service, first["entry_id"]))["state"] == "synced"
        assert (await entry(service, second["entry_id"]))["target"]["exported"] is True
        doubled = await entry(service, third["entry_id"])
        assert doubled["reason_code"] == "DUPLICATE"
        assert doubled["other_timesheet_ids"] == [twin]
        assert twin in peers.kimai.timesheets

        await confirm_the_suggestion(service, alike["entry_id"], suggested, twin)
        sent = await writes(peers)
        await run(service)
        assert await writes(peers) == sent
        assert (await entry(service, alike["entry_id"]))["state"] == "synced"
        assert {i: asdict(peers.kimai.timesheets[i]) for i in before} == before
        assert (await service.own.store.verify()).ok


async def confirm_the_suggestion(service: Service, number: int, suggested: int, other: int) -> None:
    path = f"/api/v1/entries/{number}/adopt"
    shown = await entry(service, number)
    assert (shown["state"], shown["reason_code"]) == ("conflict", "DUPLICATE")
    assert (shown["target"], shown["other_timesheet_ids"]) == (None, [suggested])
    refused = await service.http.post(path, json={"timesheet_id": other})
    assert (refused.status_code, refused.json()["code"]) == (409, "entry_state")
    await service.add_user("viv", "viewer")
    async with service.logged_in("viv", "correct-horse-battery") as viewer:
        assert (await viewer.post(path, json={"timesheet_id": suggested})).status_code == 403
    adopted = await service.http.post(path, json={"timesheet_id": suggested, "notes": "same"})
    assert adopted.status_code == 200, adopted.text
    assert adopted.json()["target"]["timesheet_id"] == suggested
    assert adopted.json()["other_timesheet_ids"] == []
    again = await service.http.post(path, json={"timesheet_id": suggested})
    assert (again.status_code, again.json()["code"]) == (409, "entry_state")


async def test_what_is_other_work_is_booked_beside_it(migrated: str) -> None:
    async with two_peers(20) as peers, running_service(migrated) as service:
        await connect(service, peers)
        (alike, *_) = rows = await planned(service)
        other = put(peers, alike, f"On the phone, #{alike['ticket_number']}")
        assert (await run(service))["num_created"] == len(rows) - 1
        path = f"/api/v1/entries/{alike['entry_id']}/adopt"
        answer = await service.http.post(path, json={"timesheet_id": None})
        assert (answer.status_code, answer.json()["state"]) == (200, "pending")
        async with asyncio.timeout(30):  # a run of its own, which nobody need ask for
            while True:
                shown = await entry(service, alike["entry_id"])
                if shown["state"] == "synced":
                    break
                await asyncio.sleep(0.05)
        assert shown["target"]["timesheet_id"] != other


async def test_a_later_run_finds_what_the_first_one_was_not_meant_for(migrated: str) -> None:
    async with two_peers(20) as peers, running_service(migrated) as service:
        await connect(service, peers)
        alike, marked, *_ = rows = await planned(service)
        elsewhen = {**RANGE, "start_date": "2020-01-01", "end_date": "2020-01-02"}
        answer = await service.http.post("/api/v1/sync/run", json=elsewhen)
        assert answer.json()["run_status"] == "completed"
        suggested = put(peers, alike, f"On the phone, #{alike['ticket_number']}")
        linked = put(peers, marked, earlier(peers, marked))
        before = {i: asdict(sheet) for i, sheet in peers.kimai.timesheets.items()}

        would = await counts(service)
        assert (would["adopt"], would["create"]) == (1, len(rows) - 2)
        done = await run(service)
        assert done["num_created"] == len(rows) - 2 == await writes(peers)
        assert {i: asdict(peers.kimai.timesheets[i]) for i in before} == before
        shown = await entry(service, marked["entry_id"])
        assert (shown["state"], shown["target"]["timesheet_id"]) == ("synced", linked)
        shown = await entry(service, alike["entry_id"])
        assert (shown["state"], shown["reason_code"]) == ("conflict", "DUPLICATE")
        assert str(suggested) in str(shown)
        await run(service)
        assert await writes(peers) == len(rows) - 2

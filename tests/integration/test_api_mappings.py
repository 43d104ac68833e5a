"""Mappings over real HTTP: contract, section 5."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from api.peer_names import PeerNames
from tests.support.service import Service, running_service
from tests.support.two_peers import RANGE, connect, two_peers
from tests.support.waiting import until

PATH = "/api/v1/mappings/"
TYPE: dict[str, Any] = {
    "zammad_type_id": 4,
    "zammad_type_name": "Support",
    "kimai_activity_id": 2,
    "kimai_activity_name": "Helpdesk",
}
PERSON: dict[str, Any] = {
    "zammad_user_id": 5,
    "zammad_user_name": "Emma",
    "zammad_user_email": "emma@example.com",
    "kimai_user_id": 3,
    "kimai_user_name": "emma",
    "timezone": "America/New_York",
}
PROJECT: dict[str, Any] = {
    "source_kind": "organization",
    "source_id": 7,
    "source_name": "ACME",
    "kimai_project_id": 9,
}
TABLES = [
    pytest.param("", TYPE, "zammad_type_id", "mapping", id="activities"),
    pytest.param("users/", PERSON, "zammad_user_id", "user_mapping", id="people"),
    pytest.param("projects/", PROJECT, "source_id", "project_mapping", id="projects"),
]


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize(("table", "body", "source", "kind"), TABLES)
async def test_rows_are_added_shown_changed_and_removed(
    migrated: str, table: str, body: dict[str, Any], source: str, kind: str
) -> None:
    async with running_service(migrated) as service:
        http, path = service.http, PATH + table
        made = await http.post(path, json=body)
        assert made.status_code == 201, made.text
        shown = made.json()
        assert {key: shown[key] for key in body} == body
        assert (shown["id"], shown["is_active"], shown["version"]) == (1, True, 1)
        assert (await http.get(path)).json() == [shown]
        assert (await http.get(f"{path}1")).json() == shown

        again = await http.post(path, json=body)
        assert code(again) == (409, "mapping_exists")
        assert "(mapping 1)" in again.json()["detail"]
        assert again.json()["errors"][0]["loc"] == ["body", source]
        sleeping = await http.post(path, json={**body, "is_active": False})
        assert sleeping.json()["id"] == 2
        assert [row["id"] for row in (await http.get(f"{path}?is_active=false")).json()] == [2]

        moved = await http.patch(f"{path}1", json={source: 8})
        assert moved.json()[source] == 8
        assert (await http.patch(f"{path}2", json={"is_active": True})).status_code == 200
        assert code(await http.patch(f"{path}1", json={source: body[source]})) == (
            409,
            "mapping_exists",
        )
        assert (await http.delete(f"{path}1")).status_code == 204
        for method in ("GET", "PATCH", "DELETE"):
            assert code(await http.request(method, f"{path}1", json={})) == (404, "not_found")

        logs = (await http.get("/api/v1/audit-logs/?limit=500")).json()["data"]
        assert all(log["details"].keys().isdisjoint(log["changes"]) for log in logs)
        actions = [row["action"] for row in reversed(logs) if row["entity_type"] == kind]
        assert actions == [
            *(f"{kind}_created", f"{kind}_created", f"{kind}_updated", f"{kind}_updated"),
            f"{kind}_deleted",
        ]
        change = next(row for row in logs if row["action"] == f"{kind}_updated")
        assert change["changes"] == {"is_active": {"old": False, "new": True}}


async def test_a_row_without_type_and_one_for_everyone_can_be_made(migrated: str) -> None:
    async with running_service(migrated) as service:
        http = service.http
        body = {"zammad_type_id": None, "kimai_activity_id": 2, "kimai_activity_name": "x"}
        assert (await http.post(PATH, json=body)).json()["zammad_type_name"] == "(no type)"
        again = await http.post(PATH, json=body)
        assert "entries without type already exists" in again.json()["detail"]
        everyone = {"zammad_user_id": None, "kimai_user_id": 3}
        made = (await http.post(f"{PATH}users/", json=everyone)).json()
        assert (made["zammad_user_id"], made["origin"]) == (None, "manual")
        missing = await http.post(PATH, json={"kimai_activity_id": 2})
        assert code(missing) == (422, "validation")


async def test_a_project_mapping_needs_a_target(migrated: str) -> None:
    async with running_service(migrated) as service:
        path = f"{PATH}projects/"
        body = {"source_kind": "group", "source_id": 1}
        assert code(await service.http.post(path, json=body)) == (422, "validation")
        await service.http.post(path, json=PROJECT)
        none = await service.http.patch(f"{path}1", json={"kimai_project_id": None})
        assert code(none) == (422, "validation")
        customer = {**PROJECT, "source_kind": "customer", "source_name": "Emily"}
        assert (await service.http.post(path, json=customer)).json()["source_name"] == "Emily"
        ledger = await service.own.store.pool.fetch("SELECT data::text FROM event")
        assert "Emily" not in "".join(row[0] for row in ledger)  # a person: sealed


async def test_empty_names_are_filled_in_from_the_peers(migrated: str) -> None:
    async with two_peers(1) as peers, running_service(migrated) as service:
        await connect(service, peers)
        rows = (await service.http.get(PATH)).json()
        kinds = {row.id: row.name for row in peers.zammad.types}
        activities = {row.id: row.name for row in peers.kimai.activities.values()}
        for row in rows:
            expected = kinds.get(row["zammad_type_id"], "(no type)")
            assert row["zammad_type_name"] == expected
            assert row["kimai_activity_name"] == activities[row["kimai_activity_id"]]
        other = next(number for number in activities if number != rows[0]["kimai_activity_id"])
        moved = await service.http.patch(f"{PATH}1", json={"kimai_activity_id": other})
        assert moved.json()["kimai_activity_name"] == activities[other]
        agent = next(user for user in peers.zammad.users if user.email)
        person = {"zammad_user_id": agent.id, "kimai_user_id": 1}
        made = (await service.http.post(f"{PATH}users/", json=person)).json()
        assert made["zammad_user_email"] == agent.email
        assert made["kimai_user_name"]
        world = peers.zammad
        for kind, known in (
            ("organization", {row.id: row.name for row in world.organizations}),
            ("customer", {agent.id: f"{agent.firstname} {agent.lastname}"}),
        ):
            source_id, name = next(iter(known.items()))
            body = {"source_kind": kind, "source_id": source_id, "kimai_project_id": 1}
            made = (await service.http.post(f"{PATH}projects/", json=body)).json()
            assert made["source_name"] == name, kind
        for kind, source_id in (("organization", 999_999), ("group", 1)):  # no right to list groups
            body = {"source_kind": kind, "source_id": source_id, "kimai_project_id": 1}
            made = (await service.http.post(f"{PATH}projects/", json=body)).json()
            assert not made["source_name"]


async def test_two_who_change_different_fields_at_once_both_have_their_way(
    migrated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answered = asyncio.Event(), asyncio.Event()

    async def slowly(_: PeerNames, fields: Sequence[str], __: object) -> dict[str, str]:
        asked.set()
        await answered.wait()
        return dict.fromkeys(fields, "Telephone")

    async with running_service(migrated) as service:
        http = service.http
        await http.post(PATH, json=TYPE)
        monkeypatch.setattr(PeerNames, "of", slowly)
        slow = asyncio.create_task(http.patch(f"{PATH}1", json={"kimai_activity_id": 9}))
        await asked.wait()
        assert (await http.patch(f"{PATH}1", json={"is_active": False})).status_code == 200
        answered.set()
        row = (await slow).json()
        assert (row["kimai_activity_id"], row["kimai_activity_name"]) == (9, "Telephone")
        assert (row["is_active"], row["version"]) == (False, 3)
        asked.clear()
        answered.clear()
        seen = {"If-Match": '"3"'}
        slow = asyncio.create_task(
            http.patch(f"{PATH}1", json={"kimai_activity_id": 10}, headers=seen)
        )
        await asked.wait()
        assert (await http.patch(f"{PATH}1", json={"is_active": True})).status_code == 200
        answered.set()
        assert code(await slow) == (409, "stale_version")


async def test_the_zone_of_a_person_is_optional_and_must_exist(migrated: str) -> None:
    async with running_service(migrated) as service:
        http, path = service.http, f"{PATH}users/"
        plain = {key: value for key, value in PERSON.items() if key != "timezone"}
        for wrong in ("Berlin", "", "../etc/passwd", "Europe", "+02:00"):
            refused = await http.post(path, json={**plain, "timezone": wrong})
            assert refused.status_code == 422, wrong
            assert refused.json()["errors"][0]["loc"] == ["body", "timezone"]
        made = (await http.post(path, json=plain)).json()
        assert made["timezone"] is None
        moved = await http.patch(f"{path}1", json={"timezone": "Australia/Lord_Howe"})
        assert (moved.json()["timezone"], moved.json()["version"]) == ("Australia/Lord_Howe", 2)
        again = await http.patch(f"{path}1", json={"kimai_user_name": "em"})
        assert again.json()["timezone"] == "Australia/Lord_Howe"
        back = await http.patch(f"{path}1", json={"timezone": None})
        assert back.json()["timezone"] is None
        assert (await http.patch(f"{path}1", json={"timezone": "Mars/X"})).status_code == 422


async def test_a_change_decides_again_what_waits_and_says_how_many(migrated: str) -> None:
    async with two_peers(20) as peers, running_service(migrated) as service:
        await connect(service, peers)
        rows = (await service.http.get(PATH)).json()
        for row in rows:
            assert (await service.http.delete(f"{PATH}{row['id']}")).status_code == 204
        first = (await service.http.post("/api/v1/sync/run", json=RANGE)).json()
        assert (first["num_created"], peers.sheets) == (0, 0)
        held = "/api/v1/entries?state=conflict"
        unmapped = (await service.http.get(held)).json()["total"]
        assert unmapped > 10
        for row in rows:
            again = {name: row[name] for name in ("zammad_type_id", "kimai_activity_id")}
            assert (await service.http.post(PATH, json=again)).status_code == 201
        logs = await until_decided(service)
        last = logs[0]["details"]
        assert (last["held"], last["error"]) == (0, None)
        assert last["to_write"] > 0
        assert (logs[0]["entity_type"], logs[0]["entity_id"]) == ("waiting", 1)
        assert (await service.http.get("/api/v1/entries?state=pending")).json()["total"] == (
            unmapped
        )
        assert peers.sheets == 0  # a run writes, not a mapping
        done = (await service.http.post("/api/v1/sync/run", json=RANGE)).json()
        assert done["num_created"] == peers.sheets == unmapped
        count = len(logs)
        await service.http.patch(f"{PATH}{len(rows) + 1}", json={"billable": True})
        await asyncio.sleep(1)
        assert len(await decided(service)) == count  # nothing waited any more


async def decided(service: Service) -> list[dict[str, Any]]:
    answer = await service.http.get("/api/v1/audit-logs/?action_type=sync&limit=500")
    return [row for row in answer.json()["data"] if row["action"] == "sync_waiting_decided"]


async def until_decided(service: Service) -> list[dict[str, Any]]:
    """The records of it, newest first, once nothing is held any more."""

    async def nothing_is_held() -> bool:
        logs = await decided(service)
        return bool(logs) and logs[0]["details"]["held"] == 0

    await until(nothing_is_held)
    return await decided(service)

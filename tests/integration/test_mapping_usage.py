"""What mappings are used for, and what a new one would set free."""

from collections import defaultdict
from typing import Any

from tests.integration.test_mapping_suggestions import PATH, run, waiting
from tests.support.service import ADMIN_PASSWORD, Service, running_service
from tests.support.two_peers import connect, two_peers


async def usage(service: Service, **query: Any) -> list[dict[str, Any]]:
    answer = await service.http.get(f"{PATH}/usage", params={"days": 366, **query})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def preview(service: Service, table: str, **body: Any) -> tuple[int, float]:
    answer = await service.http.post(f"{PATH}{table}/preview", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["entries"], answer.json()["minutes"]


async def test_usage_adds_up_to_the_entries(migrated: str) -> None:
    async with two_peers(20) as peers, running_service(migrated) as service:
        await connect(service, peers)
        before = await service.own.store.head()
        await run(service)
        entries = (await service.http.get("/api/v1/entries?limit=200")).json()["items"]
        expected: dict[tuple[str, Any], list[float]] = defaultdict(lambda: [0, 0])
        for entry in entries:
            for source in (
                ("type", entry["activity_type_id"]),
                ("user", entry["raw_data"]["created_by_id"]),
            ):
                expected[source][0] += 1
                expected[source][1] += entry["time_minutes"] or 0
        items = await usage(service)
        found = {
            (item["kind"], item["source_id"]): [item["entries"], item["minutes"]]
            for item in items
            if item["kind"] in ("type", "user")
        }
        assert found == expected
        organizations = [item for item in items if item["kind"] == "organization"]
        assert all(item["name"] and item["source_id"] is None for item in organizations)
        assert sum(item["entries"] for item in organizations) == len(entries)
        assert {item["kind"] for item in await usage(service, kind="users")} == {"user"}
        assert await usage(service, as_of=f"position:{before}") == []
        head = await service.own.store.head()
        assert await usage(service, as_of=f"position:{head}") == items


async def test_a_mapping_says_first_what_it_sets_free(migrated: str) -> None:
    async with two_peers(20) as peers, running_service(migrated) as service:
        await connect(service, peers)
        for row in (await service.http.get(f"{PATH}/")).json():
            await service.http.delete(f"{PATH}/{row['id']}")
        await run(service)
        entries = await waiting(service, "UNMAPPED_ACTIVITY")
        first = (await usage(service, kind="activities"))[0]
        assert first["waiting_entries"] > 0, "those with the most waiting come first"
        assert first["name"]
        mapping = {"zammad_type_id": first["source_id"], "kimai_activity_id": 1}
        rows = [row for row in entries if row["activity_type_id"] == first["source_id"]]
        told = await preview(service, "", **mapping)
        assert told == (len(rows), sum(row["time_minutes"] for row in rows))
        assert told == (first["waiting_entries"], first["waiting_minutes"])
        assert await preview(service, "", **mapping, is_active=False) == (0, 0)
        assert (await service.http.get(f"{PATH}/")).json() == [], "nothing is saved"
        await service.add_user("vera", "viewer")
        async with service.logged_in("vera", ADMIN_PASSWORD) as viewer:
            assert (await viewer.post(f"{PATH}/preview", json=mapping)).status_code == 200
            wrong = await viewer.post(f"{PATH}/projects/preview", json={"source_kind": "group"})
            assert (wrong.status_code, wrong.json()["code"]) == (422, "validation")
        answer = await service.http.post(f"{PATH}/", json=mapping)
        assert answer.status_code == 201, answer.text


async def test_what_waits_for_people_and_projects(migrated: str) -> None:
    async with two_peers(20) as peers, running_service(migrated) as service:
        await connect(service, peers)
        await service.http.patch(
            "/api/v1/connectors/2", json={"settings": {"default_project_id": None}}
        )
        await run(service)
        entries = await waiting(service, "PROJECT_OR_CUSTOMER_MISSING")
        assert entries
        organizations = {each.name: each.id for each in peers.zammad.organizations}
        total = 0
        for item in await usage(service, kind="projects"):
            if item["kind"] == "organization" and item["waiting_entries"]:
                body = {"source_kind": "organization", "source_id": organizations[item["name"]]}
                told = await preview(
                    service, "/projects", **body, source_name=item["name"], kimai_project_id=1
                )
                assert told == (item["waiting_entries"], item["waiting_minutes"])
                total += told[0]
        assert total == len(entries)
        nobody = {"zammad_user_id": 5, "kimai_user_id": 2}
        assert await preview(service, "/users", **nobody) == (0, 0)
        assert await preview(service, "/users", zammad_user_id=None, kimai_user_id=2) == (0, 0)

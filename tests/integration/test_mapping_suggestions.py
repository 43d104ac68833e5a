"""What mappings for waiting bookings could say, over real HTTP: contract, section 5."""

from typing import Any

from adapters.sandbox.control import FaultKind, FaultRule
from tests.support.service import Service, running_service
from tests.support.two_peers import RANGE, connect, two_peers

PATH = "/api/v1/mappings"


async def suggested(service: Service, **query: Any) -> list[dict[str, Any]]:
    answer = await service.http.get(f"{PATH}/suggestions", params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def run(service: Service) -> None:
    answer = await service.http.post("/api/v1/sync/run", json=RANGE)
    assert answer.json()["status"] == "success", answer.text


async def waiting(service: Service, reason: str) -> list[dict[str, Any]]:
    rows = (await service.http.get("/api/v1/entries?limit=200&state=conflict")).json()["items"]
    return [row for row in rows if row["reason_code"] == reason]


async def test_types_are_suggested_by_name_and_by_history(migrated: str) -> None:
    async with two_peers(20) as peers, running_service(migrated) as service:
        await connect(service, peers)
        rows = (await service.http.get(f"{PATH}/")).json()
        for row in rows:
            await service.http.delete(f"{PATH}/{row['id']}")
        assert await suggested(service) == []
        await run(service)
        entries = await waiting(service, "UNMAPPED_ACTIVITY")
        before = (await service.http.get(f"{PATH}/")).json()
        items = await suggested(service, kind="activities")
        assert sum(item["waiting_entries"] for item in items) == len(entries)
        minutes = sum(row["time_minutes"] for row in entries)
        assert sum(item["waiting_minutes"] for item in items) == minutes
        counts = [item["waiting_entries"] for item in items]
        assert counts == sorted(counts, reverse=True)
        names = {row.name: row.id for row in peers.kimai.activities.values()}
        for item in items:
            expected = names.get(item["source"]["name"])
            if expected is not None:
                assert (item["basis"], item["target"]["id"]) == ("same_name", expected)
            elif item["source"]["id"] is None:  # it was mapped before
                assert (item["basis"], item["source"]["name"]) == ("history", "(no type)")
        assert (await service.http.get(f"{PATH}/")).json() == before  # nothing by itself
        # what has two bearers is nobody's name
        twice = next(item for item in items if item["basis"] == "same_name")
        peers.kimai.add_activity(twice["source"]["name"].upper())
        await service.http.get("/api/v1/connectors/2/activities?refresh=true")
        again = await suggested(service, kind="activities")
        bases = {item["source"]["id"]: item["basis"] for item in again}
        assert bases[twice["source"]["id"]] == "history"
        head = await service.own.store.head()
        then = await suggested(service, as_of=f"position:{head}")
        assert {item["basis"] for item in then} <= {"history", None}
        assert [item["waiting_entries"] for item in then] == counts
        assert all(item["target"]["name"] for item in then if item["target"])
        assert await suggested(service, as_of="position:3") == []


async def test_people_are_suggested_by_address_and_never_by_name(migrated: str) -> None:
    async with (
        two_peers(20) as peers,
        running_service(migrated, accept_email_matches=False) as service,
    ):
        await connect(service, peers)
        agents = {user.id: user for user in peers.zammad.users}
        await run(service)
        entries = await waiting(service, "USER_UNMAPPED")
        assert entries
        items = await suggested(service, kind="users")
        assert {item["kind"] for item in items} == {"users"}
        known = {user.email: user.id for user in peers.kimai.users.values()}
        for item in items:
            agent = agents[item["source"]["id"]]
            assert item["source"]["email"] == agent.email
            target = item["target"]
            expected = known.get(agent.email)
            assert (target and target["id"]) == expected
            assert item["basis"] == ("email" if expected else None)
        # the same name is no hint, and neither is an address that two share
        agent = agents[items[0]["source"]["id"]]
        peers.kimai.add_user("twin", email=agent.email)
        peers.kimai.add_user(agent.fullname, email="other@example.com")
        await service.http.get("/api/v1/connectors/2/users?refresh=true")
        again = {item["source"]["id"]: item for item in await suggested(service)}
        assert again[agent.id]["target"] is None
        # whom they were mapped to once is one
        person = {"zammad_user_id": agent.id, "kimai_user_id": 2, "is_active": False}
        assert (await service.http.post(f"{PATH}/users", json=person)).status_code == 201
        again = {item["source"]["id"]: item for item in await suggested(service)}
        assert (again[agent.id]["target"]["id"], again[agent.id]["basis"]) == (2, "history")


async def test_organizations_are_suggested_for_projects(migrated: str) -> None:
    async with two_peers(20) as peers, running_service(migrated) as service:
        await connect(service, peers)
        settings = {"default_project_id": None}
        await service.http.patch("/api/v1/connectors/2", json={"settings": settings})
        await run(service)
        assert await waiting(service, "PROJECT_OR_CUSTOMER_MISSING")
        items = await suggested(service, kind="projects")
        assert items
        homes = {row.name: row.id for row in peers.zammad.organizations}
        customers = {row.name: row.id for row in peers.kimai.customers.values()}
        for item in items:
            source, target = item["source"], item["target"]
            assert (source["source_kind"], source["id"]) == ("organization", homes[source["name"]])
            if source["name"] in customers:
                assert target["target_kind"] == "customer"
                assert target["id"] == customers[source["name"]]
                assert item["basis"] == "same_name"


async def test_a_peer_that_does_not_answer_is_502_and_wrong_kinds_are_422(migrated: str) -> None:
    async with two_peers(20) as peers, running_service(migrated) as service:
        await connect(service, peers)
        peers.kimai_app.faults.replace([FaultRule(kind=FaultKind.UNAUTHORIZED)])
        assert await suggested(service) == []  # nothing waits: nobody is asked
        peers.kimai_app.faults.clear()
        for row in (await service.http.get(f"{PATH}/")).json():
            await service.http.delete(f"{PATH}/{row['id']}")
        await run(service)
        peers.kimai_app.faults.replace([FaultRule(kind=FaultKind.UNAUTHORIZED)])
        answer = await service.http.get(f"{PATH}/suggestions")
        assert (answer.status_code, answer.json()["code"]) == (502, "peer_auth_failed")
        assert (await service.http.get(f"{PATH}/suggestions?kind=x")).status_code == 422


FILL = """
INSERT INTO time_entries (log_id, entry_id, valid_from, version, connector_id, source_id, state,
                          vanished, entry_date, updated_at, facts, user_id, reason_code)
SELECT 1, n, n, 1, 1, n, CASE WHEN n % 500 = 0 THEN 'conflict' ELSE 'synced' END, false,
       date '2026-01-01' + n % 300, now(), '{"activity_type_id": 4}', n % 9,
       CASE WHEN n % 500 = 0 THEN 'USER_UNMAPPED' END
  FROM generate_series(1, 20000) AS n
"""


# Indexes that hold only what is not at rest.
OF_THE_FEW = ("time_entries_unsettled", "time_entries_by_state")


async def test_counting_what_waits_looks_at_nothing_else(migrated: str) -> None:
    async with running_service(migrated) as service:
        own, pool = service.own.suggestions, service.own.store.pool
        await pool.execute(FILL)
        await pool.execute("ANALYZE time_entries")
        for kind in ("activities", "users", "projects"):
            query = own._sql[kind].format(held=own._sql["held_now"])
            rows = await pool.fetch(f"EXPLAIN {query}", 1, None, 1, 500)
            plan = "\n".join(row[0] for row in rows)
            assert any(f"using {index} " in plan for index in OF_THE_FEW), plan
        found = await own.waiting("users", 1, limit=500, as_of=None)
        assert sum(each.entries for each in found) == 40

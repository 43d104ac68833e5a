"""What connectors list for people who map, over real HTTP: contract, section 4."""

import asyncio
from typing import Any

import pytest

from adapters.sandbox.control import FaultKind, FaultRule
from tests.support.service import Service, running_service
from tests.support.two_peers import KIMAI_TOKEN, TwoPeers, connect, two_peers

ZAMMAD, KIMAI = "/api/v1/connectors/1", "/api/v1/connectors/2"


async def listed(service: Service, path: str, **params: Any) -> list[dict[str, Any]]:
    answer = await service.http.get(path, params=params)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()
    assert answer.headers["X-Total-Count"].isdigit()
    return rows


async def refused(service: Service, path: str) -> tuple[int, str, str]:
    answer = await service.http.get(path)
    body = answer.json()
    return answer.status_code, body["code"], body["detail"]


async def test_kimai_lists_also_hidden_and_ended_ones_when_asked(migrated: str) -> None:
    async with two_peers(1) as peers, running_service(migrated) as service:
        kimai = peers.kimai
        customer = kimai.add_customer("Zeta", visible=False).id
        project = kimai.add_project("Ended", customer=1, end="2020-01-01").id
        hidden = kimai.add_project("Of a hidden customer", customer=customer).id
        kimai.add_activity("Own", project=project)
        kimai.add_activity("Gone", visible=False)
        await connect(service, peers)

        projects = {row["id"]: row for row in await listed(service, f"{KIMAI}/projects")}
        assert projects[project]["customer_id"] == 1
        assert projects[project]["customer_name"] == kimai.customers[1].name
        assert hidden not in projects
        everything = await listed(service, f"{KIMAI}/projects", include_inactive=True)
        assert {row["id"]: row["active"] for row in everything}[hidden] is False
        assert [row["name"] for row in await listed(service, f"{KIMAI}/customers", q="ZET")] == []
        found = await listed(service, f"{KIMAI}/customers", q="ZET", include_inactive=True)
        assert found == [{"id": customer, "name": "Zeta", "active": False}]

        activities = await listed(service, f"{KIMAI}/activities")
        assert {row["is_global"] for row in activities} == {True}
        names = [row["name"] for row in activities]
        assert names == sorted(names, key=str.casefold)
        assert "Gone" not in names
        settings = {"use_global_activities": False, "default_project_id": project}
        await service.http.patch(KIMAI, json={"settings": settings})
        own = [row for row in await listed(service, f"{KIMAI}/activities") if not row["is_global"]]
        assert [(row["name"], row["project_id"]) for row in own] == [("Own", project)]
        limited = await service.http.get(f"{KIMAI}/activities?limit=1")
        assert len(limited.json()) == 1
        assert int(limited.headers["X-Total-Count"]) == len(activities) + 1


async def test_zammad_lists_types_organizations_groups_and_support_users(migrated: str) -> None:
    async with two_peers(1) as peers, running_service(migrated) as service:
        zammad = peers.zammad
        sleeping = zammad.add_type("Old kind", active=False).id
        for number in range(120):  # more than a page of users by default
            zammad.add_customer(
                f"customer{number}@example.com", firstname="C", lastname=str(number)
            )
        late = zammad.add_agent("late@example.com", firstname="Late", lastname="Comer").id
        await connect(service, peers)

        types = await listed(service, f"{ZAMMAD}/activities")
        assert sleeping not in {row["id"] for row in types}
        assert {row["project_id"] for row in types} == {None}
        inactive = await listed(service, f"{ZAMMAD}/activities", include_inactive=True)
        assert {row["id"] for row in inactive} - {row["id"] for row in types} == {sleeping}
        organizations = await listed(service, f"{ZAMMAD}/customers")
        assert len(organizations) == len(list(zammad.organizations))
        people = await listed(service, f"{ZAMMAD}/users")
        assert late in {row["id"] for row in people}
        assert {"-"}.isdisjoint(row["username"] for row in people)
        assert not [row for row in people if (row["email"] or "").startswith("customer")]
        assert [row["name"] for row in await listed(service, f"{ZAMMAD}/users", q="late@")] == [
            "Late Comer"
        ]
        # a list that is not open is no empty list
        status, code, text = await refused(service, f"{ZAMMAD}/projects")
        assert (status, code) == (502, "peer_rejected")
        assert "admin.group" in text
        admin = next(user for user in zammad.users if 1 in user.role_ids)
        zammad.add_token(
            admin.id,
            permissions=["admin.group", "ticket.agent"],
            secret="one-group-t0ken-nobody-may-see",
        )
        await service.http.patch(ZAMMAD, json={"api_token": "one-group-t0ken-nobody-may-see"})
        groups = await listed(service, f"{ZAMMAD}/projects")
        assert {row["name"] for row in groups} == {group.name for group in zammad.groups}
        assert {row["customer_id"] for row in groups} == {None}


async def test_a_list_is_kept_until_it_is_refreshed_or_the_way_in_changes(migrated: str) -> None:
    async with two_peers(1) as peers, running_service(migrated) as service:
        await connect(service, peers)
        path = f"{KIMAI}/customers"
        before = await asyncio.gather(*(listed(service, path) for _ in range(5)))
        assert asked(peers) == 1  # five at once are one question
        peers.kimai.add_customer("New one")
        assert await listed(service, path) == before[0]
        assert asked(peers) == 1
        assert len(await listed(service, path, refresh=True)) == len(before[0]) + 1
        assert asked(peers) == 2
        peers.kimai.add_customer("Another")
        second = peers.kimai.add_token(1, "another-t0ken-nobody-may-see")
        assert second != KIMAI_TOKEN
        await service.http.patch(KIMAI, json={"api_token": second})
        assert len(await listed(service, path)) == len(before[0]) + 2


def asked(peers: TwoPeers) -> int:
    return peers.kimai_app.requests.count("GET", "/api/customers")


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (FaultRule(kind=FaultKind.UNAUTHORIZED), "peer_auth_failed"),
        (FaultRule(kind=FaultKind.ERROR_BEFORE), "peer_unavailable"),
        (FaultRule(kind=FaultKind.FORBIDDEN), "peer_rejected"),
    ],
)
async def test_what_the_peer_does_not_give_is_said(
    migrated: str, rule: FaultRule, code: str
) -> None:
    async with two_peers(1) as peers, running_service(migrated) as service:
        await connect(service, peers)
        peers.kimai_app.faults.replace([rule])
        status, found, text = await refused(service, f"{KIMAI}/users")
        assert (status, found) == (502, code)
        assert "Kimai" in text
        assert KIMAI_TOKEN not in text
        assert peers.kimai_url not in text
        peers.kimai_app.faults.clear()
        assert await listed(service, f"{KIMAI}/users")  # a failure is not kept


async def test_bad_wishes_are_422_and_unknown_connectors_404(migrated: str) -> None:
    async with two_peers(1) as peers, running_service(migrated) as service:
        await connect(service, peers)
        for wrong in ("limit=0", "limit=5001", "limit=-1", "refresh=maybe", "q=" + "x" * 201):
            answer = await service.http.get(f"{KIMAI}/users?{wrong}")
            assert (answer.status_code, answer.json()["code"]) == (422, "validation"), wrong
        assert await listed(service, f"{KIMAI}/users", q="\0") == []
        for number in ("7", "1000000000000", "x"):
            assert (await refused(service, f"/api/v1/connectors/{number}/users"))[0] == 404
        await service.add_user("vera", "viewer")
        async with service.logged_in("vera", "correct-horse-battery") as viewer:
            assert (await viewer.get(f"{KIMAI}/activities/")).status_code == 200

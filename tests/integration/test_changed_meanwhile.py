"""Somebody else changes the same in the middle of a request: nothing rests on what is gone."""

import json
from typing import Any

import pytest

from adapters.postgres import credentials
from api import resolving
from domain.ids import ConnectorId
from tests.integration.test_reconcile import Desk, desk, edited
from tests.support.service import ADMIN_PASSWORD, Service, running_service
from tests.support.two_peers import KIMAI_TOKEN, RANGE, connect, two_peers

API = "/api/v1"
OTHER_TOKEN = "a-token-of-another-host-0123456789"
ELSEWHERE = {"base_url": "http://127.0.0.1:9/", "api_token": OTHER_TOKEN}


def meanwhile(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, then: Any) -> None:
    """The first call of that method is followed by `then`, before its caller goes on."""
    real = getattr(where, name)
    called: list[int] = []

    async def slow(*arguments: Any, **named: Any) -> Any:
        answer = await real(*arguments, **named)
        if not called:
            called.append(1)
            await then()
        return answer

    monkeypatch.setattr(where, name, slow)


@pytest.mark.parametrize("token", [KIMAI_TOKEN, "another-t0ken-for-the-first-host"])
async def test_a_new_token_is_not_stored_for_another_address(
    migrated: str, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    async with two_peers(1) as peers, running_service(migrated) as service:
        await connect(service, peers)

        async def moved() -> None:
            answer = await service.http.patch(f"{API}/connectors/2", json=ELSEWHERE)
            assert answer.status_code == 200, answer.text

        tried = type(service.own.peers).tried

        async def passes(own: Any, kind: str, address: str, _: str) -> Any:
            return await tried(own, kind, address, KIMAI_TOKEN)

        monkeypatch.setattr(type(service.own.peers), "tried", passes)
        meanwhile(monkeypatch, type(service.own.peers), "tried", moved)
        answer = await service.http.post(f"{API}/connectors/2/reauth", json={"api_token": token})
        assert (answer.status_code, answer.json()["code"]) == (409, "stale_version")
        connector = await service.own.connector(ConnectorId(2))
        assert connector is not None
        assert connector.base_url == ELSEWHERE["base_url"]
        assert await service.own.token_of(connector) == OTHER_TOKEN


async def test_a_test_of_the_old_token_says_nothing_of_the_new_one(
    migrated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with two_peers(3) as peers, running_service(migrated) as service:
        await connect(service, peers)
        http, revoked = service.http, {"api_token": "a-token-that-kimai-revoked"}
        assert (await http.patch(f"{API}/connectors/2", json=revoked)).status_code == 200

        async def mended() -> None:
            wish = {"api_token": KIMAI_TOKEN}
            assert (await http.post(f"{API}/connectors/2/reauth", json=wish)).status_code == 200

        meanwhile(monkeypatch, type(service.own.peers), "tried", mended)
        answer = await http.post(f"{API}/connectors/validate?connector_id=2")
        assert answer.json()["valid"] is False
        assert (await http.get(f"{API}/connectors/2")).json()["health"]["state"] == "ok"
        assert (await http.post(f"{API}/sync/run", json=RANGE)).json()["status"] == "success"


async def test_a_password_that_was_reset_is_not_replaced_by_who_knew_the_old_one(
    migrated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_service(migrated) as service:
        bob = await service.add_user("bob", "viewer")
        words = {"current_password": ADMIN_PASSWORD, "new_password": "the-thiefs-own-password"}

        async def reset() -> None:
            body = {"password": "the-admins-new-password"}
            answer = await service.http.patch(f"{API}/users/{bob['id']}", json=body)
            assert answer.status_code == 200, answer.text

        async with service.logged_in("bob", ADMIN_PASSWORD) as thief:
            meanwhile(monkeypatch, type(service.own.passwords), "hash", reset)
            answer = await thief.post("/users/me/password", json=words)
            assert (answer.status_code, answer.json()["code"]) == (409, "stale_version")
        assert await logs_in(service, "bob", "the-admins-new-password")
        assert not await logs_in(service, "bob", "the-thiefs-own-password")
        assert await hashes(service) == 2


async def logs_in(service: Service, name: str, password: str) -> bool:
    async with service.client() as client:
        form = {"username": name, "password": password}
        return (await client.post("/token", data=form)).status_code == 200


async def hashes(service: Service) -> int:
    counted = await service.own.store.pool.fetchval("SELECT count(*) FROM credential")
    return int(counted)


async def test_hashes_that_nobody_names_go(migrated: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_service(migrated) as service:
        body = {"role": "viewer", "password": "some-other-password"}
        refused = await service.http.patch(f"{API}/users/1", json=body)
        assert (refused.status_code, refused.json()["code"]) == (409, "last_admin")
        assert await hashes(service) == 1
        await service.own.credentials.put(1, "login", "hash")  # and died
    async with running_service(migrated) as service:
        assert await hashes(service) == 2  # somebody may be about to name it
        await service.own.store.pool.execute("UPDATE credential SET stored_at = '2026-01-01Z'")
    async with running_service(migrated) as service:
        assert await hashes(service) == 1
        assert await logs_in(service, "alice", ADMIN_PASSWORD)


DECISIONS: dict[str, tuple[str, str, Any]] = {
    "keep": ("POST", "reconcile/row/{}", {"op": "keep-target"}),
    "resolve": ("PATCH", "conflicts/{}", {"resolution_status": "resolved"}),
    "ignore": ("PATCH", "conflicts/{}", {"resolution_status": "ignored"}),
    "note": ("PATCH", "conflicts/{}", {"notes": "seen"}),
    "dismiss": ("DELETE", "conflicts/{}", None),
}


@pytest.mark.parametrize("decision", DECISIONS)
async def test_nothing_is_decided_about_a_booking_that_changed_since_it_was_read(
    migrated: str, monkeypatch: pytest.MonkeyPatch, decision: str
) -> None:
    """The same conflict, of a booking that Zammad has otherwise by now."""
    async with desk(migrated) as there:
        row = await edited(there)
        stale = await resolving.subject(there.service.own, int(row["id"]))
        await corrected(there, row["entryId"])
        assert (await there.row())["id"] == row["id"]

        async def before(*_: object, **__: object) -> resolving.Subject:
            return stale

        monkeypatch.setattr(resolving, "subject", before)
        method, path, body = DECISIONS[decision]
        seen = {"If-Match": f'"{row["version"]}"'}
        url = f"{API}/{path.format(row['id'])}"
        answer = await there.http.request(method, url, json=body, headers=seen)
        assert (answer.status_code, answer.json()["code"]) == (409, "stale_version")
        monkeypatch.undo()
        assert (await there.row())["id"] == row["id"]  # it waits still


async def corrected(there: Desk, entry: int) -> None:
    """The booking's time is another in Zammad, and a run has seen it."""
    source = (await there.entry(entry))["source_id"]
    (found,) = (one for one in there.peers.zammad.entries if str(one.id) == source)
    there.peers.zammad.correct(found.id, time_unit="33.0")
    await there.run()


async def test_an_erased_account_is_in_no_event_of_a_throttle_either(migrated: str) -> None:
    async with running_service(migrated) as service, service.client() as client:
        name = "bob.of.northwind"
        bob = await service.add_user(name, "viewer")
        for _ in range(credentials.PER_ACCOUNT + 1):
            form = {"username": name, "password": "not the password"}
            answer = await client.post("/token", data=form)
        assert answer.status_code == 429
        subject = f"account:{bob['id']}"
        wish = {"subject": subject, "confirm": subject}
        erased = await service.http.post(f"{API}/privacy/erase", json=wish)
        assert erased.status_code == 200, erased.text
        events = (await service.http.get(f"{API}/events?limit=1000")).json()["items"]
        assert "LoginThrottled" in {event["type"] for event in events}
        assert name not in json.dumps(events)
        assert name not in (await service.http.get(f"{API}/audit-logs/?limit=500")).text

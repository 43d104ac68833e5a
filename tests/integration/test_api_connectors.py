"""Connectors over real HTTP: contract, section 4."""

import json
from typing import Any

import httpx

from domain.ids import ConnectorId, connector_stream
from tests.support.logged import logged
from tests.support.service import ADMIN_PASSWORD, ENCRYPTION_KEY, SECRET_KEY, running_service
from tests.support.two_peers import (
    KIMAI_TOKEN,
    RANGE,
    WEBHOOK_SECRET,
    ZAMMAD_TOKEN,
    connect,
    two_peers,
)

PATH = "/api/v1/connectors/"
MASK = "********"
ZAMMAD: dict[str, Any] = {
    "type": "zammad",
    "name": "Desk",
    "base_url": "HTTPS://Desk.Example.com",
    "api_token": "first-token-12345",
}
KIMAI: dict[str, Any] = {
    "type": "kimai",
    "name": "Billing",
    "base_url": "https://kimai.example.com/",
    "api_token": "second-token-12345",
}


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_connector_is_shown_in_the_contracts_shape_with_all_settings(
    migrated: str,
) -> None:
    async with running_service(migrated) as service:
        made = await service.http.post(PATH, json={**ZAMMAD, "settings": {"lookback": 5}})
        assert made.status_code == 201
        shown = made.json()
        assert set(shown) == {
            *("id", "type", "name", "base_url", "api_token", "is_active", "settings"),
            *("created_at", "updated_at", "version", "token_set", "health", "retired_at"),
        }
        assert shown["base_url"] == "https://desk.example.com/"
        assert shown["api_token"] == MASK
        assert shown["token_set"] is True
        assert shown["health"] == {"state": "unknown", "checked_at": None, "message": None}
        assert shown["settings"] == {
            "time_unit_minutes": None,
            "timezone": "UTC",
            "work_time_anchor": "end_at_booking",
            "day_start": "09:00",
            "webhook_secret": None,
            "webhook_secret_overlap_hours": 24,
            "accept_webhooks": True,
            "discovery": "auto",
            "lookback": 5,
            "concurrent_requests": 8,
            "requests_per_second": None,
        }
        assert (await service.http.get(f"{PATH}1")).json() == shown
        assert (await service.http.get(PATH)).json() == [shown]
        kimai = (await service.http.post(PATH, json=KIMAI)).json()
        assert kimai["settings"]["rounding_days"] == [0, 1, 2, 3, 4, 5, 6]
        assert kimai["settings"]["entry_tag"] == "source:zammad"


async def test_settings_merge_key_by_key_and_null_resets(migrated: str) -> None:
    async with running_service(migrated) as service:
        http = service.http
        await http.post(PATH, json={**ZAMMAD, "settings": {"lookback": 5, "discovery": "auto"}})
        patched = await http.patch(f"{PATH}1", json={"settings": {"time_unit_minutes": 7.5}})
        settings = patched.json()["settings"]
        assert (settings["lookback"], settings["time_unit_minutes"]) == (5, 7.5)
        reset = await http.patch(f"{PATH}1", json={"settings": {"lookback": None}})
        assert reset.json()["settings"]["lookback"] == 15
        version = reset.json()["version"]
        again = await http.patch(f"{PATH}1", json=reset.json())
        assert again.json() == reset.json()
        assert again.json()["version"] == version
        for wrong, expected in (
            ({"colour": "red"}, "settings_unknown_key"),
            ({"round_begin": 5}, "settings_unknown_key"),
            ({"lookback": -1}, "validation"),
            ({"timezone": "Mars"}, "validation"),
            ({"webhook_secret": "short"}, "validation"),
        ):
            answer = await http.patch(f"{PATH}1", json={"settings": wrong})
            assert code(answer) == (422, expected), wrong
            assert answer.json()["errors"][0]["loc"][:2] == ["body", "settings"]


async def test_the_stored_token_goes_only_to_the_stored_address(migrated: str) -> None:
    async with running_service(migrated) as service:
        http, vault = service.http, service.own.vault
        await http.post(PATH, json=ZAMMAD)
        moved = {"base_url": "https://other.example.com/"}
        assert code(await http.patch(f"{PATH}1", json=moved)) == (422, "token_required")
        for mask in (MASK, "", None):
            answer = await http.patch(f"{PATH}1", json={**moved, "api_token": mask})
            assert code(answer) == (422, "token_required")
        test = await http.post(f"{PATH}test", json={"id": 1, **moved})
        assert code(test) == (422, "token_required")
        assert test.json()["message"] == test.json()["detail"]
        same = {"base_url": "https://DESK.example.com:443"}
        assert (await http.patch(f"{PATH}1", json=same)).status_code == 200
        done = await http.patch(f"{PATH}1", json={**moved, "api_token": "another-token-1"})
        assert done.json()["base_url"] == "https://other.example.com/"
        connector = await service.own.connector(ConnectorId(1))
        assert connector is not None
        stream = connector_stream(ConnectorId(1))
        assert await vault.get(stream, connector.token_fingerprint) == "another-token-1"
        stored = await service.own.store.pool.fetchval("SELECT count(*) FROM secret")
        assert stored == 1  # the replaced one is destroyed


async def test_the_mask_changes_nothing(migrated: str) -> None:
    async with running_service(migrated) as service:
        await service.http.post(PATH, json=ZAMMAD)
        for mask in (MASK, "", None):
            answer = await service.http.patch(f"{PATH}1", json={"api_token": mask})
            assert answer.json()["version"] == 1
        same = await service.http.patch(f"{PATH}1", json={"api_token": ZAMMAD["api_token"]})
        assert same.json()["version"] == 1
        for mask in (MASK, "", None):
            answer = await service.http.post(PATH, json={**KIMAI, "api_token": mask})
            assert code(answer) == (422, "token_required")


async def test_names_and_active_places_are_unique(migrated: str) -> None:
    async with running_service(migrated) as service:
        http = service.http
        await http.post(PATH, json=ZAMMAD)
        second = {**ZAMMAD, "name": "Other"}
        assert code(await http.post(PATH, json=second)) == (409, "connector_active_exists")
        assert code(await http.post(PATH, json={**KIMAI, "name": "DESK"})) == (409, "name_taken")
        sleeping = await http.post(PATH, json={**second, "is_active": False})
        assert sleeping.json()["id"] == 2
        woken = await http.patch(f"{PATH}2", json={"is_active": True})
        assert code(woken) == (409, "connector_active_exists")
        await http.patch(f"{PATH}1", json={"is_active": False})
        assert (await http.patch(f"{PATH}2", json={"is_active": True})).status_code == 200
        kind = await http.patch(f"{PATH}2", json={"type": "kimai"})
        assert code(kind) == (422, "type_immutable")


async def test_a_retired_connector_is_hidden_its_token_destroyed_its_name_free(
    migrated: str,
) -> None:
    async with running_service(migrated) as service:
        http = service.http
        await http.post(PATH, json=ZAMMAD)
        assert (await http.delete(f"{PATH}1")).status_code == 204
        assert code(await http.delete(f"{PATH}1")) == (404, "not_found")
        assert code(await http.get(f"{PATH}1")) == (404, "not_found")
        assert (await http.get(PATH)).json() == []
        retired = (await http.get(f"{PATH}?include_retired=true")).json()[0]
        assert (retired["is_active"], retired["token_set"]) == (False, False)
        assert retired["retired_at"] is not None
        assert await service.own.store.pool.fetchval("SELECT count(*) FROM secret") == 0
        assert (await http.post(PATH, json=ZAMMAD)).json()["id"] == 2


async def test_addresses_of_other_machines_must_be_https(migrated: str) -> None:
    insecure = {**ZAMMAD, "base_url": "http://desk.example.com/"}
    async with running_service(migrated) as service:
        assert code(await service.http.post(PATH, json=insecure)) == (422, "insecure_url")
        test = {key: insecure[key] for key in ("type", "base_url", "api_token")}
        answer = await service.http.post(f"{PATH}test", json=test)
        assert code(answer) == (422, "insecure_url")
    async with running_service(migrated, allow_insecure_peers=True) as service:
        assert (await service.http.post(PATH, json=insecure)).status_code == 201


async def test_a_test_says_what_it_found_and_saves_nothing(migrated: str) -> None:
    async with two_peers(1) as peers, running_service(migrated) as service:
        http = service.http
        candidate = {
            "type": "zammad",
            "base_url": peers.zammad_url,
            "api_token": ZAMMAD_TOKEN,
        }
        good = (await http.post(f"{PATH}test", json=candidate)).json()
        assert good["valid"] is True
        assert good["details"]["time_unit_declared"] == "minute"
        assert good["details"]["peer_version"]
        bad = (
            await http.post(f"{PATH}test", json={**candidate, "api_token": "wrong-t0ken-1"})
        ).json()
        assert (bad["valid"], bad["details"]) == (False, None)
        assert bad["message"].startswith("Zammad ")
        nobody = {**candidate, "base_url": "http://127.0.0.1:9/"}
        assert (await http.post(f"{PATH}test", json=nobody)).json()["valid"] is False
        assert (await http.get(PATH)).json() == []
        incomplete = await http.post(f"{PATH}test", json={"type": "zammad"})
        assert code(incomplete) == (422, "validation")

        await connect(service, peers)
        for path, body in ((f"{PATH}validate?connector_id=2", None), (f"{PATH}test", {"id": 2})):
            answer = await http.post(path, json=body)
            assert answer.json()["valid"] is True, answer.text
        shown = (await http.get(f"{PATH}2")).json()
        assert shown["version"] == 1  # looking does not change it
        tested = (await http.get("/api/v1/audit-logs/?action=connector_tested")).json()
        assert tested["total"] == 2
        await service.add_user("olga", "operator")
        async with service.logged_in("olga", ADMIN_PASSWORD) as olga:
            assert (await olga.post(f"{PATH}test", json={"id": 2})).json()["valid"] is True
            answer = await olga.post(f"{PATH}test", json=candidate)
            assert code(answer) == (403, "forbidden")


async def test_no_secret_shows_in_any_answer_log_line_or_event(migrated: str) -> None:
    shown: list[str] = []

    async def remember(response: httpx.Response) -> None:
        await response.aread()
        shown.append(response.text + str(response.headers))

    with logged() as told:
        async with two_peers(5) as peers, running_service(migrated) as service:
            login = service.http.headers["Authorization"].removeprefix("Bearer ")
            service.http.event_hooks["response"].append(remember)
            await connect(service, peers)
            await service.http.post("/api/v1/sync/run", json=RANGE)
            await service.http.patch(f"{PATH}1", json={"api_token": "wrong-token-99"})
            await service.http.post("/api/v1/sync/run", json=RANGE)
            await service.http.post(f"{PATH}test", json={"id": 1})
            for path in ("connectors/", "audit-logs/?limit=500", "sync/runs", "entries", "users/"):
                await service.http.get(f"/api/v1/{path}")
            rows = await service.own.store.pool.fetch("SELECT data::text || meta::text FROM event")
            ledger = "".join(row[0] for row in rows)
    secrets = (
        *(ZAMMAD_TOKEN, KIMAI_TOKEN, WEBHOOK_SECRET, "wrong-token-99"),
        *(ADMIN_PASSWORD, SECRET_KEY, ENCRYPTION_KEY, login),
    )
    everything = {"answers": "".join(shown), "logs": told.getvalue(), "ledger": ledger}
    assert all(everything.values())
    for place, text in everything.items():
        for secret in secrets:
            assert secret not in text, f"{secret} shows in {place}"
    for line in told.getvalue().splitlines():
        json.loads(line)
    dsn_password = migrated.partition("://timeledger:")[2].partition("@")[0]
    assert dsn_password
    assert dsn_password not in everything["logs"]

"""What is known of a connector: its token, what that may do, who must act, and the last day."""

from datetime import UTC, datetime, timedelta
from typing import Any

from domain.connector.commands import RecordHealth
from domain.connector.decide import CONNECTOR, holds
from domain.event import Actor, Metadata
from domain.handling import handle
from domain.ids import ConnectorId
from projections.health_history import Turn, parts
from tests.support.service import ADMIN_PASSWORD, Service, running_service
from tests.support.two_peers import KIMAI_TOKEN, connect, two_peers

API = "/api/v1/connectors"
MIDNIGHT = datetime(2026, 11, 2, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)


async def health(service: Service, number: int) -> Any:
    answer = await service.http.get(f"{API}/{number}/health")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def fares(service: Service, number: int, state: str, message: str | None = None) -> None:
    """As a run would find it."""
    connector = await service.own.connector(ConnectorId(number))
    assert connector is not None
    done = await handle(
        service.own.store,
        CONNECTOR,
        f"connector-{number}",
        RecordHealth(access=connector.access, state=state, message=message),
        metadata=Metadata(actor=Actor(kind="service", name="sync"), correlation_id="c"),
        now=datetime.now(UTC),
        holds=holds,
    )
    assert await service.own.shown(done.position)


async def test_what_a_token_may_do_is_kept_from_the_last_test(migrated: str) -> None:
    async with two_peers(1) as peers, running_service(migrated) as service:
        await connect(service, peers)
        before = await health(service, 2)
        assert (before["found"], before["needs"]) == (None, None)
        assert before["token"]["last_four"] == KIMAI_TOKEN[-4:]
        tested = await service.http.post(f"{API}/validate", params={"connector_id": 2})
        assert tested.json()["valid"], tested.text
        shown = await health(service, 2)
        found = shown["found"]
        assert found["checks"] == tested.json()["details"]["checks"]
        assert found["tracking_mode"] == "default"
        checks = {check["name"]: check["ok"] for check in found["checks"]}
        assert checks["books_for_others"] is True
        assert checks["sees_exported"] is None, "there is no record to tell by"
        assert found["peer_version"] == shown["peer_version"]
        assert KIMAI_TOKEN not in str(shown)


async def test_a_new_token_begins_anew(migrated: str) -> None:
    async with two_peers(1) as peers, running_service(migrated) as service:
        await connect(service, peers)
        since = (await health(service, 2))["token"]["since"]
        await service.http.post(f"{API}/validate", params={"connector_id": 2})
        answer = await service.http.patch(f"{API}/2", json={"api_token": "another-token-of-kimai"})
        assert answer.status_code == 200, answer.text
        shown = await health(service, 2)
        assert shown["found"] is None, "what the former token could do says nothing"
        assert shown["token"]["last_four"] == "imai"
        assert shown["token"]["since"] > since
        await service.http.post(f"{API}/2/reauth", json={"api_token": KIMAI_TOKEN})
        shown = await health(service, 2)
        assert (shown["state"], shown["found"]["tracking_mode"]) == ("ok", "default")
        await service.http.patch(f"{API}/2", json={"api_token": "short"})
        assert (await health(service, 2))["token"]["last_four"] is None


async def test_who_has_to_act(migrated: str) -> None:
    async with two_peers(1) as peers, running_service(migrated) as service:
        await connect(service, peers)
        hourly = {"cron": "0 * * * *", "timezone": "UTC", "enabled": True}
        await fares(service, 1, "down", "Zammad does not answer.")
        shown = await health(service, 1)
        assert (shown["needs"], shown["next_try_at"]) == ("time", None), "nothing is planned"
        await service.http.put("/api/v1/schedule", json=hourly)
        shown = await health(service, 1)
        assert datetime.fromisoformat(shown["next_try_at"]) > datetime.now(UTC)
        assert shown["next_try_at"].endswith(":00:00Z")
        await fares(service, 1, "auth_failed", "Zammad refuses the token.")
        shown = await health(service, 1)
        assert (shown["needs"], shown["next_try_at"]) == ("person", None)


async def test_the_last_day_of_a_connector(migrated: str) -> None:
    async with two_peers(1) as peers, running_service(migrated) as service:
        await connect(service, peers)
        for state in ("ok", "down", "ok"):
            await fares(service, 2, state)
        head = await service.own.store.head()
        await service.add_user("vera", "viewer")
        async with service.logged_in("vera", ADMIN_PASSWORD) as viewer:
            found = (await viewer.get(f"{API}/2/health/history")).json()
            assert (await viewer.get(f"{API}/9/health/history")).status_code == 404
            then = await viewer.get(f"{API}/2/health/history?as_of=position:{head - 1}")
            assert [turn["state"] for turn in then.json()["turns"]] == ["ok", "down"]
            none = await viewer.get(f"{API}/2/health/history?as_of=position:1")
            assert none.status_code == 404
        assert len(found["parts"]) == 48
        begin, end = (datetime.fromisoformat(found["parts"][-1][name]) for name in ("from", "to"))
        assert begin <= datetime.fromisoformat(found["turns"][-1]["at"]) < end
        assert [turn["state"] for turn in found["turns"]] == ["ok", "down", "ok"]
        assert found["parts"][-1]["state"] == "down"
        assert {part["state"] for part in found["parts"][:-2]} == {"unknown"}


def test_the_worst_of_a_part_counts_and_what_was_goes_on() -> None:
    turns = [
        Turn(MIDNIGHT - timedelta(days=3), "degraded", "slow"),
        Turn(MIDNIGHT + timedelta(minutes=30), "ok", None),
        Turn(MIDNIGHT + timedelta(minutes=70), "down", "gone"),
        Turn(MIDNIGHT + timedelta(minutes=80), "ok", None),
    ]
    found = parts(turns, begin=MIDNIGHT, step=HALF_HOUR, count=4)
    assert [part.state for part in found] == ["degraded", "ok", "down", "ok"]
    assert found[2].message == "gone"
    assert found[3].end == MIDNIGHT + 4 * HALF_HOUR
    unknown = parts(turns[1:], begin=MIDNIGHT, step=HALF_HOUR, count=1)
    assert unknown[0].state == "unknown"

"""Channels over real HTTP, and what a real server behind one receives: contract, section 9."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from starlette.types import ASGIApp

from adapters.notifications import REFUSED, TOO_LATE, Messenger
from api.notifying import Notifying
from api.server import bound, serving
from domain.connector.events import ConnectorHealthChanged
from domain.event import Actor, Append, Event, Metadata
from domain.ids import ConnectorId, EntryId, RunId
from domain.sync_run.events import Counters, SyncRunCompleted, SyncRunFailed
from domain.time_entry.events import EntryDeadLettered
from domain.time_entry.values import ReasonCode
from tests.support.ahead import AheadClock
from tests.support.guarded import guarded
from tests.support.service import Service, running_service
from tests.support.waiting import until
from tests.support.webhook_receiver import Receiver

PATH = "/api/v1/notifications/"
SECRET = "s3cret-of-the-channel"
ALL = ["run_failed", "conflicts_opened", "connector_down", "dead_letter", "webhook_rejected"]
METADATA = Metadata(actor=Actor(kind="service", name="sync"), correlation_id="test")


@asynccontextmanager
async def listening(app: ASGIApp) -> AsyncIterator[str]:
    with bound("127.0.0.1", 0) as listener:
        async with serving(guarded(app), listener) as url:
            yield url


@asynccontextmanager
async def receiver() -> AsyncIterator[tuple[Receiver, str]]:
    """A server, and its address for Apprise."""
    found = Receiver()
    async with listening(found) as url:
        yield found, f"json://{SECRET}:pw@{url.removeprefix('http://')}/{SECRET}"


def bodies(received: Receiver) -> list[dict[str, Any]]:
    return [delivery.payload for delivery in received.deliveries]


def titles(received: Receiver) -> list[str]:
    return [body["title"].removeprefix("Timeledger: ") for body in bodies(received)]


async def added(service: Service, url: str, **more: Any) -> dict[str, Any]:
    body = {"name": "Ops", "url": url, "events": ALL, **more}
    answer = await service.http.post(PATH, json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def happens(service: Service, stream: str, event: Event) -> None:
    await service.own.store.append(
        Append(
            stream=stream,
            events=[event],
            metadata=METADATA,
            occurred_at=service.own.clock.now(),
            expected=None,
        )
    )


async def run_fails(service: Service, number: int) -> None:
    event = SyncRunFailed(run_id=RunId(number), counters=Counters(), error="Kimai is away")
    await happens(service, f"sync-run-{number}", event)


async def run_ends(service: Service, number: int, conflicts: int) -> None:
    counters = Counters(conflicts=conflicts)
    event = SyncRunCompleted(run_id=RunId(number), counters=counters, watermark=None)
    await happens(service, f"sync-run-{number}", event)


async def switch_on(service: Service) -> None:
    answer = await service.http.put("/api/v1/schedule/", json={"notifications": True})
    assert answer.status_code == 200


async def test_channels_are_added_shown_changed_and_removed(migrated: str) -> None:
    async with receiver() as (_, url), running_service(migrated) as service:
        http = service.http
        made = await added(service, url)
        assert (made["url"], made["kind"], made["version"]) == ("********", "json", 1)
        assert (made["events"], made["last_result"]) == (ALL, None)
        assert (await http.get(PATH)).json() == [made]
        assert (await http.get(f"{PATH}1")).json() == made
        taken = await http.post(PATH, json={"name": "ops", "url": url, "events": []})
        assert (taken.status_code, taken.json()["code"]) == (409, "name_taken")

        same = await http.patch(f"{PATH}1", json=made)  # sent back as it was read
        assert same.json()["version"] == 1
        changed = await http.patch(f"{PATH}1", json={"events": ["dead_letter", "dead_letter"]})
        assert (changed.json()["events"], changed.json()["version"]) == (["dead_letter"], 2)
        moved = await http.patch(f"{PATH}1", json={"url": url.replace("json", "xml")})
        assert (moved.json()["kind"], moved.json()["url"]) == ("xml", "********")
        stale = await http.patch(f"{PATH}1", json={"name": "x"}, headers={"If-Match": '"1"'})
        assert stale.json()["code"] == "stale_version"
        assert (await http.delete(f"{PATH}1")).status_code == 204
        for method in ("GET", "PATCH", "DELETE"):
            assert (await http.request(method, f"{PATH}1", json={})).status_code == 404
        again = await added(service, url)
        assert again["id"] == 2
        logs = (await http.get("/api/v1/audit-logs/?limit=500")).json()["data"]
        actions = [log["action"] for log in logs if log["entity_type"] == "channel"]
        assert actions == [
            *("channel_created", "channel_deleted", "channel_updated", "channel_updated"),
            "channel_created",
        ]
        update = next(log for log in logs if log["action"] == "channel_updated")
        assert update["changes"]["url"] == {"old": "********", "new": "********"}
        secrets = await service.own.store.pool.fetchval("SELECT count(*) FROM secret")
        assert secrets == 1  # those that were replaced or removed are destroyed


async def test_an_address_is_nowhere_but_in_the_vault(
    migrated: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO, logger="httpcore")  # our own client, which tells of its cookie
    logging.getLogger().setLevel(logging.DEBUG)
    async with receiver() as (received, url), running_service(migrated) as service:
        await switch_on(service)
        shown = [await added(service, url)]
        received.answers += [200, 500, 302]
        tests = [(await service.http.post(f"{PATH}1/test")).json() for _ in range(3)]
        await service.http.patch(f"{PATH}1", json={"url": f"json://127.0.0.1:1/{SECRET}"})
        tests.append((await service.http.post(f"{PATH}1/test")).json())
        assert [test["ok"] for test in tests] == [True, False, False, False]
        for wrong in (f"nosuch://{SECRET}", f"{SECRET}", f"slack://{SECRET}", "json://"):
            refused = await service.http.post(PATH, json={"name": "n", "url": wrong, "events": ALL})
            assert (refused.status_code, refused.json()["code"]) == (422, "validation"), wrong
            shown.append(refused.json())
        assert len(received.deliveries) == 3  # the redirect was not followed
        shown += [(await service.http.get(path)).json() for path in (PATH, "/api/v1/audit-logs/")]
        shown += [(await service.http.get("/api/v1/events?limit=1000")).json(), *tests]
        stored = await service.own.store.pool.fetch("SELECT data::text, meta::text FROM event")
        views = await service.own.store.pool.fetch("SELECT c::text FROM channels AS c")
    everything = (
        json.dumps(shown) + str(stored) + str(views) + caplog.text + str(capfd.readouterr())
    )
    assert SECRET not in everything
    assert "elsewhere" not in everything


async def test_plain_addresses_of_other_machines_are_refused(migrated: str) -> None:
    async with running_service(migrated) as service:
        for url in (
            "json://ops.example.com/x",
            "matrix://user:token@chat.example.com",
            "jsons://ops.example.com/x?verify=no",
            "gotify://10.0.0.7/token",
        ):
            answer = await service.http.post(PATH, json={"name": "n", "url": url, "events": ALL})
            assert (answer.status_code, answer.json()["code"]) == (422, "insecure_url"), url
        for number, url in enumerate(
            (
                "jsons://ops.example.com/x",
                "mailto://user:secret@example.com",
                "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
                "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
                "ntfy://topic",
                "json://[::1]:8/x",
            )
        ):
            made = await added(service, url, name=f"n{number}", is_active=False)
            assert made["kind"] == ("slack" if "slack" in url else url.split(":")[0])
    async with running_service(migrated, allow_insecure_peers=True) as service:
        await added(service, "json://ops.example.com/x", is_active=False)


async def test_bad_bodies_are_422_and_only_administrators_see_channels(migrated: str) -> None:
    async with running_service(migrated) as service:
        good = {"name": "n", "url": "json://localhost/x", "events": ALL}
        for wrong in (
            {**good, "events": ["sunset"]},
            {**good, "events": "run_failed"},
            {**good, "events": None},
            {**good, "name": ""},
            {**good, "name": "a\0b"},
            {**good, "name": "x" * 201},
            {**good, "url": "********"},
            {**good, "url": ""},
            {**good, "url": None},
            {**good, "url": "json://localhost/" + "x" * 4000},
            {**good, "url": "json://local\ud800host/"},
            {**good, "url": 7},
            {**good, "colour": "red"},
            {"name": "n"},
        ):
            content = json.dumps(wrong).encode()
            headers = {"Content-Type": "application/json"}
            answer = await service.http.post(PATH, content=content, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (422, "validation"), wrong
        for number in ("7", "1000000000000", "x"):
            assert (await service.http.post(f"{PATH}{number}/test")).status_code == 404
        await service.add_user("olaf", "operator")
        async with service.logged_in("olaf", "correct-horse-battery") as operator:
            assert (await operator.get(PATH)).status_code == 403
            assert (await operator.post(PATH, json=good)).status_code == 403


async def test_the_first_failure_is_told_at_once_and_the_others_in_one_message(
    migrated: str,
) -> None:
    clock = AheadClock()
    async with (
        receiver() as (received, url),
        running_service(migrated, clock=clock, access_token_minutes=40_000) as service,
    ):
        await added(service, url)
        await run_fails(service, 1)  # the schedule says nothing of notifications yet
        await switch_on(service)
        await run_fails(service, 2)
        await until(lambda: len(received.deliveries) == 1)
        assert bodies(received)[0]["message"] == "Run 2 failed: Kimai is away"
        for number in range(3, 40):
            await run_fails(service, number)
        await run_ends(service, 40, conflicts=10)
        await run_ends(service, 41, conflicts=11)
        await until(lambda: len(received.deliveries) == 2)
        assert titles(received) == ["A run failed", "A run opened many conflicts"]
        clock.ahead += timedelta(minutes=9)
        await asyncio.sleep(1)
        assert len(received.deliveries) == 2
        clock.ahead += timedelta(minutes=2)
        await until(lambda: len(received.deliveries) == 3)
        digest = bodies(received)[2]
        assert digest["title"] == "Timeledger: 37 runs failed"
        assert digest["message"].startswith("Run 39 failed: Kimai is away\nRun 38")
        clock.ahead += timedelta(days=1)
        await asyncio.sleep(1)
        assert len(received.deliveries) == 3
        result = (await service.http.get(f"{PATH}1")).json()["last_result"]
        assert (result["ok"], result["event"]) == (True, "run_failed")


async def test_every_channel_hears_what_it_wants_to(migrated: str) -> None:
    async with (
        receiver() as (one, first),
        receiver() as (two, second),
        running_service(migrated) as service,
    ):
        await added(service, first, events=["connector_down", "dead_letter"])
        await added(service, second, name="Other", events=["dead_letter"])
        await added(service, second, name="Off", is_active=False)
        for state in ("degraded", "down", "ok"):
            event = ConnectorHealthChanged(connector_id=ConnectorId(1), state=state, message="No.")
            await happens(service, "connector-1", event)
        letter = EntryDeadLettered(
            entry_id=EntryId(10_000_000_009),
            reason=ReasonCode.CREATION_ERROR,
            detail="Emma's booking",
            attempts=5,
        )
        await happens(service, "time-entry-10000000009", letter)
        await until(lambda: len(one.deliveries) == 2 and len(two.deliveries) == 1)
        assert sorted(titles(one)) == ["A connector is down", "An entry or a delivery was given up"]
        assert titles(two) == ["An entry or a delivery was given up"]
        assert "Emma" not in str(bodies(one))
        assert "Connector 1 does not answer. No." in str(bodies(one))


async def test_what_could_not_be_told_is_told_later_also_after_a_restart(migrated: str) -> None:
    clock = AheadClock()
    values: dict[str, Any] = {"clock": clock, "access_token_minutes": 40_000}
    async with receiver() as (received, url):
        async with running_service(migrated, **values) as service:
            await switch_on(service)
            await added(service, f"json://127.0.0.1:1/{SECRET}")
            await run_fails(service, 1)
            quick = Notifying(service.own, waits=(0.01, 0.01))
            await quick.look()
            await quick.settled()
            events = (await service.http.get("/api/v1/events?stream=channel-1")).json()["items"]
            assert [event["type"] for event in events[:2]] == ["ChannelAdded", "NotificationFailed"]
            assert events[1]["data"]["attempts"] == 3
            assert events[1]["data"]["reason"] == REFUSED
            await service.own.shown(await service.own.store.head())
            result = (await service.http.get(f"{PATH}1")).json()["last_result"]
            assert (result["ok"], result["message"]) == (False, REFUSED)
            await service.own.store.pool.execute(
                "UPDATE secret SET stored_at = now() - interval '1 day'"
            )
        async with running_service(migrated, **values) as service:  # sweeps what nobody names
            assert await service.own.store.pool.fetchval("SELECT count(*) FROM secret") == 1
            await run_fails(service, 2)
            await asyncio.sleep(1)
            assert received.deliveries == []  # silence, over the restart
            await service.http.patch(f"{PATH}1", json={"url": url})
            await until(lambda: len(received.deliveries) == 1)
            assert titles(received) == ["2 runs failed"]
        async with running_service(migrated, **values) as service:
            clock.ahead += timedelta(hours=5)
            await asyncio.sleep(2)
            assert len(received.deliveries) == 1  # told once, and that is known


async def test_two_processes_send_each_message_once(migrated: str) -> None:
    async with (
        receiver() as (received, url),
        running_service(migrated) as service,
        running_service(migrated),
    ):
        await switch_on(service)
        await added(service, url)
        for number in range(1, 6):
            await run_fails(service, number)
        await until(lambda: len(received.deliveries) > 0)
        await asyncio.sleep(2)
        assert len(received.deliveries) == 1


async def test_a_crash_between_sending_and_recording_repeats_that_message_alone(
    migrated: str,
) -> None:
    async with receiver() as (received, url), running_service(migrated) as service:
        await switch_on(service)
        await added(service, url, events=["run_failed", "connector_down"], is_active=False)
        await service.http.patch(f"{PATH}1", json={"is_active": True})
        down = ConnectorHealthChanged(connector_id=ConnectorId(1), state="down", message=None)
        await happens(service, "connector-1", down)
        await until(lambda: len(received.deliveries) == 1)
        await asyncio.sleep(0.5)
        store, append = service.own.store, service.own.store.append
        died = asyncio.Event()

        async def dies(command: Append) -> Any:
            if command.events[0].TYPE == "NotificationSent":
                died.set()
                await asyncio.Event().wait()  # and never comes back
            return await append(command)

        store.append = dies  # type: ignore[method-assign]
        await run_fails(service, 1)
        await died.wait()
        assert titles(received) == ["A connector is down", "A run failed"]
        store.append = append  # type: ignore[method-assign]
        successor = Notifying(service.own)  # that of another process
        await successor.look()
        await successor.settled()
        await successor.look()
        await successor.settled()
        assert titles(received) == ["A connector is down", "A run failed", "A run failed"]


async def test_a_slow_channel_keeps_nobody_waiting(migrated: str) -> None:
    gate = asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await gate.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with (
        listening(slow) as slow_url,
        receiver() as (received, url),
        running_service(migrated) as service,
    ):
        await switch_on(service)
        await added(service, f"json://{slow_url.removeprefix('http://')}/x", name="Slow")
        await added(service, url)
        await run_fails(service, 1)
        await until(lambda: len(received.deliveries) == 1)
        began = asyncio.get_running_loop().time()
        for _ in range(5):
            assert (await service.http.get("/api/v1/connectors/")).status_code == 200
        assert asyncio.get_running_loop().time() - began < 2
        gate.set()


async def test_a_message_is_not_waited_for_without_end() -> None:
    gate = asyncio.Event()

    async def silent(scope: Any, receive: Any, send: Any) -> None:
        await gate.wait()

    async with listening(silent) as url:
        messenger = Messenger(timeout=0.2)
        address = f"json://{url.removeprefix('http://')}/x"
        assert (await messenger.send(address, "t", "b")).message == TOO_LATE
        gate.set()


async def test_the_address_of_a_failed_test_is_not_told(migrated: str) -> None:
    async with running_service(migrated) as service:
        await added(service, f"json://127.0.0.1:1/{SECRET}")
        answer = await service.http.post(f"{PATH}1/test")
        assert (answer.status_code, answer.json()) == (200, {"ok": False, "message": REFUSED})
        await service.own.store.pool.execute("DELETE FROM secret")
        gone = await service.http.post(f"{PATH}1/test")
        assert (gone.status_code, gone.json()["code"]) == (422, "validation")

"""What Zammad announces arrives in Kimai: real webhooks of the sandbox, nobody asks for a run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from adapters.sandbox.control import FaultKind, FaultRule
from adapters.sandbox.zammad import ZammadApp
from domain.delivery.signature import signature
from tests.chaos.service import ServiceProcess, environment
from tests.support.service import ADMIN, ADMIN_PASSWORD, SECRET_KEY, running_service
from tests.support.two_peers import (
    RANGE,
    WEBHOOK_SECRET,
    TwoPeers,
    connect,
    connect_by,
    two_peers,
)
from tests.support.waiting import until

DOOR = "/api/v1/webhook/zammad"
PATIENCE = 40.0  # seconds
BUSY = FaultRule(kind=FaultKind.LATENCY, seconds=0.4)


@dataclass
class Town:
    """A Zammad that announces everything, a Kimai, and a client of the service."""

    peers: TwoPeers
    http: httpx.AsyncClient
    url: str

    def announce(self) -> None:
        """Zammad sends every change of a ticket to the service."""
        state = self.peers.zammad
        webhook = state.add_webhook(
            name="time sync", endpoint=f"{self.url}{DOOR}", signature_token=WEBHOOK_SECRET
        )
        state.add_trigger(
            name="time sync",
            condition={},
            execution_condition_mode="always",
            perform={"notification.webhook": {"webhook_id": webhook.id}},
        )

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.http.get(f"/api/v1/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def deliveries(self, **query: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.get("webhook/deliveries", limit=200, **query))[
            "items"
        ]
        return items

    async def looks(self) -> list[dict[str, Any]]:
        page = await self.get("sync/runs", limit=200, trigger_type="webhook")
        runs: list[dict[str, Any]] = page["data"]
        return runs

    async def told(self) -> list[dict[str, Any]]:
        """All deliveries, once Zammad has sent everything and nothing waits any more."""
        app = self.peers.zammad_app.app
        assert isinstance(app, ZammadApp)
        await asyncio.wait_for(app.delivery.settled(), PATIENCE)

        async def done() -> bool:
            items = await self.deliveries()
            return bool(items) and all(row["status"] != "received" for row in items)

        await until(done)
        return await self.deliveries()

    async def send(self, ticket_id: int, name: str) -> None:
        """One delivery by hand."""
        body = b'{"ticket":{"id":%d}}' % ticket_id
        known = {
            "X-Hub-Signature": signature(WEBHOOK_SECRET, body),
            "X-Zammad-Delivery": name,
        }
        answer = await self.http.post(DOOR, content=body, headers=known)
        assert answer.status_code == 202, answer.text

    def minutes(self) -> list[int]:
        return sorted(sheet.duration // 60 for sheet in self.peers.kimai.timesheets.values())


@asynccontextmanager
async def town(database: str, bookings: int = 6) -> AsyncIterator[Town]:
    """Everything running and synchronised once."""
    async with two_peers(bookings) as peers, running_service(database) as service:
        await connect(service, peers)
        here = Town(peers, service.http, service.url)
        answer = await service.http.post("/api/v1/sync/run", json=RANGE)
        assert answer.json()["run_status"] == "completed", answer.text
        here.announce()
        yield here


async def test_a_booking_arrives_in_kimai_by_webhook_alone(database: str) -> None:
    async with town(database) as here:
        before = here.peers.sheets
        entry = next(iter(here.peers.zammad.entries))
        control = f"{here.peers.zammad_url}/_control/requests"
        await here.http.delete(control)
        here.peers.zammad.book(entry.ticket_id, "17", by=entry.created_by_id)
        (told,) = await here.told()
        assert (told["status"], told["attempts"], told["ticket_id"]) == (
            "processed",
            1,
            entry.ticket_id,
        )
        assert here.peers.sheets == before + 1
        assert 17 in here.minutes()
        (look,) = await here.looks()
        assert told["run_id"] == look["id"]
        assert look["cause"] == {"kind": "delivery", "id": told["delivery_id"]}
        assert (look["state"], look["entries_synced"]) == ("completed", 1)
        counts = (await here.http.get(control)).json()["counts"]
        lists = {name: count for name, count in counts.items() if "time_accounting" in name}
        run, *_ = (await here.get("sync/runs", trigger_type="manual"))["data"]
        assert (await here.get("sync/kpi"))["last_sync"] == run["ended_at"]
        assert len(lists) <= 2, lists  # of the ticket, and the types; not the list of all
        assert not any(name.endswith("/v1/time_accountings") for name in lists), lists


async def test_an_edit_a_deletion_and_a_merge_are_seen_by_the_look(database: str) -> None:
    async with town(database) as here:
        zammad = here.peers.zammad
        first, second, *_ = sorted(zammad.entries, key=lambda entry: entry.id)
        zammad.correct(first.id, time_unit="23", by=first.created_by_id)
        await here.told()
        assert 23 in here.minutes()
        zammad.delete_entry(second.id)

        async def shows_the_deletion() -> bool:
            page = await here.get("entries", state="conflict", limit=200)
            codes = [row["reason_code"] for row in page["items"]]
            return "SOURCE_DELETED" in codes

        await until(shows_the_deletion)
        tickets = {entry.ticket_id for entry in zammad.entries if entry.id != first.id}
        target = min(tickets - {first.ticket_id})
        zammad.merge_tickets(first.ticket_id, target)
        deliveries = await here.told()
        assert {row["status"] for row in deliveries} == {"processed"}
        assert {row["ticket_id"] for row in deliveries} >= {first.ticket_id, target}
        history = await here.get(f"entries/{10_000_000_000 + first.id}/history", limit=200)
        runs = {item["run_id"] for item in history["items"]}
        merged = {row["run_id"] for row in deliveries if row["ticket_id"] == first.ticket_id}
        assert max(runs) in merged, "the look at the merged ticket observed its booking anew"


async def test_a_burst_becomes_few_looks_and_loses_nothing(database: str) -> None:
    async with town(database) as here:
        before = here.peers.sheets
        entry = next(iter(here.peers.zammad.entries))
        for number in range(30):
            here.peers.zammad.book(entry.ticket_id, str(61 + number), by=entry.created_by_id)
            if number % 10 == 9:
                await asyncio.sleep(0.3)
        told = await here.told()
        assert len(told) == 30
        assert {row["status"] for row in told} == {"processed"}
        assert here.peers.sheets == before + 30
        assert 1 <= len(await here.looks()) <= 6


async def test_a_run_in_hand_makes_the_look_wait_and_a_look_makes_runs_wait(database: str) -> None:
    async with town(database) as here:
        entry = next(iter(here.peers.zammad.entries))
        here.peers.kimai_app.faults.replace([BUSY], seed=1)
        here.peers.zammad_app.faults.replace([BUSY], seed=1)
        wish = {"Prefer": "respond-async"}
        begun = await here.http.post("/api/v1/sync/run", json=RANGE, headers=wish)
        assert begun.status_code == 202
        await here.send(entry.ticket_id, "during-the-run")
        ordinary = begun.json()["run_id"]

        async def look_begun() -> bool:
            return any(row["state"] == "running" for row in await here.looks())

        await until(look_begun)
        assert (await here.get(f"sync/runs/{ordinary}"))["state"] == "completed"
        second = await here.http.post("/api/v1/sync/run", json=RANGE, headers=wish)
        assert second.status_code == 202, "it waits for the look instead of being refused"
        await here.send(entry.ticket_id, "during-the-look")
        (first_look, *_) = await here.looks()
        here.peers.kimai_app.faults.clear()
        here.peers.zammad_app.faults.clear()
        by_name = {row["delivery_id"]: row for row in await here.told()}
        assert by_name["during-the-run"]["run_id"] == first_look["id"]
        assert by_name["during-the-look"]["run_id"] > first_look["id"]
        await until(lambda: here_completed(here, int(second.json()["run_id"])))


async def here_completed(here: Town, run_id: int) -> bool:
    return bool((await here.get(f"sync/runs/{run_id}"))["state"] == "completed")


async def test_a_ticket_nobody_may_read_becomes_a_dead_letter_and_is_replayed(
    database: str,
) -> None:
    async with town(database) as here:
        entry = next(iter(here.peers.zammad.entries))
        path = f"/api/v1/tickets/{entry.ticket_id}/time_accountings"
        broken = FaultRule(kind=FaultKind.FORBIDDEN, path_prefix=path)
        here.peers.zammad_app.faults.replace([broken], seed=1)
        other = next(
            each for each in here.peers.zammad.entries if each.ticket_id != entry.ticket_id
        )
        await here.send(entry.ticket_id, "refused")
        await here.send(other.ticket_id, "read")

        async def given_up() -> bool:
            return bool(await here.deliveries(status="failed"))

        await until(given_up)
        (failed,) = await here.deliveries(status="failed")
        assert (failed["delivery_id"], failed["attempts"]) == ("refused", 3)
        assert str(entry.ticket_id) in failed["message"]
        (fine,) = await here.deliveries(status="processed")
        assert fine["delivery_id"] == "read"
        (letter,) = (await here.get("dead-letters", kind="delivery"))["items"]
        assert letter["id"] == "delivery-refused"
        assert letter["reason_code"] == "TICKET_UNREADABLE"
        assert letter["attempts"] == 3
        assert (await here.get("dead-letters", kind="entry"))["total"] == 0
        assert (await here.get("dead-letters", group="true"))["items"][0]["count"] == 1
        then = f"position:{failed['position']}"
        before = await here.get("webhook/deliveries", as_of=then)
        here.peers.zammad_app.faults.clear()
        wish = {"ids": ["delivery-refused", "delivery-read", "delivery-none"]}
        answer = await here.http.post("/api/v1/dead-letters/retry", json=wish)
        assert answer.json() == {
            "accepted": 1,
            "refused": [
                {"id": "delivery-read", "code": "entry_state"},
                {"id": "delivery-none", "code": "not_found"},
            ],
        }
        by_name = {row["delivery_id"]: row for row in await here.told()}
        assert by_name["refused"]["status"] == "processed"
        assert by_name["refused"]["message"] is None
        assert (await here.get("dead-letters"))["total"] == 0
        assert await here.get("webhook/deliveries", as_of=then) == before
        assert failed in before["items"]
        assert before["last_day"]["failed"] == 1
        assert await here.deliveries(as_of=then, status="failed") == [failed]
        assert await here.deliveries(as_of="position:1") == []
        assert (await here.get("dead-letters", as_of=then))["items"] == [letter]
        audit = await here.get("audit-logs", action="webhook_error")
        assert audit["total"] == 3


async def test_a_refused_token_fails_the_look_and_the_delivery_waits(database: str) -> None:
    async with town(database) as here:
        entry = next(iter(here.peers.zammad.entries))
        refusing = FaultRule(kind=FaultKind.UNAUTHORIZED, path_prefix="/api/v1/tickets")
        here.peers.zammad_app.faults.replace([refusing], seed=1)
        await here.send(entry.ticket_id, "unlucky")

        async def failed_once() -> bool:
            return any(row["attempts"] == 1 for row in await here.deliveries())

        await until(failed_once)
        (row,) = await here.deliveries()
        assert row["status"] == "received", "it is tried again"
        assert row["message"]
        here.peers.zammad_app.faults.clear()
        zammad = next(row for row in await here.get("connectors") if row["type"] == "zammad")
        assert zammad["health"]["state"] == "auth_failed"
        await here.http.post(f"/api/v1/connectors/{zammad['id']}/resume")
        (told,) = await here.told()
        assert (told["status"], told["attempts"], told["message"]) == ("processed", 2, None)


async def test_what_another_zammad_announced_is_not_looked_at(database: str) -> None:
    async with two_peers(2) as peers, running_service(database) as service:
        await connect(service, peers)
        here = Town(peers, service.http, service.url)
        kimai = next(row for row in await here.get("connectors") if row["type"] == "kimai")
        await here.http.patch(f"/api/v1/connectors/{kimai['id']}", json={"is_active": False})
        await here.send(1, "of-the-old-one")
        zammad = next(row for row in await here.get("connectors") if row["type"] == "zammad")
        await here.http.delete(f"/api/v1/connectors/{zammad['id']}")
        body = {
            "type": "zammad",
            "name": "New desk",
            "base_url": f"{peers.zammad_url.replace('127.0.0.1', 'localhost')}/",
            "api_token": "zammad-t0ken-that-nobody-may-see",
            "settings": {"time_unit_minutes": 1, "webhook_secret": WEBHOOK_SECRET},
        }
        assert (await here.http.post("/api/v1/connectors/", json=body)).status_code == 201
        await here.http.patch(f"/api/v1/connectors/{kimai['id']}", json={"is_active": True})
        (told,) = await here.told()
        assert (told["status"], told["run_id"]) == ("failed", None)
        assert "not in use" in told["message"]
        assert await here.looks() == []


async def test_a_replay_looks_once_more(database: str) -> None:
    async with town(database) as here:
        entry = next(iter(here.peers.zammad.entries))
        await here.send(entry.ticket_id, "again")
        (first,) = await here.told()
        answer = await here.http.post("/api/v1/webhook/deliveries/again/replay")
        assert answer.status_code == 202
        (second,) = await here.told()
        assert (second["status"], second["attempts"]) == ("processed", 2)
        assert second["run_id"] > first["run_id"]


async def test_deliveries_wait_while_no_pair_is_ready(database: str) -> None:
    async with two_peers(3) as peers, running_service(database) as service:
        await connect(service, peers)
        here = Town(peers, service.http, service.url)
        kimai = next(row for row in await here.get("connectors") if row["type"] == "kimai")
        path = f"/api/v1/connectors/{kimai['id']}"
        await here.http.patch(path, json={"is_active": False})
        await here.send(next(iter(peers.zammad.entries)).ticket_id, "early")
        await asyncio.sleep(1)
        assert [row["status"] for row in await here.deliveries()] == ["received"]
        lost = "DELETE FROM pgqueuer WHERE entrypoint = 'webhook-look'"
        await service.own.store.pool.execute(lost)  # the patrol finds what is due
        await here.http.patch(path, json={"is_active": True})
        (told,) = await here.told()
        assert told["status"] == "processed"
        assert peers.sheets >= 1, "the first look of all carries the ticket across"


async def test_a_service_killed_right_after_its_answer_forgets_nothing(
    database: str, tmp_path: Path
) -> None:
    process = ServiceProcess(
        environment(
            database,
            SECRET_KEY=SECRET_KEY,
            ADMIN_USERNAME=ADMIN,
            ADMIN_PASSWORD=ADMIN_PASSWORD,
            KIMAI_REQUEST_LIMIT_SECONDS="1",
        ),
        tmp_path,
    )
    async with two_peers(4) as peers:
        await process.launch()
        await process.ready()
        async with process.client() as http:
            await connect_by(http, peers)
            here = Town(peers, http, str(http.base_url).rstrip("/"))
            peers.zammad_app.faults.replace([BUSY], seed=1)
            tickets = sorted({entry.ticket_id for entry in peers.zammad.entries})
            for ticket in tickets:
                await here.send(ticket, f"of-{ticket}")
            process.kill()
        await process.ended()
        peers.zammad_app.faults.clear()
        await process.launch()
        await process.ready()
        try:
            async with process.client() as http:
                told = await Town(peers, http, "").told()
                assert {row["delivery_id"] for row in told} == {f"of-{each}" for each in tickets}
                assert {row["status"] for row in told} == {"processed"}
                assert peers.sheets == len(list(peers.zammad.entries))
        finally:
            process.kill()
            await process.ended()

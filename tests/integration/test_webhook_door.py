"""Taking webhook deliveries over real HTTP: contract, section 11, check by check."""

import asyncio
import hashlib
import json
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.transport import MOST_BYTES
from api.webhook_intake import ASIDE
from api.webhook_keys import KEPT
from api.webhook_rejections import MOST
from domain.delivery.events import (
    DeliveryEvent,
    WebhookDeliveryReceived,
    WebhookDeliveryRejected,
    WebhookDeliveryRepeated,
)
from domain.delivery.signature import signature
from domain.event import Recorded
from tests.support.ahead import AheadClock
from tests.support.service import ADMIN_PASSWORD, Service, running_service

PATH = "/api/v1/webhook/zammad"
SECRET, NEXT_SECRET = "a-secret-of-16-or-more", "the-next-secret-of-16"
BODY = b'{"ticket":{"id":50},"article":{"id":89}}'


def headers(body: bytes, secret: str, delivery: str | None) -> dict[str, str]:
    known = {"X-Hub-Signature": signature(secret, body), "Content-Type": "application/json"}
    if delivery is not None:
        known["X-Zammad-Delivery"] = delivery
    return known


@asynccontextmanager
async def door(database: str, **values: Any) -> AsyncIterator[Service]:
    """A service with one Zammad connector that has a secret; its http is logged in."""
    async with running_service(database, **values) as service:
        await add_connector(service)
        yield service


async def add_connector(service: Service, **settings: Any) -> dict[str, Any]:
    body = {
        "type": "zammad",
        "name": "Desk",
        "base_url": "http://127.0.0.1:9/",
        "api_token": "desk-t0ken-behind-the-door",
        "settings": {"webhook_secret": SECRET, **settings},
    }
    answer = await service.http.post("/api/v1/connectors/", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def send(
    service: Service,
    body: bytes = BODY,
    path: str = PATH,
    secret: str = SECRET,
    delivery: str | None = None,
    more: dict[str, str] | None = None,
) -> httpx.Response:
    async with service.client() as client:
        known = headers(body, secret, delivery)
        return await client.post(path, content=body, headers={**known, **(more or {})})


async def recorded(service: Service, kind: type[DeliveryEvent]) -> list[Recorded[Any]]:
    page = await service.own.store.page(0, 1000)
    return [each for each in page if isinstance(each.event, kind)]


async def listed(service: Service, **query: Any) -> list[dict[str, Any]]:
    await service.own.shown(await service.own.store.head())
    answer = await service.http.get("/api/v1/webhook/deliveries", params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_signed_delivery_is_durable_when_it_is_accepted(database: str) -> None:
    async with door(database) as service:
        name = str(uuid.uuid4())
        answer = await send(service, delivery=name, more={"X-Zammad-Trigger": "time sync"})
        assert answer.status_code == 202
        assert answer.json() == {"status": "accepted", "delivery_id": name}
        (received,) = await recorded(service, WebhookDeliveryReceived)
        assert answer.headers["X-Event-Position"] == str(received.position)
        assert received.stream == f"delivery-{name}"
        assert received.event == WebhookDeliveryReceived(
            delivery_id=name,
            connector_id=received.event.connector_id,
            ticket_id=50,
            article_id=89,
            trigger="time sync",
            body_digest=hashlib.sha256(BODY).hexdigest(),
            size=len(BODY),
        )
        again = await send(service, delivery=name)
        assert again.status_code == 200
        assert again.json() == {"status": "duplicate", "delivery_id": name}
        (item,) = await listed(service)
        assert item == {
            "delivery_id": name,
            "received_at": item["received_at"],
            "status": "received",
            "ticket_id": 50,
            "trigger": "time sync",
            "remote_ip": "127.0.0.1",
            "bytes": len(BODY),
            "attempts": 0,
            "duplicates": 1,
            "run_id": None,
            "message": None,
            "position": int(again.headers["X-Event-Position"]),
        }
        audit = await service.http.get("/api/v1/audit-logs/?action=webhook_received")
        (row,) = audit.json()["data"]
        assert (row["entity_type"], row["entity_id"]) == ("delivery", None)
        assert row["ip_address"] == "127.0.0.1"
        assert SECRET not in json.dumps([vars(each.event) for each in [received]], default=str)


async def test_all_its_addresses_are_one(database: str) -> None:
    async with door(database) as service:
        for number, path in enumerate(
            (PATH, "/api/webhook/zammad", "/api/v1/webhook/webhook/zammad", f"{PATH}/")
        ):
            body = b'{"ticket":{"id":%d}}' % (number + 1)
            answer = await send(service, body, path)
            assert answer.status_code == 202, path
            assert answer.json()["delivery_id"] == hashlib.sha256(body).hexdigest()
        assert (await send(service, b'{"ticket":{"id":1}}')).status_code == 200
        asked = await send(service, BODY, f"{PATH}?as_of=position:1")
        assert code(asked) == (422, "as_of_read_only")
        assert code(await send(service, BODY, f"{PATH}?x=1")) == (422, "validation")


async def test_the_checks_come_in_the_contracts_order(database: str) -> None:
    async with running_service(database) as service:
        large = b" " * (MOST_BYTES + 1)
        assert code(await send(service, large)) == (413, "body_too_large")
        assert code(await send(service, b"no json")) == (503, "webhook_disabled")
        made = await add_connector(service)
        assert code(await send(service, large)) == (413, "body_too_large")

        async def dripped() -> AsyncIterator[bytes]:
            for _ in range(33):
                yield b" " * (MOST_BYTES // 32)

        async with service.client() as client:
            chunked = await client.post(PATH, content=dripped())
            assert code(chunked) == (413, "body_too_large")
            unsigned = await client.post(PATH, content=BODY)
            assert code(unsigned) == (403, "bad_signature")
        name = "known"
        assert (await send(service, delivery=name)).status_code == 202
        wrong = await send(service, secret="wrong", delivery=name)
        assert code(wrong) == (403, "bad_signature")
        assert (await send(service, b"no json", delivery=name)).status_code == 200
        assert code(await send(service, b"no json", delivery="new")) == (400, "malformed_json")
        assert code(await send(service, b"{}", delivery="new")) == (400, "bad_payload")
        assert (await send(service, delivery="new")).status_code == 202, "was never taken"
        await service.http.delete(f"/api/v1/connectors/{made['id']}")
        assert code(await send(service, b"no json")) == (503, "webhook_disabled")
        kinds = [each.event.code for each in await recorded(service, WebhookDeliveryRejected)]
        assert kinds == ["bad_signature", "bad_signature", "malformed_json", "bad_payload"]
        rejected = await listed(service, status="rejected")
        assert next(row["message"] for row in rejected) == "The body has no integer ticket.id."
        assert {row["ticket_id"] for row in rejected} == {None}


async def test_a_large_body_is_signed_as_well(database: str) -> None:
    async with door(database) as service:
        body = b'{"ticket":{"id":50},"x":"' + b"x" * (MOST_BYTES - 28) + b'"}'
        assert ASIDE < len(body) <= MOST_BYTES
        assert (await send(service, body)).status_code == 202
        assert code(await send(service, body, secret="wrong")) == (403, "bad_signature")


async def test_a_replaced_secret_counts_until_the_overlap_is_over(database: str) -> None:
    clock = AheadClock()
    async with running_service(database, clock=clock) as service:
        made = await add_connector(service, webhook_secret_overlap_hours=1)
        assert (await send(service, delivery="1")).status_code == 202
        await change(service, made["id"], webhook_secret=NEXT_SECRET)
        assert (await send(service, delivery="2")).status_code == 202
        assert (await send(service, secret=NEXT_SECRET, delivery="3")).status_code == 202
        clock.ahead = timedelta(minutes=61)
        assert code(await send(service, delivery="4")) == (403, "bad_signature")
        assert (await send(service, secret=NEXT_SECRET, delivery="5")).status_code == 202
        await change(service, made["id"], webhook_secret_overlap_hours=0)
        await change(service, made["id"], webhook_secret=SECRET)
        refused = await send(service, secret=NEXT_SECRET, delivery="6")
        assert code(refused) == (403, "bad_signature")
        assert (await send(service, delivery="7")).status_code == 202
        both = {"webhook_secret_overlap_hours": 1, "webhook_secret": NEXT_SECRET}
        await change(service, made["id"], **both)
        assert (await send(service, delivery="8")).status_code == 202  # for an hour
        leaked = {"webhook_secret_overlap_hours": 0, "webhook_secret": SECRET}
        await change(service, made["id"], **leaked)
        refused = await send(service, secret=NEXT_SECRET, delivery="9")
        assert code(refused) == (403, "bad_signature")
        await change(service, made["id"], accept_webhooks=False)
        assert code(await send(service, delivery="off")) == (503, "webhook_disabled")
        health = await service.http.get(f"/api/v1/connectors/{made['id']}/health")
        assert health.json()["webhook"]["enabled"] is False
        await change(service, made["id"], accept_webhooks=True)
        assert (await send(service, delivery="on")).status_code == 202
        answer = await service.http.patch(
            f"/api/v1/connectors/{made['id']}", json={"is_active": False}
        )
        assert answer.status_code == 200
        assert code(await send(service, delivery="10")) == (503, "webhook_disabled")


async def change(service: Service, connector_id: int, **settings: Any) -> None:
    path = f"/api/v1/connectors/{connector_id}"
    answer = await service.http.patch(path, json={"settings": settings})
    assert answer.status_code == 200, answer.text


async def test_another_process_knows_of_a_change_within_a_second(database: str) -> None:
    async with door(database) as one, running_service(database) as other:
        assert (await send(other, delivery="1")).status_code == 202
        assert (await send(one, delivery="1")).json()["status"] == "duplicate"
        (made,) = (await one.http.get("/api/v1/connectors/")).json()
        await change(one, made["id"], webhook_secret_overlap_hours=0)
        await change(one, made["id"], webhook_secret=NEXT_SECRET)
        await asyncio.sleep(KEPT)
        assert (await send(other, secret=NEXT_SECRET, delivery="2")).status_code == 202
        assert code(await send(other, delivery="3")) == (403, "bad_signature")
        await one.http.delete(f"/api/v1/connectors/{made['id']}")
        await asyncio.sleep(KEPT)
        refused = await send(other, secret=NEXT_SECRET, delivery="4")
        assert code(refused) == (503, "webhook_disabled")


async def test_ten_rejections_of_one_address_are_recorded_a_minute(database: str) -> None:
    clock = AheadClock()
    async with (
        running_service(database, clock=clock, trusted_proxies=["127.0.0.1"]) as service,
        running_service(database, clock=clock, trusted_proxies=["127.0.0.1"]) as other,
    ):
        await add_connector(service)

        async def wrong(at: Service, address: str) -> None:
            forwarded = {"X-Forwarded-For": f"198.51.100.9, {address}"}
            answer = await send(at, secret="wrong", delivery="d", more=forwarded)
            assert code(answer) == (403, "bad_signature")

        clock.ahead = timedelta(seconds=60 - clock.now().timestamp() % 60)  # a minute begins
        await asyncio.gather(*(wrong(service, "203.0.113.7") for _ in range(25)))
        await asyncio.gather(*(wrong(other, "203.0.113.7") for _ in range(5)))
        await wrong(service, "203.0.113.8")
        found = await recorded(service, WebhookDeliveryRejected)
        addresses = [ip.value for each in found if (ip := each.metadata.ip_address)]
        assert addresses == ["203.0.113.7"] * 10 + ["203.0.113.8"]
        clock.ahead += timedelta(seconds=61)
        await wrong(service, "203.0.113.7")
        assert len(await recorded(service, WebhookDeliveryRejected)) == 12
        accepted = await send(service, more={"X-Forwarded-For": "203.0.113.7"})
        assert accepted.status_code == 202, "who is right is heard, whoever shares the address"
        (item,) = await listed(service, status="received")
        assert item["remote_ip"] == "203.0.113.7"


async def test_every_signed_delivery_that_says_nothing_is_recorded(database: str) -> None:
    """Its sender has the secret: no flood of strangers hides that Zammad's own are broken."""
    async with door(database) as service:
        for number in range(MOST + 4):
            wrong = await send(service, b"{}", secret="wrong", delivery=f"stranger-{number}")
            assert code(wrong) == (403, "bad_signature")
        for number in range(MOST + 4):
            answer = await send(service, b'{"no": 1}', delivery=f"own-{number}")
            assert code(answer) == (400, "bad_payload")
        again = await send(service, b'{"no": 1}', delivery="own-0")
        assert code(again) == (400, "bad_payload")
        found = await recorded(service, WebhookDeliveryRejected)
        codes = Counter(each.event.code for each in found)
        assert codes == {"bad_signature": MOST, "bad_payload": MOST + 4}


async def test_a_burst_of_the_same_delivery_is_one(database: str) -> None:
    async with door(database) as service:
        answers = await asyncio.gather(*(send(service, delivery="same") for _ in range(20)))
        assert sorted(answer.status_code for answer in answers) == [200] * 19 + [202]
        assert len(await recorded(service, WebhookDeliveryReceived)) == 1
        assert len(await recorded(service, WebhookDeliveryRepeated)) == 10


async def test_deliveries_are_listed_page_by_page_and_filtered(database: str) -> None:
    async with door(database) as service:
        for number in range(7):
            body = b'{"ticket":{"id":%d}}' % (number % 2 + 1)
            await send(service, body, delivery=f"d/{number}?&")
        names = [row["delivery_id"] for row in await listed(service)]
        assert names == [f"d/{number}?&" for number in range(6, -1, -1)]
        first = (await service.http.get("/api/v1/webhook/deliveries?limit=4")).json()
        rest = await listed(service, limit=4, cursor=first["next_cursor"])
        assert [row["delivery_id"] for row in [*first["items"], *rest]] == names
        assert len(await listed(service, ticket_id=1)) == 4
        assert await listed(service, ticket_id=10**12) == []
        assert await listed(service, status="failed") == []
        for query in ("limit=0", "limit=201", "status=new", "ticket_id=-1", "ticket_id=x"):
            answer = await service.http.get(f"/api/v1/webhook/deliveries?{query}")
            assert code(answer) == (422, "validation"), query
        foreign = await service.http.get("/api/v1/webhook/deliveries?cursor=abc")
        assert code(foreign) == (422, "cursor_invalid")


async def replay(service: Service, name: str) -> httpx.Response:
    quoted = httpx.URL("/").copy_with(path=f"/api/v1/webhook/deliveries/{name}/replay")
    return await service.http.post(str(quoted))


async def test_a_delivery_is_replayed_unless_it_was_rejected(database: str) -> None:
    async with door(database) as service:
        await send(service, delivery="a/b")
        answer = await replay(service, "a/b")
        assert answer.status_code == 202, answer.text
        assert answer.json() == {"delivery_id": "a/b", "status": "received"}
        assert (await replay(service, "a/b")).status_code == 202, "it always runs"
        await send(service, secret="wrong", delivery="bad")
        assert code(await replay(service, "bad")) == (409, "entry_state")
        for unknown in ("none", "x" * 300, "%00", "..."):
            answer = await service.http.post(f"/api/v1/webhook/deliveries/{unknown}/replay")
            assert code(answer) == (404, "not_found"), unknown
        audit = await service.http.get("/api/v1/audit-logs/?action=webhook_replayed")
        assert audit.json()["total"] == 2


async def test_who_may_see_and_who_may_replay(database: str) -> None:
    async with door(database) as service:
        await send(service, delivery="d")
        await service.add_user("vera", "viewer")
        async with service.client() as nobody:
            for answer in (
                await nobody.get("/api/v1/webhook/deliveries"),
                await nobody.post("/api/v1/webhook/deliveries/d/replay"),
            ):
                assert code(answer) == (401, "not_authenticated")
        async with service.logged_in("vera", ADMIN_PASSWORD) as vera:
            assert (await vera.get("/api/v1/webhook/deliveries/")).status_code == 200
            refused = await vera.post("/api/v1/webhook/deliveries/d/replay")
            assert code(refused) == (403, "forbidden")


async def test_health_names_the_address_and_the_last_delivery(database: str) -> None:
    async with door(database) as service:
        (made,) = (await service.http.get("/api/v1/connectors/")).json()
        path = f"/api/v1/connectors/{made['id']}/health"
        before = (await service.http.get(path)).json()["webhook"]
        url = f"{service.url}{PATH}"
        assert before == {"url": url, "enabled": True, "last_delivery_at": None}
        await send(service, delivery="d")
        (item,) = await listed(service)
        after = (await service.http.get(path)).json()["webhook"]
        assert after == {"url": url, "enabled": True, "last_delivery_at": item["received_at"]}
        assert (await service.http.get("/api/v1/system")).json()["webhook_url"] == url


async def test_a_test_delivery_goes_through_the_real_door(database: str) -> None:
    async with door(database) as service:
        path = "/api/v1/connectors/1/webhook/test"
        unknown = await service.http.post(path)
        assert code(unknown) == (422, "validation"), "no ticket is known yet"
        answer = await service.http.post(path, json={"ticket_id": 50})
        told = answer.json()
        assert (told["ok"], told["status"], told["ticket_id"]) == (True, 202, 50), answer.text
        assert told["url"] == f"{service.url}{PATH}"
        (received,) = await recorded(service, WebhookDeliveryReceived)
        assert received.event.delivery_id == told["delivery_id"]
        (item,) = await listed(service)
        assert (item["trigger"], item["ticket_id"]) == ("Timeledger test", 50)
        page = (await service.http.get("/api/v1/webhook/deliveries")).json()
        assert sum(page["last_day"].values()) == 1
        await send(service, secret="another-secret-of-16")
        assert await listed(service, status="rejected")
        page = (await service.http.get("/api/v1/webhook/deliveries")).json()
        assert page["last_day"]["rejected"] == 1
        await service.add_user("vera", "viewer")
        async with service.logged_in("vera", ADMIN_PASSWORD) as vera:
            assert code(await vera.post(path)) == (403, "forbidden")
        await service.http.patch("/api/v1/connectors/1", json={"is_active": False})
        disabled = await service.http.post(path, json={"ticket_id": 50})
        assert code(disabled) == (503, "webhook_disabled")
        assert int(disabled.headers["Retry-After"]) > 0


@pytest.mark.parametrize("name", ["", "x" * 5000, "a b", "a\tb", "caf\xe9"])
async def test_any_header_is_an_id_of_bounded_length(database: str, name: str) -> None:
    async with door(database) as service:
        raw = [
            (b"X-Hub-Signature", signature(SECRET, BODY).encode()),
            (b"X-Zammad-Delivery", name.encode("latin-1")),
            (b"X-Zammad-Trigger", b"\xff" * 900),
        ]
        async with service.client() as client:
            answer = await client.post(PATH, content=BODY, headers=raw)
        assert answer.status_code == 202, answer.text
        assert len(answer.json()["delivery_id"]) <= 128
        assert len((await listed(service))[0]["trigger"]) <= 200

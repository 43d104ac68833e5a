"""Triggers and signed deliveries with retries. Measure: peers/zammad.md §5."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from adapters.sandbox.zammad import ZammadApp, ZammadState
from adapters.sandbox.zammad.payload import signature
from tests.support.webhook_receiver import Delivery, Receiver, receiving
from tests.support.zammad_world import (
    ONE_LOOP,
    Company,
    Served,
    Switchboard,
    board,
    serving,
    switchboard,
)

__all__ = ["board"]

pytestmark = ONE_LOOP

TIMED = {"article.time_accounting": {"operator": "is set"}}
ALWAYS = "always"


@dataclass
class Hooked:
    """A served company, a receiver, and the waits its webhook worker asked for."""

    served: Served
    receiver: Receiver
    waits: list[float] = field(default_factory=list)

    async def settle(self) -> None:
        """Wait until every queued delivery is done."""
        app = self.served.app.app
        assert isinstance(app, ZammadApp)
        await asyncio.wait_for(app.delivery.settled(), 10)

    def hook(
        self,
        condition: dict[str, Any],
        mode: str = "selective",
        name: str = "time sync",
        **webhook: Any,
    ) -> int:
        """A trigger sending to the receiver; answers the webhook's id."""
        state = self.served.state
        columns = {"name": name, "endpoint": self.receiver.url, **webhook}
        made = state.add_webhook(**columns)
        state.add_trigger(
            name=name,
            condition=condition,
            execution_condition_mode=mode,
            perform={"notification.webhook": {"webhook_id": made.id}},
        )
        return made.id

    async def book_with_article(self, time_unit: str = "0.75") -> int:
        """Emma writes an article and books on it."""
        body = {"ticket_id": 1, "body": "Reset the tunnel.", "time_unit": time_unit}
        answer = await self.served.as_("EMMA").post("/ticket_articles", json=body)
        article_id: int = answer.json()["id"]
        return article_id


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def far_board() -> AsyncIterator[Switchboard]:
    """The server webhooks are received on."""
    async with switchboard() as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def receiver(far_board: Switchboard) -> AsyncIterator[Receiver]:
    """Takes the deliveries of one test."""
    async with receiving(far_board) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def hooked(board: Switchboard, receiver: Receiver) -> AsyncIterator[Hooked]:
    """Everything running; waits between attempts are noted, not slept."""
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    async with serving(Company(), board, sleep=note) as served:
        yield Hooked(served, receiver, waits)


async def test_a_delivery_is_signed_named_and_numbered(hooked: Hooked) -> None:
    hooked.hook(TIMED, signature_token="s3cret")
    await hooked.book_with_article()
    await hooked.settle()
    (delivery,) = hooked.receiver.deliveries
    assert delivery.method == "POST"
    assert delivery.headers["content-type"] == "application/json; charset=utf-8"
    assert delivery.headers["user-agent"] == "Zammad User Agent"
    assert delivery.headers["x-zammad-trigger"] == "time sync"
    assert uuid.UUID(delivery.headers["x-zammad-delivery"]).version == 4
    assert delivery.headers["x-hub-signature"] == signature("s3cret", delivery.body)


async def test_the_signature_matches_the_published_vector() -> None:
    body = b'{"ticket":{"id":50},"article":{"id":89}}'
    assert signature("s3cret", body) == "sha1=f4e70f6e6c79dbf105ef4601de7ddc22b4a8e959"


async def test_without_a_token_there_is_no_signature(hooked: Hooked) -> None:
    hooked.hook(TIMED)
    await hooked.book_with_article()
    await hooked.settle()
    assert "x-hub-signature" not in hooked.receiver.deliveries[0].headers


async def test_method_and_credentials_are_the_webhooks(hooked: Hooked) -> None:
    hooked.hook(TIMED, "selective", "a", basic_auth_username="u", basic_auth_password="p")
    hooked.hook(TIMED, "selective", "b", bearer_token="T", http_method="put")
    await hooked.book_with_article()
    await hooked.settle()
    by_name = {d.headers["x-zammad-trigger"]: d for d in hooked.receiver.deliveries}
    assert by_name["a"].headers["authorization"] == "Basic dTpw"
    assert by_name["b"].headers["authorization"] == "Bearer T"
    assert by_name["b"].method == "PUT"
    first, second = (d.headers["x-zammad-delivery"] for d in by_name.values())
    assert first != second


async def test_the_default_payload_has_two_keys_and_no_entry(hooked: Hooked) -> None:
    hooked.hook(TIMED)
    article_id = await hooked.book_with_article()
    await hooked.settle()
    payload = hooked.receiver.deliveries[0].payload
    assert set(payload) == {"ticket", "article"}
    ticket, article = payload["ticket"], payload["article"]
    assert (ticket["id"], ticket["number"], ticket["time_unit"]) == (1, "10001", "0.75")
    assert ticket["state"] == "new"
    assert ticket["owner"]["login"] == "-"
    assert ticket["customer"]["organization"] == "Awesome Customer Inc."
    assert ticket["updated_by"]["email"] == "emma@example.com"
    assert ticket["organization"]["members"] == ["emily@example.com"]
    assert ticket["group"]["name"] == "Service Desk"
    assert ticket["priority"]["name"] == "2 normal"
    assert ticket["ticket_time_accounting_ids"] == [1]
    assert list(ticket) == sorted(ticket)
    for hidden in ("password", "preferences", "group_ids", "groups", "last_login"):
        assert hidden not in ticket["customer"]
    assert article["id"] == article_id
    assert article["created_by"]["firstname"] == "Emma"
    assert (article["type"], article["sender"]) == ("note", "Agent")
    assert article["time_unit"] == "0.75"
    assert article["accounted_time"] == 0.75
    assert b'"accounted_time":0.75' in hooked.receiver.deliveries[0].body


async def test_an_article_without_an_entry_has_accounted_time_zero(hooked: Hooked) -> None:
    hooked.hook({}, ALWAYS)
    hooked.served.state.add_article(1, "Plain")
    await hooked.settle()
    assert b'"accounted_time":0.0' in hooked.receiver.deliveries[0].body
    assert hooked.receiver.deliveries[0].payload["article"]["time_unit"] is None


async def test_failed_attempts_are_repeated_after_10_20_30_and_40_seconds(
    hooked: Hooked,
) -> None:
    hooked.hook(TIMED, signature_token="k")
    hooked.receiver.answers = [500, 404, 302, 429]
    await hooked.book_with_article()
    await hooked.settle()
    assert hooked.waits == [10, 20, 30, 40]
    assert len(hooked.receiver.deliveries) == 5
    assert len({d.headers["x-zammad-delivery"] for d in hooked.receiver.deliveries}) == 1


async def test_after_five_attempts_a_delivery_is_given_up(hooked: Hooked) -> None:
    hooked.hook(TIMED)
    hooked.receiver.answers = [500] * 9
    await hooked.book_with_article()
    await hooked.settle()
    assert len(hooked.receiver.deliveries) == 5
    assert len(hooked.served.state.jobs) == 0


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_any_2xx_is_a_success(hooked: Hooked, status: int) -> None:
    hooked.hook(TIMED)
    hooked.receiver.answers = [status]
    await hooked.book_with_article()
    await hooked.settle()
    assert len(hooked.receiver.deliveries) == 1
    assert hooked.waits == []


async def test_waits_can_be_scaled(board: Switchboard, receiver: Receiver) -> None:
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    async with serving(Company(), board, sleep=note, wait_factor=0.01) as served:
        hooked = Hooked(served, receiver, waits)
        hooked.hook(TIMED)
        receiver.answers = [500, 500]
        await hooked.book_with_article()
        await hooked.settle()
    assert waits == pytest.approx([0.1, 0.2])


async def test_a_retry_carries_the_state_of_its_own_moment(hooked: Hooked) -> None:
    hooked.hook(TIMED)
    hooked.receiver.answers = [500]
    state = hooked.served.state

    def double(_: Delivery) -> None:
        state.correct(1, time_unit="2")

    hooked.receiver.before_answer = double
    await hooked.book_with_article()
    await hooked.settle()
    first, second = (d.payload["ticket"]["time_unit"] for d in hooked.receiver.deliveries)
    assert (first, second) == ("0.75", "2.0")


async def test_every_attempt_is_in_the_http_log(hooked: Hooked) -> None:
    hooked.hook(TIMED)
    hooked.receiver.answers = [503]
    await hooked.book_with_article()
    await hooked.settle()
    rows = (await hooked.served.as_("ADA").get("/http_logs/webhook")).json()
    assert [(row["status"], row["attempt"]) for row in rows] == [("200", 2), ("503", 1)]
    assert rows[0]["url"] == hooked.receiver.url
    control = await hooked.served.bare().get(f"{hooked.served.url}/_control/state")
    assert [row["status"] for row in control.json()["http_log"]] == ["503", "200"]
    assert control.json()["jobs"] == []


async def test_an_unreachable_receiver_is_a_failure_like_any_other(hooked: Hooked) -> None:
    hooked.hook(TIMED, endpoint="http://127.0.0.1:9/hook")
    await hooked.book_with_article()
    await hooked.settle()
    assert hooked.waits == [10, 20, 30, 40]
    assert hooked.served.state.http_log[0].status.startswith("ConnectError")


async def test_a_slow_receiver_is_cut_off(board: Switchboard) -> None:
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(never, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]

    async def no_wait(_: float) -> None:
        await asyncio.sleep(0)

    async with silent, serving(Company(), board, sleep=no_wait, timeouts=(1, 0.05, 1)) as served:
        hooked = Hooked(served, Receiver(url=f"http://127.0.0.1:{port}/"))
        hooked.hook(TIMED)
        await hooked.book_with_article()
        await hooked.settle()
        assert [entry.status[:11] for entry in served.state.http_log] == ["ReadTimeout"] * 5


@pytest.mark.parametrize("gone", ["inactive", "trigger", "ticket", "article"])
async def test_a_delivery_whose_rows_are_gone_is_dropped_silently(
    hooked: Hooked, gone: str
) -> None:
    webhook_id = hooked.hook(TIMED)
    state = hooked.served.state
    with state.transaction(by=hooked.served.company.emma.id):
        article = state.add_article(1, "Note", time_unit="1")
    # The worker's task has not run yet: nothing was awaited since the commit.
    if gone == "inactive":
        state.change(state.webhooks, state.webhooks[webhook_id], active=False)
    elif gone == "trigger":
        with state.transaction():
            state.drop(state.triggers, 1)
    elif gone == "ticket":
        state.delete_ticket(1)
    else:
        state.delete_article(article.id)
    await hooked.settle()
    assert hooked.receiver.deliveries == []
    assert hooked.waits == []
    assert len(state.jobs) == 0


# §5.2: when they fire

TIME_CHANGED = {"ticket.time_unit": {"operator": "has changed"}}
GROUP_IS = {"ticket.group_id": {"operator": "is", "value": [1]}}


async def fired(hooked: Hooked) -> list[str]:
    await hooked.settle()
    names = [d.headers["x-zammad-trigger"] for d in hooked.receiver.deliveries]
    hooked.receiver.deliveries.clear()
    return sorted(names)


def three_triggers(hooked: Hooked) -> None:
    hooked.hook(TIMED, "selective", "timed")
    hooked.hook(TIME_CHANGED, "selective", "changed")
    hooked.hook(GROUP_IS, ALWAYS, "always")


async def test_article_and_time_in_one_request_fire_all(hooked: Hooked) -> None:
    three_triggers(hooked)
    await hooked.book_with_article()
    assert await fired(hooked) == ["always", "changed", "timed"]
    await hooked.served.as_("EMMA").put(
        "/tickets/1", json={"article": {"body": "More", "time_unit": 1}}
    )
    assert await fired(hooked) == ["always", "changed", "timed"]


async def test_an_article_without_time_fires_only_always(hooked: Hooked) -> None:
    three_triggers(hooked)
    await hooked.served.as_("EMMA").post("/ticket_articles", json={"ticket_id": 1, "body": "x"})
    assert await fired(hooked) == ["always"]


async def test_an_entry_alone_fires_what_watches_the_total(hooked: Hooked) -> None:
    three_triggers(hooked)
    robot = hooked.served.as_("ROBOT")
    await robot.post("/time_accountings", json={"ticket_id": 1, "time_unit": 1})
    assert await fired(hooked) == ["always", "changed"]
    await robot.put("/time_accountings/1", json={"time_unit": 2})
    assert await fired(hooked) == ["always", "changed"]
    await robot.delete("/time_accountings/1")
    await hooked.settle()
    assert hooked.receiver.deliveries[0].payload["article"] == {}
    assert await fired(hooked) == ["always", "changed"]


async def test_type_and_zero_changes_fire_nothing(hooked: Hooked) -> None:
    hooked.served.state.book(1, "1")
    three_triggers(hooked)
    robot = hooked.served.as_("ROBOT")
    await robot.put("/time_accountings/1", json={"type_id": 2})
    await robot.post("/time_accountings", json={"ticket_id": 1, "time_unit": 0})
    assert await fired(hooked) == []


async def test_an_entry_for_an_earlier_article_is_no_article_event(hooked: Hooked) -> None:
    article = hooked.served.state.add_article(1, "Earlier")
    three_triggers(hooked)
    body = {"ticket_id": 1, "time_unit": 1, "ticket_article_id": article.id}
    await hooked.served.as_("ROBOT").post("/time_accountings", json=body)
    assert await fired(hooked) == ["always", "changed"]


async def test_deleting_a_ticket_or_changing_an_article_fires_nothing(hooked: Hooked) -> None:
    article = hooked.served.state.add_article(1, "Note", time_unit="1")
    three_triggers(hooked)
    await hooked.served.as_("EMMA").put(f"/ticket_articles/{article.id}", json={"body": "New"})
    await hooked.served.as_("ADA").delete("/tickets/1")
    assert await fired(hooked) == []


async def test_a_new_ticket_fires_selective_triggers_too(hooked: Hooked) -> None:
    hooked.hook(GROUP_IS, "selective", "new or moved")
    body = {"title": "T", "group_id": 1, "customer_id": hooked.served.company.emily.id}
    await hooked.served.as_("EMMA").post("/tickets", json=body)
    assert await fired(hooked) == ["new or moved"]
    await hooked.served.as_("EMMA").put("/tickets/1", json={"title": "Other"})
    assert await fired(hooked) == []


async def test_a_merge_is_an_event_of_both_tickets(hooked: Hooked) -> None:
    state = hooked.served.state
    target = state.add_ticket(title="B", group_id=1, customer_id=hooked.served.company.emily.id)
    for kind in ("update.merged_into", "update.received_merge"):
        hooked.hook({"ticket.action": {"operator": "is", "value": kind}}, "selective", kind)
    state.merge_tickets(1, target.id, by=hooked.served.company.emma.id)
    await hooked.settle()
    seen = {
        d.headers["x-zammad-trigger"]: d.payload["ticket"]["id"] for d in hooked.receiver.deliveries
    }
    assert seen == {"update.merged_into": 1, "update.received_merge": target.id}


async def test_moving_customer_and_owner_fires_always(hooked: Hooked) -> None:
    three_triggers(hooked)
    state = hooked.served.state
    state.change_user(
        hooked.served.company.emily.id, organization_id=hooked.served.company.other.id
    )
    assert await fired(hooked) == ["always"]


async def test_import_mode_and_inactive_triggers_send_nothing(hooked: Hooked) -> None:
    three_triggers(hooked)
    state = hooked.served.state
    state.set_setting("import_mode", True)
    state.book(1, "1")
    state.set_setting("import_mode", False)
    for trigger in list(state.triggers):
        state.change(state.triggers, trigger, active=False)
    state.book(1, "1")
    assert await fired(hooked) == []


async def test_a_failed_request_sends_nothing(hooked: Hooked) -> None:
    three_triggers(hooked)
    body = {"article": {"body": "x", "time_unit": "99999"}, "title": "Changed"}
    answer = await hooked.served.as_("EMMA").put("/tickets/1", json=body)
    assert answer.status_code == 422
    assert await fired(hooked) == []
    assert hooked.served.state.tickets[1].title == "VPN down"


# Administration


async def test_webhooks_and_triggers_are_administered_over_http(hooked: Hooked) -> None:
    ada = hooked.served.as_("ADA")
    made = await ada.post(
        "/webhooks",
        json={"name": "W", "endpoint": hooked.receiver.url, "signature_token": "k"},
    )
    assert made.status_code == 201
    webhook_id = made.json()["id"]
    trigger = {
        "name": "time sync",
        "active": True,
        "activator": "action",
        "execution_condition_mode": "selective",
        "condition": TIME_CHANGED,
        "perform": {"notification.webhook": {"webhook_id": webhook_id}},
    }
    assert (await ada.post("/triggers", json=trigger)).status_code == 201
    assert (await ada.post("/triggers", json=trigger)).status_code == 422  # the name is taken
    assert [row["name"] for row in (await ada.get("/triggers")).json()] == ["time sync"]
    hooked.served.state.book(1, "1")
    assert await fired(hooked) == ["time sync"]
    assert (await ada.delete(f"/webhooks/{webhook_id}")).status_code == 422  # in use
    assert (await ada.put("/triggers/1", json={"active": False})).json()["active"] is False
    assert (await ada.put(f"/webhooks/{webhook_id}", json={"name": "V"})).json()["name"] == "V"
    assert (await ada.delete("/triggers/1")).json() == {}
    assert (await ada.delete(f"/webhooks/{webhook_id}")).json() == {}
    assert (await ada.get("/webhooks")).json() == []


@pytest.mark.parametrize(
    "body",
    [
        {"name": "no endpoint"},
        {"name": "not http", "endpoint": "ftp://example.com"},
        {"name": "", "endpoint": "http://example.com"},
        {"name": "odd method", "endpoint": "http://example.com", "http_method": "get"},
    ],
)
async def test_a_webhook_that_breaks_a_rule_is_422(hooked: Hooked, body: dict[str, str]) -> None:
    assert (await hooked.served.as_("ADA").post("/webhooks", json=body)).status_code == 422


async def test_queued_deliveries_survive_a_restart(
    board: Switchboard, receiver: Receiver, tmp_path: Path
) -> None:
    waiting = asyncio.Event()

    async def never(_: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    async with serving(Company(folder=tmp_path), board, sleep=never) as served:
        hooked = Hooked(served, receiver)
        hooked.hook(TIMED, signature_token="k")
        receiver.answers = [500]
        await hooked.book_with_article()
        await asyncio.wait_for(waiting.wait(), 10)
    again = Company.__new__(Company)
    again.state = ZammadState(folder=tmp_path)
    async with serving(again, board) as served:
        await Hooked(served, receiver).settle()
    first, second = receiver.deliveries
    assert first.headers["x-zammad-delivery"] == second.headers["x-zammad-delivery"]

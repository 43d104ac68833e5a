"""The sandbox as a tool: control routes, faults, seeding from Python, speed."""

import json
import time
from datetime import timedelta

import pytest

from tests.support.zammad_world import BEGIN, ONE_LOOP, Served, board, stored, zammad

__all__ = ["board", "zammad"]

pytestmark = ONE_LOOP


# Control


async def test_control_shows_counts_and_resets(zammad: Served) -> None:
    control = zammad.bare()
    base = f"{zammad.url}/_control"
    await zammad.as_("ADA").get("/tickets/1")
    await zammad.as_("ADA").get("/tickets/2")
    log = (await control.get(f"{base}/requests")).json()
    assert log["counts"] == {"GET /api/v1/tickets/{id}": 2}
    shown = (await control.get(f"{base}/state")).json()
    assert [ticket["title"] for ticket in shown["tickets"]] == ["VPN down"]
    assert "ADA" not in json.dumps(shown["tokens"])
    assert (await control.post(f"{base}/reset")).status_code == 204
    assert (await zammad.as_("ADA").get("/tickets/1")).status_code == 401
    assert [user.login for user in zammad.state.users] == ["-"]


async def test_control_seeds_and_configures(zammad: Served) -> None:
    control, base = zammad.bare(), f"{zammad.url}/_control"
    await control.post(f"{base}/reset")
    seed = {
        "settings": {"time_accounting": True, "time_accounting_unit": "minute"},
        "groups": [{"name": "Desk"}],
        "users": [
            {"email": "a@example.com", "role_ids": [2], "group_ids": {"1": ["full"]}},
            {"email": "c@example.com", "role_ids": [3]},
        ],
        "tokens": [{"user_id": 2, "permissions": ["ticket.agent"], "secret": "A"}],
        "tickets": [{"title": "T", "group_id": 1, "customer_id": 3, "by": 2}],
        "entries": [{"ticket_id": 1, "time_unit": "5", "by": 2, "at": "2026-06-01T10:00:00+02:00"}],
    }
    made = (await control.post(f"{base}/seed", json=seed)).json()
    assert made["users"] == [2, 3]
    listed = (await zammad.as_("A").get("/tickets/1/time_accountings")).json()
    assert listed[0]["created_at"] == "2026-06-01T08:00:00.000Z"
    answer = await control.patch(f"{base}/settings", json={"version": "6.5.0"})
    assert answer.json()["version"] == "6.5.0"
    assert answer.json()["time_accounting_unit"] == "minute"


@pytest.mark.parametrize(
    "seed",
    [
        {"planets": []},
        {"groups": [{"title": "x"}]},
        {"groups": [1]},
        {"groups": [{"name": "New"}], "entries": [{"ticket_id": 99, "time_unit": 1}]},
        {"settings": {"nonsense": 1}},
        {"settings": {"time_accounting": "yes"}},
    ],
)
async def test_a_seed_that_means_nothing_is_refused_and_adds_nothing(
    zammad: Served, seed: dict[str, object]
) -> None:
    before = stored(zammad.state)
    answer = await zammad.bare().post(f"{zammad.url}/_control/seed", json=seed)
    assert answer.status_code == 400
    assert "SeedRefused" in answer.json()["error"]
    assert stored(zammad.state) == before


async def test_faults_hit_before_and_after_a_booking_is_stored(zammad: Served) -> None:
    base = f"{zammad.url}/_control"
    body = {"ticket_id": 1, "time_unit": 1}
    for kind, entries in (("error_before", 0), ("error_after", 1), ("too_many", 1)):
        rule = {"kind": kind, "methods": ["POST"], "path_prefix": "/api/v1/time_accountings"}
        await zammad.bare().put(f"{base}/faults", json={"rules": [rule]})
        answer = await zammad.as_("ROBOT").post("/time_accountings", json=body)
        assert answer.status_code in {429, 500}
        assert len(zammad.state.entries) == entries


async def test_the_clock_is_the_servers(zammad: Served) -> None:
    await zammad.bare().post(f"{zammad.url}/_control/clock", json={"fixed": "2030-01-01T00:00:00Z"})
    made = await zammad.as_("ROBOT").post(
        "/time_accountings", json={"ticket_id": 1, "time_unit": 1}
    )
    assert made.json()["created_at"] == "2030-01-01T00:00:00.000Z"


# From Python


async def test_a_seed_can_be_dated(zammad: Served) -> None:
    state = zammad.state
    early = BEGIN - timedelta(days=9)
    ticket = state.add_ticket(
        title="Old", group_id=1, customer_id=zammad.company.emily.id, at=early
    )
    article = state.add_article(ticket.id, "Old note", time_unit="1", at=early)
    entry = state.entries.where("article", article.id)[0]
    assert entry.created_at == article.created_at == "2026-06-22T08:00:00.000Z"
    assert state.tickets[ticket.id].updated_at == "2026-06-22T08:00:00.000Z"
    changed = state.correct(entry.id, time_unit="2", at=early + timedelta(days=1))
    assert (changed.created_at, changed.updated_at) == (
        "2026-06-22T08:00:00.000Z",
        "2026-06-23T08:00:00.000Z",
    )


async def test_pages_of_a_long_list_are_quick(zammad: Served) -> None:
    state = zammad.state
    tickets = [
        state.add_ticket(title="T", group_id=1, customer_id=zammad.company.emily.id).id
        for _ in range(100)
    ]
    with state.transaction():
        for number in range(10_000):
            state.book(tickets[number % 100], "0.25")
    robot = zammad.as_("ROBOT")
    for query in (
        "sort_by=updated_at,id&order_by=desc,desc&per_page=1000",
        "sort_by=id&order_by=asc&per_page=1000&page=10",
    ):
        began = time.process_time()
        for _ in range(10):
            assert len((await robot.get(f"/time_accountings?{query}")).json()) == 1000
        # Server, client and both sides' JSON together; a sort of all rows would take ten times it.
        assert (time.process_time() - began) / 10 < 0.03

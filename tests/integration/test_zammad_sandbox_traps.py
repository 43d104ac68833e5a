"""Every numbered trap of peers/zammad.md that a peer can set, set by the sandbox."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from adapters.sandbox.zammad import ZammadApp
from tests.support.webhook_receiver import receiving
from tests.support.zammad_world import (
    ONE_LOOP,
    Served,
    board,
    switchboard,
    zammad,
)

__all__ = ["board", "zammad"]

pytestmark = ONE_LOOP

ENTRIES = "/time_accountings"


async def rows(served: Served, path: str, secret: str = "ROBOT") -> Any:
    answer = await served.as_(secret).get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_trap_01_the_unit_is_a_label_and_changing_it_converts_nothing(
    zammad: Served,
) -> None:
    zammad.state.set_setting("time_accounting_unit", "minute")
    zammad.state.book(1, "15")
    zammad.state.set_setting("time_accounting_unit", "hour")
    (entry,) = await rows(zammad, ENTRIES)
    assert entry["time_unit"] == "15.0"
    assert entry["updated_at"] == entry["created_at"]


async def test_trap_02_amounts_are_strings_in_the_api_and_floats_in_webhooks(
    zammad: Served,
) -> None:
    zammad.state.add_article(1, "Note", time_unit="0.1")
    (entry,) = await rows(zammad, ENTRIES)
    assert entry["time_unit"] == "0.1"
    (article,) = await rows(zammad, "/ticket_articles/by_ticket/1")
    assert article["time_unit"] == "0.1"
    async with switchboard() as far, receiving(far) as receiver:
        hook = zammad.state.add_webhook(name="W", endpoint=receiver.url)
        zammad.state.add_trigger(
            name="T",
            condition={"article.time_accounting": {"operator": "is set"}},
            perform={"notification.webhook": {"webhook_id": hook.id}},
        )
        zammad.state.add_article(1, "Second", time_unit="0.2")
        app = zammad.app.app
        assert isinstance(app, ZammadApp)
        await asyncio.wait_for(app.delivery.settled(), 10)
    article = receiver.deliveries[0].payload["article"]
    assert (article["time_unit"], article["accounted_time"]) == ("0.2", 0.2)


async def test_trap_03_negative_and_zero_entries_are_kept(zammad: Served) -> None:
    for amount in ("30", "-30", "0"):
        zammad.state.book(1, amount)
    listed = await rows(zammad, ENTRIES)
    assert [row["time_unit"] for row in listed] == ["30.0", "-30.0", "0.0"]


async def test_trap_04_a_type_change_shows_only_on_the_entry(zammad: Served) -> None:
    zammad.state.book(1, "1", type_id=1)
    ticket = await rows(zammad, "/tickets/1")
    later = zammad.company.pass_time(hours=1)
    zammad.state.correct(1, type_id=2)
    assert (await rows(zammad, "/tickets/1"))["updated_at"] == ticket["updated_at"]
    (entry,) = await rows(zammad, ENTRIES)
    assert datetime.fromisoformat(entry["updated_at"]) == later
    found = await zammad.as_("ROBOT").post(
        "/tickets/search",
        json={
            "condition": {
                "ticket.updated_at": {
                    "operator": "after (absolute)",
                    "value": "2026-07-01T08:30:00Z",
                }
            }
        },
    )
    assert found.json() == []


async def test_trap_05_a_delete_leaves_nothing_to_poll(zammad: Served) -> None:
    zammad.state.book(1, "1")
    zammad.state.book(1, "2")
    zammad.company.pass_time(hours=1)
    zammad.state.delete_entry(1)
    newest = await rows(zammad, f"{ENTRIES}?sort_by=updated_at,id&order_by=desc,desc")
    assert [row["id"] for row in newest] == [2]
    assert newest[0]["updated_at"] == "2026-07-01T08:00:00.000Z"
    assert (await zammad.as_("ROBOT").get(f"{ENTRIES}/1")).status_code == 404
    zammad.state.book(1, "3")
    assert [row["id"] for row in await rows(zammad, ENTRIES)] == [2, 3]  # ids are not reused


async def test_trap_06_an_empty_list_can_mean_four_things(zammad: Served) -> None:
    state = zammad.state
    state.book(1, "1")
    assert await rows(zammad, "/tickets/999/time_accountings") == []
    state.change_user(zammad.company.robot.id, group_ids={})
    assert await rows(zammad, "/tickets/search") == []
    state.configure({"es_url": "http://elastic.example", "es_outage": True})
    assert await rows(zammad, "/tickets/search?query=vpn", "EMMA") == []
    assert (await rows(zammad, f"{ENTRIES}?full=true&page=9"))["record_ids"] == []
    assert (await rows(zammad, f"{ENTRIES}?full=true&page=9"))["total_count"] == 1


async def test_trap_07_a_date_query_without_elasticsearch_matches_nothing(
    zammad: Served,
) -> None:
    query = {"query": "updated_at:[2020-01-01T00:00:00Z TO *]"}
    answer = await zammad.as_("EMMA").get("/tickets/search", params=query)
    assert (answer.status_code, answer.json()) == (200, [])


async def test_trap_08_page_caps_are_silent(zammad: Served) -> None:
    for number in range(204):
        zammad.state.add_ticket(title=f"T{number}", group_id=1, customer_id=zammad.company.emily.id)
    assert len(await rows(zammad, "/tickets?per_page=500")) == 100
    assert len(await rows(zammad, "/tickets/search?per_page=500")) == 200


async def test_trap_09_merged_tickets_keep_entries_whose_article_has_moved(
    zammad: Served,
) -> None:
    state = zammad.state
    target = state.add_ticket(title="B", group_id=1, customer_id=zammad.company.emily.id)
    article = state.add_article(1, "Note", time_unit="2")
    state.merge_tickets(1, target.id)
    (entry,) = await rows(zammad, "/tickets/1/time_accountings?")
    assert (entry["ticket_id"], entry["ticket_article_id"]) == (1, article.id)
    moved = await rows(zammad, f"/ticket_articles/{article.id}")
    assert moved["ticket_id"] == target.id
    booked = [a["time_unit"] for a in await rows(zammad, f"/ticket_articles/by_ticket/{target.id}")]
    assert booked == ["2.0"]
    assert (await rows(zammad, f"/tickets/{target.id}"))["time_unit"] is None


async def test_trap_10_old_data_has_several_entries_on_an_article_and_some_on_none(
    zammad: Served,
) -> None:
    state = zammad.state
    article = state.add_article(1, "Note", time_unit="1")
    state.book(1, "2", article_id=article.id, legacy=True)
    state.book(1, "4")
    assert [a["time_unit"] for a in await rows(zammad, "/ticket_articles/by_ticket/1")] == ["1.0"]
    assert len(await rows(zammad, ENTRIES)) == 3
    assert (await rows(zammad, "/tickets/1"))["time_unit"] == "7.0"


async def test_trap_11_the_only_date_is_the_instant_of_booking(zammad: Served) -> None:
    zammad.company.clock.fix(datetime(2026, 6, 30, 22, 30, tzinfo=UTC))  # 00:30 on July 1, Berlin
    body = {"ticket_id": 1, "time_unit": 1, "created_at": "2026-06-15T10:00:00Z"}
    made = (await zammad.as_("ROBOT").post(ENTRIES, json=body)).json()
    assert made["created_at"] == "2026-06-30T22:30:00.000Z"
    assert not {"date", "begin", "started_at"} & set(made)


async def test_trap_12_an_entry_has_no_text(zammad: Served) -> None:
    zammad.state.book(1, "1")
    (entry,) = await rows(zammad, f"{ENTRIES}?expand=true")
    assert not {"note", "description", "title", "body"} & set(entry)


async def test_trap_13_the_agent_is_who_booked_not_the_owner(zammad: Served) -> None:
    zammad.state.change_ticket(1, owner_id=zammad.company.emma.id)
    body = {"ticket_id": 1, "time_unit": 1}
    own = await zammad.as_("ROBOT").post(ENTRIES, json=body)
    assert own.json()["created_by_id"] == zammad.company.robot.id
    on_behalf = await zammad.as_("ADA").post(
        ENTRIES, json=body, headers={"From": str(zammad.company.ravi.id)}
    )
    assert on_behalf.status_code == 403  # the impersonated user's own rights count
    on_behalf = await zammad.as_("ADA").post(
        "/tickets/1/time_accountings", json=body, headers={"From": "emma@example.com"}
    )
    assert on_behalf.json()["created_by_id"] == zammad.company.emma.id


async def test_trap_14_customer_and_organization_are_todays(zammad: Served) -> None:
    state = zammad.state
    state.book(1, "1")
    state.change_user(zammad.company.emily.id, organization_id=zammad.company.other.id)
    (row,) = await rows(zammad, "/time_accounting/log/by_activity/2026/7")
    assert row["organization"] == "Other Ltd."
    assert (await rows(zammad, "/tickets/1"))["organization_id"] == zammad.company.other.id
    (entry,) = await rows(zammad, ENTRIES)
    assert entry["updated_at"] == entry["created_at"]


# Traps 15, 16 and 17 (retries, order, replay) are held by test_zammad_sandbox_webhooks.py.


async def test_trap_18_statuses_are_not_what_they_seem(zammad: Served) -> None:
    ada = zammad.as_("ADA")
    assert (await zammad.bare().get(ENTRIES)).status_code == 403
    assert (await ada.delete(f"{ENTRIES}/999")).status_code == 422
    assert (await ada.get(f"{ENTRIES}?sort_by=x")).status_code == 500


async def test_trap_19_writing_back_touches_the_ticket_and_unassigns_a_lost_owner(
    zammad: Served,
) -> None:
    state = zammad.state
    state.change_ticket(1, owner_id=zammad.company.emma.id)
    state.change_user(zammad.company.emma.id, group_ids={"1": ["read", "change"]})
    zammad.company.pass_time(hours=1)
    await zammad.as_("ROBOT").post(ENTRIES, json={"ticket_id": 1, "time_unit": 1})
    ticket = await rows(zammad, "/tickets/1")
    assert ticket["updated_at"] == "2026-07-01T09:00:00.000Z"
    assert ticket["updated_by_id"] == zammad.company.robot.id
    assert ticket["owner_id"] == 1


async def test_trap_20_repeating_a_post_is_422_with_an_article_and_a_duplicate_without(
    zammad: Served,
) -> None:
    article = zammad.state.add_article(1, "Note")
    robot = zammad.as_("ROBOT")
    linked = {"ticket_id": 1, "time_unit": 1, "ticket_article_id": article.id}
    assert [(await robot.post(ENTRIES, json=linked)).status_code for _ in "12"] == [201, 422]
    loose = {"ticket_id": 1, "time_unit": 1}
    assert [(await robot.post(ENTRIES, json=loose)).status_code for _ in "12"] == [201, 201]


async def test_trap_21_decimal_commas_and_junk_are_accepted(zammad: Served) -> None:
    for sent in ("1,5", "abc"):
        await zammad.as_("ROBOT").post(ENTRIES, json={"ticket_id": 1, "time_unit": sent})
    assert [row["time_unit"] for row in await rows(zammad, ENTRIES)] == ["1.0", "0.0"]


async def test_trap_22_agents_cannot_list_types_but_see_names_that_may_change(
    zammad: Served,
) -> None:
    zammad.state.book(1, "1", type_id=1)
    assert (await zammad.as_("EMMA").get("/time_accounting/types")).status_code == 403
    path = "/tickets/1/time_accountings?expand=true"
    (before,) = await rows(zammad, path, "EMMA")
    await zammad.as_("ADA").put("/time_accounting/types/1", json={"name": "Help"})
    (after,) = await rows(zammad, path, "EMMA")
    assert (before["type"], after["type"]) == ("Support", "Help")
    assert (before["type_id"], before["updated_at"]) == (after["type_id"], after["updated_at"])


async def test_trap_23_entries_of_unreadable_tickets_are_listed(zammad: Served) -> None:
    hidden = zammad.state.add_ticket(title="Board", group_id=2, customer_id=zammad.company.emily.id)
    zammad.state.book(hidden.id, "1")
    assert [row["ticket_id"] for row in await rows(zammad, ENTRIES)] == [hidden.id]
    assert (await zammad.as_("ROBOT").get(f"/tickets/{hidden.id}")).status_code == 403


async def test_trap_24_inactive_types_still_arrive(zammad: Served) -> None:
    zammad.state.book(1, "1", type_id=1)
    await zammad.as_("ADA").put("/time_accounting/types/1", json={"active": False})
    body = {"ticket_id": 1, "time_unit": 2, "type_id": 1}
    assert (await zammad.as_("ROBOT").post(ENTRIES, json=body)).status_code == 201
    listed = await rows(zammad, f"{ENTRIES}?expand=true")
    assert [row["type"] for row in listed] == ["Support", "Support"]


async def test_trap_25_expanded_tickets_lose_a_key_and_their_id_list_can_be_stale(
    zammad: Served,
) -> None:
    path = "/tickets/1?expand=true"
    empty = await rows(zammad, path)
    assert (empty["ticket_time_accounting"], empty["ticket_time_accounting_ids"]) == ([], [])
    zammad.company.pass_time(hours=1)
    zammad.state.book(1, "0")  # does not touch the ticket
    stale = await rows(zammad, path)
    assert "ticket_time_accounting" not in stale
    assert stale["ticket_time_accounting_ids"] == []
    zammad.state.book(1, "1")
    assert (await rows(zammad, path))["ticket_time_accounting_ids"] == [1, 2]


async def test_offset_paging_drifts_while_entries_are_written(zammad: Served) -> None:
    """§4.1: a delete during a sweep shifts rows, so one is skipped."""
    for _ in range(4):
        zammad.state.book(1, "1")
    first = await rows(zammad, f"{ENTRIES}?per_page=2&page=1")
    zammad.state.delete_entry(1)
    second = await rows(zammad, f"{ENTRIES}?per_page=2&page=2")
    assert [row["id"] for row in first + second] == [1, 2, 4]

"""Tickets, articles, people, merging and the search over HTTP.

Measure: peers/zammad.md §2.3, §2.4, §4.
"""

from typing import Any

import pytest

from tests.support.zammad_world import ONE_LOOP, Served, board, zammad

__all__ = ["board", "zammad"]

pytestmark = ONE_LOOP

SINCE_9 = {"operator": "after (absolute)", "value": "2026-07-01T09:00:00.000Z"}


async def search(served: Served, secret: str = "EMMA", **body: Any) -> Any:
    answer = await served.as_(secret).post("/tickets/search", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def more_tickets(served: Served, count: int, **columns: Any) -> list[int]:
    """Tickets one minute apart, starting now."""
    ids = []
    for number in range(count):
        made = served.state.add_ticket(
            title=f"Ticket {number}",
            **{"group_id": 1, "customer_id": served.company.emily.id, **columns},
        )
        ids.append(made.id)
        served.company.pass_time(minutes=1)
    return ids


# Tickets


async def test_a_plain_ticket_is_columns_only(zammad: Served) -> None:
    ticket = (await zammad.as_("EMMA").get("/tickets/1")).json()
    assert ticket["number"] == "10001"
    assert ticket["time_unit"] is None
    assert ticket["customer_id"] == zammad.company.emily.id
    assert ticket["organization_id"] == zammad.company.acme.id
    assert ticket["owner_id"] == 1
    for name in ("article_ids", "ticket_time_accounting_ids", "group", "customer"):
        assert name not in ticket


async def test_expand_adds_ids_and_names(zammad: Served) -> None:
    article = zammad.state.add_article(1, "Hello", by=zammad.company.emma.id)
    entry = zammad.state.book(1, "1.5")
    ticket = (await zammad.as_("EMMA").get("/tickets/1?expand=true")).json()
    assert ticket["time_unit"] == "1.5"
    assert ticket["article_ids"] == [article.id]
    assert ticket["ticket_time_accounting_ids"] == [entry.id]
    names = {
        "group": "Service Desk",
        "organization": "Awesome Customer Inc.",
        "state": "new",
        "priority": "2 normal",
        "owner": "-",
        "customer": "emily@example.com",
        "created_by": "emma@example.com",
        "updated_by": "-",
        "create_article_type": "note",
        "create_article_sender": "Agent",
    }
    assert {name: ticket[name] for name in names} == names


async def test_tickets_are_made_with_an_article_and_time_in_one_request(zammad: Served) -> None:
    zammad.company.pass_time(hours=1)
    answer = await zammad.as_("EMMA").post(
        "/tickets",
        json={
            "title": "Printer",
            "group": "Service Desk",
            "customer": "emily@example.com",
            "state": "open",
            "article": {"body": "On fire", "time_unit": "0.5", "accounted_time_type": "Travel"},
        },
    )
    assert answer.status_code == 201
    made = answer.json()
    assert made["time_unit"] == "0.5"
    assert made["ticket_time_accounting_ids"] == [1]
    entry = zammad.state.entries[1]
    assert (entry.type_id, entry.ticket_article_id) == (2, made["article_ids"][0])
    assert entry.created_by_id == zammad.company.emma.id


async def test_a_guessed_customer_is_made(zammad: Served) -> None:
    body = {"title": "T", "group_id": 1, "customer_id": "guess:new@example.org"}
    made = (await zammad.as_("EMMA").post("/tickets", json=body)).json()
    assert zammad.state.users[made["customer_id"]].login == "new@example.org"


@pytest.mark.parametrize(
    "body",
    [
        {"title": "no group", "customer_id": 5},
        {"title": "no customer", "group_id": 1},
        {"title": "unknown group", "group": "Nowhere", "customer_id": 5},
        {"title": "unknown state", "group_id": 1, "customer_id": 5, "state": "lost"},
        {"title": "article without body", "group_id": 1, "customer_id": 5, "article": {"to": "x"}},
    ],
    ids=lambda body: body["title"],
)
async def test_a_ticket_that_breaks_a_rule_is_422_and_not_made(
    zammad: Served, body: dict[str, Any]
) -> None:
    answer = await zammad.as_("EMMA").post("/tickets", json=body)
    assert answer.status_code == 422
    assert len(zammad.state.tickets) == 1


async def test_an_article_books_zero_but_not_blank(zammad: Served) -> None:
    emma = zammad.as_("EMMA")
    for time_unit in (0, "0", "", "  ", None, False):
        body = {"ticket_id": 1, "body": "x", "time_unit": time_unit}
        assert (await emma.post("/ticket_articles", json=body)).status_code == 201
    assert [entry.time_unit for entry in zammad.state.entries] == ["0.0", "0.0"]


async def test_booking_with_an_article_fails_as_a_whole_while_the_feature_is_off(
    zammad: Served,
) -> None:
    zammad.state.set_setting("time_accounting", False)
    body = {"ticket_id": 1, "body": "Done", "time_unit": 1}
    for secret in ("EMMA", "ADA"):  # not even an administrator's right skips the rule here
        answer = await zammad.as_(secret).post("/ticket_articles", json=body)
        assert (answer.status_code, answer.json()["error"]) == (
            403,
            "Time Accounting is not enabled",
        )
    assert len(zammad.state.articles) == 0


async def test_a_changed_customer_brings_their_organization(zammad: Served) -> None:
    state = zammad.state
    other = state.add_customer("olaf@example.com", organization_id=zammad.company.other.id)
    zammad.company.pass_time(hours=1)
    answer = await zammad.as_("EMMA").put("/tickets/1", json={"customer_id": other.id})
    assert answer.json()["organization_id"] == zammad.company.other.id
    assert answer.json()["updated_at"] == "2026-07-01T09:00:00.000Z"


async def test_a_customer_who_changes_organization_takes_their_tickets_along(
    zammad: Served,
) -> None:
    zammad.company.pass_time(hours=1)
    emily, other = zammad.company.emily, zammad.company.other
    await zammad.as_("ADA").put(f"/users/{emily.id}", json={"organization_id": other.id})
    ticket = zammad.state.tickets[1]
    assert ticket.organization_id == other.id
    assert ticket.updated_at == "2026-07-01T09:00:00.000Z"


async def test_an_unchanged_ticket_keeps_its_time(zammad: Served) -> None:
    zammad.company.pass_time(hours=1)
    answer = await zammad.as_("EMMA").put("/tickets/1", json={"title": "VPN down"})
    assert answer.json()["updated_at"] == "2026-07-01T08:00:00.000Z"


async def test_the_ticket_list_is_capped_at_100_and_not_sortable(zammad: Served) -> None:
    more_tickets(zammad, 104)
    emma = zammad.as_("EMMA")
    first = (await emma.get("/tickets?per_page=500&sort_by=id&order_by=desc")).json()
    assert [row["id"] for row in first] == list(range(1, 101))
    second = (await emma.get("/tickets?per_page=500&page=2")).json()
    assert [row["id"] for row in second] == list(range(101, 106))
    assert (await emma.get("/tickets?page=3")).json() == []
    full = (await emma.get("/tickets?per_page=1&full=true")).json()
    assert full["record_ids"] == [1]
    assert set(full["assets"]) == {"Ticket", "User", "Organization", "Group"}


async def test_tickets_of_other_groups_are_403_and_left_out_of_lists(zammad: Served) -> None:
    (hidden,) = more_tickets(zammad, 1, group_id=zammad.company.secret_group.id)
    emma = zammad.as_("EMMA")
    assert (await emma.get(f"/tickets/{hidden}")).status_code == 403
    assert (await emma.get(f"/ticket_articles/by_ticket/{hidden}")).status_code == 403
    assert [row["id"] for row in (await emma.get("/tickets")).json()] == [1]
    assert [row["id"] for row in await search(zammad)] == [1]


async def test_customers_see_their_own_and_shared_tickets_without_time(zammad: Served) -> None:
    state, acme = zammad.state, zammad.company.acme
    colleague = state.add_customer("col@example.com", organization_id=acme.id)
    state.add_token(colleague.id, permissions=["ticket.customer"], secret="COL")
    state.book(1, "1")
    seen = await zammad.as_("COL").get("/tickets/1")
    assert seen.status_code == 200
    assert "time_unit" not in seen.json()
    state.change(state.organizations, acme, shared=False)
    assert (await zammad.as_("COL").get("/tickets/1")).status_code == 403
    assert (await zammad.as_("EMILY").get("/tickets/1")).status_code == 200


# Articles


async def test_articles_carry_time_but_no_entry(zammad: Served) -> None:
    state, emma = zammad.state, zammad.company.emma
    first = state.add_article(1, "Plain", by=emma.id)
    second = state.add_article(1, "Timed", time_unit="0.75", by=emma.id, internal=True)
    rows = (await zammad.as_("EMMA").get("/ticket_articles/by_ticket/1")).json()
    assert [row["id"] for row in rows] == [first.id, second.id]
    assert [row["time_unit"] for row in rows] == [None, "0.75"]
    assert (rows[1]["type"], rows[1]["sender"]) == ("note", "Agent")
    assert rows[1]["created_by"] == "emma@example.com"
    full = (await zammad.as_("EMMA").get("/ticket_articles/by_ticket/1?full=true")).json()
    assert full["record_ids"] == [first.id, second.id]
    assert set(full["assets"]["TicketArticle"]) == {str(second.id)}
    assert "time_unit" not in full["assets"]["TicketArticle"][str(second.id)]
    customers = (await zammad.as_("EMILY").get("/ticket_articles/by_ticket/1")).json()
    assert [row["id"] for row in customers] == [first.id]
    assert (await zammad.as_("EMILY").get(f"/ticket_articles/{second.id}")).status_code == 403


async def test_an_article_is_deleted_only_by_its_author_soon_and_if_a_note(
    zammad: Served,
) -> None:
    emma, ada = zammad.as_("EMMA"), zammad.as_("ADA")
    note = (await emma.post("/ticket_articles", json={"ticket_id": 1, "body": "n"})).json()["id"]
    mail = (
        await emma.post(
            "/ticket_articles", json={"ticket_id": 1, "body": "m", "type": "email", "to": "x@y"}
        )
    ).json()["id"]
    assert (await ada.delete(f"/ticket_articles/{note}")).status_code == 403
    assert (await emma.delete(f"/ticket_articles/{mail}")).status_code == 403
    zammad.company.pass_time(seconds=600)
    late = await emma.delete(f"/ticket_articles/{note}")
    assert (late.status_code, "too old" in late.json()["error"]) == (403, True)
    zammad.state.set_setting("ui_ticket_zoom_article_delete_timeframe", 0)
    assert (await emma.delete(f"/ticket_articles/{note}")).status_code == 200


async def test_changing_an_article_does_not_touch_the_ticket(zammad: Served) -> None:
    article = zammad.state.add_article(1, "old")
    before = zammad.state.tickets[1].updated_at
    zammad.company.pass_time(hours=1)
    changed = await zammad.as_("EMMA").put(f"/ticket_articles/{article.id}", json={"body": "new"})
    assert changed.json()["body"] == "new"
    assert zammad.state.tickets[1].updated_at == before


# Merging


@pytest.mark.parametrize("method", ["PUT", "GET"])
async def test_merging_moves_articles_and_leaves_entries(zammad: Served, method: str) -> None:
    state = zammad.state
    (target,) = more_tickets(zammad, 1)
    article = state.add_article(1, "Note", time_unit="2")
    entry = state.entries[1]
    zammad.company.pass_time(hours=1)
    number = state.tickets[target].number
    answer = await zammad.as_("EMMA").request(method, f"/ticket_merge/1/{number}")
    assert answer.json()["result"] == "success"
    assert answer.json()["target_ticket"]["id"] == target
    assert answer.json()["source_ticket"]["state_id"] == 5
    assert state.articles[article.id].ticket_id == target
    assert state.entries[1] == entry
    assert (state.tickets[1].time_unit, state.tickets[target].time_unit) == ("2.0", None)
    assert state.tickets[1].updated_at == state.tickets[target].updated_at > entry.updated_at


async def test_a_merge_without_a_ticket_is_200_with_failed(zammad: Served) -> None:
    emma = zammad.as_("EMMA")
    answer = await emma.put("/ticket_merge/1/99999")
    assert (answer.status_code, answer.json()["result"]) == (200, "failed")
    answer = await emma.put("/ticket_merge/99/10001")
    assert (answer.status_code, answer.json()["result"]) == (200, "failed")


async def test_a_merge_into_itself_or_a_merged_ticket_is_422(zammad: Served) -> None:
    emma = zammad.as_("EMMA")
    assert (await emma.put("/ticket_merge/1/10001")).status_code == 422
    source, target = more_tickets(zammad, 2)
    zammad.state.merge_tickets(target, source)
    number = zammad.state.tickets[target].number
    assert (await emma.put(f"/ticket_merge/1/{number}")).status_code == 422
    assert (await zammad.as_("RAVI").put(f"/ticket_merge/1/{source}")).status_code == 200  # failed


# Search


async def test_a_condition_finds_what_changed_since(zammad: Served) -> None:
    zammad.company.pass_time(hours=1)
    ids = more_tickets(zammad, 3)
    found = await search(
        zammad,
        condition={"ticket.updated_at": SINCE_9},
        sort_by="updated_at",
        order_by="asc",
        expand=True,
    )
    assert [row["id"] for row in found] == ids  # the border itself is included
    assert found[0]["group"] == "Service Desk"
    newest_first = await search(zammad, condition={"ticket.updated_at": SINCE_9})
    assert [row["id"] for row in newest_first] == ids[::-1]


async def test_a_condition_works_in_a_query_string_too(zammad: Served) -> None:
    zammad.company.pass_time(hours=1)
    (ticket,) = more_tickets(zammad, 1)
    params = {
        "condition[ticket.updated_at][operator]": SINCE_9["operator"],
        "condition[ticket.updated_at][value]": SINCE_9["value"],
    }
    answer = await zammad.as_("EMMA").get("/tickets/search", params=params)
    assert [row["id"] for row in answer.json()] == [ticket]


async def test_search_pages_are_50_and_never_more_than_200(zammad: Served) -> None:
    more_tickets(zammad, 209)
    assert len(await search(zammad)) == 50
    assert len(await search(zammad, per_page=1000)) == 200
    assert len(await search(zammad, per_page=1000, page=2)) == 10
    assert await search(zammad, per_page=1000, page=3) == []


async def test_search_answers_counts_and_assets(zammad: Served) -> None:
    more_tickets(zammad, 3)
    counted = await search(zammad, with_total_count=True, per_page=2)
    assert (len(counted["records"]), counted["total_count"]) == (2, 4)
    assert await search(zammad, only_total_count=True) == {"total_count": 4}
    zammad.state.version = "6.5.2"
    assert isinstance(await search(zammad, with_total_count=True), list)
    assert await search(zammad, only_total_count=True) == {"total_count": 4}
    full = await search(zammad, full=True, per_page=2)
    assert full["total_count"] == 4
    assert set(full["assets"]) == {"Ticket", "User", "Organization", "Group"}
    assert {int(i) for i in full["assets"]["Ticket"]} == set(full["record_ids"])


async def test_search_by_ids_answers_only_readable_ones(zammad: Served) -> None:
    first, second = more_tickets(zammad, 2)
    (hidden,) = more_tickets(zammad, 1, group_id=zammad.company.secret_group.id)
    found = await search(zammad, ids=[first, second, hidden, 999], sort_by="id", order_by="asc")
    assert [row["id"] for row in found] == [first, second]


CONDITIONS: list[tuple[dict[str, Any], list[int]]] = [
    ({"ticket.state_id": {"operator": "is", "value": ["4"]}}, [3]),
    ({"ticket.state_id": {"operator": "is not", "value": [4]}}, [1, 2]),
    ({"ticket.title": {"operator": "contains", "value": "ticket"}}, [2, 3]),
    ({"ticket.title": {"operator": "contains not", "value": "ticket"}}, [1]),
    ({"ticket.created_at": {"operator": "before (absolute)", "value": "2026-07-01T08:00:00Z"}},
     [1, 2]),
    ({"ticket.created_at": {"operator": "within last (relative)", "range": "minute", "value": "1"}},
     [3]),
    ({"ticket.created_at": {"operator": "before (relative)", "range": "minute", "value": 2}},
     [1, 2]),
    ({"ticket.owner_id": {"operator": "is", "pre_condition": "not_set"}}, [1, 2, 3]),
    ({"ticket.customer_id": {"operator": "is", "pre_condition": "current_user.id"}}, []),
    ({"ticket.time_unit": {"operator": "is set"}}, [2]),
    ({"customer.email": {"operator": "is", "value": "emily@example.com"}}, [1, 2, 3]),
    ({"organization.name": {"operator": "starts with", "value": "awe"}}, [1, 2, 3]),
    ({"group.name": {"operator": "is any of", "value": ["Service Desk"]}}, [1, 2, 3]),
    ({"article.body": {"operator": "contains", "value": "needle"}}, [2]),
    ({"ticket.title": {"operator": "contains"}}, [1, 2, 3]),  # incomplete: unfiltered
    ({"operator": "OR", "conditions": [
        {"name": "ticket.id", "operator": "is", "value": "1"},
        {"name": "ticket.state_id", "operator": "is", "value": 4}]}, [1, 3]),
    ({"operator": "NOT", "conditions": [
        {"name": "ticket.id", "operator": "is", "value": "1"}]}, [2, 3]),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "expected"), CONDITIONS)
async def test_a_condition_selects(
    zammad: Served, condition: dict[str, Any], expected: list[int]
) -> None:
    second, third = more_tickets(zammad, 2)
    zammad.state.add_article(second, "A needle in hay", time_unit="1")
    zammad.state.change_ticket(third, state_id=4)
    found = await search(zammad, condition=condition, sort_by="id", order_by="asc")
    assert [row["id"] for row in found] == expected


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ({"ticket.nonsense": {"operator": "is", "value": 1}}, 422),
        ({"ticket.updated_at": {"operator": "sometime", "value": "x"}}, 500),
        ({"ticket.updated_at": {"operator": "after (absolute)", "value": "never"}}, 422),
    ],
)
async def test_a_broken_condition_is_an_error(
    zammad: Served, condition: dict[str, Any], status: int
) -> None:
    answer = await zammad.as_("EMMA").post("/tickets/search", json={"condition": condition})
    assert answer.status_code == status


async def test_without_elasticsearch_a_query_is_a_plain_substring(zammad: Served) -> None:
    (second,) = more_tickets(zammad, 1)
    zammad.state.add_article(second, "Look at the router", to="net@example.com")
    for query, expected in (
        ("vpn", [1]),
        ("10001", [1]),
        ("router", [second]),
        ("net@example", [second]),
        ("*", [second, 1]),
        ("number:10001", []),
    ):
        assert [row["id"] for row in await search(zammad, query=query)] == expected, query


async def test_with_elasticsearch_a_query_is_lucene(zammad: Served) -> None:
    zammad.company.pass_time(hours=1)
    (second,) = more_tickets(zammad, 1)
    zammad.state.set_setting("es_url", "http://elastic.example")
    for query, expected in (
        ("number:10001", [1]),
        ("state.name:new", [second, 1]),
        ("updated_at:[2026-07-01T09:00:00Z TO *]", [second]),
        ("updated_at:[* TO 2026-07-01T08:30:00Z] AND state.name:new", [1]),
        ("number:10001 OR number:10002", [second, 1]),
        ("NOT number:10001", [second]),
        ("(title:VPN OR title:nothing) AND customer.email:emily*", [1]),
        ("vpn down", [1]),
        ('title:"VPN down"', [1]),
        ("vp", []),
        ("vp*", [1]),
        ("updated_at:>=2026-07-01T09:00:00Z", [second]),
        ("updated_at:{2026-07-01T08:00:00Z TO *}", [second]),
        ("AND", []),
        ("(open", []),
    ):
        assert [row["id"] for row in await search(zammad, query=query)] == expected, query
    condition = {"ticket.updated_at": SINCE_9}
    found = await search(zammad, query="state.name:new", condition=condition)
    assert [row["id"] for row in found] == [second]  # merged into the query


async def test_elasticsearch_reads_dates_without_offset_in_the_default_zone(
    zammad: Served,
) -> None:
    zammad.state.configure(
        {"es_url": "http://elastic.example", "timezone_default": "Europe/Berlin"}
    )
    for query, expected in (
        ("updated_at:[2026-07-01T10:00:00 TO *]", [1]),
        ("updated_at:[2026-07-01T10:00:01 TO *]", []),
        ("updated_at:[2026-07-01T08:00:01Z TO *]", []),
    ):
        assert [row["id"] for row in await search(zammad, query=query)] == expected, query


async def test_elasticsearch_lags_fails_silently_and_ends_at_row_10000(zammad: Served) -> None:
    zammad.state.configure({"es_url": "http://elastic.example", "es_lag_seconds": 30})
    zammad.state.add_ticket(title="Fresh", group_id=1, customer_id=zammad.company.emily.id)
    assert await search(zammad, query="title:fresh") == []
    zammad.company.pass_time(seconds=31)
    assert len(await search(zammad, query="title:fresh")) == 1
    assert await search(zammad, query="title:fresh", per_page=200, page=51) == []
    zammad.state.index.outage = True
    assert await search(zammad, query="title:fresh") == []
    assert len(await search(zammad)) == 2  # without a query the database answers


async def test_a_bad_sort_column_of_a_search_is_500(zammad: Served) -> None:
    answer = await zammad.as_("EMMA").get("/tickets/search?sort_by=nonsense")
    assert answer.status_code == 500


# People


async def test_people_are_listed_shown_and_found(zammad: Served) -> None:
    emma = zammad.as_("EMMA")
    rows = (await emma.get("/users")).json()
    assert rows[0]["login"] == "-"
    assert [row["id"] for row in rows] == list(range(1, 7))
    emily = (await emma.get(f"/users/{zammad.company.emily.id}?expand=true")).json()
    assert emily["organization"] == "Awesome Customer Inc."
    assert emily["roles"] == ["Customer"]
    assert "password" not in emily
    found = (await emma.get("/users/search?query=emily")).json()
    assert [row["login"] for row in found] == ["emily@example.com"]
    acme = (await emma.get("/organizations/1?expand=true")).json()
    assert acme["members"] == ["emily@example.com"]
    found = (await emma.get("/organizations/search?query=other")).json()
    assert [row["name"] for row in found] == ["Other Ltd."]
    groups = (await zammad.as_("ADA").get("/groups")).json()
    assert [row["name"] for row in groups] == ["Service Desk", "Board"]
    assert (await emma.get("/users/999")).status_code == 404


async def test_user_pages_are_100_and_search_pages_50(zammad: Served) -> None:
    for number in range(250):
        zammad.state.add_customer(f"c{number}@example.com")
    emma = zammad.as_("EMMA")
    assert len((await emma.get("/users")).json()) == 100
    assert len((await emma.get("/users?per_page=5000")).json()) == 256
    assert len((await emma.get("/users/search?query=*")).json()) == 50
    assert len((await emma.get("/users/search?query=*&per_page=1000")).json()) == 200


async def test_people_are_made_changed_and_removed(zammad: Served) -> None:
    ada = zammad.as_("ADA")
    made = await ada.post(
        "/users",
        json={"firstname": "Nina", "email": "Nina@Example.com", "roles": ["Agent"]},
    )
    assert made.status_code == 201
    assert (made.json()["login"], made.json()["role_ids"]) == ("nina@example.com", [2])
    path = f"/users/{made.json()['id']}"
    assert (await ada.put(path, json={"lastname": "N"})).json()["lastname"] == "N"
    assert (await ada.post("/users", json={"email": "nina@example.com"})).status_code == 422
    assert (await ada.delete(path)).json() == {}
    assert (await ada.delete(f"/users/{zammad.company.emily.id}")).status_code == 422
    org = (await ada.post("/organizations", json={"name": "New"})).json()
    renamed = await ada.put(f"/organizations/{org['id']}", json={"name": "Newer"})
    assert renamed.json()["name"] == "Newer"
    assert (await ada.post("/organizations", json={"name": "newer"})).status_code == 422
    assert (await ada.delete(f"/organizations/{org['id']}")).json() == {}
    assert (await ada.post("/groups", json={"name": "Third"})).status_code == 201


async def test_an_agent_makes_customers_only(zammad: Served) -> None:
    body = {"email": "x@example.com", "role_ids": [1], "group_ids": {"2": ["full"]}}
    made = (await zammad.as_("EMMA").post("/users", json=body)).json()
    assert (made["role_ids"], made["group_ids"]) == ([3], {})
    ravi = f"/users/{zammad.company.ravi.id}"
    assert (await zammad.as_("EMMA").put(ravi, json={"note": "x"})).status_code == 403


async def test_the_fixed_catalogues_are_listed(zammad: Served) -> None:
    emma = zammad.as_("EMMA")
    states = (await emma.get("/ticket_states")).json()
    assert "merged" in {row["name"] for row in states}
    assert (await emma.get("/ticket_priorities/2")).json()["name"] == "2 normal"
    assert (await emma.get("/ticket_states/99")).status_code == 404

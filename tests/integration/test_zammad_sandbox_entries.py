"""Time accounting over HTTP: columns, casting, shapes, pages, timestamps.

Measure: peers/zammad.md §2.
"""

from typing import Any

import pytest

from tests.support.zammad_world import ONE_LOOP, Served, board, zammad

__all__ = ["board", "zammad"]

pytestmark = ONE_LOOP

ENTRIES = "/time_accountings"
ON_TICKET = "/tickets/1/time_accountings"


async def book(served: Served, **body: Any) -> dict[str, Any]:
    answer = await served.as_("ROBOT").post(ON_TICKET, json=body)
    assert answer.status_code == 201, answer.text
    entry: dict[str, Any] = answer.json()
    return entry


async def test_a_booking_is_answered_with_its_columns_and_server_times(zammad: Served) -> None:
    article = zammad.state.add_article(1, "Reset the tunnel.", by=zammad.company.emma.id)
    entry = await book(
        zammad,
        time_unit="0.75",
        type_id=1,
        ticket_article_id=article.id,
        created_at="2020-01-01T00:00:00Z",
        created_by_id=1,
        id=77,
    )
    assert entry == {
        "id": 1,
        "ticket_id": 1,
        "ticket_article_id": article.id,
        "time_unit": "0.75",
        "type_id": 1,
        "created_by_id": zammad.company.robot.id,
        "created_at": "2026-07-01T08:00:00.000Z",
        "updated_at": "2026-07-01T08:00:00.000Z",
    }


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("15", "15.0"),
        (15, "15.0"),
        (0.25, "0.25"),
        ("0.25", "0.25"),
        ("-100", "-100.0"),
        ("0", "0.0"),
        ("-0", "0.0"),
        ("abc", "0.0"),
        ("1,5", "1.0"),
        ("1.005", "1.01"),
        ("-1.005", "-1.01"),
        ("2.5 hours", "2.5"),
        (" 3", "3.0"),
        ("1e2", "100.0"),
        ("1_000", "1000.0"),
        (True, "1.0"),
        ("9999.99", "9999.99"),
        ("-9999.994", "-9999.99"),
        ([1], "0.0"),
    ],
)
async def test_an_amount_is_cast_as_rails_does(zammad: Served, sent: Any, stored: str) -> None:
    assert (await book(zammad, time_unit=sent))["time_unit"] == stored


@pytest.mark.parametrize("sent", ["10000", "9999.995", -10000, "1e9"])
async def test_an_amount_outside_the_column_is_422(zammad: Served, sent: Any) -> None:
    answer = await zammad.as_("ADA").post(ON_TICKET, json={"time_unit": sent})
    assert answer.status_code == 422
    assert "numeric field overflow" in answer.json()["error"]
    assert len(zammad.state.entries) == 0


@pytest.mark.parametrize("body", [{}, {"time_unit": None}, {"time_unit": ""}])
async def test_an_amount_is_required(zammad: Served, body: dict[str, Any]) -> None:
    answer = await zammad.as_("ROBOT").post(ON_TICKET, json=body)
    assert answer.status_code == 422
    assert answer.json()["error_human"] == "Attribute 'time_unit' required!"


async def test_a_total_outside_the_column_is_422_and_leaves_nothing(zammad: Served) -> None:
    await book(zammad, time_unit="9999.99")
    answer = await zammad.as_("ROBOT").post(ON_TICKET, json={"time_unit": "0.01"})
    assert answer.status_code == 422
    assert len(zammad.state.entries) == 1
    assert zammad.state.tickets[1].time_unit == "9999.99"


async def test_a_type_is_given_by_id_or_name_and_must_exist(zammad: Served) -> None:
    assert (await book(zammad, time_unit=1, type="Travel"))["type_id"] == 2
    assert (await book(zammad, time_unit=1, type_id=""))["type_id"] is None
    robot = zammad.as_("ROBOT")
    unknown = await robot.post(ON_TICKET, json={"time_unit": 1, "type": "Nonsense"})
    assert unknown.status_code == 422
    assert unknown.json()["error"] == "No lookup value found for 'type': \"Nonsense\""
    assert (await robot.post(ON_TICKET, json={"time_unit": 1, "type_id": 99})).status_code == 422


async def test_an_article_takes_one_entry_and_must_be_the_tickets(zammad: Served) -> None:
    state = zammad.state
    article = state.add_article(1, "Note")
    other = state.add_ticket(title="B", group_id=1, customer_id=zammad.company.emily.id)
    foreign = state.add_article(other.id, "Other note")
    robot = zammad.as_("ROBOT")
    await book(zammad, time_unit=1, ticket_article_id=article.id)
    for article_id in (article.id, foreign.id, 999):
        body = {"time_unit": 1, "ticket_article_id": article_id}
        assert (await robot.post(ON_TICKET, json=body)).status_code == 422
    free = await book(zammad, time_unit=1)
    path = f"{ENTRIES}/{free['id']}"
    assert (await robot.put(path, json={"ticket_article_id": article.id})).status_code == 422
    moved = await robot.put(path, json={"ticket_article_id": foreign.id})
    assert moved.status_code == 200  # only checked on create


async def test_the_unscoped_routes_take_the_ticket_from_the_body(zammad: Served) -> None:
    robot = zammad.as_("ROBOT")
    made = await robot.post(ENTRIES, json={"ticket_id": 1, "time_unit": "2"})
    assert made.status_code == 201
    assert made.json()["ticket_id"] == 1
    nowhere = await robot.post(ENTRIES, json={"ticket_id": 99, "time_unit": "2"})
    assert (nowhere.status_code, nowhere.json()["error"]) == (422, "Ticket must exist")
    assert (await robot.get(f"{ENTRIES}/{made.json()['id']}")).json() == made.json()


async def test_a_ticket_id_in_path_or_body_only_narrows_the_lookup(zammad: Served) -> None:
    other = zammad.state.add_ticket(title="B", group_id=1, customer_id=zammad.company.emily.id)
    entry = await book(zammad, time_unit=1)
    robot = zammad.as_("ROBOT")
    body = {"ticket_id": other.id, "time_unit": 2}
    assert (await robot.put(f"{ENTRIES}/{entry['id']}", json=body)).status_code == 404
    path = f"/tickets/{other.id}/time_accountings/{entry['id']}"
    assert (await robot.get(path)).status_code == 404
    same = await robot.put(f"{ENTRIES}/{entry['id']}", json={"ticket_id": 1, "time_unit": 2})
    assert same.json()["ticket_id"] == 1


async def test_expand_adds_type_and_creator_but_no_ticket(zammad: Served) -> None:
    await book(zammad, time_unit=1, type_id=1)
    await book(zammad, time_unit=1)
    rows = (await zammad.as_("ROBOT").get(f"{ON_TICKET}?expand=true")).json()
    assert rows[0]["type"] == "Support"
    assert "type" not in rows[1]
    assert rows[0]["created_by"] == "robot@example.com"
    assert set(rows[0]) == {
        "id",
        "ticket_id",
        "ticket_article_id",
        "time_unit",
        "type_id",
        "type",
        "created_by_id",
        "created_by",
        "created_at",
        "updated_at",
    }


async def test_full_carries_assets_and_the_count_of_the_whole_scope(zammad: Served) -> None:
    for _ in range(3):
        await book(zammad, time_unit=1)
    robot = zammad.as_("ROBOT")
    full = (await robot.get(f"{ENTRIES}?full=true&per_page=1")).json()
    assert full["record_ids"] == [1]
    assert full["total_count"] == 3
    assert set(full["assets"]["TicketTimeAccounting"]) == {"1"}
    assert full["assets"]["User"][str(zammad.company.robot.id)]["login"] == "robot@example.com"
    one = (await robot.get(f"{ENTRIES}/2?full=true")).json()
    assert one["id"] == 2
    assert one["assets"]["TicketTimeAccounting"]["2"]["time_unit"] == "1.0"


async def test_counts_without_rows_came_with_7_0(zammad: Served) -> None:
    await book(zammad, time_unit=1)
    robot = zammad.as_("ROBOT")
    counted = (await robot.get(f"{ENTRIES}?with_total_count=true")).json()
    assert [row["id"] for row in counted["records"]] == [1]
    assert counted["total_count"] == 1
    assert (await robot.get(f"{ENTRIES}?only_total_count=true")).json() == {"total_count": 1}
    zammad.state.version = "6.5.2"
    assert isinstance((await robot.get(f"{ENTRIES}?with_total_count=true")).json(), list)


async def test_lists_are_by_id_500_at_a_time_and_never_more_than_1000(zammad: Served) -> None:
    for _ in range(1010):
        zammad.state.book(1, "0.01")
    robot = zammad.as_("ROBOT")

    async def ids(query: str) -> list[int]:
        return [row["id"] for row in (await robot.get(f"{ENTRIES}?{query}")).json()]

    assert await ids("") == list(range(1, 501))
    assert await ids("per_page=5000") == list(range(1, 1001))
    assert await ids("per_page=1000&page=2") == list(range(1001, 1011))
    assert await ids("per_page=1000&page=3") == []
    assert await ids("limit=3&page=2") == [4, 5, 6]
    assert await ids("per_page=0&page=0") == list(range(1, 501))
    assert await ids("sort_by=id&order_by=desc&per_page=2") == [1010, 1009]
    assert await ids("ticket_id=1&per_page=2") == [1, 2]


async def test_lists_sort_by_any_columns(zammad: Served) -> None:
    for amount, type_id in (("1", 2), ("10", 1), ("2", None), ("-1", 1)):
        zammad.company.pass_time(seconds=1)
        await book(zammad, time_unit=amount, type_id=type_id)
    zammad.company.pass_time(seconds=1)
    await zammad.as_("ROBOT").put(f"{ENTRIES}/2", json={"time_unit": "11"})

    async def ids(query: str) -> list[int]:
        return [row["id"] for row in (await zammad.as_("ROBOT").get(f"{ENTRIES}?{query}")).json()]

    assert await ids("sort_by=updated_at,id&order_by=desc,desc") == [2, 4, 3, 1]
    assert await ids("sort_by=updated_at&order_by=asc") == [1, 3, 4, 2]
    assert await ids("sort_by=updated_at,id&order_by=desc,desc&per_page=3&page=2") == [1]
    assert await ids("sort_by=updated_at,id&order_by=desc,asc") == [2, 4, 3, 1]
    assert await ids("sort_by=time_unit&order_by=desc") == [2, 3, 1, 4]
    assert await ids("sort_by=type_id,id&order_by=asc,desc") == [4, 2, 1, 3]  # null comes last
    assert await ids("sort_by=type_id&order_by=desc") == [3, 1, 2, 4]
    assert await ids("sort_by=type_id,id&order_by=asc") == [2, 4, 1, 3]  # id has no direction


async def test_types_are_made_renamed_and_switched_off_but_never_deleted(zammad: Served) -> None:
    robot = zammad.as_("ROBOT")
    made = await robot.post("/time_accounting/types", json={"name": "Billable", "note": "n"})
    assert made.status_code == 201
    assert made.json() | {"id": 0} == {
        "id": 0,
        "created_by_id": zammad.company.robot.id,
        "updated_by_id": zammad.company.robot.id,
        "created_at": "2026-07-01T08:00:00.000Z",
        "updated_at": "2026-07-01T08:00:00.000Z",
        "name": "Billable",
        "note": "n",
        "active": True,
    }
    path = f"/time_accounting/types/{made.json()['id']}"
    changed = await robot.patch(path, json={"name": "Paid", "active": False})
    assert (changed.json()["name"], changed.json()["active"]) == ("Paid", False)
    for name in ("paid", "", None):
        answer = await robot.post("/time_accounting/types", json={"name": name})
        assert answer.status_code == 422
    long = await robot.post("/time_accounting/types", json={"name": "X", "note": "n" * 251})
    assert long.status_code == 422
    assert (await robot.delete(path)).status_code == 404
    assert (await robot.get(path)).status_code == 404
    listed = (await robot.get("/time_accounting/types?expand=true")).json()
    assert [row["name"] for row in listed] == ["Support", "Travel", "Paid"]


# §2.4: what changes what


async def stamps(served: Served) -> tuple[str | None, str, str | None]:
    """Total and time of the ticket, time of entry 1."""
    ticket = (await served.as_("ADA").get("/tickets/1")).json()
    entry = await served.as_("ADA").get(f"{ENTRIES}/1")
    updated = entry.json()["updated_at"] if entry.status_code == 200 else None
    return ticket["time_unit"], ticket["updated_at"], updated


T0, T1, T2 = ("2026-07-01T08:00:00.000Z", "2026-07-01T09:00:00.000Z", "2026-07-01T10:00:00.000Z")


async def test_booking_an_amount_touches_the_ticket(zammad: Served) -> None:
    zammad.company.pass_time(hours=1)
    await book(zammad, time_unit=1)
    assert await stamps(zammad) == ("1.0", T1, T1)


async def test_booking_zero_leaves_the_ticket_alone(zammad: Served) -> None:
    zammad.company.pass_time(hours=1)
    await book(zammad, time_unit=0)
    assert await stamps(zammad) == (None, T0, T1)


async def test_changing_the_amount_touches_both(zammad: Served) -> None:
    await book(zammad, time_unit=1)
    zammad.company.pass_time(hours=1)
    await zammad.as_("ROBOT").put(f"{ENTRIES}/1", json={"time_unit": "1.5"})
    assert await stamps(zammad) == ("1.5", T1, T1)


@pytest.mark.parametrize("change", [{"type_id": 2}, {"ticket_article_id": 1}])
async def test_changing_type_or_article_touches_the_entry_alone(
    zammad: Served, change: dict[str, int]
) -> None:
    zammad.state.add_article(1, "Note")
    await book(zammad, time_unit=1)
    zammad.company.pass_time(hours=1)
    await zammad.as_("ROBOT").put(f"{ENTRIES}/1", json=change)
    assert await stamps(zammad) == ("1.0", T0, T1)


async def test_saving_the_same_values_touches_nothing(zammad: Served) -> None:
    await book(zammad, time_unit=1)
    zammad.company.pass_time(hours=1)
    await zammad.as_("ROBOT").put(f"{ENTRIES}/1", json={"time_unit": "1.00", "type_id": None})
    assert await stamps(zammad) == ("1.0", T0, T0)


async def test_deleting_an_amount_touches_the_ticket(zammad: Served) -> None:
    await book(zammad, time_unit=1)
    zammad.company.pass_time(hours=1)
    answer = await zammad.as_("ROBOT").delete(f"{ENTRIES}/1")
    assert (answer.status_code, answer.json()) == (200, {})
    assert await stamps(zammad) == ("0.0", T1, None)


async def test_a_correction_pair_that_sums_to_zero_ends_at_the_old_total(zammad: Served) -> None:
    await book(zammad, time_unit="1.25")
    await book(zammad, time_unit="-1.25")
    assert (await stamps(zammad))[0] == "0.0"


async def test_deleting_an_article_destroys_its_entry(zammad: Served) -> None:
    emma = zammad.as_("EMMA")
    made = await emma.post(
        "/ticket_articles", json={"ticket_id": 1, "body": "Done", "time_unit": "0.5"}
    )
    zammad.company.pass_time(minutes=5)
    assert (await emma.delete(f"/ticket_articles/{made.json()['id']}")).json() == {}
    assert (await zammad.as_("ROBOT").get(ENTRIES)).json() == []
    assert (await stamps(zammad))[:2] == ("0.0", "2026-07-01T08:05:00.000Z")


async def test_deleting_an_article_without_time_leaves_the_ticket_alone(zammad: Served) -> None:
    emma = zammad.as_("EMMA")
    made = await emma.post("/ticket_articles", json={"ticket_id": 1, "body": "Hi"})
    zammad.company.pass_time(minutes=5)
    await emma.delete(f"/ticket_articles/{made.json()['id']}")
    assert (await stamps(zammad))[1] == T0


async def test_deleting_a_ticket_destroys_its_entries(zammad: Served) -> None:
    await book(zammad, time_unit=1)
    assert (await zammad.as_("ADA").delete("/tickets/1")).status_code == 200
    assert (await zammad.as_("ROBOT").get(f"{ENTRIES}/1")).status_code == 404
    assert (await zammad.as_("ROBOT").get("/tickets/1")).status_code == 404


async def test_a_ticket_save_resets_an_owner_who_lost_the_group(zammad: Served) -> None:
    state, emma = zammad.state, zammad.company.emma
    state.change_ticket(1, owner_id=emma.id)
    assert state.tickets[1].owner_id == emma.id
    state.change_user(emma.id, active=False)
    await book(zammad, time_unit=1)
    assert state.tickets[1].owner_id == 1


async def test_import_mode_keeps_the_requests_times(zammad: Served) -> None:
    zammad.state.set_setting("import_mode", True)
    entry = await book(zammad, time_unit=1, created_at="2020-01-01T10:00:00+02:00")
    assert entry["created_at"] == "2020-01-01T08:00:00.000Z"

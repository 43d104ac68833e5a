"""The Zammad client against prepared answers. Trap numbers are those of peers/zammad.md."""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from adapters.zammad.client import ZammadTickets
from domain.errors import Misconfigured, Rejected, Unavailable
from domain.ports.ticket_system import ListedEntry, SourceEntry, SourceType, UnreadableEntry
from tests.support.mock_peers import HTML, QUICK, MockPeer, Reply, reply

API = "/api/v1"
ENTRIES = f"GET {API}/time_accountings"
SEARCH = f"POST {API}/tickets/search"
ME = {f"GET {API}/users/me": reply(200, {"id": 5, "login": "emma@example.com"})}
DENIED = reply(403, {"error": "Not authorized"})
GONE = reply(404, {"error": "Couldn't find Ticket::TimeAccounting with 'id'=9"})


def zammad(mock: MockPeer, *, thorough: bool = False) -> ZammadTickets:
    return ZammadTickets(
        "https://zammad.test/", "tok-4711", thorough=thorough, patience=QUICK, transport=mock
    )


def row(entry_id: int, **other: Any) -> dict[str, Any]:
    return {
        "id": entry_id,
        "ticket_id": 50,
        "ticket_article_id": 89,
        "time_unit": "0.75",
        "type_id": 4,
        "created_by_id": 5,
        "created_at": "2026-07-01T08:30:36.138Z",
        "updated_at": "2026-07-01T08:30:36.138Z",
        **other,
    }


def paged(rows: Sequence[dict[str, Any]], cap: int = 1000) -> Callable[..., httpx.Response]:
    """A list route with a silent cap; `full=true` gives the count."""

    def answer(request: httpx.Request) -> httpx.Response:
        params = request.url.params
        if params.get("full") == "true":
            return reply(200, {"record_ids": [], "assets": {}, "total_count": len(rows)})
        size = min(cap, int(params["per_page"]))
        start = (int(params["page"]) - 1) * size
        return reply(200, list(rows[start : start + size]))

    return answer


async def listed(pages: Any) -> list[ListedEntry]:
    return [one async for page in pages for one in page]


# --- entries


async def test_trap_2_amounts_are_exact_decimals() -> None:
    texts = ["15.0", "0.25", "-100.0", "0.0", "9999.99", "0.1"]
    rows = [row(i, time_unit=text) for i, text in enumerate(texts, 1)]
    async with zammad(MockPeer({ENTRIES: paged(rows)})) as client:
        found = await listed(client.entries_by_id())
    amounts = [one.time_unit for one in found if isinstance(one, SourceEntry)]
    assert amounts == [Decimal(text) for text in texts], "trap 3: zero and negative are entries"
    assert all(isinstance(amount, Decimal) for amount in amounts)


async def test_an_entry_is_read_as_it_is() -> None:
    bare = row(9, ticket_article_id=None, type_id=None, type="Billable", created_by="emma")
    async with zammad(MockPeer({f"{ENTRIES}/9": reply(200, bare)})) as client:
        found = await client.entry(9)
    instant = datetime(2026, 7, 1, 8, 30, 36, 138000, tzinfo=UTC)
    assert found == SourceEntry(
        source_id=9,
        ticket_id=50,
        article_id=None,  # trap 10
        time_unit=Decimal("0.75"),
        type_id=None,
        created_by_id=5,
        created_at=instant,
        updated_at=instant,
    )


@pytest.mark.parametrize("amount", ["abc", "1,5", "", "NaN", "Infinity", "1e3", " 1", None, 0.75])
async def test_an_unparsable_amount_neither_stops_its_page_nor_vanishes(amount: object) -> None:
    rows = [row(1), row(2, time_unit=amount), row(3)]
    async with zammad(MockPeer({ENTRIES: paged(rows)})) as client:
        found = await listed(client.entries_by_id())
    assert [one.source_id for one in found] == [1, 2, 3]
    assert found[1] == UnreadableEntry(
        source_id=2,
        fields=("time_unit",),
        ticket_id=50,
        updated_at=datetime(2026, 7, 1, 8, 30, 36, 138000, tzinfo=UTC),
    )


async def test_every_unreadable_field_is_named_and_a_row_without_id_is_an_error() -> None:
    odd = {"id": 7, "time_unit": "1.0", "ticket_article_id": None, "updated_at": "2026-07-01"}
    mock = MockPeer({f"{ENTRIES}/7": reply(200, odd), f"{ENTRIES}/8": reply(200, {"a": 1})})
    async with zammad(mock) as client:
        found = await client.entry(7)
        assert isinstance(found, UnreadableEntry)
        assert set(found.fields) == {
            "ticket_id",
            "type_id",
            "created_by_id",
            "created_at",
            "updated_at",
        }
        with pytest.raises(Misconfigured):
            await client.entry(8)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("created_at", "0001-01-01T00:00:00+14:00"),
        ("created_at", "9999-12-31T23:59:59-14:00"),
        ("updated_at", "9999-12-31T23:59:59Z"),
        ("ticket_id", 10**20),
        ("created_by_id", 0),
        ("type_id", -1),
    ],
)
async def test_a_value_beyond_all_bounds_makes_its_row_unreadable(field: str, value: Any) -> None:
    mock = MockPeer({f"{ENTRIES}/7": reply(200, row(7, **{field: value}))})
    async with zammad(mock) as client:
        found = await client.entry(7)
    assert isinstance(found, UnreadableEntry)
    assert found.fields == (field,)


async def test_an_entry_id_that_no_stream_can_carry_is_an_error_of_the_peer() -> None:
    mock = MockPeer({f"{ENTRIES}/7": reply(200, row(0))})
    async with zammad(mock) as client:
        with pytest.raises(Misconfigured):
            await client.entry(7)


async def test_trap_8_caps_are_silent_so_only_an_empty_page_is_the_end() -> None:
    rows = [row(i) for i in range(1, 251)]
    mock = MockPeer({ENTRIES: paged(rows, cap=100)})
    async with zammad(mock) as client:
        found = await listed(client.entries_by_update())
    assert [one.source_id for one in found] == list(range(1, 251))
    assert len(mock.asked) == 4
    params = dict(mock.asked[0].url.params)
    assert params == {
        "sort_by": "updated_at,id",
        "order_by": "desc,desc",
        "per_page": "1000",
        "page": "1",
        "with_total_count": "true",
    }


async def test_a_quiet_instance_costs_one_request() -> None:
    mock = MockPeer({ENTRIES: paged([row(1)])})
    async with zammad(mock) as client:
        assert await client.may_list_all()
        pages = client.entries_by_update()
        assert len(await anext(pages)) == 1
        await pages.aclose()  # type: ignore[attr-defined]  # the port promises an iterator only
    assert len(mock.asked) == 1


async def test_rows_repeated_by_drifting_pages_come_once_and_changed_ones_again() -> None:
    changed = row(2, updated_at="2026-07-02T00:00:00.000Z")
    pages = [reply(200, p) for p in ([row(3), row(2)], [row(2), row(1)], [changed], [])]
    async with zammad(MockPeer({ENTRIES: pages})) as client:
        found = await listed(client.entries_by_update())
    assert [one.source_id for one in found] == [3, 2, 1, 2]


async def test_a_list_that_repeats_itself_forever_is_an_error() -> None:
    async with zammad(MockPeer({ENTRIES: reply(200, [row(1)])})) as client, asyncio.timeout(10):
        with pytest.raises(Unavailable):
            await listed(client.entries_by_update())


async def test_the_sweep_starts_over_when_a_deletion_shifted_rows_out_of_sight() -> None:
    total = reply(200, {"record_ids": [], "assets": {}, "total_count": 3})
    first = [[row(1)], [row(3)], []]  # 2 slipped onto the page before while we read it
    again = [[row(1), row(2)], [row(3)], []]
    probe = reply(200, [])
    script: list[Reply] = [probe, *(reply(200, page) for page in first), total]
    script += [*(reply(200, page) for page in again), total]
    async with zammad(MockPeer({ENTRIES: script})) as client:
        found = await listed(client.entries_by_id())
    assert [one.source_id for one in found] == [1, 3, 2]


async def test_trap_6_a_sweep_that_does_not_add_up_is_an_error_not_a_deletion() -> None:
    def empty(request: httpx.Request) -> httpx.Response:
        if "full" in request.url.params:
            return reply(200, {"record_ids": [], "assets": {}, "total_count": 3})
        return reply(200, [])

    async with zammad(MockPeer({ENTRIES: empty})) as client:
        with pytest.raises(Unavailable):
            await listed(client.entries_by_id())


@pytest.mark.parametrize(
    "broken", [httpx.Response(502, content=HTML), httpx.Response(200, content=b'[{"id": 1}, {"i')]
)
async def test_a_page_that_cannot_be_read_completely_raises(broken: httpx.Response) -> None:
    full = reply(200, [row(i) for i in range(1, 4)])
    async with zammad(MockPeer({ENTRIES: [full, broken]})) as client:
        pages = client.entries_by_update()
        assert len(await anext(pages)) == 3
        with pytest.raises(Unavailable):
            await anext(pages)


async def test_an_entry_is_absent_only_by_a_404_for_exactly_this_entry() -> None:
    mock = MockPeer({f"{ENTRIES}/9": GONE, ENTRIES: paged([])})
    async with zammad(mock) as client:
        assert await client.entry(9) is None
    # Before 6.2 there is no such route, and every entry would look deleted.
    async with zammad(MockPeer({f"{ENTRIES}/9": GONE})) as client:
        with pytest.raises(Misconfigured):
            await client.entry(9)
    page = httpx.Response(404, content=HTML)
    async with zammad(MockPeer({f"{ENTRIES}/9": page})) as client:
        with pytest.raises(Misconfigured):
            await client.entry(9)


async def test_an_agent_asks_for_an_entry_under_its_ticket() -> None:
    path = f"GET {API}/tickets/50/time_accountings/9"
    async with zammad(MockPeer({path: [reply(200, row(9)), GONE]})) as client:
        found = await client.entry(9, ticket_id=50)
        assert found is not None
        assert found.source_id == 9
        assert await client.entry(9, ticket_id=50) is None


async def test_entries_of_a_ticket_come_in_one_request_unless_the_page_looks_cut() -> None:
    path = f"GET {API}/tickets/50/time_accountings"
    for count, requests in ((0, 1), (3, 1), (50, 2), (130, 3)):
        rows = [row(i) for i in range(1, count + 1)]
        mock = MockPeer({path: paged(rows, cap=50)})
        async with zammad(mock) as client:
            assert len(await client.entries_of_ticket(50)) == count
        assert len(mock.asked) == requests


async def test_entries_of_an_unreadable_or_unknown_ticket_are_refused_not_empty() -> None:
    path = f"GET {API}/tickets/50/time_accountings"
    async with zammad(MockPeer({**ME, path: DENIED})) as client:
        with pytest.raises(Rejected) as caught:
            await client.entries_of_ticket(50)
    assert caught.value.status == 403
    async with zammad(MockPeer({path: GONE})) as client:
        with pytest.raises(Rejected) as caught:
            await client.entries_of_ticket(50)
    assert caught.value.status == 404


async def test_the_number_of_entries_costs_one_small_request() -> None:
    mock = MockPeer({ENTRIES: paged([row(i) for i in range(7)])})
    async with zammad(mock) as client:
        assert await client.count_entries() == 7
    assert mock.asked[0].url.params["per_page"] == "1"


# --- permissions


async def test_an_instance_that_counts_while_it_lists_is_not_asked_for_its_count() -> None:
    counted = reply(200, {"records": [row(1), row(2)], "total_count": 2})
    mock = MockPeer({ENTRIES: counted})
    async with zammad(mock) as client:
        async for page in client.entries_by_update():
            assert [entry.source_id for entry in page] == [1, 2]
            break
        assert await client.count_entries() == 2
        assert len(mock.asked) == 1
        assert await client.count_entries() == 2, "and asked again when somebody wants it again"
        assert len(mock.asked) == 2


async def test_changed_tickets_that_fit_a_page_cost_one_request() -> None:
    rows = [{"id": 7, "updated_at": "2026-07-01T00:00:00.000Z"}]
    mock = MockPeer({SEARCH: reply(200, rows)})
    async with zammad(mock) as client:
        assert [page async for page in client.tickets_changed_since(None)] == [[7]]
    assert len(mock.asked) == 1


async def test_trap_18_a_403_is_about_the_object_only_while_the_token_works() -> None:
    refused = reply(403, {"error": "API token access disabled!"})
    everything = {ENTRIES: refused, f"GET {API}/users/me": refused, f"{ENTRIES}/9": refused}
    async with zammad(MockPeer(everything)) as client:
        with pytest.raises(Misconfigured):
            await client.may_list_all()
        with pytest.raises(Misconfigured):
            await client.entry(9)
        with pytest.raises(Misconfigured):
            await client.identity()
    async with zammad(MockPeer({**ME, ENTRIES: DENIED})) as client:
        assert await client.may_list_all() is False
        with pytest.raises(Misconfigured, match=r"admin\.time_accounting"):
            await anext(client.entries_by_update())


async def test_the_token_is_not_checked_again_for_each_of_many_refusals() -> None:
    paths = {f"GET {API}/ticket_articles/by_ticket/{i}": DENIED for i in range(20)}
    mock = MockPeer({**ME, **paths})
    async with zammad(mock) as client:
        for i in range(20):
            assert await client.article_texts(i) == {}
    assert mock.calls().count(f"GET {API}/users/me") == 1


async def test_identity_names_what_the_token_lacks() -> None:
    mock = MockPeer({**ME, ENTRIES: DENIED, f"GET {API}/version": DENIED, SEARCH: DENIED})
    async with zammad(mock, thorough=True) as client:
        me = await client.identity()
    assert (me.person_id, me.login, me.version) == (5, "emma@example.com", None)
    assert me.missing == ("admin.time_accounting", "admin.version", "ticket.agent")


async def test_identity_tells_the_version_when_it_may() -> None:
    version = reply(200, {"version": "7.2.2-1"})
    mock = MockPeer(
        {**ME, ENTRIES: paged([]), f"GET {API}/version": version, SEARCH: reply(200, [])}
    )
    async with zammad(mock, thorough=True) as client:
        me = await client.identity()
    assert (me.version, me.missing) == ("7.2.2-1", ())
    async with zammad(MockPeer({**ME, ENTRIES: paged([])})) as client:
        assert (await client.identity()).version is None


async def test_the_declared_unit_is_read_from_the_settings() -> None:
    def settings(value: object) -> httpx.Response:
        unit = {"id": 1, "name": "time_accounting_unit", "state_current": {"value": value}}
        return reply(200, [{"id": 2, "name": "time_accounting", "state_current": None}, unit])

    path = f"GET {API}/settings"
    for value, unit in (("minute", "minute"), ("", None), (None, None)):
        async with zammad(MockPeer({path: settings(value)})) as client:
            assert await client.declared_unit() == unit
    async with zammad(MockPeer({**ME, path: DENIED})) as client:
        assert await client.declared_unit() is None


async def test_trap_22_and_24_types_come_with_inactive_ones_or_not_at_all() -> None:
    path = f"GET {API}/time_accounting/types"
    rows = [
        {"id": 4, "name": "Billable", "active": True},
        {"id": 5, "name": "Old", "active": False},
    ]
    mock = MockPeer({path: reply(200, rows)})
    async with zammad(mock) as client:
        types, again = await asyncio.gather(client.types(), client.types())
    assert types == again
    assert types[5] == SourceType(type_id=5, name="Old", active=False)
    assert len(mock.asked) == 1
    async with zammad(MockPeer({**ME, path: DENIED})) as client:
        assert await client.types() == {}


# --- tickets and people

TICKET = {
    "id": 50,
    "number": "10050",
    "title": "VPN down",
    "group_id": 3,
    "customer_id": 8,
    "organization_id": 3,
    "state_id": 2,
    "updated_at": "2026-07-01T08:30:36.160Z",
    "time_unit": "1.5",
}
EMILY = {"id": 8, "login": "emily", "firstname": "Emily", "lastname": "Adams", "email": "e@x"}
ASSETS: dict[str, Any] = {
    "Ticket": {"50": TICKET, "51": {**TICKET, "id": 51, "state_id": 5, "organization_id": None}},
    "User": {"8": EMILY},
    "Organization": {"3": {"id": 3, "name": "Awesome Customer Inc."}},
    "Group": {"3": {"id": 3, "name": "Service Desk"}},
    "Role": {"1": {"id": 1}},
}
STATES = reply(
    200,
    [
        {"id": 2, "name": "open", "state_type": "open"},
        {"id": 5, "name": "zusammengeführt", "state_type": "merged"},
    ],
)
LINKS = reply(
    200,
    {
        "links": [
            {"link_type": "parent", "link_object": "Ticket", "link_object_value": 50},
            {"link_type": "child", "link_object": "Ticket", "link_object_value": 77},
        ],
        "assets": {},
    },
)


def found(*ids: int) -> httpx.Response:
    return reply(200, {"record_ids": list(ids), "assets": ASSETS, "total_count": len(ids)})


async def test_tickets_come_in_one_search_with_all_their_names_and_once() -> None:
    mock = MockPeer(
        {SEARCH: found(50, 51), f"GET {API}/ticket_states": STATES, f"GET {API}/links": LINKS}
    )
    async with zammad(mock) as client:
        tickets, _ = await asyncio.gather(client.tickets([50, 51]), client.tickets({51}))
        people = await client.people([8])
    ticket = tickets[50]
    assert (ticket.number, ticket.title, ticket.group_name) == ("10050", "VPN down", "Service Desk")
    assert (ticket.customer_name, ticket.organization_name) == (
        "Emily Adams",
        "Awesome Customer Inc.",
    )
    assert (ticket.merged, ticket.merged_into) == (False, None)
    assert (tickets[51].merged, tickets[51].merged_into) == (True, 50)  # trap 9
    assert tickets[51].organization_name is None
    assert people[8].name == "Emily Adams"
    assert sorted(mock.calls()) == sorted([SEARCH, f"GET {API}/ticket_states", f"GET {API}/links"])
    body = mock.bodies()[0]
    assert (body["ids"], body["full"], body["per_page"]) == ([50, 51], True, 200)
    assert "query" not in body, "trap 7: a query needs the search index"


async def test_a_merged_ticket_whose_survivor_is_not_told_is_still_merged() -> None:
    mock = MockPeer({SEARCH: found(51), f"GET {API}/ticket_states": STATES})
    async with zammad(mock) as client:
        ticket = (await client.tickets([51]))[51]
    assert (ticket.merged, ticket.merged_into) == (True, None)


async def test_many_tickets_are_asked_for_in_batches_of_200() -> None:
    def batch(request: httpx.Request) -> httpx.Response:
        ids = json.loads(request.content)["ids"]
        assert len(ids) <= 200
        assets = {**ASSETS, "Ticket": {str(i): {**TICKET, "id": i} for i in ids}}
        return reply(200, {"record_ids": ids, "assets": assets, "total_count": len(ids)})

    mock = MockPeer({SEARCH: batch, f"GET {API}/ticket_states": STATES})
    async with zammad(mock) as client:
        assert len(await client.tickets(range(1, 451))) == 450
    assert mock.calls().count(SEARCH) == 3


async def test_trap_23_an_unreadable_ticket_is_missing_and_the_others_are_there() -> None:
    mock = MockPeer(
        {
            **ME,
            SEARCH: found(50),
            f"GET {API}/tickets/60": DENIED,
            f"GET {API}/ticket_states": STATES,
        }
    )
    async with zammad(mock) as client:
        assert set(await client.tickets([50, 60, 61])) == {50}
        asked = len(mock.asked)
        assert set(await client.tickets([50, 60, 61])) == {50}
    assert len(mock.asked) == asked, "what was refused is not asked for again in this run"


async def test_asking_which_tickets_are_visible_costs_one_request() -> None:
    mock = MockPeer({SEARCH: found(50)})
    async with zammad(mock) as client:
        assert set(await client.visible([50, 60, 61])) == {50}
    assert len(mock.asked) == 1


async def test_trap_6_an_empty_search_is_checked_ticket_by_ticket() -> None:
    mock = MockPeer(
        {
            SEARCH: reply(200, {"record_ids": [], "assets": {}, "total_count": 0}),
            f"GET {API}/tickets/50": reply(200, TICKET),
            f"GET {API}/ticket_states": STATES,
            f"GET {API}/groups/3": reply(200, {"id": 3, "name": "Service Desk"}),
            f"GET {API}/organizations/3": DENIED,
            f"GET {API}/users/8": reply(200, EMILY),
            **ME,
        }
    )
    async with zammad(mock) as client:
        ticket = (await client.tickets([50]))[50]
    assert (ticket.group_name, ticket.organization_name) == ("Service Desk", None)
    assert ticket.customer_name == "Emily Adams"


async def test_rows_that_were_not_asked_for_are_left_out() -> None:
    # An incomplete condition may be ignored: unfiltered rows (peers/zammad.md 4.3).
    mock = MockPeer({SEARCH: found(50, 51), f"GET {API}/ticket_states": STATES})
    async with zammad(mock) as client:
        assert set(await client.tickets([50])) == {50}


async def test_a_maintenance_mode_does_not_make_all_tickets_unreadable() -> None:
    refused = reply(403, {"error": "Maintenance mode enabled!"})
    mock = MockPeer({SEARCH: refused, f"GET {API}/users/me": refused})
    async with zammad(mock) as client:
        with pytest.raises(Misconfigured):
            await client.tickets([50])


async def test_trap_7_changed_tickets_are_found_by_condition_without_a_query() -> None:
    base = datetime(2026, 7, 1, tzinfo=UTC)
    store = [(i, base + timedelta(seconds=i // 3)) for i in range(1, 500)]

    def search(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        assert "query" not in body
        condition = body["condition"]["ticket.updated_at"]
        assert condition["operator"] == "after (absolute)"
        since = datetime.fromisoformat(condition["value"])
        rows = sorted((r for r in store if r[1] >= since), key=lambda r: (r[1], r[0]))
        start = (body["page"] - 1) * body["per_page"]
        if store[0][0] == 1:  # somebody touches the first ticket after the first page
            store[0] = (1, base + timedelta(seconds=1000))
        page = rows[start : start + body["per_page"]]
        return reply(200, [{"id": i, "updated_at": at.isoformat()} for i, at in page])

    async with zammad(MockPeer({SEARCH: search})) as client, asyncio.timeout(10):
        pages = [page async for page in client.tickets_changed_since(base)]
    ids = [one for page in pages for one in page]
    assert sorted(ids) == list(range(1, 500)), "no ticket shifted out of sight, none twice"


async def test_a_ticket_search_that_repeats_itself_forever_is_an_error() -> None:
    row = {"id": 1, "updated_at": "2026-07-01T00:00:00.000Z"}
    same = reply(200, [row] * 50)  # as long as a page that was cut
    async with zammad(MockPeer({SEARCH: same})) as client, asyncio.timeout(10):
        with pytest.raises(Unavailable):
            async for _ in client.tickets_changed_since(None):
                pass


async def test_each_person_is_fetched_once_and_missing_ones_are_left_out() -> None:
    emma = {"id": 5, "login": "emma", "firstname": "Emma", "lastname": None, "email": None}
    robot = {"id": 6, "login": "robot", "firstname": "", "lastname": "", "active": False}
    mock = MockPeer(
        {f"GET {API}/users/5": reply(200, emma), f"GET {API}/users/6": reply(200, robot)}
    )
    async with zammad(mock) as client:
        first, second = await asyncio.gather(client.people([5, 6, 7]), client.people([5, 7]))
    assert first.keys() == {5, 6}
    assert second.keys() == {5}
    assert (first[5].name, first[5].email, first[5].active) == ("Emma", "", True)
    assert (first[6].name, first[6].active) == ("robot", False)
    assert len(mock.asked) == 3


async def test_article_texts_are_plain() -> None:
    rows = [
        {
            "id": 88,
            "body": "<p>Hello &amp; thanks</p><script>x()</script>",
            "content_type": "text/html",
        },
        {"id": 89, "body": "1 < 2 &amp;", "content_type": "text/plain"},
        {"id": 90, "body": None},
    ]
    path = f"GET {API}/ticket_articles/by_ticket/50"
    async with zammad(MockPeer({path: reply(200, rows)})) as client:
        texts = await client.article_texts(50)
    assert texts == {88: "Hello & thanks", 89: "1 < 2 &amp;", 90: ""}
    async with zammad(MockPeer()) as client:
        assert await client.article_texts(50) == {}


async def test_the_token_is_sent_the_way_zammad_wants_it_and_json_is_asked_for() -> None:
    mock = MockPeer({**ME, ENTRIES: paged([])})
    async with zammad(mock) as client:
        await client.identity()
        assert "tok-4711" not in repr(client)
    headers = mock.asked[0].headers
    assert headers["authorization"] == "Token token=tok-4711"
    assert headers["accept"] == "application/json"

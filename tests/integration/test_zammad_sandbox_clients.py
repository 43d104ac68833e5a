"""Two clients nobody here wrote, run against the sandbox: zammadoo and zammad-python-client.

Both are synchronous, so they work in a thread while the sandbox serves from this event loop.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
import zammadoo
from zammad.client import ZammadClient
from zammad.exceptions import ZammadAuthError, ZammadError, ZammadNotFoundError
from zammad.exceptions import ZammadPermissionError as NotPermitted
from zammadoo.client import APIException

from tests.support.zammad_world import ONE_LOOP, Served, board, zammad

__all__ = ["board", "zammad"]

pytestmark = ONE_LOOP

T = TypeVar("T")


async def with_zammadoo(served: Served, work: Callable[[Any], T], **credentials: Any) -> T:
    """Run `work` with a zammadoo client; Ada's token unless told otherwise."""

    def run() -> T:
        client = zammadoo.Client(f"{served.url}/api/v1", **(credentials or {"http_token": "ADA"}))
        try:
            return work(client)
        finally:
            client.session.close()

    return await asyncio.to_thread(run)


async def with_python_client(
    served: Served, work: Callable[[ZammadClient], T], **credentials: Any
) -> T:
    """Run `work` with a zammad-python-client; Ada's token unless told otherwise."""

    def run() -> T:
        client = ZammadClient(served.url, **(credentials or {"token": "ADA"}), max_attempts=1)
        try:
            return work(client)
        finally:
            client.transport.session.close()

    return await asyncio.to_thread(run)


# zammadoo


@pytest.mark.parametrize(
    "credentials",
    [
        {"http_token": "EMMA"},
        {"oauth2_token": "OAUTH"},
        {"http_auth": ("emma@example.com", "emma-pw")},
    ],
    ids=["token", "bearer", "basic"],
)
async def test_zammadoo_signs_in_in_three_ways(zammad: Served, credentials: dict[str, Any]) -> None:
    zammad.state.add_oauth_token(zammad.company.emma.id, secret="OAUTH")
    name = await with_zammadoo(zammad, lambda c: c.users.me().fullname, **credentials)
    assert name == "Emma Taylor"


async def test_zammadoo_books_lists_corrects_and_deletes(zammad: Served) -> None:
    def work(client: Any) -> None:
        entry = client.time_accountings.create(1, time_unit="0.75", type="Support")
        assert entry.time_unit == "0.75"
        assert entry.type.name == "Support"
        assert entry.ticket.title == "VPN down"
        assert entry.created_by.fullname == "Ada Admin"
        again = client.tickets(1).create_time_accounting(1.5, type=client.time_accountings.types(2))
        assert again["type_id"] == 2
        listed = list(client.time_accountings.iter(per_page=1))
        assert [one.id for one in listed] == [entry.id, again.id]
        assert [one.id for one in client.tickets(1).time_accountings()] == [entry.id, again.id]
        changed = entry.update(time_unit="-2")
        assert changed.time_unit == "-2.0"
        changed.reload(expand=True)
        assert changed["type"] == "Support"
        again.delete()
        with pytest.raises(APIException, match="Couldn't find Ticket::TimeAccounting"):
            client.time_accountings(again.id).reload()

    await with_zammadoo(zammad, work)
    assert [entry.time_unit for entry in zammad.state.entries] == ["-2.0"]


async def test_zammadoo_manages_types(zammad: Served) -> None:
    def work(client: Any) -> None:
        made = client.time_accountings.types.create("Billable", note="for money")
        assert made.update(active=False).active is False
        names = [row.name for row in client.time_accountings.types.iter(per_page=2)]
        assert names == ["Support", "Travel", "Billable"]

    await with_zammadoo(zammad, work)


async def test_zammadoo_books_through_an_article_once(zammad: Served) -> None:
    def work(client: Any) -> None:
        article = client.tickets(1).create_article("Did something", time_unit="0.5")
        assert article.time_unit == "0.5"
        entry = article.create_or_update_time_accounting(2, "Travel")
        assert (entry.id, entry.time_unit, entry["type_id"]) == (1, "2.0", 2)
        assert [a.id for a in client.ticket_articles.by_ticket(1)] == [article.id]

    await with_zammadoo(zammad, work)
    assert zammad.state.tickets[1].time_unit == "2.0"


async def test_zammadoo_walks_tickets_people_and_search(zammad: Served) -> None:
    for number in range(23):
        zammad.state.add_ticket(title=f"T{number}", group_id=1, customer_id=zammad.company.emily.id)

    def work(client: Any) -> None:
        assert len(list(client.tickets.iter())) == 24
        ticket = client.tickets(1)
        assert ticket.customer.fullname == "Emily Adams"
        assert ticket.organization.name == "Awesome Customer Inc."
        assert ticket.group.name == "Service Desk"
        assert (ticket.state.name, ticket.priority.name) == ("new", "2 normal")
        assert ticket.owner.id == 1
        assert [found.id for found in client.tickets.search("VPN")] == [1]
        assert [u.login for u in client.users.search("emma")] == ["emma@example.com"]
        assert len(list(client.organizations)) == 2
        assert [g.name for g in client.groups] == ["Service Desk", "Board"]
        assert client.server_version == "7.2.2"
        with client.impersonation_of("emma@example.com"):
            assert client.users.me().login == "emma@example.com"

    await with_zammadoo(zammad, work)


async def test_zammadoo_makes_updates_and_merges_tickets(zammad: Served) -> None:
    def work(client: Any) -> None:
        made = client.tickets.create("New", "Service Desk", "emily@example.com", "Hello")
        assert made["article_ids"]
        assert made.update(title="Newer", body="An article").title == "Newer"
        assert made.merge_into(1).id == 1
        made.reload()  # zammadoo answers from its cache otherwise
        assert made.state.name == "merged"

    await with_zammadoo(zammad, work)


async def test_zammadoo_reads_our_refusals(zammad: Served) -> None:
    def work(client: Any) -> None:
        with pytest.raises(APIException, match="Not authorized") as refused:
            list(client.time_accountings)
        assert refused.value.response is not None
        assert refused.value.response.status_code == 403

    await with_zammadoo(zammad, work, http_token="EMMA")


# zammad-python-client


async def test_python_client_uses_every_entry_route(zammad: Served) -> None:
    def work(client: ZammadClient) -> None:
        times: Any = client.time_accountings
        scoped = times.book(1, 0.75, type_id=1)
        assert scoped["time_unit"] == "0.75"
        loose = times.create_post(json={"ticket_id": 1, "time_unit": "2"})
        assert times.show_by_id(loose["id"]) == loose
        assert times.show_by_ticket_id_id(1, scoped["id"]) == scoped
        assert [row["id"] for row in times.list_for(1)] == [1, 2]
        assert [row["id"] for row in times.iter_all(per_page=1)] == [1, 2]
        assert times.index_get(params={"full": "true", "per_page": 1})["total_count"] == 2
        assert times.update_by_id(2, json={"time_unit": "3"})["time_unit"] == "3.0"
        assert times.destroy_by_id(2) == {}
        by_ticket = times.report_by_ticket(2026, 7)
        assert by_ticket[0]["time_unit"] == "0.75"
        assert times.by_activity(2026, 7)[0]["agent"] == "Ada Admin"
        assert times.report_by_customer(2026, 7)[0]["customer"]["login"] == "emily@example.com"
        assert times.report_by_organization(2026, 7)[0]["time_unit"] == "0.75"

    await with_python_client(zammad, work)


async def test_python_client_uses_the_per_ticket_writes(zammad: Served) -> None:
    zammad.state.book(1, "1")

    def work(client: ZammadClient) -> None:
        times = client.time_accountings
        changed = times.update_by_ticket_id_id(1, 1, json={"time_unit": 2})
        assert changed["time_unit"] == "2.0"
        patched = times.update_by_ticket_id_id(1, 1, json={"type_id": 2}, method="PATCH")
        assert patched["type_id"] == 2
        assert times.destroy_by_ticket_id_id(1, 1) == {}

    await with_python_client(zammad, work)


async def test_python_client_manages_types_tickets_and_people(zammad: Served) -> None:
    def work(client: ZammadClient) -> None:
        types: Any = client.api.time_accounting_types
        made = types.create(json={"name": "Billable"})
        assert [row["name"] for row in types.index()] == ["Support", "Travel", "Billable"]
        assert made["active"] is True
        ticket = client.tickets.create_with_article("T", "Service Desk", "emily@example.com", "B")
        article: Any = client.ticket_articles.add(ticket["id"], "Worked", time_unit=1.25)
        assert article["time_unit"] == "1.25"
        assert len(client.ticket_articles.by_ticket(ticket["id"])) == 2
        assert {row["id"] for row in client.tickets.search_tickets("*")} == {1, ticket["id"]}
        assert client.tickets.get(1, expand=True)["group"] == "Service Desk"
        merged = client.tickets.merge(ticket["id"], "10001")
        assert merged["result"] == "success"
        assert len(client.users.list_all()) == 6
        assert client.users.current()["login"] == "ada@example.com"
        assert client.users.current(on_behalf_of="emma@example.com")["login"] == "emma@example.com"
        assert client.organizations.get(1)["name"] == "Awesome Customer Inc."
        assert client.organizations.search_organizations("Other")[0]["id"] == 2
        assert "merged" in client.ticket_states.by_name()
        assert client.version() == "7.2.2"

    await with_python_client(zammad, work)


async def test_python_client_finds_people_by_field_only_with_elasticsearch(
    zammad: Served,
) -> None:
    def work(client: ZammadClient) -> Any:
        return client.users.find_by_email("emily@example.com")

    assert await with_python_client(zammad, work) is None
    zammad.state.set_setting("es_url", "http://elastic.example")
    found = await with_python_client(zammad, work)
    assert found["id"] == zammad.company.emily.id


async def test_python_client_administrates_settings_webhooks_and_triggers(
    zammad: Served,
) -> None:
    def work(client: ZammadClient) -> None:
        rows = {row["name"]: row for row in client.api.settings.index_get()}
        unit = rows["time_accounting_unit"]["id"]
        changed = client.api.settings.update(unit, json={"state_current": {"value": "hour"}})
        assert changed["state_current"] == {"value": "hour"}
        assert client.api.settings.show(unit)["name"] == "time_accounting_unit"
        hook = client.webhooks.create({"name": "W", "endpoint": "http://127.0.0.1:9/"})
        trigger = client.triggers.create(
            {
                "name": "T",
                "condition": {"article.time_accounting": {"operator": "is set"}},
                "perform": {"notification.webhook": {"webhook_id": hook["id"]}},
            }
        )
        assert client.triggers.list_all() == [trigger]
        assert client.webhooks.get(hook["id"]) == hook
        client.triggers.delete(trigger["id"])
        client.webhooks.delete(hook["id"])
        assert client.webhooks.list_all() == []

    await with_python_client(zammad, work)


async def test_python_client_reads_our_refusals(zammad: Served) -> None:
    def unknown(client: ZammadClient) -> None:
        with pytest.raises(ZammadAuthError, match="Can't find User for Token"):
            client.users.current()

    def agent(client: ZammadClient) -> None:
        with pytest.raises(NotPermitted, match="Not authorized"):
            client.time_accountings.index_get()
        with pytest.raises(ZammadNotFoundError, match="Couldn't find Ticket"):
            client.tickets.get(999)

    def admin(client: ZammadClient) -> None:
        with pytest.raises(ZammadError, match="status 422"):
            client.time_accountings.destroy_by_id(999)

    await with_python_client(zammad, unknown, token="WRONG")
    await with_python_client(zammad, agent, token="EMMA")
    await with_python_client(zammad, admin)

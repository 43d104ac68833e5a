"""The totals of lists are those of what the lists show, whichever way they are come by."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from adapters.postgres import read_models
from tests.integration.test_kpi import filled
from tests.support.believable import START
from tests.support.service import ADMIN_PASSWORD, Service, running_service

DAY = START.date()
ENTRY_FILTERS: Sequence[dict[str, Any]] = (
    {},
    {"state": "conflict"},
    {"state": ["synced", "conflict"]},
    {"state": "failed"},
    {"start_date": str(DAY), "end_date": str(DAY)},
    {"start_date": str(DAY + timedelta(days=1))},
    {"end_date": str(DAY), "state": "synced"},
    {"start_date": "0001-01-01", "end_date": "9999-12-31"},
    {"start_date": str(DAY + timedelta(days=3)), "end_date": str(DAY)},
    {"ticket": "1001"},
    {"user": "AGENT3", "state": "synced"},
    {"customer": "customer 7"},
    {"q": "tunnel"},
    {"run_id": 1},
    {"run_id": 99},
)
SORTS = ("-entry_date", "entry_date", "-updated_at", "minutes", "-minutes", "ticket", "-ticket")


async def whole(service: Service, path: str, query: dict[str, Any]) -> list[dict[str, Any]]:
    """Every entry of a list, page by page; each page says the same totals."""
    items: list[dict[str, Any]] = []
    cursor = None
    while True:
        asked = {**query, "limit": 37, **({"cursor": cursor} if cursor else {})}
        answer = await service.http.get(path, params=asked)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            assert page["total"] == len(items) == len({item["id"] for item in items}), query
            assert page["total_minutes"] == sum(item["time_minutes"] or 0 for item in items)
            return items


@pytest.mark.parametrize(("handful", "few"), [(300, 5_000), (0, 0), (0, 20)])
async def test_entries_add_up(
    migrated: str, monkeypatch: pytest.MonkeyPatch, handful: int, few: int
) -> None:
    monkeypatch.setattr(read_models, "HANDFUL", handful)
    monkeypatch.setattr(read_models, "FEW", few)
    async with running_service(migrated) as service:
        await filled(service, 150)
        everything = await whole(service, "/api/v1/entries", {})
        for query in ENTRY_FILTERS:
            shown = await whole(service, "/api/v1/entries", query)
            assert {item["id"] for item in shown} == {
                item["id"] for item in everything if fits(item, query)
            }, query
        for sort in SORTS:
            for query in ({}, {"state": "conflict"}, {"start_date": str(DAY)}):
                shown = await whole(service, "/api/v1/entries", {**query, "sort": sort})
                values = [key(item, sort) for item in shown]
                assert values == sorted(values, reverse=sort.startswith("-")), (sort, query)


def key(item: dict[str, Any], sort: str) -> tuple[Any, int]:
    name = {"minutes": "time_minutes", "ticket": "ticket_number"}.get(sort.strip("-"))
    return item[name or sort.strip("-")], item["id"]


def fits(item: dict[str, Any], query: dict[str, Any]) -> bool:
    states = query.get("state", item["state"])
    texts = {
        "ticket": [item["ticket_number"]],
        "user": [item["user_name"], item["user_email"]],
        "customer": [item["customer_name"]],
        "q": [item["description"], item["ticket_title"]],
    }
    return (
        item["state"] in ([states] if isinstance(states, str) else states)
        and query.get("start_date", "0") <= item["entry_date"] <= query.get("end_date", "9")
        and item["last_run_id"] == query.get("run_id", item["last_run_id"])
        and all(
            any(query[name].lower() in text.lower() for text in within)
            for name, within in texts.items()
            if name in query
        )
    )


async def test_entries_of_the_past_add_up(migrated: str) -> None:
    async with running_service(migrated) as service:
        head = await filled(service, 60)
        for position in (0, head // 3, head // 2, head - 1, head):
            for query in ({}, {"state": "pending"}, {"start_date": str(DAY)}):
                then = {**query, "as_of": f"position:{position}"}
                shown = await whole(service, "/api/v1/entries", then)
                assert all(item["position"] <= position for item in shown)


async def test_the_audit_log_adds_up(migrated: str) -> None:
    async with running_service(migrated) as service:
        await filled(service, 1_100)
        await service.add_user("vera", "viewer")
        async with service.logged_in("vera", ADMIN_PASSWORD):
            pass
        head = await service.own.store.head()
        assert await service.own.shown(head)
        today = str(service.own.clock.now().date())
        queries: tuple[dict[str, Any], ...] = (
            {},
            {"action": "sync_completed"},
            {"action": "never_done"},
            {"action_type": "sync"},
            {"action_type": "access"},
            {"action_type": "access", "action": "sync_completed"},
            {"start_date": today},
            {"end_date": today, "action_type": "sync"},
            {"start_date": "0001-01-01", "end_date": "9999-12-31"},
            {"start_date": str(date.max)},
            {"end_date": "1999-12-31"},
            {"user": "ALICE"},
            {"user": "sync_"},
            {"entity": "connector:1"},
            {"entity": "sync_run"},
            {"run_id": 2},
            {"correlation_id": "run-1"},
            {"ip_address": "127.0.0.1"},
        )
        for query in queries:
            for as_of in (None, 0, 3, head // 2, head - 1):
                then = {**query, **({} if as_of is None else {"as_of": f"position:{as_of}"})}
                exported = await service.http.get("/api/v1/audit-logs/export", params=then)
                rows = exported.json()
                for limit in (1, 500):
                    page = await service.http.get(
                        "/api/v1/audit-logs/", params={**then, "limit": limit}
                    )
                    assert page.status_code == 200, page.text
                    assert page.json()["total"] == len(rows), then
                    assert page.json()["data"] == rows[:limit]

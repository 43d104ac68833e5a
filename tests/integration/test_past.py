"""What a run did, and why an entry is as it is, over the whole service (contract, 6 and 7)."""

from collections import Counter
from typing import Any

from tests.support.service import Service, running_service
from tests.support.two_peers import RANGE, TwoPeers, connect, two_peers

V1 = "/api/v1"


async def get(service: Service, path: str, **query: Any) -> Any:
    answer = await service.http.get(f"{V1}/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def run(service: Service) -> int:
    answer = await service.http.post(f"{V1}/sync/run", json=RANGE)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["run_id"])


async def connect_but_for_one_type(service: Service, peers: TwoPeers) -> None:
    """Bookings of the most frequent type have no mapping, so they wait for a person."""
    await connect(service, peers)
    kinds = Counter(row.type_id for row in peers.zammad.entries)
    (most, _) = kinds.most_common(1)[0]
    rows = await get(service, "mappings")
    (mapping,) = [row for row in rows if row["zammad_type_id"] == most]
    answer = await service.http.patch(f"{V1}/mappings/{mapping['id']}", json={"is_active": False})
    assert answer.status_code == 200, answer.text


async def everything(service: Service, path: str, **query: Any) -> list[dict[str, Any]]:
    """All items of a list, page by page."""
    items, cursor = [], None
    while True:
        page = await get(service, path, **query, **({"cursor": cursor} if cursor else {}))
        items += page["items"]
        if (cursor := page["next_cursor"]) is None:
            return items


async def test_what_a_run_did_agrees_with_its_counters(migrated: str) -> None:
    async with two_peers(40) as peers, running_service(migrated) as service:
        await connect_but_for_one_type(service, peers)
        first = await run(service)
        ended = await get(service, f"sync/runs/{first}")
        items = await everything(service, f"sync/runs/{first}/entries", limit=7)
        ids = [item["entry_id"] for item in items]
        assert ids == sorted(set(ids))
        by_action = {
            action: await everything(service, f"sync/runs/{first}/entries", action=action, limit=3)
            for action in ("create", "conflict", "skip", "unchanged", "failed")
        }
        assert (
            sorted(
                (item for found in by_action.values() for item in found),
                key=lambda item: item["entry_id"],
            )
            == items
        )
        assert len(by_action["create"]) == ended["entries_synced"] == peers.sheets > 10
        assert len(by_action["conflict"]) == ended["conflicts_detected"] > 0
        assert len(by_action["skip"]) == ended["entries_skipped"]
        for item in by_action["create"]:
            entry = await get(service, f"entries/{item['entry_id']}")
            assert item["timesheet_id"] == entry["target"]["timesheet_id"]
            assert item["ticket_number"] == entry["ticket_number"]
            assert item["minutes"] == entry["time_minutes"]
            event = await get(service, f"events/{item['position']}")
            assert event["type"] == "TimesheetCreated"
        for item in by_action["conflict"]:
            assert item["reason_code"]
            assert item["message"]

        second = await run(service)
        assert await everything(service, f"sync/runs/{second}/entries", action="create") == []
        assert await everything(service, f"sync/runs/{first}/entries") == items


async def test_what_a_run_had_done_by_then(migrated: str) -> None:
    async with two_peers(10) as peers, running_service(migrated) as service:
        await connect(service, peers)
        number = await run(service)
        items = await everything(service, f"sync/runs/{number}/entries", action="create")
        half = sorted(item["position"] for item in items)[len(items) // 2]
        then = {"as_of": f"position:{half}"}
        known = await everything(
            service, f"sync/runs/{number}/entries", action="create", limit=2, **then
        )
        assert known == [item for item in items if item["position"] <= half]
        assert len(known) < len(items)
        none = await service.http.get(f"{V1}/sync/runs/{number}/entries?as_of=position:1")
        assert none.status_code == 404


async def test_cursors_and_actions_of_elsewhere_are_refused(migrated: str) -> None:
    async with two_peers(5) as peers, running_service(migrated) as service:
        await connect(service, peers)
        number = await run(service)
        path = f"sync/runs/{number}/entries"
        cursor = (await get(service, path, limit=1))["next_cursor"]
        for query, code in (
            ({"cursor": cursor, "action": "create"}, "cursor_invalid"),
            ({"cursor": "abc"}, "cursor_invalid"),
            ({"action": "made"}, "validation"),
            ({"limit": 201}, "validation"),
        ):
            answer = await service.http.get(f"{V1}/{path}", params=query)
            assert (answer.status_code, answer.json()["code"]) == (422, code), query
        assert (await service.http.get(f"{V1}/sync/runs/99/entries")).status_code == 404


async def test_every_entry_is_explained_now_and_then(migrated: str) -> None:
    async with two_peers(20) as peers, running_service(migrated) as service:
        await connect_but_for_one_type(service, peers)
        await run(service)
        states = set()
        for entry in (await get(service, "entries", limit=200))["items"]:
            told = await get(service, f"entries/{entry['id']}/explain")
            steps = {step["step"]: step for step in told["steps"]}
            states.add(entry["state"])
            assert steps["decision"]["title"]
            if entry["state"] == "synced":
                assert steps["answer"]["output"]["timesheet_id"] == int(entry["target_id"])
                assert steps["unit"]["output"]["minutes"] == entry["time_minutes"]
            if entry["state"] == "conflict":
                assert entry["reason_code"] in told["result"]
            first = steps["observation"]["position"]
            then = await get(service, f"entries/{entry['id']}/explain", as_of=f"position:{first}")
            assert [step["step"] for step in then["steps"]] == ["observation"]
            assert then["result"] == "It waits for the next run."
        assert {"synced", "conflict"} <= states
        assert (await service.http.get(f"{V1}/entries/5/explain")).status_code == 404


async def test_a_diff_tells_each_kind_with_fields_and_actors(migrated: str) -> None:
    async with two_peers(10) as peers, running_service(migrated) as service:
        await connect_but_for_one_type(service, peers)
        await run(service)
        before = await service.own.store.head()
        (kimai,) = [row for row in await get(service, "connectors") if row["type"] == "kimai"]
        secret = "another-t0ken-nobody-may-see"
        mapped = (await get(service, "mappings", is_active="true"))[-1]["id"]
        for method, path, body in (
            ("PATCH", f"connectors/{kimai['id']}", {"name": "Bills"}),
            ("PATCH", f"connectors/{kimai['id']}", {"settings": {"rounding_mode": "ceil"}}),
            ("PUT", "schedule", {"cron": "0 9 * * 1-5"}),
            ("DELETE", f"mappings/{mapped}", None),
        ):
            answer = await service.http.request(method, f"{V1}/{path}", json=body)
            assert answer.status_code < 300, answer.text
        for mapping in await get(service, "mappings", is_active="false"):
            path = f"{V1}/mappings/{mapping['id']}"
            assert (await service.http.patch(path, json={"is_active": True})).status_code == 200
        number = await run(service)
        path = f"{V1}/connectors/{kimai['id']}"
        assert (await service.http.patch(path, json={"api_token": secret})).status_code == 200

        since = {"from": f"position:{before}"}
        page = await get(service, "diff", limit=200, **since)
        assert page["from"]["position"] == before
        assert page["to"]["position"] == await service.own.store.head()
        assert page["from"]["at"] < page["to"]["at"]
        assert secret not in str(page)
        by_kind: dict[str, list[dict[str, Any]]] = {}
        for item in page["items"]:
            by_kind.setdefault(item["kind"], []).append(item)
        for kind, counts in page["counts"].items():
            told = Counter(item["change"] for item in by_kind.get(kind, ()))
            assert {name: told[name] for name in counts} == counts, kind

        (connector,) = by_kind["connector"]
        changes = {each["field"]: (each["before"], each["after"]) for each in connector["changes"]}
        assert changes == {
            "name": ("Billing", "Bills"),
            "settings.rounding_mode": ("default", "ceil"),
            "api_token": ("********", "********"),
        }
        assert connector["actors"] == [{"kind": "user", "name": "alice"}]
        assert len(connector["positions"]) == 3
        assert {item["change"] for item in by_kind["mapping"]} == {"removed", "changed"}
        (schedule,) = by_kind["schedule"]
        assert schedule["change"] == "added"
        (new_run,) = by_kind["run"]
        assert (new_run["id"], new_run["change"]) == (number, "added")
        conflicts = by_kind["conflict"]
        assert {item["change"] for item in conflicts} == {"changed"}
        for item in conflicts:
            fields = {each["field"]: each["after"] for each in item["changes"]}
            assert fields["resolution_status"] == "resolved"
        entries = by_kind["entry"]
        assert len(entries) >= len(conflicts) > 0
        for item in entries:
            (state,) = [each for each in item["changes"] if each["field"] == "state"]
            assert state["before"] == "conflict"
            assert item["label"].startswith("#")

        paged = await everything(service, "diff", limit=2, **since)
        assert paged == page["items"]
        only = await get(service, "diff", kind="mapping", **since)
        assert only["items"] == by_kind["mapping"]
        assert set(only["counts"]) == {"mapping"}


async def test_a_diff_of_the_past_stays_what_it_was(migrated: str) -> None:
    async with running_service(migrated) as service:
        head = await service.own.store.head()
        await service.http.put(f"{V1}/schedule", json={"cron": "0 9 * * 1-5"})
        then = {"from": f"position:{head}", "to": f"position:{head + 1}"}
        first = await get(service, "diff", **then)
        at = first["to"]["at"]
        await service.http.put(f"{V1}/schedule", json={"cron": "0 8 * * 1-5"})
        assert await get(service, "diff", **then) == first
        whole = await get(service, "diff", **{"from": f"position:{head}", "kind": "schedule"})
        assert whole["items"][0]["positions"] == [head + 1, head + 2]
        since = await get(service, "diff", **{"from": at, "kind": "schedule"})
        assert since["items"][0]["changes"] == [
            {"field": "cron", "before": "0 9 * * 1-5", "after": "0 8 * * 1-5"}
        ]
        nothing = await get(service, "diff", **{"from": "position:0", "to": "position:0"})
        assert nothing["items"] == []
        assert nothing["to"] == {"position": 0, "at": None}


async def test_a_diff_of_no_range_is_refused(migrated: str) -> None:
    async with running_service(migrated) as service:
        for query, code in (
            ({}, "validation"),
            ({"from": "yesterday"}, "validation"),
            ({"from": "2026-01-01T00:00:00"}, "validation"),
            ({"from": "position:2", "to": "position:1"}, "range_invalid"),
            ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "range_invalid"),
            ({"from": "position:999"}, "as_of_in_future"),
            ({"from": "9999-01-01T00:00:00Z"}, "as_of_in_future"),
            ({"from": "position:0", "kind": "user"}, "validation"),
            ({"from": "position:0", "cursor": "x"}, "cursor_invalid"),
        ):
            answer = await service.http.get(f"{V1}/diff", params=query)
            assert (answer.status_code, answer.json()["code"]) == (422, code), query

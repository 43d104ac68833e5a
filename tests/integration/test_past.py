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

"""People who are known by e-mail stand among the mappings, and rows of theirs show their names."""

import asyncio
from typing import Any

from projections.reconcile import UNKNOWN_USER
from tests.integration.test_reconcile import desk, edited
from tests.support.two_peers import RANGE


async def test_they_are_listed_and_named_and_a_row_by_hand_wins(migrated: str) -> None:
    async with desk(migrated) as there:
        rows: list[dict[str, Any]] = await there.get("mappings/users/")
        entries = await there.entries()
        people = {each["raw_data"]["created_by_id"] for each in entries}
        assert {row["zammad_user_id"] for row in rows} == people
        assert {row["origin"] for row in rows} == {"email"}
        assert all(row["kimai_user_name"] and row["zammad_user_email"] for row in rows)
        row = await edited(there)
        assert row["target"]["user"] != UNKNOWN_USER
        audit = await there.get("audit-logs/", action="user_mapping_created")
        assert audit["total"] == len(rows)

        first = rows[0]
        body = {"kimai_user_id": first["kimai_user_id"] + 1}
        path = f"/api/v1/mappings/users/{first['id']}"
        changed = (await there.http.patch(path, json=body)).json()
        assert changed["origin"] == "manual"
        await there.run()
        assert await there.get(f"mappings/users/{first['id']}") == changed
        assert len(await there.get("mappings/users/")) == len(rows)

        off = await there.http.patch(path, json={"is_active": False})
        assert off.status_code == 200
        booking = next(
            each for each in entries if each["raw_data"]["created_by_id"] == first["zammad_user_id"]
        )
        there.peers.zammad.correct(int(booking["source_id"]), time_unit="7")
        await there.run()
        assert len(await there.get("mappings/users/")) == len(rows)


async def test_a_run_after_it_asks_nothing_anew(migrated: str) -> None:
    """The new rows change what is set, which must not make a quiet run write or open anything."""
    async with desk(migrated) as there:
        async with asyncio.timeout(30):
            run = (await there.http.post("/api/v1/sync/run", json=RANGE)).json()
        assert run["run_status"] == "completed", run
        counted = {name: run[f"num_{name}"] for name in ("created", "updated", "conflicts")}
        assert counted == {"created": 0, "updated": 0, "conflicts": 0}
        assert there.writes() == []

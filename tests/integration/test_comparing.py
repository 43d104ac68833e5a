"""Replay and compare: whether every row is what the events make of it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from adapters.postgres.comparing import Comparing, Comparison
from tests.integration.test_kpi import filled
from tests.support.service import ADMIN_PASSWORD, Service, running_service
from tests.support.two_peers import RANGE, connect, two_peers

PATH = "/api/v1/audit/compare"


async def compared(service: Service) -> Any:
    answer = await service.http.post(PATH)
    assert answer.status_code == 202, answer.text
    async with asyncio.timeout(60):
        while True:
            found = (await service.http.get(PATH)).json()
            if found["state"] != "running":
                return found
            assert found["position"] <= found["until"]
            await asyncio.sleep(0.05)


async def test_views_are_what_the_events_make_of_them(migrated: str) -> None:
    async with two_peers(10) as peers, running_service(migrated) as service:
        assert (await service.http.get(PATH)).json()["state"] == "never"
        await connect(service, peers)
        await service.http.post("/api/v1/sync/run", json=RANGE)
        found = await compared(service)
        assert (found["state"], found["error"], found["found"]) == ("done", None, 0), found
        assert found["position"] == found["until"] > 0
        assert found["rows"] > 50
        first, second = await asyncio.gather(service.http.post(PATH), service.http.post(PATH))
        assert first.json()["started_at"] == second.json()["started_at"], "never two at a time"
        await compared(service)
        await service.add_user("olga", "operator")
        async with service.logged_in("olga", ADMIN_PASSWORD) as operator:
            for answer in (await operator.post(PATH), await operator.get(PATH)):
                assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


Damage = Callable[[asyncpg.Pool, int], Awaitable[Any]]
ENTRY = 10_000_000_007


async def altered(pool: asyncpg.Pool, entry: int) -> None:
    await pool.execute(
        "UPDATE time_entries SET minutes = minutes + 1 WHERE entry_id = $1 AND valid_to IS NULL",
        entry,
    )


async def lost(pool: asyncpg.Pool, entry: int) -> None:
    await pool.execute("DELETE FROM time_entries WHERE entry_id = $1 AND valid_to IS NULL", entry)


async def miscounted(pool: asyncpg.Pool, _: int) -> None:
    await pool.execute("UPDATE totals SET amounts = '{}' WHERE tally = 'entry_totals' AND key = 0")


async def prolonged(pool: asyncpg.Pool, entry: int) -> None:
    await pool.execute(
        "UPDATE time_entries SET valid_to = valid_to + 1 WHERE (entry_id, valid_from) = "
        "(SELECT entry_id, min(valid_from) FROM time_entries WHERE entry_id = $1 GROUP BY 1)",
        entry,
    )


@pytest.mark.parametrize("page", [7, 1000])
@pytest.mark.parametrize(
    ("damage", "kinds"),
    [
        (altered, {"differs"}),
        (lost, {"missing", "rows"}),
        (miscounted, {"totals"}),
        (prolonged, {"differs"}),
    ],
)
async def test_what_was_altered_is_found_where_it_is(
    migrated: str, damage: Damage, kinds: set[str], page: int
) -> None:
    async with running_service(migrated) as service:
        head = await filled(service, 20)
        whole = Comparison(until=head)
        await Comparing(service.own.store).run(whole, page=page)
        assert whole.found == 0, whole.differences
        await damage(service.own.store.pool, ENTRY)
        broken = Comparison(until=head)
        await Comparing(service.own.store).run(broken, page=page)
        assert kinds <= {each.kind for each in broken.differences}, broken.differences
        rows = [each for each in broken.differences if each.kind in ("differs", "missing")]
        assert {each.key for each in rows} <= {ENTRY}
        if damage is altered:
            assert [each.fields for each in rows] == [["minutes"]]
        again = await service.own.projections.rebuild("time_entries")
        assert not again.same
        mended = Comparison(until=head)
        await Comparing(service.own.store).run(mended, page=page)
        assert mended.found == 0

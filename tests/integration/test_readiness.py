"""`/api/ready` says 503, and which part it is, whenever something is behind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from projections import dead_letters
from tests.integration.test_kpi import filled
from tests.support.believable import past
from tests.support.service import Service, running_service


async def ready(service: Service) -> tuple[int, dict[str, Any]]:
    answer = await service.http.get("/api/ready")
    body: dict[str, Any] = answer.json()
    assert body["status"] == ("ready" if answer.status_code == 200 else "not_ready")
    assert ("Retry-After" in answer.headers) == (answer.status_code == 503)
    return answer.status_code, body


async def until_ready(service: Service) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            status, body = await ready(service)
            if status == 200:
                return body
            await asyncio.sleep(0.1)


@asynccontextmanager
async def owner(dsn: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def test_with_everything_in_place_it_is_ready(migrated: str) -> None:
    async with running_service(migrated) as service:
        head = await filled(service, 10)
        status, body = await ready(service)
        assert status == 200
        assert body["checks"] == {"database": True, "migrations": True, "projections": True}
        assert body["head_position"] == head
        assert all(view["lag"] <= 1000 for view in body["projections"])


async def test_a_migration_that_has_not_run_is_told(migrated: str) -> None:
    async with running_service(migrated) as service, owner(migrated) as connection:
        await connection.execute("DELETE FROM migration WHERE name LIKE '0070%'")
        status, body = await ready(service)
        assert status == 503
        assert body["checks"] == {"database": True, "migrations": False, "projections": True}
        await connection.execute("DROP TABLE migration")
        status, body = await ready(service)
        assert (status, body["checks"]["migrations"]) == (503, False)


async def test_a_view_that_lags_is_told_and_named(migrated: str) -> None:
    async with running_service(migrated) as service, owner(migrated) as connection:
        await until_ready(service)
        async with connection.transaction():
            await connection.execute("LOCK TABLE time_entries IN ACCESS EXCLUSIVE MODE")
            entries = [each for each in past(300) if each.stream.startswith("time-entry")]
            await service.own.store.append_many(entries)
            status, body = await ready(service)
            assert status == 503
            assert body["checks"] == {"database": True, "migrations": True, "projections": False}
            lags = {view["name"]: view["lag"] for view in body["projections"]}
            assert lags["time_entries"] > 1000
        body = await until_ready(service)
        assert body["head_position"] > 1000


async def test_a_view_of_another_version_is_behind_until_it_is_made_anew(migrated: str) -> None:
    async with running_service(migrated) as service:
        await filled(service, 300)
    async with owner(migrated) as connection:
        await connection.execute(
            "UPDATE checkpoint SET version = 1 WHERE projection = 'time_entries'"
        )
        async with running_service(migrated) as service:
            await until_ready(service)
            found = (await service.http.get("/api/v1/sync/kpi")).json()
            assert found["synced_entries"] == 288
            sums = await connection.fetchval(
                "SELECT count(*) FROM totals WHERE tally = 'entry_totals' AND valid_to IS NULL"
                " AND key = 0"
            )
            assert sums == 1


async def test_a_view_that_an_event_stopped_is_told_once_it_is_behind(migrated: str) -> None:
    async with running_service(migrated) as service, owner(migrated) as connection:
        await until_ready(service)
        await connection.execute(
            "INSERT INTO projection_failure (log_id, projection, version, position, error)"
            " VALUES (1, 'dead_letters', $1, 1, 'ValueError: alice, by name')",
            dead_letters.VERSION,
        )
        status, body = await ready(service)
        stopped = {
            view["name"]: (view["stopped_at"], view["error"])
            for view in body["projections"]
            if view["stopped_at"] is not None or view["error"] is not None
        }
        assert (status, stopped) == (200, {"dead_letters": (1, "ValueError")})
        await asyncio.sleep(2.5)  # the runner looks once a second
        entries = [each for each in past(300) if each.stream.startswith("time-entry")]
        await service.own.store.append_many(entries)
        status, body = await ready(service)
        assert (status, body["checks"]["projections"]) == (503, False)

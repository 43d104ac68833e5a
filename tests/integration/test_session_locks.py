"""A lock is free when its block ends, however it ends, and the session serves others again."""

import asyncio

import asyncpg
import pytest

from adapters.postgres.connecting import open_pool
from adapters.postgres.locks import session_lock

NAME = "a lock"
HELD = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"


async def held(pool: asyncpg.Pool) -> int:
    number: int = await pool.fetchval(HELD)
    return number


async def test_one_holds_it_and_it_is_free_afterwards(migrated: str) -> None:
    async with await open_pool(migrated, role=None, size=3) as pool:
        async with session_lock(pool, NAME) as first, session_lock(pool, NAME) as second:
            assert (first is None, second is None, await held(pool)) == (False, True, 1)
        assert await held(pool) == 0
        async with session_lock(pool, NAME) as again:
            assert again is not None


async def test_an_error_in_the_block_frees_it(migrated: str) -> None:
    async with await open_pool(migrated, role=None, size=2) as pool:
        with pytest.raises(ZeroDivisionError):
            async with session_lock(pool, NAME):
                raise ZeroDivisionError
        assert await held(pool) == 0


async def test_who_is_cancelled_while_asking_for_it_leaves_none(migrated: str) -> None:
    """The answer that was not waited for may have been yes."""

    async def ask(pool: asyncpg.Pool) -> None:
        async with session_lock(pool, NAME):
            await asyncio.sleep(60)

    async with await open_pool(migrated, role=None, size=2) as pool:
        for pause in (0, 0.0005, 0.001, 0.002, 0.005, 0.05):
            task = asyncio.create_task(ask(pool))
            await asyncio.sleep(pause)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert await held(pool) == 0


async def test_a_lock_ends_with_its_session(migrated: str) -> None:
    async with await open_pool(migrated, role=None, size=3) as pool:
        async with session_lock(pool, NAME) as session:
            assert session is not None
            session.terminate()
        for _ in range(1_000):  # until the server hears of it
            if not await held(pool):
                break
            await asyncio.sleep(0.01)
        async with session_lock(pool, NAME) as again:
            assert again is not None


async def test_a_session_goes_back_without_its_transaction(migrated: str) -> None:
    async with await open_pool(migrated, role=None, size=1) as pool:
        connection = await pool.acquire()
        await connection.execute("BEGIN")
        await connection.execute("SET LOCAL statement_timeout = '1s'")
        await pool.release(connection)
        assert await pool.fetchval("SHOW statement_timeout") == "0"


@pytest.mark.parametrize("refused", [("SELECT $1::int4 + 1", 2**40), ("SELECT 1 / $1::int4", 0)])
async def test_after_a_refused_statement_the_next_begins_anew(
    migrated: str, refused: tuple[str, int]
) -> None:
    """A value that cannot be sent leaves a transaction that asyncpg does not see."""
    async with await open_pool(migrated, role=None, size=1) as pool:
        with pytest.raises((asyncpg.DataError, asyncpg.DivisionByZeroError)):
            await pool.fetch(*refused)
        async with (
            pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            assert await connection.fetchval("SELECT 1") == 1
        begun = await pool.fetchval(
            "SELECT now() - xact_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        )
        assert begun.total_seconds() == 0

"""Locks that a session holds: free the moment its process dies."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import asyncpg.pool

from adapters.postgres.connecting import DRIVER_ERRORS

Session = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

_LOCK = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended($1, 0))"
_WAIT = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"


@asynccontextmanager
async def session_lock(pool: asyncpg.Pool, name: str) -> AsyncIterator[Session | None]:
    """The session that holds the lock for as long as the block; None when somebody else has it."""
    async with pool.acquire() as connection:
        mine = bool(await connection.fetchval(_LOCK, name))
        try:
            yield connection if mine else None
        finally:
            if mine:
                with contextlib.suppress(*DRIVER_ERRORS):  # gone with its session then
                    await connection.execute(_UNLOCK, name)


@asynccontextmanager
async def turn(pool: asyncpg.Pool, name: str) -> AsyncIterator[None]:
    """Wait until nobody else, in any process, is in a block of that name; takes one session."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_WAIT, name)
        yield

"""Locks that a session holds: free the moment its process dies."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import asyncpg.pool

from adapters.postgres.connecting import DRIVER_ERRORS

Session = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

_LOCK = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"
_WAIT = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"


@asynccontextmanager
async def session_lock(pool: asyncpg.Pool, name: str) -> AsyncIterator[Session | None]:
    """The session that holds the lock for as long as the block; None when somebody else has it."""
    async with pool.acquire() as connection:
        try:
            mine = bool(await connection.fetchval(_LOCK, name))
            yield connection if mine else None
        finally:
            await _freed(connection)


async def _freed(connection: Session) -> None:
    """Nobody knows whether a request that was cut off took the lock, so all of them are freed."""
    try:
        await connection.reset()
    except BaseException as error:
        with contextlib.suppress(asyncpg.InterfaceError):  # it is gone already
            connection.terminate()  # and with its session the lock
        if not isinstance(error, DRIVER_ERRORS):
            raise


@asynccontextmanager
async def turn(pool: asyncpg.Pool, name: str) -> AsyncIterator[None]:
    """Wait until nobody else, in any process, is in a block of that name; takes one session."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_WAIT, name)
        yield

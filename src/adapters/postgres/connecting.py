"""Connections to PostgreSQL: settings every session gets, and its errors in our words."""

import functools
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

import asyncpg

from domain.errors import LedgerError, Misconfigured, Unavailable

CONNECT_TIMEOUT = 10.0  # seconds
COMMAND_TIMEOUT = 60.0  # seconds; a page or an append takes milliseconds
WHOLE_TABLE = 86_400.0  # seconds; for statements that take as long as a table is large
SETTINGS = {
    "application_name": "timeledger",
    "TimeZone": "UTC",
    "jit": "off",  # compiling costs more than any of our statements
    "default_transaction_isolation": "read committed",
}
# The statement ended without effect, but not through its own fault: connection, resources,
# shutdown, disk, and a server that has become read-only.
_SERVER_TROUBLE = ("08", "53", "57", "58", "25006", "40")
# What asyncpg raises. InternalClientError: the server ended a session that had nothing to do.
DRIVER_ERRORS = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
_OUR_SETTINGS = ("28", "3D000", "3F000", "42501")


async def connect(
    dsn: str,
    *,
    role: str | None = None,
    extra: Mapping[str, str] = MappingProxyType({}),
    patient: bool = False,
) -> asyncpg.Connection:
    """One session with our settings and `extra` ones; `patient`: no statement of it takes too long.

    Raises:
        Unavailable: nobody answers, or it starts up or shuts down.
        Misconfigured: it refuses the credentials, or there is no such database.
    """
    try:
        return await asyncpg.connect(
            dsn,
            timeout=CONNECT_TIMEOUT,
            command_timeout=None if patient else COMMAND_TIMEOUT,
            server_settings={**settings(role), **extra},
        )
    except DRIVER_ERRORS as error:
        raise translated(error) from error


async def open_pool(dsn: str, *, role: str | None, size: int) -> asyncpg.Pool:
    """Sessions for reading and for the read models; broken ones are replaced when next asked for.

    Whoever changes a session beyond its transaction resets it before it goes back.

    Raises as `connect`.
    """
    try:
        return await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=size,
            timeout=CONNECT_TIMEOUT,
            command_timeout=COMMAND_TIMEOUT,
            server_settings=settings(role),
            connection_class=PooledSession,
            reset=_given_back,
        )
    except DRIVER_ERRORS as error:
        raise translated(error) from error


class PooledSession(asyncpg.Connection):
    """A session of the pool, which goes back as it is unless a statement of it failed.

    By default asyncpg follows every use by a statement that frees locks, cursors, channels and
    settings: half of all round trips. Ours end with the transaction; who leaves anything else in a
    session resets it, as `session_lock` does. But what is left of a statement that failed, nobody
    knows: a value that cannot be sent leaves a transaction open of which asyncpg hears nothing
    (`tests/integration/test_session_locks.py`).
    """

    unclear = False


async def _given_back(session: asyncpg.Connection) -> None:
    """Called after asyncpg has ended its own transaction."""
    assert isinstance(session, PooledSession)  # the pool makes no other
    if session.unclear:
        await session.reset()
        session.unclear = False


def _told_of_failures(name: str) -> Callable[..., Awaitable[Any]]:
    method = getattr(asyncpg.Connection, name)

    @functools.wraps(method)
    async def telling(session: PooledSession, *args: Any, **more: Any) -> Any:
        try:
            return await method(session, *args, **more)
        except BaseException:
            session.unclear = True
            raise

    return telling


for _name in (
    *("execute", "executemany", "fetch", "fetchmany", "fetchrow", "fetchval", "prepare"),
    *("copy_records_to_table", "copy_from_query", "copy_from_table", "copy_to_table"),
):
    setattr(PooledSession, _name, _told_of_failures(_name))


def settings(role: str | None) -> dict[str, str]:
    """As startup settings, so that `RESET ALL` between two users of a session keeps them."""
    return SETTINGS if role is None else {**SETTINGS, "role": role}


def connection_lost(error: BaseException) -> bool:
    """Whether the session is gone, so that nobody can say if the statement took effect."""
    match error:
        # TimeoutError is an OSError.
        case asyncpg.PostgresConnectionError() | asyncpg.InternalClientError() | OSError():
            return True
        case asyncpg.InterfaceError():
            return "clos" in str(error)  # closed, closing: asyncpg has no class of its own
        case asyncpg.PostgresError():
            return str(error.sqlstate).startswith("57P")
    return False


def server_trouble(error: BaseException) -> bool:
    """Whether the server, not the statement, is to blame."""
    return connection_lost(error) or (
        isinstance(error, asyncpg.PostgresError) and str(error.sqlstate).startswith(_SERVER_TROUBLE)
    )


def translated(error: BaseException) -> LedgerError:
    """Our error for one of asyncpg's: by who must act."""
    if isinstance(error, asyncpg.PostgresError) and str(error.sqlstate).startswith(_OUR_SETTINGS):
        return Misconfigured("postgresql", f"{error.sqlstate} {type(error).__name__}")
    if server_trouble(error):
        return Unavailable("postgresql", type(error).__name__)
    return LedgerError(f"postgresql: {type(error).__name__}: {error}")

"""Sessions of the database that hold a lock of the service's, and their sudden end."""

import asyncpg

from tests.support.service import Service


async def holders(service: Service, name: str) -> list[int]:
    """The sessions that hold the lock of that name."""
    rows = await service.own.store.pool.fetch(
        "SELECT pid FROM pg_locks, hashtextextended($1, 0) AS h"
        " WHERE locktype = 'advisory' AND granted AND objsubid = 1"
        "   AND classid::bigint = (h >> 32) & 4294967295 AND objid::bigint = h & 4294967295"
        "   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        name,
    )
    return [row["pid"] for row in rows]


async def end_session(dsn: str, session: int) -> None:
    owner = await asyncpg.connect(dsn)
    try:
        await owner.execute("SELECT pg_terminate_backend($1)", session)
    finally:
        await owner.close()

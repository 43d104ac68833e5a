"""Does the database have the shape that this program needs? Asked by the readiness check."""

import asyncpg

from adapters.postgres.connecting import translated
from adapters.postgres.migrate import packaged


async def pending_migrations(pool: asyncpg.Pool) -> list[str]:
    """Names of the packaged migrations that have not run. Raises Unavailable."""
    try:
        rows = await pool.fetch("SELECT name FROM migration", timeout=5)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise translated(error) from error
    ran = {row["name"] for row in rows}
    return [migration.name for migration in packaged() if migration.name not in ran]

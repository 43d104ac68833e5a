"""What one process at a time does: whoever holds the lock of its name leads, the others wait."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from adapters.postgres.connecting import DRIVER_ERRORS
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.locks import Session, session_lock
from domain.errors import Unavailable

AGAIN = 3.0  # seconds between tries to take the lead
PULSE = 3.0  # seconds between looks whether the session with the lock still lives

log = structlog.get_logger(__name__)


async def lead(
    store: PostgresEventStore, what: str, led: Callable[[Session], Awaitable[None]]
) -> None:
    """Lead in `what` whenever nobody else does, until cancelled; outages are waited out.

    `led` gets the session that holds the lock, and must end with it: see `pulse`.
    """
    name, waits = f"timeledger {what} {store.log_id}", f"{what}_waits"
    while True:
        try:
            async with session_lock(store.pool, name) as session:
                if session is not None:
                    await led(session)
        except* (*DRIVER_ERRORS, Unavailable) as gone:
            names = [type(error).__name__ for error in gone.exceptions]
            log.warning(waits, errors=names)
        await asyncio.sleep(AGAIN)


async def pulse(session: Session) -> None:
    """Raises what the driver raises once the session, and the lock with it, is gone."""
    while True:
        await asyncio.sleep(PULSE)
        await session.execute("SELECT 1")

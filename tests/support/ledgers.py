"""Opening a ledger for a test."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.migrate import migrate
from domain.event import Event
from tests.support.example_events import CATALOGUE

ENCRYPTION_KEYS = ("Z9kcD6yJrO0aJqTG8kFAMaGCUTcrTjBpTgMmKVrfCmk=",)


@asynccontextmanager
async def postgres_ledger(
    dsn: str,
    *,
    catalogue: Sequence[type[Event]] = CATALOGUE,
    log_id: int = 1,
    patience: float = 10.0,
    encryption_keys: Sequence[str] = ENCRYPTION_KEYS,
) -> AsyncIterator[PostgresEventStore]:
    """The store on `dsn`, migrated."""
    await migrate(dsn)
    async with PostgresEventStore.open(
        dsn,
        catalogue=catalogue,
        encryption_keys=encryption_keys,
        log_id=log_id,
        pool_size=4,
        patience=patience,
    ) as store:
        yield store


async def migrated(dsn: str) -> None:
    """For `DatabaseServer.template`: migrated once, copied for every test."""
    await migrate(dsn)

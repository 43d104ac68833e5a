"""Settings that all processes of a ledger must share, as the service that started last has them."""

from collections.abc import Mapping

from adapters.postgres.connecting import DRIVER_ERRORS, translated
from adapters.postgres.event_store import PostgresEventStore

_PUT = """
INSERT INTO agreed_setting (log_id, name, value)
SELECT $1, * FROM unnest($2::text[], $3::text[])
ON CONFLICT (log_id, name) DO UPDATE SET value = excluded.value
"""
_ALL = "SELECT name, value FROM agreed_setting WHERE log_id = $1"


async def agree(store: PostgresEventStore, values: Mapping[str, str]) -> None:
    """Keep the values, by name, for the others to compare with. Raises Unavailable."""
    try:
        await store.pool.execute(_PUT, store.log_id, list(values), list(values.values()))
    except DRIVER_ERRORS as error:
        raise translated(error) from error


async def agreed(store: PostgresEventStore) -> Mapping[str, str]:
    """The values kept; none before a service ever started. Raises Unavailable."""
    try:
        rows = await store.pool.fetch(_ALL, store.log_id)
    except DRIVER_ERRORS as error:
        raise translated(error) from error
    return {row["name"]: row["value"] for row in rows}

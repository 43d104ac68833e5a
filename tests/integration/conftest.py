"""A migrated database per test, copied from one that was migrated once."""

from collections.abc import Iterator

import pytest

from adapters.postgres.migrate import migrate
from tests.support.postgres import DatabaseServer


async def _migrated(dsn: str) -> None:
    await migrate(dsn)


@pytest.fixture
def migrated(embedded_server: DatabaseServer) -> Iterator[str]:
    """DSN of a database with all tables and nothing in them."""
    template = embedded_server.template("migrated", _migrated)
    with embedded_server.database(template) as dsn:
        yield dsn

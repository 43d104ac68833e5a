"""What PgQueuer says of an outage is a warning; of anything else it stays an error."""

import logging

import asyncpg
import pytest

from adapters.postgres.jobs import as_warning


@pytest.mark.parametrize(
    ("error", "level"),
    [
        (asyncpg.CannotConnectNowError("the database system is starting up"), logging.WARNING),
        (asyncpg.AdminShutdownError("terminating connection"), logging.WARNING),
        (ConnectionRefusedError(111, "Connect call failed"), logging.WARNING),
        (asyncpg.UndefinedTableError("no such table"), logging.ERROR),
        (ValueError("ours"), logging.ERROR),
    ],
)
def test_only_an_outage_is_told_as_a_warning(error: Exception, level: int) -> None:
    said = (type(error), error, None)
    record = logging.LogRecord("pgqueuer", logging.ERROR, __file__, 1, "failed", (), said)
    assert as_warning(record)
    assert (record.levelno, record.levelname) == (level, logging.getLevelName(level))

"""Which PostgreSQL servers are accepted."""

import asyncpg
import pytest

from adapters.postgres.server_check import require_supported
from domain.errors import Misconfigured


class AnsweringConnection:
    def __init__(self, **settings: str) -> None:
        self._settings = settings

    async def fetchval(self, query: str, /) -> str:
        return self._settings[query.removeprefix("SHOW ")]


async def test_every_supported_release_is_accepted(any_database: str) -> None:
    connection = await asyncpg.connect(any_database)
    try:
        version = await require_supported(connection)
    finally:
        await connection.close()
    assert version.major >= 15


async def test_an_older_server_is_refused_by_name_with_what_to_do() -> None:
    old = AnsweringConnection(server_version_num="140011", server_encoding="UTF8")
    with pytest.raises(Misconfigured, match=r"PostgreSQL 14\.11, Timeledger needs 15 or newer"):
        await require_supported(old)


async def test_a_database_that_cannot_hold_every_character_is_refused() -> None:
    latin = AnsweringConnection(server_version_num="160002", server_encoding="LATIN1")
    with pytest.raises(Misconfigured, match="encoded as LATIN1"):
        await require_supported(latin)

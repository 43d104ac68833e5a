"""Is this PostgreSQL one that we can keep a ledger in? Asked once, at start."""

from typing import Any, NamedTuple, Protocol

from domain.errors import Misconfigured

OLDEST = 15  # the oldest release that store and integration tests run on
ENCODING = "UTF8"  # whatever a peer sends must fit


class ServerVersion(NamedTuple):
    """As PostgreSQL counts since version 10: 18.4 is major 18, minor 4."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


class Connection(Protocol):
    """What the check needs of an asyncpg connection, be it pooled or not."""

    async def fetchval(self, query: str, /) -> Any: ...


async def require_supported(connection: Connection) -> ServerVersion:
    """The version of the server behind `connection`.

    Raises:
        Misconfigured: it is too old, or the database cannot hold every character.
    """
    number = int(await connection.fetchval("SHOW server_version_num"))
    version = ServerVersion(*divmod(number, 10_000))
    if version.major < OLDEST:
        raise Misconfigured(
            "postgresql",
            f"the server is PostgreSQL {version}, Timeledger needs {OLDEST} or newer: upgrade it,"
            " or leave DATABASE_URL unset to use the embedded one",
        )
    encoding = await connection.fetchval("SHOW server_encoding")
    if encoding != ENCODING:
        raise Misconfigured(
            "postgresql",
            f"the database is encoded as {encoding}: create one with ENCODING '{ENCODING}'",
        )
    return version

"""Bringing a database to the shape this program needs: once, whoever starts first."""

import hashlib
import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

import asyncpg
import structlog

from adapters.postgres.connecting import DRIVER_ERRORS, connect, translated
from adapters.postgres.server_check import require_supported
from domain.errors import Misconfigured

log = structlog.get_logger(__name__)

LOCK = 0x544C_0000_0000_0001  # any number nobody else uses: "TL" and this lock's number
RUNTIME_ROLE = "timeledger_runtime"
APPEND_ONLY = ("event", "stream", "seen")
_FILE = re.compile(r"(\d{4})_\w+\.(pre|post)\.sql")
_PHASES = ("pre", "post")


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One SQL file: `name` is its file name, which is what is recorded."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


async def migrate(
    dsn: str, *, phases: Sequence[str] = _PHASES, runtime_role: str = RUNTIME_ROLE
) -> list[str]:
    """Run what this database lacks; return the names of the files run, oldest first.

    Safe to call from several processes at once and again at every start. It takes as long as it
    takes: an index of millions of rows needs minutes, and so does who waits for another process.

    Raises:
        Misconfigured: the server is too old or not UTF-8, a file was edited after it ran, or a
            newer program has been here.
        Unavailable: the server cannot be reached, or went away.
        LedgerError: it refused a statement; that file had no effect.
    """
    connection = await connect(dsn, patient=True)
    try:
        return await _bring_up_to_date(connection, phases, runtime_role)
    except DRIVER_ERRORS as error:
        raise translated(error) from error
    finally:
        await connection.close()  # releases the lock too


async def require_ledger(dsn: str) -> None:
    """Raises Misconfigured when the database has no ledger, or one that this program cannot know.

    For who only looks: nothing is brought up to date.
    """
    connection = await connect(dsn)
    try:
        ran = await _recorded(connection)
    except DRIVER_ERRORS as error:
        raise translated(error) from error
    finally:
        await connection.close()
    if not ran:
        what = "There is no ledger in this database: nothing was looked at."
        raise Misconfigured("service", what)
    _require_known(ran)


def packaged(phases: Sequence[str] = _PHASES) -> list[Migration]:
    """The migrations shipped with this program, in the order in which they run."""
    return read_folder(files("adapters.postgres") / "migrations", phases)


def read_folder(folder: Traversable, phases: Sequence[str] = _PHASES) -> list[Migration]:
    """All `pre` files by number, then all `post` files. ValueError when two share a number."""
    found: dict[tuple[int, str], Migration] = {}
    for file in folder.iterdir():
        if match := _FILE.fullmatch(file.name):
            number, phase = match.groups()
            key = (_PHASES.index(phase), number)
            if key in found:
                raise ValueError(f"{file.name} and {found[key].name} have the same number")
            if phase in phases:
                found[key] = Migration(name=file.name, sql=file.read_text(encoding="utf-8"))
    return [found[key] for key in sorted(found)]


async def _bring_up_to_date(
    connection: asyncpg.Connection, phases: Sequence[str], runtime_role: str
) -> list[str]:
    await require_supported(connection)
    await _lock(connection)
    _require_known(await _recorded(connection))
    done = [
        migration.name
        for migration in packaged(phases)
        if await _run_unless_recorded(connection, migration)
    ]
    await _grant(connection, runtime_role)
    return done


async def _lock(connection: asyncpg.Connection) -> None:
    """Wait until no other process migrates; the lock lasts as long as the session."""
    if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
        log.info("migration_waits", reason="another process migrates")
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK)


async def _recorded(connection: asyncpg.Connection) -> set[str]:
    """The names of what ran here; none where nothing ever did."""
    if not await connection.fetchval("SELECT to_regclass('migration') IS NOT NULL"):
        return set()
    return {name for (name,) in await connection.fetch("SELECT name FROM migration")}


def _require_known(ran: AbstractSet[str]) -> None:
    if unknown := sorted(ran - {migration.name for migration in packaged()}):
        raise Misconfigured(
            "service",
            f"A newer Timeledger has been at this database: it ran {unknown[-1]}, which this one"
            " does not know. Start that one again; or restore the backup from before its first"
            " start, and start this one on that (docs/operations.md, Going back).",
        )


async def _run_unless_recorded(connection: asyncpg.Connection, migration: Migration) -> bool:
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY, checksum text NOT NULL,"
        " ran_at timestamptz NOT NULL DEFAULT now())"
    )
    recorded = await connection.fetchval(
        "SELECT checksum FROM migration WHERE name = $1", migration.name
    )
    if recorded == migration.checksum:
        return False
    if recorded is not None:
        raise Misconfigured("postgresql", f"{migration.name} was edited after it had run here")
    log.info("migrating", migration=migration.name)
    async with connection.transaction():
        await connection.execute(migration.sql)
        await connection.execute(
            "INSERT INTO migration (name, checksum) VALUES ($1, $2)",
            migration.name,
            migration.checksum,
        )
    return True


async def _grant(connection: asyncpg.Connection, role: str) -> None:
    """Make the runtime role, which cannot change a fact, where the server lets us."""
    try:
        await _ensure_role(connection, role)
    except asyncpg.InsufficientPrivilegeError:
        log.warning(
            "runtime_role_missing", role=role, effect="the ledger is guarded by triggers alone"
        )
        return
    ledger = ", ".join(APPEND_ONLY)
    async with connection.transaction():
        schema = await connection.fetchval("SELECT quote_ident(current_schema())")
        name = await connection.fetchval("SELECT quote_ident($1)", role)
        await connection.execute(f"""
            GRANT USAGE ON SCHEMA {schema} TO {name};
            GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {name};
            GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {name};
            REVOKE UPDATE, DELETE, TRUNCATE ON {ledger} FROM {name};
            REVOKE INSERT, UPDATE, DELETE ON migration FROM {name};
            ALTER DEFAULT PRIVILEGES IN SCHEMA {schema}
                GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {name};
            ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE ON SEQUENCES TO {name};
        """)


async def _ensure_role(connection: asyncpg.Connection, role: str) -> None:
    name = await connection.fetchval("SELECT quote_ident($1)", role)
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
        # Another database of this server may be migrated in the same moment.
        with suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
            await connection.execute(f"CREATE ROLE {name} NOLOGIN")
    if not await connection.fetchval("SELECT pg_has_role(current_user, $1, 'MEMBER')", role):
        await connection.execute(f"GRANT {name} TO CURRENT_USER")

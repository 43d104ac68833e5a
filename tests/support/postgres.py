"""PostgreSQL servers for tests: one per release and test process, one fresh database per test.

Each pytest-xdist worker has servers of its own, started at the first test that needs one and
stopped at its end, also when the worker is killed: nothing to share, nothing left over.
"""

import asyncio
import contextlib
import itertools
import shutil
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import asyncpg

from adapters.embedded import EmbeddedPostgres
from tests.support.known_secrets import watch_address

T = TypeVar("T")

DEBIAN = Path("/usr/lib/postgresql")
PREFIX = "timeledger-test-"
IN_MEMORY = Path("/dev/shm")  # each folder has a name of its own
ROOM = 8 * 2**30  # bytes; a worker's servers need less than one and a half
DAY = 86_400  # seconds; no test runs as long
OLDEST = 15  # the oldest release we support
# A crash of the machine may cost the data: they are thrown away anyway.
FOR_TESTS: Mapping[str, str] = MappingProxyType(
    {
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
        "shared_buffers": "64MB",
        "max_wal_size": "256MB",
        "autovacuum_naptime": "10min",
        "max_connections": "200",
    }
)


def debian_binaries() -> Path | None:
    """Debian's programs of the oldest supported release that is installed."""
    found = [
        (int(home.name), home / "bin")
        for home in DEBIAN.glob("[0-9]*")
        if home.name.isdigit() and (home / "bin" / "initdb").exists()
    ]
    return min((pair for pair in found if pair[0] >= OLDEST), default=(0, None))[1]


class DatabaseServer:
    """A running server that hands out databases; the methods block, for use in fixtures."""

    def __init__(self, server: EmbeddedPostgres, loop: asyncio.AbstractEventLoop) -> None:
        self.server = server
        self._loop = loop
        self._numbers = itertools.count(1)
        self._templates: dict[str, str] = {}

    @classmethod
    @contextmanager
    def running(
        cls,
        binaries: Path | None = None,
        *,
        folder: Path | None = None,
        settings: Mapping[str, str] = FOR_TESTS,
    ) -> Iterator[Self]:
        """A server in `folder`, or in a new one that is removed afterwards.

        The supervisor works in a thread: fixtures of a session outlive the loops of its tests.
        """
        _remove_what_killed_tests_left()
        home = folder or Path(tempfile.mkdtemp(prefix=PREFIX, dir=_place()))
        home.chmod(0o711)  # the server's account must pass through
        server = EmbeddedPostgres(home / "postgres", settings=settings, binaries=binaries)
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="postgres", daemon=True)
        thread.start()
        try:
            databases = cls(server, loop)
            databases.wait(server.start())
            watch_address("the password of the tests' database", server.dsn)
            yield databases
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()
            if folder is None:
                shutil.rmtree(home, ignore_errors=True)

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the supervisor's loop, for instance `server.restart()`."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(120)

    @contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """The DSN of a new database, a copy of `template`; dropped afterwards."""
        name = f"test_{next(self._numbers)}"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        try:
            yield self.dsn(name)
        finally:
            self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def template(self, name: str, prepare: Callable[[str], Awaitable[None]]) -> str:
        """The name of a template filled once by `prepare(dsn)`, for instance with migrations."""
        if name not in self._templates:
            database = f"template_{name}"
            self._execute(f'CREATE DATABASE "{database}" TEMPLATE template0 STRATEGY file_copy')
            self.wait(_run(prepare, self.dsn(database)))
            self._templates[name] = database
        return self._templates[name]

    def dsn(self, database: str) -> str:
        return urlsplit(self.server.dsn)._replace(path=f"/{database}").geturl()

    async def _connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        """A connection, also when a test has just killed the server."""
        for _ in range(500):
            try:
                return await asyncpg.connect(self.server.dsn)
            except (OSError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError):
                await asyncio.sleep(0.02)
        return await asyncpg.connect(self.server.dsn)

    def _execute(self, statement: str) -> None:
        async def execute() -> None:
            connection = await self._connect()
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        self.wait(execute())


def _place() -> Path:
    """Where the databases lie: in memory, where there is room for all of them, else on the disk.

    Each test creates and deletes a thousand files, and nothing of them is to outlive it.
    """
    with contextlib.suppress(OSError):
        if shutil.disk_usage(IN_MEMORY).free > ROOM:
            return IN_MEMORY
    return Path(tempfile.gettempdir())


def _remove_what_killed_tests_left() -> None:
    """Their servers ended by themselves, their folders did not."""
    for left in _place().glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if left.stat().st_mtime < time.time() - DAY:
                shutil.rmtree(left, ignore_errors=True)


async def _run(prepare: Callable[[str], Awaitable[None]], dsn: str) -> None:
    await prepare(dsn)

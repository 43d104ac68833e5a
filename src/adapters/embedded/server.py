"""The supervisor: starts the server, starts it again when it dies, stops it with the service."""

import asyncio
import contextlib
import os
import random
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import ParamSpec, TypeVar
from urllib.parse import quote

import asyncpg
import structlog

from adapters.embedded.account import Account, account_for
from adapters.embedded.binaries import Binaries, usable_binaries
from adapters.embedded.folder import USER, Folder, data_argument, make_cluster, require_major
from adapters.embedded.process import PortTaken, ServerProcess
from domain.errors import LedgerError, Misconfigured, Unavailable

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger("embedded")

HOST = "127.0.0.1"

DATABASE = "timeledger"
START_LIMIT = 300.0  # seconds; recovery after a crash may read a whole `max_wal_size`
LEFTOVER_LIMIT = 40.0  # seconds for the server of a killed service to end
# Its guard stops it; this is for the case that the guard was killed as well. Seconds, signal:
# shut down in order, then at once, then by force.
LEFTOVER_SIGNALS = ((0.5, signal.SIGINT), (25.0, signal.SIGQUIT), (30.0, signal.SIGKILL))
LOOK = 0.02  # seconds between two tries to connect or to take a lock
STEADY = 10.0  # seconds after which the end of a server is not the fault of its start
RESTART_PAUSE = 1.0  # seconds at most between two tries to start a server that dies again
# Below the range from which systems take the local ports of outgoing connections, so that no
# client can sit on our port while the server restarts.
PORTS = range(20_000, 32_000)
PORT_TRIES = 5  # someone else can take a free port before the server does

START_ERRORS = (LedgerError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)

SMALL_AND_DURABLE: Mapping[str, str] = MappingProxyType(
    {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "shared_buffers": "128MB",
        "max_connections": "100",
        "max_wal_size": "1GB",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",  # solid state disks
        "jit": "off",  # compiling costs more than our short queries
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_min_messages": "log",  # refused statements are the client's business
        "log_error_verbosity": "terse",  # the detail of an error can hold values of a row
        "log_checkpoints": "off",
        "cluster_name": "timeledger",
    }
)
# After everything else on the command line: no setting and no file can open the server.
ONLY_THIS_MACHINE: Mapping[str, str] = MappingProxyType(
    {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "password_encryption": "scram-sha-256",
        "logging_collector": "off",
    }
)


class EmbeddedPostgres:
    """PostgreSQL without installation.

    Args:
        folder: made when missing; holds the data, the password and the log of the server.
        port: on 127.0.0.1; 0 takes a free one, which stays the same until `stop`.
        settings: server settings beside those of `SMALL_AND_DURABLE`, by name.
        binaries: folder with `postgres` and `initdb`; the wheel's when None.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        settings: Mapping[str, str] = MappingProxyType({}),
        binaries: Path | None = None,
    ) -> None:
        self._folder = Folder(folder)
        self._wanted_port = port
        self._port = port
        self._settings = {**SMALL_AND_DURABLE, **settings, **ONLY_THIS_MACHINE}
        self._wanted_binaries = binaries
        self._password = ""
        self._service_lock: int | None = None
        self._runs_as: tuple[Account, Binaries] | None = None
        self._process: ServerProcess | None = None
        self._watch: asyncio.Task[None] | None = None
        self._changing = asyncio.Lock()

    @property
    def port(self) -> int:
        """The port on 127.0.0.1; 0 before the first start when none was asked for."""
        return self._port

    @property
    def pid(self) -> int:
        """The process id of the server's first process."""
        return self._running().pid

    @property
    def dsn(self) -> str:
        """The address of the database `timeledger`, with password: never log it."""
        self._running()
        return self._address(DATABASE)

    async def start(self) -> str:
        """Start the server, on first use after creating it, and return its DSN.

        Raises:
            Misconfigured: folder, version, account or port cannot work; says what to do.
            Unavailable: the server started but accepted no connection in time.
        """
        async with self._changing:
            if self._process is None:
                try:
                    await _in_thread(self._prepare)
                    await self._create_if_new()
                    await self._first_launch()
                except OSError as error:
                    self._release()
                    raise Misconfigured("postgresql", f"no embedded server: {error}") from error
                except BaseException:
                    self._release()
                    raise
                self._watch = asyncio.create_task(self._keep_running())
        return self.dsn

    async def stop(self) -> None:
        """Shut the server down in order and leave the folder to others; again is no error."""
        watch, self._watch = self._watch, None
        if watch:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch
        async with self._changing:
            try:
                if self._process:
                    await self._process.stop()
            finally:
                self._release()

    async def restart(self) -> None:
        """Kill the server as a crash would and start it again on the same port; for tests."""
        async with self._changing:
            self._running().kill()
            await self._running().ended()
            await self._launch()

    def _running(self) -> ServerProcess:
        if self._process is None:
            raise Unavailable("postgresql", "the embedded server was not started")
        return self._process

    def _address(self, database: str) -> str:
        # Without TLS there is no look for certificates in a home that may be closed to us.
        where = f"{HOST}:{self._port}/{database}?sslmode=disable"
        return f"postgresql://{USER}:{self._password}@{where}"

    def _prepare(self) -> None:
        """Everything that can be refused before the server is touched."""
        self._folder.open()
        self._service_lock = self._folder.lock("service.lock")
        if self._service_lock is None:
            raise Misconfigured(
                "postgresql",
                f"another service (process {self._folder.service_pid()}) uses {self._folder.root}:"
                " stop it, or give this one a folder of its own",
            )
        os.truncate(self._service_lock, 0)
        os.write(self._service_lock, f"{os.getpid()}\n".encode())
        account = account_for(self._folder.data)
        binaries = usable_binaries(account, self._wanted_binaries)
        self._folder.let_through(account, binaries)
        self._runs_as = account, binaries
        self._password = quote(self._folder.password(), safe="")

    async def _create_if_new(self) -> None:
        """Only at the start: a restart that finds no data must not invent an empty ledger."""
        assert self._runs_as
        lock = await self._when_alone()
        try:
            if not self._folder.data.exists():
                durable = self._settings["fsync"] != "off"
                await _in_thread(
                    make_cluster, self._folder, *self._runs_as, lock=lock, durable=durable
                )
        finally:
            os.close(lock)

    async def _first_launch(self) -> None:
        for tries_left in reversed(range(PORT_TRIES)):
            self._port = self._wanted_port or _free_port()
            try:
                await self._launch()
            except PortTaken:
                if self._wanted_port or not tries_left:
                    raise
            else:
                return

    async def _launch(self) -> None:
        """Have a server that accepts connections, once nothing is left of the one before it."""
        assert self._runs_as
        account, binaries = self._runs_as
        lock = await self._when_alone()
        try:
            require_major(self._folder, binaries)
            process = self._process = await ServerProcess.launch(
                self._command(binaries), self._folder, account, lock=lock
            )
        finally:
            os.close(lock)  # from here on the server holds it
        try:
            await self._ready(process)
        except BaseException:
            await process.stop()
            raise

    async def _when_alone(self) -> int:
        """The server lock, after ending what a killed service may have left behind."""
        began = time.monotonic()
        signals = list(LEFTOVER_SIGNALS)
        while (lock := self._folder.lock("server.lock")) is None:
            waited = time.monotonic() - began
            if waited > LEFTOVER_LIMIT:
                raise Misconfigured(
                    "postgresql", f"an earlier server of {self._folder.root} does not end: stop it"
                )
            if signals and waited >= signals[0][0] and (pid := self._folder.server_pid()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signals.pop(0)[1])
            await asyncio.sleep(LOOK)
        if pid := self._folder.server_pid():
            os.close(lock)
            raise Misconfigured(
                "postgresql",
                f"process {pid} already serves {self._folder.data}, started by hand: stop it",
            )
        self._folder.forget_dead_server()
        return lock

    def _command(self, binaries: Binaries) -> list[str]:
        settings = {**self._settings, "port": str(self._port)}
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [binaries.postgres, "-D", data_argument(self._folder.data, binaries), *options]

    async def _ready(self, process: ServerProcess) -> None:
        """Wait until the database answers, or until the server has ended.

        Only a connection tells: the process exists before it is ready, and a dead one can
        linger as a zombie.
        """
        connecting = asyncio.create_task(self._connect())
        ending = asyncio.create_task(process.ended())
        try:
            await asyncio.wait(
                {connecting, ending}, timeout=START_LIMIT, return_when=asyncio.FIRST_COMPLETED
            )
            if connecting.done():
                connecting.result()
            elif ending.done():
                raise process.failure(self._port)
            else:
                raise Unavailable(
                    "postgresql", f"no connection within {START_LIMIT} s; see {self._folder.log}"
                )
        finally:
            for task in (connecting, ending):
                task.cancel()
            await asyncio.gather(connecting, ending, return_exceptions=True)

    async def _connect(self) -> None:
        """Connect as soon as it is possible, and create the database at the first time."""
        while True:
            try:
                connection = await asyncpg.connect(self._address(DATABASE))
            except asyncpg.InvalidCatalogNameError:
                await self._create_database()
            except asyncpg.InvalidPasswordError as error:
                raise Misconfigured(
                    "postgresql", f"the password in {self._folder.root} is not the server's"
                ) from error
            except (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError):
                await asyncio.sleep(LOOK)
            else:
                await connection.close()
                return

    async def _create_database(self) -> None:
        connection = await asyncpg.connect(self._address("postgres"))
        try:
            await connection.execute(f"CREATE DATABASE {DATABASE}")
        finally:
            await connection.close()

    async def _keep_running(self) -> None:
        """Start the server again whenever it ends, at once at first, then with pauses."""
        pause = 0.0
        while True:
            process = self._running()
            await process.ended()
            await asyncio.sleep(pause)
            async with self._changing:
                if self._process is not process:
                    continue  # it was restarted on purpose
                log.warning("embedded_postgres_ended", port=self._port, lived=process.age())
                pause = 0.0 if process.age() > STEADY else min(RESTART_PAUSE, pause * 2 + LOOK)
                try:
                    await self._launch()
                except START_ERRORS as error:
                    reason = str(error)  # no traceback: its variables include the password
                    log.error("embedded_postgres_not_restarted", reason=reason)  # noqa: TRY400

    def _release(self) -> None:
        self._process = None
        if self._service_lock is not None:
            os.close(self._service_lock)
            self._service_lock = None


@asynccontextmanager
async def embedded_postgres(
    folder: Path,
    *,
    port: int = 0,
    settings: Mapping[str, str] = MappingProxyType({}),
    binaries: Path | None = None,
) -> AsyncIterator[str]:
    """The DSN of an embedded server that runs as long as the block; see `EmbeddedPostgres`."""
    server = EmbeddedPostgres(folder, port=port, settings=settings, binaries=binaries)
    try:
        yield await server.start()
    finally:
        await server.stop()


def _free_port() -> int:
    """A port of `PORTS` on which nobody listens now; whoever is quicker is noticed at the start."""
    while True:
        port = random.choice(PORTS)  # noqa: S311 - not a secret
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port


async def _in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking work beside the loop; a cancelled caller still waits for its end."""
    work = asyncio.create_task(asyncio.to_thread(function, *args, **kwargs))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait({work})
        raise

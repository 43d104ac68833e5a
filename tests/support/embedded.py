"""Services with an embedded server as processes that tests can look at and kill."""

import json
import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypedDict, TypeVar

import asyncpg

from adapters.embedded.account import account_for
from adapters.embedded.binaries import wheel_binaries
from tests.support.known_secrets import heard, watch_address

T = TypeVar("T")

REPOSITORY = Path(__file__).parents[2]
PATIENCE = 30.0  # seconds; a tenth of one is usual, the machine may be busy
QUICK: Mapping[str, str] = MappingProxyType({"fsync": "off", "shared_buffers": "16MB"})
SAME_PACKAGES: Mapping[str, str] = MappingProxyType(
    {"PYTHONPATH": os.pathsep.join([str(REPOSITORY), *filter(None, sys.path)])}
)


# What a client sees of a server that was killed. The last one is asyncpg's, for a connection
# that was told of its end while it was idle (MagicStack/asyncpg#1069).
LOST = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class User(TypedDict, total=False):
    user: int
    group: int
    extra_groups: Sequence[int]


class Service:
    """A process of `tests.support.embedded_service` that said that its server is ready."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout
        line = process.stdout.readline()
        assert line, f"the service ended with {process.wait()}"
        said = json.loads(line)
        watch_address("the password of a database", said.pop("dsn"))
        heard(json.dumps(said), "an embedded service")
        self.process = process
        self.server_pid: int = said["pid"]
        self.lives: int = said["lives"]
        report(f"life {self.lives}: server started in {said['seconds']:.2f} s")

    def kill(self) -> None:
        kill(self.process)


@contextmanager
def starting_service(
    folder: Path,
    *,
    python: str = sys.executable,
    environment: Mapping[str, str] = SAME_PACKAGES,
    user: User | None = None,
) -> Iterator["subprocess.Popen[str]"]:
    """A service that has just been started on `folder`; it is ended with the block."""
    process = subprocess.Popen(
        [python, "-m", "tests.support.embedded_service", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        env={"PATH": os.environ["PATH"], **environment},
        **(user or {}),
    )
    try:
        yield process
    finally:
        out, _ = process.communicate(timeout=PATIENCE)
        heard(out or "", "an embedded service")


@contextmanager
def service(folder: Path, **how: Any) -> Iterator[Service]:
    """A service whose server accepts connections."""
    with starting_service(folder, **how) as process:
        yield Service(process)


@contextmanager
def server_started_by_hand(
    folder: Path, *, lock: int | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """A server on the data in `folder` without guard; it holds `lock` if one is given."""
    data = folder / "data"
    server = subprocess.Popen(
        [wheel_binaries() / "postgres", "-D", "/proc/self/cwd", "--listen_addresses=", "-k", "."],
        cwd=data,
        stderr=subprocess.DEVNULL,
        pass_fds=() if lock is None else (lock,),
        **account_for(data).as_user(),
    )
    try:
        wait_until(lambda: "ready" in _text(data / "postmaster.pid"))
        yield server
    finally:
        server.terminate()
        server.wait(PATIENCE)


def report(figure: str) -> None:
    """Show a measured time with the output of a test; busy machines make bounds unfair."""
    sys.stdout.write(f"{figure}\n")


def kill(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.wait()


def is_gone(pid: int) -> bool:
    """Whether the process has ended; a zombie counts as gone."""
    state = _text(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return not state or state[0] in "ZX"


def program_of(pid: int) -> Path:
    """The file that the process executes."""
    return Path(f"/proc/{pid}/exe").resolve()


def parent_of(pid: int) -> int:
    return int(_text(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()[1])


def status_of(pid: int) -> dict[str, str]:
    """The kernel's status of a process, by field name."""
    lines = _text(Path(f"/proc/{pid}/status")).splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def listening_addresses(port: int) -> set[str]:
    """The local addresses, as the kernel writes them, on which somebody listens on `port`."""
    listening = "0A"
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for row in _text(Path(table)).splitlines()[1:]:
            address, _, local_port = row.split()[1].rpartition(":")
            if int(local_port, 16) == port and row.split()[3] == listening:
                found.add(address)
    return found


def outward_addresses() -> set[str]:
    """This machine's address towards the outside, if it has one; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return set()
        return {probe.getsockname()[0]}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def files_in(folder: Path) -> set[Path]:
    return set(folder.iterdir())


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < deadline, "not reached in time"
        time.sleep(0.02)


async def ask(dsn: str, question: str) -> Any:
    """The one value that `question` answers, over a connection of its own."""
    watch_address("the password of a database", dsn)
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def eventually(attempt: Callable[[], Awaitable[T]]) -> T:
    """The result of `attempt` once the server is back."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return await attempt()
        except LOST:
            assert time.monotonic() < deadline, "the server did not come back"


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""

"""The folder of one embedded server: what is in it, who may use it, how it is first made.

```text
folder/            0700, of the service
├── password       0600, of the database superuser
├── service.lock   held by the one service that uses the folder
├── server.lock    held until the last server process is gone, whoever started it
├── server.log     what the server says
└── data/          0700, of the account that runs the server: PostgreSQL's own
```
"""

import errno
import fcntl
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

from adapters.embedded.account import Account
from adapters.embedded.binaries import Binaries
from domain.errors import Misconfigured

USER = "timeledger"
INITDB_LIMIT = 120.0  # seconds; half a second is usual, a laptop's disk can be slow
# Sorting by bytes, so that no upgrade of the C library can spoil an index; letters are Unicode's.
BUILTIN_LOCALE = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
C_LIBRARY_LOCALE = ("--locale=C.UTF-8",)  # before 17 there is no provider `builtin`
FIRST_WITH_BUILTIN_LOCALE = 17
FIRST_THAT_STAYS = 16
NEEDS_A_NAME = " (give this user an entry in /etc/passwd, or set DATABASE_URL)"
LOG_LIMIT = 10_000_000  # bytes; a longer log is put aside at the next start


class Folder:
    """Paths and first contents of the folder of an embedded server."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.data = self.root / "data"
        self.log = self.root / "server.log"
        self._password = self.root / "password"

    def open(self) -> None:
        """Make the folder, closed to others, or check that the one there is ours.

        Raises:
            Misconfigured: it belongs to somebody else or holds something else.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            names = {path.name for path in self.root.iterdir()} - {"lost+found"}
            if names and "service.lock" not in names:
                raise Misconfigured(
                    "postgresql", f"{self.root} holds other files: choose an empty folder"
                )
            self.root.chmod(0o700)
        except OSError as error:
            raise Misconfigured(
                "postgresql",
                f"{self.root} cannot be used as data folder: {error.strerror}",
            ) from error

    def is_made(self) -> bool:
        """Whether a server was made here; what we may not look at counts, and `open` says so."""
        try:
            return self.data.exists()
        except OSError:
            return True

    def let_through(self, account: Account, binaries: Binaries) -> None:
        """Let `account` walk to its data where it has to, without listing what lies beside."""
        if not account.is_ours and data_argument(self.data, binaries) == str(self.data):
            self.root.chmod(0o711)

    def lock(self, name: str) -> int | None:
        """The descriptor of the lock `name`, or None while somebody else holds it.

        The lock belongs to the open file: children that inherit it hold it as well.
        """
        descriptor = _opened(self.root / name, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def service_pid(self) -> str:
        """Who wrote its process id into the lock of the service, for people to read."""
        return (self.root / "service.lock").read_text().strip() or "unknown"

    def password(self) -> str:
        """The superuser's password, made when there is none yet.

        Raises:
            Misconfigured: there is data but the file with its password is gone.
        """
        if self._password.exists():
            return self._password.read_text().strip()
        if self.data.exists():
            raise Misconfigured(
                "postgresql", f"{self._password} is missing: restore it from where the data is from"
            )
        fresh = secrets.token_urlsafe(32)
        draft = self._password.with_suffix(".new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(fresh)
            file.flush()
            os.fsync(descriptor)
        draft.rename(self._password)
        return fresh

    def open_log(self) -> int:
        """A descriptor that appends to the log."""
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        return _opened(self.log, os.O_WRONLY | os.O_APPEND)

    def server_pid(self) -> int | None:
        """The pid in PostgreSQL's own lock file if such a process lives in our data folder."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None
        return pid if pid > 1 and self._lives_here(pid) else None

    def _lives_here(self, pid: int) -> bool:
        """Whether `pid` is a server process of this folder: pids come back as other programs."""
        try:
            if sys.platform != "linux":
                os.kill(pid, 0)
                return True
            data = self.data.stat()
            process = Path(f"/proc/{pid}")
            same_folder = os.path.samestat((process / "cwd").stat(), data)
            return same_folder and process.stat().st_uid == data.st_uid
        except OSError:
            return False

    def forget_dead_server(self) -> None:
        """Remove PostgreSQL's lock file when its server is gone.

        The server refuses to start when the pid in it lives again as another program, as is
        usual in containers. Call this only with the server lock held.
        """
        if sys.platform == "linux" and self.server_pid() is None:
            (self.data / "postmaster.pid").unlink(missing_ok=True)


def data_argument(data: Path, binaries: Binaries) -> str:
    """How a program that works in the folder `data` is told of it.

    On Linux as its working directory: the account that runs it need not be able to walk the
    path to it, which may lead through a closed home or be very long. Releases before 16 leave
    their working directory while they look for their other programs; they get the path.
    """
    here = Path("/proc/self/cwd")
    return str(here if binaries.major >= FIRST_THAT_STAYS and here.is_dir() else data)


def _opened(path: Path, how: int) -> int:
    """The descriptor of a file of the folder, made when missing.

    Never that of what a link points to: root may use a folder that another user made, and would
    empty or fill a file of that user's choice.

    Raises:
        Misconfigured: it is a link.
    """
    try:
        return os.open(path, how | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        text = f"{path} is a link, which Timeledger never made: remove it"
        raise Misconfigured("postgresql", text) from error


def make_cluster(
    folder: Folder, account: Account, binaries: Binaries, *, lock: int, durable: bool
) -> None:
    """Create the data folder with `initdb`, all or nothing.

    Raises:
        Misconfigured: `initdb` failed; the message ends with what it said.
    """
    draft = folder.data.with_suffix(".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    if not account.is_ours:
        os.chown(draft, account.uid, account.gid)
    password = folder.password()
    run = _initdb(draft, password, account, binaries, lock=lock, durable=durable)
    if run.returncode:
        shutil.rmtree(draft, ignore_errors=True)
        said = " ".join(run.stderr.split())[-500:]
        remedy = NEEDS_A_NAME if "effective user ID" in said else ""
        raise Misconfigured("postgresql", f"initdb failed for {folder.data}: {said}{remedy}")
    draft.rename(folder.data)
    _sync_folder(folder.root)
    _sync_folder(folder.root.parent)


def _initdb(
    draft: Path, password: str, account: Account, binaries: Binaries, *, lock: int, durable: bool
) -> "subprocess.CompletedProcess[str]":
    modern = binaries.major >= FIRST_WITH_BUILTIN_LOCALE
    arguments = [
        binaries.initdb,
        f"--pgdata={data_argument(draft, binaries)}",
        f"--username={USER}",
        "--auth-local=scram-sha-256",
        "--auth-host=scram-sha-256",
        "--pwfile=/dev/stdin",
        "--data-checksums",
        "--encoding=UTF8",
        *(BUILTIN_LOCALE if modern else C_LIBRARY_LOCALE),
        *(() if durable else ("--no-sync",)),
    ]
    reader, writer = os.pipe()
    try:
        os.write(writer, f"{password}\n".encode())
        if not account.is_ours:
            os.fchown(reader, account.uid, account.gid)  # opened by name: /dev/stdin
    finally:
        os.close(writer)
    try:
        return subprocess.run(  # noqa: S603 - our own program
            arguments,
            stdin=reader,
            capture_output=True,
            text=True,
            check=False,
            cwd=draft,
            env=environment(),
            pass_fds=(lock,),
            timeout=INITDB_LIMIT,
            **account.as_user(),
        )
    finally:
        os.close(reader)


def require_major(folder: Folder, binaries: Binaries) -> None:
    """Refuse data of another major version, which the server could not read.

    Raises:
        Misconfigured: with both versions and the ways out.
    """
    try:
        made_by = (folder.data / "PG_VERSION").read_text().strip()
    except OSError as error:
        raise Misconfigured(
            "postgresql",
            f"{folder.data} is not a PostgreSQL data folder: move it away to start with an empty"
            " one, or restore it",
        ) from error
    if made_by != str(binaries.major):
        raise Misconfigured(
            "postgresql",
            f"{folder.data} was made by PostgreSQL {made_by} but this is PostgreSQL"
            f" {binaries.major}: start it with the release of Timeledger that made it and carry"
            " the data over with pg_dump, or set DATABASE_URL to a server that has it, or move"
            " the folder away to start empty",
        )


def environment() -> dict[str, str]:
    """What the programs see: nothing of ours, so that no PG* variable redirects them."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


def _sync_folder(path: Path) -> None:
    """Make a rename in `path` survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

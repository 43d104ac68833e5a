"""The embedded server as root and as an ordinary user, with programs they may or may not reach."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from adapters.embedded import EmbeddedPostgres
from adapters.embedded.account import Account, account_for
from adapters.embedded.binaries import MAJOR, WHEEL, usable_binaries, wheel_binaries
from domain.errors import Misconfigured
from tests.support.embedded import (
    QUICK,
    REPOSITORY,
    SAME_PACKAGES,
    ask,
    is_gone,
    program_of,
    service,
    status_of,
    wait_until,
)

AS_ROOT = os.geteuid() == 0
NOBODY = 65534
MYSELF = Account(uid=os.geteuid(), gid=os.getegid(), name="myself", is_ours=True)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every account can reach, other than pytest's."""
    path = Path(tempfile.mkdtemp(prefix="timeledger-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.mark.skipif(not AS_ROOT, reason="only root has to hand its data to another account")
async def test_root_runs_the_server_as_an_account_without_rights(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "server", settings=QUICK)
    await server.start()
    status = status_of(server.pid)
    await server.stop()
    account = account_for(tmp_path / "server" / "data")
    assert account.uid not in {0, os.geteuid()}
    assert status["Uid"].split() == [str(account.uid)] * 4
    assert status["Gid"].split() == [str(account.gid)] * 4
    assert status["Groups"].split() == []
    assert int(status["CapEff"], 16) == 0


@pytest.mark.skipif(not AS_ROOT, reason="only root can own data that it must not serve")
def test_data_that_belongs_to_root_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="chown -R"):
        account_for(tmp_path)


@pytest.mark.skipif(not AS_ROOT, reason="only root can open files that its server cannot")
async def test_programs_below_a_closed_folder_are_copied_to_an_open_one(
    tmp_path: Path, open_folder: Path
) -> None:
    site = tmp_path / "site"
    _copy_wheel(site)
    not_ours = open_folder / "not ours"
    not_ours.mkdir()
    os.chown(not_ours, NOBODY, NOBODY)
    ours = open_folder / "ours"
    for _ in range(2):  # copied once, found again
        binaries = _found_by_a_service_with(site, not_ours, ours)
    assert ours in binaries.parents
    assert len(list(ours.iterdir())) == 1
    assert not list(not_ours.iterdir())
    assert all(path.stat().st_uid == 0 for path in ours.rglob("*"))
    server = EmbeddedPostgres(tmp_path / "server", settings=QUICK, binaries=binaries)
    try:
        assert await ask(await server.start(), "SELECT to_json('ä'::text)::text") == '"ä"'
        assert program_of(server.pid) == binaries / "postgres"
    finally:
        await server.stop()


@pytest.mark.skipif(not AS_ROOT, reason="the other tests already run as an ordinary user")
def test_an_ordinary_user_runs_the_server_as_himself(open_folder: Path) -> None:
    python = _python_for_everyone()
    if python is None:
        pytest.skip("no Python of this version that an ordinary user may run")
    site = open_folder / "site"
    _copy_wheel(site)
    _copy_service(site)
    home = open_folder / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    for life in (1, 2):
        with service(
            home / "server",
            python=python,
            environment={"PYTHONPATH": str(site), "HOME": str(home)},
            user={"user": NOBODY, "group": NOBODY, "extra_groups": []},
        ) as running:
            assert running.lives == life
            assert status_of(running.server_pid)["Uid"].split() == [str(NOBODY)] * 4
            running.kill()
            wait_until(partial(is_gone, running.server_pid))
    assert (home / "server" / "password").stat().st_uid == NOBODY


@pytest.mark.skipif(not AS_ROOT, reason="only root can lose the right to change users")
def test_a_root_that_cannot_change_users_is_told_so(tmp_path: Path) -> None:
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("no setpriv to take the right away with")
    said = subprocess.run(
        [
            *(setpriv, "--bounding-set=-all", "--inh-caps=-all"),
            *(sys.executable, "-m", "tests.support.embedded_service", str(tmp_path / "server")),
        ],
        env=dict(SAME_PACKAGES),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "this root cannot become" in said.stderr
    assert said.returncode == 1


def test_the_wheel_names_the_same_programs() -> None:
    script = f"from {WHEEL}.utils import POSTGRES_VERSIONS; print(POSTGRES_VERSIONS[{MAJOR}])"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert Path(said.stdout.decode().strip()) == wheel_binaries()


def test_missing_programs_are_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="no program `postgres`"):
        usable_binaries(MYSELF, tmp_path)


def test_programs_that_do_not_run_are_named(tmp_path: Path) -> None:
    (tmp_path / "postgres").write_text("not a program")
    with pytest.raises(Misconfigured, match="does not run as"):
        usable_binaries(MYSELF, tmp_path)


def _found_by_a_service_with(site: Path, *places: Path) -> Path:
    """Where a service whose wheel lies in `site` runs the programs from."""
    script = (
        "import sys; from pathlib import Path\n"
        "from adapters.embedded.account import account_for\n"
        "from adapters.embedded.binaries import usable_binaries\n"
        "account = account_for(Path('/nowhere'))\n"
        "print(usable_binaries(account, places=sys.argv[1:]).folder)"
    )
    said = subprocess.run(
        [sys.executable, "-c", script, *map(str, places)],
        env={"PYTHONPATH": os.pathsep.join([str(site), *filter(None, sys.path)])},
        capture_output=True,
        check=True,
        umask=0o077,
    )
    return Path(said.stdout.decode().strip())


def _copy_wheel(site: Path) -> None:
    """What the server needs of the wheel, as if it was installed in `site`."""
    source = wheel_binaries().parents[2]
    unused = shutil.ignore_patterns("pginstall", "include", "*.a")
    for name in (WHEEL, f"{WHEEL}.libs"):
        shutil.copytree(source / name, site / name, ignore=unused)


def _copy_service(site: Path) -> None:
    """Our own packages and what they import, for a user who cannot reach ours."""
    packages = wheel_binaries().parents[2]
    for name in ("asyncpg", "structlog"):
        shutil.copytree(packages / name, site / name)
    for name in ("domain", "adapters/embedded"):
        shutil.copytree(REPOSITORY / "src" / name, site / name)
    shutil.copytree(REPOSITORY / "tests" / "support", site / "tests" / "support")


def _python_for_everyone() -> str | None:
    """A Python like ours that `nobody` may run: ours can lie in a closed home."""
    wanted = f"{sys.version_info.major}.{sys.version_info.minor}"
    question = "import sys; print('%d.%d' % sys.version_info[:2])"
    for python in (sys.executable, f"/usr/bin/python{wanted}", f"/usr/local/bin/python{wanted}"):
        try:
            said = subprocess.run(
                [python, "-I", "-c", question],
                capture_output=True,
                check=True,
                cwd="/",
                user=NOBODY,
                group=NOBODY,
                extra_groups=[],
            )
        except (OSError, subprocess.SubprocessError):
            continue
        if said.stdout.decode().strip() == wanted:
            return python
    return None

"""The embedded server outlives nobody and comes back from everything: kills of all its parts."""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import time
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from adapters.embedded import EmbeddedPostgres, embedded_postgres
from adapters.embedded.folder import Folder
from domain.errors import Misconfigured
from tests.support.embedded import (
    PATIENCE,
    QUICK,
    ask,
    eventually,
    is_gone,
    kill,
    parent_of,
    report,
    server_started_by_hand,
    service,
    starting_service,
    wait_until,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "server"


def another(server: EmbeddedPostgres, former: int) -> bool:
    return server.pid != former


async def test_a_killed_server_comes_back_on_its_port(folder: Path) -> None:
    server = EmbeddedPostgres(folder, settings=QUICK)
    pool = await asyncpg.create_pool(await server.start(), min_size=2)
    try:
        await pool.execute("CREATE TABLE kept AS SELECT 42 AS n")
        for _ in range(2):
            killed = server.pid
            os.kill(killed, signal.SIGKILL)
            began = time.perf_counter()
            # a session that has not noticed may still answer: wait for the next server
            await asyncio.to_thread(wait_until, partial(another, server, killed))
            assert await eventually(lambda: pool.fetchval("SELECT n FROM kept")) == 42
            report(f"back after {time.perf_counter() - began:.2f} s")
    finally:
        pool.terminate()
        await server.stop()


async def test_a_killed_guard_costs_the_server_only_a_moment(folder: Path) -> None:
    server = EmbeddedPostgres(folder, settings=QUICK)
    dsn = await server.start()
    try:
        first = server.pid
        os.kill(parent_of(first), signal.SIGKILL)
        await asyncio.to_thread(wait_until, lambda: is_gone(first))
        assert await eventually(lambda: ask(dsn, "SELECT 1")) == 1
    finally:
        await server.stop()


async def test_a_restart_that_finds_no_data_invents_none(folder: Path) -> None:
    server = EmbeddedPostgres(folder, settings=QUICK)
    await server.start()
    shutil.rmtree(folder / "data", ignore_errors=True)
    os.kill(server.pid, signal.SIGKILL)
    await asyncio.sleep(1)
    assert not (folder / "data" / "PG_VERSION").exists()
    await server.stop()


def test_a_killed_service_leaves_no_server_and_can_start_again(folder: Path) -> None:
    with service(folder) as first:
        first.kill()
        wait_until(lambda: is_gone(first.server_pid))
    with service(folder) as second:
        assert second.lives == 2


def test_a_service_killed_together_with_its_guard_can_start_again(folder: Path) -> None:
    with service(folder) as first:
        os.kill(parent_of(first.server_pid), signal.SIGKILL)
        first.kill()
    with service(folder) as second:  # at once: it waits for what is left of the first
        assert is_gone(first.server_pid)
        assert second.lives == 2


def test_a_service_killed_together_with_its_server_can_start_again(folder: Path) -> None:
    with service(folder) as first:
        first.kill()
        with contextlib.suppress(ProcessLookupError):
            os.kill(first.server_pid, signal.SIGKILL)
    with service(folder) as second:
        assert second.lives == 2


def test_a_service_killed_while_it_makes_its_folder_can_start_again(folder: Path) -> None:
    chance = random.Random(4711)
    for _ in range(4):
        with starting_service(folder) as process:
            time.sleep(chance.uniform(0.2, 1.2))
            kill(process)
    with service(folder) as last:
        assert last.lives >= 1


def test_ctrl_c_in_the_terminal_leaves_the_server_to_its_service(folder: Path) -> None:
    with service(folder) as running:
        assert os.getsid(running.server_pid) != os.getsid(running.process.pid)


@pytest.mark.parametrize("moment", [0.05, 0.3, 0.9, 1.1])  # in seconds, all through a first start
async def test_a_start_that_is_called_off_leaves_nothing_behind(
    folder: Path, moment: float
) -> None:
    server = EmbeddedPostgres(folder, settings=QUICK)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(server.start(), moment)
    await server.stop()
    async with embedded_postgres(folder, settings=QUICK) as dsn:
        assert await ask(dsn, "SELECT 1") == 1


async def test_a_leftover_server_without_guard_is_shut_down_first(folder: Path) -> None:
    """As where the kernel cannot tie the server to its guard and both were killed."""
    async with embedded_postgres(folder, settings=QUICK):
        pass
    lock = Folder(folder).lock("server.lock")
    assert lock is not None
    with server_started_by_hand(folder, lock=lock) as leftover:
        os.close(lock)
        async with embedded_postgres(folder, settings=QUICK) as dsn:
            assert leftover.wait(PATIENCE) == 0
            assert await ask(dsn, "SELECT 1") == 1


async def test_a_server_started_by_hand_is_named_and_left_alone(folder: Path) -> None:
    async with embedded_postgres(folder, settings=QUICK):
        pass
    with server_started_by_hand(folder) as other:
        with pytest.raises(Misconfigured, match=f"process {other.pid} already serves"):
            await EmbeddedPostgres(folder).start()
        assert other.poll() is None

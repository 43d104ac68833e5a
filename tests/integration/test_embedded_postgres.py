"""The embedded server: what a start makes, what it refuses, and who can reach it."""

import os
import socket
import time
from pathlib import Path

import asyncpg
import pytest

from adapters.embedded import EmbeddedPostgres, embedded_postgres
from adapters.embedded.binaries import MAJOR
from domain.errors import Misconfigured
from tests.support.embedded import (
    QUICK,
    ask,
    files_in,
    is_gone,
    listening_addresses,
    mode,
    outward_addresses,
    report,
    status_of,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Below a folder that pytest keeps closed to other accounts, as a home of root is."""
    return tmp_path / "server"


async def test_a_new_folder_becomes_a_database_closed_to_others(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    began = time.perf_counter()
    dsn = await server.start()
    first = time.perf_counter() - began
    try:
        assert (await ask(dsn, "SHOW server_version")).startswith(f"{MAJOR}.")
        assert await ask(dsn, "SELECT current_database()") == "timeledger"
        assert await ask(dsn, "SHOW server_encoding") == "UTF8"
        assert await ask(dsn, "SHOW data_checksums") == "on"
        assert await ask(dsn, "SHOW fsync") == "on"
        assert mode(folder) == 0o700
        assert mode(folder / "data") == 0o700
        assert mode(folder / "password") == 0o600
        assert mode(folder / "server.log") == 0o600
        assert status_of(server.pid)["Uid"].split()[0] != "0"
    finally:
        await server.stop()
    began = time.perf_counter()
    await server.start()
    report(f"first start {first:.2f} s, later start {time.perf_counter() - began:.2f} s")
    await server.stop()


async def test_what_was_written_is_there_at_the_next_start(folder: Path) -> None:
    async with embedded_postgres(folder, settings=QUICK) as dsn:
        await ask(dsn, "CREATE TABLE kept AS SELECT 42 AS n")
    async with embedded_postgres(folder, settings=QUICK) as dsn:
        assert await ask(dsn, "SELECT n FROM kept") == 42


async def test_settings_reach_the_server(folder: Path) -> None:
    async with embedded_postgres(folder, settings={**QUICK, "commit_delay": "2000"}) as dsn:
        assert await ask(dsn, "SHOW commit_delay") == "2000"


async def test_nobody_outside_this_machine_can_connect(folder: Path) -> None:
    wide_open = {**QUICK, "listen_addresses": "*", "unix_socket_directories": "/tmp"}
    server = EmbeddedPostgres(folder, settings=wide_open)
    dsn = await server.start()
    try:
        await ask(dsn, "ALTER SYSTEM SET listen_addresses = '*'")
        await server.restart()
        assert await ask(dsn, "SHOW listen_addresses") == "127.0.0.1"
        assert await ask(dsn, "SHOW unix_socket_directories") == ""
        assert listening_addresses(server.port) == {"0100007F"}
        for address in {"127.0.0.2", *outward_addresses()}:
            with pytest.raises(OSError, match="refused"):
                socket.create_connection((address, server.port), timeout=5)
    finally:
        await server.stop()


async def test_every_way_in_asks_for_the_password_and_none_leads_outside(folder: Path) -> None:
    async with embedded_postgres(folder, settings=QUICK) as dsn:
        rules = "SELECT array_agg(DISTINCT {}) FROM pg_hba_file_rules"
        assert await ask(dsn, rules.format("auth_method")) == ["scram-sha-256"]
        addresses = await ask(dsn, rules.format("address"))
        assert set(addresses) <= {None, "127.0.0.1", "::1"}
        secret = (folder / "password").read_text()
        assert len(secret) > 40
        with pytest.raises(asyncpg.InvalidPasswordError):
            await ask(dsn.replace(secret, "guess"), "SELECT 1")


async def test_starting_and_stopping_twice_is_harmless(folder: Path) -> None:
    server = EmbeddedPostgres(folder, settings=QUICK)
    assert await server.start() == await server.start()
    pid = server.pid
    await server.stop()
    await server.stop()
    assert is_gone(pid)


async def test_a_second_service_is_told_that_the_folder_is_in_use(folder: Path) -> None:
    async with embedded_postgres(folder, settings=QUICK) as dsn:
        with pytest.raises(Misconfigured, match=rf"another service \(process {os.getpid()}\)"):
            await EmbeddedPostgres(folder).start()
        assert await ask(dsn, "SELECT 1") == 1


async def test_data_of_another_major_version_is_refused_with_the_ways_out(folder: Path) -> None:
    async with embedded_postgres(folder, settings=QUICK):
        pass
    (folder / "data" / "PG_VERSION").write_text("17\n")
    with pytest.raises(Misconfigured, match=r"made by PostgreSQL 17 .* pg_dump"):
        await EmbeddedPostgres(folder).start()


async def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    thesis = tmp_path / "thesis.txt"
    thesis.write_text("years of work")
    with pytest.raises(Misconfigured, match="holds other files"):
        await EmbeddedPostgres(tmp_path).start()
    assert files_in(tmp_path) == {thesis}


async def test_damaged_data_and_a_lost_password_are_named(folder: Path) -> None:
    async with embedded_postgres(folder, settings=QUICK):
        pass
    (folder / "data" / "PG_VERSION").unlink()
    with pytest.raises(Misconfigured, match="not a PostgreSQL data folder"):
        await EmbeddedPostgres(folder).start()
    (folder / "password").unlink()
    with pytest.raises(Misconfigured, match="password is missing"):
        await EmbeddedPostgres(folder).start()


async def test_a_taken_port_is_named(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(Misconfigured, match=rf"port {port} on 127\.0\.0\.1 is taken"):
            await EmbeddedPostgres(folder, port=port, settings=QUICK).start()


async def test_a_setting_that_does_not_exist_is_named(folder: Path) -> None:
    with pytest.raises(Misconfigured, match="no_such_setting"):
        await EmbeddedPostgres(folder, settings={**QUICK, "no_such_setting": "1"}).start()


@pytest.mark.parametrize(
    "name", ["with space", "quote ' \" $HOME", "ümläut", "/".join(["deep" * 30] * 10)]
)
async def test_any_path_will_do(tmp_path: Path, name: str) -> None:
    async with embedded_postgres(tmp_path / name, settings=QUICK) as dsn:
        assert await ask(dsn, "SELECT 1") == 1


async def test_a_stale_pid_that_lives_again_as_another_program_is_no_obstacle(folder: Path) -> None:
    server = EmbeddedPostgres(folder, settings=QUICK)
    await server.start()
    pid_file = folder / "data" / "postmaster.pid"
    lines = pid_file.read_text().split("\n")
    await server.stop()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    async with embedded_postgres(folder, settings=QUICK) as dsn:
        assert await ask(dsn, "SELECT 1") == 1


def prepared(folder: Path, name: str) -> Path:
    """What somebody else's link in the folder points to."""
    folder.mkdir()
    (folder / "service.lock").touch()
    victim = folder.parent / "victim"
    victim.write_text("precious")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(victim)
    return victim


def untouched(victim: Path) -> bool:
    return victim.read_text() == "precious"


@pytest.mark.parametrize("name", ["service.lock", "server.log"])
async def test_a_link_in_a_prepared_folder_is_not_followed(folder: Path, name: str) -> None:
    victim = prepared(folder, name)
    with pytest.raises(Misconfigured, match="is a link"):
        async with embedded_postgres(folder):
            pass
    assert untouched(victim)

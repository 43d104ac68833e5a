"""Migrations run once, in order, whoever starts first."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from adapters.postgres import connecting
from adapters.postgres.migrate import LOCK, migrate, packaged, read_folder, require_ledger
from domain.errors import LedgerError, Misconfigured, Unavailable


async def test_processes_starting_together_migrate_once(any_database: str) -> None:
    runs = await asyncio.gather(*(migrate(any_database) for _ in range(4)))
    assert sorted(name for run in runs for name in run) == sorted(m.name for m in packaged())
    assert await migrate(any_database) == []


async def test_a_migration_may_take_longer_than_any_other_statement(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "COMMAND_TIMEOUT", 0.2)
    other = await asyncpg.connect(database)
    await other.execute("SELECT pg_advisory_lock($1)", LOCK)
    waiting = asyncio.create_task(migrate(database))
    await asyncio.sleep(1)
    assert not waiting.done()
    await other.close()
    assert await waiting == [migration.name for migration in packaged()]


async def test_what_a_newer_program_did_is_refused(database: str) -> None:
    await migrate(database)
    connection = await asyncpg.connect(database)
    await connection.execute("INSERT INTO migration VALUES ('9999_later.pre.sql', 'its checksum')")
    await connection.close()
    with pytest.raises(Misconfigured, match="it ran 9999_later"):
        await migrate(database)
    with pytest.raises(Misconfigured, match="it ran 9999_later"):
        await require_ledger(database)


async def test_a_statement_that_the_server_refuses_is_an_error_of_ours(database: str) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute("CREATE TABLE event (something_else text)")
    await connection.close()
    with pytest.raises(LedgerError, match="DuplicateTableError"):
        await migrate(database)


async def test_an_edited_migration_is_refused(database: str) -> None:
    await migrate(database)
    connection = await asyncpg.connect(database)
    await connection.execute("UPDATE migration SET checksum = 'other' WHERE name LIKE '0001%'")
    await connection.close()
    with pytest.raises(Misconfigured, match="0001_ledger"):
        await migrate(database)


async def test_a_database_that_is_not_utf8_is_refused(database: str) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute(
        "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
    )
    try:
        with pytest.raises(Misconfigured, match="UTF8"):
            await migrate(database.rsplit("/", 1)[0] + "/latin")
    finally:
        await connection.execute("DROP DATABASE latin WITH (FORCE)")
        await connection.close()


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="postgresql"):
        await migrate("postgresql://nobody@127.0.0.1:1/nothing")


async def test_a_missing_database_is_the_administrators(database: str) -> None:
    with pytest.raises(Misconfigured, match="3D000"):
        await migrate(database.rsplit("/", 1)[0] + "/missing")


def test_pre_files_run_before_post_files_by_number(tmp_path: Path) -> None:
    for name in ("0002_b.pre.sql", "0001_a.post.sql", "0001_a.pre.sql", "README.md"):
        (tmp_path / name).write_text("SELECT 1")
    names = [migration.name for migration in read_folder(tmp_path)]
    assert names == ["0001_a.pre.sql", "0002_b.pre.sql", "0001_a.post.sql"]
    assert [m.name for m in read_folder(tmp_path, ["post"])] == ["0001_a.post.sql"]


def test_two_files_of_one_number_are_refused(tmp_path: Path) -> None:
    for name in ("0001_a.pre.sql", "0001_b.pre.sql"):
        (tmp_path / name).write_text("SELECT 1")
    with pytest.raises(ValueError, match="0001"):
        read_folder(tmp_path)

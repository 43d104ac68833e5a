"""Nobody changes the past unnoticed."""

from collections.abc import AsyncIterator
from typing import Any, cast

import asyncpg
import pytest

from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.migrate import RUNTIME_ROLE, migrate
from adapters.postgres.verify import walk
from domain.errors import LedgerDamaged, Misconfigured
from domain.event import Append
from tests.support.example_events import CATALOGUE, EVERYTHING, NOW, SERVICE, noting
from tests.support.ledgers import ENCRYPTION_KEYS, postgres_ledger

ALTERATIONS = {
    "log_id": "9",
    "position": "99",
    "stream_id": "gen_random_uuid()",
    "version": "version + 100",
    "event_id": "gen_random_uuid()",
    "type": "'Measured'",
    "schema_version": "schema_version + 1",
    "occurred_at": "occurred_at + interval '1 microsecond'",
    "recorded_at": "recorded_at + interval '1 microsecond'",
    "data": "replace(data::text, 'text', 'test')::json",
    "meta": "replace(meta::text, 'c-1', 'c-2')::json",
    "digest": "set_byte(digest, 31, get_byte(digest, 31) # 1)",
}
SPACES = {"data": "(data::text || ' ')::json", "meta": "(' ' || meta::text)::json"}
LAST = 5


@pytest.fixture
async def store(database: str) -> AsyncIterator[PostgresEventStore]:
    async with postgres_ledger(database) as opened:
        await opened.append(noting("note-1", "a", "b", claims=("name:x",)))
        await opened.append(
            Append(
                stream="thing-1", events=[EVERYTHING], metadata=SERVICE, occurred_at=NOW, expected=0
            )
        )
        await opened.append(noting("note-1", "c"))
        await opened.append(noting("note-2", "d", key="k"))
        yield opened


async def tamper(dsn: str, statement: str) -> None:
    """As a superuser who switches the triggers off: outside the ordinary."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(f"""
        ALTER TABLE event DISABLE TRIGGER ALL; ALTER TABLE stream DISABLE TRIGGER ALL;
        ALTER TABLE seen DISABLE TRIGGER ALL;
        {statement};
        ALTER TABLE event ENABLE ALWAYS TRIGGER append_only;
        ALTER TABLE stream ENABLE ALWAYS TRIGGER append_only;
        ALTER TABLE seen ENABLE ALWAYS TRIGGER append_only;
    """)
    await connection.close()


async def test_an_untouched_ledger_verifies(store: PostgresEventStore) -> None:
    seen: list[tuple[int, int]] = []
    report = await store.verify(progress=lambda done, all_: seen.append((done, all_)))
    assert report.ok
    assert (report.checked_from, report.checked_to) == (1, LAST)
    assert report.head_digest == (await store.page(LAST - 1, 1))[0].digest
    assert seen == [(LAST, LAST)]
    part = await store.verify(2, 3)
    assert (part.ok, part.checked_from, part.checked_to) == (True, 2, 3)


async def test_what_is_recorded_during_the_walk_breaks_no_chain(store: PostgresEventStore) -> None:
    """The other tables speak of it, and it lies behind the end that the walk began with."""
    fetchval, asked = store.pool.fetchval, 0

    class Meanwhile:
        fetch = store.pool.fetch

        async def fetchval(self, query: str, *arguments: object) -> object:
            nonlocal asked
            asked += 1
            await store.append(
                noting(f"note-{10 + asked}", "e", key=f"k{asked}", claims=(f"{asked}",))
            )
            return await fetchval(query, *arguments)

    report = await walk(cast("Any", Meanwhile()), store.codec, store.log_id, 2, None, None)
    assert asked == 3
    assert (report.ok, report.checked_to) == (True, LAST + 1)
    assert await store.head() == LAST + 3


async def test_every_column_is_altered_and_found(database: str, store: PostgresEventStore) -> None:
    columns = await store.pool.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'event'::regclass AND attnum > 0"
    )
    assert set(ALTERATIONS) == {row["attname"] for row in columns}
    await tamper(database, "CREATE TABLE untouched AS TABLE event")
    for column, value in [*ALTERATIONS.items(), *SPACES.items()]:
        for position in (1, 2, LAST):
            await tamper(
                database, f"UPDATE event SET {column} = {value} WHERE position = {position}"
            )
            report = await store.verify()
            assert report.first_bad_position == position, (column, position, report)
            await tamper(database, "DELETE FROM event; INSERT INTO event TABLE untouched")
    assert (await store.verify()).ok


async def test_each_byte_of_the_stored_texts_counts(
    database: str, store: PostgresEventStore
) -> None:
    for column in ("data", "meta"):
        original = await store.pool.fetchval(f"SELECT {column}::text FROM event WHERE position = 2")
        for n, letter in enumerate(original):
            if not letter.isalnum():
                continue
            altered = original[:n] + ("1" if letter != "1" else "2") + original[n + 1 :]
            await tamper(database, f"UPDATE event SET {column} = '{altered}' WHERE position = 2")
            report = await store.verify()
            assert report.first_bad_position == 2, altered
        await tamper(database, f"UPDATE event SET {column} = '{original}' WHERE position = 2")
        assert (await store.verify()).ok


@pytest.mark.parametrize(
    ("statement", "position"),
    [
        ("DELETE FROM event WHERE position = 3", 3),
        ("DELETE FROM event WHERE position = 5", 5),
        ("UPDATE stream SET name = 'note-7' WHERE name = 'note-1'", 1),
        ("UPDATE stream SET kind = 'notes' WHERE name = 'note-2'", 5),
        ("UPDATE stream SET version = 1 WHERE name = 'thing-1'", 3),
        ("DELETE FROM stream WHERE name = 'thing-1'", 3),
        ("UPDATE seen SET position = 17", 17),
        ("UPDATE claim SET position = 18", 18),
        ("UPDATE event SET data = 'null' WHERE position = 3", 3),
        ("UPDATE event SET meta = 'null' WHERE position = 3", 3),
    ],
)
async def test_tables_that_contradict_the_chain_are_found(
    database: str, store: PostgresEventStore, statement: str, position: int
) -> None:
    await tamper(database, statement)
    assert (await store.verify()).first_bad_position == position


@pytest.mark.parametrize(
    "change", ["DELETE FROM stream", "UPDATE event SET data = '{}'", "UPDATE event SET meta = '1'"]
)
async def test_reading_a_damaged_event_names_its_position(
    database: str, store: PostgresEventStore, change: str
) -> None:
    await tamper(database, change)
    with pytest.raises(LedgerDamaged) as damaged:
        await store.page(1, 10)
    assert damaged.value.position == 2


@pytest.mark.parametrize("table", ["event", "stream", "seen"])
@pytest.mark.parametrize(
    "change", ["UPDATE {} SET log_id = 1", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
)
async def test_even_the_owner_is_refused(any_database: str, table: str, change: str) -> None:
    await migrate(any_database)
    owner = await asyncpg.connect(any_database)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await owner.execute(change.format(table))
        await owner.execute("SET session_replication_role = replica")
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await owner.execute(change.format(table))
    finally:
        await owner.close()


async def test_the_service_runs_as_a_role_without_the_right(store: PostgresEventStore) -> None:
    assert await store.pool.fetchval("SELECT current_user") == RUNTIME_ROLE
    for privilege, allowed in {
        "SELECT": True,
        "INSERT": True,
        "UPDATE": False,
        "DELETE": False,
        "TRUNCATE": False,
    }.items():
        for table in ("event", "stream", "seen"):
            assert allowed == await store.pool.fetchval(
                "SELECT has_table_privilege($1, $2)", table, privilege
            ), (table, privilege)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await store.pool.execute("ALTER TABLE event DISABLE TRIGGER append_only")


async def test_without_the_right_to_make_roles_triggers_alone_guard(database: str) -> None:
    owner = await asyncpg.connect(database)
    await owner.execute("CREATE ROLE plain LOGIN PASSWORD 'plain'")
    await owner.execute("GRANT ALL ON SCHEMA public TO plain")
    try:
        plain = database.replace(database.split("//")[1].split("@", maxsplit=1)[0], "plain:plain")
        await migrate(plain, runtime_role="never_made")
        async with PostgresEventStore.open(
            plain,
            catalogue=CATALOGUE,
            encryption_keys=ENCRYPTION_KEYS,
            runtime_role="never_made",
        ) as store:
            await store.append(noting("note-1", "a"))
            assert await store.pool.fetchval("SELECT current_user") == "plain"
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
                await store.pool.execute("DELETE FROM event")
    finally:
        await owner.execute("DROP OWNED BY plain; DROP ROLE plain")
        await owner.close()


async def test_a_database_that_was_not_migrated_is_named(database: str) -> None:
    with pytest.raises(Misconfigured, match="migrated"):
        async with PostgresEventStore.open(
            database, catalogue=CATALOGUE, encryption_keys=ENCRYPTION_KEYS
        ):
            pass

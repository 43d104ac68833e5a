"""Keys per person in the database: made once, destroyed for good, rotated in place."""

import asyncio

from cryptography.fernet import Fernet

from adapters.postgres.event_store import PostgresEventStore
from domain.event import Actor, Metadata
from domain.personal import Personal
from tests.support.example_events import noting
from tests.support.ledgers import postgres_ledger

ADA = Metadata(actor=Actor(kind="user", name=Personal("account:1", "ada")), correlation_id="c")


async def names(store: PostgresEventStore) -> list[str | None]:
    """Who acted, as this store opens it."""
    found = []
    for event in await store.page(0, 100):
        name = event.metadata.actor.name
        assert isinstance(name, Personal)
        found.append(name.value)
    return found


async def test_nothing_personal_stands_in_the_tables_in_clear(database: str) -> None:
    async with postgres_ledger(database) as store:
        await store.append(noting("note-1", "a", metadata=ADA))
        (row,) = await store.pool.fetch("SELECT event::text AS text FROM event")
        assert '"key":"account:1#1"' in row["text"].replace('""', '"')
        assert '"ada"' not in row["text"].replace('""', '"')


async def test_processes_in_a_race_make_one_key(database: str) -> None:
    async with postgres_ledger(database) as one, postgres_ledger(database) as other:
        await asyncio.gather(
            *(
                store.append(noting(f"note-{n}", "a", metadata=ADA))
                for n, store in enumerate((one, other) * 5)
            )
        )
        assert await one.pool.fetchval("SELECT count(*) FROM subject_key") == 1
        assert await names(one) == ["ada"] * 10
        assert await names(other) == ["ada"] * 10


async def test_an_erasure_reaches_other_processes(database: str) -> None:
    async with postgres_ledger(database) as one, postgres_ledger(database) as other:
        await one.append(noting("note-1", "a", metadata=ADA))
        assert await names(other) == ["ada"]
        await one.erase("account:1")
        for _ in range(250):  # five seconds
            if await names(other) == [None]:
                break
            await asyncio.sleep(0.02)
        await other.append(noting("note-1", "b", metadata=ADA))
        assert await names(one) == [None, "ada"]
        assert (await one.verify()).ok
    async with postgres_ledger(database) as later:
        assert await names(later) == [None, "ada"]


async def test_encryption_keys_are_replaced_in_place(database: str) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    async with postgres_ledger(database, encryption_keys=[old]) as store:
        await store.append(noting("note-1", "a", metadata=ADA))
    async with postgres_ledger(database, encryption_keys=[new, old]) as store:
        assert await store.subject_keys.rewrap() == 1
    async with postgres_ledger(database, encryption_keys=[new]) as store:
        assert await names(store) == ["ada"]

"""The eventsourcing library, which nobody here wrote, reads our ledger."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

from eventsourcing.persistence import EventStore
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

from adapters.ledger.mapper import LedgerEvent, LedgerMapper
from adapters.postgres.event_store import PostgresEventStore
from domain.event import Append
from domain.ids import stream_uuid
from tests.support.example_events import EVERYTHING, NOW, SERVICE, Noted, noting
from tests.support.ledgers import postgres_ledger


@contextmanager
def recorder_on(dsn: str) -> Iterator[PostgresApplicationRecorder]:
    url = urlsplit(dsn)
    datastore = PostgresDatastore(
        dbname=url.path[1:],
        host=url.hostname or "",
        port=url.port or 5432,
        user=unquote(url.username or ""),
        password=unquote(url.password or ""),
        pool_size=1,
    )
    with datastore:
        yield PostgresApplicationRecorder(datastore)


async def fill(store: PostgresEventStore) -> None:
    await store.append(noting("note-1", "a", "b\0"))
    await store.append(
        Append(stream="thing-1", events=[EVERYTHING], metadata=SERVICE, occurred_at=NOW, expected=0)
    )
    await store.append(noting("note-1", "ü", "d"))


async def test_its_recorder_selects_the_same_notifications(any_database: str) -> None:
    async with postgres_ledger(any_database) as store:
        await fill(store)
        ours = await store.page(0, 100)
        mapper = LedgerMapper(store.codec)
        with recorder_on(any_database) as recorder:
            theirs = recorder.select_notifications(start=1, limit=100)
            assert [n.id for n in theirs] == [e.position for e in ours]
            mapped = [mapper.to_domain_event(n) for n in theirs]
            assert [m.event for m in mapped] == [e.event for e in ours]
            assert [m.metadata for m in mapped] == [e.metadata for e in ours]
            assert [m.occurred_at for m in mapped] == [e.occurred_at for e in ours]
            assert [m.originator_version for m in mapped] == [e.version for e in ours]
            assert [m.originator_id for m in mapped] == [stream_uuid(e.stream) for e in ours]
            assert recorder.max_notification_id() == 5
            later = recorder.select_notifications(
                start=2, limit=2, topics=["Noted"], inclusive_of_start=False
            )
            assert [n.id for n in later] == [4, 5]


async def test_its_event_store_reads_a_stream_of_ours(any_database: str) -> None:
    async with postgres_ledger(any_database) as store:
        await fill(store)
        with recorder_on(any_database) as recorder:
            library_store = EventStore(LedgerMapper(store.codec), recorder)
            events = [
                event
                for event in library_store.get(stream_uuid("note-1"), gt=1)
                if isinstance(event, LedgerEvent)
            ]
        assert [e.originator_version for e in events] == [2, 3, 4]
        assert [e.event for e in events] == [Noted(text="b\0"), Noted(text="ü"), Noted(text="d")]


async def test_its_mapper_writes_our_stored_form(any_database: str) -> None:
    async with postgres_ledger(any_database) as store:
        await store.append(noting("note-1", "a"))
        mapper = LedgerMapper(store.codec)
        with recorder_on(any_database) as recorder:
            (row,) = recorder.select_events(stream_uuid("note-1"))
        assert mapper.to_stored_event(mapper.to_domain_event(row)) == row

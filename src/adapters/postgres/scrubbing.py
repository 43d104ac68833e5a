"""What an erasure leaves of the views: rows that name the person are folded anew, past ones too.

Their keys are destroyed before, so the same fold that made the rows makes them without the person.
A view that was scrubbed is therefore, byte for byte, the one that a replay would make (decision
25).
"""

from collections.abc import AsyncIterator, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, TypeAlias

from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.rows import recorded
from adapters.postgres.view_tables import ViewTable
from domain.event import Event, Recorded
from domain.ids import stream_uuid
from projections.folding import Fold
from projections.projection import Projection

if TYPE_CHECKING:
    import asyncpg

Session: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record] | asyncpg.Pool"
Events: TypeAlias = Sequence[Recorded[Event]]

SCAN = 20_000  # events looked through by one statement: some tens of megabytes
PAGE = 1_000  # events decoded at once
KEYS = 200  # rows folded anew at once, each with all its past

_EVENT = """
SELECT e.position, s.name, e.version, e.type, e.schema_version, e.recorded_at, e.data, e.meta,
       e.digest
  FROM event AS e JOIN stream AS s ON s.log_id = e.log_id AND s.stream_id = e.stream_id
 WHERE e.log_id = $1
"""
# A sealed value names its key, `<subject>#<generation>`. Nothing else can look like it: quotes in
# texts are escaped.
_NAMING = """
SELECT position FROM event
 WHERE log_id = $1 AND position > $2 AND position <= $3
   AND EXISTS (SELECT FROM unnest($4::text[]) AS t(mark)
                WHERE strpos(data::text, mark) > 0 OR strpos(meta::text, mark) > 0)
 ORDER BY position
"""
_AT = f"""{_EVENT} AND e.position = ANY($2::bigint[]) AND e.type = ANY($3::text[])
 ORDER BY e.position"""
_OF_STREAMS = f"""{_EVENT} AND e.stream_id = ANY($2::uuid[]) AND e.position <= $3
   AND e.type = ANY($4::text[]) ORDER BY e.position"""
_OF_TYPES = f"""{_EVENT} AND e.position > $2 AND e.position <= $3 AND e.type = ANY($4::text[])
 ORDER BY e.position LIMIT $5"""


async def naming(store: PostgresEventStore, subjects: Sequence[str], upto: int) -> list[int]:
    """Positions of the events up to `upto` that hold a value of one of the subjects."""
    marks = [f'"key":"{subject}#' for subject in subjects]
    found: list[int] = []
    for after in range(0, upto, SCAN):
        end = min(upto, after + SCAN)
        rows = await store.pool.fetch(_NAMING, store.log_id, after, end, marks)
        found += [row[0] for row in rows]
    return found


async def scrub(
    store: PostgresEventStore,
    connection: Session,
    table: ViewTable[Any],
    positions: Sequence[int],
    upto: int,
) -> int:
    """Fold anew the rows that the events at `positions` touch; return how many keys that were.

    Must run inside the transaction that holds the view's lock, with the view at `upto`.
    """
    projection, log = table.projection, store.log_id
    touched = [
        event
        async for page in _at(store, connection, projection, [p for p in positions if p <= upto])
        for event in page
    ]
    keys = sorted({key for event in touched for key in projection.keys(event)})
    at = {event.position: event for event in touched}
    for start in range(0, len(keys), KEYS):
        some = frozenset(keys[start : start + KEYS])
        fold = Fold(projection, {})
        if table.append_only:
            pages = _held([at[key] for key in sorted(some)])  # its key is the position
        elif projection.stream is not None:
            pages = _of_streams(store, connection, projection, some, upto)
        else:
            pages = _of_types(store, connection, projection, upto)
        async for page in pages:
            for event in page:
                fold.feed(event, [key for key in projection.keys(event) if key in some])
        await connection.execute(
            f"DELETE FROM {table.name} WHERE log_id = $1 AND {table.key} = ANY($2::bigint[])",  # noqa: S608 # both are ours
            log,
            list(some),
        )
        records = table.records(log, fold.begun, without_nul=True)
        await connection.copy_records_to_table(table.name, records=records, columns=table.copied)
    return len(keys)


async def _held(events: Events) -> AsyncIterator[Events]:
    yield events


async def _at(
    store: PostgresEventStore,
    connection: Session,
    projection: Projection[Any],
    positions: Sequence[int],
) -> AsyncIterator[Events]:
    types = _types(projection)
    for start in range(0, len(positions), PAGE):
        some = list(positions[start : start + PAGE])
        yield await _read(store, connection, _AT, some, types)


async def _of_streams(
    store: PostgresEventStore,
    connection: Session,
    projection: Projection[Any],
    keys: AbstractSet[int],
    upto: int,
) -> AsyncIterator[Events]:
    ids = [stream_uuid(f"{projection.stream}-{key}") for key in sorted(keys)]
    yield await _read(store, connection, _OF_STREAMS, ids, upto, _types(projection))


async def _of_types(
    store: PostgresEventStore, connection: Session, projection: Projection[Any], upto: int
) -> AsyncIterator[Events]:
    after: int | None = 0
    while after is not None:
        page = await _read(store, connection, _OF_TYPES, after, upto, _types(projection), PAGE)
        yield page
        after = page[-1].position if len(page) == PAGE else None


async def _read(
    store: PostgresEventStore, connection: Session, query: str, *arguments: object
) -> list[Recorded[Event]]:
    rows = await connection.fetch(query, store.log_id, *arguments)
    events = recorded(store.codec, rows)
    await store.fetch_missing_keys()
    return events


def _types(projection: Projection[Any]) -> list[str]:
    return sorted(event.TYPE for event in projection.events)

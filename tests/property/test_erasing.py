"""After an erasure the views are the fold of what can still be opened: now, then, and rebuilt."""

import asyncio
import itertools
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from unittest.mock import ANY

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.projection_runner import ProjectionRunner
from adapters.postgres.read_models import ReadModels
from domain import catalogue
from domain.errors import LedgerError
from domain.event import Actor, Append, Metadata
from domain.ids import PRIVACY_STREAM
from domain.privacy.events import SubjectErased
from projections.catalogue import ALL
from projections.projection import rows_after
from tests.property.test_views import stored
from tests.support.histories import NOW, SUBJECTS, histories
from tests.support.ledgers import postgres_ledger

LOGS = itertools.count(1)
BY = Metadata(actor=Actor(kind="system", name="test"), correlation_id="c-9")


async def append(store: PostgresEventStore, appends: Sequence[Append]) -> None:
    for answer in await store.append_many(appends):
        assert not isinstance(answer, LedgerError), answer


async def erased(store: PostgresEventStore, subject: str) -> None:
    """The event alone: as if whoever recorded it had died right after."""
    generation, _ = await store.subject_keys.newest(subject)
    event = SubjectErased(
        subject=subject, generation=generation, events=0, entries=0, minutes_kept=Decimal(0)
    )
    await append(
        store,
        [
            Append(
                stream=PRIVACY_STREAM, events=[event], metadata=BY, occurred_at=NOW, expected=None
            )
        ],
    )


async def check(
    dsn: str, batches: Sequence[tuple[Sequence[Append], str | None]], split: int, lazy: bool
) -> None:
    async with postgres_ledger(dsn, catalogue=catalogue.ALL, log_id=next(LOGS)) as store:
        halves = ProjectionRunner(store, ALL[:split]), ProjectionRunner(store, ALL[split:])
        catch_up = partial(_catch_up, halves)
        gone: dict[str, int] = {}
        for appends, subject in batches:
            await append(store, appends)
            if not lazy:
                await catch_up()
            if subject is not None:
                generation, _ = await store.subject_keys.newest(subject)
                gone[subject] = max(generation, gone.get(subject, 0))
                await erased(store, subject)
                if not lazy:
                    await catch_up()
        await catch_up()
        for subject, generation in gone.items():
            alive = await store.pool.fetchval(
                "SELECT count(*) FROM subject_key WHERE log_id = $1 AND subject = $2"
                " AND generation <= $3 AND wrapped IS NOT NULL",
                store.log_id,
                subject,
                generation,
            )
            assert alive == 0
        assert (await store.verify()).ok
        await compare(store)


async def _catch_up(halves: Sequence[ProjectionRunner]) -> None:
    for runner in halves:
        await runner.catch_up()


async def waiting_alike(store: PostgresEventStore) -> None:
    """What waits is written with the view, and says the same."""
    told = await store.pool.fetch(
        "SELECT entry_id, searched FROM open_rows WHERE log_id = $1", store.log_id
    )
    known = await store.pool.fetch(
        "SELECT entry_id, searched(t) FROM time_entries AS t WHERE log_id = $1"
        " AND valid_to IS NULL AND conflict_id IS NOT NULL",
        store.log_id,
    )
    assert sorted(map(tuple, told)) == sorted(map(tuple, known))


async def compare(store: PostgresEventStore) -> None:
    past = await store.page(0, 10_000)
    views = ReadModels(store)
    await waiting_alike(store)
    for projection in ALL:
        for upto in (*range(0, len(past), max(1, len(past) // 5)), len(past)):
            rows = await views.all_rows(projection, as_of=upto)
            assert {getattr(row, projection.key): row for row in rows} == rows_after(
                projection, past, upto
            ), (projection.name, upto)
        before = await stored(store, projection)
        rebuilt = await ProjectionRunner(store).rebuild(projection.name)
        assert (rebuilt.rows, rebuilt.same) == (ANY, True), projection.name
        assert await stored(store, projection) == before
    await waiting_alike(store)


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(histories(15), st.none() | st.sampled_from(SUBJECTS)), min_size=1, max_size=3
    ),
    st.integers(0, len(ALL)),
    st.booleans(),
)
def test_scrubbed_views_are_the_fold(
    database: str,
    batches: Sequence[tuple[Sequence[Append], str | None]],
    split: int,
    lazy: bool,
) -> None:
    asyncio.run(check(database, batches, split, lazy))

"""The tables are the fold: now, at any past position, and after a rebuild from nothing."""

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.projection_runner import ProjectionRunner
from adapters.postgres.read_models import ReadModels
from domain import catalogue
from domain.errors import LedgerError
from domain.event import Append
from projections.catalogue import ALL
from projections.projection import Projection, rows_after
from tests.support.histories import histories
from tests.support.ledgers import postgres_ledger

LOGS = itertools.count(1)  # a log of its own for every example, in one database


async def append(store: PostgresEventStore, appends: Sequence[Append]) -> None:
    for answer in await store.append_many(appends):
        assert not isinstance(answer, LedgerError), answer


async def stored(store: PostgresEventStore, projection: Projection[Any]) -> list[str]:
    """Every row of a view, byte for byte, but for the number of the log."""
    rows = await store.pool.fetch(
        f"SELECT to_jsonb(t) - 'log_id' AS row FROM {projection.name} AS t WHERE log_id = $1",
        store.log_id,
    )
    return sorted(row["row"] for row in rows)


async def check(dsn: str, batches: Sequence[Sequence[Append]], split: int) -> None:
    async with postgres_ledger(dsn, catalogue=catalogue.ALL, log_id=next(LOGS)) as store:
        halves = ProjectionRunner(store, ALL[:split]), ProjectionRunner(store, ALL[split:])
        for appends in batches:
            await append(store, appends)
            for runner in halves:
                await runner.catch_up()
        past = await store.page(0, 10_000)
        views = ReadModels(store)
        for projection in ALL:
            key = projection.key
            assert {
                getattr(row, key): row for row in await views.all_rows(projection)
            } == rows_after(projection, past)
            for upto in range(0, len(past) + 1, max(1, len(past) // 5)):
                rows = await views.all_rows(projection, as_of=upto)
                assert {getattr(row, key): row for row in rows} == rows_after(
                    projection, past, upto
                )
        for projection in ALL:
            before = await stored(store, projection)
            rebuilt = await ProjectionRunner(store).rebuild(projection.name)
            assert (rebuilt.position, rebuilt.same) == (len(past), True)
            assert await stored(store, projection) == before


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,  # one database for all examples is what we want
    ],
)
@given(st.lists(histories(15), min_size=1, max_size=3), st.integers(0, len(ALL)))
def test_tables_are_the_fold(
    any_database: str, batches: Sequence[Sequence[Append]], split: int
) -> None:
    asyncio.run(check(any_database, batches, split))

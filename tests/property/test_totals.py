"""What views add up to is what their rows add up to: now, at any position, after a rebuild."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.postgres.comparing import Comparing, Comparison
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.projection_runner import ProjectionRunner
from adapters.postgres.totals import REST, TotalsTable
from domain import catalogue
from domain.event import Append
from projections.catalogue import ALL, TALLIES
from projections.projection import rows_after
from projections.tally import Tally, rows_of
from tests.property.test_views import append
from tests.support.histories import histories
from tests.support.ledgers import postgres_ledger

LOGS = itertools.count(1001)  # of their own, in the database of all examples


async def stored(store: PostgresEventStore) -> list[str]:
    rows = await store.pool.fetch(
        "SELECT (to_jsonb(t) - 'log_id')::text AS row FROM totals AS t WHERE log_id = $1",
        store.log_id,
    )
    return sorted(row["row"] for row in rows)


def counted(tally: Tally[Any], past: Sequence[Any], upto: int) -> dict[int, Any]:
    """The definition: fold the ledger, then count the rows."""
    if tally.counted is not None:
        rows = [*rows_after(tally.of, past, upto).values(), *outliving(tally, past[:upto])]
        what = Counter(tally.counted(row) for row in rows)
    else:
        what = happened(tally, past[:upto])
    sums = rows_of(tally, what.items())
    return {key: amounts for key, amounts in sums.items() if amounts}


def outliving(tally: Tally[Any], past: Sequence[Any]) -> list[Any]:
    """Rows that others have replaced and that go on counting."""
    rows: dict[int, Any] = {}
    found: list[Any] = []
    for recorded in past:
        if type(recorded.event) not in tally.of.events or tally.outlives is None:
            continue
        for key in tally.of.keys(recorded):
            before = rows.get(key)
            after = rows[key] = tally.of.apply(before, recorded)
            if before is not None and after is not None and tally.outlives(before, after):
                found.append(before)
    return found


def happened(tally: Tally[Any], past: Sequence[Any]) -> Counter[Any]:
    """The events that count: those that move a row of the view."""
    rows: dict[int, Any] = {}
    what: Counter[Any] = Counter()
    for recorded in past:
        if type(recorded.event) not in tally.of.events:
            continue
        for key in tally.of.keys(recorded):
            before = rows.get(key)
            rows[key] = tally.of.apply(before, recorded)
            if rows[key] is not before and tally.happened is not None:
                what[tally.happened(recorded.event)] += 1
    del what[None]
    return what


async def check(dsn: str, batches: Sequence[Sequence[Append]], block: int) -> None:
    async with postgres_ledger(dsn, catalogue=catalogue.ALL, log_id=next(LOGS)) as store:
        tallies = [replace(tally, block=block) for tally in TALLIES]
        runner, table = ProjectionRunner(store, ALL, tallies), TotalsTable(store.log_id)
        for appends in batches:  # pages that end anywhere in a block
            await append(store, appends)
            await runner.catch_up()
        past = await store.page(0, 10_000)
        comparison = Comparison(until=len(past))
        assert await Comparing(store, ALL, tallies).run(comparison, page=3 * block)
        assert comparison.found == 0, comparison.differences
        for tally in tallies:
            positions = range(0, len(past) + 1, max(1, len(past) // 15))
            for upto in (None, *(positions if tally.name in REST else ())):
                read = await table.read(store.pool, tally, as_of=upto)
                kept = {key: amounts for key, amounts in read.items() if amounts}
                assert kept == counted(tally, past, len(past) if upto is None else upto)
        before = await stored(store)
        for tally in tallies:
            again = ProjectionRunner(store, ALL, tallies)
            assert (await again.rebuild(tally.of.name)).same
        assert await stored(store) == before


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,  # one database for all examples is what we want
    ],
)
@given(st.lists(histories(15), min_size=1, max_size=4), st.sampled_from((1, 3, 7, 250)))
def test_totals_are_what_the_rows_add_up_to(
    any_database: str, batches: Sequence[Sequence[Append]], block: int
) -> None:
    asyncio.run(check(any_database, batches, block))

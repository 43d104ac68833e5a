"""What differs between two positions is what the fold of the ledger says, whatever happened."""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.postgres.differing import MOST_POSITIONS, Counts, Differing, Ends
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.projection_runner import ProjectionRunner
from domain import catalogue
from domain.errors import LedgerError
from domain.event import Append, Event, Recorded
from projections import conflicts
from projections.differing import CONFLICT, KINDS, NAMES, conflict_at, differences
from projections.projection import Projection, rows_after
from tests.support.histories import histories
from tests.support.ledgers import postgres_ledger

LOGS = itertools.count(1)
Past = Sequence[Recorded[Event]]


def moves(projection: Projection[Any], past: Past) -> Mapping[int, list[int]]:
    """By key, the positions at which its row became another one or went away."""
    rows: dict[int, Any] = {}
    found: dict[int, list[int]] = defaultdict(list)
    for recorded in past:
        if type(recorded.event) not in projection.events:
            continue
        for key in projection.keys(recorded):
            before, after = rows.get(key), projection.apply(rows.get(key), recorded)
            if after is not before:
                found[key].append(recorded.position)
            rows[key] = after
    return found


def of_view(kind: str, past: Past, first: int, last: int) -> list[Ends]:
    projection = KINDS[kind].projection
    old, new = rows_after(projection, past, first), rows_after(projection, past, last)
    moved = {
        key: [at for at in positions if first < at <= last]
        for key, positions in moves(projection, past).items()
    }
    return [
        Ends(key, old.get(key), new.get(key), positions[-MOST_POSITIONS:])
        for key, positions in sorted(moved.items())
        if positions and (key in old or key in new)
    ]


def of_conflicts(past: Past, first: int, last: int) -> list[Ends]:
    """Each row of their view is something that was said of one."""
    rows: dict[int, conflicts.Row] = {}
    at: dict[int, list[int]] = defaultdict(list)
    for recorded in past:
        if type(recorded.event) not in conflicts.PROJECTION.events:
            continue
        (key,) = conflicts.PROJECTION.keys(recorded)
        before, after = rows.get(key), conflicts.PROJECTION.apply(rows.get(key), recorded)
        if after is not None and after is not before:
            rows[key] = after
            at[after.conflict_id].append(recorded.position)
    found = []
    for number, positions in sorted(at.items()):
        stream = past[number - 1].stream
        events = [each for each in past if each.stream == stream]
        if between := [each for each in positions if first < each <= last]:
            before_it, after_it = (conflict_at(events, number, at) for at in (first, last))
            found.append(Ends(number, before_it, after_it, between))
    return found


def counted(ends: Sequence[Ends]) -> Counts:
    return Counts(
        added=sum(each.before is None for each in ends),
        changed=sum(each.before is not None and each.after is not None for each in ends),
        removed=sum(each.after is None for each in ends),
    )


async def paged(differing: Differing, kind: str, first: int, last: int) -> list[Ends]:
    found: list[Ends] = []
    while True:
        after = found[-1].number if found else 0
        page = await differing.page(kind, first, last, after=after, limit=2)
        found += page
        if len(page) < 2:
            return found


async def check(dsn: str, appends: Sequence[Append], cuts: tuple[float, float]) -> None:
    async with postgres_ledger(dsn, catalogue=catalogue.ALL, log_id=next(LOGS)) as store:
        for answer in await store.append_many(appends):
            assert not isinstance(answer, LedgerError), answer
        await ProjectionRunner(store).catch_up()
        past = await store.page(0, 10_000)
        first, last = sorted(round(cut * len(past)) for cut in cuts)
        for begin, end in {(first, last), (0, len(past)), (last, last)}:
            await compare(store, past, begin, end)


async def compare(store: PostgresEventStore, past: Past, first: int, last: int) -> None:
    differing = Differing(store)
    for kind in NAMES:
        expected = (
            of_conflicts(past, first, last)
            if kind == CONFLICT
            else of_view(kind, past, first, last)
        )
        found = await paged(differing, kind, first, last)
        told = [(each.number, each.before, each.after, list(each.positions)) for each in found]
        assert told == [(e.number, e.before, e.after, e.positions) for e in expected], kind
        assert await differing.count(kind, first, last) == counted(expected), kind
        by = {each.position: each for each in past}
        for each in found:
            events = [by[position] for position in each.positions]
            assert each.types == {event.event.TYPE for event in events}
            assert set(each.actors) == {event.metadata.actor for event in events}
            if kind != CONFLICT:
                assert_shown(kind, each)


def assert_shown(kind: str, ends: Ends) -> None:
    shown = KINDS[kind].shown
    before, after = (row and shown(row) for row in (ends.before, ends.after))
    assert isinstance(KINDS[kind].label(after or before), str)
    changes = differences(before, after)
    assert len({field for field, _, _ in changes}) == len(changes)
    assert all(old != new for _, old, new in changes)
    if before is None:
        assert all(old is None for _, old, _ in changes)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(histories(30), st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_what_differs_is_what_the_ledger_says(
    any_database: str, appends: Sequence[Append], cuts: tuple[float, float]
) -> None:
    asyncio.run(check(any_database, appends, cuts))

"""Rows of Reconcile, conflicts and their numbers are the fold, now and at any past position."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterable, Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.projection_runner import ProjectionRunner
from adapters.postgres.reconciling import OPEN, SHOWN, TRIGRAM, Reconciling, RowFilter
from domain import catalogue
from domain.errors import LedgerError
from domain.event import Append, Event, Recorded
from domain.time_entry.values import ReasonCode
from projections import conflicts, time_entries
from projections.projection import rows_after
from tests.support.histories import STREAMS, _append
from tests.support.ledgers import postgres_ledger

LOGS = itertools.count(1)
SIZE = 3
ENTRIES = _append(*STREAMS[0])


async def append(store: PostgresEventStore, appends: Sequence[Append]) -> None:
    for answer in await store.append_many(appends):
        assert not isinstance(answer, LedgerError), answer


def expected(rows: Iterable[time_entries.Row], which: RowFilter) -> list[int]:
    """Ids of the rows that the filter shows, newest first."""
    found = []
    for row in rows:
        if row.row_status not in SHOWN[which.filter]:
            continue
        if which.reason is not None and row.reason_code != which.reason:
            continue
        if which.q is not None and not holds(row, which.q):
            continue
        found.append((row.conflict_id or row.position, row.entry_id))
    return [entry for _, entry in sorted(found, reverse=True)]


def holds(row: time_entries.Row, text: str) -> bool:
    """Whether the text is somewhere in an open row, or is the number of a match's ticket."""
    if row.row_status not in OPEN:
        return row.ticket_number == text
    texts = (
        *(row.ticket_number, row.ticket_title, row.user_name, row.user_email),
        *(row.organization_name, row.customer_name, row.activity_name, row.description),
    )
    return text.lower() in "\n".join(each for each in texts if each is not None).lower()


def pieces(rows: Iterable[time_entries.Row]) -> list[str]:
    """Some parts of what open rows show, from three characters on: these are found by trigrams."""
    found = {
        text[begin : begin + size].upper()
        for row in rows
        if row.row_status in OPEN
        for text in (row.description, row.ticket_title, row.customer_name, row.user_email)
        if text
        for size in (3, 4, 9)
        for begin in (0, len(text) // 2)
    }
    plain = (
        each for each in found if len(each) >= TRIGRAM and each.isascii() and each.isprintable()
    )
    return sorted(plain)[:6]


def ever(past: Sequence[Recorded[Event]], upto: int) -> list[conflicts.Row]:
    """Every conflict as it stood then, newest first."""
    rows: dict[int, conflicts.Row] = {}
    found: dict[int, conflicts.Row] = {}
    for recorded in past:
        if recorded.position <= upto and type(recorded.event) in conflicts.PROJECTION.events:
            entry = conflicts.keys(recorded)[0]  # type: ignore[arg-type] # it looks at these only
            row = conflicts.PROJECTION.apply(rows.get(entry), recorded)
            if row is not None:
                before = rows.get(entry, row)
                if before.conflict_id != row.conflict_id and before.status == conflicts.PENDING:
                    del found[before.conflict_id]  # no rule lets an open one be replaced
                rows[entry] = found[row.conflict_id] = row
    return [row for _, row in sorted(found.items(), reverse=True)]


async def check_rows(
    views: Reconciling, past: Sequence[Recorded[Event]], upto: int, as_of: int | None
) -> None:
    rows = rows_after(time_entries.PROJECTION, past, upto)
    statuses = Counter(row.row_status for row in rows.values() if row.row_status)
    known = {row.conflict_id: row for row in ever(past, upto)}
    filters = [RowFilter(filter=name) for name in SHOWN]
    filters += [RowFilter(filter="all", reason=reason) for reason in list(ReasonCode)[:4]]
    # letters of which the database and Python make the same small ones
    numbers = {row.ticket_number for row in rows.values() if row.ticket_number}
    texts = ("A", "e\nA", "%_%", *sorted(numbers)[:2], *pieces(rows.values()))
    filters += [RowFilter(filter="all", q=text) for text in texts]
    for which in filters:
        wanted, seen, skip = expected(rows.values(), which), [], 0
        while True:
            page = await views.page(which, skip=skip, limit=SIZE, as_of=as_of)
            assert {k: v for k, v in page.counts.items() if v} == statuses
            assert page.total == len(wanted)
            for each in page.rows:
                assert each.entry == rows[each.entry.entry_id]
                if each.entry.conflict_id is not None:
                    assert each.conflict == known.get(each.entry.conflict_id)
            seen += [each.entry.entry_id for each in page.rows]
            skip += SIZE
            if len(page.rows) < SIZE:
                break
        assert seen == wanted


async def check_conflicts(
    views: Reconciling, past: Sequence[Recorded[Event]], upto: int, as_of: int | None
) -> None:
    every = ever(past, upto)
    for status in (None, "pending", "resolved", "ignored"):
        wanted = [row for row in every if status in (None, row.status)]
        found, total = await views.conflicts(status, skip=0, limit=500, as_of=as_of)
        assert (list(found), total) == (wanted, len(wanted))
        some, total = await views.conflicts(status, skip=1, limit=2, as_of=as_of)
        assert (list(some), total) == (wanted[1:3], len(wanted))
    for row in every:
        assert await views.conflict(row.conflict_id, as_of=as_of) == row


async def check(dsn: str, batches: Sequence[Sequence[Append]]) -> None:
    async with postgres_ledger(dsn, catalogue=catalogue.ALL, log_id=next(LOGS)) as store:
        runner, views = ProjectionRunner(store), Reconciling(store)
        for appends in batches:
            await append(store, appends)
            await runner.catch_up()
        past = await store.page(0, 10_000)
        for rebuilt in (False, True):
            if rebuilt:
                await store.pool.execute(  # as somebody who restored a part of the database
                    "UPDATE open_rows SET valid_from = valid_from + 1, searched = ''"
                    " WHERE log_id = $1",
                    store.log_id,
                )
                await runner.rebuild(time_entries.NAME)
                await runner.rebuild(conflicts.NAME)
            await check_rows(views, past, len(past), None)
            await check_conflicts(views, past, len(past), None)
            for upto in range(0, len(past) + 1, max(1, len(past) // 6)):
                await check_rows(views, past, upto, upto)
                await check_conflicts(views, past, upto, upto)


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.lists(ENTRIES, min_size=8, max_size=25), min_size=1, max_size=3))
def test_reconcile_is_the_fold(any_database: str, batches: Sequence[Sequence[Append]]) -> None:
    asyncio.run(check(any_database, batches))

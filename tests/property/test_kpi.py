"""The figures are those of a fold of the ledger, now and at any position of it."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.postgres.kpi import Kpi
from adapters.postgres.projection_runner import ProjectionRunner
from domain import catalogue
from domain.event import Append
from projections import conflicts, connectors, deliveries, sync_runs, time_entries
from projections.catalogue import ALL, TALLIES
from projections.entry_totals import rows
from projections.kpi import Figures, LastRun, headline
from projections.projection import rows_after
from tests.property.test_views import append
from tests.support.histories import NOW, histories
from tests.support.ledgers import postgres_ledger

LOGS = itertools.count(2001)  # of their own, in the database of all examples
DAYS = date(2026, 3, 28), date(2026, 4, 20)


def folded(past: Sequence[Any], upto: int) -> Figures:
    """Everything counted, row by row."""
    entries = list(rows_after(time_entries.PROJECTION, past, upto).values())
    runs = list(rows_after(sync_runs.PROJECTION, past, upto).values())
    peers = rows_after(connectors.PROJECTION, past, upto).values()
    days: dict[date, dict[str, Decimal]] = {}
    whole: dict[str, Decimal] = {}
    for entry in entries:
        sums = [whole]
        if DAYS[0] <= entry.entry_date <= DAYS[1]:
            sums.append(days.setdefault(entry.entry_date, {}))
        for each in sums:
            each[entry.state] = each.get(entry.state, Decimal(0)) + 1
            name = f"{entry.state}.minutes"
            each[name] = each.get(name, Decimal(0)) + (entry.minutes or 0)
        if entry.row_status is not None:
            why = entry.reason_code if entry.state == "conflict" else None
            name = rows(entry.row_status, why)
            whole[name] = whole.get(name, Decimal(0)) + 1
    last = max(runs, key=lambda run: run.run_id, default=None)
    waiting = [entry for entry in entries if entry.state in ("pending", "writing")]
    return Figures(
        position=upto,
        whole=without_zeros(whole),
        days={day: kept for day, sums in days.items() if (kept := without_zeros(sums))},
        oldest_pending=min((since(past, upto, entry) for entry in waiting), default=None),
        last_sync=max(
            (
                run.ended_at
                for run in runs
                if run.state == "completed" and run.ended_at and run.trigger_type != "webhook"
            ),
            default=None,
        ),
        last_run=None
        if last is None
        else LastRun(run_id=last.run_id, state=last.state, begun_at=last.begun_at),
        active_connectors=sum(1 for peer in peers if peer.is_active and peer.retired_at is None),
        success_rate=rate(past, upto),
    )


def waiting(past: Sequence[Any], upto: int, late: datetime) -> tuple[datetime | None, int]:
    """Since when the oldest open conflict is open, and how many entries wait since before."""
    open_ones = [
        row
        for row in rows_after(conflicts.PROJECTION, past, upto).values()
        if row.status == conflicts.PENDING
    ]
    entries = rows_after(time_entries.PROJECTION, past, upto).values()
    begun = [since(past, upto, entry) for entry in entries]
    return min((row.opened_at for row in open_ones), default=None), sum(
        1 for each in begun if each is not None and each < late
    )


def rate(past: Sequence[Any], upto: int) -> float | None:
    """All deliveries of these histories are of today."""
    rows = rows_after(deliveries.PROJECTION, past, upto).values()
    taken = [row for row in rows if row.status != "rejected"]
    well = [row for row in taken if row.status == "processed" and not row.failures]
    return len(well) / len(taken) if taken else None


def since(past: Sequence[Any], upto: int, entry: time_entries.Row) -> Any:
    """When the entry began to wait, by looking at every event of it."""
    began, row = None, None
    for recorded in past[:upto]:
        if recorded.stream != f"time-entry-{entry.entry_id}":
            continue
        row = time_entries.PROJECTION.apply(row, recorded)
        waits = row is not None and row.state in ("pending", "writing")
        began = (began or recorded.recorded_at) if waits else None
    return began


def without_zeros(sums: dict[str, Decimal]) -> dict[str, Decimal]:
    return {name: amount for name, amount in sums.items() if amount}


async def check(dsn: str, appends: Sequence[Append], block: int, places: Sequence[int]) -> None:
    async with postgres_ledger(dsn, catalogue=catalogue.ALL, log_id=next(LOGS)) as store:
        await append(store, appends)
        tallies = [replace(tally, block=block) for tally in TALLIES]
        await ProjectionRunner(store, ALL, tallies).catch_up()
        kpi, past = Kpi(store, entries=tallies[0]), await store.page(0, 10_000)
        for upto in (None, 0, *(place % (len(past) + 1) for place in places)):
            first, last = DAYS
            late = past[len(past) // 2].recorded_at if past else NOW
            async with kpi.reading() as moment:
                found = await moment.figures(first=first, last=last, now=NOW, as_of=upto)
                waits = await moment.waits(found, first=first, last=last, late=late, as_of=upto)
                if upto is not None:
                    alone = await moment.standings(first=first, last=last, as_of=upto)
                    assert (alone.whole, alone.days) == (found.whole, found.days)
            found = replace(found, days={day: kept for day, kept in found.days.items() if kept})
            expected = folded(past, len(past) if upto is None else upto)
            assert found == expected
            there = len(past) if upto is None else upto
            assert (waits.oldest_decision, waits.late) == waiting(past, there, late)
            assert headline(found, now=NOW, today=last) == headline(expected, now=NOW, today=last)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,  # one database for all examples is what we want
    ],
)
@given(
    histories(40),
    st.sampled_from((1, 5, 250)),
    st.lists(st.integers(0, 10_000), min_size=3, max_size=6),
)
def test_figures_are_those_of_the_ledger(
    any_database: str, appends: Sequence[Append], block: int, places: Sequence[int]
) -> None:
    asyncio.run(check(any_database, appends, block, places))

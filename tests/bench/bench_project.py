"""`project`: all views from empty, in one process.

Run with `python -m tests.bench.bench_project [bookings]`; prints one JSON line.
"""

import json
import sys
import time
from itertools import islice

import asyncpg
import uvloop

from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.projection_runner import ProjectionRunner
from domain.catalogue import ALL
from domain.errors import LedgerError
from tests.support.believable import past
from tests.support.ledgers import postgres_ledger
from tests.support.postgres import DatabaseServer

BOOKINGS = 50_000  # about 210 000 events
BASELINE = 15_000  # events/s that the project asks for
TOGETHER = 2_000  # appends handed over at once while the log is filled


async def fill(store: PostgresEventStore, bookings: int) -> int:
    """Write the past; return the position of its last event."""
    appends = past(bookings)
    while commands := list(islice(appends, TOGETHER)):
        for answer in await store.append_many(commands):
            if isinstance(answer, LedgerError):
                raise answer
    return await store.head()


async def analyze(dsn: str) -> None:
    """What the server does by itself within a minute; only the owner may."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("VACUUM ANALYZE event, stream")
    await connection.close()


async def measure(dsn: str, bookings: int) -> dict[str, object]:
    """Fill a log, then bring all views from empty to its end."""
    async with postgres_ledger(dsn, catalogue=ALL) as store:
        events = await fill(store, bookings)
        await analyze(dsn)
        runner = ProjectionRunner(store)
        began = time.perf_counter()
        await runner.catch_up()
        rate = events / (time.perf_counter() - began)
        assert all(each.lag == 0 for each in await runner.status())
    return {
        "bench": "project",
        "value": round(rate),
        "unit": "events/s",
        "baseline": BASELINE,
        "ratio": round(rate / BASELINE, 2),
        "events": events,
    }


def main() -> None:
    bookings = int(sys.argv[1]) if len(sys.argv) > 1 else BOOKINGS
    with DatabaseServer.running(settings={}) as server, server.database() as dsn:
        print(json.dumps(uvloop.run(measure(dsn, bookings))))


if __name__ == "__main__":
    main()

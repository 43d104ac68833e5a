"""`day_stacking`: places for ten times as many bookings, on days ten times as full.

Run with `python -m tests.bench.bench_stacking`; prints one JSON line.
"""

import json
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import uvloop

from adapters.memory import MemoryClock
from adapters.postgres.known_entries import PostgresKnownEntries
from adapters.postgres.projection_runner import ProjectionRunner
from domain.catalogue import ALL
from domain.event import Actor, Metadata
from domain.ids import entry_id
from domain.sync.limits import LIMITS
from domain.sync.parts import parts
from domain.sync.stacking import Stacker
from domain.work_day.values import Unplaced, WorkDay
from tests.support.bookings import ZAMMAD, configuration
from tests.support.ledgers import postgres_ledger
from tests.support.postgres import DatabaseServer

FEW, MANY, MOST_TIMES = 1_000, 10_000, 12
PEOPLE, DAYS = 8, 40  # 3 bookings on each person's day, then 31
FIRST = date(2026, 1, 5)
EDITED = 20  # one in so many gets longer afterwards
MINUTE = timedelta(minutes=1)


def booked(number: int, minutes: int) -> Unplaced:
    """In booking order, people in turn."""
    agent, day = number % PEOPLE + 1, FIRST + timedelta(days=number // PEOPLE % DAYS)
    return Unplaced(
        entry_id=entry_id(ZAMMAD, number + 1),
        day=WorkDay(connector_id=ZAMMAD, agent_id=agent, day=day),
        zone="Europe/Berlin",
        booked_at=datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        + MINUTE * (number // PEOPLE // DAYS),
        duration=minutes * MINUTE,
    )


async def place(dsn: str, count: int) -> float:
    """Seconds to place them and then to find another place for some, from and to the ledger."""
    async with postgres_ledger(dsn, catalogue=ALL) as store:
        stacker = Stacker(
            ledger=store,
            known=PostgresKnownEntries(store, ProjectionRunner(store)),
            clock=MemoryClock(),
            metadata=Metadata(actor=Actor(kind="service", name="sync"), correlation_id="bench"),
            configuration=configuration(zammad={"work_time_anchor": "day_start_stacked"}),
            limits=LIMITS,
        )
        new = [booked(number, 5 + number % 21) for number in range(count)]
        longer = [booked(number, 27) for number in range(0, count, EDITED)]
        began = time.perf_counter()
        for wanted in (new, longer):
            await place_all(stacker, wanted)
        seconds = time.perf_counter() - began
        proved(stacker, {one.entry_id: one for one in (*new, *longer)}.values())
    return seconds


async def place_all(stacker: Stacker, wanted: Sequence[Unplaced]) -> None:
    ordered = sorted(wanted, key=lambda one: (one.day.day, one.booked_at))
    for part in parts(ordered, LIMITS.chunk):
        await stacker.place(part)


def proved(stacker: Stacker, newest: Iterable[Unplaced]) -> None:
    """Each has the place it asked for last, and none lies on another."""
    by_day: dict[WorkDay, list[tuple[datetime, datetime]]] = {}
    for one in newest:
        slot = stacker.places[one]
        assert slot is not None, one
        by_day.setdefault(one.day, []).append((slot.begin, slot.end))
    for spans in by_day.values():
        assert all(one[1] <= other[0] for one, other in pairwise(sorted(spans)))


def main() -> None:
    seconds = []
    with DatabaseServer.running(settings={}) as server:
        for count in (FEW, MANY):
            with server.database() as dsn:
                seconds.append(uvloop.run(place(dsn, count)))
    few, many = seconds
    figure = {
        "bench": "day_stacking",
        "value": round(many / few, 2),
        "unit": f"times as long for {MANY // FEW} times as many",
        "baseline": MOST_TIMES,
        "ratio": round(many / few / MOST_TIMES, 2),
        "seconds": [round(each, 2) for each in seconds],
    }
    print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    main()

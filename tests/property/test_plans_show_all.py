"""What a plan shows is all there is: once it is carried out, the next run has nothing to write.

On tickets with corrections, in whatever order the pages bring them, in a Kimai that was in use.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from domain.sync.limits import LIMITS
from tests.support.peers import NOON, World
from tests.unit.test_adoption import put
from tests.unit.test_dry_run import sent, told

MINUTE = timedelta(minutes=1)
AMOUNTS = st.sampled_from([60, 40, 30, 15, 0, -10, -20, -45])


@dataclass(frozen=True)
class Booked:
    """One booking. `seen` orders the pages. `sheet` are the minutes of what is in Kimai for it.

    `marked`: with a marker, else only with the number of the ticket.
    """

    amount: int
    ticket: int = 50
    type_id: int | None = 4
    seen: int = 0
    sheet: int | None = None
    marked: bool = True


bookings = st.lists(
    st.builds(
        Booked,
        amount=AMOUNTS,
        ticket=st.sampled_from([50, 50, 51]),
        type_id=st.sampled_from([4, 4, None]),
        seen=st.integers(0, 9),
        sheet=st.sampled_from([None, None, 60, 40, 15]),
        marked=st.booleans(),
    ),
    min_size=1,
    max_size=7,
)
edits = st.lists(st.tuples(st.integers(1, 7), AMOUNTS, st.integers(0, 9)), max_size=4)
A_DAY_LATER = NOON + timedelta(days=1)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(  # a correction on a later page than what it shortens
    booked=[Booked(60, seen=9), Booked(-20, seen=1)],
    edited=None,
    chunk=1,
    anchor="end_at_booking",
)
@example(  # the same for a timesheet that was there before
    booked=[Booked(60, seen=9, sheet=60), Booked(-20, seen=1)],
    edited=None,
    chunk=1,
    anchor="end_at_booking",
)
@example(  # the same for an edit
    booked=[Booked(60), Booked(-10)],
    edited=[(1, 40, 9), (2, -20, 1)],
    chunk=1,
    anchor="end_at_booking",
)
@given(
    booked=bookings,
    edited=st.none() | edits,
    chunk=st.sampled_from([1, 2, 100]),
    anchor=st.sampled_from(["end_at_booking", "day_start_stacked"]),
)
async def test_after_a_plan_was_carried_out_a_run_has_nothing_to_write(
    booked: list[Booked], edited: list[tuple[int, int, int]] | None, chunk: int, anchor: str
) -> None:
    world = World(
        kimai={"delete_policy": "delete", "default_activity_id": 9},
        zammad={"work_time_anchor": anchor},
    )
    world.limits = replace(LIMITS, chunk=chunk, first_chunk=chunk)
    world.tickets.page = chunk
    for number, each in enumerate(booked, 1):
        book(world, number, each)
    if edited is not None:
        await world.sync()
        world.an_hour_later()
        for number, amount, seen in edited:
            if number in world.tickets.rows:
                at = A_DAY_LATER + timedelta(minutes=seen, seconds=number)
                world.tickets.edit(number, time_unit=Decimal(amount), updated_at=at)
    plan = await world.plan()
    assert plan.state == "ready", plan.error
    rows = await world.rows_of(plan)
    assert [row.row for row in rows] == list(range(1, len(rows) + 1))
    assert max(Counter(row.entry_id for row in rows).values(), default=1) == 1
    head = await world.store.head()
    run = await world.apply(plan)
    assert run.state == "completed", run.error
    shown = Counter(told(row.request) for row in rows if row.request)
    assert await sent(world, since=head) == shown
    event(f"{len(shown)} requests, {'edited' if edited else 'new'}")
    world.an_hour_later()
    writes = world.kimai.writes
    assert (await world.sync()).state == "completed"
    assert world.kimai.writes == writes


def book(world: World, number: int, each: Booked) -> None:
    world.tickets.book(
        number,
        ticket_id=each.ticket,
        type_id=each.type_id,
        time_unit=Decimal(each.amount),
        updated_at=NOON + timedelta(minutes=20 + each.seen, seconds=number),
    )
    if each.sheet is not None:
        text = f"ZAM:T{each.ticket}|TA:{number}" if each.marked else f"VPN #100{each.ticket}"
        begin = NOON - (100 * number) * MINUTE
        put(world, 500 + number, text, duration=each.sheet * MINUTE, begin=begin)

"""A run that somebody stops: what is being written is finished, nothing more is begun."""

import asyncio

from domain.errors import OutcomeUnknown
from domain.event import Actor, Metadata
from domain.handling import handle
from domain.ids import RunId, run_stream
from domain.sync_run.commands import CancelRun
from domain.sync_run.decide import SYNC_RUN, holds
from domain.time_entry.standing import EntryState
from tests.support.peers import World

METADATA = Metadata(actor=Actor(kind="user", name="alice"), correlation_id="test")
BOOKINGS = 400


async def cancel(world: World) -> None:
    await handle(
        world.store,
        SYNC_RUN,
        run_stream(RunId(world.runs)),
        CancelRun(),
        metadata=METADATA,
        now=world.clock.now(),
        holds=holds,
    )


async def until(world: World, writes: int) -> None:
    for _ in range(100_000):
        if world.kimai.writes >= writes:
            return
        await asyncio.sleep(0)
    raise AssertionError(f"{world.kimai.writes} writes, not {writes}")


async def test_a_cancelled_run_leaves_nothing_half_done_and_the_next_one_goes_on() -> None:
    world = World()
    world.kimai.slow = 20
    for source_id in range(1, BOOKINGS + 1):
        world.tickets.book(source_id, ticket_id=source_id % 40 + 1)
    work = asyncio.create_task(world.sync())
    await until(world, 10)
    await cancel(world)
    run = await work
    assert (run.state, run.error) == ("cancelled", "Cancelled; what was written stays written.")
    assert 10 <= len(world.kimai.sheets) < BOOKINGS
    assert run.counters.created == len(world.kimai.sheets)
    await world.known.wait_for(await world.store.head())
    assert all(e.standing.state is not EntryState.WRITING for e in world.known.entries.values())

    again = await world.sync()
    assert again.state == "completed"
    assert len(world.kimai.sheets) == BOOKINGS


async def test_cancelling_ends_a_wait_but_never_cuts_short_what_it_is_for() -> None:
    """An answer was lost: nothing is concluded before the server's limit is over."""
    world = World()
    world.tickets.book(9)
    world.perils.failing["kimai:create:after"] = [OutcomeUnknown("kimai", "timed out")]
    usual = world.clock.sleep

    async def sleep(_: float) -> None:
        await cancel(world)
        await asyncio.Event().wait()  # nobody would live to see its end

    world.clock.sleep = sleep  # type: ignore[method-assign, assignment] # of this clock
    async with asyncio.timeout(10):
        run = await world.sync()
    assert run.state == "cancelled"
    assert (await world.entry(9)).standing.state is EntryState.WRITING
    assert len(world.kimai.sheets) == 1

    world.clock.sleep = usual  # type: ignore[method-assign] # as it was
    assert (await world.sync()).state == "completed"
    assert (await world.types(9))[-1] == "TimesheetAdopted"
    assert len(world.kimai.sheets) == 1

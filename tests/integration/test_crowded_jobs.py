"""Many jobs in the queue at once: none of them may keep a run from beginning."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import asyncpg

from adapters.postgres.jobs import AWAY, Pair, PairLock, RunFollower, RunWorker
from api import runs
from api.services import Services
from api.wiring import opened
from domain.event import Actor, Append, Metadata
from domain.handling import handle
from domain.ids import ConnectorId, EntryId, MappingId, RunId, mapping_stream, run_stream
from domain.mapping.events import MappingSet
from domain.sync_run.commands import FailRun, QueueRun, StartRun
from domain.sync_run.decide import SYNC_RUN, Run, holds
from domain.sync_run.events import Cause
from tests.support.service import settings_for

METADATA = Metadata(actor=Actor(kind="system", name="test"), correlation_id="test")
CHANGES = 30  # of mappings, while another run goes on
AT_ONCE = timedelta(0)  # as if so many jobs had come that the first is due again by now
PATIENCE = 20.0  # seconds


async def test_a_run_begins_however_many_mappings_were_changed_before(migrated: str) -> None:
    begun, decided = asyncio.Event(), asyncio.Queue[int]()

    async def execute(run: Run) -> None:
        await tell(own, StartRun())
        begun.set()
        await tell(own, FailRun(error="it was only to begin"))

    async def decide_waiting(position: int, _lock: PairLock) -> bool:
        await decided.put(position)
        return True

    async with opened(settings_for(migrated), migrated) as own:
        worker = RunWorker(
            own.store,
            own.clock,
            execute,
            _unasked,
            _unasked,
            decide_waiting,
            _unwanted,
            _unseen,
            _unresolved,
            lock_retry=AT_ONCE,
        )
        follower = RunFollower(own.store)
        for number in range(1, CHANGES + 1):
            await change_mapping(own, number)
            async for page in own.store.subscribe(number - 1):
                await follower.take(page)
                break
        await tell(own, QUEUE)
        async for page in own.store.subscribe(CHANGES):
            await follower.take(page)
            break
        work = asyncio.create_task(worker.run())
        try:
            await asyncio.wait_for(begun.wait(), PATIENCE)
            position = await asyncio.wait_for(decided.get(), PATIENCE)
        finally:
            worker.stop()
            await asyncio.wait_for(work, PATIENCE)
        assert position == CHANGES, "the newest change is for all"
        assert decided.empty()


async def test_a_run_whose_database_went_away_says_so(migrated: str) -> None:
    """What the driver says of it is no error of ours."""

    async def execute(run: Run) -> None:
        await tell(own, StartRun())
        raise asyncpg.InternalClientError("another operation is in progress")

    async with opened(settings_for(migrated), migrated) as own:
        worker = RunWorker(
            own.store,
            own.clock,
            execute,
            _unasked,
            _unasked,
            _undecided,
            _unwanted,
            _unseen,
            _unresolved,
        )
        await tell(own, QUEUE)
        async for page in own.store.subscribe(0):
            await RunFollower(own.store).take(page)
            break
        work = asyncio.create_task(worker.run())
        try:
            run = await runs.ended(own, RunId(1), within=PATIENCE)
        finally:
            worker.stop()
            await asyncio.wait_for(work, PATIENCE)
        assert (run.state, run.error) == ("failed", AWAY)


QUEUE = QueueRun(
    run_id=RunId(1),
    trigger="manual",
    cause=Cause(kind="user", name="1"),
    source_connector_id=ConnectorId(1),
    target_connector_id=ConnectorId(2),
    start_date=None,
    end_date=None,
)


async def tell(own: Services, command: QueueRun | StartRun | FailRun) -> None:
    now, stream = datetime.now(UTC), run_stream(RunId(1))
    await handle(own.store, SYNC_RUN, stream, command, metadata=METADATA, now=now, holds=holds)


async def change_mapping(own: Services, number: int) -> None:
    event = MappingSet(
        mapping_id=MappingId(number),
        zammad_type_id=number,
        zammad_type_name="Work",
        kimai_activity_id=1,
        kimai_activity_name="Work",
        is_active=True,
        billable=None,
    )
    stream = mapping_stream(MappingId(number))
    now = datetime.now(UTC)
    await own.store.append(
        Append(stream=stream, events=[event], metadata=METADATA, occurred_at=now, expected=0)
    )


async def _unasked(*asked: Pair | int) -> None:
    raise AssertionError(f"{asked} is not ours")


async def _undecided(position: int, _lock: PairLock) -> bool:
    raise AssertionError(f"no mapping was changed at {position}")


async def _unseen(position: int) -> None:
    """Nothing was announced; a run has ended at most."""


async def _unresolved(payload: bytes) -> None:
    raise AssertionError(f"nobody resolves {payload!r}")


async def _unwanted(entries: Sequence[EntryId], position: int) -> None:
    raise AssertionError(f"nobody wants {entries} at {position}")

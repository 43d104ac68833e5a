"""Runs as jobs: the ledger is the outbox, PgQueuer hands the work to whoever is free.

```text
SyncRunQueued ──follower──▶ job ──worker, holding the pair's lock──▶ Started … Completed / Failed
                                        └── lock free but still "running": a crash; ended as failed
```
The follower turns causes into jobs in the transaction of its checkpoint, so each becomes one job
exactly once; a job that comes twice finds its run ended and does nothing. Plans are worked out
the same way; one that was left half made is begun again, because making it changes nothing. A
unit that was changed is a cause, too: what it would change is requested as a plan. So is a mapping:
what waits is decided again, once for all changes of a page. So is the wish to try entries
again, which becomes a run for exactly those; and a person's decision that is to be written, which
has a run look after a while whether it was. Rows that a request had no time for are a job, too.
Webhook deliveries are gathered: one job looks for all that wait, and comes again when the run in
hand has ended.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Protocol, cast, get_args

import structlog
from pgqueuer.adapters.persistence import qb
from pgqueuer.db import AsyncpgDriver, AsyncpgPoolDriver
from pgqueuer.domain.settings import DBSettings
from pgqueuer.errors import FailingListenerError, RetryRequested
from pgqueuer.models import HealthCheckEvent, Job
from pgqueuer.ports.driver import Driver
from pgqueuer.qm import QueueManager
from pgqueuer.queries import Queries
from pgqueuer.types import Channel

from adapters.postgres.connecting import DRIVER_ERRORS, connection_lost
from adapters.postgres.event_store import HOLDERS, PostgresEventStore
from adapters.postgres.locks import Session, session_lock
from domain.connector.events import ConnectorChanged
from domain.delivery.events import WebhookDeliveryReceived, WebhookDeliveryReplayRequested
from domain.errors import AlreadyClaimed, LedgerError, RuleViolation, Unavailable
from domain.event import Actor, Event, Metadata, Recorded
from domain.handling import handle, state_of
from domain.ids import ConnectorId, EntryId, PlanId, RunId, plan_stream, run_of, run_stream
from domain.mapping.events import MappingEvent, UserMappingSet
from domain.plan.commands import FailPlan
from domain.plan.decide import PLAN, Plan
from domain.plan.events import PlanRequested
from domain.ports.clock import Clock
from domain.sync.confirming import EMAIL
from domain.sync_run.commands import FailRun
from domain.sync_run.decide import (
    ACTIVE_RUN,
    PLACES,
    STARTED,
    SYNC_RUN,
    Run,
    holds,
    waiting_place,
)
from domain.sync_run.events import (
    SyncRunCancelled,
    SyncRunCompleted,
    SyncRunFailed,
    SyncRunQueued,
)
from domain.time_entry.events import ConflictResolved, EntryRetryRequested
from domain.time_entry.resolving import CARRIED

if TYPE_CHECKING:
    import asyncpg

log = structlog.get_logger(__name__)

ENTRYPOINT, PLAN_ENTRYPOINT = "sync-run", "sync-plan"
UNIT_ENTRYPOINT = "unit-plan"  # its number is the position of the change of a unit
WAITING_ENTRYPOINT = "decide-waiting"  # its number is the position of the change of a mapping
MAPPINGS = get_args(MappingEvent)
RETRY_ENTRYPOINT = "entry-retry"  # its payload are the wish's position and the entries
LOOK_ENTRYPOINT = "webhook-look"  # its number is the position of what made it due
# A delivery, or that a run has ended: it may have been the look, or what kept it waiting.
LOOKS = (
    WebhookDeliveryReceived,
    WebhookDeliveryReplayRequested,
    SyncRunCompleted,
    SyncRunFailed,
    SyncRunCancelled,
)
ROWS_ENTRYPOINT = "reconcile-rows"  # its payload is what `enqueue_rows` was given
CARRIED_BY = timedelta(seconds=90)  # after which a person's decision was written, or has to be
CAUSES = (
    SyncRunQueued.TYPE,
    PlanRequested.TYPE,
    ConnectorChanged.TYPE,
    *(kind.TYPE for kind in MAPPINGS),
    EntryRetryRequested.TYPE,
    *(kind.TYPE for kind in LOOKS),
    ConflictResolved.TYPE,
)
# The other jobs ask again and again while a run is queued: many of them would never let it begin.
FIRST = 1  # priority of runs and plans
CHANNEL = "ch_pgqueuer"
FOLLOWER, FOLLOWER_VERSION = "jobs", 1  # its checkpoint: never rename once deployed
PAUSE = 1.0  # seconds before another try when the database is away
LOCK_RETRY = timedelta(seconds=2)  # the pair is locked by somebody: look again then
SHORT = timedelta(seconds=2)  # waited for in the job: the queue looks at delayed ones less often
GATHERED = 0.1  # seconds that a look lets more deliveries come before it asks which there are
HELD = timedelta(
    seconds=1
)  # from one look to the next: each job is some commits beside the appends
HEARTBEAT = timedelta(seconds=10)  # a job whose worker was silent so long is given to another
PROBES = 4  # of a listener before it is given up: within PgQueuer's ten seconds
LOOK = timedelta(seconds=5)  # between looks at the queue; NOTIFY usually comes first
PATROL = 5.0  # seconds between looks for runs that nobody works on
STOPPED = "Interrupted: the service was stopped. The next run goes on from here."
CRASHED = "Interrupted: the process that carried it out is gone. The next run goes on from here."
AWAY = "Interrupted: the database was away. The next run goes on from here."
OURS = "Internal error; the log of the service says more."
DATABASE_TROUBLE = (LedgerError, *DRIVER_ERRORS, FailingListenerError)

_CHECKPOINT = """
SELECT coalesce(max(position), 0) FROM checkpoint
 WHERE log_id = $1 AND projection = $2 AND version = $3
"""
_ADVANCE = """
INSERT INTO checkpoint (log_id, projection, version, position) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
"""
_PRUNE = """
DELETE FROM checkpoint
 WHERE log_id = $1 AND projection = $2 AND version = $3 AND position < $4
"""
_HALF_MADE = """
SELECT plan_id FROM plans WHERE log_id = $1 AND valid_to IS NULL AND state = 'building'
"""
_FORGOTTEN = """
SELECT EXISTS (SELECT FROM deliveries
                WHERE log_id = $1 AND valid_to IS NULL AND status = 'received'
                  AND (again_at IS NULL OR again_at <= $3))
   AND NOT EXISTS (SELECT FROM pgqueuer WHERE entrypoint = $2
                      AND (status <> 'queued' OR execute_after <= now() + interval '10 seconds'))
"""
# One that is still to be taken sees all that is in the ledger by now.
_LOOK_TO_COME = """
SELECT EXISTS (SELECT FROM pgqueuer WHERE entrypoint = $1 AND status = 'queued'
                                      AND execute_after <= now() + $2::interval)
"""
_NEWER = "SELECT EXISTS (SELECT FROM pgqueuer WHERE entrypoint = $1 AND id > $2)"
_LATER = "SET LOCAL synchronous_commit = off"
_FOLLOWER_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"


Execute = Callable[[Run], Awaitable[object]]  # starts the run, does it, and records its end
Make = Callable[[Plan], Awaitable[object]]  # makes the plan, and records that it failed if so
Retry = Callable[[Sequence[EntryId], int], Awaitable[timedelta | None]]  # gives when to ask again
CompareUnits = Callable[[ConnectorId, int], Awaitable[object]]  # of it, since that position
LookAtTickets = Callable[[int], Awaitable[timedelta | None]]  # since then; when to ask again
PairLock = Callable[["Pair"], AbstractAsyncContextManager[bool]]
ResolveRows = Callable[[bytes], Awaitable[timedelta | None]]  # gives when to go on, None: done
DecideWaiting = Callable[[int, PairLock], Awaitable[bool]]  # since then; False: locked, not done


class Pair(Protocol):
    """Two connectors that only one at a time works on."""

    @property
    def source_connector_id(self) -> ConnectorId: ...
    @property
    def target_connector_id(self) -> ConnectorId: ...


class RunFollower:
    """Turns queued runs and requested plans into jobs. Any number of processes may run it."""

    def __init__(self, store: PostgresEventStore) -> None:
        self._store = store

    async def run(self) -> None:
        """Follow the log until cancelled; outages of the database are waited out."""
        while True:
            try:
                begin = await self._checkpoint()
                async for page in self._store.subscribe(begin, types=CAUSES):
                    await self.take(page)
            except DATABASE_TROUBLE as error:
                log.warning("run_follower_waits", error=type(error).__name__)
                await asyncio.sleep(PAUSE)

    async def take(self, page: Sequence[Recorded[Event]]) -> None:
        """Make the jobs of a page."""
        log_id, to = self._store.log_id, page[-1].position
        async with self._store.pool.acquire() as connection, connection.transaction():
            if all(map(_makes_look, page)):
                await connection.execute(_LATER)  # the patrol finds what a lost look was for
            await connection.execute(_FOLLOWER_LOCK, f"timeledger jobs {log_id}")
            taken = await connection.fetchval(_CHECKPOINT, log_id, FOLLOWER, FOLLOWER_VERSION)
            fresh = [recorded.event for recorded in page if recorded.position > taken]
            queued = [event.run_id for event in fresh if isinstance(event, SyncRunQueued)]
            plans = [event.plan_id for event in fresh if isinstance(event, PlanRequested)]
            await _enqueue(connection, ENTRYPOINT, queued, FIRST)
            await _enqueue(connection, PLAN_ENTRYPOINT, plans, FIRST)
            units = [each.position for each in page if each.position > taken and _is_unit(each)]
            await _enqueue(connection, UNIT_ENTRYPOINT, units)
            mapped = [each.position for each in page if each.position > taken and _is_mapping(each)]
            await _enqueue(connection, WAITING_ENTRYPOINT, mapped[-1:])  # the newest is for all
            await _enqueue_retries(connection, page, taken)
            announced = [r.position for r in page if r.position > taken and _makes_look(r)]
            if announced and not await connection.fetchval(_LOOK_TO_COME, LOOK_ENTRYPOINT, SHORT):
                await _enqueue(connection, LOOK_ENTRYPOINT, announced[-1:])  # it is for all
            await _enqueue_carried(connection, page, taken)
            await connection.execute(_ADVANCE, log_id, FOLLOWER, FOLLOWER_VERSION, to)
            await connection.execute(_PRUNE, log_id, FOLLOWER, FOLLOWER_VERSION, taken)

    async def _checkpoint(self) -> int:
        row = await self._store.pool.fetchval(
            _CHECKPOINT, self._store.log_id, FOLLOWER, FOLLOWER_VERSION
        )
        return int(row)


class Manager(QueueManager):
    """Asks its listener more than once whether it hears.

    PgQueuer 1.6 sends the first probe before it listens; when that is lost, it would take no jobs
    any more until all that it has in hand have ended.
    """

    async def listener_healthy(self, timeout: timedelta = HEARTBEAT) -> HealthCheckEvent:  # noqa: ASYNC109 # PgQueuer's
        """Raises FailingListenerError when no probe comes back within `timeout`."""
        for _ in range(PROBES - 1):
            with suppress(FailingListenerError):
                return await super().listener_healthy(timeout / PROBES)
        return await super().listener_healthy(timeout / PROBES)


class RunWorker:
    """Carries out runs, one at a time per connector pair over all processes."""

    def __init__(
        self,
        store: PostgresEventStore,
        clock: Clock,
        execute: Execute,
        make: Make,
        compare_units: CompareUnits,
        decide_waiting: DecideWaiting,
        retry: Retry,
        look: LookAtTickets,
        resolve_rows: ResolveRows,
        *,
        lock_retry: timedelta = LOCK_RETRY,
    ) -> None:
        self._store = store
        self._clock = clock
        self._execute = execute
        self._make = make
        self._compare_units = compare_units
        self._decide_waiting = decide_waiting
        self._retry = retry
        self._look = look
        self._resolve_rows = resolve_rows
        self._lock_retry = lock_retry
        self._active: set[RunId] = set()
        self._manager: Manager | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Work until `stop`; outages of the database are waited out."""
        logging.getLogger("pgqueuer").addFilter(as_warning)
        while not self._stopping.is_set():
            queries = _queries(AsyncpgPoolDriver(self._store.pool))
            manager = Manager(queries, Channel(CHANNEL))
            manager.entrypoint(ENTRYPOINT)(self._work)
            manager.entrypoint(PLAN_ENTRYPOINT)(self._plan)
            manager.entrypoint(UNIT_ENTRYPOINT)(self._unit)
            manager.entrypoint(WAITING_ENTRYPOINT)(self._waiting)
            manager.entrypoint(RETRY_ENTRYPOINT)(self._queue_retry)
            manager.entrypoint(LOOK_ENTRYPOINT, concurrency_limit=1)(self._look_at_tickets)
            manager.entrypoint(ROWS_ENTRYPOINT)(self._rows)
            self._manager = manager
            try:
                await manager.run(
                    dequeue_timeout=LOOK,
                    batch_size=1,
                    heartbeat_timeout=HEARTBEAT,
                    shutdown_on_listener_failure=True,
                )
            except (*DATABASE_TROUBLE, TimeoutError, RuntimeError) as error:
                log.warning("run_worker_waits", error=type(error).__name__)
            if not self._stopping.is_set():
                await asyncio.sleep(PAUSE)

    def stop(self) -> None:
        """Take no more jobs, and end the run in hand after the write in progress."""
        self._stopping.set()
        if self._manager is not None:
            self._manager.shutdown.set()

    async def patrol(self) -> None:
        """Look for runs that nobody works on, now and then, until cancelled."""
        while True:
            try:
                await self.rescue()
                await self.rescue_plans()
                await self.rescue_looks()
            except DATABASE_TROUBLE as error:
                log.warning("run_patrol_waits", error=type(error).__name__)
            await asyncio.sleep(PATROL)

    async def rescue(self) -> RunId | None:
        """End the run that a crash left running; queue those whose job was lost.

        Returns the run that was ended, None when there was none.
        """
        ended = None
        for run_id in await self._holders([ACTIVE_RUN, *map(waiting_place, PLACES)]):
            run = await self._load(run_id)
            if run is None or run_id in self._active:
                continue
            if run.state == "queued" or _goes_on(run):
                async with self._store.pool.acquire() as connection:
                    await _enqueue(connection, ENTRYPOINT, [run_id], FIRST)
                continue
            async with self._pair_lock(run) as mine:
                if mine and await self._interrupted(run):
                    ended = run_id
        return ended

    async def _holders(self, claims: Sequence[str]) -> list[RunId]:
        """The runs that hold one of the claims, the one that was asked for first in front."""
        rows = await self._store.pool.fetch(HOLDERS, self._store.log_id, list(claims))
        return sorted(run_of(name) for (name,) in rows)

    async def _has_its_turn(self, run: Run) -> bool:
        """Whether a run that waits may begin: nothing is active, and nobody came before it."""
        if run.state != "queued" or run.place is None:
            return True
        if await self._holders([ACTIVE_RUN]):
            return False
        waiting = await self._holders([waiting_place(place) for place in PLACES])
        return not waiting or waiting[0] >= run.run_id

    async def rescue_plans(self) -> None:
        """Queue again the plans that are half made; those that are worked on have their job."""
        rows = await self._store.pool.fetch(_HALF_MADE, self._store.log_id)
        async with self._store.pool.acquire() as connection:
            await _enqueue(connection, PLAN_ENTRYPOINT, [row["plan_id"] for row in rows], FIRST)

    async def rescue_looks(self) -> None:
        """Make a job for the deliveries that wait, when it was lost."""
        now, pool = self._clock.now().astimezone(UTC), self._store.pool
        if await pool.fetchval(_FORGOTTEN, self._store.log_id, LOOK_ENTRYPOINT, now):
            async with pool.acquire() as connection:
                await _enqueue(connection, LOOK_ENTRYPOINT, [await self._store.head()])

    async def _plan(self, job: Job) -> None:
        """One job of the other kind, under the same lock: what moves cannot be planned."""
        plan_id = PlanId(int(job.payload or b"0"))
        plan = await state_of(self._store, PLAN, plan_stream(plan_id))
        if plan is None or plan.state != "building":
            return
        structlog.contextvars.bind_contextvars(plan_id=plan_id, correlation_id=f"plan-{plan_id}")
        async with self._pair_lock(plan) as mine:
            if not mine:
                raise RetryRequested(delay=self._lock_retry, reason="the pair is locked")
            work = await self._until_stopped(self._make(plan))
            if work.cancelled():
                return  # begun again by whoever comes next
            if (error := _failure(work)) is not None:
                await self._give_up(plan_id, error)

    async def _unit(self, job: Job) -> None:
        """Somebody set another unit: what that would change is to be shown."""
        position = int(job.payload or b"0")
        (change,) = await self._store.page(position - 1, 1)
        if not isinstance(change.event, ConnectorChanged):
            return
        try:
            await self._compare_units(change.event.connector_id, position)
        except LedgerError as error:
            log.warning("units_not_compared", error=str(error))
            raise RetryRequested(delay=self._lock_retry, reason="the views lag") from error

    async def _waiting(self, job: Job) -> None:
        """Somebody changed a mapping: what waits is decided again, under the lock of the runs.

        The newest change is for all before it: one job is left of many that a long run kept
        waiting. Whatever cannot be done now, or is cut off, the next run does.
        """
        if await self._store.pool.fetchval(_NEWER, WAITING_ENTRYPOINT, job.id):
            return
        position = int(job.payload or b"0")
        if await self._holders([ACTIVE_RUN]):
            raise RetryRequested(
                delay=self._lock_retry, reason="a run may go by the former mappings"
            )
        work = await self._until_stopped(self._decide_waiting(position, self._pair_lock))
        if work.cancelled():
            return
        try:
            done = work.result()
        except Unavailable as error:
            raise RetryRequested(delay=self._lock_retry, reason=str(error)) from error
        if not done:
            raise RetryRequested(delay=self._lock_retry, reason="the pair is locked")

    async def _queue_retry(self, job: Job) -> None:
        """Somebody wants entries tried again: a run for them, as soon as there may be one."""
        position, *entries = (int(word) for word in (job.payload or b"0").split())
        again = await self._retry([EntryId(entry) for entry in entries], position)
        if again is not None:
            raise RetryRequested(delay=again, reason="no run can be queued now")

    async def _look_at_tickets(self, job: Job) -> None:
        """Zammad announced something, or a run has ended: see to all deliveries that wait.

        The newest job is for all before it, also while it waits for its turn.
        """
        position, again = int(job.payload or b"0"), None
        await asyncio.sleep(GATHERED)
        while not await self._store.pool.fetchval(_NEWER, LOOK_ENTRYPOINT, job.id):
            try:
                again = await self._look(position)
            except LedgerError as error:
                log.warning("look_waits", error=str(error))
                raise RetryRequested(delay=self._lock_retry, reason="the look failed") from error
            pause = max(HELD, again) if again is not None and again <= SHORT else HELD
            await self._until_stopped(asyncio.sleep(pause.total_seconds()))
            if again is None:
                return
            if again > SHORT or self._stopping.is_set():
                raise RetryRequested(delay=again, reason="the look is not due yet")

    async def _rows(self, job: Job) -> None:
        """Rows of Reconcile that a request had no time for; those that were done stay done."""
        work = await self._until_stopped(self._resolve_rows(job.payload or b""))
        if work.cancelled():
            raise RetryRequested(delay=self._lock_retry, reason="the service was stopped")
        again = work.result()
        if isinstance(again, timedelta):
            raise RetryRequested(delay=again, reason="the pair is locked")

    async def _give_up(self, plan_id: PlanId, error: str) -> None:
        await handle(
            self._store,
            PLAN,
            plan_stream(plan_id),
            FailPlan(error=error),
            metadata=Metadata(
                actor=Actor(kind="service", name="sync"), correlation_id=f"plan-{plan_id}"
            ),
            now=self._clock.now().astimezone(UTC),
        )

    async def _work(self, job: Job) -> None:
        """One job. Every end is an event, so that no run stays open."""
        run_id = RunId(int(job.payload or b"0"))
        run = await self._load(run_id)
        if run is None or not run.is_active or run_id in self._active:
            return
        structlog.contextvars.bind_contextvars(run_id=run_id, correlation_id=f"run-{run_id}")
        async with self._pair_lock(run) as mine:
            if not mine:
                raise RetryRequested(delay=self._lock_retry, reason="the pair is locked")
            if not await self._has_its_turn(run):
                raise RetryRequested(delay=self._lock_retry, reason="another run comes first")
            if not await self._interrupted(run):
                self._active.add(run_id)
                try:
                    await self._carry_out(run)
                finally:
                    self._active.discard(run_id)

    async def _interrupted(self, run: Run) -> bool:
        """Whether the run had been started by somebody who is gone; it is ended then.

        One that is owed goes on instead: no later run would do the same.
        """
        now = await self._load(run.run_id)
        if now is None or now.state not in STARTED or _goes_on(now):
            return False
        log.warning("run_interrupted", run_id=run.run_id)
        await self._tell(run.run_id, FailRun(error=CRASHED))
        return True

    async def _carry_out(self, run: Run) -> None:
        """Have the run done; whatever kept it from recording its own end is recorded here."""
        log.info("run_taken", run_id=run.run_id)
        work = asyncio.ensure_future(self._execute(run))
        try:
            await self._until_stopped(work)
        finally:
            error = _failure(work)
            if error is not None and not (work.cancelled() and run.is_owed):
                if await self._was_too_late(run, work):
                    raise RetryRequested(delay=self._lock_retry, reason="another run was quicker")
                await asyncio.shield(self._tell(run.run_id, FailRun(error=error)))
        log.info("run_ended", run_id=run.run_id)

    async def _was_too_late(self, run: Run, work: asyncio.Future[object]) -> bool:
        """Whether it could not begin, because another one did in the same instant."""
        if work.cancelled() or not isinstance(work.exception(), AlreadyClaimed):
            return False
        now = await self._load(run.run_id)
        return now is not None and now.state == "queued"

    async def _until_stopped(self, what: Awaitable[object]) -> asyncio.Future[object]:
        """What came of it; cancelled when this worker is to stop, or is cancelled itself."""
        work = asyncio.ensure_future(what)
        stop = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.cancel()
            if not work.done():
                work.cancel()
                await asyncio.wait({work})
        return work

    async def _tell(self, run_id: RunId, command: FailRun) -> None:
        """End the run, unless it has ended by itself."""
        try:
            await handle(
                self._store,
                SYNC_RUN,
                run_stream(run_id),
                command,
                metadata=metadata_of(run_id),
                now=self._clock.now().astimezone(UTC),
                holds=holds,
            )
        except RuleViolation as error:
            log.info("run_had_ended", run_id=run_id, code=error.code)

    async def _load(self, run_id: RunId) -> Run | None:
        return await state_of(self._store, SYNC_RUN, run_stream(run_id))

    @asynccontextmanager
    async def _pair_lock(self, run: Pair) -> AsyncIterator[bool]:
        """The pair's lock for as long as the block lasts; False when somebody else has it.

        It belongs to a session, so that it is free the moment its process dies.
        """
        async with pair_lock(self._store, run) as mine:
            yield mine


@asynccontextmanager
async def pair_lock(store: PostgresEventStore, pair: Pair) -> AsyncIterator[bool]:
    """Whether this block is the only one that works on the pair, in any process."""
    name = f"timeledger run {store.log_id}:{pair.source_connector_id}:{pair.target_connector_id}"
    async with session_lock(store.pool, name) as session:
        yield session is not None


async def enqueue_rows(store: PostgresEventStore, payload: bytes) -> None:
    """Have rows of Reconcile decided in the background, once, whoever dies meanwhile."""
    async with store.pool.acquire() as connection:
        driver = AsyncpgDriver(cast("asyncpg.Connection", connection))
        await _queries(driver).enqueue(ROWS_ENTRYPOINT, payload)


def metadata_of(run_id: RunId) -> Metadata:
    """Who and why of what a run does."""
    return Metadata(
        actor=Actor(kind="service", name="sync"), correlation_id=f"run-{run_id}", run_id=run_id
    )


def _is_mapping(recorded: Recorded[Event]) -> bool:
    """Whether people changed a mapping; what a run wrote down of people it decided with already."""
    event = recorded.event
    known = isinstance(event, UserMappingSet) and event.origin == EMAIL and not event.changes
    return isinstance(event, MAPPINGS) and not known


def _makes_look(recorded: Recorded[Event]) -> bool:
    return isinstance(recorded.event, LOOKS)


def _is_unit(recorded: Recorded[Event]) -> bool:
    event = recorded.event
    changes = event.changes if isinstance(event, ConnectorChanged) else ()
    return any(change.field == "settings.time_unit_minutes" for change in changes)


def _goes_on(run: Run) -> bool:
    return run.is_owed and run.state == "running"


def _failure(work: asyncio.Future[object]) -> str | None:
    """Why a finished task did not record its end. Messages of ours carry ids, never tokens."""
    if work.cancelled():
        return STOPPED
    match error := work.exception():
        case None:
            return None
        case LedgerError():
            return str(error)
        case _ if isinstance(error, DATABASE_TROUBLE):
            log.warning("run_lost_its_database", error=type(error).__name__)
            return AWAY
        case _:
            log.error("run_crashed", exc_info=error)
            return OURS


def as_warning(record: logging.LogRecord) -> bool:
    """PgQueuer tells an outage as an error; it is waited out, and nobody has to be called."""
    error = record.exc_info[1] if record.exc_info else None
    if record.levelno == logging.ERROR and error is not None and connection_lost(error):
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True


def _queries(driver: Driver) -> Queries:
    """PgQueuer's statements under the names of our migration.

    Left alone it takes them from the environment, from variables as common as CHANNEL.
    """
    names = DBSettings(
        prefix="",
        channel=Channel(CHANNEL),
        function="fn_pgqueuer_changed",
        statistics_table="pgqueuer_statistics",
        queue_status_type="pgqueuer_status",
        queue_table="pgqueuer",
        queue_table_log="pgqueuer_log",
        trigger="tg_pgqueuer_changed",
        schedules_table="pgqueuer_schedules",
    )
    return Queries(
        driver,
        qbe=qb.QueryBuilderEnvironment(names),
        qbq=qb.QueryQueueBuilder(names),
        qbs=qb.QuerySchedulerBuilder(names),
    )


async def _enqueue_retries(
    connection: Session, page: Sequence[Recorded[Event]], taken: int
) -> None:
    """One job for all entries of the page that somebody wants tried again."""
    wishes = [
        (each.position, each.event.entry_id)
        for each in page
        if each.position > taken and isinstance(each.event, EntryRetryRequested)
    ]
    await _enqueue_tries(connection, wishes, timedelta(0))


async def _enqueue_carried(
    connection: Session, page: Sequence[Recorded[Event]], taken: int
) -> None:
    """The same, later, for those that whoever decided it may have died over."""
    decided = [
        (each.position, each.event.entry_id)
        for each in page
        if each.position > taken
        and isinstance(each.event, ConflictResolved)
        and each.event.action in CARRIED
    ]
    await _enqueue_tries(connection, decided, CARRIED_BY)


async def _enqueue_tries(
    connection: Session, wishes: Sequence[tuple[int, EntryId]], after: timedelta
) -> None:
    if not wishes:
        return
    position = wishes[-1][0]
    words = [position, *dict.fromkeys(entry for _, entry in wishes)]
    await _queries(AsyncpgDriver(cast("asyncpg.Connection", connection))).enqueue(
        RETRY_ENTRYPOINT,
        b" ".join(str(word).encode() for word in words),
        execute_after=after,
        dedupe_key=f"{RETRY_ENTRYPOINT}-{position}",
        on_conflict="skip",
    )


async def _enqueue(
    connection: Session, entrypoint: str, numbers: Sequence[int], priority: int = 0
) -> None:
    """Jobs for those of the runs, or of the plans, that have none yet."""
    if not numbers:
        return
    payloads: list[bytes | None] = [str(number).encode() for number in numbers]
    keys: list[str | None] = [f"{entrypoint}-{number}" for number in numbers]
    driver = AsyncpgDriver(cast("asyncpg.Connection", connection))  # a proxy does all it needs
    await _queries(driver).enqueue(
        [entrypoint] * len(numbers),
        payloads,
        [priority] * len(numbers),
        dedupe_key=keys,
        on_conflict="skip",
    )

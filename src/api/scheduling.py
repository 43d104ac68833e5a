"""Runs by the schedule, begun in whichever process holds the lead.

The ledger says which due times were seen to: each becomes a run or a skipped one under a key of
its own, so that neither two leaders nor a second look make two of it. What came due while
nobody led is caught up by one run.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import structlog

from adapters.postgres.connecting import DRIVER_ERRORS
from adapters.postgres.locks import Session
from adapters.scheduler import Alarm
from api import runs
from api.leading import lead, pulse
from api.problems import Problem, problem_of
from api.services import Commands, Services
from domain.errors import AlreadyClaimed, LedgerError
from domain.event import Actor, Event, Metadata, Recorded
from domain.handling import state_of
from domain.ids import SCHEDULE_STREAM, RunId
from domain.schedule.cron import Cron
from domain.schedule.decide import SCHEDULE, Schedule
from domain.schedule.events import ScheduleChanged
from domain.sync_run.commands import SkipRun
from domain.sync_run.events import SCHEDULE_CAUSE, Cause
from projections import schedule as schedule_view

PAUSE = 1.0  # seconds before another look while the database is away

TIMING = {"cron", "timezone", "enabled"}  # fields that say what is due

ACTOR = Actor(kind="service", name="schedule")
log = structlog.get_logger(__name__)


class Scheduling:
    """`run` leads, or waits to; `look` is what it does when the alarm rings."""

    def __init__(self, own: Services) -> None:
        self._own = own

    async def run(self) -> None:
        """Until cancelled; outages of the database are waited out."""
        await lead(self._own.store, "schedule", self._lead)

    async def look(self) -> None:
        """See to the newest time that came due, unless that was done: a run, or a skipped one."""
        own = self._own
        now = own.clock.now().astimezone(UTC)
        await own.shown(await own.store.head())
        changes = await own.store.read_recorded(SCHEDULE_STREAM)
        since, schedule = _timed_since(changes)
        if since is None or not schedule.enabled:
            return
        due = Cron(schedule.cron).before(now, schedule.timezone).astimezone(UTC)
        row = await own.views.one(schedule_view.PROJECTION, schedule_view.THE_ONE)
        if due <= max(since, (row and row.seen_to) or since):
            return
        await self._see_to(due, now)

    async def _see_to(self, due: datetime, now: datetime) -> None:
        own = self._own
        name = due.isoformat()
        key, cause = f"schedule-{name}", Cause(kind=SCHEDULE_CAUSE, name=name)
        metadata = Metadata(actor=ACTOR, correlation_id=key)
        commands = Commands(store=own.store, metadata=metadata, now=now)
        try:
            wanted = runs.Wanted()
            await runs.queue(own, commands, wanted, trigger="scheduled", cause=cause, key=key)
        except AlreadyClaimed as claimed:
            problem = problem_of(claimed)
        except Problem as refused:
            problem = refused
        else:
            log.info("scheduled_run_queued", due=name)
            return
        log.warning("scheduled_run_skipped", due=name, code=problem.code)
        skip = SkipRun(
            run_id=RunId(0), cause=cause, due_at=due, code=problem.code, detail=problem.detail
        )
        await runs.numbered(own, commands, skip, key)

    async def _lead(self, session: Session) -> None:
        alarm = Alarm(self._look_until_done)
        alarm.start()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(pulse(session))
                tasks.create_task(self._follow(alarm))
        finally:
            alarm.stop()

    async def _follow(self, alarm: Alarm) -> None:
        """Keep the alarm as the schedule says, and see to what came due before."""
        store = self._own.store
        head = await store.head()
        await self._set(alarm)
        await self._look_until_done()
        async for _ in store.subscribe(head, types=(ScheduleChanged.TYPE,)):
            await self._set(alarm)

    async def _set(self, alarm: Alarm) -> None:
        schedule = await state_of(self._own.store, SCHEDULE, SCHEDULE_STREAM)
        if schedule.enabled:
            alarm.set(Cron(schedule.cron), schedule.timezone)
        else:
            alarm.clear()

    async def _look_until_done(self) -> None:
        while True:
            try:
                return await self.look()
            except (*DRIVER_ERRORS, LedgerError) as error:
                log.warning("schedule_looks_again", error=type(error).__name__)
                await asyncio.sleep(PAUSE)


def _timed_since(changes: Sequence[Recorded[Event]]) -> tuple[datetime | None, Schedule]:
    """Since when the due times are what they are, and the schedule; by the ledger: views may lag.

    A change of anything else, in the moment in which a run is due, must not lose it.
    """
    since, schedule = None, SCHEDULE.initial
    for recorded in changes:
        event = recorded.event
        assert isinstance(event, ScheduleChanged)  # nothing else is in the stream
        if TIMING & {change.field for change in event.changes}:
            since = recorded.occurred_at  # by the clock that says what is due
        schedule = SCHEDULE.evolve(schedule, event)
    return since, schedule

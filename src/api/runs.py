"""Asking for a run, and waiting for its end: what route and command line have in common."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from api.problems import Problem
from api.services import Commands, Services
from domain.connector.decide import paused_text
from domain.connector.settings import zammad_settings
from domain.errors import AlreadyClaimed
from domain.handling import state_of
from domain.ids import SCHEDULE_STREAM, ConnectorId, RunId, run_stream
from domain.numbering import with_next_number
from domain.schedule.decide import SCHEDULE, SKIP
from domain.sync_run.commands import QueueRun, SkipRun
from domain.sync_run.decide import ACTIVE_RUN, PLACES, SYNC_RUN, Run, holds
from domain.sync_run.events import Cause
from projections import user_mappings

T = TypeVar("T")
USUAL_DAYS = 30  # a run without dates looks so far back
MOST_DAYS = 366
FIRST_LOOK, LONGEST_LOOK = 0.05, 0.5  # seconds between looks at a run that is waited for


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What somebody asks to be synchronised; dates are work dates, inclusive."""

    connector_id: int | None = None
    start_date: date | None = None
    end_date: date | None = None


@dataclass(frozen=True, kw_only=True)
class Queued:
    """A run that has been asked for."""

    run_id: RunId
    start_date: date
    end_date: date


async def queue(
    own: Services,
    commands: Commands,
    wanted: Wanted,
    *,
    trigger: str,
    cause: Cause,
    key: str | None = None,
) -> Queued:
    """Append the wish for a run; the follower makes a job of it.

    While another run is active the schedule's `concurrency` says whether it may wait; a look at
    some tickets is waited for in any case.

    Raises:
        Problem: `range_invalid`, `connectors_missing`, `connector_inactive`, `queue_full`.
        AlreadyClaimed: another run is active, and none may wait.
    """
    start, end = await range_of(own, commands, wanted)
    source, target = await pair(own, wanted.connector_id)
    wish = QueueRun(
        run_id=RunId(0),
        trigger=trigger,
        cause=cause,
        source_connector_id=source,
        target_connector_id=target,
        start_date=start,
        end_date=end,
    )
    schedule = await state_of(own.store, SCHEDULE, SCHEDULE_STREAM)
    take = _alone if schedule.concurrency == SKIP else _in_line
    try:
        run_id = await take(own, commands, wish, key)
    except AlreadyClaimed as claimed:
        if not await _is_look(own, claimed):
            raise
        run_id = await _in_line(own, commands, wish, key)  # it is over in a moment
    return Queued(run_id=run_id, start_date=start, end_date=end)


async def _is_look(own: Services, claimed: AlreadyClaimed) -> bool:
    """Whether the run that is in the way is a look at some tickets."""
    if claimed.claim != ACTIVE_RUN:
        return False
    run = await state_of(own.store, SYNC_RUN, claimed.holder)
    return run is not None and run.ticket_ids is not None


async def _alone(own: Services, commands: Commands, wish: QueueRun, key: str | None) -> RunId:
    """Queue it when no other run is active, nor waits since runs were still lined up.

    Raises AlreadyClaimed, and Problem `run_active`.
    """
    if (waiting := await own.waiting_run()) is not None:
        extra = {"run_id": waiting}
        raise Problem("run_active", f"Run {waiting} still waits for its turn.", extra=extra)
    return await numbered(own, commands, wish, key)


async def _in_line(own: Services, commands: Commands, wish: QueueRun, key: str | None) -> RunId:
    """Queue it at the first free place. Raises Problem `queue_full`."""
    for place in PLACES:
        with suppress(AlreadyClaimed):
            return await numbered(own, commands, replace(wish, place=place), key)
    raise Problem("queue_full", f"{len(PLACES)} runs wait already; one has to begin first.")


async def numbered(
    own: Services, commands: Commands, wish: QueueRun | SkipRun, key: str | None = None
) -> RunId:
    """Queue it under the next free number; with a `key` that was used before, not again.

    Raises AlreadyClaimed when another run is active, or its place is taken.
    """

    async def add(number: int) -> None:
        run_id = RunId(number)
        theirs = replace(
            commands,
            metadata=replace(commands.metadata, correlation_id=f"run-{number}", run_id=number),
        )
        await theirs.run(SYNC_RUN, run_stream(run_id), replace(wish, run_id=run_id), holds, key)
        commands.position = theirs.position

    number, _ = await with_next_number(own.store, lambda n: run_stream(RunId(n)), add)
    return RunId(number)


async def last_position(own: Services, run_id: RunId) -> int:
    """Where the run's newest event is; what it did to entries came before."""
    return (await own.store.read_recorded(run_stream(run_id)))[-1].position


async def ended(own: Services, run_id: RunId, *, within: float) -> Run:
    """The run once it has ended, or as far as it is after `within` seconds or at our own end."""

    async def look() -> Run:
        run = await state_of(own.store, SYNC_RUN, run_stream(run_id))
        if run is None:
            raise Problem("not_found", "There is no such run.")
        return run

    return await awaited(own, look, lambda run: not run.is_active, within=within)


async def awaited(
    own: Services, look: Callable[[], Awaitable[T]], is_over: Callable[[T], bool], *, within: float
) -> T:
    """What `look` gives once it is over, or after `within` seconds or at our own end."""
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + within, FIRST_LOOK
    while True:
        seen = await look()
        if is_over(seen) or loop.time() >= deadline or own.stopping.is_set():
            return seen
        with suppress(TimeoutError):
            rest = min(pause, max(0.0, deadline - loop.time()))
            async with asyncio.timeout(rest):
                await own.stopping.wait()
        pause = min(pause * 1.5, LONGEST_LOOK)


async def range_of(own: Services, commands: Commands, wanted: Wanted) -> tuple[date, date]:
    """The work dates that are meant, inclusive. Raises Problem `range_invalid`."""
    today = await _latest_today(own, commands.now)
    end = wanted.end_date or today
    start = wanted.start_date or _days_before(min(today, end))
    if start > end:
        raise Problem("range_invalid", "start_date lies after end_date.")
    if (end - start).days >= MOST_DAYS:
        raise Problem("range_invalid", f"A run covers at most {MOST_DAYS} days.")
    return start, end


async def _latest_today(own: Services, now: datetime) -> date:
    """The latest work day that a booking of now can have.

    Where somebody works in a zone ahead of the display zone it is tomorrow there already.
    """
    shown_in = own.settings.display_timezone
    zones = {shown_in}
    for connector in await own.active_connectors():
        if connector.kind == "zammad":
            zones.add(zammad_settings(connector.settings, display_timezone=shown_in).timezone)
    people = await own.views.all_rows(user_mappings.PROJECTION)
    zones |= {row.timezone for row in people if row.is_active and row.timezone}
    return max(now.astimezone(ZoneInfo(zone)).date() for zone in zones)


def _days_before(day: date) -> date:
    """The usual begin of a run that ends on `day`."""
    return day - min(timedelta(days=USUAL_DAYS), day - date.min)


async def pair(own: Services, connector_id: int | None) -> tuple[ConnectorId, ConnectorId]:
    """The active Zammad and Kimai connectors, by the ledger: views may lag.

    Raises Problem `connectors_missing`, and `connector_inactive` when one of them is paused.
    """
    if connector_id is not None:
        connector = await own.connector(ConnectorId(connector_id))
        if connector is None:
            raise Problem("not_found", "There is no such connector.")
        if not connector.is_active:
            raise Problem("connector_inactive", f"Connector {connector_id} is not active.")
    active = {connector.kind: connector for connector in await own.active_connectors()}
    if "zammad" not in active or "kimai" not in active:
        missing = [kind.capitalize() for kind in ("zammad", "kimai") if kind not in active]
        raise Problem(
            "connectors_missing", f"There is no active {' and '.join(missing)} connector."
        )
    for connector in active.values():
        if connector.is_paused:
            raise Problem("connector_inactive", paused_text(connector))
    return active["zammad"].connector_id, active["kimai"].connector_id

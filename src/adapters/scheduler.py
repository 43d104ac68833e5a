"""APScheduler as the alarm clock of the schedule: when to look, not what to do then.

Which instants are due, `domain.schedule.cron` says, here as in the preview. What came due and was
not seen to is found by looking at the ledger, so an alarm that is late, or lost, loses no run.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from domain.schedule.cron import Cron

JOB = "schedule"


class CronTrigger(BaseTrigger):  # type: ignore[misc] # the library has no types
    """The instants of an expression in a zone."""

    def __init__(self, cron: Cron, zone: str) -> None:
        self._cron = cron
        self._zone = zone

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """The next one; those that were missed between `previous` and `now` ring as one."""
        after = now if previous is None else max(previous, now)
        return next(self._cron.following(after, self._zone))


class Alarm:
    """Calls `ring` at each instant of the schedule that was set; missed ones ring once."""

    def __init__(self, ring: Callable[[], Awaitable[object]]) -> None:
        self._ring = ring
        self._scheduler = AsyncIOScheduler(timezone=UTC)

    def start(self) -> None:
        """Must be called in the running loop."""
        self._scheduler.start()

    def stop(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def set(self, cron: Cron, zone: str) -> None:
        """From now on these instants, and no others."""
        self._scheduler.add_job(
            self._ring,
            CronTrigger(cron, zone),
            id=JOB,
            replace_existing=True,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )

    def clear(self) -> None:
        """Ring no more."""
        if self._scheduler.get_job(JOB) is not None:
            self._scheduler.remove_job(JOB)

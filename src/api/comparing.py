"""One comparison of all views at a time, in the background, and what is known of the last one."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import structlog

from adapters.postgres.comparing import Comparing, Comparison
from adapters.postgres.locks import session_lock
from api.services import Services
from domain.errors import LedgerError

log = structlog.get_logger(__name__)

State = Literal["never", "running", "done", "failed"]
PATIENCE = 10.0  # seconds until the views show what is to be compared


@dataclass
class Comparisons:
    """Of this process; the last one is known until it ends."""

    state: State = "never"
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error: str | None = None
    comparison: Comparison = field(default_factory=lambda: Comparison(until=0))
    _task: "asyncio.Task[None] | None" = None

    async def begin(self, own: Services) -> None:
        """Begin one, unless one is going on."""
        if self.state == "running":
            return
        self.state, self.error = "running", None
        self.started_at, self.ended_at = own.clock.now(), None
        self.comparison = Comparison(until=await own.store.head())
        self._task = asyncio.create_task(self._go(own, self.comparison))

    async def _compare(self, own: Services, comparison: Comparison) -> None:
        async with session_lock(own.store.pool, f"compare-{own.store.log_id}") as mine:
            if mine is None:
                self.error = "Another process compares already; ask again when it is over."
                return
            if not await Comparing(own.store).run(comparison, stopping=own.stopping.is_set):
                self.error = "The service was stopped before the end."

    async def _go(self, own: Services, comparison: Comparison) -> None:
        try:
            if not await own.projections.wait_for(comparison.until, within=PATIENCE):
                self.error = "The views do not show the newest events; look at /api/ready."
            else:
                await self._compare(own, comparison)
        except LedgerError as error:
            self.error = str(error)
        except Exception as error:  # the outermost edge of a background task
            log.exception("comparison_failed")
            self.error = f"It stopped at {comparison.position} ({type(error).__name__})."
        self.state = "done" if self.error is None else "failed"
        self.ended_at = own.clock.now()
        log.info("views_compared", until=comparison.until, found=comparison.found)

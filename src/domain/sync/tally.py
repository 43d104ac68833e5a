"""What a run has done so far, and telling so at most once a second."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.ports.clock import Clock
from domain.sync_run.events import Counters
from domain.time_entry.events import (
    ConflictOpened,
    EntryDeadLettered,
    EntryDecided,
    TimeEntryEvent,
    TimesheetAdopted,
    TimesheetCreated,
    TimesheetDeleted,
    TimesheetUpdated,
    TimesheetWriteRejected,
)
from domain.time_entry.values import Outcome

EVERY = timedelta(seconds=1)  # progress is for eyes; more often is only load
PROBLEMS_SHOWN = 5  # of many alike, some are enough to see what to do
COUNTED: dict[type[TimeEntryEvent], str] = {
    TimesheetCreated: "created",
    TimesheetUpdated: "updated",
    TimesheetDeleted: "deleted",
    TimesheetWriteRejected: "failed",
    EntryDeadLettered: "failed",
    ConflictOpened: "conflicts",
}

Report = Callable[[str, int, int, Counters], Awaitable[None]]


@dataclass
class Tally:
    """Counts of one run. `problems` are what kept it from looking at everything."""

    clock: Clock
    report: Report
    last: datetime
    phase: str = "discover"
    done: int = 0
    total: int = 0
    problems: list[str] = field(default_factory=list)
    _counts: Counter[str] = field(default_factory=Counter)

    def counters(self) -> Counters:
        """As of now."""
        return Counters(**self._counts)

    def count(self, name: str, by: int = 1) -> None:
        """Add to one of the counters."""
        self._counts[name] += by

    def note(self, events: Sequence[TimeEntryEvent]) -> None:
        """Count what was just recorded."""
        for event in events:
            if name := COUNTED.get(type(event)):
                self._counts[name] += 1
            elif isinstance(event, TimesheetAdopted):
                # found after a lost answer: it was us who created it
                self._counts["created" if event.how == "read_back" else "already_synced"] += 1
            elif isinstance(event, EntryDecided) and event.outcome is Outcome.LEAVE:
                self._counts["skipped" if event.desired is None else "already_synced"] += 1

    def problems_text(self, then: str = "the next run tries again") -> str:
        """What kept the run from looking at everything, in one sentence, and what to do `then`."""
        more = len(self.problems) - PROBLEMS_SHOWN
        rest = f"; and {more} more" if more > 0 else ""
        shown = "; ".join(self.problems[:PROBLEMS_SHOWN])
        return f"Not everything could be looked at, {then}: {shown}{rest}"

    async def tell(self) -> None:
        """Report, unless that was done less than a second ago."""
        now = self.clock.now()
        if now - self.last < EVERY:
            return
        self.last = now
        await self.report(self.phase, self.done, self.total, self.counters())

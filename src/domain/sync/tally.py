"""What a run has done so far, and telling so about once a second."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.errors import LedgerError
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

EVERY = timedelta(seconds=0.5)  # with job, view and network it is seen within a second
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
    """Counts of one run.

    `problems` are what kept it from looking at everything, `remarks` what it did without.
    """

    clock: Clock
    report: Report
    last: datetime
    phase: str = "discover"
    done: int = 0
    total: int = 0
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    _of_tickets: list[int] = field(default_factory=list)
    _counts: Counter[str] = field(default_factory=Counter)
    _told: tuple[str, int, int, Counters] | None = None

    def counters(self) -> Counters:
        """As of now."""
        return Counters(**self._counts)

    def count(self, name: str, by: int = 1) -> None:
        """Add to one of the counters."""
        self._counts[name] += by

    def note(self, events: Sequence[TimeEntryEvent]) -> None:
        """Count what was just recorded."""
        for event in events:
            self._counts["decided"] += isinstance(event, EntryDecided)
            if name := COUNTED.get(type(event)):
                self._counts[name] += 1
            elif isinstance(event, TimesheetAdopted) and event.marker is not None:
                pass  # taken over: what is decided about it counts
            elif isinstance(event, TimesheetAdopted):
                # found after a lost answer: it was us who created it
                self._counts["created" if event.how == "read_back" else "already_synced"] += 1
            elif isinstance(event, EntryDecided) and event.outcome is Outcome.LEAVE:
                self._counts["skipped" if event.desired is None else "already_synced"] += 1

    def problem(self, text: str, *, ticket: int | None) -> None:
        """Something that could not be looked at, and that ticket alone suffers from it."""
        self.problems.append(text)
        if ticket is not None:
            self._of_tickets.append(ticket)

    @property
    def tickets_in_trouble(self) -> tuple[int, ...]:
        """Those that the problems are about; none when there are others, too."""
        alone = len(self._of_tickets) == len(self.problems)
        return tuple(sorted(set(self._of_tickets))) if alone else ()

    def problems_text(self, then: str = "the next run tries again") -> str:
        """What kept the run from looking at everything, in one sentence, and what to do `then`."""
        more = len(self.problems) - PROBLEMS_SHOWN
        rest = f"; and {more} more" if more > 0 else ""
        shown = "; ".join(self.problems[:PROBLEMS_SHOWN])
        return f"Not everything could be looked at, {then}: {shown}{rest}"

    async def tell(self) -> None:
        """Report what is new, unless that was done a moment ago."""
        now, news = self.clock.now(), (self.phase, self.done, self.total, self.counters())
        if now - self.last < EVERY or news == self._told:
            return
        self.last, self._told = now, news
        await self.report(*news)

    async def keep_telling(self) -> None:
        """The same until cancelled, also while the run waits; in real time, being for eyes."""
        while True:
            await asyncio.sleep(EVERY.total_seconds())
            with suppress(LedgerError):  # whatever it is, the run itself meets it, too
                await self.tell()

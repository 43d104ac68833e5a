"""Look at timesheets right before they are changed: many with one request, or one alone.

What was exported or edited in Kimai since our last write must not be changed, so each is looked
at first. How old such a look may be, and why: decision 0017.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.errors import Rejected, Unavailable
from domain.ports.clock import Clock
from domain.ports.timesheets import Timesheet, Timesheets
from domain.time_entry.values import Written

USABLE = timedelta(seconds=1.5)  # from the look until its outcome is acted on
SENT_BY = timedelta(seconds=2)  # from the look until the request is sent
MOST = 200  # with one request: some two seconds of writing
WIDEST = timedelta(days=31)  # a window to begin with; narrowed when more records lie in it
MISSES = 5  # lists that saved nothing, after which a run does without them


class Overtaken(Unavailable):
    """The look at several timesheets was too long ago when this one's turn came; nothing sent."""

    def __init__(self) -> None:
        super().__init__("kimai", "the timesheet was looked at too long ago; it was not sent")


@dataclass(frozen=True, kw_only=True)
class Glance:
    """A record as it was after the wish for it; None when it is gone.

    `at` is when it was asked for together with others, None when it was asked for alone.
    """

    record: Timesheet | None
    at: datetime | None = None


@dataclass
class Glances:
    """The looks of one run. Only the first one at a timesheet is taken together with others.

    So neither a retry nor a second change relies on a list that our own request overtook.
    """

    timesheets: Timesheets
    clock: Clock
    together: int  # fewer are looked at one by one
    _expected: dict[int, datetime] = field(default_factory=dict)  # begin as we know it
    _seen: dict[int, tuple[datetime, Timesheet]] = field(default_factory=dict)
    _met: set[int] = field(default_factory=set)
    _span: timedelta = WIDEST
    _misses: int = 0
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)

    def expect(self, coming: Iterable[Written]) -> None:
        """These will be wanted soon, in about this order."""
        for written in coming:
            if written.timesheet_id not in self._met:
                self._expected[written.timesheet_id] = written.begin

    async def look(self, known: Written) -> Glance:
        """The record, asked for no longer ago than USABLE.

        Raises what reading raises: Unavailable, Misconfigured, Rejected.
        """
        timesheet_id = known.timesheet_id
        if timesheet_id not in self._met:
            self._met.add(timesheet_id)
            try:
                if not self._is_usable(timesheet_id):
                    async with self._one:
                        if not self._is_usable(timesheet_id):
                            await self._look_around(known)
            finally:
                self._expected.pop(timesheet_id, None)
                found = self._seen.pop(timesheet_id, None)
            if found is not None and self._is_recent(found[0], USABLE):
                return Glance(record=found[1], at=found[0])
        return Glance(record=await self.timesheets.get(timesheet_id))

    def check(self, glance: Glance | None) -> None:
        """Raise Overtaken when it is too late to send what rests on this glance.

        Kimai, or the pace it is asked at, is slow then: the run looks one by one from now on.
        """
        if glance is None or glance.at is None or self._is_recent(glance.at, SENT_BY):
            return
        self._misses = MISSES
        raise Overtaken

    async def _look_around(self, known: Written) -> None:
        """List what is expected and begins near `known`, where that is more than a few."""
        if self._misses >= MISSES:
            return
        near = self._near(known)
        if len(near) < self.together:
            return
        at, begins = self.clock.now(), near.values()
        try:
            peek = await self.timesheets.peek(min(begins), max(begins))
        except Rejected:  # it may show single records and no lists
            self._misses = MISSES
            return
        shown = [sheet for sheet in peek.sheets if sheet.timesheet_id in near]
        self._seen.update((sheet.timesheet_id, (at, sheet)) for sheet in shown)
        if not peek.complete:
            self._span = (max(begins) - min(begins)) / 2
        if not peek.complete or len(shown) < self.together or not self._is_recent(at, USABLE):
            self._misses += 1

    def _near(self, known: Written) -> dict[int, datetime]:
        first = list(self._expected.items())[:MOST]
        half = self._span / 2
        near = {each: begin for each, begin in first if abs(begin - known.begin) <= half}
        return near | {known.timesheet_id: known.begin}

    def _is_usable(self, timesheet_id: int) -> bool:
        seen = self._seen.get(timesheet_id)
        return seen is not None and self._is_recent(seen[0], USABLE)

    def _is_recent(self, at: datetime, bound: timedelta) -> bool:
        return self.clock.now() - at <= bound

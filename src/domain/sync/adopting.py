"""Find what is in Kimai already for bookings of ours, before they get a timesheet of their own.

Everything is listed once, before the first run between two connectors has ended well: what is
marked there may lie on any day. Later runs list the days of what they are about to create: it may
have waited for a mapping since, and people go on booking by hand. Nothing is written to Kimai.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.connector.settings import WorkTimeAnchor
from domain.ids import EntryId
from domain.ports.timesheets import Timesheet
from domain.rules.comparison import as_alike, as_written
from domain.rules.configuration import Configuration
from domain.rules.marker import Claim, claimed, is_marked
from domain.rules.rounding import sent_length
from domain.sync.parts import parts
from domain.sync.ports import Ports
from domain.time_entry.commands import Adopt, Hold
from domain.time_entry.state import TimeEntry, worked
from domain.time_entry.taking_over import (
    EARLIER_MARKER,
    MARKER,
    is_free,
    subject_of,
    suggestion_text,
)
from domain.time_entry.values import Basis, Desired, Outcome, ReasonCode

EVER = datetime(1990, 1, 1, tzinfo=UTC)  # before any booking
YEARS = timedelta(days=3_650)  # how far ahead somebody may have planned
DAY = timedelta(days=1)
APART = 31 * DAY  # days that lie further apart are listed apart: what is between may be years
KNOWN_AT_ONCE = 1_000  # ids asked of the read model together
_NUMBER = re.compile(r"(?<![0-9A-Za-z])[0-9]{3,20}(?![0-9A-Za-z])", re.ASCII)  # may be a ticket's


@dataclass
class Adopter:
    """What Kimai holds, as far as this run has listed it.

    `_listed` are days of UTC, `_everything` all of them. `_taken` are timesheets that belong to a
    booking, whatever they look like.
    """

    ports: Ports
    configuration: Configuration
    _everything: bool = False
    _listed: set[date] = field(default_factory=set)
    _taken: set[int] = field(default_factory=set)
    _noted: set[int] = field(default_factory=set)
    _claimed: dict[EntryId, list[tuple[Timesheet, Claim]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _alike: dict[str, list[Timesheet]] = field(default_factory=lambda: defaultdict(list))

    async def look(self) -> bool:
        """List all of Kimai, 500 records a request; False when a run has ended well before."""
        source, target = self.configuration.source, self.configuration.target
        known = self.ports.known
        if (await known.target_marks(source, target)).polled_at is not None:
            return False
        self._taken |= {each.seen.timesheet_id for each in await known.linked(source, target)}
        await self._list(EVER, self.ports.clock.now() + YEARS)
        self._everything = True
        return True

    async def look_around(self, entries: Sequence[TimeEntry]) -> None:
        """List the days of these, which are about to be created; none is listed twice in a run."""
        if self._everything:
            return
        wanted = {day for each in entries for day in _days(each)}
        for first, last in _windows(wanted - self._listed):
            begin = datetime.combine(first, time(), UTC)
            await self._list(begin, datetime.combine(last, time(), UTC) + DAY)
            self._listed.update(first + DAY * each for each in range((last - first).days + 1))
        found = {sheet.timesheet_id for each in entries for sheet in self._likes(each)}
        found |= {sheet.timesheet_id for each in entries for sheet, _ in self._claims(each)}
        source, target = self.configuration.source, self.configuration.target
        for part in parts(sorted(found), KNOWN_AT_ONCE):
            linked = await self.ports.known.linked_to(source, target, part)
            self._taken |= {each.seen.timesheet_id for each in linked}

    def has_found(self, entry: TimeEntry) -> bool:
        """Whether one of the steps below has something to do."""
        return self.adoption(entry) is not None or self.suggestion(entry) is not None

    async def _list(self, begin: datetime, end: datetime) -> None:
        async with aclosing(self.ports.timesheets.listing(begin, end)) as pages:
            async for page in pages:
                for sheet in page:
                    known = sheet.timesheet_id in self._taken or sheet.timesheet_id in self._noted
                    if not known and sheet.end is not None:
                        self._noted.add(sheet.timesheet_id)
                        self._note(sheet)

    def _note(self, sheet: Timesheet) -> None:
        text = sheet.description
        claim = claimed(text, self.configuration.log_tag, self.configuration.source)
        if claim is not None:
            self._claimed[claim.entry_id].append((sheet, claim))
        elif not is_marked(text):
            for number in set(_NUMBER.findall(text)):
                self._alike[number].append(sheet)

    def adoption(self, entry: TimeEntry | None) -> Adopt | None:
        """The step that links what carries the booking's marker."""
        if entry is None or not is_free(entry) or not (mine := self._claims(entry)):
            return None
        subject = subject_of(entry)
        _, first = min(mine, key=lambda each: each[0].timesheet_id)
        return Adopt(
            found=[as_written(sheet, subject) for sheet, _ in mine],
            how=MARKER if first.ticket_id is None else EARLIER_MARKER,
            target_connector_id=self.configuration.target,
            marker=first.marker,
        )

    def _claims(self, entry: TimeEntry) -> Sequence[tuple[Timesheet, Claim]]:
        ticket = None if entry.booking is None else entry.booking.ticket_id
        return [
            (sheet, claim)
            for sheet, claim in self._claimed.get(entry.entry_id, ())
            if claim.ticket_id in (None, ticket) and sheet.timesheet_id not in self._taken
        ]

    def suggestion(self, entry: TimeEntry | None) -> Hold | None:
        """The step that asks a person before a booking is written that seems to be there."""
        if entry is None or not is_new(entry):
            return None
        likes = sorted(self._likes(entry), key=lambda sheet: sheet.timesheet_id)
        if not likes:
            return None
        others = tuple(sheet.timesheet_id for sheet in likes)
        return Hold(
            reason=ReasonCode.DUPLICATE,
            detail=suggestion_text(others),
            others=others,
            alike=as_alike(likes[0], self.configuration.target),
        )

    def _likes(self, entry: TimeEntry) -> Iterator[Timesheet]:
        """What has its ticket, person, day and amount; the amount with corrections or without."""
        decided, context = entry.decided, entry.context
        if entry.distinct or context is None or decided is None or decided.desired is None:
            return
        desired, zone = decided.desired, ZoneInfo(decided.desired.zone)
        amounts, days = self._amounts(entry, desired, decided.basis), _local_days(entry, desired)
        for sheet in self._alike.get(context.ticket_number, ()):
            if (
                sheet.timesheet_id not in self._taken
                and sheet.user_id == desired.user_id
                and sheet.duration in amounts
                and sheet.begin.astimezone(zone).date() in days
            ):
                yield sheet

    def _amounts(self, entry: TimeEntry, desired: Desired, basis: Basis) -> set[timedelta]:
        """How long its work may be in Kimai: with corrections or without, rounded or not."""
        work, zone = worked(desired, basis), ZoneInfo(desired.zone)
        whole = work.duration + timedelta(seconds=entry.reduced.seconds)
        ends_then = basis.anchor == WorkTimeAnchor.END_AT_BOOKING
        rounded = sent_length(work, whole, self.configuration.kimai, zone, ends_then=ends_then)
        amounts = {work.duration, whole, rounded, desired.end - desired.begin}
        return amounts if basis.foreseen is None else {*amounts, basis.foreseen.duration}


def is_new(entry: TimeEntry) -> bool:
    """Whether it is about to get a timesheet, having none."""
    creates = entry.standing.outcome is Outcome.CREATE and entry.conflict is None
    return creates and is_free(entry)


def _local_days(entry: TimeEntry, desired: Desired) -> set[date]:
    """The day of the work, and that on which rounding makes it begin."""
    assert entry.decided is not None
    begins = desired.begin.astimezone(ZoneInfo(desired.zone)).date()
    return {begins, entry.decided.basis.work_date or begins}


def _days(entry: TimeEntry) -> set[date]:
    """The days of UTC on which its local days begin and end."""
    if entry.decided is None or entry.decided.desired is None:
        return set()
    desired = entry.decided.desired
    zone, days = ZoneInfo(desired.zone), _local_days(entry, desired)
    midnights = (datetime.combine(each, time(), zone) for day in days for each in (day, day + DAY))
    return {each.astimezone(UTC).date() for each in midnights}


def _windows(days: Iterable[date]) -> Iterator[tuple[date, date]]:
    """First and last of the days that lie close together."""
    window: tuple[date, date] | None = None
    for day in sorted(days):
        if window is not None and day - window[1] <= APART:
            window = window[0], day
            continue
        if window is not None:
            yield window
        window = day, day
    if window is not None:
        yield window

"""Take over a Kimai that is in use already: find what is there for bookings of ours.

Everything is listed once, before the first run between two connectors has ended well: afterwards,
all that is there for a booking was linked by then or written by us. Nothing is written to Kimai.
"""

import re
from collections import defaultdict
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.ids import EntryId
from domain.ports.timesheets import Timesheet
from domain.rules.comparison import as_written
from domain.rules.configuration import Configuration
from domain.rules.marker import Claim, claimed, is_marked
from domain.sync.ports import Ports
from domain.time_entry.commands import Adopt, Hold
from domain.time_entry.state import TimeEntry
from domain.time_entry.taking_over import (
    EARLIER_MARKER,
    MARKER,
    is_free,
    subject_of,
    suggestion_text,
)
from domain.time_entry.values import Outcome, ReasonCode

EVER = datetime(1990, 1, 1, tzinfo=UTC)  # before any booking
YEARS = timedelta(days=3_650)  # how far ahead somebody may have planned
_NUMBER = re.compile(r"(?<![0-9A-Za-z])[0-9]{3,20}(?![0-9A-Za-z])", re.ASCII)  # may be a ticket's


@dataclass
class Adopter:
    """What Kimai held before the first run. Without `look`, it knows of nothing."""

    ports: Ports
    configuration: Configuration
    _claimed: dict[EntryId, list[tuple[Timesheet, Claim]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _alike: dict[str, list[Timesheet]] = field(default_factory=lambda: defaultdict(list))

    async def look(self) -> None:
        """List all of Kimai, 500 records a request, unless a run has ended well before."""
        source, target = self.configuration.source, self.configuration.target
        known = self.ports.known
        if (await known.target_marks(source, target)).polled_at is not None:
            return
        seen = {each.seen.timesheet_id for each in await known.linked(source, target)}
        until = self.ports.clock.now() + YEARS
        async with aclosing(self.ports.timesheets.listing(EVER, until)) as pages:
            async for page in pages:
                for sheet in page:
                    if sheet.timesheet_id not in seen and sheet.end is not None:
                        seen.add(sheet.timesheet_id)
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
        if entry is None or entry.entry_id not in self._claimed or not is_free(entry):
            return None
        assert entry.booking is not None
        mine = [
            (sheet, claim)
            for sheet, claim in self._claimed[entry.entry_id]
            if claim.ticket_id in (None, entry.booking.ticket_id)
        ]
        if not mine:
            return None
        subject = subject_of(entry)
        _, first = min(mine, key=lambda each: each[0].timesheet_id)
        return Adopt(
            found=[as_written(sheet, subject) for sheet, _ in mine],
            how=MARKER if first.ticket_id is None else EARLIER_MARKER,
            target_connector_id=self.configuration.target,
            marker=first.marker,
        )

    def suggestion(self, entry: TimeEntry | None) -> Hold | None:
        """The step that asks a person before a booking is written that seems to be there."""
        if entry is None or not is_free(entry) or entry.distinct or entry.context is None:
            return None
        decided = entry.decided
        if entry.standing.outcome is not Outcome.CREATE or entry.conflict is not None:
            return None
        if decided is None or decided.desired is None:
            return None
        desired, foreseen = decided.desired, decided.basis.foreseen
        amounts = {desired.end - desired.begin} | ({foreseen.duration} if foreseen else set())
        ids = [
            sheet.timesheet_id
            for sheet in self._alike.get(entry.context.ticket_number, ())
            if sheet.user_id == desired.user_id
            and sheet.duration in amounts
            and sheet.begin.astimezone(ZoneInfo(desired.zone)).date() == decided.basis.work_date
        ]
        if not ids:
            return None
        others = tuple(sorted(ids))
        return Hold(reason=ReasonCode.DUPLICATE, detail=suggestion_text(others), others=others)

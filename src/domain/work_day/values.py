"""The day of one person, and the places that bookings have on it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from domain.ids import ConnectorId, EntryId, work_day_stream
from domain.span import Span


@dataclass(frozen=True, kw_only=True)
class WorkDay:
    """A calendar day of whoever booked in Zammad (`agent_id`), in the zone that person works in."""

    connector_id: ConnectorId
    agent_id: int
    day: date

    @property
    def stream(self) -> str:
        return work_day_stream(self.connector_id, self.agent_id, self.day)


@dataclass(frozen=True, kw_only=True)
class Slot:
    """Where a booking lies: `begin` and `end` of the work, `reach` what rounding may need."""

    begin: datetime
    end: datetime
    reach: Span


@dataclass(frozen=True, kw_only=True)
class Unplaced:
    """A booking that wants a place of that length on that day; the place is the answer to it.

    `zone` is where the day lies. `preferred` is the begin it has now, None for a new one. `beside`
    is where other timesheets of it lie, which stay.
    """

    entry_id: EntryId
    day: WorkDay
    zone: str
    booked_at: datetime
    duration: timedelta
    preferred: datetime | None = None
    beside: tuple[Span, ...] = ()

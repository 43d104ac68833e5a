"""Which booking lies where on the day of one person.

Stream `work-day-<connector and agent><YYYYMMDD>`: one per person and day, so that two bookings can
only ever be placed one after the other, whoever places them.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from domain.ids import ConnectorId, EntryId
from domain.work_day.values import Slot


@dataclass(frozen=True, kw_only=True)
class SlotTaken:
    """The booking has this place from now on, and no other.

    `day_start` is the instant from which the day was filled, by the settings then in force.
    """

    TYPE: ClassVar = "SlotTaken"
    SCHEMA: ClassVar = 1

    connector_id: ConnectorId
    agent_id: int
    day: date
    zone: str
    day_start: datetime
    entry_id: EntryId
    slot: Slot


@dataclass(frozen=True, kw_only=True)
class SlotFreed:
    """The booking is gone, or lies on another day or another person's; its place may be taken."""

    TYPE: ClassVar = "SlotFreed"
    SCHEMA: ClassVar = 1

    connector_id: ConnectorId
    agent_id: int
    day: date
    entry_id: EntryId


WorkDayEvent = SlotTaken | SlotFreed

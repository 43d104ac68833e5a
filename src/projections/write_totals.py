"""What became of the writes to Kimai: how often each outcome happened, ever."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from domain.event import Event
from domain.time_entry.events import (
    TimesheetCreated,
    TimesheetDeleted,
    TimesheetUpdated,
    TimesheetWriteRejected,
    TimesheetWriteUncertain,
    TimesheetWriteUnsent,
)
from projections import time_entries
from projections.tally import Amounts, Counted, Tally

ALL = 0  # the key of the only row
ONE = Decimal(1)
OUTCOMES: Mapping[type[Event], str] = MappingProxyType(
    {
        TimesheetCreated: "created",
        TimesheetUpdated: "updated",
        TimesheetDeleted: "deleted",
        TimesheetWriteRejected: "rejected",
        TimesheetWriteUncertain: "uncertain",
        TimesheetWriteUnsent: "unsent",
    }
)


def _happened(event: Event) -> Counted | None:
    outcome = OUTCOMES.get(type(event))
    return None if outcome is None else (outcome,)


def _amounts(counted: Counted) -> Mapping[int, Amounts]:
    (outcome,) = counted
    return {ALL: {outcome: ONE}}


TALLY = Tally(name="write_totals", of=time_entries.PROJECTION, happened=_happened, amounts=_amounts)

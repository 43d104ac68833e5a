"""How many bookings and minutes stand where, per work day and in all (`contract.md`, section 6)."""

from collections.abc import Mapping
from decimal import Decimal
from operator import attrgetter

from projections import time_entries
from projections.tally import Amounts, Counted, Tally

ALL = 0  # the key of the sums over all days; that of a day is its ordinal, from 1 on
ONE = Decimal(1)
NOTHING = Decimal(0)


def minutes(state: str) -> str:
    """The name of the minutes of the entries in a state; their number is named like the state."""
    return f"{state}.minutes"


def rows(status: str, reason: str | None = None) -> str:
    """The name of the number of rows of Reconcile with that status and, if open, that reason."""
    return f"row.{status}.{reason or ''}"


def row_of(name: str) -> tuple[str, str | None] | None:
    """Status and reason of the rows whose number has that name, None for another number."""
    kind, _, rest = name.partition(".")
    status, _, reason = rest.partition(".")
    return (status, reason or None) if kind == "row" else None


def _amounts(counted: Counted) -> Mapping[int, Amounts]:
    day, state, lasted, status, why = counted
    amounts = {state: ONE, minutes(state): lasted or NOTHING}
    in_all = amounts if status is None else {**amounts, rows(status, why): ONE}
    return {ALL: in_all, day.toordinal(): amounts}


TALLY: Tally[time_entries.Row] = Tally(
    name="entry_totals",
    of=time_entries.PROJECTION,
    counted=attrgetter("entry_date", "state", "minutes", "row_status", "reason_code"),
    amounts=_amounts,
)

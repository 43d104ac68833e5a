"""How many bookings and minutes stand where, per work day and in all (`contract.md`, section 6)."""

from collections.abc import Mapping
from decimal import Decimal

from projections import time_entries
from projections.tally import Amounts, Counted, Tally

ALL = 0  # the key of the sums over all days; that of a day is its ordinal, from 1 on
ONE = Decimal(1)
NOTHING = Decimal(0)


def minutes(state: str) -> str:
    """The name of the minutes of the entries in a state; their number is named like the state."""
    return f"{state}.minutes"


def reason(code: str) -> str:
    """The name of the number of open conflicts with that reason code, among those of all days."""
    return f"reason.{code}"


def _counted(row: time_entries.Row) -> Counted:
    why = row.reason_code if row.state == "conflict" else None
    return row.entry_date, row.state, row.minutes, why


def _amounts(counted: Counted) -> Mapping[int, Amounts]:
    day, state, lasted, why = counted
    amounts = {state: ONE, minutes(state): lasted or NOTHING}
    in_all = amounts if why is None else {**amounts, reason(why): ONE}
    return {ALL: in_all, day.toordinal(): amounts}


TALLY = Tally(name="entry_totals", of=time_entries.PROJECTION, counted=_counted, amounts=_amounts)

"""How many runs there are in each state, and of what trigger (`contract.md`, section 6)."""

from collections.abc import Mapping
from decimal import Decimal

from projections import sync_runs
from projections.tally import Amounts, Counted, Tally

ALL = 0  # the key of the only row
ONE = Decimal(1)


def _counted(row: sync_runs.Row) -> Counted:
    return row.state, row.trigger_type


def _amounts(counted: Counted) -> Mapping[int, Amounts]:
    state, trigger = counted
    return {ALL: {f"{state}.{trigger}": ONE}}


TALLY = Tally(name="run_totals", of=sync_runs.PROJECTION, counted=_counted, amounts=_amounts)

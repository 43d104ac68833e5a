"""How many conflicts were ever opened, by what became of them (`contract.md`, section 8)."""

from collections.abc import Mapping
from decimal import Decimal

from projections import conflicts
from projections.tally import Amounts, Counted, Tally

ALL = 0  # the key of the only row
ONE = Decimal(1)


def _counted(row: conflicts.Row) -> Counted:
    return (row.status,)


def _amounts(counted: Counted) -> Mapping[int, Amounts]:
    (status,) = counted
    return {ALL: {status: ONE}}


def _outlives(before: conflicts.Row, after: conflicts.Row) -> bool:
    """Whether a conflict made way for the next one of its entry, and is one still."""
    return before.conflict_id != after.conflict_id and before.status != conflicts.PENDING


TALLY = Tally(
    name="conflict_totals",
    of=conflicts.PROJECTION,
    counted=_counted,
    amounts=_amounts,
    outlives=_outlives,
)

"""How many webhook deliveries there are of each status (`contract.md`, section 11)."""

from collections.abc import Mapping
from decimal import Decimal

from projections import deliveries
from projections.tally import Amounts, Counted, Tally

ALL = 0  # the key of the only row
ONE = Decimal(1)


def _counted(row: deliveries.Row) -> Counted:
    return (row.status,)


def _amounts(counted: Counted) -> Mapping[int, Amounts]:
    (status,) = counted
    return {ALL: {status: ONE}}


TALLY = Tally(name="delivery_totals", of=deliveries.PROJECTION, counted=_counted, amounts=_amounts)

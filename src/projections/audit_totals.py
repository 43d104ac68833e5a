"""How many audited events there are of each action (`contract.md`, section 10)."""

from collections.abc import Mapping
from decimal import Decimal

from projections import audit_log
from projections.tally import Amounts, Counted, Tally

ALL = 0  # the key of the only row
ONE = Decimal(1)


def _counted(row: audit_log.Row) -> Counted:
    return (row.action,)


def _amounts(counted: Counted) -> Mapping[int, Amounts]:
    (action,) = counted
    return {ALL: {action: ONE}}


TALLY = Tally(name="audit_totals", of=audit_log.PROJECTION, counted=_counted, amounts=_amounts)

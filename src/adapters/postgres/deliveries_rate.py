"""How many webhook deliveries come through; until there is a view of deliveries, nobody knows."""

from datetime import datetime, timedelta
from typing import Any

from adapters.postgres.totals import Session

WINDOW = timedelta(hours=24)  # contract, section 6


async def webhook_success_rate(
    connection: Session,  # noqa: ARG001
    log_id: int,  # noqa: ARG001
    now: datetime,  # noqa: ARG001
    as_of: int | None,  # noqa: ARG001
) -> float | None:
    """The share (0..1) of the deliveries accepted since `now - WINDOW` processed without error.

    None when there were none. `connection` is in the transaction that reads the other figures.
    """
    return None


async def deliveries_by_status(
    connection: Session,  # noqa: ARG001
    log_id: int,  # noqa: ARG001
) -> dict[str, int]:
    """How many deliveries there are of each status of `/webhook/deliveries`; empty until then."""
    nothing: dict[str, Any] = {}
    return nothing

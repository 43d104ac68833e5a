"""What a change of the mappings did to the bookings that waited. Stream `waiting-<connector>`."""

from dataclasses import dataclass
from typing import ClassVar

from domain.ids import ConnectorId


@dataclass(frozen=True, kw_only=True)
class WaitingDecided:
    """So many bookings were decided again, none was written; their own streams say how.

    `connector_id` is the Zammad connector they come from. `to_write` of them go to Kimai with the
    next run, `held` wait for a person still, `left` are not carried over. `error` is what kept
    it from deciding all of them; the next run decides the others.
    """

    TYPE: ClassVar = "WaitingDecided"
    SCHEMA: ClassVar = 1

    connector_id: ConnectorId
    to_write: int
    held: int
    left: int
    error: str | None

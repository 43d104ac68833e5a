"""Which activity is booked for which type? One row per mapping (`contract.md`, section 5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never, get_args

from domain.event import Recorded
from domain.mapping.events import ActivityMappingEvent, MappingRemoved, MappingSet
from projections.projection import Projection

NAME, VERSION = "mappings", 1


@dataclass(frozen=True)
class Row:
    """One mapping; `zammad_type_id` None stands for bookings without type."""

    mapping_id: int
    position: int
    version: int
    zammad_type_id: int | None
    zammad_type_name: str
    kimai_activity_id: int
    kimai_activity_name: str
    is_active: bool
    billable: bool | None
    created_at: datetime
    updated_at: datetime


def keys(recorded: Recorded[ActivityMappingEvent]) -> Sequence[int]:
    return (recorded.event.mapping_id,)


def project(row: Row | None, recorded: Recorded[ActivityMappingEvent]) -> Row | None:
    """The mapping after the event; None once it is removed."""
    match event := recorded.event:
        case MappingSet():
            return Row(
                mapping_id=event.mapping_id,
                position=recorded.position,
                version=recorded.version,
                zammad_type_id=event.zammad_type_id,
                zammad_type_name=event.zammad_type_name,
                kimai_activity_id=event.kimai_activity_id,
                kimai_activity_name=event.kimai_activity_name,
                is_active=event.is_active,
                billable=event.billable,
                created_at=row.created_at if row else recorded.recorded_at,
                updated_at=recorded.recorded_at,
            )
        case MappingRemoved():
            return None
        case _:
            assert_never(event)


def shown(row: Row) -> dict[str, object]:
    """The contract's Mapping."""
    return {
        "id": row.mapping_id,
        "zammad_type_id": row.zammad_type_id,
        "zammad_type_name": row.zammad_type_name,
        "kimai_activity_id": row.kimai_activity_id,
        "kimai_activity_name": row.kimai_activity_name,
        "is_active": row.is_active,
        "billable": row.billable,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "version": row.version,
    }


PROJECTION = Projection(
    name=NAME,
    version=VERSION,
    row=Row,
    key="mapping_id",
    events=frozenset(get_args(ActivityMappingEvent)),
    keys=keys,
    project=project,
    stream="mapping",
)

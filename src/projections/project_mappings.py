"""Which project do bookings of a customer, organization or group go to? (`contract.md`, 5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never, get_args

from domain.event import Recorded
from domain.mapping.events import ProjectMappingEvent, ProjectMappingRemoved, ProjectMappingSet
from projections.projection import Projection

NAME, VERSION = "project_mappings", 1


@dataclass(frozen=True)
class Row:
    """One mapping. Personal: `customer_name` (subject `customer:<source_id>`)."""

    mapping_id: int
    position: int
    version: int
    source_kind: str
    source_id: int
    source_name: str | None
    customer_name: str | None
    kimai_customer_id: int | None
    kimai_project_id: int | None
    is_active: bool
    created_at: datetime
    updated_at: datetime


def keys(recorded: Recorded[ProjectMappingEvent]) -> Sequence[int]:
    return (recorded.event.mapping_id,)


def project(row: Row | None, recorded: Recorded[ProjectMappingEvent]) -> Row | None:
    """The mapping after the event; None once it is removed."""
    match event := recorded.event:
        case ProjectMappingSet():
            return Row(
                mapping_id=event.mapping_id,
                position=recorded.position,
                version=recorded.version,
                source_kind=event.source_kind,
                source_id=event.source_id,
                source_name=event.source_name,
                customer_name=event.customer_name.value if event.customer_name else None,
                kimai_customer_id=event.kimai_customer_id,
                kimai_project_id=event.kimai_project_id,
                is_active=event.is_active,
                created_at=row.created_at if row else recorded.recorded_at,
                updated_at=recorded.recorded_at,
            )
        case ProjectMappingRemoved():
            return None
        case _:
            assert_never(event)


def shown(row: Row) -> dict[str, object]:
    """The contract's project mapping."""
    return {
        "id": row.mapping_id,
        "source_kind": row.source_kind,
        "source_id": row.source_id,
        "source_name": row.source_name or row.customer_name,
        "kimai_customer_id": row.kimai_customer_id,
        "kimai_project_id": row.kimai_project_id,
        "is_active": row.is_active,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "version": row.version,
    }


PROJECTION = Projection(
    name=NAME,
    version=VERSION,
    row=Row,
    key="mapping_id",
    events=frozenset(get_args(ProjectMappingEvent)),
    keys=keys,
    project=project,
    stream="project-mapping",
)

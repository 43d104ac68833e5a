"""Who in Kimai is a person in Zammad? One row per user mapping (`contract.md`, section 5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never, get_args

from domain.event import Recorded
from domain.mapping.events import UserMappingEvent, UserMappingRemoved, UserMappingSet
from domain.personal import Personal
from projections.projection import Projection

NAME, VERSION = "user_mappings", 2


@dataclass(frozen=True)
class Row:
    """One mapping; `zammad_user_id` None stands for everyone without an own row.

    Personal: the three names (subject `zammad-user:<zammad_user_id>`, 0 for the None row).
    """

    mapping_id: int
    position: int
    version: int
    zammad_user_id: int | None
    zammad_user_name: str | None
    zammad_user_email: str | None
    kimai_user_id: int
    kimai_user_name: str | None
    timezone: str | None
    is_active: bool
    origin: str
    created_at: datetime
    updated_at: datetime


def keys(recorded: Recorded[UserMappingEvent]) -> Sequence[int]:
    return (recorded.event.mapping_id,)


def project(row: Row | None, recorded: Recorded[UserMappingEvent]) -> Row | None:
    """The mapping after the event; None once it is removed."""
    match event := recorded.event:
        case UserMappingSet():
            return Row(
                mapping_id=event.mapping_id,
                position=recorded.position,
                version=recorded.version,
                zammad_user_id=event.zammad_user_id,
                zammad_user_name=_clear(event.zammad_user_name),
                zammad_user_email=_clear(event.zammad_user_email),
                kimai_user_id=event.kimai_user_id,
                kimai_user_name=_clear(event.kimai_user_name),
                timezone=event.timezone,
                is_active=event.is_active,
                origin=event.origin,
                created_at=row.created_at if row else recorded.recorded_at,
                updated_at=recorded.recorded_at,
            )
        case UserMappingRemoved():
            return None
        case _:
            assert_never(event)


def shown(row: Row) -> dict[str, object]:
    """The contract's user mapping."""
    return {
        "id": row.mapping_id,
        "zammad_user_id": row.zammad_user_id,
        "zammad_user_name": row.zammad_user_name,
        "zammad_user_email": row.zammad_user_email,
        "kimai_user_id": row.kimai_user_id,
        "kimai_user_name": row.kimai_user_name,
        "timezone": row.timezone,
        "is_active": row.is_active,
        "origin": row.origin,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "version": row.version,
    }


def _clear(value: Personal | None) -> str | None:
    return value.value if value else None


PROJECTION = Projection(
    name=NAME,
    version=VERSION,
    row=Row,
    key="mapping_id",
    events=frozenset(get_args(UserMappingEvent)),
    keys=keys,
    project=project,
    stream="user-mapping",
)

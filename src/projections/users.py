"""Who may use the service? One row per account (`contract.md`, section 2)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never, get_args

from domain.account.events import UserAdded, UserChanged, UserEvent, UserPasswordReplaced
from domain.event import Recorded
from domain.personal import Personal
from projections.projection import Projection

NAME, VERSION = "users", 1


@dataclass(frozen=True)
class Row:
    """One account. Personal: `username`, `email`, `full_name` (subject `account:<user_id>`)."""

    user_id: int
    position: int
    version: int
    username: str | None
    email: str | None
    full_name: str | None
    role: str
    is_active: bool
    created_at: datetime


def keys(recorded: Recorded[UserEvent]) -> Sequence[int]:
    return (recorded.event.user_id,)


def project(row: Row | None, recorded: Recorded[UserEvent]) -> Row | None:
    """The account after the event."""
    match event := recorded.event:
        case UserAdded():
            return Row(
                user_id=event.user_id,
                position=recorded.position,
                version=recorded.version,
                username=event.username.value,
                email=_clear(event.email),
                full_name=_clear(event.full_name),
                role=event.role,
                is_active=event.is_active,
                created_at=recorded.recorded_at,
            )
        case UserChanged():
            return row and replace(
                row,
                position=recorded.position,
                version=recorded.version,
                email=_clear(event.email),
                full_name=_clear(event.full_name),
                role=event.role,
                is_active=event.is_active,
            )
        case UserPasswordReplaced():
            return row and replace(row, position=recorded.position, version=recorded.version)
        case _:
            assert_never(event)


def shown(row: Row) -> dict[str, object]:
    """The contract's User."""
    return {
        "id": row.user_id,
        "username": row.username or "",
        "email": row.email or "",
        "full_name": row.full_name or "",
        "is_active": row.is_active,
        "disabled": not row.is_active,
        "created_at": row.created_at,
        "role": row.role,
        "version": row.version,
    }


def _clear(value: Personal | None) -> str | None:
    return value.value if value else None


PROJECTION = Projection(
    name=NAME,
    version=VERSION,
    row=Row,
    key="user_id",
    events=frozenset(get_args(UserEvent)),
    keys=keys,
    project=project,
    stream="user",
)

"""Who and what in Zammad is who and what in Kimai.

Streams `mapping-<id>` (activity types), `user-mapping-<id>` and `project-mapping-<id>`; names
from `contract.md`, section 17. A Set event at version 1 creates the row, a later one changes it
and says in `changes` what differs. Names are snapshots of what the peers called them.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from domain.change import Change, PersonalChange
from domain.ids import MappingId
from domain.personal import Personal


@dataclass(frozen=True, kw_only=True)
class MappingSet:
    """Bookings of one activity type go to this activity. Type None: bookings without type."""

    TYPE: ClassVar = "MappingSet"
    SCHEMA: ClassVar = 1

    mapping_id: MappingId
    zammad_type_id: int | None
    zammad_type_name: str
    kimai_activity_id: int
    kimai_activity_name: str
    is_active: bool
    billable: bool | None  # None lets Kimai decide
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MappingRemoved:
    TYPE: ClassVar = "MappingRemoved"
    SCHEMA: ClassVar = 1

    mapping_id: MappingId


@dataclass(frozen=True, kw_only=True)
class UserMappingSet:
    """Bookings of one person go to this Kimai user. User None: everyone without own row.

    The personal values belong to `zammad-user:<id>`, those of the None row to `zammad-user:0`.
    `timezone` (IANA name) is where the person works; None: where the connector says.
    """

    TYPE: ClassVar = "UserMappingSet"
    SCHEMA: ClassVar = 2

    mapping_id: MappingId
    zammad_user_id: int | None
    zammad_user_name: Personal | None
    zammad_user_email: Personal | None
    kimai_user_id: int
    kimai_user_name: Personal | None
    is_active: bool
    origin: str  # manual, or email when an accepted match of addresses was written down
    changes: tuple[Change, ...] = ()
    personal_changes: tuple[PersonalChange, ...] = ()
    timezone: str | None = None

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Schema 1 knew no zone of a person: it lacks `timezone`, and nothing is put there."""


@dataclass(frozen=True, kw_only=True)
class UserMappingRemoved:
    TYPE: ClassVar = "UserMappingRemoved"
    SCHEMA: ClassVar = 1

    mapping_id: MappingId


@dataclass(frozen=True, kw_only=True)
class ProjectMappingSet:
    """Bookings of one organization, customer or group go there; at least one target is set.

    `source_name` is plain for organizations and groups; for a customer, who is a person, it is
    in `customer_name` instead (subject `customer:<id>`).
    """

    TYPE: ClassVar = "ProjectMappingSet"
    SCHEMA: ClassVar = 1

    mapping_id: MappingId
    source_kind: str  # organization, customer or group
    source_id: int
    source_name: str | None
    customer_name: Personal | None
    kimai_customer_id: int | None
    kimai_project_id: int | None
    is_active: bool
    changes: tuple[Change, ...] = ()
    personal_changes: tuple[PersonalChange, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ProjectMappingRemoved:
    TYPE: ClassVar = "ProjectMappingRemoved"
    SCHEMA: ClassVar = 1

    mapping_id: MappingId


@dataclass(frozen=True, kw_only=True)
class MappingsImported:
    """A file was taken into one of the tables; its rows have events of their own, in one append.

    Stream `mapping-import`. `table` is mapping, user_mapping or project_mapping; `mode` says
    what became of rows that the file did not name: merge left them, replace removed them.
    """

    TYPE: ClassVar = "MappingsImported"
    SCHEMA: ClassVar = 1

    table: str
    mode: str
    added: int
    changed: int
    removed: int
    unchanged: int


ActivityMappingEvent = MappingSet | MappingRemoved
UserMappingEvent = UserMappingSet | UserMappingRemoved
ProjectMappingEvent = ProjectMappingSet | ProjectMappingRemoved
MappingEvent = ActivityMappingEvent | UserMappingEvent | ProjectMappingEvent

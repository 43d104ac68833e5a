"""The three mapping tables as the rules read them (`contract.md`, section 5)."""

from dataclasses import dataclass
from enum import StrEnum

from domain.ids import MappingId


@dataclass(frozen=True, kw_only=True)
class ActivityMapping:
    """Which Kimai activity a Zammad type is booked on; type None: entries without type.

    `version` is that of the mapping's stream; `billable` None lets Kimai decide.
    """

    mapping_id: MappingId
    version: int
    zammad_type_id: int | None
    zammad_type_name: str = ""
    kimai_activity_id: int
    kimai_activity_name: str = ""
    is_active: bool = True
    billable: bool | None = None


@dataclass(frozen=True, kw_only=True)
class UserMapping:
    """Which Kimai user a Zammad user books for; user None: everyone without own row.

    `timezone` is where the person works; None: where the connector says.
    """

    mapping_id: MappingId
    version: int
    zammad_user_id: int | None
    kimai_user_id: int
    is_active: bool = True
    timezone: str | None = None


class SourceKind(StrEnum):
    """What a project mapping looks at, in the order in which they are asked."""

    CUSTOMER = "customer"
    ORGANIZATION = "organization"
    GROUP = "group"


@dataclass(frozen=True, kw_only=True)
class ProjectMapping:
    """Where the bookings of a customer, organization or group go; at least one target is set."""

    mapping_id: MappingId
    version: int
    source_kind: SourceKind
    source_id: int
    source_name: str = ""
    kimai_customer_id: int | None = None
    kimai_project_id: int | None = None
    is_active: bool = True

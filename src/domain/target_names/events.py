"""What Kimai calls the projects and activities that timesheets are booked on by id.

Stream `target-names-<connector>`. A name is a snapshot, as those in the mappings are.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from domain.ids import ConnectorId
from domain.personal import Personal


class NamedKind(StrEnum):
    """What is named."""

    PROJECT = "project"
    ACTIVITY = "activity"


@dataclass(frozen=True, kw_only=True)
class TargetNamed:
    """Kimai calls it so now. `parent_id`: the customer of a project, the project of an activity.

    A project that we made for a person is called like that person: `personal` then, and `name`
    is None.
    """

    TYPE: ClassVar = "TargetNamed"
    SCHEMA: ClassVar = 1

    connector_id: ConnectorId
    kind: NamedKind
    item_id: int
    name: str | None
    personal: Personal | None
    parent_id: int | None

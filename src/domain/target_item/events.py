"""What was done to have a customer or project in Kimai.

Stream `target-<customer or project>-<owner>-<connector and id>`: one per number, so that two
processes cannot both begin to make it.
"""

from dataclasses import dataclass
from typing import ClassVar

from domain.ids import ConnectorId
from domain.target_item.values import Creation, ItemKind, Owner


@dataclass(frozen=True, kw_only=True)
class TargetItemIntended:
    """Recorded before the POST; nobody else sends one for this number until it is settled."""

    TYPE: ClassVar = "TargetItemIntended"
    SCHEMA: ClassVar = 1

    source_connector_id: ConnectorId
    target_connector_id: ConnectorId
    item: ItemKind
    owner: Owner
    creation: Creation


@dataclass(frozen=True, kw_only=True)
class TargetItemCreated:
    """Kimai made it."""

    TYPE: ClassVar = "TargetItemCreated"
    SCHEMA: ClassVar = 1

    item_id: int


@dataclass(frozen=True, kw_only=True)
class TargetItemFound:
    """Kimai has it: made by a request whose answer was lost, or by somebody else."""

    TYPE: ClassVar = "TargetItemFound"
    SCHEMA: ClassVar = 1

    source_connector_id: ConnectorId
    target_connector_id: ConnectorId
    item: ItemKind
    owner: Owner
    item_id: int


@dataclass(frozen=True, kw_only=True)
class TargetItemRefused:
    """Kimai refused it. `roles` are those of the token then: with other ones it is tried again."""

    TYPE: ClassVar = "TargetItemRefused"
    SCHEMA: ClassVar = 1

    status: int
    fields: tuple[str, ...]
    detail: str
    roles: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TargetItemUncertain:
    """The request was sent and its answer was lost."""

    TYPE: ClassVar = "TargetItemUncertain"
    SCHEMA: ClassVar = 1

    cause: str


@dataclass(frozen=True, kw_only=True)
class TargetItemUnsent:
    """The request never reached Kimai."""

    TYPE: ClassVar = "TargetItemUnsent"
    SCHEMA: ClassVar = 1

    cause: str


TargetItemEvent = (
    TargetItemIntended
    | TargetItemCreated
    | TargetItemFound
    | TargetItemRefused
    | TargetItemUncertain
    | TargetItemUnsent
)

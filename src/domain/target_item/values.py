"""Customers and projects of Kimai, known by the unique number that we give them.

Kimai guards nothing but `number`: names repeat and are edited (`peers/kimai.md`, trap 23).
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from domain.ids import ConnectorId, EntryId, target_item_stream
from domain.personal import Personal


class ItemKind(StrEnum):
    """What can be made in Kimai."""

    CUSTOMER = "customer"
    PROJECT = "project"


class OwnerKind(StrEnum):
    """What in Zammad it is made for."""

    ORGANIZATION = "organization"
    PERSON = "person"
    TICKET = "ticket"


LETTERS = MappingProxyType(
    {OwnerKind.ORGANIZATION: "ZO", OwnerKind.PERSON: "ZU", OwnerKind.TICKET: "ZT"}
)
# Source: `peers/kimai.md`, 3; a longer one is refused, and is never cut
LONGEST = MappingProxyType({ItemKind.CUSTOMER: 50, ItemKind.PROJECT: 10})
PATHS = MappingProxyType({ItemKind.CUSTOMER: "/api/customers", ItemKind.PROJECT: "/api/projects"})


@dataclass(frozen=True, kw_only=True)
class Owner:
    """An organization, a person or a ticket of Zammad, by its id there."""

    kind: OwnerKind
    source_id: int

    @property
    def number(self) -> str:
        """What Kimai knows its customer or project by: `ZO3`, `ZU8`, `ZT50`."""
        return f"{LETTERS[self.kind]}{self.source_id}"

    def stream(self, target: ConnectorId, item: ItemKind) -> str:
        """The stream of what is made for it: whoever wants to make it appends there first."""
        return target_item_stream(target, item, self.kind, self.source_id)


@dataclass(frozen=True, kw_only=True)
class WantedItem:
    """A customer or project that may have to be made, and what it is then called."""

    owner: Owner
    name: str | Personal


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The project of a booking, by number; `customer` is a Kimai id where a mapping names one."""

    project: WantedItem
    customer: WantedItem | int

    @property
    def key(self) -> "WantedKey":
        """Equal for bookings that go to the same project; what it is called does not count."""
        customer = self.customer
        return self.project.owner, customer if isinstance(customer, int) else customer.owner


WantedKey = tuple[Owner, Owner | int]


@dataclass(frozen=True, kw_only=True)
class Creation:
    """The exact POST; `fields` is its JSON body without a name that is a person's.

    In a plan, the `customer` of a project that has none yet is that one's number.
    """

    path: str
    fields: dict[str, str | int | bool | None]
    name: Personal | None = None

    @property
    def body(self) -> dict[str, object]:
        """What is sent."""
        if self.name is None:
            return dict(self.fields)
        return {**self.fields, "name": self.name.value or ""}


@dataclass(frozen=True, kw_only=True)
class Lacking:
    """A booking that can be decided once it is known which Kimai project is meant.

    `asked`: a person wants it tried again, or it changed since it was held.
    """

    entry_id: EntryId
    wanted: Wanted
    work_date: date | None
    asked: bool = False

"""Where bookings come from (Zammad), in our words."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class SourceEntry:
    """One row of the time accounting as read now.

    `time_unit` is in whatever unit the instance uses (a label, never converted); two decimals,
    may be zero or negative. Instants are UTC. Source: `peers/zammad.md`, 2.2.
    """

    source_id: int
    ticket_id: int
    article_id: int | None
    time_unit: Decimal
    type_id: int | None
    created_by_id: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class UnreadableEntry:
    """A row that exists but says something we cannot read, such as an amount that is no decimal.

    It takes its row's place, so that one bad row neither stops its page nor disappears.
    `fields` names what could not be read; what could be read is kept.
    """

    source_id: int
    fields: tuple[str, ...]
    ticket_id: int | None = None
    updated_at: datetime | None = None


ListedEntry = SourceEntry | UnreadableEntry


@dataclass(frozen=True, kw_only=True)
class SourceTicket:
    """What a ticket says now, with the names that belong to its ids.

    `merged` says that its state is of the kind "merged"; `merged_into` is then the surviving
    ticket's id, or None when Zammad does not tell (no or several parent links).
    """

    ticket_id: int
    number: str
    title: str
    group_id: int
    group_name: str | None
    customer_id: int
    customer_name: str
    organization_id: int | None
    organization_name: str | None
    merged: bool = False
    merged_into: int | None = None


@dataclass(frozen=True, kw_only=True)
class SourcePerson:
    """A Zammad user; `name` is first and last name, `email` may be empty."""

    person_id: int
    name: str
    email: str
    active: bool


@dataclass(frozen=True, kw_only=True)
class SourceType:
    """An activity type of the time accounting. Types are never deleted, only deactivated."""

    type_id: int
    name: str
    active: bool


@dataclass(frozen=True, kw_only=True)
class TicketSystemIdentity:
    """Who the token is and what it may do; `missing` names permissions we wish it had."""

    person_id: int
    login: str
    version: str | None
    missing: Sequence[str]


class TicketSystem(Protocol):
    """Reads only. Every method may raise Unavailable, Misconfigured (token) or Rejected.

    A page that cannot be read completely raises; an iterator never ends early in silence.
    """

    async def identity(self) -> TicketSystemIdentity:
        """Who is asking."""
        ...

    async def declared_unit(self) -> str | None:
        """`hour`, `quarter`, `minute`, `custom` or None: what the settings call a unit."""
        ...

    async def may_list_all(self) -> bool:
        """Whether the list over all tickets is open to this token (`admin.time_accounting`)."""
        ...

    def entries_by_update(self) -> AsyncIterator[Sequence[ListedEntry]]:
        """All entries, most recently updated first, in pages of 1000; the caller stops early.

        Rows may repeat across pages while others book; a repeated row comes once, a row that
        changed in between comes again. Raises Misconfigured without permission.
        """
        ...

    def entries_by_id(self) -> AsyncIterator[Sequence[ListedEntry]]:
        """All entries, by id, complete or an error: the sweep that finds deletions.

        Complete means that as many rows came as Zammad counts. An id that is missing is still
        only a suspect: `entry` decides.
        """
        ...

    async def count_entries(self) -> int:
        """How many entries existed when the newest of them were listed, else exist now.

        Free where the peer counts while it lists, else one small request.
        """
        ...

    async def entry(self, source_id: int, *, ticket_id: int | None = None) -> ListedEntry | None:
        """One entry; None only when the peer says 404 for exactly this entry.

        With `ticket_id` it is asked for under its ticket, which is all that a token without
        `admin.time_accounting` may do.
        """
        ...

    async def entries_of_ticket(self, ticket_id: int) -> Sequence[ListedEntry]:
        """The entries of one readable ticket. Raises Rejected when it may not be read.

        An empty answer is no proof: an administrator gets one for an unknown ticket, too.
        """
        ...

    def tickets_changed_since(self, since: datetime | None) -> AsyncIterator[Sequence[int]]:
        """Ids of readable tickets updated since then, oldest first, by condition search.

        Raises Rejected with status 403 when this token may not search tickets.
        """
        ...

    async def visible(self, ticket_ids: Collection[int]) -> Collection[int]:
        """Those of at most 200 tickets that one search request answers.

        A hint that costs one request: a ticket missing here may be readable all the same.
        """
        ...

    async def tickets(self, ticket_ids: Collection[int]) -> Mapping[int, SourceTicket]:
        """Those of the tickets that the token may read, fetched in batches.

        A ticket that is missing from the answer was refused (403) or does not exist (404).
        """
        ...

    async def article_texts(self, ticket_id: int) -> Mapping[int, str]:
        """Plain text of each article of a ticket by article id; empty when it may not be read."""
        ...

    async def people(self, person_ids: Collection[int]) -> Mapping[int, SourcePerson]:
        """Those of the users that exist."""
        ...

    async def types(self) -> Mapping[int, SourceType]:
        """All activity types, also inactive ones; empty when the token may not list them."""
        ...

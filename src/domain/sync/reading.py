"""What belongs to a booking: ticket, people, type and text, each fetched once per run."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from domain.errors import ExternalSystemError, Misconfigured, Rejected, Unavailable
from domain.personal import Personal
from domain.ports.ticket_system import (
    SourceEntry,
    SourcePerson,
    SourceTicket,
    SourceType,
    TicketSystem,
)
from domain.rules.description import bounded
from domain.sync.tally import Tally
from domain.time_entry.commands import Observe
from domain.time_entry.state import TimeEntry
from domain.time_entry.values import Booking, Context, Survivor

TEXTS_KEPT = 10_000  # tickets whose articles are kept: some ten megabytes
MOST_UNANSWERED = 3  # tickets whose articles alone are not had; more of them, and it is Zammad


@dataclass
class ContextReader:
    """Reads Zammad for one run. `slots` bounds the requests at once."""

    tickets: TicketSystem
    tally: Tally
    slots: asyncio.Semaphore
    _tickets: dict[int, SourceTicket | None] = field(default_factory=dict)
    _people: dict[int, SourcePerson | None] = field(default_factory=dict)
    _types: Mapping[int, SourceType] | None = None
    _texts: dict[int, Mapping[int, str]] = field(default_factory=dict)
    _failed_texts: dict[int, str] = field(default_factory=dict)
    _unanswered: set[int] = field(default_factory=set)

    async def contexts(self, rows: Sequence[Booking]) -> dict[int, Context | None]:
        """The context of each booking by its Zammad id; None when its ticket is not readable.

        A booking that is missing from the answer could not be read this time; that is among the
        problems of the run. Raises Unavailable and Misconfigured.
        """
        for ticket in list(islice(self._texts, max(0, len(self._texts) - TEXTS_KEPT))):
            del self._texts[ticket]
        self._drop_what_is_older_than(rows)
        await asyncio.gather(
            self._fetch_tickets_and_texts(rows),
            self._fetch_people({row.created_by_id for row in rows}),
            self._fetch_types(rows),
        )
        # a merge takes the articles along and leaves the bookings (`peers/zammad.md`, trap 9)
        places = {row.source_id: self._place_of_text(row) for row in rows}
        await self._fetch_texts({place for place in places.values() if place is not None})
        return {
            row.source_id: self._context(row, places[row.source_id])
            for row in rows
            if places[row.source_id] not in self._failed_texts
        }

    def _drop_what_is_older_than(self, rows: Sequence[Booking]) -> None:
        """Texts of a ticket that were read before one of these was written: numbers grow."""
        for row in rows:
            known = self._texts.get(row.ticket_id)
            if known is not None and (row.article_id or 0) > max(known, default=0):
                del self._texts[row.ticket_id]

    def _place_of_text(self, row: Booking) -> int | None:
        """The ticket that has the booking's article: its own, or the one that took it in."""
        own, ticket = self._texts.get(row.ticket_id), self._tickets.get(row.ticket_id)
        if row.article_id is None or ticket is None:
            return None
        if own is None or row.article_id in own:
            return row.ticket_id
        return ticket.merged_into or row.ticket_id

    async def read_tickets(self, ticket_ids: Iterable[int]) -> None:
        """What `moved` goes by. Raises Unavailable and Misconfigured."""
        await self._fetch_tickets(set(ticket_ids))

    def moved(self, entry: TimeEntry | None) -> Observe | None:
        """The booking as it was, on a ticket that belongs to somebody else by now.

        None while it belongs to the same, or cannot be read. Its title alone says nothing about
        who pays; it comes along.
        """
        if entry is None or entry.booking is None or entry.context is None:
            return None
        if entry.standing.vanished or entry.unreadable:
            return None
        ticket = self._tickets.get(entry.booking.ticket_id)
        context = None if ticket is None else self._again(entry.context, ticket)
        if context is None or context.owner == entry.context.owner:
            return None
        return Observe(
            entry_id=entry.entry_id,
            connector_id=entry.connector_id,
            booking=entry.booking,
            context=context,
        )

    def _again(self, context: Context, ticket: SourceTicket) -> Context:
        """The same with what the ticket says now; its text belongs to whoever has it now."""
        text = context.text
        if text is not None:
            text = Personal(_customer(ticket), text.value) if text.value is not None else None
        return replace(context, text=text, **self._of_ticket(ticket))

    def _of_ticket(self, ticket: SourceTicket) -> dict[str, Any]:
        """What a context holds of its ticket."""
        return {
            "ticket_number": ticket.number,
            "ticket_title": bounded(ticket.title),
            "group_id": ticket.group_id,
            "group_name": ticket.group_name,
            "customer_id": ticket.customer_id,
            "customer_name": Personal(_customer(ticket), ticket.customer_name),
            "organization_id": ticket.organization_id,
            "organization_name": ticket.organization_name,
            "survivor": self._survivor(ticket),
        }

    async def visible(self, ticket_ids: set[int]) -> set[int]:
        """Those of the tickets that can be read by now, as far as one request tells."""
        try:
            async with self.slots:
                return set(await self.tickets.visible(ticket_ids))
        except Rejected:
            return set()  # the next run asks again

    async def _fetch_tickets_and_texts(self, rows: Sequence[Booking]) -> None:
        """Articles are one request a ticket, which one that is not readable is not worth."""
        await self._fetch_tickets({row.ticket_id for row in rows})
        wanted = {row.ticket_id for row in rows if row.article_id is not None}
        await self._fetch_texts({ticket for ticket in wanted if self._tickets.get(ticket)})

    async def _fetch_tickets(self, wanted: set[int]) -> None:
        await self._fetch_ticket_batch(wanted)
        found = [self._tickets.get(ticket) for ticket in wanted]
        merged = {ticket.merged_into for ticket in found if ticket and ticket.merged_into}
        if merged:
            await self._fetch_ticket_batch(merged)

    async def _fetch_ticket_batch(self, wanted: set[int]) -> None:
        missing = sorted(wanted - self._tickets.keys())
        if not missing:
            return
        found = await self._tickets_in_parts(missing)
        self._tickets.update({ticket: found.get(ticket) for ticket in missing})

    async def _tickets_in_parts(self, wanted: list[int]) -> Mapping[int, SourceTicket]:
        """One refused ticket must not hide the others: halve until it is alone."""
        try:
            async with self.slots:
                return await self.tickets.tickets(wanted)
        except Rejected:
            if len(wanted) == 1:
                return {}
        half = len(wanted) // 2
        return {
            **await self._tickets_in_parts(wanted[:half]),
            **await self._tickets_in_parts(wanted[half:]),
        }

    async def _fetch_people(self, wanted: set[int]) -> None:
        missing = sorted(wanted - self._people.keys())
        if not missing:
            return
        async with self.slots:
            found = await self.tickets.people(missing)
        self._people.update({person: found.get(person) for person in missing})

    async def _fetch_types(self, rows: Sequence[Booking]) -> None:
        if self._types is None and any(row.type_id is not None for row in rows):
            async with self.slots:
                self._types = await self.tickets.types()

    async def _fetch_texts(self, wanted: set[int]) -> None:
        for ticket in wanted & self._texts.keys():  # the youngest stay
            self._texts[ticket] = self._texts.pop(ticket)
        missing = wanted - self._texts.keys() - self._failed_texts.keys()
        await asyncio.gather(*(self._fetch_text(ticket) for ticket in sorted(missing)))

    async def _fetch_text(self, ticket: int) -> None:
        try:
            async with self.slots:
                texts = await self.tickets.article_texts(ticket)
            self._texts[ticket] = {article: bounded(text) for article, text in texts.items()}
        except Misconfigured:
            raise
        except Unavailable as error:
            if error.tripped or error.busy or len(self._unanswered) == MOST_UNANSWERED:
                raise  # it is Zammad, and not the ticket
            self._unanswered.add(ticket)
            self._failed(ticket, error)
        except ExternalSystemError as error:
            self._failed(ticket, error)

    def _failed(self, ticket: int, error: ExternalSystemError) -> None:
        self._failed_texts[ticket] = str(error)
        text = f"the articles of ticket {ticket} were not read: {error}"
        self.tally.problem(text, ticket=ticket)

    def _context(self, row: Booking, place: int | None) -> Context | None:
        ticket = self._tickets.get(row.ticket_id)
        if ticket is None:
            return None
        person = self._people.get(row.created_by_id)
        kind = None if row.type_id is None else (self._types or {}).get(row.type_id)
        agent = f"zammad-user:{row.created_by_id}"
        text = None
        if row.article_id is not None and place is not None:
            text = self._texts[place].get(row.article_id)
        return Context(
            type_name=None if kind is None else kind.name,
            agent_name=Personal(agent, "" if person is None else person.name),
            agent_email=Personal(agent, "" if person is None else person.email),
            text=None if text is None else Personal(_customer(ticket), text),
            **self._of_ticket(ticket),
        )

    def _survivor(self, ticket: SourceTicket) -> Survivor | None:
        if not ticket.merged:
            return None
        other = self._tickets.get(ticket.merged_into) if ticket.merged_into else None
        return Survivor(
            ticket_id=ticket.merged_into,
            group_id=None if other is None else other.group_id,
            customer_id=None if other is None else other.customer_id,
            organization_id=None if other is None else other.organization_id,
        )


def _customer(ticket: SourceTicket) -> str:
    return f"customer:{ticket.customer_id}"


def as_booking(row: SourceEntry) -> Booking:
    """The row as the ledger keeps it."""
    return Booking(
        source_id=row.source_id,
        ticket_id=row.ticket_id,
        article_id=row.article_id,
        time_unit=row.time_unit,
        type_id=row.type_id,
        created_by_id=row.created_by_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )

"""What belongs to a booking: ticket, people, type and text, each fetched once per run."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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
from domain.time_entry.values import Booking, Context, Survivor


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

    async def contexts(self, rows: Sequence[Booking]) -> dict[int, Context | None]:
        """The context of each booking by its Zammad id; None when its ticket is not readable.

        A booking that is missing from the answer could not be read this time; that is among the
        problems of the run. Raises Unavailable and Misconfigured.
        """
        await asyncio.gather(
            self._fetch_tickets({row.ticket_id for row in rows}),
            self._fetch_people({row.created_by_id for row in rows}),
            self._fetch_types(rows),
            self._fetch_texts({row.ticket_id for row in rows if row.article_id is not None}),
        )
        return {
            row.source_id: self._context(row)
            for row in rows
            if row.article_id is None or row.ticket_id not in self._failed_texts
        }

    async def visible(self, ticket_ids: set[int]) -> set[int]:
        """Those of the tickets that can be read by now, as far as one request tells."""
        try:
            async with self.slots:
                return set(await self.tickets.visible(ticket_ids))
        except Rejected:
            return set()  # the next run asks again

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
        missing = wanted - self._texts.keys() - self._failed_texts.keys()
        await asyncio.gather(*(self._fetch_text(ticket) for ticket in sorted(missing)))

    async def _fetch_text(self, ticket: int) -> None:
        try:
            async with self.slots:
                self._texts[ticket] = await self.tickets.article_texts(ticket)
        except (Unavailable, Misconfigured):
            raise
        except ExternalSystemError as error:
            self._failed_texts[ticket] = str(error)
            self.tally.problems.append(f"the articles of ticket {ticket} were not read: {error}")

    def _context(self, row: Booking) -> Context | None:
        ticket = self._tickets.get(row.ticket_id)
        if ticket is None:
            return None
        person = self._people.get(row.created_by_id)
        kind = None if row.type_id is None else (self._types or {}).get(row.type_id)
        agent, customer = f"zammad-user:{row.created_by_id}", f"customer:{ticket.customer_id}"
        text = None
        if row.article_id is not None:
            # an article of a merged ticket lives on the other one; then the title serves
            text = self._texts[row.ticket_id].get(row.article_id)
        return Context(
            ticket_number=ticket.number,
            ticket_title=bounded(ticket.title),
            group_id=ticket.group_id,
            group_name=ticket.group_name,
            customer_id=ticket.customer_id,
            customer_name=Personal(customer, ticket.customer_name),
            organization_id=ticket.organization_id,
            organization_name=ticket.organization_name,
            type_name=None if kind is None else kind.name,
            agent_name=Personal(agent, "" if person is None else person.name),
            agent_email=Personal(agent, "" if person is None else person.email),
            text=None if text is None else Personal(customer, bounded(text)),
            survivor=self._survivor(ticket),
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

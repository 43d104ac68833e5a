"""Tickets with the names that belong to their ids, in as few requests as Zammad allows."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from adapters.peer_memory import OncePer
from adapters.peer_wire import parsed, parsed_all
from adapters.zammad import wire
from adapters.zammad.reads import ZammadReads
from domain.ports.ticket_system import SourcePerson, SourceTicket

BATCH = 200  # tickets per search: Zammad's cap
MERGED = "merged"  # the kind of state; its name can be changed, its kind cannot

People = Callable[[Collection[int]], Awaitable[Mapping[int, SourcePerson]]]


class TicketReader:
    """Reads each ticket once; users, groups and organisations come along in the same answer."""

    def __init__(
        self, reads: ZammadReads, people: People, known_people: OncePer[int, SourcePerson | None]
    ) -> None:
        self._reads = reads
        self._people = people
        self._known_people = known_people
        self._tickets: dict[int, SourceTicket | None] = {}  # None: refused or absent
        self._one_at_a_time = asyncio.Lock()
        self._groups: OncePer[int, str | None] = OncePer()
        self._organizations: OncePer[int, str | None] = OncePer()
        self._merged_states: OncePer[str, frozenset[int]] = OncePer()

    async def tickets(self, ticket_ids: Collection[int]) -> Mapping[int, SourceTicket]:
        """Those of the tickets that may be read."""
        async with self._one_at_a_time:
            todo = sorted(set(ticket_ids) - self._tickets.keys())
            batches = [todo[start : start + BATCH] for start in range(0, len(todo), BATCH)]
            await asyncio.gather(*(self._fetch(batch) for batch in batches))
        found = ((one, self._tickets[one]) for one in ticket_ids)
        return {one: ticket for one, ticket in found if ticket is not None}

    async def visible(self, ticket_ids: Collection[int]) -> Collection[int]:
        """Those of the tickets that one search answers."""
        return set(await self._searched(sorted(set(ticket_ids))[:BATCH]))

    async def _fetch(self, ids: Sequence[int]) -> None:
        raw = await self._searched(ids)
        missing = [one for one in ids if one not in raw]
        # An empty search is no proof (trap 6): each ticket that did not come is asked for.
        singles = await asyncio.gather(*(self._single(one) for one in missing))
        for one, ticket in zip(missing, singles, strict=True):
            if ticket is None:
                self._tickets[one] = None
            else:
                raw[one] = ticket
        built = await asyncio.gather(*(self._named(ticket) for ticket in raw.values()))
        self._tickets.update((ticket.ticket_id, ticket) for ticket in built)

    async def _searched(self, ids: Sequence[int]) -> dict[int, wire.Ticket]:
        """The tickets that a search by id answers. Rows we did not ask for are left out."""
        path, wanted, found = "tickets/search", set(ids), dict[int, wire.Ticket]()
        body = {"ids": list(ids), "full": True, "page": 1, "per_page": BATCH}
        answer = await self._reads.if_open(path, search=body)
        if answer is None:
            return {}
        full = parsed(wire.SYSTEM, path, wire.FullAnswer, answer.data)
        self._remember(full.assets)
        for one in wanted.intersection(full.record_ids):
            row = full.assets.Ticket.get(str(one))
            if row is not None:
                found[one] = parsed(wire.SYSTEM, path, wire.Ticket, row)
        return found

    def _remember(self, assets: wire.Assets) -> None:
        path = "tickets/search"
        for row in assets.User.values():
            user = parsed(wire.SYSTEM, path, wire.User, row)
            self._known_people.put(user.id, user.person())
        for names, known in (
            (assets.Group, self._groups),
            (assets.Organization, self._organizations),
        ):
            for row in names.values():
                named = parsed(wire.SYSTEM, path, wire.Named, row)
                known.put(named.id, named.name)

    async def _single(self, ticket_id: int) -> wire.Ticket | None:
        path = f"tickets/{ticket_id}"
        answer = await self._reads.if_open(path)
        return None if answer is None else parsed(wire.SYSTEM, path, wire.Ticket, answer.data)

    async def _named(self, ticket: wire.Ticket) -> SourceTicket:
        people, group, organization, merged = await asyncio.gather(
            self._people([ticket.customer_id]),
            self._name("groups", self._groups, ticket.group_id),
            self._name("organizations", self._organizations, ticket.organization_id),
            self._is_merged(ticket),
        )
        customer = people.get(ticket.customer_id)
        return SourceTicket(
            ticket_id=ticket.id,
            number=ticket.number,
            title=ticket.title,
            group_id=ticket.group_id,
            group_name=group,
            customer_id=ticket.customer_id,
            customer_name="" if customer is None else customer.name,
            organization_id=ticket.organization_id,
            organization_name=organization,
            merged=merged,
            merged_into=await self._survivor(ticket.id) if merged else None,
        )

    async def _name(
        self, noun: str, known: OncePer[int, str | None], row_id: int | None
    ) -> str | None:
        if row_id is None:
            return None

        async def fetch() -> str | None:
            path = f"{noun}/{row_id}"
            answer = await self._reads.if_open(path)
            if answer is None:
                return None
            return parsed(wire.SYSTEM, path, wire.Named, answer.data).name

        return await known.get(row_id, fetch)

    async def _is_merged(self, ticket: wire.Ticket) -> bool:
        return ticket.state_id in await self._merged_states.get("merged", self._fetch_states)

    async def _fetch_states(self) -> frozenset[int]:
        """Ids of the states of the kind "merged"; none when states may not be listed."""
        path = "ticket_states"
        answer = await self._reads.if_open(path, {"expand": "true"})
        if answer is None:
            return frozenset()
        states = parsed_all(wire.SYSTEM, path, wire.State, answer.data)
        return frozenset(s.id for s in states if (s.state_type or s.name) == MERGED)

    async def _survivor(self, ticket_id: int) -> int | None:
        """The ticket this one was merged into: a merge makes it the parent.

        None unless there is exactly one parent; splitting a ticket makes parents, too.
        """
        path = "links"
        params: dict[str, Any] = {"link_object": "Ticket", "link_object_value": ticket_id}
        answer = await self._reads.if_open(path, params)
        if answer is None:
            return None
        links = parsed(wire.SYSTEM, path, wire.Links, answer.data).links
        parents = {
            link.link_object_value
            for link in links
            if link.link_object == "Ticket" and link.link_type == "parent"
        }
        return parents.pop() if len(parents) == 1 else None

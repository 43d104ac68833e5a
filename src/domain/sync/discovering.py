"""Which bookings are worth a look: new, changed, or gone."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.connector.settings import Discovery
from domain.errors import Misconfigured, Rejected
from domain.ids import ConnectorId
from domain.ports.known_entries import Known
from domain.ports.ticket_system import ListedEntry, SourceEntry
from domain.rules.configuration import Configuration
from domain.sync.limits import Limits
from domain.sync.parts import parts
from domain.sync.ports import Ports
from domain.sync.tally import Tally
from domain.time_entry.standing import EntryState

Chunks = AsyncGenerator[Sequence[ListedEntry], None]
COUNTED_AS = {EntryState.SYNCED: "already_synced", EntryState.IGNORED: "skipped"}
KNOWN_AT_ONCE = 1_000  # ids asked of the read model together
FORBIDDEN = 403


@dataclass
class Discoverer:
    """Finds bookings for one run.

    `newest` is the latest `updated_at` seen: the next watermark, on Zammad's own clock, but never
    later than our own: one row from the future must not hide all changes until then.
    `by_ticket` says that the list over all tickets was closed to the token. `new` are the ids
    that the read model does not know: their streams need not be opened. `first`: nothing was
    known before this run. `tickets`: only these are read, one by one; None: whatever changed.
    `tickets_at` is when the look at changed tickets began, on our clock.
    """

    ports: Ports
    configuration: Configuration
    tally: Tally
    limits: Limits
    slots: asyncio.Semaphore
    tickets: AbstractSet[int] | None = None
    newest: datetime | None = None
    tickets_at: datetime | None = None
    by_ticket: bool = False
    live: int = 0
    first: bool = False
    new: set[int] = field(default_factory=set)
    gone: list[tuple[int, int]] = field(default_factory=list)
    _looked_at: set[int] = field(default_factory=set)
    _touched: list[int] = field(default_factory=list)
    _pages: int = 0
    _begun: bool = False

    @property
    def source(self) -> ConnectorId:
        return self.configuration.source

    async def changed(self) -> Chunks:
        """Bookings that the ledger does not know as they are now, in chunks."""
        self.live = await self.ports.known.live_count(self.source)
        if self.tickets is not None:
            self.by_ticket, self._touched = True, sorted(self.tickets)
            async for chunk in self._on_tickets(self._touched):
                yield chunk
            return
        self.first = self.live == 0
        self.tickets_at = self.ports.clock.now()
        watermark = await self.ports.known.watermark(self.source)
        since = None
        if watermark is not None:
            self.newest = min(watermark, self.ports.clock.now())
            # rows become visible with an older `updated_at` than what was read before them
            since = self.newest - timedelta(minutes=self.configuration.zammad.lookback)
        way = self.configuration.zammad.discovery
        if way is not Discovery.PER_TICKET:
            try:
                await self._find_touched()
                async for chunk in self._by_update(since):
                    yield chunk
            except Misconfigured:
                if way is Discovery.GLOBAL_LIST or self._looked_at:
                    raise
            else:
                return
        self.by_ticket = True
        async for chunk in self._by_ticket(since):
            yield chunk

    async def _find_touched(self) -> None:
        """Which tickets changed since the last run, before anything else of them is read.

        A ticket that changes hands leaves its bookings as they are (`peers/zammad.md`, 2.4). The
        first run reads every ticket with a booking anyway.
        """
        mark = await self.ports.known.ticket_watermark(self.source)
        if self.first:
            return
        since = None
        if mark is not None:
            lookback = timedelta(minutes=self.configuration.zammad.lookback)
            since = mark - max(lookback, self.limits.poll_overlap)
        try:
            async for page in self.ports.tickets.tickets_changed_since(since):
                self._touched += page
        except Rejected as error:
            if error.status != FORBIDDEN:
                raise
            # without `ticket.agent` no ticket is readable, so none can say where its time goes

    async def on_touched_tickets(self) -> AsyncGenerator[Mapping[int, AbstractSet[int]], None]:
        """Ids of the known bookings on those tickets, by ticket."""
        for tickets in parts(self._touched, KNOWN_AT_ONCE):
            known = await self.ports.known.live_of_tickets(self.source, tickets)
            if found := {ticket: ids for ticket, ids in known.items() if ids}:
                yield found

    async def missing(self) -> Chunks:
        """Find in `gone` what was deleted; bookings never seen that turn up on the way come here.

        Counting is one request. All ids are read only when the counts differ, or when the changes
        filled several pages: a booking deleted while they were read moved another one out of
        sight, and both together leave the count as it was. An absent id is only a suspect until
        Zammad says 404 for exactly it.
        """
        if self.by_ticket:
            return  # `_by_ticket` has compared each ticket it read
        counted = await self.ports.tickets.count_entries()
        if counted == self.live and self._pages <= 1:
            return
        suspects = set(await self.ports.known.live_source_ids(self.source))
        async for page in self.ports.tickets.entries_by_id():
            suspects.difference_update(row.source_id for row in page)
            async for chunk in self._unknown(page):
                yield chunk
        await self._confirm_gone((source_id, None) for source_id in suspects - self._looked_at)

    async def _by_update(self, since: datetime | None) -> Chunks:
        async for page in self.ports.tickets.entries_by_update():
            self._pages += 1
            fresh = [row for row in page if _is_fresh(row, since)]
            async for chunk in self._unknown(fresh):
                yield chunk
            if len(fresh) < len(page):
                return

    async def _by_ticket(self, since: datetime | None) -> Chunks:
        mark = await self.ports.known.ticket_watermark(self.source)
        since = None if since is None or mark is None else min(since, mark)
        self._touched.clear()
        async for tickets in self.ports.tickets.tickets_changed_since(since):
            self._touched += tickets
            async for chunk in self._on_tickets(tickets):
                yield chunk

    async def _on_tickets(self, tickets: Sequence[int]) -> Chunks:
        """What is new or changed on them; what is gone from them is found on the way."""
        for ids in parts(tickets, self.limits.chunk):
            lists = await asyncio.gather(*(self._of_ticket(ticket) for ticket in ids))
            read = {
                ticket: rows for ticket, rows in zip(ids, lists, strict=True) if rows is not None
            }
            async for chunk in self._unknown([row for rows in read.values() for row in rows]):
                yield chunk
            await self._compare(read)

    async def _of_ticket(self, ticket: int) -> Sequence[ListedEntry] | None:
        try:
            async with self.slots:
                return await self.ports.tickets.entries_of_ticket(ticket)
        except Rejected as error:
            text = f"the bookings of ticket {ticket} may not be read: {error}"
            self.tally.problem(text, ticket=ticket)
            return None

    async def _compare(self, listed: Mapping[int, Sequence[ListedEntry]]) -> None:
        known = await self.ports.known.live_of_tickets(self.source, list(listed))
        suspects = [
            (source_id, ticket)
            for ticket, rows in listed.items()
            for source_id in known.get(ticket, frozenset()) - {row.source_id for row in rows}
        ]
        await self._confirm_gone(suspects)

    async def _confirm_gone(self, suspects: Iterable[tuple[int, int | None]]) -> None:
        async def one(source_id: int, ticket: int | None) -> tuple[int, int] | None:
            async with self.slots:
                found = await self.ports.tickets.entry(source_id, ticket_id=ticket)
            return (source_id, ticket or 0) if found is None else None

        answers = await asyncio.gather(*(one(*suspect) for suspect in sorted(suspects, key=str)))
        self.gone += [answer for answer in answers if answer is not None]

    async def _unknown(self, rows: Sequence[ListedEntry]) -> Chunks:
        """Those rows that the ledger does not hold as they are, each id once per run."""
        unique = {row.source_id: row for row in reversed(rows)}
        new = [row for row in unique.values() if row.source_id not in self._looked_at]
        self._looked_at.update(row.source_id for row in new)
        self.tally.count("fetched", len(new))
        for part in parts(new, KNOWN_AT_ONCE):
            known = await self.ports.known.versions(self.source, [row.source_id for row in part])
            changed = [row for row in part if not _is_known(row, known.get(row.source_id))]
            unchanged = {row.source_id for row in part} - {row.source_id for row in changed}
            self._count_known(known[source_id] for source_id in unchanged)
            self.live += sum(1 for row in changed if _is_new(known.get(row.source_id)))
            self.new.update(row.source_id for row in part if row.source_id not in known)
            self._see(part)
            for chunk in self._chunks(changed):
                yield chunk

    def _chunks(self, rows: Sequence[ListedEntry]) -> Iterable[Sequence[ListedEntry]]:
        """The first of a run is small, so that the writers need not wait for a large one."""
        if not self._begun and rows:
            self._begun = True
            yield rows[: self.limits.first_chunk]
            rows = rows[self.limits.first_chunk :]
        yield from parts(rows, self.limits.chunk)

    def _count_known(self, rows: Iterable[Known]) -> None:
        """What waits for a person is neither synced nor left alone for good."""
        for known in rows:
            if name := COUNTED_AS.get(known.state):
                self.tally.count(name)

    def _see(self, rows: Sequence[ListedEntry]) -> None:
        now = self.ports.clock.now()
        seen = [min(row.updated_at, now) for row in rows if isinstance(row, SourceEntry)]
        self.newest = max((*seen, *([self.newest] if self.newest else [])), default=None)


def _is_fresh(row: ListedEntry, since: datetime | None) -> bool:
    return since is None or row.updated_at is None or row.updated_at >= since


def _is_known(row: ListedEntry, known: Known | None) -> bool:
    if known is None or known.vanished or not isinstance(row, SourceEntry):
        return False
    return known.updated_at == row.updated_at


def _is_new(known: Known | None) -> bool:
    return known is None or known.vanished

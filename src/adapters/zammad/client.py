"""Zammad's REST API as the port `TicketSystem`. Source: `peers/zammad.md`; traps at its end."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Hashable, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum, auto
from types import TracebackType
from typing import Self

import httpx

from adapters.peer_flow import Flow
from adapters.peer_http import CONCURRENCY, Params, Patience
from adapters.peer_memory import OncePer
from adapters.peer_wire import parsed, parsed_all
from adapters.zammad import wire
from adapters.zammad.choices import ZammadChoices
from adapters.zammad.reads import ZammadReads
from adapters.zammad.text import plain_text, tidy
from adapters.zammad.tickets import TicketReader
from domain.errors import Misconfigured, Rejected, Unavailable
from domain.ports.ticket_system import (
    ListedEntry,
    SourcePerson,
    SourceTicket,
    SourceType,
    TicketSystemIdentity,
)

PAGE = 1000  # Zammad's cap for entries and types; more is cut silently
SEARCH_PAGE = 200  # its cap for searches
SILENT_CAPS = 50  # a cap nobody documented would still be a multiple of this
BARREN_PAGES = 100  # pages in a row with nothing new before we call it a loop
PASSES = 3  # how often the sweep starts over when rows were missed
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BY_UPDATE: Params = {
    "sort_by": "updated_at,id",
    "order_by": "desc,desc",
    "per_page": PAGE,
    "with_total_count": "true",  # since 7.0; before, it is ignored and the count asked for
}
_BY_ID: Params = {"sort_by": "id", "order_by": "asc", "per_page": PAGE}


class _ListAccess(Enum):
    """Whether the list over all tickets answers this token."""

    OPEN = auto()
    FORBIDDEN = auto()
    NO_SUCH_CALL = auto()  # before 6.2


class ZammadTickets:
    """One instance per run: tickets, people, types and permissions are read once and kept.

    `thorough` makes `identity` ask for the version and for more permissions, which a sync run
    does not need.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        thorough: bool = False,
        patience: Patience | None = None,
        concurrency: int = CONCURRENCY,
        flow: Flow | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._reads = ZammadReads(
            base_url,
            token,
            patience=patience,
            concurrency=concurrency,
            flow=flow,
            transport=transport,
        )
        self._thorough = thorough
        self._first_page: Sequence[ListedEntry] | None = None
        self._counted: int | None = None  # by the newest first page, until somebody wants it
        self._access: OncePer[str, _ListAccess] = OncePer()
        self._identity: OncePer[str, TicketSystemIdentity] = OncePer()
        self._unit: OncePer[str, str | None] = OncePer()
        self._types: OncePer[str, Mapping[int, SourceType]] = OncePer()
        self._people: OncePer[int, SourcePerson | None] = OncePer()
        self._reader = TicketReader(self._reads, self.people, self._people)
        self.choices = ZammadChoices(self._reads)

    def __repr__(self) -> str:
        return f"ZammadTickets({self._reads!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._reads.close()

    # --- who is asking, and what is open to them

    async def identity(self) -> TicketSystemIdentity:
        return await self._identity.get("me", self._fetch_identity)

    async def _fetch_identity(self) -> TicketSystemIdentity:
        me = await self._reads.me()
        missing = [] if await self.may_list_all() else ["admin.time_accounting"]
        version: str | None = None
        if self._thorough:
            version = await self._version()
            if version is None:
                missing.append("admin.version")
            if not await self._may_search():
                missing.append("ticket.agent")
        return TicketSystemIdentity(
            person_id=me.id, login=me.login, version=version, missing=tuple(missing)
        )

    async def _version(self) -> str | None:
        answer = await self._reads.if_open("version")
        if answer is None:
            return None
        return parsed(wire.SYSTEM, "version", wire.Version, answer.data).version

    async def _may_search(self) -> bool:
        body = {"page": 1, "per_page": 1}
        return await self._reads.if_open("tickets/search", search=body) is not None

    async def declared_unit(self) -> str | None:
        return await self._unit.get("unit", self._fetch_unit)

    async def _fetch_unit(self) -> str | None:
        path = "settings"
        answer = await self._reads.if_open(path)
        if answer is None:
            return None
        for setting in parsed_all(wire.SYSTEM, path, wire.Setting, answer.data):
            if setting.name == "time_accounting_unit":
                value = (setting.state_current or {}).get("value")
                return value if isinstance(value, str) and value else None
        return None

    async def may_list_all(self) -> bool:
        return await self._list_access() is _ListAccess.OPEN

    async def _list_access(self) -> _ListAccess:
        return await self._access.get("list", self._try_list)

    async def _try_list(self) -> _ListAccess:
        """Ask for the newest page, which `entries_by_update` then need not ask for again."""
        try:
            page = await self._entries_page(_BY_UPDATE, 1)
        except Rejected as error:
            if error.status != httpx.codes.FORBIDDEN:
                raise
            return _ListAccess.FORBIDDEN
        if page is None:
            return _ListAccess.NO_SUCH_CALL
        self._first_page = page
        return _ListAccess.OPEN

    # --- entries

    async def entries_by_update(self) -> AsyncIterator[Sequence[ListedEntry]]:
        await self._need_list()
        first, self._first_page = self._first_page, None
        seen: set[Hashable] = set()
        async for page in self._pages(_BY_UPDATE, first):
            # A row that was changed while we page comes again, and differently.
            if fresh := _fresh(page, seen, lambda row: (row.source_id, row.updated_at)):
                yield fresh

    async def entries_by_id(self) -> AsyncIterator[Sequence[ListedEntry]]:
        await self._need_list()
        seen: set[Hashable] = set()
        for _ in range(PASSES):
            async for page in self._pages(_BY_ID, None):
                if fresh := _fresh(page, seen, lambda row: row.source_id):
                    yield fresh
            if len(seen) >= await self._count():
                return
        raise Unavailable(
            wire.SYSTEM, "entries move while they are listed; the sweep is incomplete"
        )

    async def _need_list(self) -> None:
        if not await self.may_list_all():
            raise Misconfigured(
                wire.SYSTEM, "the list of all entries needs the permission admin.time_accounting"
            )

    async def _pages(
        self, params: Params, first: Sequence[ListedEntry] | None
    ) -> AsyncIterator[Sequence[ListedEntry]]:
        """All pages of the list over all tickets.

        Caps are silent, so only an empty page is the end (`peers/zammad.md`, trap 8). A peer
        that repeats itself forever is an error, not an endless list.
        """
        passed: set[int] = set()
        page, barren = 1, 0
        while True:
            rows = (
                first if page == 1 and first is not None else await self._known_page(params, page)
            )
            if not rows:
                return
            ids = {row.source_id for row in rows}
            barren = barren + 1 if ids <= passed else 0
            if barren >= BARREN_PAGES:
                raise Unavailable(wire.SYSTEM, "the list of entries repeats itself without end")
            passed |= ids
            yield rows
            page += 1

    async def _known_page(self, params: Params, page: int) -> Sequence[ListedEntry]:
        rows = await self._entries_page(params, page)
        if rows is None:
            raise Unavailable(wire.SYSTEM, "the list of entries was there and now is 404")
        return rows

    async def _entries_page(self, params: Params, page: int) -> Sequence[ListedEntry] | None:
        path = "time_accountings"
        answer = await self._reads.find(path, {**params, "page": page})
        if answer is None:
            return None
        if isinstance(answer.data, list):
            return wire.entries_of(path, answer.data)
        counted = parsed(wire.SYSTEM, path, wire.CountedRows, answer.data)
        if page == 1:
            self._counted = counted.total_count
        return wire.entries_of(path, counted.records)

    async def count_entries(self) -> int:
        counted, self._counted = self._counted, None
        return await self._count() if counted is None else counted

    async def _count(self) -> int:
        path = "time_accountings"
        answer = await self._reads.find(path, {"full": "true", "per_page": 1, "page": 1})
        if answer is None:
            raise Misconfigured(wire.SYSTEM, f"{path}: 404, no such call here; check the version")
        return parsed(wire.SYSTEM, path, wire.Total, answer.data).total_count

    async def entry(self, source_id: int, *, ticket_id: int | None = None) -> ListedEntry | None:
        under = "" if ticket_id is None else f"tickets/{ticket_id}/"
        path = f"{under}time_accountings/{source_id}"
        answer = await self._reads.find(path)
        if answer is not None:
            return wire.entry_of(path, answer.data)
        if ticket_id is None and await self._list_access() is _ListAccess.NO_SUCH_CALL:
            raise Misconfigured(wire.SYSTEM, f"{path}: no such call here; this Zammad is too old")
        return None

    async def entries_of_ticket(self, ticket_id: int) -> Sequence[ListedEntry]:
        path = f"tickets/{ticket_id}/time_accountings"
        rows: dict[int, ListedEntry] = {}
        for page in range(1, BARREN_PAGES + 1):
            answer = await self._reads.find(path, {**_BY_ID, "page": page})
            if answer is None:
                raise Rejected(wire.SYSTEM, f"{path}: 404, no such ticket", status=404)
            found = wire.entries_of(path, answer.data)
            rows.update((row.source_id, row) for row in found)
            # A short page is the last one, unless its length looks like a cap.
            if not found or len(found) % SILENT_CAPS:
                return list(rows.values())
        raise Unavailable(wire.SYSTEM, f"{path}: the list repeats itself without end")

    # --- tickets, articles, people, types

    async def tickets_changed_since(self, since: datetime | None) -> AsyncIterator[Sequence[int]]:
        """Search by condition, which needs no search index (`peers/zammad.md`, trap 7).

        Each page starts at the last instant of the one before instead of counting rows: a
        ticket touched meanwhile moves to the end and would shift another one out of sight.
        """
        cursor, page, barren = since or EPOCH, 1, 0
        seen: set[int] = set()
        while rows := await self._search_page(cursor, page):
            fresh = [row.id for row in rows if row.id not in seen]
            seen.update(fresh)
            barren = 0 if fresh else barren + 1
            if barren >= BARREN_PAGES:
                raise Unavailable(wire.SYSTEM, "the ticket search repeats itself without end")
            if fresh:
                yield fresh
            if len(rows) % SILENT_CAPS:  # a short page that does not look cut is the last one
                return
            if rows[-1].updated_at > cursor:
                cursor, page = rows[-1].updated_at, 1
            else:
                page += 1

    async def _search_page(self, since: datetime, page: int) -> Sequence[wire.FoundTicket]:
        instant = since.astimezone(UTC).isoformat(timespec="milliseconds")
        body = {
            "condition": {
                "ticket.updated_at": {  # includes the instant itself
                    "operator": "after (absolute)",
                    "value": instant.replace("+00:00", "Z"),
                }
            },
            "sort_by": "updated_at",
            "order_by": "asc",
            "page": page,
            "per_page": SEARCH_PAGE,
        }
        path = "tickets/search"
        answer = await self._reads.find(path, search=body)
        if answer is None:
            raise Misconfigured(wire.SYSTEM, f"{path}: 404, no such call here; check the version")
        return parsed_all(wire.SYSTEM, path, wire.FoundTicket, answer.data)

    async def visible(self, ticket_ids: Collection[int]) -> Collection[int]:
        return await self._reader.visible(ticket_ids)

    async def tickets(self, ticket_ids: Collection[int]) -> Mapping[int, SourceTicket]:
        return await self._reader.tickets(ticket_ids)

    async def article_texts(self, ticket_id: int) -> Mapping[int, str]:
        path = f"ticket_articles/by_ticket/{ticket_id}"
        answer = await self._reads.if_open(path)
        if answer is None:
            return {}
        rows = parsed_all(wire.SYSTEM, path, wire.Article, answer.data)
        return {row.id: _text(row) for row in rows}

    async def people(self, person_ids: Collection[int]) -> Mapping[int, SourcePerson]:
        ids = sorted(set(person_ids))
        found = await asyncio.gather(*(self._person(one) for one in ids))
        return {one: person for one, person in zip(ids, found, strict=True) if person is not None}

    async def _person(self, person_id: int) -> SourcePerson | None:
        async def fetch() -> SourcePerson | None:
            path = f"users/{person_id}"
            answer = await self._reads.if_open(path)
            if answer is None:
                return None
            return parsed(wire.SYSTEM, path, wire.User, answer.data).person()

        return await self._people.get(person_id, fetch)

    async def types(self) -> Mapping[int, SourceType]:
        return await self._types.get("types", self._fetch_types)

    async def _fetch_types(self) -> Mapping[int, SourceType]:
        path, found = "time_accounting/types", dict[int, SourceType]()
        for page in range(1, BARREN_PAGES + 1):
            answer = await self._reads.if_open(path, {**_BY_ID, "page": page})
            if answer is None:
                return {}
            rows = parsed_all(wire.SYSTEM, path, wire.TimeType, answer.data)
            found.update((row.id, row.type()) for row in rows)
            if not rows or len(rows) % SILENT_CAPS:
                return found
        raise Unavailable(wire.SYSTEM, f"{path}: the list repeats itself without end")


def _fresh(
    rows: Sequence[ListedEntry], seen: set[Hashable], key: Callable[[ListedEntry], Hashable]
) -> Sequence[ListedEntry]:
    """The rows not met before, which are remembered."""
    fresh = {key(row): row for row in rows if key(row) not in seen}
    seen.update(fresh)
    return list(fresh.values())


def _text(article: wire.Article) -> str:
    body = article.body or ""
    return plain_text(body) if (article.content_type or "").startswith("text/html") else tidy(body)

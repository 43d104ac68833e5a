"""Zammad, Kimai and the read model in memory, and a way to fail at every point."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from collections.abc import Set as AbstractSet
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import reduce
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from adapters.memory import MemoryClock, MemoryEventStore
from domain.catalogue import ALL
from domain.errors import LedgerError, Misconfigured, OutcomeUnknown, Rejected, Unavailable
from domain.event import Actor, Append, Appended, Event, Metadata, Recorded
from domain.flow import breaker
from domain.flow.breaker import Breaker, BreakerRules
from domain.ids import (
    ConnectorId,
    EntryId,
    PlanId,
    RunId,
    entry_id,
    entry_stream,
    plan_stream,
    run_stream,
)
from domain.plan.decide import Plan
from domain.plan.events import PlanRequested
from domain.plan.pages import pages
from domain.plan.values import PlanKind, PlanRow
from domain.ports.event_store import EventStore, History
from domain.ports.known_entries import Known, Linked, Negative, Occupying, TargetMarks, Unsettled
from domain.ports.ticket_system import (
    ListedEntry,
    SourceEntry,
    SourcePerson,
    SourceTicket,
    SourceType,
    TicketSystemIdentity,
    UnreadableEntry,
)
from domain.ports.timesheets import (
    Circumstances,
    LastLook,
    Part,
    Peek,
    TargetItem,
    Timesheet,
    TimesheetFields,
    TimesheetsIdentity,
)
from domain.rules.marker import carries
from domain.span import Span
from domain.sync.carrying import carry_across
from domain.sync.limits import LIMITS, Limits
from domain.sync.planning import load as load_plan
from domain.sync.planning import make_plan
from domain.sync.ports import Ports
from domain.sync_run.decide import Run
from domain.sync_run.events import (
    PLAN_CAUSE,
    Cause,
    SyncRunCompleted,
    SyncRunQueued,
    SyncRunStarted,
)
from domain.target_item.values import PATHS, Creation, ItemKind
from domain.time_entry.decide import TIME_ENTRY
from domain.time_entry.events import (
    EntryUnreadable,
    TimesheetAdopted,
    TimesheetCreated,
    TimesheetDrifted,
    TimesheetUpdated,
)
from domain.time_entry.standing import EntryState
from domain.time_entry.state import TimeEntry, worked
from domain.time_entry.values import Desired, Written
from tests.support.bookings import KIMAI, ZAMMAD, configuration

NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
T = TypeVar("T")


class Crash(BaseException):
    """The process is gone: nothing in it may catch this."""


@dataclass
class Perils:
    """Counts the points at which something can go wrong, and lets it.

    `crash_at` is the number of the point at which the process dies. `failing` are errors to
    raise by name of the point, each used once; `then` is called there, once.
    """

    crash_at: int | None = None
    reached: int = 0
    failing: dict[str, list[BaseException]] = field(default_factory=dict)
    dead: bool = False
    then: dict[str, Callable[[], None]] = field(default_factory=dict)

    async def point(self, name: str) -> None:
        await asyncio.sleep(0)
        if name in self.then:
            self.then.pop(name)()
        if self.dead:
            raise Crash(name)
        self.reached += 1
        if self.reached == self.crash_at:
            self.dead = True
            raise Crash(name)
        if self.failing.get(name):
            raise self.failing[name].pop(0)


@dataclass
class FakeTickets:
    """`TicketSystem`, answering from lists that the test changes."""

    perils: Perils
    rows: dict[int, SourceEntry | UnreadableEntry] = field(default_factory=dict)
    touched: dict[int, datetime] = field(default_factory=dict)
    hidden_tickets: set[int] = field(default_factory=set)
    asked_for: list[int] = field(default_factory=list)  # tickets, each with its own request
    merged: dict[int, int] = field(default_factory=dict)
    customers: dict[int, int] = field(default_factory=dict)
    lists_all: bool = True
    unit: str | None = None
    requests: int = 0
    newest: datetime = NOON
    counts_along: bool = True  # since 7.0
    counted: int | None = None
    page: int = 1000

    def book(self, source_id: int, **changes: Any) -> SourceEntry:
        at = NOON + timedelta(minutes=source_id)
        row = SourceEntry(
            source_id=source_id,
            ticket_id=changes.pop("ticket_id", 50),
            article_id=None,
            time_unit=Decimal(15),
            type_id=4,
            created_by_id=5,
            created_at=at,
            updated_at=at,
        )
        row = replace(row, **changes)
        self.rows[source_id] = row
        self.newest = max(self.newest, row.updated_at)
        self.touched[row.ticket_id] = max(at, self.touched.get(row.ticket_id, at))
        return row

    def edit(self, source_id: int, **changes: Any) -> None:
        row = self.rows[source_id]
        # later than all that ever was, also than what is deleted by now: time does not go back
        changes.setdefault("updated_at", self.newest + timedelta(seconds=1))
        self.rows[source_id] = replace(row, **changes)
        self.newest = max(self.newest, self.rows[source_id].updated_at or NOON)

    def move(self, ticket: int, organization: int, *, at: datetime) -> None:
        """The ticket goes to another organisation, and its bookings say nothing of it."""
        self.customers[ticket] = organization
        self.touched[ticket] = at

    async def _request(self, name: str) -> None:
        self.requests += 1
        await self.perils.point(f"zammad:{name}")

    async def identity(self) -> TicketSystemIdentity:
        await self._request("identity")
        return TicketSystemIdentity(person_id=1, login="sync", version="7.2", missing=())

    async def declared_unit(self) -> str | None:
        await self._request("unit")
        return self.unit

    async def may_list_all(self) -> bool:
        await self._request("may_list_all")
        return self.lists_all

    async def entries_by_update(self) -> AsyncIterator[Sequence[ListedEntry]]:
        late = datetime.max.replace(tzinfo=UTC)
        self.counted = len(self.rows) if self.counts_along else None
        async for rows in self._list(
            sorted(self.rows.values(), key=lambda row: row.updated_at or late, reverse=True)
        ):
            yield rows

    async def entries_by_id(self) -> AsyncIterator[Sequence[ListedEntry]]:
        async for rows in self._list([self.rows[key] for key in sorted(self.rows)]):
            yield rows

    async def _list(self, rows: list[ListedEntry]) -> AsyncIterator[Sequence[ListedEntry]]:
        for start in range(0, max(1, len(rows)), self.page):
            await self._request("list")
            if not self.lists_all:
                raise Misconfigured("zammad", "not authorized")
            yield rows[start : start + self.page]

    async def count_entries(self) -> int:
        counted, self.counted = self.counted, None
        if counted is None:
            await self._request("count")
        return len(self.rows) if counted is None else counted

    async def entry(self, source_id: int, *, ticket_id: int | None = None) -> ListedEntry | None:
        await self._request("entry")
        return self.rows.get(source_id)

    async def entries_of_ticket(self, ticket_id: int) -> Sequence[ListedEntry]:
        await self._request("ticket_entries")
        if ticket_id in self.hidden_tickets:
            raise Rejected("zammad", "403", status=403)
        return [row for row in self.rows.values() if row.ticket_id == ticket_id]

    async def tickets_changed_since(self, since: datetime | None) -> AsyncIterator[Sequence[int]]:
        await self._request("search")
        found = [ticket for ticket, at in self.touched.items() if since is None or at >= since]
        if found:
            yield sorted(found, key=lambda ticket: self.touched[ticket])

    async def tickets(self, ticket_ids: Collection[int]) -> Mapping[int, SourceTicket]:
        await self._request("tickets")
        self.asked_for += sorted(ticket_ids)
        return {
            ticket: SourceTicket(
                ticket_id=ticket,
                number=f"100{ticket}",
                title="VPN down",
                group_id=3,
                group_name="Service Desk",
                customer_id=8,
                customer_name="Emily Adams",
                organization_id=self.customers.get(ticket, 3),
                organization_name="Awesome Customer Inc.",
                merged=ticket in self.merged,
                merged_into=self.merged.get(ticket),
            )
            for ticket in ticket_ids
            if ticket not in self.hidden_tickets
        }

    async def visible(self, ticket_ids: Collection[int]) -> Collection[int]:
        await self._request("visible")
        return set(ticket_ids) - set(self.hidden_tickets)

    async def article_texts(self, ticket_id: int) -> Mapping[int, str]:
        await self._request("articles")
        return {89: "Reset the tunnel."}

    async def people(self, person_ids: Collection[int]) -> Mapping[int, SourcePerson]:
        await self._request("people")
        return {
            person: SourcePerson(
                person_id=person,
                name="Emma Taylor",
                email=f"agent{person}@example.com",
                active=True,
            )
            for person in person_ids
        }

    async def types(self) -> Mapping[int, SourceType]:
        await self._request("types")
        return {4: SourceType(type_id=4, name="Support", active=True)}


@dataclass
class FakeTimesheets:
    """`Timesheets` as Kimai behaves: zones, rounding, tags dropped in silence, no idempotency."""

    perils: Perils
    clock: MemoryClock
    zone: str = "Europe/Berlin"
    token_user: int = 1
    sheets: dict[int, Timesheet] = field(default_factory=dict)
    tags: set[str] = field(default_factory=set)
    round_minutes: int = 1
    people: tuple[TargetItem, ...] = ()
    items: dict[ItemKind, list[TargetItem]] = field(
        default_factory=lambda: {kind: [] for kind in ItemKind}
    )
    may_not_make: set[ItemKind] = field(default_factory=set)
    duplicates: bool = True  # Kimai looks and then inserts: what two send at once lands twice
    roles: tuple[str, ...] = ()
    writes: int = 0
    requests: int = 0
    slow: int = 0  # turns of the loop that a write takes
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(8))
    late: list[timedelta] = field(default_factory=list)  # for each of the next writes
    landing_late: list[tuple[datetime, Callable[[], object]]] = field(default_factory=list)
    bodies: list[object] = field(default_factory=list)
    modified: dict[int, datetime] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)  # not listed, but shown when asked for by id
    barred: set[int] = field(default_factory=set)  # neither
    page: int = 500
    listed: list[datetime] = field(default_factory=list)  # begin of each full listing
    asked: Counter[str] = field(default_factory=Counter)
    rules: BreakerRules = field(default_factory=BreakerRules)
    breaker: Breaker = breaker.CLOSED

    async def identity(self) -> TimesheetsIdentity:
        await self._request("identity")
        return TimesheetsIdentity(
            user_id=self.token_user,
            username="sync",
            timezone=self.zone,
            roles=self.roles,
            version="2.66.0",
            tracking_mode="default",
        )

    async def ensure_tag(self, name: str) -> None:
        await self._request("tag")
        self.tags.add(name)

    async def create(
        self, fields: TimesheetFields, *, last_look: LastLook | None = None
    ) -> Timesheet:
        self.bodies.append(fields)
        return await self._write("create", lambda: self._store(fields), last_look)

    async def update(
        self,
        timesheet_id: int,
        fields: Mapping[str, object],
        *,
        last_look: LastLook | None = None,
    ) -> Timesheet:
        self.bodies.append(dict(fields))
        return await self._write("update", lambda: self._change(timesheet_id, fields), last_look)

    async def delete(self, timesheet_id: int, *, last_look: LastLook | None = None) -> bool:
        def gone() -> bool:
            return self.sheets.pop(timesheet_id, None) is not None

        return await self._write("delete", gone, last_look)

    async def get(self, timesheet_id: int) -> Timesheet | None:
        await self._request("get")
        if timesheet_id in self.barred:
            raise Rejected("kimai", "403", status=403)
        return self.sheets.get(timesheet_id)

    async def find_marked(
        self, marker: str, *, begin: datetime, end: datetime, user_id: int | None
    ) -> Sequence[Timesheet]:
        await self._request("find")
        owner = self.token_user if user_id is None else user_id
        return [
            sheet
            for sheet in self.sheets.values()
            if carries(sheet.description, marker)
            and begin <= sheet.begin <= end
            and sheet.user_id == owner
        ]

    async def modified_since(self, instant: datetime) -> AsyncGenerator[Sequence[Timesheet], None]:
        since = instant.replace(microsecond=0)
        found = {i for i, at in self.modified.items() if at.replace(microsecond=0) >= since}
        async for page in self._listed("modified", found):
            yield page

    async def listing(
        self, begin: datetime, end: datetime
    ) -> AsyncGenerator[Sequence[Timesheet], None]:
        self.listed.append(begin)
        async for page in self._listed("listing", self._within(begin, end)):
            yield page

    def _within(self, begin: datetime, end: datetime) -> set[int]:
        found = (sheet for sheet in self.sheets.values() if begin <= sheet.begin <= end)
        return {sheet.timesheet_id for sheet in found}

    async def peek(self, begin: datetime, end: datetime) -> Peek:
        async with aclosing(self._listed("peek", self._within(begin, end))) as pages:
            sheets = await anext(pages)
            return Peek(sheets=sheets, complete=await anext(pages, None) is None)

    async def _listed(
        self, name: str, ids: AbstractSet[int]
    ) -> AsyncGenerator[Sequence[Timesheet], None]:
        shown = sorted(ids & self.sheets.keys() - self.hidden - self.barred)
        for start in range(0, max(1, len(shown)), self.page):
            await self._request(name)
            yield [self.sheets[each] for each in shown[start : start + self.page]]

    async def circumstances(self, desired: Desired, timesheet_id: int | None) -> Circumstances:
        await self._request("circumstances")
        return Circumstances(
            own=desired.user_id == self.token_user,
            user_enabled=True,
            project=Part(visible=True),
            activity=Part(visible=True),
            customer_budget=None,
            overlaps_allowed=True,
            future_allowed=True,
            overlapping=(),
            past_lockdown=False,
        )

    async def projects(self) -> Sequence[TargetItem]:
        await self._request("projects")
        return tuple(self.items[ItemKind.PROJECT])

    async def customers(self) -> Sequence[TargetItem]:
        await self._request("customers")
        return tuple(self.items[ItemKind.CUSTOMER])

    async def listed_now(self, kind: ItemKind) -> Sequence[TargetItem]:
        await self._request("listed_now")
        return tuple(self.items[kind])

    async def make(self, creation: Creation, *, last_look: LastLook | None = None) -> TargetItem:
        self.bodies.append(creation)
        return await self._write("make", lambda: self._make(creation), last_look)

    def _make(self, creation: Creation) -> TargetItem:
        kind = next(kind for kind, path in PATHS.items() if path == creation.path)
        if kind in self.may_not_make:
            raise Rejected("kimai", "403", status=403)
        body, items = creation.body, self.items[kind]
        if any(item.number == body["number"] for item in items) and not self.duplicates:
            raise Rejected("kimai", "400", status=400, fields=("number",))
        customer = body.get("customer")
        item = TargetItem(
            item_id=len(self.items[ItemKind.CUSTOMER] + self.items[ItemKind.PROJECT]) + 100,
            name=str(body["name"]),
            active=True,
            parent_id=customer if isinstance(customer, int) else None,
            number=str(body["number"]),
        )
        items.append(item)
        return item

    async def activities(self) -> Sequence[TargetItem]:
        return ()

    async def users(self) -> Sequence[TargetItem]:
        await self._request("users")
        return self.people

    def edit(self, timesheet_id: int, **changes: Any) -> None:
        """Somebody edits it in Kimai, one request of theirs."""
        self.sheets[timesheet_id] = replace(self.sheets[timesheet_id], **changes)
        self.modified[timesheet_id] = self.clock.now()

    def duplicate(self, timesheet_id: int) -> int:
        """Kimai's "duplicate" copies the description, and our marker with it."""
        number = max(self.sheets) + 1
        self.sheets[number] = replace(
            self.sheets[timesheet_id], timesheet_id=number, exported=False
        )
        self.modified[number] = self.clock.now()
        return number

    def export(self, timesheet_id: int) -> None:
        """An export run: bulk SQL that leaves "modified" as it was."""
        self.sheets[timesheet_id] = replace(self.sheets[timesheet_id], exported=True)

    async def _request(self, name: str) -> None:
        self.requests += 1
        self.asked[name] += 1
        self.land()
        await self._through(f"kimai:{name}")

    async def _through(self, point: str) -> None:
        """A point at which it may fail, behind a breaker as the clients have one."""
        now = self.clock.now().timestamp()
        self.breaker, rest = breaker.asked(self.breaker, self.rules, now)
        if rest > 0:
            raise Unavailable(
                "kimai", f"not asked for {rest:.0f} s", retry_after=rest, tripped=True
            )
        try:
            await self.perils.point(point)
        except (Unavailable, OutcomeUnknown):
            ended = self.clock.now().timestamp()
            self.breaker = breaker.failed(self.breaker, self.rules, ended, sent_at=now)
            raise
        self.breaker = breaker.CLOSED

    async def _write(self, name: str, apply: Callable[[], T], last_look: LastLook | None) -> T:
        async with self.turns:
            if last_look is not None:
                last_look()
            await self._request(f"{name}:before")
            for _ in range(self.slow):
                await asyncio.sleep(0)
            if self.late:
                self.landing_late.append((self.clock.now() + self.late.pop(), apply))
                await self.perils.point(f"kimai:{name}:after")
                raise OutcomeUnknown("kimai", "timed out")
            answer = apply()
            self.writes += 1
            await self.perils.point(f"kimai:{name}:after")
            return answer

    def land(self) -> None:
        """What clients gave up waiting for happens all the same, when its time has come."""
        due = [apply for at, apply in self.landing_late if at <= self.clock.now()]
        self.landing_late = [item for item in self.landing_late if item[0] > self.clock.now()]
        for apply in due:
            apply()
            self.writes += 1

    def _store(self, fields: TimesheetFields) -> Timesheet:
        number = max(self.sheets, default=0) + 1
        begin, end = self._instants(fields.begin, fields.end, ZoneInfo(self.zone))
        sheet = Timesheet(
            timesheet_id=number,
            user_id=fields.user or self.token_user,
            project_id=fields.project,
            activity_id=fields.activity,
            begin=begin,
            end=end,
            duration=end - begin,
            offset=begin.astimezone(ZoneInfo(self.zone)).utcoffset() or timedelta(0),
            description=fields.description.strip(),
            tags=self._known_tags(fields.tags),
            exported=False,
            billable=True if fields.billable is None else fields.billable,
        )
        self.sheets[number] = sheet
        self.modified[number] = self.clock.now()
        return sheet

    def _change(self, timesheet_id: int, fields: Mapping[str, object]) -> Timesheet:
        sheet = self.sheets.get(timesheet_id)
        if sheet is None:
            raise Rejected("kimai", "404", status=404)
        names = {"project": "project_id", "activity": "activity_id", "user": "user_id"}
        changes: dict[str, Any] = {
            names.get(key, key): value
            for key, value in fields.items()
            if key not in ("begin", "end", "tags")
        }
        if fields.keys() & names.keys():
            changes["billable"] = True  # recomputed, and ours is lost (`peers/kimai.md`, 2.6)
        if "begin" in fields:
            changes["begin"], changes["end"] = self._instants(
                str(fields["begin"]), str(fields["end"]), ZoneInfo(self.zone)
            )
            changes["duration"] = changes["end"] - changes["begin"]
        if "tags" in fields:
            changes["tags"] = self._known_tags(str(fields["tags"]))
        self.edit(timesheet_id, **changes)
        return self.sheets[timesheet_id]

    def _known_tags(self, tags: str) -> frozenset[str]:
        return frozenset(tag for tag in tags.split(",") if tag in self.tags)

    def _instants(self, begin: str, end: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
        size = timedelta(minutes=self.round_minutes)
        first, last = _instant(begin, zone), _instant(end, zone)
        down = first - (first - datetime.min.replace(tzinfo=UTC)) % size
        up = last + -(last - datetime.min.replace(tzinfo=UTC)) % size
        return down, up


def _instant(text: str, zone: ZoneInfo) -> datetime:
    """As PHP reads it: an offset is honoured, a repeated hour in Europe is the later one."""
    read = datetime.fromisoformat(text)
    if read.tzinfo is None:
        read = read.replace(tzinfo=zone, fold=1)
    return read.astimezone(UTC)


@dataclass
class PerilousLedger:
    """A store whose every append can fail before it happened, and after."""

    store: MemoryEventStore
    perils: Perils

    async def append(self, command: Append) -> Appended:
        (answer,) = await self.append_many([command])
        if isinstance(answer, LedgerError):
            raise answer
        return answer

    async def append_many(self, commands: Sequence[Append]) -> Sequence[Appended | LedgerError]:
        await self.perils.point("ledger:append:before")
        answers = await self.store.append_many(commands)
        await self.perils.point("ledger:append:after")
        return answers

    async def read(self, stream: str) -> History:
        await self.perils.point("ledger:read")
        return await self.store.read(stream)

    async def read_many(self, streams: Sequence[str]) -> Sequence[History]:
        await self.perils.point("ledger:read")
        return await self.store.read_many(streams)

    async def read_recorded(
        self, stream: str, *, after_version: int = 0, limit: int | None = None
    ) -> Sequence[Recorded[Event]]:
        return await self.store.read_recorded(stream, after_version=after_version, limit=limit)

    async def page(self, after: int, limit: int) -> Sequence[Recorded[Event]]:
        return await self.store.page(after, limit)

    async def head(self) -> int:
        return await self.store.head()

    async def position_at(self, instant: datetime) -> int:
        return await self.store.position_at(instant)

    def subscribe(
        self, after: int, *, types: Collection[str] = ()
    ) -> AsyncIterator[Sequence[Recorded[Event]]]:
        return self.store.subscribe(after, types=types)


@dataclass
class FakeKnown:
    """`KnownEntries`, folded from the ledger when it is waited for."""

    ledger: EventStore
    entries: dict[EntryId, TimeEntry] = field(default_factory=dict)
    marks: dict[ConnectorId, datetime | None] = field(default_factory=dict)
    ticket_marks: dict[ConnectorId, datetime | None] = field(default_factory=dict)
    targets: dict[tuple[ConnectorId, ConnectorId], TargetMarks] = field(default_factory=dict)
    position: int = 0
    _pairs: dict[int, tuple[ConnectorId, ConnectorId]] = field(default_factory=dict)
    _seen: dict[EntryId, Written] = field(default_factory=dict)
    _unreadable: dict[EntryId, datetime | None] = field(default_factory=dict)
    _touched: dict[EntryId, int] = field(default_factory=dict)
    _partial: set[RunId] = field(default_factory=set)
    _broken: dict[ConnectorId, set[RunId]] = field(default_factory=lambda: defaultdict(set))

    async def wait_for(self, position: int) -> None:
        while page := await self.ledger.page(self.position, 1000):
            for recorded in page:
                self._see(recorded)
            self.position = page[-1].position

    def _see(self, recorded: Recorded[Event]) -> None:
        event: Any = recorded.event
        if isinstance(event, SyncRunQueued):
            self._pairs[event.run_id] = event.source_connector_id, event.target_connector_id
            partial = event.entry_ids is not None or event.ticket_ids is not None
            if partial or event.cause.kind == PLAN_CAUSE:
                self._partial.add(event.run_id)
        elif isinstance(event, SyncRunStarted):
            self._broken[self._pairs[event.run_id][0]].add(event.run_id)
        elif isinstance(event, SyncRunCompleted):
            pair = self._pairs[event.run_id]
            self._broken[pair[0]].discard(event.run_id)
            if event.run_id not in self._partial:
                self._broken[pair[0]].clear()
            self.marks[pair[0]] = event.watermark
            self.ticket_marks[pair[0]] = event.ticket_watermark
            self.targets[pair] = TargetMarks(
                polled_at=event.target_watermark, listed_at=event.target_listed_at
            )
        elif recorded.stream.startswith("time-entry-"):
            entry = EntryId(int(recorded.stream.removeprefix("time-entry-")))
            after = TIME_ENTRY.evolve(self.entries.get(entry), event)
            assert after is not None
            self.entries[entry] = after
            self._touched[entry] = recorded.position
            if isinstance(event, EntryUnreadable):
                self._unreadable[entry] = event.updated_at
            elif isinstance(event, TimesheetDrifted):
                self._saw(after, event.found)
            elif isinstance(event, TimesheetCreated | TimesheetUpdated | TimesheetAdopted):
                self._saw(after, event.written)

    def _of(self, connector: ConnectorId) -> list[TimeEntry]:
        return [entry for entry in self.entries.values() if entry.connector_id == connector]

    async def versions(
        self, connector: ConnectorId, source_ids: Collection[int]
    ) -> Mapping[int, Known]:
        found = {i: self.entries.get(entry_id(connector, i)) for i in source_ids}
        return {
            i: Known(
                updated_at=entry.booking.updated_at if entry.booking else NOON,
                vanished=entry.standing.vanished,
                state=entry.standing.state,
            )
            for i, entry in found.items()
            if entry is not None
        }

    async def unsettled(self, connector: ConnectorId) -> Sequence[Unsettled]:
        at_rest = (EntryState.SYNCED, EntryState.WITHDRAWN)
        return [
            Unsettled(
                entry_id=entry.entry_id,
                ticket_id=entry.booking.ticket_id if entry.booking else None,
                state=entry.standing.state,
                reason=entry.standing.conflict,
                decided_with=entry.decided.basis.configuration
                if entry.decided and entry.standing.outcome
                else None,
                booked_at=entry.booking.created_at if entry.booking else None,
            )
            for entry in self._of(connector)
            if entry.standing.state not in at_rest
            and (entry.standing.state is not EntryState.IGNORED or not entry.standing.ignored)
        ]

    async def live_count(self, connector: ConnectorId) -> int:
        return len(await self.live_source_ids(connector))

    async def live_source_ids(self, connector: ConnectorId) -> AbstractSet[int]:
        return {
            entry.entry_id % 10**10 for entry in self._of(connector) if not entry.standing.vanished
        }

    async def live_of_tickets(
        self, connector: ConnectorId, ticket_ids: Collection[int]
    ) -> Mapping[int, AbstractSet[int]]:
        return {
            ticket: {
                entry.entry_id % 10**10
                for entry in self._of(connector)
                if not entry.standing.vanished
                and entry.booking is not None
                and entry.booking.ticket_id == ticket
            }
            for ticket in ticket_ids
        }

    async def with_negatives(
        self, connector: ConnectorId, ticket_ids: Collection[int]
    ) -> AbstractSet[int]:
        return {
            entry.booking.ticket_id
            for entry in self._of(connector)
            if entry.booking is not None
            and entry.booking.time_unit < 0
            and entry.booking.ticket_id in ticket_ids
        }

    async def negatives(self, connector: ConnectorId) -> Sequence[Negative]:
        return [
            Negative(entry_id=entry.entry_id, ticket_id=entry.booking.ticket_id)
            for entry in sorted(self._of(connector), key=lambda entry: entry.entry_id)
            if entry.booking is not None and entry.booking.time_unit < 0
        ]

    async def broke_off(self, connector: ConnectorId, run_id: RunId | None) -> bool:
        return bool(self._broken[connector] - {run_id})

    async def watermark(self, connector: ConnectorId) -> datetime | None:
        return self.marks.get(connector)

    async def ticket_watermark(self, connector: ConnectorId) -> datetime | None:
        return self.ticket_marks.get(connector)

    async def target_marks(self, source: ConnectorId, target: ConnectorId) -> TargetMarks:
        return self.targets.get((source, target), TargetMarks())

    def _linked_one(self, entry: TimeEntry) -> Written:
        """As it was last seen; where a correction is gone, what it corrected."""
        assert entry.settled is not None
        seen, linked = self._seen[entry.entry_id], entry.settled.written
        same = seen.timesheet_id == linked.timesheet_id
        return seen if same else entry.drifted or linked

    def _saw(self, entry: TimeEntry, sheet: Written) -> None:
        """Of those that stay as they are the entry itself says how they are."""
        if entry.earlier_one(sheet.timesheet_id) is None:
            self._seen[entry.entry_id] = sheet

    async def linked(self, source: ConnectorId, target: ConnectorId) -> Sequence[Linked]:
        found = [
            Linked(
                entry_id=entry.entry_id,
                seen=self._linked_one(entry),
                reason=entry.standing.conflict,
            )
            for entry in self._of(source)
            if entry.settled is not None and entry.settled.target == target
        ]
        found += [
            Linked(entry_id=entry.entry_id, seen=one.seen, reason=entry.standing.conflict)
            for entry in self._of(source)
            for one in entry.earlier
            if one.settled.target == target and not one.gone
        ]
        return sorted(found, key=lambda each: each.seen.timesheet_id)

    async def linked_to(
        self, source: ConnectorId, target: ConnectorId, timesheet_ids: Collection[int]
    ) -> Sequence[Linked]:
        everything = await self.linked(source, target)
        return [each for each in everything if each.seen.timesheet_id in timesheet_ids]

    async def carried_with_another_unit(
        self, source: ConnectorId, target: ConnectorId, unit_minutes: Decimal
    ) -> Sequence[EntryId]:
        return sorted(
            entry.entry_id
            for entry in self._of(source)
            if entry.settled is not None
            and entry.settled.target == target
            and entry.standing.state is EntryState.SYNCED
            and entry.settled.basis.unit_minutes != unit_minutes
        )

    async def occupying(
        self, connector: ConnectorId, days: Collection[tuple[int, date]]
    ) -> Mapping[tuple[int, date], Sequence[Occupying]]:
        mine = sorted(self._of(connector), key=lambda entry: entry.entry_id)
        return {(agent, day): list(self._on(mine, agent, day)) for agent, day in days}

    def _on(self, entries: Sequence[TimeEntry], agent: int, day: date) -> Iterator[Occupying]:
        for entry in entries:
            if entry.booking is None or entry.booking.created_by_id != agent:
                continue
            decided = entry.decided
            found = None if decided is None else decided.basis.work_date
            at = found or entry.booking.created_at.astimezone(UTC).date()
            if abs(at - day) > timedelta(days=1):
                continue
            desired = None if decided is None else decided.desired
            sheet = None if entry.settled is None else self._linked_one(entry)
            yield Occupying(
                entry_id=entry.entry_id,
                position=self._touched[entry.entry_id],
                state=entry.standing.state,
                decided=worked(desired, decided.basis) if decided and desired else None,
                stored=Span(begin=sheet.begin, end=sheet.end or sheet.begin) if sheet else None,
                beside=tuple(
                    Span(begin=one.seen.begin, end=one.seen.end or one.seen.begin)
                    for one in entry.earlier
                    if not one.gone
                ),
            )


class World:
    """Both peers, a ledger and a clock; `sync` is one run of a fresh process."""

    def __init__(self, **settings: Any) -> None:
        self.clock = MemoryClock(NOON + timedelta(days=2))
        self.perils = Perils()
        self.store = MemoryEventStore(ALL, now=self.clock.now)
        self.tickets = FakeTickets(self.perils)
        self.kimai = FakeTimesheets(self.perils, self.clock)
        self.known = FakeKnown(self.store)
        self.configuration = configuration(**settings)
        self.limits: Limits = LIMITS
        self.runs = 0
        self.plans = 0

    async def plan(
        self,
        *,
        kind: PlanKind = PlanKind.RUN,
        entry_ids: tuple[EntryId, ...] | None = None,
        **bounds: Any,
    ) -> Plan:
        """A dry run; its rows are in `rows_of`."""
        self.plans += 1
        plan = PlanId(self.plans)
        requested = PlanRequested(
            plan_id=plan,
            kind=kind,
            source_connector_id=ZAMMAD,
            target_connector_id=KIMAI,
            start_date=bounds.get("start_date"),
            end_date=bounds.get("end_date"),
            entry_ids=entry_ids,
        )
        metadata = Metadata(actor=Actor(kind="user", name="alice"), correlation_id=f"plan-{plan}")
        await self.store.append(
            Append(
                stream=plan_stream(plan),
                events=[requested],
                metadata=metadata,
                occurred_at=self.clock.now(),
                expected=0,
            )
        )
        return await self.make(plan)

    async def make(self, plan: PlanId) -> Plan:
        """Work it out in a fresh process."""
        return await make_plan(plan, self.configuration, self.ports(), limits=self.limits)

    async def held_plan(self) -> Plan:
        """The plan that the last run asked for, worked out as the worker does afterwards."""
        self.plans += 1
        return await self.make(PlanId(self.plans))

    async def rows_of(self, plan: Plan) -> list[PlanRow]:
        return [
            row async for page in pages(self.store, plan.plan_id, plan.rows_after) for row in page
        ]

    async def apply(self, plan: Plan) -> Run:
        """The run that carries out a plan."""
        return await self.sync(cause=Cause(kind=PLAN_CAUSE, name=str(plan.plan_id)))

    async def plan_now(self, plan: Plan) -> Plan:
        return await load_plan(plan.plan_id, self.ports())

    async def sync(self, **bounds: Any) -> Run:
        """A run that nothing kills; the same run id again when the last one was cut off."""
        self.runs += 1
        run = RunId(self.runs)
        queued = SyncRunQueued(
            run_id=run,
            trigger="manual",
            cause=bounds.get("cause", Cause(kind="user", name="alice")),
            source_connector_id=ZAMMAD,
            target_connector_id=KIMAI,
            start_date=bounds.get("start_date"),
            end_date=bounds.get("end_date"),
            entry_ids=bounds.get("entry_ids"),
            ticket_ids=bounds.get("ticket_ids"),
        )
        metadata = Metadata(actor=Actor(kind="user", name="alice"), correlation_id=f"run-{run}")
        await self.store.append(
            Append(
                stream=run_stream(run),
                events=[queued],
                metadata=metadata,
                occurred_at=self.clock.now(),
                expected=0,
            )
        )
        return await self.resume()

    def an_hour_later(self) -> None:
        """Everything that is still under way has arrived."""
        self.clock.advance(timedelta(hours=1))
        self.kimai.land()

    def ports(self) -> Ports:
        return Ports(
            ledger=PerilousLedger(self.store, self.perils),
            known=self.known,
            tickets=self.tickets,
            timesheets=self.kimai,
            clock=self.clock,
            jitter=lambda: 0.0,
        )

    async def resume(self) -> Run:
        run = RunId(self.runs)
        return await carry_across(run, self.configuration, self.ports(), limits=self.limits)

    async def keep(self, source_id: int, events: Sequence[Event]) -> None:
        """Append what somebody else decided about a booking."""
        stream = entry_stream(entry_id(ZAMMAD, source_id))
        metadata = Metadata(actor=Actor(kind="user", name="alice"), correlation_id="by-hand")
        now = self.clock.now()
        await self.store.append(
            Append(stream=stream, events=events, metadata=metadata, occurred_at=now, expected=None)
        )

    async def entry(self, source_id: int) -> TimeEntry:
        history = await self.store.read(entry_stream(entry_id(ZAMMAD, source_id)))
        state = reduce(TIME_ENTRY.evolve, history.events, None)  # type: ignore[arg-type] # its stream holds its events only
        assert state is not None
        return state

    async def types(self, source_id: int) -> list[str]:
        history = await self.store.read(entry_stream(entry_id(ZAMMAD, source_id)))
        return [event.TYPE for event in history.events]

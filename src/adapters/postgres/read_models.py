"""What people ask of the views. Every question may be asked of the past: `as_of` a position.

Lists answer with rows and how many there are in all; `projections.<view>.shown` turns a row into
the contract's object.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import asyncpg

from adapters.postgres.conditions import NO_VALUE, Where, where
from adapters.postgres.connecting import translated
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.statements import held_at, statements
from adapters.postgres.totals import TotalsTable
from adapters.postgres.view_tables import ViewTable, kept
from domain.errors import RuleViolation
from domain.target_names.events import NamedKind
from domain.target_names.naming import Known
from projections import (
    audit_log,
    audit_totals,
    connectors,
    entry_totals,
    plans,
    sync_runs,
    target_names,
    time_entries,
    users,
)
from projections.catalogue import ALL
from projections.projection import Projection, R
from projections.tally import total
from projections.target_names import Names

UserRow: TypeAlias = users.Row  # methods have the names of their modules
ConnectorRow: TypeAlias = connectors.Row
PlanRow: TypeAlias = plans.Row
Rows: TypeAlias = tuple[Sequence[R], int]
Between: TypeAlias = tuple[int | None, int | None]  # behind a position, and up to one
Place: TypeAlias = tuple[
    str, int
]  # of the last entry of a page: what it is sorted by, as text, and its id

STATES_OF: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        status: [state for state, shown in sync_runs.STATUS_OF.items() if shown == status]
        for status in ("running", "completed", "failed")
    }
)
SEARCHED = (  # what `q` looks into
    'description, ticket_number COLLATE "default", ticket_title, user_name, user_email,'
    " organization_name, customer_name, activity_name"
)
HANDFUL, FEW = 300, 5_000  # entries that are sorted in 1 ms, and in 10 ms
FIRST = datetime(1970, 1, 1, tzinfo=UTC)  # nothing was recorded before
NOTHING = Decimal(0)
BIGGEST = 2**63 - 1  # what PostgreSQL's bigint holds
BIGGEST_ID = 2**31 - 1  # of Kimai's things
EXPORT_PAGE = 1_000  # rows that an export reads at once


@dataclass(frozen=True)
class _Sort:
    """What entries are sorted by: in SQL, its type there, and the same of a row as text."""

    by: str
    kind: str
    text: Any


SORTS: Mapping[str, _Sort] = MappingProxyType(
    {
        "entry_date": _Sort("entry_date", "date", lambda row: row.entry_date.isoformat()),
        "updated_at": _Sort("updated_at", "timestamptz", lambda row: row.updated_at.isoformat()),
        "minutes": _Sort("coalesce(minutes, 0)", "numeric", lambda row: str(row.minutes or 0)),
        "ticket": _Sort(
            "coalesce(ticket_number, '')", 'text COLLATE "C"', lambda row: row.ticket_number or ""
        ),
    }
)


@dataclass(frozen=True, kw_only=True)
class EntryFilter:
    """Which entries; texts are looked for anywhere, in any case. Dates are work days, inclusive."""

    states: Sequence[str] | None = None
    ticket: str | None = None
    user: str | None = None
    customer: str | None = None
    start_date: date | None = None
    end_date: date | None = None
    q: str | None = None
    run_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class RunFilter:
    """Which runs. Dates are of the start, inclusive; digits search the id, else the error."""

    status: str | None = None
    state: str | None = None
    trigger_type: str | None = None
    start_date: date | None = None
    end_date: date | None = None
    search: str | None = None


@dataclass(frozen=True, kw_only=True)
class AuditFilter:
    """Which audited events. `entity` is a type, or `type:id`; dates are inclusive."""

    action: str | None = None
    action_type: str = "all"
    user: str | None = None
    ip_address: str | None = None
    start_date: date | None = None
    end_date: date | None = None
    entity: str | None = None
    correlation_id: str | None = None
    run_id: int | None = None


@dataclass(frozen=True)
class EntryPage:
    """Some entries. `next_place` is None on the last page; `total` and `total_minutes` are of all.

    `addresses` are the connectors' base URLs by id, for links; `names` is what their timesheets
    are booked on.
    """

    rows: Sequence[time_entries.Row]
    next_place: Place | None
    total: int
    total_minutes: Decimal
    addresses: Mapping[int, str]
    names: Names


class ReadModels:
    """The views of one log. `zone` (IANA) is where the calendar days of filters begin and end."""

    def __init__(self, store: PostgresEventStore, *, zone: str = "UTC") -> None:
        self._pool = store.pool
        self._log_id = store.log_id
        self._zone = ZoneInfo(zone)
        self._sql = statements("read_models")
        self._totals = TotalsTable(store.log_id)
        self._tables = {projection.name: ViewTable(projection) for projection in ALL}

    async def all_rows(self, projection: Projection[R], *, as_of: int | None = None) -> list[R]:
        """The whole view, by key; for views that stay small."""
        table = self._tables[projection.name]
        tail = f"ORDER BY {table.key}"
        records = await self._fetch("rows", as_of, what=table.selected, table=table.name, tail=tail)
        return [table.row(tuple(record)) for record in records]

    async def one(
        self, projection: Projection[R], number: int, *, as_of: int | None = None
    ) -> R | None:
        """The row of that key, None when there is none (then)."""
        if not 0 <= number <= BIGGEST:
            return None
        table = self._tables[projection.name]
        tail = f"AND {table.key} = $3"
        records = await self._fetch(
            "rows", as_of, number, what=table.selected, table=table.name, tail=tail
        )
        return table.row(tuple(records[0])) if records else None

    async def many(
        self, projection: Projection[R], numbers: Sequence[int], *, as_of: int | None = None
    ) -> list[R]:
        """The rows of those keys that there are (then)."""
        if not numbers:
            return []
        table = self._tables[projection.name]
        tail = f"AND {table.key} = ANY($3)"
        records = await self._fetch(
            "rows", as_of, list(numbers), what=table.selected, table=table.name, tail=tail
        )
        return [table.row(tuple(record)) for record in records]

    async def names_of(self, connector_id: int, kind: NamedKind) -> Known:
        """What the projects or activities of a Kimai connector are called, by their ids."""
        table = self._tables[target_names.NAME]
        first, last = (target_names.key_of(connector_id, kind, end) for end in (0, BIGGEST_ID))
        records = await self._fetch(
            "rows",
            None,
            first,
            last,
            what="item_key, name, parent_id",
            table=table.name,
            tail="AND item_key BETWEEN $3 AND $4",
        )
        return {item_key - first: (name, parent) for item_key, name, parent in records}

    async def names_for(
        self, rows: Iterable[time_entries.Row], *, as_of: int | None = None
    ) -> Names:
        """What the timesheets of these entries are booked on is called."""
        keys = {key for row in rows for key in target_names.keys_of(row)}
        found = await self.many(target_names.PROJECTION, sorted(keys), as_of=as_of)
        return {row.item_key: row for row in found}

    async def users(self, *, skip: int, limit: int, as_of: int | None = None) -> Rows[UserRow]:
        """Accounts, by id."""
        return await self._list(users.PROJECTION, "rows", "user_id", skip, limit, as_of)

    async def connectors(
        self, *, skip: int, limit: int, include_retired: bool, as_of: int | None = None
    ) -> Rows[ConnectorRow]:
        """Connectors, by id."""
        return await self._list(
            connectors.PROJECTION, "connectors", "connector_id", skip, limit, as_of, include_retired
        )

    async def connector(
        self, connector_id: int, *, as_of: int | None = None
    ) -> ConnectorRow | None:
        """One connector, also a retired one."""
        return await self.one(connectors.PROJECTION, connector_id, as_of=as_of)

    async def connectors_in_use(self) -> AbstractSet[int]:
        """Connectors of runs that wait or go on."""
        records = await self._query(self._sql["connectors_in_use"], self._log_id)
        return {connector for record in records for connector in record}

    async def addresses(self, *, as_of: int | None = None) -> Mapping[int, str]:
        """Base URLs of all connectors, also retired ones, by id."""
        rows = await self.all_rows(connectors.PROJECTION, as_of=as_of)
        return {row.connector_id: row.base_url for row in rows}

    async def mappings(
        self,
        projection: Projection[R],
        *,
        skip: int,
        limit: int,
        is_active: bool | None,
        as_of: int | None = None,
    ) -> Rows[R]:
        """Rows of one of the three mapping views, by id."""
        return await self._list(projection, "mappings", "mapping_id", skip, limit, as_of, is_active)

    async def mapping(
        self, projection: Projection[R], number: int, *, as_of: int | None = None
    ) -> R | None:
        """One row of one of the three mapping views."""
        return await self.one(projection, number, as_of=as_of)

    async def runs(
        self, which: RunFilter, *, skip: int, limit: int, as_of: int | None = None
    ) -> Rows[sync_runs.Row]:
        """Runs, newest first."""
        filters = self._run_filters(which)
        order = "run_id DESC"
        return await self._list(sync_runs.PROJECTION, "runs", order, skip, limit, as_of, *filters)

    async def count_runs(self, which: RunFilter, *, as_of: int | None = None) -> int:
        """How many there are."""
        filters = self._run_filters(which)
        (counted,) = await self._fetch("runs", as_of, *filters, what="count(*)", tail="")
        return int(counted[0])

    def all_runs(
        self, which: RunFilter, *, as_of: int | None = None
    ) -> AsyncIterator[list[sync_runs.Row]]:
        """All of them, newest first, in pages."""
        filters = self._run_filters(which)
        return self._pages(sync_runs.PROJECTION, "runs", "run_id", as_of, *filters)

    def _run_filters(self, which: RunFilter) -> Sequence[object]:
        number = _number(which.search)
        return (
            None if which.status is None else STATES_OF[which.status],
            which.state,
            which.trigger_type,
            self._begin_of(which.start_date),
            self._end_of(which.end_date),
            number,
            None if number is not None else _needle(which.search),
        )

    async def run(self, run_id: int, *, as_of: int | None = None) -> sync_runs.Row | None:
        """One run."""
        return await self.one(sync_runs.PROJECTION, run_id, as_of=as_of)

    async def plan(self, plan_id: int) -> PlanRow | None:
        """One plan."""
        return await self.one(plans.PROJECTION, plan_id)

    async def plans(self, *, limit: int, before: int | None = None) -> list[PlanRow]:
        """Plans, newest first, from before that one on."""
        table = self._tables[plans.NAME]
        tail = f"AND ($3::bigint IS NULL OR plan_id < $3) ORDER BY plan_id DESC LIMIT {limit:d}"
        records = await self._fetch(
            "rows", None, before, what=table.selected, table=table.name, tail=tail
        )
        return [table.row(tuple(record)) for record in records]

    async def audit(
        self, which: AuditFilter, *, skip: int, limit: int, as_of: int | None = None
    ) -> Rows[audit_log.Row]:
        """Audited events, newest first."""
        table, between = self._tables[audit_log.NAME], await self._between(which, as_of)
        asked = _audit_where(which, between)
        records = await self._fetch(
            "audit",
            as_of,
            *asked.values,
            what=table.selected,
            where=asked.text,
            tail=f"ORDER BY valid_from DESC LIMIT {limit:d} OFFSET {skip:d}",
        )
        if not skip and len(records) < limit:
            number = len(records)
        else:
            number = await self._count_audited(which, asked, between, as_of)
        return [table.row(tuple(record)) for record in records], number

    async def all_audited(
        self, which: AuditFilter, *, as_of: int | None = None
    ) -> AsyncIterator[list[audit_log.Row]]:
        """All of them, newest first, in pages."""
        asked = _audit_where(which, await self._between(which, as_of))
        key, view = "valid_from", audit_log.PROJECTION
        async for rows in self._pages(view, "audit", key, as_of, *asked.values, where=asked.text):
            yield rows

    async def _count_audited(
        self, which: AuditFilter, asked: Where, between: Between, as_of: int | None
    ) -> int:
        """How many there are: by the sums that are kept, if only actions and days matter."""
        by_sums = AuditFilter(
            action=which.action,
            action_type=which.action_type,
            start_date=which.start_date,
            end_date=which.end_date,
        )
        if which != by_sums:
            what = {"what": "count(*)", "where": asked.text, "tail": ""}
            (counted,) = await self._fetch("audit", as_of, *asked.values, **what)
            return int(counted[0])
        after, upto = between
        until = await self._audited(which, as_of if upto is None else upto)
        return until if after is None else until - await self._audited(which, after)

    async def _between(self, which: AuditFilter, as_of: int | None) -> Between:
        """Behind which position and up to which the days of the filter lie."""
        after = await self._before(self._begin_of(which.start_date))
        upto = await self._before(self._end_of(which.end_date))
        most = BIGGEST if as_of is None else as_of
        upto = None if upto is None else min(upto, most)
        bound = most if upto is None else upto
        return None if after is None else min(after, bound), upto

    async def _before(self, instant: datetime | None) -> int | None:
        """The last position recorded before the instant."""
        if instant is None:
            return None
        if instant <= FIRST:
            return 0
        just = instant - timedelta(microseconds=1)
        (found,) = await self._query("SELECT position_at($1, $2)", self._log_id, just)
        return int(found[0])

    async def _audited(self, which: AuditFilter, as_of: int | None) -> int:
        sums = await self._totals.read(self._pool, audit_totals.TALLY, as_of=as_of)
        return int(
            sum(
                number
                for action, number in sums.get(audit_totals.ALL, {}).items()
                if which.action in (None, action)
                and which.action_type in ("all", "sync" if action.startswith("sync") else "access")
            )
        )

    async def audit_entry(self, position: int, *, as_of: int | None = None) -> audit_log.Row | None:
        """One audited event."""
        return await self.one(audit_log.PROJECTION, position, as_of=as_of)

    async def entry(self, entry_id: int, *, as_of: int | None = None) -> time_entries.Row | None:
        """One entry."""
        return await self.one(time_entries.PROJECTION, entry_id, as_of=as_of)

    async def entries(
        self,
        which: EntryFilter,
        *,
        sort: str = "-entry_date",
        limit: int = 50,
        after: Place | None = None,
        as_of: int | None = None,
    ) -> EntryPage:
        """A page of entries. `sort` is a key of SORTS, with a minus newest or greatest first.

        Raises:
            RuleViolation: `cursor_invalid`, when `after` is not of a list sorted like this.
        """
        order, down = SORTS[sort.removeprefix("-")], sort.startswith("-")
        table = self._tables[time_entries.NAME]
        asked = entry_where(which)
        direction, sign = ("DESC", "<") if down else ("ASC", ">")
        keyset = f"ORDER BY {order.by} {direction}, entry_id {direction} LIMIT {limit + 1:d}"
        if after is not None:
            place = f"(${asked.free}::text::{order.kind}, ${asked.free + 1}::bigint)"
            keyset = f"AND ({order.by}, entry_id) {sign} {place} {keyset}"
        number, minutes = await self._entry_sums(which, asked, as_of)
        name = "few_entries" if asked.text and _are_few(number, which, order) else "entries"
        records: Sequence[Any] = ()
        if number:
            records = await self._entries(table.selected, keyset, asked, as_of, after, name=name)
        rows = [table.row(tuple(record)) for record in records[:limit]]
        last = rows[-1] if len(records) > limit else None
        return EntryPage(
            rows=rows,
            next_place=None if last is None else (order.text(last), last.entry_id),
            total=number,
            total_minutes=minutes,
            addresses=await self.addresses(as_of=as_of),
            names=await self.names_for(rows, as_of=as_of),
        )

    async def _entry_sums(
        self, which: EntryFilter, asked: Where, as_of: int | None
    ) -> tuple[int, Decimal]:
        """How many, and their minutes: by the sums that are kept, if these tell them apart."""
        if which != EntryFilter(
            states=which.states, start_date=which.start_date, end_date=which.end_date
        ):
            what = "count(*) AS total, coalesce(sum(minutes), 0) AS minutes"
            (counted,) = await self._entries(what, "", asked, as_of)
            return counted["total"], counted["minutes"]
        first = last = entry_totals.ALL
        if which.start_date or which.end_date:
            first = (which.start_date or date.min).toordinal()
            last = (which.end_date or date.max).toordinal()
        rows = await self._totals.read(
            self._pool, entry_totals.TALLY, first=first, last=last, as_of=as_of
        )
        sums = total(rows.values())
        states = set(which.states or time_entries.SYNC_STATUS)
        minutes = (sums.get(entry_totals.minutes(state), NOTHING) for state in states)
        return int(sum(sums.get(state, NOTHING) for state in states)), sum(minutes, NOTHING)

    async def _entries(
        self,
        what: str,
        tail: str,
        asked: Where,
        as_of: int | None,
        after: Place | None = None,
        *,
        name: str = "entries",
    ) -> Sequence[Any]:
        values = (*asked.values, *(after or ()))
        try:
            return await self._fetch(name, as_of, *values, what=what, where=asked.text, tail=tail)
        except (asyncpg.DataError, ValueError, TypeError) as error:
            if after is None:
                raise
            raise RuleViolation("cursor_invalid", "not a cursor of this list") from error

    async def _list(
        self,
        projection: Projection[R],
        name: str,
        order: str,
        skip: int,
        limit: int,
        as_of: int | None,
        *filters: object,
    ) -> Rows[R]:
        table = self._tables[projection.name]
        tail = f"ORDER BY {order} LIMIT {limit:d} OFFSET {skip:d}"
        records = await self._fetch(
            name, as_of, *filters, what=table.selected, table=table.name, tail=tail
        )
        if not skip and len(records) < limit:
            total = len(records)
        else:
            (counted,) = await self._fetch(
                name, as_of, *filters, what="count(*)", table=table.name, tail=""
            )
            total = counted[0]
        return [table.row(tuple(record)) for record in records], total

    async def _pages(
        self,
        projection: Projection[R],
        name: str,
        key: str,
        as_of: int | None,
        *filters: object,
        where: str = "",
    ) -> AsyncIterator[list[R]]:
        """All rows by falling key: what is written meanwhile moves no page."""
        table = self._tables[projection.name]
        place = len(filters) + 3
        tail = f"AND {key} < ${place}::bigint ORDER BY {key} DESC LIMIT {EXPORT_PAGE}"
        which = next(n for n, column in enumerate(table.columns) if column.name == key)
        below = BIGGEST
        while True:
            records = await self._fetch(
                name,
                as_of,
                *filters,
                below,
                what=table.selected,
                table=table.name,
                where=where,
                tail=tail,
            )
            yield [table.row(tuple(record)) for record in records]
            if len(records) < EXPORT_PAGE:
                return
            below = records[-1][which]

    async def _fetch(
        self,
        name: str,
        as_of: int | None,
        *arguments: object,
        what: str,
        tail: str,
        table: str = "",
        where: str = "",
    ) -> Sequence[Any]:
        held = held_at(self._sql, as_of)
        query = self._sql[name].format(what=what, table=table, held=held, where=where, tail=tail)
        return await self._query(query, self._log_id, as_of, *arguments)

    async def _query(self, query: str, *arguments: object) -> Sequence[Any]:
        try:
            return await self._pool.fetch(query, *arguments)
        except asyncpg.DataError:
            raise  # an argument that is not what it should be: the caller knows which
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise translated(error) from error

    def _begin_of(self, day: date | None) -> datetime | None:
        return None if day is None else self._midnight(day)

    def _end_of(self, day: date | None) -> datetime | None:
        if day is None or day == date.max:
            return None
        return self._midnight(day + timedelta(days=1))

    def _midnight(self, day: date) -> datetime:
        """When the day begins; for one of which UTC may know nothing, when records could begin."""
        return datetime.combine(day, time(), self._zone) if day > FIRST.date() else FIRST


# As the index of the few says it, else it is not used.
_ACTIONS = {
    "all": "",
    "sync": "starts_with(action, 'sync')",
    "access": "NOT starts_with(action, 'sync')",
}


def _audit_where(which: AuditFilter, between: Between) -> Where:
    entity_type, _, entity_id = (which.entity or "").partition(":")
    number = _number(entity_id, unknown=-1) if entity_id else None
    return where(
        (
            ("action = {}::text", _needle(which.action)),
            (_ACTIONS[which.action_type], None if which.action_type == "all" else NO_VALUE),
            (_holds(_joined('"user", action')), _needle(which.user)),
            ("ip_address = {}::text", _needle(which.ip_address)),
            ("valid_from > {}::bigint", between[0]),
            ("valid_from <= {}::bigint", between[1]),
            ("entity_type = {}::text", _needle(entity_type)),
            ("entity_id = {}::bigint", number),
            ("correlation_id = {}::text", _needle(which.correlation_id)),
            ("run_id = {}::bigint", which.run_id),
        )
    )


def _are_few(number: int, which: EntryFilter, order: _Sort) -> bool:
    """Whether so many entries are better found first and sorted then.

    Those of one state, or of some days, lie sorted by date in an index; the days in any other order
    would be looked for among all.
    """
    if order.by == "entry_date" and len(which.states or ()) < 2:  # noqa: PLR2004 # one or any
        return number <= HANDFUL
    return number <= FEW or bool(which.start_date or which.end_date)


def _states(states: Sequence[str] | None) -> str:
    """Written out: a plan for states that are not known cannot use the index of the few."""
    known = [state for state in time_entries.SYNC_STATUS if state in (states or ())]
    return "state IN ({})".format(", ".join(f"'{state}'" for state in known) or "NULL")


def entry_where(which: EntryFilter) -> Where:
    """The conditions of the filter, as the statements `entries` and `few_entries` take them."""
    return where(
        (
            (_states(which.states), NO_VALUE if which.states else None),
            (_holds("ticket_number"), _needle(which.ticket)),
            (_holds("concat_ws(chr(10), user_name, user_email)"), _needle(which.user)),
            (
                _holds("concat_ws(chr(10), organization_name, customer_name)"),
                _needle(which.customer),
            ),
            ("entry_date >= {}::date", which.start_date),
            ("entry_date <= {}::date", which.end_date),
            (_holds(_joined(SEARCHED)), _needle(which.q)),
            ("last_run_id = {}::bigint", which.run_id),
        )
    )


def _holds(text: str) -> str:
    """The condition that the text has what is looked for; whatever is asked is made small once."""
    return f"strpos(lower({text}), (SELECT lower({{}}::text))) > 0"


def _joined(columns: str) -> str:
    """Texts under each other, so that nothing is found across two of them."""
    return f"concat_ws(chr(10), {columns})"


def _needle(text: str | None) -> str | None:
    """A text to look for; nothing to look for is no filter."""
    return kept(text) if text else None


def _number(text: str | None, *, unknown: int | None = None) -> int | None:
    """The number that `text` is, `unknown` when it is none that could be an id."""
    if text and text.isascii() and text.isdigit() and int(text) <= BIGGEST:
        return int(text)
    return unknown

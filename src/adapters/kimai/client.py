"""Kimai's REST API as the port `Timesheets`. Source: `peers/kimai.md`; traps in its section 11."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx

from adapters.kimai import wire
from adapters.kimai.choices import KimaiChoices
from adapters.peer_flow import Flow
from adapters.peer_http import CONCURRENCY, Answer, Patience, Peer, PeerHttp
from adapters.peer_memory import OncePer
from adapters.peer_verdicts import Verdict
from adapters.peer_wire import WireModel, parsed, parsed_all
from domain.errors import Misconfigured, OutcomeUnknown, Rejected, Unavailable
from domain.ports.timesheets import (
    Circumstances,
    LastLook,
    Peek,
    TargetItem,
    Timesheet,
    TimesheetFields,
    TimesheetsIdentity,
    TokenCapabilities,
)
from domain.target_item.values import PATHS, Creation, ItemKind
from domain.target_names.events import NamedKind
from domain.time_entry.values import Desired

SYSTEM = "kimai"
PAGE = 500  # Kimai's cap; more is cut silently
MAX_PAGES = 200  # 100 000 records in one window: not a window any more
MOST_LISTED = 4_000  # pages, two million records: a listing that long never ends by itself
EVERYBODY = "all"  # without the permission silently the token's own records, which is all it sees
SHIFTED_READS = 3  # how often a listing is read again when records moved under it
WIDENED = timedelta(hours=3)  # no clock change moves a wall time further than that
_FIELDS = frozenset(field.name for field in fields(TimesheetFields))
_BARRED_IN_TAGS = frozenset('<>"=,')
_TAG_LENGTHS = range(2, 101)  # characters, after trimming
# by default; an administrator of Kimai can give roles other permissions
LOCKDOWN_OVERRIDES = frozenset({"ROLE_ADMIN", "ROLE_SUPER_ADMIN"})
LEADING = LOCKDOWN_OVERRIDES | {"ROLE_TEAMLEAD"}

_CUSTOMERS = {"visible": 3}
# Without ignoreDates ended and future projects are left out.
_PROJECTS = {"visible": 3, "ignoreDates": 1}

M = TypeVar("M", bound=WireModel)


class KimaiTimesheets:
    """One instance per run: identity, tags and master data are read once and kept.

    `with_version` also asks for Kimai's version, one request a sync run does not need.
    `booked_on` are the projects and activities of all records that it met.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        with_version: bool = False,
        patience: Patience | None = None,
        concurrency: int = CONCURRENCY,
        flow: Flow | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        peer = Peer(system=SYSTEM, scheme="Bearer ", owns=wire.owns, refusal=wire.refusal)
        self._http = PeerHttp(
            peer,
            base_url,
            token,
            patience=patience,
            concurrency=concurrency,
            flow=flow,
            transport=transport,
        )
        self.choices = KimaiChoices(self._http)
        self._with_version = with_version
        self._identity: OncePer[str, TimesheetsIdentity] = OncePer()
        self._tags: OncePer[str, None] = OncePer()
        self._config: OncePer[str, wire.TimesheetConfig] = OncePer()
        self._rows: OncePer[str, Sequence[Any]] = OncePer()
        self.booked_on: dict[NamedKind, set[int]] = {kind: set() for kind in NamedKind}

    def __repr__(self) -> str:
        return f"KimaiTimesheets({self._http!r})"

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
        await self._http.close()

    async def identity(self) -> TimesheetsIdentity:
        return await self._identity.get("me", self._fetch_identity)

    async def _fetch_identity(self) -> TimesheetsIdentity:
        me, config, version = await asyncio.gather(
            self._one("api/users/me", wire.Me, denied=Verdict.TOKEN_REFUSED),
            self._configuration(),
            self._version(),
        )
        return TimesheetsIdentity(
            user_id=me.id,
            username=me.username,
            timezone=me.timezone,
            roles=tuple(me.roles),
            version=version,
            tracking_mode=config.trackingMode,
        )

    async def capabilities(self) -> TokenCapabilities:
        """What this token may do, found out without writing. Source: `peers/kimai.md`, 3 and 4."""
        me, config = await self.identity(), await self._configuration()
        answer = await self._http.read("api/timesheets", {"user": EVERYBODY, "size": 1})
        roles, first = set(me.roles), next(iter(answer.data), None)
        return TokenCapabilities(
            roles=me.roles,
            tracking_mode=config.trackingMode,
            sends_times=config.trackingMode == "default" or bool(roles & LEADING),
            books_for_others=bool(roles & LEADING),
            sees_exported=None if first is None else "exported" in first,
            lists_people=bool(await self.users()),
            creates_projects=bool(roles & LOCKDOWN_OVERRIDES),
            past_locks=bool(roles & LOCKDOWN_OVERRIDES),
        )

    async def _configuration(self) -> wire.TimesheetConfig:
        async def fetch() -> wire.TimesheetConfig:
            return await self._one("api/config/timesheet", wire.TimesheetConfig)

        return await self._config.get("timesheet", fetch)

    async def _version(self) -> str | None:
        if not self._with_version:
            return None
        return (await self._one("api/version", wire.Version)).version

    async def _one(
        self, path: str, model: type[M], *, denied: Verdict = Verdict.MISCONFIGURED
    ) -> M:
        answer = await self._http.read(path, denied=denied)
        return parsed(SYSTEM, path, model, answer.data)

    async def ensure_tag(self, name: str) -> None:
        """Make sure the tag exists and is visible.

        Raises:
            Rejected: Kimai allows no tag of this name.
            Misconfigured: it exists hidden, or the token may not create tags.
        """
        await self._tags.get(name, lambda: self._make_tag(name))

    async def _make_tag(self, name: str) -> None:
        if await self._tag_is_visible(name):
            return
        try:
            # Without `visible` Kimai makes a tag that no list shows and no filter accepts.
            await self._http.write(
                "POST", "api/tags", {"name": name, "visible": True}, denied=Verdict.MISCONFIGURED
            )
        except (Rejected, OutcomeUnknown) as error:
            if await self._tag_is_visible(name):
                return  # another writer was faster, or only the answer was lost
            if isinstance(error, OutcomeUnknown):
                # Names are unique, so asking for the same tag again is harmless.
                raise Unavailable(SYSTEM, "POST api/tags: no usable answer") from None
            if _allowed_tag(name):
                raise Misconfigured(
                    SYSTEM, f"tag {name!r} exists but is hidden; make it visible in Kimai"
                ) from None
            raise

    async def _tag_is_visible(self, name: str) -> bool:
        path = "api/tags/find"
        answer = await self._http.read(path, {"name": name}, denied=Verdict.MISCONFIGURED)
        found = parsed_all(SYSTEM, path, wire.Tag, answer.data)
        return any(tag.visible and tag.name.casefold() == name.casefold() for tag in found)

    async def create(
        self, fields: TimesheetFields, *, last_look: LastLook | None = None
    ) -> Timesheet:
        body = {name: value for name, value in vars(fields).items() if value is not None}
        answer = await self._http.write("POST", "api/timesheets", body, last_look=last_look)
        if answer is None:
            raise Misconfigured(SYSTEM, "POST api/timesheets: 404; check address and version")
        return self._stored("POST api/timesheets", answer)

    async def update(
        self,
        timesheet_id: int,
        fields: Mapping[str, object],
        *,
        last_look: LastLook | None = None,
    ) -> Timesheet:
        """One PATCH.

        `billable` is lost when project, activity or user change in the same request: send it in
        a second one (`peers/kimai.md`, 2.6).
        """
        if unknown := sorted(fields.keys() - _FIELDS):
            raise ValueError(f"not fields of a timesheet: {', '.join(unknown)}")
        if nothing := sorted(name for name, value in fields.items() if value is None):
            # null means "run again" for end, true for flags, and is a 500 for begin.
            raise ValueError(f"leave these out instead of sending None: {', '.join(nothing)}")
        path = f"api/timesheets/{timesheet_id}"
        answer = await self._http.write("PATCH", path, fields, last_look=last_look)
        if answer is None:
            raise Rejected(SYSTEM, f"PATCH {path}: 404, it is gone", status=404)
        return self._stored(f"PATCH {path}", answer)

    async def delete(self, timesheet_id: int, *, last_look: LastLook | None = None) -> bool:
        path = f"api/timesheets/{timesheet_id}"
        return await self._http.write("DELETE", path, last_look=last_look) is not None

    async def get(self, timesheet_id: int) -> Timesheet | None:
        path = f"api/timesheets/{timesheet_id}"
        answer = await self._http.find(path)
        return None if answer is None else self._sheet(path, answer)

    def _stored(self, call: str, answer: Answer) -> Timesheet:
        """What Kimai says it stored. An answer we cannot read leaves the outcome open."""
        try:
            return self._sheet(call, answer)
        except Misconfigured as error:
            raise OutcomeUnknown(SYSTEM, f"{call}: sent, but {error}") from None

    def _sheet(self, call: str, answer: Answer) -> Timesheet:
        return self._met(parsed(SYSTEM, call, wire.Record, answer.data))

    def _sheets(self, call: str, answer: Answer) -> list[Timesheet]:
        return [self._met(row) for row in parsed_all(SYSTEM, call, wire.Record, answer.data)]

    def _met(self, row: wire.Record) -> Timesheet:
        self.booked_on[NamedKind.PROJECT].add(row.project)
        self.booked_on[NamedKind.ACTIVITY].add(row.activity)
        return row.timesheet()

    async def find_marked(
        self, marker: str, *, begin: datetime, end: datetime, user_id: int | None
    ) -> Sequence[Timesheet]:
        """List the window and compare on our side; `term` is no key lookup.

        Raises:
            Rejected: Kimai ignored the user filter (`peers/kimai.md`, trap 10), so that finding
                nothing would prove nothing. It is 200 on the wire and 403 in its meaning.
        """
        me = await self.identity()
        owner = me.user_id if user_id is None else user_id
        zone = _zone(me.timezone)
        params: dict[str, str | int] = {
            "user": owner,
            "begin": _wall(begin - WIDENED, zone),
            "end": _wall(end + WIDENED, zone),
        }
        found = await self._listed(params)
        # A token without roles sees its own records only, and is told so of none that it asks for.
        blind = not found and owner != me.user_id and not me.roles
        if blind or any(sheet.user_id != owner for sheet in found):
            raise Rejected(
                SYSTEM,
                f"the list ignores the filter for user {owner}: unknown user, or the token "
                "lacks view_other_timesheet",
                status=httpx.codes.FORBIDDEN,
            )
        return [s for s in found if begin <= s.begin <= end and _marked(s.description, marker)]

    async def modified_since(self, instant: datetime) -> AsyncGenerator[Sequence[Timesheet], None]:
        """See the port. This one filter reads UTC, all others the caller's zone (trap 6)."""
        after = _wall(instant, ZoneInfo("UTC"))
        params = {"user": EVERYBODY, "modified_after": after}
        async for page, _ in self._each_page(params, MOST_LISTED):
            yield page

    async def listing(
        self, begin: datetime, end: datetime
    ) -> AsyncGenerator[Sequence[Timesheet], None]:
        """See the port; the window is in the zone of the token's owner.

        A record deleted meanwhile moves another one out of sight: when Kimai's own count fell,
        all is listed once more.
        """
        params = await self._window(begin, end)
        for _ in range(SHIFTED_READS):
            rows, counts = 0, list[int]()
            async for page, answer in self._each_page(params, MOST_LISTED):
                rows += len(page)
                counts.append(_counted(answer, "x-total-count"))
                yield [sheet for sheet in page if begin <= sheet.begin <= end]
            if not counts or (rows >= counts[-1] and counts == sorted(counts)):
                return
        raise Unavailable(SYSTEM, "GET api/timesheets: records disappear while they are listed")

    async def peek(self, begin: datetime, end: datetime) -> Peek:
        """See the port: the first page alone."""
        path, params = "api/timesheets", await self._window(begin, end)
        answer = await self._http.read(
            path, {**params, "orderBy": "id", "order": "ASC", "size": PAGE, "page": 1}
        )
        return Peek(
            sheets=self._sheets(path, answer),
            complete=_counted(answer, "x-total-pages") <= 1,
        )

    async def _window(self, begin: datetime, end: datetime) -> dict[str, str | int]:
        """Everybody's records that begin in it, and some around it: wall times may be ambiguous."""
        zone = _zone((await self.identity()).timezone)
        first, last = _wall(begin - WIDENED, zone), _wall(end + WIDENED, zone)
        return {"user": EVERYBODY, "begin": first, "end": last}

    async def _each_page(
        self, params: Mapping[str, str | int], most: int
    ) -> AsyncGenerator[tuple[Sequence[Timesheet], Answer], None]:
        """Records by id, at most `most` pages of them, each with the answer it came in."""
        path = "api/timesheets"
        for page in range(1, most + 1):
            answer = await self._http.find(
                path, {**params, "orderBy": "id", "order": "ASC", "size": PAGE, "page": page}
            )
            if answer is None:  # a page beyond the last is 404: it went away while we read
                return
            yield self._sheets(path, answer), answer
            if page >= _counted(answer, "x-total-pages"):
                return
        raise Unavailable(SYSTEM, f"GET {path}: more than {most} pages in one window")

    async def _listed(self, params: Mapping[str, str | int]) -> Sequence[Timesheet]:
        """All records of a filter, each once.

        Offset pages shift while others write, so a listing whose rows do not add up to
        Kimai's own count is read again.
        """
        for _ in range(SHIFTED_READS):
            sheets, total = await self._pages(params)
            if len(sheets) >= total:
                return sheets
        raise Unavailable(SYSTEM, "GET api/timesheets: records move while they are listed")

    async def _pages(self, params: Mapping[str, str | int]) -> tuple[Sequence[Timesheet], int]:
        """One pass over the pages, and how many records Kimai counted at its end."""
        sheets, total = dict[int, Timesheet](), 0
        async for page, answer in self._each_page(params, MAX_PAGES):
            sheets.update((sheet.timesheet_id, sheet) for sheet in page)
            total = _counted(answer, "x-total-count")
        return list(sheets.values()), total

    async def circumstances(self, desired: Desired, timesheet_id: int | None) -> Circumstances:
        """See the port.

        From the lists: plain users may not read single projects. Source: `peers/kimai.md`, 3.
        """
        me, config = await self.identity(), await self._configuration()
        projects = {row.id: row for row in await self._projects()}
        customers = {row.id: row for row in await self._customers()}
        activities = {row.id: row for row in await self._activities()}
        users = {user.item_id: user.active for user in await self.users()}
        project = projects.get(desired.project_id)
        customer = None if project is None else customers.get(project.customer)
        return Circumstances(
            own=desired.user_id == me.user_id,
            user_enabled=users.get(desired.user_id),
            project=wire.project_part(project, customer),
            activity=wire.activity_part(activities.get(desired.activity_id)),
            customer_budget=None if customer is None else customer.budgeted,
            overlaps_allowed=config.isAllowOverlapping,
            future_allowed=config.isAllowFutureTimes,
            overlapping=()
            if config.isAllowOverlapping
            else await self._overlapping(desired, timesheet_id),
            past_lockdown=not LOCKDOWN_OVERRIDES.isdisjoint(me.roles),
        )

    async def _overlapping(self, desired: Desired, but: int | None) -> Sequence[int]:
        zone, user_id = _zone((await self.identity()).timezone), desired.user_id
        first, last = _wall(desired.begin - WIDENED, zone), _wall(desired.end + WIDENED, zone)
        try:
            found = await self._listed({"user": user_id, "begin": first, "end": last})
        except Rejected:  # the token may not list this user's records
            return ()
        return sorted(
            sheet.timesheet_id
            for sheet in found
            if sheet.user_id == user_id
            and sheet.timesheet_id != but
            and sheet.begin < desired.end
            and (sheet.end is None or sheet.end > desired.begin)
        )

    async def projects(self) -> Sequence[TargetItem]:
        return [row.item() for row in await self._projects()]

    async def _projects(self) -> Sequence[wire.Project]:
        return await self._all("projects", wire.Project, _PROJECTS)

    async def customers(self) -> Sequence[TargetItem]:
        return [row.item() for row in await self._customers()]

    async def _customers(self) -> Sequence[wire.Customer]:
        return await self._all("customers", wire.Customer, _CUSTOMERS)

    async def listed_now(self, kind: ItemKind) -> Sequence[TargetItem]:
        """See the port. Not by `term`, which is a search and no look-up (trap 23).

        Nor by joining a request that was under way already: its answer may be from before.
        """
        noun = f"{kind}s"
        if kind is ItemKind.CUSTOMER:
            customers = await self._fetch(noun, wire.Customer, _CUSTOMERS)
            self._rows.put(noun, customers)
            return [row.item() for row in customers]
        projects = await self._fetch(noun, wire.Project, _PROJECTS)
        self._rows.put(noun, projects)
        return [row.item() for row in projects]

    async def make(self, creation: Creation, *, last_look: LastLook | None = None) -> TargetItem:
        """See the port."""
        path = creation.path.removeprefix("/")
        answer = await self._http.write("POST", path, creation.body, last_look=last_look)
        if answer is None:
            raise Misconfigured(SYSTEM, f"POST {path}: 404; check address and version")
        self._rows.forget(path.removeprefix("api/"))  # what was read of them is not all any more
        model: type[wire.Customer | wire.Project] = wire.Project
        if creation.path == PATHS[ItemKind.CUSTOMER]:
            model = wire.Customer
        try:
            return parsed(SYSTEM, f"POST {path}", model, answer.data).item()
        except Misconfigured as error:
            raise OutcomeUnknown(SYSTEM, f"POST {path}: sent, but {error}") from None

    async def activities(self) -> Sequence[TargetItem]:
        return [row.item() for row in await self._activities()]

    async def _activities(self) -> Sequence[wire.Activity]:
        return await self._all("activities", wire.Activity, {"visible": 3})

    async def users(self) -> Sequence[TargetItem]:
        try:
            rows = await self._all("users", wire.User, {"visible": 3}, denied=Verdict.REJECTED)
        except Rejected as error:
            if error.status != httpx.codes.FORBIDDEN:
                raise
            self._rows.put("users", ())
            return ()
        return [row.item() for row in rows]

    async def _all(
        self,
        noun: str,
        model: type[M],
        params: Mapping[str, int],
        *,
        denied: Verdict = Verdict.MISCONFIGURED,
    ) -> Sequence[M]:
        """A list that Kimai answers whole, without pages."""
        return await self._rows.get(noun, lambda: self._fetch(noun, model, params, denied=denied))

    async def _fetch(
        self,
        noun: str,
        model: type[M],
        params: Mapping[str, int],
        *,
        denied: Verdict = Verdict.MISCONFIGURED,
    ) -> Sequence[M]:
        path = f"api/{noun}"
        answer = await self._http.read(path, params, denied=denied)
        return tuple(parsed_all(SYSTEM, path, model, answer.data))


def _counted(answer: Answer, header: str) -> int:
    value = answer.headers.get(header, "")
    if not (value.isascii() and value.isdigit()):
        raise Misconfigured(SYSTEM, f"GET api/timesheets: no header {header}; check the version")
    return int(value)


def _allowed_tag(name: str) -> bool:
    """Whether Kimai would accept the name. Source: `peers/kimai.md`, 2.5."""
    return len(name.strip()) in _TAG_LENGTHS and not _BARRED_IN_TAGS.intersection(name)


def _marked(description: str, marker: str) -> bool:
    """Whether the last line ends with the marker; Kimai trims, and keeps line breaks."""
    lines = description.strip().splitlines()
    return bool(lines) and lines[-1].endswith(marker)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise Misconfigured(SYSTEM, "the token owner's time zone is not an IANA name") from None


def _wall(instant: datetime, zone: ZoneInfo) -> str:
    """The only form that Kimai's list filters accept: wall time of the caller, no offset."""
    return instant.astimezone(zone).replace(tzinfo=None).isoformat(timespec="seconds")

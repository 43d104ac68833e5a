"""Where time goes to (Kimai), in our words."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from domain.target_item.values import Creation, ItemKind
from domain.time_entry.values import Desired


@dataclass(frozen=True, kw_only=True)
class Timesheet:
    """A record as Kimai holds it. Instants are UTC; `duration` need not equal end minus begin.

    `offset` is the UTC offset that the answer carried at begin: the record's own zone, in which
    a PATCH is read. `end` is None while it runs. Source: `peers/kimai.md`, 2.2 and 5.
    """

    timesheet_id: int
    user_id: int
    project_id: int
    activity_id: int
    begin: datetime
    end: datetime | None
    duration: timedelta
    offset: timedelta
    description: str
    tags: frozenset[str]
    exported: bool
    billable: bool | None


@dataclass(frozen=True, kw_only=True)
class TimesheetFields:
    """The body of a create or update, as it is sent.

    `begin` and `end` are `YYYY-MM-DDTHH:MM:SS` wall times, with an explicit offset where the
    wall time alone would be ambiguous. `user` is None when the token books for itself.
    """

    begin: str
    end: str
    project: int
    activity: int
    description: str
    tags: str
    user: int | None = None
    billable: bool | None = None


@dataclass(frozen=True, kw_only=True)
class TimesheetsIdentity:
    """Who the token is: POSTed times are read in `timezone`. Source: `peers/kimai.md`, 1.3."""

    user_id: int
    username: str
    timezone: str
    roles: Sequence[str]
    version: str | None
    tracking_mode: str


@dataclass(frozen=True, kw_only=True)
class TokenCapabilities:
    """What a token may do, as far as its roles and reading tell; roles may have other rights.

    `sends_times`: begin and end may be sent in this tracking mode. `sees_exported` is None while
    there is no record to tell by. `past_locks`: neither export nor a locked period stops it.
    """

    roles: Sequence[str]
    tracking_mode: str
    sends_times: bool
    books_for_others: bool
    sees_exported: bool | None
    lists_people: bool
    creates_projects: bool
    past_locks: bool


@dataclass(frozen=True, kw_only=True)
class TargetItem:
    """A customer, project, activity or user to choose from.

    `parent_id` is the customer of a project, or the project of an activity (None: global).
    `number` is Kimai's own key for people, unique unless its settings allow duplicates.
    """

    item_id: int
    name: str
    active: bool
    parent_id: int | None = None
    email: str | None = None
    number: str | None = None


@dataclass(frozen=True, kw_only=True)
class Part:
    """What a timesheet is booked on: a project with its customer, or an activity.

    `begins` and `ends` are a project's own dates, inclusive. `parent_id` is an activity's project;
    `global_activities` is whether a project takes activities without one. `budget` is whether any
    is set; None when the token is not told.
    """

    visible: bool
    begins: date | None = None
    ends: date | None = None
    parent_id: int | None = None
    global_activities: bool = True
    budget: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What Kimai says of everything a timesheet rests on, to find out why it refused one.

    A part is None when the token is not shown it, a budget when it is not told. `user_enabled` is
    None when the token may not list users. `overlapping` are other timesheets of the user at that
    time. `past_lockdown`: tokens with such a role are not held up by a locked period.
    """

    own: bool
    user_enabled: bool | None
    project: Part | None
    activity: Part | None
    customer_budget: bool | None
    overlaps_allowed: bool
    future_allowed: bool
    overlapping: Sequence[int]
    past_lockdown: bool


@dataclass(frozen=True, kw_only=True)
class Peek:
    """The first records of a window, and whether that is all of them."""

    sheets: Sequence[Timesheet]
    complete: bool


LastLook = Callable[[], None]  # raises when a write may not be sent any more, its turn come at last


class Timesheets(Protocol):
    """Kimai. Reads may raise Unavailable, Misconfigured or Rejected.

    Writes may wait for their turn; `last_look` is called right before one is sent, and what it
    raises is raised instead. They raise Rejected when Kimai refused (nothing stored), Unavailable
    when the request provably never reached it, and OutcomeUnknown in every other case.
    """

    async def identity(self) -> TimesheetsIdentity:
        """Who is writing, and in which zone its times are read."""
        ...

    async def ensure_tag(self, name: str) -> None:
        """Make sure the tag exists and is visible; unknown tags are dropped in silence."""
        ...

    async def create(
        self, fields: TimesheetFields, *, last_look: LastLook | None = None
    ) -> Timesheet:
        """One POST, never repeated in here."""
        ...

    async def update(
        self,
        timesheet_id: int,
        fields: Mapping[str, object],
        *,
        last_look: LastLook | None = None,
    ) -> Timesheet:
        """One PATCH of the named fields (names of `TimesheetFields`).

        Safe for the caller to repeat. A record that is gone is Rejected with status 404, a
        locked or exported one with 403.
        """
        ...

    async def delete(self, timesheet_id: int, *, last_look: LastLook | None = None) -> bool:
        """One DELETE; False when it was gone already (404)."""
        ...

    async def get(self, timesheet_id: int) -> Timesheet | None:
        """One record; None only for a 404."""
        ...

    async def find_marked(
        self, marker: str, *, begin: datetime, end: datetime, user_id: int | None
    ) -> Sequence[Timesheet]:
        """Records beginning in the window whose description's last line ends with `marker`.

        `user_id` None means the token's own records. Both ends are inclusive. Complete or an
        error; more than one record is possible (Kimai's "duplicate" copies the description).
        Rejected when this token cannot list that user's records.
        """
        ...

    def modified_since(self, instant: datetime) -> AsyncGenerator[Sequence[Timesheet], None]:
        """Records modified at `instant` or later, of everybody the token may see, in pages by id.

        At a resolution of one second; `instant` is aware. Blind to deletions and to everything
        that Kimai changes in bulk, export above all. Source: `peers/kimai.md`, 2.1 and 7.
        """
        ...

    def listing(self, begin: datetime, end: datetime) -> AsyncGenerator[Sequence[Timesheet], None]:
        """All records beginning in the window, both ends inclusive, in pages by id.

        Of everybody the token may see. A record not in it is not proved gone: it may be hidden,
        moved, or have changed its page while the pages were read.
        """
        ...

    async def peek(self, begin: datetime, end: datetime) -> Peek:
        """Of the records that `listing` gives, as many as one request shows.

        What it shows is as it is at that instant; what it does not show may exist all the same.
        """
        ...

    async def circumstances(self, desired: Desired, timesheet_id: int | None) -> Circumstances:
        """What `desired`, which was refused, rests on; `timesheet_id` does not overlap itself."""
        ...

    async def projects(self) -> Sequence[TargetItem]:
        """All projects, also ended and hidden ones."""
        ...

    async def customers(self) -> Sequence[TargetItem]:
        """All customers."""
        ...

    async def listed_now(self, kind: ItemKind) -> Sequence[TargetItem]:
        """All customers or projects as they are now, whatever was read before."""
        ...

    async def make(self, creation: Creation, *, last_look: LastLook | None = None) -> TargetItem:
        """One POST of a customer or project, never repeated in here."""
        ...

    async def activities(self) -> Sequence[TargetItem]:
        """All activities, global and of projects."""
        ...

    async def users(self) -> Sequence[TargetItem]:
        """All users; empty when the token may not list them (super admin only)."""
        ...

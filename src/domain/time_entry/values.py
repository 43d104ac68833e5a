"""What bookings, decisions and timesheets are made of."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from domain.ids import ConnectorId, EntryId
from domain.personal import Personal
from domain.span import Span


@dataclass(frozen=True, kw_only=True)
class Booking:
    """One row of Zammad's time accounting, as observed.

    `time_unit` is Zammad's number in Zammad's unit; zero and negative are legitimate.
    Source: `peers/zammad.md`, 2.2.
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
class Reduction:
    """Seconds that a negative booking takes from another. `entry_id` names the other side."""

    entry_id: EntryId
    seconds: int


@dataclass(frozen=True, kw_only=True)
class Survivor:
    """The ticket that took in a merged one.

    `ticket_id` is None when Zammad does not say which, the others also when it is not readable.
    """

    ticket_id: int | None
    group_id: int | None
    customer_id: int | None
    organization_id: int | None


@dataclass(frozen=True, kw_only=True)
class Context:
    """What ticket, customer and person were called when the booking was observed.

    Kept per entry, because a ticket that changes hands re-attributes its past
    (`peers/zammad.md`, trap 14). `text` is the article's text, None without article, cut to a
    bounded size. `survivor` is set when the ticket was merged into another: the time stays on
    the merged ticket (trap 9).
    """

    ticket_number: str
    ticket_title: str
    group_id: int
    group_name: str | None
    customer_id: int
    customer_name: Personal
    organization_id: int | None
    organization_name: str | None
    type_name: str | None
    agent_name: Personal
    agent_email: Personal
    text: Personal | None
    survivor: Survivor | None = None

    @property
    def owner(self) -> tuple[object, ...]:
        """What the choice of customer and project depends on: the ticket moved when it differs."""
        return self.customer_id, self.organization_id, self.group_id, self.survivor


class Outcome(StrEnum):
    """What a decision asks for."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    LEAVE = "leave"  # Kimai already holds it, or nothing is to be held (zero)
    HOLD = "hold"  # a person must act first; `reason` says why


class Operation(StrEnum):
    """What a request to Kimai does."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class ReasonCode(StrEnum):
    """Why an entry waits for a person. Closed list: `contract.md`, section 8."""

    UNMAPPED_ACTIVITY = "UNMAPPED_ACTIVITY"
    USER_UNMAPPED = "USER_UNMAPPED"
    UNIT_UNKNOWN = "UNIT_UNKNOWN"
    NEGATIVE_TIME = "NEGATIVE_TIME"
    PROJECT_OR_CUSTOMER_MISSING = "PROJECT_OR_CUSTOMER_MISSING"
    TICKET_UNREADABLE = "TICKET_UNREADABLE"
    CREATION_ERROR = "CREATION_ERROR"
    TARGET_DELETED = "TARGET_DELETED"
    TARGET_EDITED = "TARGET_EDITED"
    SOURCE_DELETED = "SOURCE_DELETED"
    SOURCE_CHANGED_AFTER_EXPORT = "SOURCE_CHANGED_AFTER_EXPORT"
    TIME_MISMATCH = "TIME_MISMATCH"
    DUPLICATE = "DUPLICATE"
    TICKET_MERGED = "TICKET_MERGED"
    LOCKED_OR_EXPORTED = "LOCKED_OR_EXPORTED"
    PERIOD_LOCKED = "PERIOD_LOCKED"
    OVERLAP_FORBIDDEN = "OVERLAP_FORBIDDEN"
    BUDGET_EXCEEDED = "BUDGET_EXCEEDED"
    WRITE_UNCERTAIN = "WRITE_UNCERTAIN"
    PEER_REJECTED = "PEER_REJECTED"
    CONFLICT = "CONFLICT"
    OTHER = "OTHER"


@dataclass(frozen=True, kw_only=True)
class Desired:
    """The timesheet that a booking should have. `begin` and `end` are UTC, rounded as set.

    `begin` is a whole minute and `end` has whole seconds, so that Kimai's default rounding
    (begin down, end up, to the minute) keeps every duration of whole minutes. `zone` is where
    the work day lies (IANA name).
    """

    begin: datetime
    end: datetime
    zone: str
    user_id: int
    project_id: int
    activity_id: int
    description: Personal
    tag: str
    billable: bool | None


@dataclass(frozen=True, kw_only=True)
class Stored:
    """Begin, end and duration of a timesheet; rounding can make them disagree.

    Source: `peers/kimai.md`, trap 20.
    """

    begin: datetime
    end: datetime
    duration: timedelta


@dataclass(frozen=True, kw_only=True)
class Basis:
    """What a decision rested on, so that it can be explained later.

    `unit_minutes` are the minutes of one Zammad unit that were assumed; the mappings are
    `<kind>:<id>@<version>` (`mapping:4@2`, `user-mapping:email`, `project-mapping:7@1`),
    `setting:<key>`, or `number:<that of a Kimai project>`.
    `work_date` is the calendar day of the work in `zone`; without a known
    duration that of the booking. `configuration` is the digest of all settings and mappings
    then in force: a held entry is decided again only when it has changed, so a text that is no
    digest means with every run. `worked` is when the work was done where rounding made begin and
    end of that, and `foreseen` what Kimai will store; both are None where that is the work as it
    is.
    """

    unit_minutes: Decimal | None = None
    unit_source: str | None = None
    anchor: str | None = None
    zone: str | None = None
    work_date: date | None = None
    configuration: str | None = None
    activity: str | None = None
    user: str | None = None
    project: str | None = None
    worked: Span | None = None
    foreseen: Stored | None = None


@dataclass(frozen=True, kw_only=True)
class Written:
    """A timesheet as Kimai stored it after our write: the base of every later comparison."""

    timesheet_id: int
    user_id: int
    project_id: int
    activity_id: int
    begin: datetime
    end: datetime | None
    duration: timedelta
    description: Personal
    tags: tuple[str, ...]
    exported: bool
    billable: bool | None


@dataclass(frozen=True, kw_only=True)
class Alike:
    """A timesheet that looks like a booking and is not linked to it, when a person was asked.

    Without its text, which somebody wrote of whom we know nothing.
    """

    target_connector_id: ConnectorId
    timesheet_id: int
    user_id: int
    project_id: int
    activity_id: int
    begin: datetime
    end: datetime | None
    duration: timedelta
    exported: bool
    billable: bool | None


@dataclass(frozen=True, kw_only=True)
class Request:
    """The exact request to Kimai; `fields` is its JSON body without the description."""

    method: str
    path: str
    fields: dict[str, str | int | bool | None]
    description: Personal | None

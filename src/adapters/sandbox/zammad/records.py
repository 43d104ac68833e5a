"""What a Zammad stores: one frozen struct per table, fields named as its columns.

Instants are ISO-8601 texts in UTC with milliseconds, so their text order is their time order and
the answer's bytes are the stored ones. Amounts are the texts Rails prints for `decimal(6,2)`.
Source: peers/zammad.md §2.2, §4.4, §5.3.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec

SYSTEM_USER = 1  # login "-": the system itself, and "no owner"


def stamp(at: datetime) -> str:
    """An instant as Zammad writes it: `2026-07-01T08:30:36.138Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def instant(text: str) -> datetime:
    """The instant a stored text names, aware UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What every table shares."""

    id: int


class Stamped(Record, frozen=True, kw_only=True):
    """A record with its four trailing columns."""

    created_by_id: int = SYSTEM_USER
    updated_by_id: int = SYSTEM_USER
    created_at: str
    updated_at: str


class Role(Stamped, frozen=True, kw_only=True):
    """A named set of permissions; may also grant group access."""

    name: str
    permissions: list[str] = []
    group_ids: dict[str, list[str]] = {}
    active: bool = True
    note: str | None = None


class User(Stamped, frozen=True, kw_only=True):
    """An agent, customer or administrator; which one is decided by the roles alone."""

    login: str
    email: str = ""
    firstname: str = ""
    lastname: str = ""
    organization_id: int | None = None
    organization_ids: list[int] = []  # secondary organizations
    role_ids: list[int] = []
    group_ids: dict[str, list[str]] = {}  # group id → read, create, change, overview, full
    active: bool = True
    vip: bool = False
    note: str = ""
    preferences: dict[str, Any] = {}
    password: str | None = None  # plain: this is a sandbox; never in an answer
    two_factor: bool = False
    custom: dict[str, Any] = {}  # object attributes of this installation

    @property
    def fullname(self) -> str:
        """First and last name, else the e-mail address, else the login."""
        return f"{self.firstname} {self.lastname}".strip() or self.email or self.login


class Token(Record, frozen=True, kw_only=True):
    """An access token (`api`) or a Doorkeeper token (`oauth`)."""

    user_id: int
    secret: str
    kind: str = "api"
    permissions: list[str] = []  # chosen subset; an OAuth token has none and needs none
    expires_at: str | None = None  # a date for `api`, an instant for `oauth`


class Group(Stamped, frozen=True, kw_only=True):
    """Tickets belong to exactly one group."""

    name: str
    active: bool = True
    note: str | None = None
    follow_up_possible: str = "yes"


class Organization(Stamped, frozen=True, kw_only=True):
    """A customer's company."""

    name: str
    active: bool = True
    shared: bool = True
    domain: str = ""
    domain_assignment: bool = False
    vip: bool = False
    note: str = ""
    custom: dict[str, Any] = {}


class ActivityType(Stamped, frozen=True, kw_only=True):
    """A `Ticket::TimeAccounting::Type`."""

    name: str
    note: str | None = None
    active: bool = True


class Ticket(Stamped, frozen=True, kw_only=True):
    """The columns of a ticket that this sandbox fills; the others are always null."""

    number: str
    title: str
    group_id: int
    customer_id: int
    organization_id: int | None = None
    owner_id: int = SYSTEM_USER
    state_id: int = 1
    priority_id: int = 2
    note: str | None = None
    time_unit: str | None = None  # null until an entry ever changed it
    article_count: int | None = None
    create_article_type_id: int | None = None
    create_article_sender_id: int | None = None
    close_at: str | None = None
    pending_time: str | None = None
    last_close_at: str | None = None
    last_contact_at: str | None = None
    last_contact_agent_at: str | None = None
    last_contact_customer_at: str | None = None
    last_owner_update_at: str | None = None
    type: str | None = None
    preferences: dict[str, Any] = {}
    custom: dict[str, Any] = {}


class Article(Stamped, frozen=True, kw_only=True):
    """A message or note on a ticket."""

    ticket_id: int
    type_id: int = 10
    sender_id: int = 1
    body: str = ""
    subject: str | None = None
    from_: str | None = msgspec.field(default=None, name="from")
    to: str | None = None
    cc: str | None = None
    content_type: str = "text/plain"
    internal: bool = False
    message_id: str | None = None
    preferences: dict[str, Any] = {}
    attachments: list[dict[str, Any]] = []


class TimeAccounting(msgspec.Struct, frozen=True, kw_only=True):
    """One booking. Its encoding is the plain answer of the API, key order included."""

    id: int
    ticket_id: int
    ticket_article_id: int | None = None
    time_unit: str
    type_id: int | None = None
    created_by_id: int
    created_at: str
    updated_at: str


class Webhook(Stamped, frozen=True, kw_only=True):
    """Where and how a trigger sends its payload."""

    name: str
    endpoint: str
    signature_token: str | None = None
    ssl_verify: bool = True
    http_method: str = "post"
    basic_auth_username: str | None = None
    basic_auth_password: str | None = None
    bearer_token: str | None = None
    note: str | None = None
    active: bool = True


class Trigger(Stamped, frozen=True, kw_only=True):
    """A condition on ticket events and what to do then."""

    name: str
    condition: dict[str, Any] = {}
    perform: dict[str, Any] = {}
    activator: str = "action"
    execution_condition_mode: str = "selective"
    disable_notification: bool = True
    note: str | None = None
    active: bool = True


class Setting(Record, frozen=True, kw_only=True):
    """One setting: what it is now and what it was at first."""

    name: str
    current: Any
    initial: Any
    permissions: list[str] = []
    updated_at: str


class WebhookJob(Record, frozen=True, kw_only=True):
    """A queued delivery. The payload is not here: it is built when the job runs."""

    delivery: str  # the job's UUID, the same on every attempt
    trigger_id: int
    ticket_id: int
    article_id: int | None = None
    attempts: int = 0


class Link(Record, frozen=True, kw_only=True):
    """Two tickets that belong together; a merge makes the one that stays the parent."""

    parent_id: int
    child_id: int


class Named(msgspec.Struct, frozen=True):
    """A row of a fixed catalogue."""

    id: int
    name: str
    kind: str = ""


STATES = {
    row.id: row
    for row in (
        Named(1, "new", "new"),
        Named(2, "open", "open"),
        Named(3, "pending reminder", "pending reminder"),
        Named(4, "closed", "closed"),
        Named(5, "merged", "merged"),
        Named(6, "pending close", "pending action"),
    )
}
PRIORITIES = {row.id: row for row in (Named(1, "1 low"), Named(2, "2 normal"), Named(3, "3 high"))}
SENDERS = {row.id: row for row in (Named(1, "Agent"), Named(2, "Customer"), Named(3, "System"))}
ARTICLE_TYPES = {  # kind: "communication" articles cannot be deleted once sent
    row.id: row
    for row in (
        Named(1, "email", "communication"),
        Named(2, "sms", "communication"),
        Named(3, "chat", "communication"),
        Named(4, "fax", "communication"),
        Named(5, "phone", "communication"),
        Named(10, "note"),
        Named(11, "web", "communication"),
    )
}
CLOSED, MERGED = 4, 5

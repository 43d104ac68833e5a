"""What the Kimai sandbox stores. Instants are whole seconds since 1970-01-01 UTC."""

from dataclasses import dataclass, field

BILLABLE_AUTO = "auto"


@dataclass(slots=True, kw_only=True)
class AccessToken:
    """A Bearer token of a person; `expires` None: never."""

    token: str
    user: int
    expires: int | None = None


@dataclass(slots=True, kw_only=True)
class User:
    """A person who logs in and owns timesheets."""

    id: int
    username: str
    email: str
    roles: list[str] = field(default_factory=list)  # ROLE_USER is never listed
    timezone: str = "Europe/Berlin"
    language: str = "en"
    locale: str = "en"
    enabled: bool = True
    system_account: bool = False
    alias: str | None = None
    title: str | None = None
    account_number: str | None = None
    color: str | None = None
    supervisor: int | None = None
    api_password: str | None = None  # for the deprecated X-AUTH headers
    hourly_rate: float = 0.0
    internal_rate: float | None = None
    preferences: dict[str, str | None] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Member:
    """A person's place in a team."""

    user: int
    teamlead: bool = False


@dataclass(slots=True, kw_only=True)
class Team:
    """People with a lead; what a team is attached to is visible to its members only."""

    id: int
    name: str
    color: str | None = None
    members: list[Member] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Customer:
    """Who is billed."""

    id: int
    name: str
    number: str | None = None
    comment: str | None = None
    visible: bool = True
    billable: bool = True
    company: str | None = None
    vat_id: str | None = None
    contact: str | None = None
    address: str | None = None
    address_line1: str | None = None
    address_line2: str | None = None
    address_line3: str | None = None
    post_code: str | None = None
    city: str | None = None
    country: str = "DE"
    language: str | None = "en"
    currency: str = "EUR"
    phone: str | None = None
    fax: str | None = None
    mobile: str | None = None
    email: str | None = None
    homepage: str | None = None
    timezone: str = "Europe/Berlin"
    invoice_text: str | None = None
    invoice_email: str | None = None
    buyer_reference: str | None = None
    color: str | None = None
    budget: float = 0.0
    time_budget: int = 0  # seconds
    budget_type: str | None = None
    teams: list[int] = field(default_factory=list)
    meta: dict[str, str | None] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Project:
    """Work for a customer; start and end are days (`YYYY-MM-DD`) in the customer's zone."""

    id: int
    name: str
    customer: int
    number: str | None = None
    comment: str | None = None
    visible: bool = True
    billable: bool = True
    global_activities: bool = True
    order_number: str | None = None
    order_date: str | None = None
    start: str | None = None
    end: str | None = None
    invoice_text: str | None = None
    color: str | None = None
    budget: float = 0.0
    time_budget: int = 0  # seconds
    budget_type: str | None = None
    teams: list[int] = field(default_factory=list)
    meta: dict[str, str | None] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Activity:
    """A kind of work; global when it has no project."""

    id: int
    name: str
    project: int | None = None
    number: str | None = None
    comment: str | None = None
    visible: bool = True
    billable: bool = True
    invoice_text: str | None = None
    color: str | None = None
    budget: float = 0.0
    time_budget: int = 0  # seconds
    budget_type: str | None = None
    teams: list[int] = field(default_factory=list)
    meta: dict[str, str | None] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Tag:
    """A word attached to timesheets."""

    id: int
    name: str
    visible: bool = True
    color: str | None = None


@dataclass(slots=True, kw_only=True)
class Timesheet:
    """A time record; running while `end` is None.

    `zone` is the stored zone name, which labels later reads; `answer_zone` is the one of the
    request that wrote it last, which labels that answer (peers/kimai.md §5).
    """

    id: int = 0
    user: int = 0
    project: int | None = None
    activity: int | None = None
    begin: int | None = None
    end: int | None = None
    zone: str = "UTC"
    duration: int = 0  # seconds
    pause: int = 0  # seconds of break
    description: str | None = None
    tags: list[int] = field(default_factory=list)
    rate: float = 0.0
    internal_rate: float = 0.0
    fixed_rate: float | None = None
    hourly_rate: float | None = None
    exported: bool = False
    billable: bool = True
    billable_mode: str = BILLABLE_AUTO
    meta: dict[str, str | None] = field(default_factory=dict)
    modified_at: int | None = None

    @property
    def running(self) -> bool:
        """Whether the clock still ticks."""
        return self.end is None

    def elapsed(self) -> int | None:
        """Seconds from begin to end without the break; None while running."""
        if self.begin is None or self.end is None:
            return None
        return self.end - self.begin - self.pause


Entity = User | Team | Customer | Project | Activity | Tag | Timesheet | AccessToken

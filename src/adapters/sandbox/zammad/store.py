"""The tables of one Zammad and the transaction every change runs in."""

import secrets
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from adapters.sandbox.control import SandboxClock
from adapters.sandbox.zammad.amounts import cents
from adapters.sandbox.zammad.errors import NotFound
from adapters.sandbox.zammad.journal import Change, Journal
from adapters.sandbox.zammad.records import (
    SYSTEM_USER,
    ActivityType,
    Article,
    Group,
    Link,
    Organization,
    Role,
    Setting,
    Ticket,
    TimeAccounting,
    Token,
    Trigger,
    User,
    Webhook,
    WebhookJob,
    stamp,
)
from adapters.sandbox.zammad.settings import SETTINGS
from adapters.sandbox.zammad.tables import OrderedTable, Row, SummedTable, Table

R = TypeVar("R", bound=Row)

ROW_TYPES: dict[str, type[Any]] = {
    "roles": Role,
    "users": User,
    "tokens": Token,
    "groups": Group,
    "organizations": Organization,
    "types": ActivityType,
    "tickets": Ticket,
    "articles": Article,
    "entries": TimeAccounting,
    "links": Link,
    "webhooks": Webhook,
    "triggers": Trigger,
    "settings": Setting,
    "jobs": WebhookJob,
}
# What `Couldn't find … with 'id'=…` calls the rows of each table.
MODEL_NAMES = {
    "roles": "Role",
    "users": "User",
    "groups": "Group",
    "organizations": "Organization",
    "types": "Ticket::TimeAccounting::Type",
    "tickets": "Ticket",
    "articles": "Ticket::Article",
    "entries": "Ticket::TimeAccounting",
    "webhooks": "Webhook",
    "triggers": "Trigger",
    "settings": "Setting",
}


@dataclass
class TicketEvent:
    """What one transaction did to one ticket, as triggers see it."""

    ticket_id: int
    kinds: set[str] = field(default_factory=set)  # create, update, update.merged_into, …
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)  # column → before, after
    article_id: int | None = None


class Store:
    """Tables, settings, clock and transactions; the rules live in the modules that change them."""

    def __init__(self, *, clock: SandboxClock | None = None, folder: Path | None = None) -> None:
        self.clock = clock or SandboxClock()
        self.new_uuid: Callable[[], str] = lambda: str(uuid.uuid4())
        self.new_error_id: Callable[[], str] = lambda: secrets.token_urlsafe(6)
        self.before_commit: list[Callable[[list[TicketEvent]], None]] = []
        self.after_commit: list[Callable[[set[str]], None]] = []  # names of the changed tables
        self._journal = None if folder is None else Journal(folder)
        self._create_tables()

    def _create_tables(self) -> None:
        self.roles: Table[Role] = Table("roles", name=lambda r: r.name.lower())
        self.users: Table[User] = Table(
            "users",
            login=lambda u: u.login.lower(),
            email=lambda u: u.email.lower() or None,
            organization=lambda u: u.organization_id,
        )
        self.tokens: Table[Token] = Table("tokens", secret=lambda t: t.secret)
        self.groups: Table[Group] = Table("groups", name=lambda g: g.name.lower())
        self.organizations: Table[Organization] = Table(
            "organizations", name=lambda o: o.name.lower()
        )
        self.types: Table[ActivityType] = Table("types", name=lambda t: t.name.lower())
        self.tickets: OrderedTable[Ticket] = OrderedTable(
            "tickets", "updated_at", number=lambda t: t.number, customer=lambda t: t.customer_id
        )
        self.articles: Table[Article] = Table("articles", ticket=lambda a: a.ticket_id)
        self.entries: SummedTable[TimeAccounting] = SummedTable(
            "entries",
            "updated_at",
            lambda e: e.ticket_id,
            lambda e: cents(e.time_unit),
            ticket=lambda e: e.ticket_id,
            article=lambda e: e.ticket_article_id,
        )
        self.links: Table[Link] = Table(
            "links", parent=lambda each: each.parent_id, child=lambda each: each.child_id
        )
        self.webhooks: Table[Webhook] = Table("webhooks")
        self.triggers: Table[Trigger] = Table("triggers")
        self.setting_rows: Table[Setting] = Table("settings", name=lambda s: s.name)
        self.jobs: Table[WebhookJob] = Table("jobs")
        self.tables: dict[str, Table[Any]] = {
            "roles": self.roles,
            "users": self.users,
            "tokens": self.tokens,
            "groups": self.groups,
            "organizations": self.organizations,
            "types": self.types,
            "tickets": self.tickets,
            "articles": self.articles,
            "entries": self.entries,
            "links": self.links,
            "webhooks": self.webhooks,
            "triggers": self.triggers,
            "settings": self.setting_rows,
            "jobs": self.jobs,
        }
        self._depth = 0
        self._actor = SYSTEM_USER
        self._at: datetime | None = None
        self._undo: list[tuple[str, int, Any]] = []
        self._events: dict[int, TicketEvent] = {}
        # Expanded tickets answer associated ids from here until the ticket's own updated_at moves.
        self.associations: dict[int, tuple[str, list[int], list[int]]] = {}

    # Persistence

    def open(self) -> None:
        """Load the folder's state, if there is a folder and a state; then journal to it."""
        if self._journal is not None:
            self._journal.load(self.tables, ROW_TYPES)
            self._journal.compact(self.tables)

    @contextmanager
    def rewriting(self) -> Iterator[None]:
        """Change much, then replace what is on disk at once by what is in memory."""
        journal, self._journal = self._journal, None
        try:
            yield
        finally:
            self._journal = journal
        if journal is not None:
            journal.compact(self.tables)

    def close(self) -> None:
        """Let go of the folder."""
        if self._journal is not None:
            self._journal.close()

    # Transactions

    @contextmanager
    def transaction(self, by: int | None = None, at: datetime | None = None) -> Iterator[None]:
        """Run changes as user `by` at instant `at`; all of them happen or none.

        Nested transactions join the outer one, with their own `by` and `at` meanwhile.
        """
        before = self._actor, self._at
        self._actor = self._actor if by is None else by
        self._at = self._at if at is None else at
        self._depth += 1
        try:
            yield
            if self._depth == 1:
                self._finish()
        except BaseException:
            if self._depth == 1:
                self._roll_back()
            raise
        finally:
            self._depth -= 1
            self._actor, self._at = before

    def _finish(self) -> None:
        events, self._events = list(self._events.values()), {}
        for react in self.before_commit:
            react(events)
        touched = {(name, row_id) for name, row_id, _ in self._undo}
        if not touched:
            return
        if self._journal is not None:
            changes: list[Change] = [
                (name, row_id, self.tables[name].get(row_id)) for name, row_id in sorted(touched)
            ]
            self._journal.append(changes)  # when this fails, memory is rolled back too
        self._undo.clear()
        for tell in self.after_commit:
            tell({name for name, _ in touched})

    def _roll_back(self) -> None:
        for name, row_id, old in reversed(self._undo):
            table = self.tables[name]
            if old is not None:
                table.put(old)
            elif row_id in table:
                table.drop(row_id)
        self._undo.clear()
        self._events.clear()

    def put(self, table: Table[R], row: R) -> R:
        """Insert or replace a row within the running transaction; its values are cast.

        Raises:
            msgspec.ValidationError: a value does not fit its column.
        """
        row = msgspec.convert(msgspec.to_builtins(row), type(row), strict=False)
        self._undo.append((table.name, row.id, table.put(row)))
        return row

    def drop(self, table: Table[R], row_id: int) -> R:
        """Remove a row within the running transaction."""
        row = table.drop(row_id)
        self._undo.append((table.name, row_id, row))
        return row

    def event(self, ticket_id: int, kind: str) -> TicketEvent:
        """The transaction's event of a ticket: everything in one request is one event."""
        event = self._events.setdefault(ticket_id, TicketEvent(ticket_id))
        if kind == "create" or "create" not in event.kinds:
            event.kinds.add(kind)
        return event

    def forget_event(self, ticket_id: int) -> None:
        """A deleted ticket is not an event."""
        self._events.pop(ticket_id, None)

    # Who, when, which

    @property
    def actor(self) -> int:
        """The user the running transaction acts as."""
        return self._actor

    def now(self) -> datetime:
        """The present instant: the transaction's, else the clock's."""
        return self._at or self.clock.now()

    def now_text(self) -> str:
        """The present instant as stored."""
        return stamp(self.now())

    def find(self, table: Table[R], row_id: Any) -> R:
        """The row a request names.

        Raises:
            NotFound: there is none.
        """
        number = as_id(row_id)
        row = None if number is None else table.get(number)
        if row is None:
            raise NotFound(f"Couldn't find {MODEL_NAMES[table.name]} with 'id'={row_id}")
        return row

    # Settings

    def setting(self, name: str) -> Any:
        """The value of a setting.

        Raises:
            KeyError: there is no setting of that name.
        """
        row = self.setting_rows.one("name", name)
        if row is None:
            raise KeyError(name)
        return row.current

    @property
    def default_zone(self) -> tzinfo:
        """The zone of the setting `timezone_default`; UTC while it is empty or unknown."""
        try:
            return ZoneInfo(self.setting("timezone_default") or "UTC")
        except (ZoneInfoNotFoundError, ValueError):
            return UTC

    def set_setting(self, name: str, value: Any) -> Setting:
        """Change a setting.

        Raises:
            KeyError: there is no setting of that name.
        """
        row = self.setting_rows.one("name", name)
        if row is None:
            raise KeyError(name)
        with self.transaction():
            return self.put(
                self.setting_rows,
                Setting(
                    id=row.id,
                    name=name,
                    current=value,
                    initial=row.initial,
                    permissions=row.permissions,
                    updated_at=self.now_text(),
                ),
            )

    def add_settings(self) -> None:
        """Every setting not stored yet, at its initial value."""
        for name, initial, permission in SETTINGS:
            if self.setting_rows.one("name", name) is not None:
                continue
            self.put(
                self.setting_rows,
                Setting(
                    id=self.setting_rows.next_id,
                    name=name,
                    current=initial,
                    initial=initial,
                    permissions=[permission],
                    updated_at=self.now_text(),
                ),
            )


def as_id(value: Any) -> int | None:
    """A request's id as a number: digits in a text count, everything else names nothing."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.strip().lstrip("-").isdigit():
        return int(value)
    return None

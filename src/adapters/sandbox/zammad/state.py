"""One Zammad: what tests and the demo's seed talk to, and what the control routes see.

```python
state = ZammadState()
group = state.add_group("Service Desk")
agent = state.add_agent("emma@example.com", firstname="Emma", groups={group.id: ["full"]})
token = state.add_token(agent.id, permissions=["ticket.agent", "admin.time_accounting"])
ticket = state.add_ticket(title="VPN down", group_id=group.id, customer_id=customer.id)
entry = state.book(ticket.id, "0.75", by=agent.id, at=instant)
```
Every method runs in its own transaction (or joins the surrounding `state.transaction(by=, at=)`),
follows the same rules as the API, and takes `by` (a user id) and `at` (an aware instant).
"""

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from adapters.sandbox.control import SandboxClock
from adapters.sandbox.zammad import booking, people, seeding, ticketing, triggers
from adapters.sandbox.zammad.index import SearchIndex
from adapters.sandbox.zammad.records import (
    ActivityType,
    Article,
    Group,
    Organization,
    Role,
    Stamped,
    Ticket,
    TimeAccounting,
    Token,
    Trigger,
    User,
    Webhook,
)
from adapters.sandbox.zammad.store import Store
from adapters.sandbox.zammad.tables import Table
from adapters.sandbox.zammad.webhooks import LOGGED, HttpLogEntry

S = TypeVar("S", bound=Stamped)
VERSION = "7.2.2"


class ZammadState(Store):
    """A Zammad with the rules of peers/zammad.md; give it to `create_zammad_app`."""

    def __init__(
        self,
        *,
        clock: SandboxClock | None = None,
        folder: Path | None = None,
        version: str = VERSION,
    ) -> None:
        """`folder` keeps the state over restarts; `version` switches what 7.0 changed.

        Raises:
            ValueError: the folder holds a damaged state.
        """
        super().__init__(clock=clock, folder=folder)
        self.version = version
        self.index = SearchIndex()
        self.http_log: deque[HttpLogEntry] = deque(maxlen=LOGGED)
        self.before_commit.append(self._react)
        self.after_commit.append(self._keep_index)
        self.open()
        self.fresh = len(self.setting_rows) == 0  # whether nothing was found on disk
        with self.transaction():
            if self.fresh:
                people.add_defaults(self)
            self.add_settings()

    @property
    def version_info(self) -> tuple[int, ...]:
        """The version as numbers: `(7, 2, 2)`."""
        parts = self.version.partition("-")[0].split(".")
        return tuple(int(part) for part in parts if part.isdigit())

    def _react(self, events: list[Any]) -> None:
        triggers.enqueue(self, events)

    def _keep_index(self, tables: set[str]) -> None:
        if "settings" in tables:
            self.index.rebuild(self)
        if "tickets" in tables and self.setting("es_url"):
            self.index.note(self)

    # Seeding and acting from Python

    def add_role(self, name: str, permissions: Sequence[str], **columns: Any) -> Role:
        """A role granting `permissions`."""
        with self.transaction():
            now = self.now_text()
            row = Role(
                id=self.roles.next_id,
                name=name,
                permissions=list(permissions),
                created_at=now,
                updated_at=now,
                **columns,
            )
            return self.put(self.roles, row)

    def add_user(self, email: str, *, at: datetime | None = None, **columns: Any) -> User:
        """A user; `role_ids` and `group_ids` decide what they may do."""
        with self.transaction(at=at):
            return people.add_user(self, email=email, **columns)

    def add_agent(
        self,
        email: str,
        *,
        groups: Mapping[int, Sequence[str]] | None = None,
        **columns: Any,
    ) -> User:
        """An agent with access (read, change, create, full) per group id."""
        rights = {str(group_id): list(access) for group_id, access in (groups or {}).items()}
        role_ids = columns.pop("role_ids", [people.AGENT])
        return self.add_user(email, role_ids=role_ids, group_ids=rights, **columns)

    def add_customer(self, email: str, **columns: Any) -> User:
        """A customer, usually with `organization_id`."""
        return self.add_user(email, role_ids=[people.CUSTOMER], **columns)

    def add_token(
        self, user_id: int, *, permissions: Sequence[str], secret: str, **columns: Any
    ) -> Token:
        """An access token holding a subset of its owner's permissions."""
        with self.transaction():
            row = Token(
                id=self.tokens.next_id,
                user_id=user_id,
                secret=secret,
                permissions=list(permissions),
                **columns,
            )
            return self.put(self.tokens, row)

    def add_oauth_token(self, user_id: int, *, secret: str, expires_at: str | None = None) -> Token:
        """A Doorkeeper token; it has no permissions of its own."""
        return self.add_token(
            user_id, permissions=[], secret=secret, kind="oauth", expires_at=expires_at
        )

    def add_group(self, name: str, **columns: Any) -> Group:
        """A group."""
        with self.transaction():
            return people.add_group(self, name, **columns)

    def add_organization(
        self, name: str, *, at: datetime | None = None, **columns: Any
    ) -> Organization:
        """An organization."""
        with self.transaction(at=at):
            return people.add_organization(self, name, **columns)

    def add_type(self, name: str, **columns: Any) -> ActivityType:
        """An activity type."""
        with self.transaction():
            return booking.add_type(self, name=name, **columns)

    def add_ticket(
        self,
        *,
        title: str,
        group_id: int,
        customer_id: int,
        by: int | None = None,
        at: datetime | None = None,
        **columns: Any,
    ) -> Ticket:
        """A ticket."""
        with self.transaction(by, at):
            return ticketing.add_ticket(
                self, title=title, group_id=group_id, customer_id=customer_id, **columns
            )

    def change_ticket(
        self, ticket_id: int, *, by: int | None = None, at: datetime | None = None, **columns: Any
    ) -> Ticket:
        """Change a ticket's columns: group, customer, organization, owner, state, title."""
        with self.transaction(by, at):
            return ticketing.change_ticket(self, ticket_id, **columns)

    def change_user(
        self, user_id: int, *, by: int | None = None, at: datetime | None = None, **columns: Any
    ) -> User:
        """Change a user; a new organization moves the tickets they are the customer of."""
        with self.transaction(by, at):
            return ticketing.change_person(self, self.users[user_id], **columns)

    def delete_ticket(self, ticket_id: int, *, at: datetime | None = None) -> None:
        """Delete a ticket with its articles and entries."""
        with self.transaction(at=at):
            ticketing.delete_ticket(self, ticket_id)

    def merge_tickets(
        self, source_id: int, target_id: int, *, by: int | None = None, at: datetime | None = None
    ) -> None:
        """Merge a ticket into another; entries stay where they are."""
        with self.transaction(by, at):
            ticketing.merge(self, source_id, target_id)

    def add_article(
        self,
        ticket_id: int,
        body: str,
        *,
        time_unit: Any = None,
        time_type_id: int | None = None,
        by: int | None = None,
        at: datetime | None = None,
        **columns: Any,
    ) -> Article:
        """An article, with a booking if `time_unit` is given."""
        with self.transaction(by, at):
            article = ticketing.add_article(self, ticket_id=ticket_id, body=body, **columns)
            if time_unit is not None:
                booking.book(
                    self,
                    ticket_id=ticket_id,
                    ticket_article_id=article.id,
                    time_unit=time_unit,
                    type_id=time_type_id,
                )
            return article

    def delete_article(self, article_id: int, *, at: datetime | None = None) -> None:
        """Delete an article and its entry."""
        with self.transaction(at=at):
            booking.delete_article(self, article_id)

    def book(
        self,
        ticket_id: int,
        time_unit: Any,
        *,
        article_id: int | None = None,
        type_id: int | None = None,
        by: int | None = None,
        at: datetime | None = None,
        **columns: Any,
    ) -> TimeAccounting:
        """An entry; `legacy=True` skips the rules about articles that old data may break."""
        with self.transaction(by, at):
            return booking.book(
                self,
                ticket_id=ticket_id,
                time_unit=time_unit,
                ticket_article_id=article_id,
                type_id=type_id,
                **columns,
            )

    def correct(
        self, entry_id: int, *, by: int | None = None, at: datetime | None = None, **columns: Any
    ) -> TimeAccounting:
        """Change an entry's `time_unit`, `type_id` or `ticket_article_id`."""
        with self.transaction(by, at):
            return booking.correct(self, self.entries[entry_id], **columns)

    def delete_entry(
        self, entry_id: int, *, by: int | None = None, at: datetime | None = None
    ) -> None:
        """Delete an entry."""
        with self.transaction(by, at):
            booking.remove(self, self.entries[entry_id])

    def add_webhook(self, **columns: Any) -> Webhook:
        """A webhook with its `name`, `endpoint`, `signature_token` and so on."""
        with self.transaction():
            now = self.now_text()
            makers: dict[str, Any] = {"created_by_id": self.actor, "updated_by_id": self.actor}
            row = Webhook(
                id=self.webhooks.next_id, created_at=now, updated_at=now, **makers, **columns
            )
            return self.put(self.webhooks, row)

    def add_trigger(self, **columns: Any) -> Trigger:
        """A trigger with its `name`, `condition`, `perform` and so on."""
        with self.transaction():
            now = self.now_text()
            makers: dict[str, Any] = {"created_by_id": self.actor, "updated_by_id": self.actor}
            row = Trigger(
                id=self.triggers.next_id, created_at=now, updated_at=now, **makers, **columns
            )
            return self.put(self.triggers, row)

    def change(self, table: Table[S], row: S, **columns: Any) -> S:
        """Change a row of a table without rules of its own."""
        with self.transaction():
            new = msgspec.structs.replace(row, **columns)
            if new == row:
                return row
            stamps = {"updated_at": self.now_text(), "updated_by_id": self.actor}
            return self.put(table, msgspec.structs.replace(new, **stamps))

    # What the control routes need

    def describe(self) -> dict[str, Any]:
        """Everything stored, as JSON; secrets and passwords left out."""
        hidden = {"secret", "password", "signature_token", "bearer_token", "basic_auth_password"}
        shown: dict[str, Any] = {
            name: [
                {k: v for k, v in msgspec.structs.asdict(row).items() if k not in hidden}
                for row in table
            ]
            for name, table in self.tables.items()
        }
        shown["version"] = self.version
        shown["http_log"] = [msgspec.to_builtins(entry) for entry in self.http_log]
        return shown

    def reset(self) -> None:
        """Back to a fresh installation."""
        next_job = self.jobs.next_id
        self._create_tables()
        self.jobs.next_id = next_job  # a delivery still waiting must not meet its id again
        self.http_log.clear()
        self.index = SearchIndex()
        with self.rewriting(), self.transaction():
            people.add_defaults(self)
            self.add_settings()

    def configure(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Set settings by name, all or none; also `version`, `es_outage`, `es_lag_seconds`."""
        return seeding.configure(self, body)

    def seed(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Add rows: see `seeding`."""
        return seeding.seed(self, body)

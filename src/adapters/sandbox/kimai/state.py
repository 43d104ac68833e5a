"""Everything the Kimai sandbox remembers, with the indexes that keep lists quick."""

import secrets
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from adapters.sandbox.control import Json, SandboxClock
from adapters.sandbox.control.clock import system_now
from adapters.sandbox.journal import Journal
from adapters.sandbox.kimai.collation import folded
from adapters.sandbox.kimai.entities import (
    AccessToken,
    Activity,
    Customer,
    Entity,
    Member,
    Project,
    Tag,
    Team,
    Timesheet,
    User,
)
from adapters.sandbox.kimai.permissions import RolePermissions
from adapters.sandbox.kimai.settings import KimaiSettings

E = TypeVar("E", bound=Entity)
TABLES: dict[str, type[Entity]] = {
    "users": User,
    "teams": Team,
    "customers": Customer,
    "projects": Project,
    "activities": Activity,
    "tags": Tag,
    "timesheets": Timesheet,
    "tokens": AccessToken,
}
META_KINDS = ("timesheet", "customer", "project", "activity")
TOKEN_BYTES = 13  # Kimai's tokens have 25 hex characters


class KimaiState:
    """The database of a sandbox Kimai; with a `folder` it survives the process."""

    def __init__(
        self, now: Callable[[], datetime] = system_now, folder: Path | None = None
    ) -> None:
        self.clock = SandboxClock(now)
        self.settings = KimaiSettings()
        self.permissions = RolePermissions()
        self._empty()
        self._journal = None if folder is None else Journal(folder / "kimai.jsonl")
        if self._journal is not None:
            self._restore(self._journal)

    def _empty(self) -> None:
        self.users: dict[int, User] = {}
        self.teams: dict[int, Team] = {}
        self.customers: dict[int, Customer] = {}
        self.projects: dict[int, Project] = {}
        self.activities: dict[int, Activity] = {}
        self.tags: dict[int, Tag] = {}
        self.timesheets: dict[int, Timesheet] = {}
        self.tokens: dict[str, AccessToken] = {}
        self.next_id: dict[str, int] = {}
        self.meta_fields: dict[str, dict[str, bool]] = {kind: {} for kind in META_KINDS}
        self.plugins: list[dict[str, str]] = []
        self.failed_logins: dict[str, list[float]] = {}  # by address
        self._tag_ids: dict[str, int] = {}
        self._begins: dict[int, list[tuple[int, int]]] = {}  # user -> sorted (begin, id)
        self._all_begins: list[tuple[int, int]] = []
        self._indexed: dict[int, tuple[int, int]] = {}  # timesheet -> (user, begin)
        self._running: dict[int, set[int]] = {}  # user -> timesheets

    @property
    def empty(self) -> bool:
        """Whether nobody exists yet, so that a demo knows to seed."""
        return not self.users

    def now(self) -> int:
        """The server's present second."""
        return int(self.clock.now().timestamp())

    # -- building -----------------------------------------------------------------------------

    def add_user(
        self,
        username: str,
        *,
        roles: Iterable[str] = (),
        timezone: str | None = None,
        token: str | None = None,
        **fields: Any,
    ) -> User:
        """Add a person; `roles` such as `ROLE_TEAMLEAD`, `token` a Bearer token of theirs."""
        user = User(
            id=self.take_id("users"),
            username=username,
            email=fields.pop("email", f"{username}@example.com"),
            roles=[role for role in roles if role != "ROLE_USER"],
            timezone=timezone or self.settings.text("defaults.user.timezone"),
            **fields,
        )
        self.put("users", user)
        if token is not None:
            self.add_token(user.id, token)
        return user

    def add_token(self, user: int, token: str | None = None, expires: int | None = None) -> str:
        """Give a person a Bearer token (made up if None), expiring at `expires` (UTC seconds)."""
        token = token or secrets.token_hex(TOKEN_BYTES)[:25]
        self.put("tokens", AccessToken(token=token, user=user, expires=expires))
        return token

    def add_team(self, name: str, members: Mapping[int, bool], **fields: Any) -> Team:
        """Add a team; `members` maps user id to "is its lead"."""
        people = [Member(user=user, teamlead=lead) for user, lead in members.items()]
        return self.put(
            "teams", Team(id=self.take_id("teams"), name=name, members=people, **fields)
        )

    def add_customer(self, name: str, **fields: Any) -> Customer:
        """Add a customer; a number is generated unless given."""
        number = fields.pop("number", None) or self.free_number("customers")
        fields.setdefault("timezone", self.settings.text("defaults.customer.timezone"))
        return self.put(
            "customers",
            Customer(id=self.take_id("customers"), name=name, number=number, **fields),
        )

    def add_project(self, name: str, customer: int, **fields: Any) -> Project:
        """Add a project of a customer; a number is generated unless given."""
        number = fields.pop("number", None) or self.free_number("projects")
        row = Project(
            id=self.take_id("projects"), name=name, customer=customer, number=number, **fields
        )
        return self.put("projects", row)

    def add_activity(self, name: str, project: int | None = None, **fields: Any) -> Activity:
        """Add an activity, global without `project`; a number is generated unless given."""
        number = fields.pop("number", None) or self.free_number("activities")
        row = Activity(
            id=self.take_id("activities"), name=name, project=project, number=number, **fields
        )
        return self.put("activities", row)

    def add_tag(self, name: str, *, visible: bool = True, color: str | None = None) -> Tag:
        """Add a tag."""
        return self.put(
            "tags", Tag(id=self.take_id("tags"), name=name, visible=visible, color=color)
        )

    def add_timesheet(self, **fields: Any) -> Timesheet:
        """Add a record as it is, without Kimai's rules; `id`, `zone` and duration have defaults."""
        record = Timesheet(**fields)
        if "zone" not in fields:
            record.zone = self.users[record.user].timezone
        if "duration" not in fields:
            record.duration = record.elapsed() or 0
        record.id = record.id or self.take_id("timesheets")
        self.next_id["timesheets"] = max(self.next_id.get("timesheets", 1), record.id + 1)
        if record.modified_at is None:
            record.modified_at = self.now()
        return self.put("timesheets", record)

    def define_meta_field(self, kind: str, name: str, *, visible: bool = True) -> None:
        """Register a custom field as a plugin would; `kind` is one of `META_KINDS`."""
        self.meta_fields[kind][name] = visible
        self._note("meta", f"{kind}:{name}", {"visible": visible})

    def free_number(self, table: str) -> str:
        """The next generated number: one above the count, then the first free (`0002`, …).

        Source: recordings; the first customer of an empty Kimai gets `0002`.
        """
        rows = getattr(self, table)
        taken = {row.number for row in rows.values()}
        value = len(rows) + 2
        while f"{value:04d}" in taken:
            value += 1
        return f"{value:04d}"

    # -- storing ------------------------------------------------------------------------------

    def take_id(self, table: str) -> int:
        """The next id of a table; ids are never reused."""
        value = self.next_id.get(table, 1)
        self.next_id[table] = value + 1
        self._note("sequence", table, {"next": value + 1})
        return value

    def put(self, table: str, row: E) -> E:
        """Store a new or changed row and keep the indexes right."""
        key = row.token if isinstance(row, AccessToken) else row.id
        getattr(self, table)[key] = row
        if isinstance(row, Timesheet):
            self._index(row)
        elif isinstance(row, Tag):
            self._tag_ids[folded(row.name)] = row.id
        self._note(table, str(key), row)
        return row

    def drop(self, table: str, key: int | str) -> None:
        """Delete one row."""
        row = getattr(self, table).pop(key)
        if isinstance(row, Timesheet):
            self._unindex(row.id)
        elif isinstance(row, Tag):
            self._tag_ids.pop(folded(row.name), None)
        if self._journal is not None:
            self._journal.put(table, str(key), None)

    def _note(self, table: str, key: str, row: Entity | Mapping[str, Any]) -> None:
        if self._journal is not None:
            self._journal.put(table, key, row if isinstance(row, Mapping) else asdict(row))

    def _index(self, row: Timesheet) -> None:
        assert row.begin is not None
        if self._indexed.get(row.id) != (row.user, row.begin):
            self._unindex(row.id)
            self._indexed[row.id] = row.user, row.begin
            insort(self._begins.setdefault(row.user, []), (row.begin, row.id))
            insort(self._all_begins, (row.begin, row.id))
        running = self._running.setdefault(row.user, set())
        (running.add if row.running else running.discard)(row.id)

    def _unindex(self, key: int) -> None:
        user, begin = self._indexed.pop(key, (None, 0))
        if user is None:
            return
        for entries in (self._begins[user], self._all_begins):
            del entries[bisect_left(entries, (begin, key))]
        self._running.get(user, set()).discard(key)

    # -- looking up ---------------------------------------------------------------------------

    def tag_by_name(self, name: str) -> Tag | None:
        """The tag of that name; case and accents do not count."""
        key = self._tag_ids.get(folded(name))
        return None if key is None else self.tags[key]

    def running_of(self, user: int) -> list[Timesheet]:
        """A person's running records, newest begin first."""
        rows = (self.timesheets[key] for key in self._running.get(user, ()))
        return sorted(rows, key=lambda row: (-(row.begin or 0), -row.id))

    def by_begin(
        self, users: Iterable[int] | None, first: int | None, last: int | None
    ) -> list[tuple[int, int]]:
        """`(begin, id)` of records begun in `[first, last]`, ascending; `users` None: everybody."""
        if users is None:
            return _window(self._all_begins, first, last)
        slices = [_window(self._begins.get(user, []), first, last) for user in users]
        return slices[0] if len(slices) == 1 else sorted(x for part in slices for x in part)

    def teams_of(self, user: int) -> set[int]:
        """Ids of the teams a person is in."""
        return {t.id for t in self.teams.values() if any(m.user == user for m in t.members)}

    def led_by(self, user: int) -> set[int]:
        """Ids of the teams a person leads."""
        return {
            team.id
            for team in self.teams.values()
            if any(m.user == user and m.teamlead for m in team.members)
        }

    # -- control ------------------------------------------------------------------------------

    def describe(self) -> Json:
        """All tables as JSON; tokens are shown, they are the sandbox's own."""
        tables = {name: [asdict(row) for row in getattr(self, name).values()] for name in TABLES}
        return {
            **tables,
            "settings": self.settings.describe(),
            "permissions": self.permissions.describe(),
            "meta_fields": self.meta_fields,
            "plugins": self.plugins,
        }

    def reset(self) -> None:
        """Empty everything and return to Kimai's default settings."""
        self._empty()
        self.settings.reset()
        self.permissions.reset()
        if self._journal is not None:
            self._journal.clear()

    def seed(self, body: Json) -> Json:
        """Fill from a control request; see `adapters.sandbox.kimai.seeds`."""
        from adapters.sandbox.kimai.seeds import seed

        return seed(self, body)

    def configure(self, body: Json) -> Json:
        """Change settings by Kimai's names; `role_permissions`, `meta_fields`, `plugins` too."""
        from adapters.sandbox.kimai.seeds import configure

        result = configure(self, body)
        self.note_configuration()
        return result

    def note_configuration(self) -> None:
        """Store settings, permissions and plugins."""
        self._note("configuration", "settings", self.settings.describe())
        self._note("configuration", "permissions", self.permissions.describe())
        self._note("configuration", "plugins", {"plugins": self.plugins})

    def close(self) -> None:
        """Release the file behind the state, if any."""
        if self._journal is not None:
            self._journal.close()

    def _restore(self, journal: Journal) -> None:
        for name, kind in TABLES.items():
            for raw in journal.rows(name).values():
                row = msgspec.convert(raw, kind)
                key = row.token if isinstance(row, AccessToken) else row.id
                getattr(self, name)[key] = row
                if isinstance(row, Timesheet):
                    self._index(row)
                elif isinstance(row, Tag):
                    self._tag_ids[folded(row.name)] = row.id
        self.next_id = {name: last["next"] for name, last in journal.rows("sequence").items()}
        for name, defined in journal.rows("meta").items():
            kind_name, _, field = name.partition(":")
            self.meta_fields[kind_name][field] = defined["visible"]
        kept = journal.rows("configuration")
        self.settings.change(kept.get("settings", {}))
        for name, allowed in kept.get("permissions", {}).items():
            role, _, permission = name.partition(":")
            self.permissions.change(role, permission, allowed=allowed)
        self.plugins = list(kept.get("plugins", {}).get("plugins", []))


def _window(
    entries: list[tuple[int, int]], first: int | None, last: int | None
) -> list[tuple[int, int]]:
    low = 0 if first is None else bisect_left(entries, (first, 0))
    high = len(entries) if last is None else bisect_right(entries, (last, 1 << 62))
    return entries[low:high]

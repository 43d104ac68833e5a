"""Zammad's JSON, as far as we need it. Source: `peers/zammad.md`, 1 to 4."""

from collections.abc import Collection, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import Field, ValidationError

from adapters.peer_http import Refusal
from adapters.peer_wire import ExactDecimal, Id, Instant, WireModel, fields_of, parsed, rows_of
from domain.ids import ENTRIES_PER_CONNECTOR
from domain.ports.choices import Choice
from domain.ports.ticket_system import (
    ListedEntry,
    SourceEntry,
    SourcePerson,
    SourceType,
    UnreadableEntry,
)

SYSTEM = "zammad"

EntryNumber = Annotated[int, Field(ge=1, lt=ENTRIES_PER_CONNECTOR)]

M = TypeVar("M", bound=WireModel)


class Entry(WireModel):
    """A row of the time accounting. Source: `peers/zammad.md`, 2.2."""

    id: EntryNumber
    ticket_id: Id
    ticket_article_id: Id | None
    time_unit: ExactDecimal  # a JSON text such as "0.25", in the instance's own unit
    type_id: Id | None
    created_by_id: Id
    created_at: Instant
    updated_at: Instant

    def entry(self) -> SourceEntry:
        return SourceEntry(
            source_id=self.id,
            ticket_id=self.ticket_id,
            article_id=self.ticket_article_id,
            time_unit=self.time_unit,
            type_id=self.type_id,
            created_by_id=self.created_by_id,
            created_at=self.created_at,
            updated_at=self.updated_at,
        )


class _EntryId(WireModel):
    id: EntryNumber


class _EntryTicket(WireModel):
    ticket_id: Id


class _EntryUpdate(WireModel):
    updated_at: Instant


class Ticket(WireModel):
    """A ticket's columns, as `GET /tickets/:id` and the assets of a search carry them."""

    id: int
    number: str
    title: str
    group_id: int
    customer_id: int
    state_id: int
    organization_id: int | None = None


class FoundTicket(WireModel):
    """A row of a ticket search, as far as paging needs it."""

    id: int
    updated_at: Instant


class User(WireModel):
    """A user, from `GET /users/:id` or from assets."""

    id: int
    login: str = ""
    firstname: str | None = None
    lastname: str | None = None
    email: str | None = None
    active: bool = True

    @property
    def full_name(self) -> str:
        """First and last name, else the login."""
        return f"{self.firstname or ''} {self.lastname or ''}".strip() or self.login

    def person(self) -> SourcePerson:
        return SourcePerson(
            person_id=self.id,
            name=self.full_name,
            email=self.email or "",
            active=self.active,
        )


class ListedUser(User):
    """An item of `GET /users`."""

    role_ids: list[int] = Field(default_factory=list)

    def choice(self) -> Choice:
        return Choice(
            item_id=self.id,
            name=self.full_name,
            active=self.active,
            email=self.email or None,
            username=self.login or None,
        )


class Named(WireModel):
    """A group or an organization."""

    id: int
    name: str


class ListedName(Named):
    """An item of a list of groups, organizations or activity types."""

    active: bool = True

    def choice(self) -> Choice:
        return Choice(item_id=self.id, name=self.name, active=self.active)


class TimeType(WireModel):
    """An activity type of the time accounting."""

    id: int
    name: str
    active: bool

    def type(self) -> SourceType:
        return SourceType(type_id=self.id, name=self.name, active=self.active)


class State(WireModel):
    """A ticket state; `state_type` comes with `expand=true` and says what kind it is."""

    id: int
    name: str
    state_type: str | None = None


class Setting(WireModel):
    """An item of `GET /settings`."""

    name: str
    state_current: dict[str, Any] | None = None


class Assets(WireModel):
    """The objects that came along with a search; keys are ids as texts."""

    Ticket: Mapping[str, Any] = Field(default_factory=dict)
    User: Mapping[str, Any] = Field(default_factory=dict)
    Organization: Mapping[str, Any] = Field(default_factory=dict)
    Group: Mapping[str, Any] = Field(default_factory=dict)


class FullAnswer(WireModel):
    """The answer to `full=true`."""

    record_ids: list[int]
    assets: Assets
    total_count: int | None = None


class CountedRows(WireModel):
    """The answer to `with_total_count=true`, since 7.0; before, it is the bare list."""

    records: list[Any]
    total_count: int


class Total(WireModel):
    """The count in an answer to `full=true`, whatever its assets are called."""

    total_count: int


class Me(WireModel):
    """`GET /users/me`."""

    id: int
    login: str


class Version(WireModel):
    """`GET /version`."""

    version: str


class Article(WireModel):
    """An article's text; `body` is HTML when `content_type` says so."""

    id: int
    body: str | None
    content_type: str | None = None


class Link(WireModel):
    """A link of a ticket: `link_object_value` is the other one's id."""

    link_type: str
    link_object: str
    link_object_value: int


class Links(WireModel):
    """`GET /links`."""

    links: list[Link]


def entry_of(what: str, row: object) -> ListedEntry:
    """A row as an entry, or as what could be read of it.

    Raises:
        Misconfigured: not even its id can be read, so nothing could point at it.
    """
    try:
        return Entry.model_validate(row).entry()
    except ValidationError as error:
        fields = fields_of(error)
    source_id = parsed(SYSTEM, what, _EntryId, row).id
    ticket = _readable(_EntryTicket, row)
    update = _readable(_EntryUpdate, row)
    return UnreadableEntry(
        source_id=source_id,
        fields=fields,
        ticket_id=None if ticket is None else ticket.ticket_id,
        updated_at=None if update is None else update.updated_at,
    )


def entries_of(what: str, data: object) -> list[ListedEntry]:
    """A page of entries; only a page that is no list, or a row without id, is an error."""
    return [entry_of(what, row) for row in rows_of(SYSTEM, what, data)]


def owns(body: object) -> bool:
    """Whether an error body is Zammad's: an object with `error`."""
    return isinstance(body, dict) and isinstance(body.get("error"), str)


def refusal(body: object, sent: Collection[str]) -> Refusal:
    """Zammad names no fields, and its texts are not for programs."""
    del body, sent
    return Refusal()


def _readable(model: type[M], row: object) -> M | None:
    try:
        return model.model_validate(row)
    except ValidationError:
        return None

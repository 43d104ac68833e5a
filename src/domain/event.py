"""What every event has in common: its registered name, and who did it and why."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Generic, Protocol, TypeVar

from domain.personal import Personal


class Event(Protocol):
    """A fact, as a frozen dataclass. `TYPE` and `SCHEMA` are stored: never rename, only add."""

    TYPE: ClassVar[str]
    SCHEMA: ClassVar[int]


E = TypeVar("E", bound=Event)
E_co = TypeVar("E_co", bound=Event, covariant=True)
C = TypeVar("C")
S = TypeVar("S")


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who acted: `kind` is user, service or system; `name` a part of the program or a person."""

    kind: str
    name: str | Personal


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """The who and the why of an event; stored and covered by the digest."""

    actor: Actor
    correlation_id: str
    request_id: str | None = None
    causation_position: int | None = None
    run_id: int | None = None
    ip_address: Personal | None = None
    user_agent: Personal | None = None


@dataclass(frozen=True, kw_only=True)
class Recorded(Generic[E_co]):
    """An event as the ledger holds it.

    `position` counts from 1 without gaps over the whole log, `version` within the stream;
    `recorded_at` never goes back along positions; `digest` is lower-case hex (contract, 10).
    """

    position: int
    stream: str
    version: int
    event: E_co
    metadata: Metadata
    occurred_at: datetime
    recorded_at: datetime
    digest: str


@dataclass(frozen=True, kw_only=True)
class Decider(Generic[C, S, E]):
    """The rules of one stream: what a command does to a state, and what an event makes of it."""

    initial: S
    decide: Callable[[C, S], Sequence[E]]
    evolve: Callable[[S, E], S]


@dataclass(frozen=True, kw_only=True)
class Append:
    """One command's events for one stream, written together or not at all.

    `expected` is the stream's version when it was read; None appends whatever it is.
    `key` makes the command idempotent: a second append with it is answered as duplicate.
    `claims` are values that must be unique in the log (`connector-name:zammad`); they belong
    to the stream until an append of any stream `releases` them.
    """

    stream: str
    events: Sequence[Event]
    metadata: Metadata
    occurred_at: datetime
    expected: int | None
    key: str | None = None
    claims: Sequence[str] = field(default=())
    releases: Sequence[str] = field(default=())


@dataclass(frozen=True, kw_only=True)
class Appended:
    """Where the events are. `duplicate`: the key was known, nothing was written this time."""

    position: int
    version: int
    duplicate: bool = False

"""Events that use every kind of value an event may hold."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar

from domain.event import Actor, Append, Event, Metadata
from domain.personal import Personal

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
SERVICE = Metadata(actor=Actor(kind="service", name="tests"), correlation_id="c-1")


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, kw_only=True)
class Part:
    name: str
    amount: Decimal


@dataclass(frozen=True, kw_only=True)
class Noted:
    TYPE: ClassVar = "Noted"
    SCHEMA: ClassVar = 1

    text: str
    number: int = 0


@dataclass(frozen=True, kw_only=True)
class Everything:
    TYPE: ClassVar = "Everything"
    SCHEMA: ClassVar = 1

    flag: bool
    amount: Decimal
    when: datetime
    day: date
    lasted: timedelta
    colour: Colour
    part: Part
    parts: tuple[Part, ...]
    table: dict[str, str | int | None]
    author: Personal
    reader: Personal | None = None


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Schema 1 had `minutes`, schema 2 `length` in minutes; today `seconds`."""

    TYPE: ClassVar = "Measured"
    SCHEMA: ClassVar = 3

    seconds: int

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        state["length"] = state.pop("minutes")

    @staticmethod
    def upcast_v2_v3(state: dict[str, Any]) -> None:
        state["seconds"] = state.pop("length") * 60


CATALOGUE: tuple[type[Event], ...] = (Noted, Everything, Measured)

EVERYTHING = Everything(
    flag=True,
    amount=Decimal("7.50"),
    when=NOW,
    day=date(2026, 2, 28),
    lasted=timedelta(hours=-1, microseconds=1),
    colour=Colour.BLUE,
    part=Part(name="whole", amount=Decimal(-1)),
    parts=(Part(name="a\0b", amount=Decimal("0.1")), Part(name="é", amount=Decimal("1E+3"))),
    table={"\ue000": 1, "\U0001f600": None, "a": "\u2028"},
    author=Personal("zammad-user:7", "Ada Lovelace"),
    reader=Personal("zammad-user:8", "Émile"),
)


def noting(
    stream: str,
    *texts: str,
    expected: int | None = None,
    key: str | None = None,
    claims: tuple[str, ...] = (),
    releases: tuple[str, ...] = (),
    metadata: Metadata = SERVICE,
) -> Append:
    """An append of `Noted` events."""
    return Append(
        stream=stream,
        events=[Noted(text=text) for text in texts],
        metadata=metadata,
        occurred_at=NOW,
        expected=expected,
        key=key,
        claims=claims,
        releases=releases,
    )

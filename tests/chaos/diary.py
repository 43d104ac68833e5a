"""What people set and did, as they would tell it: the checker knows this and the two peers.

A moment is the number of operations done before it. What was set at one moment may be followed
until a later one: a run goes by the settings it began with.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Generic, Self, TypeVar

K = TypeVar("K", bound=Hashable)

STACKED = "day_start_stacked"
STILL = 1 << 60  # a moment that has not come


@dataclass
class Changing(Generic[K]):
    """A mapping that people change; None: the row was taken away."""

    _values: dict[K, list[tuple[int, int | None]]] = field(default_factory=dict)

    def change(self, key: K, value: int | None, at: int) -> None:
        self._values.setdefault(key, []).append((at, value))

    def now(self, key: K) -> int | None:
        values = self._values.get(key)
        return values[-1][1] if values else None

    def ever(self, key: K, since: int) -> set[int | None]:
        """All values that held at that moment or later."""
        values = self._values.get(key, [])
        before: list[int | None] = [None, *(value for at, value in values if at < since)]
        return {before[-1], *(value for at, value in values if at >= since)}


@dataclass(frozen=True, kw_only=True)
class Rounding:
    """As Kimai's administrator set it and ours repeated it; minutes, 0 is off."""

    mode: str = "default"
    begin: int = 1
    end: int = 1
    duration: int = 0


@dataclass(frozen=True, kw_only=True)
class House:
    """What stays as it was set on the first day.

    `minutes` are those of one Zammad unit; `stranger`: Kimai knows the last agent by another
    e-mail address.
    """

    minutes: Decimal = Decimal(1)
    anchor: str = "end_at_booking"
    rounding: Rounding = Rounding()
    delete_policy: str = "delete"
    delete_limit: int = 20
    delete_limit_percent: int = 5
    edited_policy: str = "conflict"
    stranger: bool = False

    @property
    def is_stacked(self) -> bool:
        return self.anchor == STACKED

    @classmethod
    def of(cls, random: Random) -> Self:
        """Houses differ."""
        step = random.choice((5, 15))
        mode = random.choice(("default", "closest", "floor", "ceil"))
        roundings = (
            Rounding(),
            Rounding(begin=0, end=0),
            Rounding(mode=mode, begin=step, end=step),
            Rounding(mode=mode, begin=1, end=1, duration=step),
        )
        anchors = ("end_at_booking", "end_at_booking", "start_at_booking", STACKED)
        limit = random.choice((20, 20, 4))
        return cls(
            minutes=random.choice((Decimal(1), Decimal(1), Decimal(15), Decimal(60), Decimal(6))),
            anchor=random.choice(anchors),
            rounding=random.choice(roundings),
            delete_policy=random.choice(("delete", "delete", "conflict", "keep")),
            delete_limit=limit,
            delete_limit_percent=5 if limit == cls.delete_limit else 0,
            edited_policy=random.choice(("conflict", "conflict", "keep_target", "overwrite")),
            stranger=random.random() < 0.3,
        )


@dataclass
class Diary:
    """Kimai's ids throughout, and Zammad's: activities by type, projects by organization, people.

    `booked`: from when on a booking could have been decided; `edited` and `deleted` are what
    people did in Kimai: the former by timesheet, the latter by booking. `bulk` are bookings that
    disappeared together with many others.
    """

    house: House = House()
    now: int = 0
    run_began: int | None = None  # the moment, while a run is under way
    activities: Changing[int | None] = field(default_factory=Changing)
    projects: Changing[int] = field(default_factory=Changing)
    people: Changing[int] = field(default_factory=Changing)
    booked: dict[int, int] = field(default_factory=dict)
    edited: dict[int, dict[str, object]] = field(default_factory=lambda: defaultdict(dict))
    deleted: set[int] = field(default_factory=set)
    bulk: set[int] = field(default_factory=set)
    closed: dict[int, int] = field(default_factory=dict)  # project → until when, or STILL
    disabled: dict[int, int] = field(default_factory=dict)  # user → until when, or STILL
    merged: dict[int, int] = field(default_factory=dict)  # ticket → the one that survives

    def since(self) -> int:
        """Whose settings may hold for what is booked now."""
        return self.now if self.run_began is None else self.run_began

    def was_closed(self, projects: Collection[int | None], since: int) -> bool:
        """Whether one of them was closed at that moment or later."""
        return any(self.closed.get(project or 0, -1) >= since for project in projects)

    def was_disabled(self, users: Collection[int | None], since: int) -> bool:
        """Whether one of them was disabled at that moment or later."""
        return any(self.disabled.get(user or 0, -1) >= since for user in users)

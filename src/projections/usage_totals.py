"""How many bookings and minutes of each type, person, customer and organization a day has."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter

from projections import time_entries
from projections.tally import Amounts, Counted, Tally

ONE = Decimal(1)
NOTHING = Decimal(0)
NONE = "-"  # stands for no type
NAMES = 10_000  # sources whose names are kept
REPLACED = "\N{REPLACEMENT CHARACTER}"  # for NUL, as in the views
TYPE, PERSON, CUSTOMER, ORGANIZATION = "type", "user", "customer", "organization"


@dataclass(frozen=True)
class Usage:
    """Of one source; organizations go by their names, all others by their ids in Zammad."""

    kind: str
    source_id: int | None
    name: str | None
    entries: int
    minutes: Decimal


def usage(parts: Iterable[Amounts]) -> list[Usage]:
    """What the days had together."""
    sums: dict[str, Decimal] = {}
    for amounts in parts:
        for name, amount in amounts.items():
            sums[name] = sums.get(name, NOTHING) + amount
    found: list[Usage] = []
    for name, entries in sums.items():
        what, kind, source = name.split(".", 2)
        if what != "entries" or not entries:
            continue
        by_name = kind == ORGANIZATION
        found.append(
            Usage(
                kind=kind,
                source_id=None if by_name or source == NONE else int(source),
                name=source if by_name else None,
                entries=int(entries),
                minutes=sums.get(f"minutes.{kind}.{source}", NOTHING),
            )
        )
    return found


def _amounts(counted: Counted) -> Mapping[int, Amounts]:
    day, lasted, kind, person, customer, organization, vanished = counted
    if vanished:
        return {}
    sources = [(TYPE, NONE if kind is None else kind)]
    if person is not None:
        sources.append((PERSON, person))
    if customer is not None:
        sources.append((CUSTOMER, customer))
    if organization:
        sources.append((ORGANIZATION, organization))
    amounts: dict[str, Decimal] = {}
    for source in sources:
        entries, minutes = _names(*source)
        amounts[entries] = ONE
        amounts[minutes] = lasted or NOTHING
    return {day.toordinal(): amounts}


@lru_cache(maxsize=NAMES)
def _names(kind: str, source: int | str) -> tuple[str, str]:
    """What the bookings and the minutes of a source are called; asked for with every booking."""
    name = f"{kind}.{source}".replace("\0", REPLACED)
    return f"entries.{name}", f"minutes.{name}"


TALLY: Tally[time_entries.Row] = Tally(
    name="usage_totals",
    of=time_entries.PROJECTION,
    counted=attrgetter(
        "entry_date",
        "minutes",
        "facts.activity_type_id",
        "user_id",
        "customer_id",
        "organization_name",
        "vanished",
    ),
    amounts=_amounts,
)

"""What the rows of a view add up to, kept by what each event changes and never by counting.

A tally rides on its view: it is stored in the same transaction, stands at the same position, and is
emptied and made anew with it. So that history costs little, its rows are not made for every event
but at most once per block of positions: they hold from the end of a block on. What holds within a
block is the row before plus what the few events since then changed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Generic, TypeAlias

from domain.event import Event, Recorded
from projections.folding import Version
from projections.projection import Projection, R

BLOCK = 250  # positions; a page of the runner ends at every fourth, and a rest is read in 5 ms

Counted: TypeAlias = tuple[Any, ...]  # what of a row counts; equal values count the same
Amounts: TypeAlias = Mapping[str, Decimal]  # by name; what is not there is 0
Changes: TypeAlias = dict[tuple[int, Counted], int]  # end of a block and what counts: times
Sums: TypeAlias = dict[int, dict[int, dict[str, Decimal]]]  # of a key, of the end of a block


@dataclass(frozen=True)
class Row:
    """The amounts of `key` from `position`, the end of a block, on."""

    key: int
    position: int
    amounts: dict[str, Decimal]


@dataclass(frozen=True, kw_only=True)
class Tally(Generic[R]):
    """What rows of `of` add up to. `name` is never changed once deployed.

    `counted` is the part of a row that matters; `amounts` is what it adds, by key. Where events are
    counted and not rows, `happened` says which: they are never taken back. `outlives` says of a row
    and the one that replaces it whether the former goes on counting. To have a tally made anew,
    raise the version of its view. `block`: see above; in positions.
    """

    name: str
    of: Projection[R]
    amounts: Callable[[Counted], Mapping[int, Amounts]]
    counted: Callable[[R], Counted] | None = None
    happened: Callable[[Event], Counted | None] | None = None
    outlives: Callable[[R, R], bool] | None = None
    block: int = BLOCK

    def end_of_block(self, position: int) -> int:
        """The last position of the block that `position` lies in."""
        return -(-position // self.block) * self.block

    def last_end(self, position: int) -> int:
        """The end of the last whole block up to `position`, 0 before the first."""
        return position // self.block * self.block


@dataclass
class Counting(Generic[R]):
    """The changes of one page to one tally.

    A change that was taken back again stays, as none: whether a block has a row must not depend on
    how the log was cut into pages.
    """

    tally: Tally[R]
    changes: Changes = field(default_factory=dict)

    def moved(self, before: R | None, after: R | None, recorded: Recorded[Event]) -> None:
        """A row of the view became another one by the event."""
        tally = self.tally
        if (counted := tally.counted) is not None:
            now = None if after is None else counted(after)
            was = None if before is None else counted(before)
            if was != now:
                if was is not None and not _outlives(tally, before, after):
                    self._add(recorded.position, was, -1)
                if now is not None:
                    self._add(recorded.position, now, 1)
        happened = tally.happened
        if happened is not None and (counts := happened(recorded.event)) is not None:
            self._add(recorded.position, counts, 1)

    def _add(self, at: int, counted: Counted, times: int) -> None:
        place = self.tally.end_of_block(at), counted
        self.changes[place] = self.changes.get(place, 0) + times


def _outlives(tally: Tally[R], before: R | None, after: R | None) -> bool:
    if tally.outlives is None or before is None or after is None:
        return False
    return tally.outlives(before, after)


def by_key(tally: Tally[Any], changes: Changes) -> Sums:
    """What the changes add up to per key and block, the blocks in their order."""
    sums: Sums = {}
    for (end, counted), times in sorted(changes.items(), key=lambda change: change[0][0]):
        for key, amounts in tally.amounts(counted).items():
            of_block = sums.setdefault(key, {}).setdefault(end, {})
            if times:  # else it was taken back again, and only the block is there
                add(of_block, amounts, times)
    return sums


def versions(sums: Sums, rows: Mapping[int, Row]) -> dict[int, list[Version[Row]]]:
    """What becomes of the live `rows`: by key the versions that begin, oldest first.

    The first of them replaces the live row when that is of the same block, and else ends it.
    """
    made: dict[int, list[Version[Row]]] = {}
    for key, of_key in sums.items():
        begun = made[key] = []
        now: Amounts = rows[key].amounts if key in rows else {}
        for end, of_block in of_key.items():
            now = total((now, of_block))
            if begun:
                begun[-1].until = end
            begun.append(Version(Row(key, end, dict(sorted(now.items())))))
    return made


def add(sums: dict[str, Decimal], amounts: Amounts, times: int) -> None:
    """Add `amounts` so many times to `sums`."""
    for name, amount in amounts.items():
        more, before = amount if times == 1 else amount * times, sums.get(name)
        sums[name] = more if before is None else before + more


def total(parts: Iterable[Amounts]) -> dict[str, Decimal]:
    """All of them together, without what is 0."""
    sums: dict[str, Decimal] = {}
    for amounts in parts:
        add(sums, amounts, 1)
    return {name: amount for name, amount in sums.items() if amount}


def rows_of(
    tally: Tally[R], changes: Iterable[tuple[Counted, int]]
) -> dict[int, dict[str, Decimal]]:
    """What so many times of each add up to, by key: the definition of a tally."""
    sums: dict[int, dict[str, Decimal]] = {}
    for counted, times in changes:
        for key, amounts in tally.amounts(counted).items():
            add(sums.setdefault(key, {}), amounts, times)
    return {key: total([amounts]) for key, amounts in sums.items()}

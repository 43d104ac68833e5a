"""What every projection has: a name, a row, the keys an event touches, and one pure step."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from domain.event import Event, Recorded


class ViewRow(Protocol):
    """A row of any view: a frozen dataclass that knows the last event it was made of."""

    @property
    def position(self) -> int: ...


R = TypeVar("R", bound=ViewRow)


@dataclass(frozen=True, kw_only=True)
class Projection(Generic[R]):
    """One question and the step that answers it.

    `name` is the view's table and, with `version`, its checkpoint: never rename once deployed;
    raise `version` to have the view rebuilt from event 1. `key` is the row's identifying field,
    an integer. `events` are the types it looks at; all others pass it by. `counted` says by how
    much each step moves the numbers that are kept beside the rows (`view_count`), by name.
    """

    name: str
    version: int
    row: type[R]
    key: str
    events: frozenset[type[Event]]
    keys: Callable[[Recorded[Any]], Sequence[int]]
    project: Callable[[R | None, Recorded[Any]], R | None]
    counted: Callable[[R | None, R | None], Mapping[str, int]] | None = None

    def apply(self, row: R | None, recorded: Recorded[Any]) -> R | None:
        """The row after the event; `row` itself when the event changes nothing in it.

        An event the row has seen already changes nothing, so delivery may be at-least-once.
        None when the event removes the row, or when there is none.
        """
        if row is not None and row.position >= recorded.position:
            return row
        return self.project(row, recorded)


def counts_after(
    projection: Projection[R], history: Sequence[Recorded[Event]], upto: int | None = None
) -> dict[str, int]:
    """The numbers kept beside the view, as they stand then; those that are zero are left out."""
    assert projection.counted is not None
    counts: Counter[str] = Counter()
    for row in rows_after(projection, history, upto).values():
        counts.update(projection.counted(None, row))
    return {name: count for name, count in counts.items() if count}


def rows_after(
    projection: Projection[R], history: Sequence[Recorded[Event]], upto: int | None = None
) -> dict[int, R]:
    """The whole view as it stands after the events up to and including position `upto`.

    This is the definition of a view; the runner only does the same in pages.
    """
    rows: dict[int, R] = {}
    for recorded in history:
        if upto is not None and recorded.position > upto:
            break
        if type(recorded.event) not in projection.events:
            continue
        for key in projection.keys(recorded):
            after = projection.apply(rows.get(key), recorded)
            if after is None:
                rows.pop(key, None)
            else:
                rows[key] = after
    return rows

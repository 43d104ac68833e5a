"""What one page of events makes of a view: rows that begin to hold, rows that end to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias

from domain.event import Event, Recorded
from projections.projection import Projection, R


@dataclass
class Version(Generic[R]):
    """A row as it held from `row.position` up to, not including, `until`; None is until now."""

    row: R
    until: int | None = None


class Fold(Generic[R]):
    """A view's rows moving through a page. `rows` are those that the page touches, as stored.

    `begun` are the versions that the page makes; `ended` says of rows that were stored before it
    since when they held and until when. `counts` are the moves of the numbers kept beside the
    view: at which position, of which name, by how much.
    """

    def __init__(self, projection: Projection[R], rows: dict[int, R]) -> None:
        self.projection = projection
        self.rows = rows
        self.begun: list[Version[R]] = []
        self.ended: dict[int, tuple[int, int]] = {}
        self.counts: list[tuple[int, str, int]] = []
        self._open: dict[int, Version[R]] = {}

    def feed(self, recorded: Recorded[Event], keys: Sequence[int]) -> None:
        """Move the rows of `keys` on by one event.

        Raises whatever the projection raises; nothing is moved then.
        """
        rows, at = self.rows, recorded.position
        for key in keys:
            before = rows.get(key)
            after = self.projection.apply(before, recorded)
            if after is before:
                continue
            if before is not None:
                if (version := self._open.pop(key, None)) is not None:
                    version.until = at
                else:
                    self.ended[key] = (before.position, at)
            if self.projection.counted is not None:
                moves = self.projection.counted(before, after)
                self.counts += [(at, name, by) for name, by in moves.items()]
            if after is None:
                del rows[key]
            else:
                rows[key] = after
                self._open[key] = version = Version(after)
                self.begun.append(version)


@dataclass(frozen=True)
class Stopped:
    """A projection that could not take the event at `position`."""

    name: str
    position: int
    error: Exception


Touch: TypeAlias = tuple[str, Recorded[Event], Sequence[int]]  # view, event, keys it touches


class Dispatch:
    """Which of a set of projections look at an event; `stopped` are those that failed at one."""

    def __init__(self, projections: Iterable[Projection[Any]]) -> None:
        self.stopped: dict[str, Stopped] = {}
        self._by_type: dict[type[Event], list[Projection[Any]]] = {}
        for projection in projections:
            for event in projection.events:
                self._by_type.setdefault(event, []).append(projection)

    def touches(self, page: Sequence[Recorded[Event]]) -> list[Touch]:
        """What of the page concerns which projection, in the order of the events."""
        by_type = self._by_type
        return [
            (projection.name, recorded, projection.keys(recorded))
            for recorded in page
            for projection in by_type.get(type(recorded.event), ())
        ]

    def feed(self, touches: Sequence[Touch], folds: Mapping[str, Fold[Any]]) -> None:
        """Move all folds on; those that fail stay before the event they failed at, for good."""
        stopped = self.stopped
        for name, recorded, keys in touches:
            if name in stopped:
                continue
            try:
                folds[name].feed(recorded, keys)
            except Exception as error:  # noqa: BLE001 # recorded by the runner, shown, retried
                stopped[name] = Stopped(name, recorded.position, error)


def touched(touches: Iterable[Touch]) -> dict[str, set[int]]:
    """The keys that are touched, by projection."""
    keys: dict[str, set[int]] = {}
    for name, _, some in touches:
        keys.setdefault(name, set()).update(some)
    return keys

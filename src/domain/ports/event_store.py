"""The ledger, as the domain sees it."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.errors import LedgerError
from domain.event import Append, Appended, Event, Recorded


@dataclass(frozen=True, kw_only=True)
class History:
    """One stream from its beginning. `version` is 0 for a stream that does not exist."""

    events: Sequence[Event]
    version: int


class EventStore(Protocol):
    """An append-only log with gapless positions, optimistic streams and a digest chain.

    Every adapter passes the suite in `tests/contract/test_event_store.py`; what that file says
    is what this port promises.
    """

    async def append(self, command: Append) -> Appended:
        """Write the command's events durably, all or none; return where the last one is.

        Safe to call concurrently; waiting calls of a process share one transaction.

        Raises:
            StreamMovedOn: `expected` was not the stream's version.
            AlreadyClaimed: a claim belongs to another stream.
            Unavailable: the database cannot be reached; for a command without `key` and
                `expected` it may have been written all the same.
        """
        ...

    async def append_many(self, commands: Sequence[Append]) -> Sequence[Appended | LedgerError]:
        """The same for many independent commands; each has its own answer, in order."""
        ...

    async def read(self, stream: str) -> History:
        """All events of one stream, oldest first; version 0 and no events when unknown."""
        ...

    async def read_many(self, streams: Sequence[str]) -> Sequence[History]:
        """The same for several streams as they stand at one moment, in their order."""
        ...

    async def read_recorded(
        self, stream: str, *, after_version: int = 0, limit: int | None = None
    ) -> Sequence[Recorded[Event]]:
        """The same with positions, metadata and digests."""
        ...

    async def page(self, after: int, limit: int) -> Sequence[Recorded[Event]]:
        """At most `limit` events with positions greater than `after`, in order of position."""
        ...

    async def head(self) -> int:
        """The position of the newest event, 0 for an empty log."""
        ...

    async def position_at(self, instant: datetime) -> int:
        """The last position recorded at or before `instant`, 0 when there is none."""
        ...

    def subscribe(
        self, after: int, *, types: Collection[str] = ()
    ) -> AsyncIterator[Sequence[Recorded[Event]]]:
        """Every event after `after`, in pages, forever: complete, in order, without repeats.

        `types`, when given, leaves out all events but those of these names.
        """
        ...


class AppendsTogether(Protocol):
    """What a store of commands can do besides; a rehearsed run has no need of it."""

    async def append_together(
        self, commands: Sequence[Append], *, still: Mapping[str, int] = ...
    ) -> Appended:
        """Write all of these commands, in order and at once, or none of them.

        Where the last event is comes back. `still` names streams that are only looked at, with
        the versions at which they were read. One of the commands has a key: after a lost answer
        it tells whether they were written.

        Raises:
            StreamMovedOn: a stream is not at the version that its command, or `still`, names.
            AlreadyClaimed: a claim belongs to another stream.
            Unavailable: the database cannot be reached.
        """
        ...

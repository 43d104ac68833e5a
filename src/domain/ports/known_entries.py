"""What the ledger knows of the entries of one connector, as a read model.

The streams remain the truth: every decision is made on the stream itself. This only says which
streams are worth opening, so that a run over ten thousand known bookings opens none of them.
"""

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from domain.ids import ConnectorId, EntryId, RunId
from domain.span import Span
from domain.time_entry.standing import EntryState
from domain.time_entry.values import ReasonCode, Written


@dataclass(frozen=True, kw_only=True)
class Known:
    """How far one booking is known.

    `updated_at` is Zammad's of the newest observation; `vanished`: found deleted since then.
    """

    updated_at: datetime
    vanished: bool
    state: EntryState


@dataclass(frozen=True, kw_only=True)
class Unsettled:
    """An entry in state pending, writing, conflict, failed, or ignored by a rule.

    `reason` is that of its open conflict. `decided_with` is `Basis.configuration` of its newest
    decision while that holds: None when a decision is due (`Standing.outcome` is None), as after
    a change or a retry. `ticket_id` and `booked_at` (`Booking.created_at`) are None when Zammad's
    row was never readable.
    """

    entry_id: EntryId
    ticket_id: int | None
    state: EntryState
    reason: ReasonCode | None
    decided_with: str | None
    booked_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Linked:
    """An entry with a timesheet. `seen` is the timesheet as we last knew it: stored or drifted.

    `reason` is that of the open conflict.
    """

    entry_id: EntryId
    seen: Written
    reason: ReasonCode | None


@dataclass(frozen=True, kw_only=True)
class Occupying:
    """What one entry occupies of its person's time, as of `position` of the log.

    `decided` is where the newest decision puts it, `stored` where its timesheet lies; None where
    there is none. `beside` is where those lie that stay as they are and are corrected by it.
    """

    entry_id: EntryId
    position: int
    state: EntryState
    decided: Span | None
    stored: Span | None
    beside: tuple[Span, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Negative:
    """A negative booking and its ticket."""

    entry_id: EntryId
    ticket_id: int


@dataclass(frozen=True, kw_only=True)
class TargetMarks:
    """`SyncRunCompleted.target_watermark` and `.target_listed_at`; None when there is none yet."""

    polled_at: datetime | None = None
    listed_at: datetime | None = None


class KnownEntries(Protocol):
    """May lag behind the ledger; `wait_for` says until when it is up to date."""

    async def wait_for(self, position: int) -> None:
        """Return once everything up to `position` is contained.

        Raises:
            Unavailable: it did not get there in time; a stopped projection does that too.
        """
        ...

    async def versions(
        self, connector: ConnectorId, source_ids: Collection[int]
    ) -> Mapping[int, Known]:
        """Those of at most 1000 Zammad entry ids that were ever observed."""
        ...

    async def unsettled(self, connector: ConnectorId) -> Sequence[Unsettled]:
        """Every entry that a later run may have to do something about, oldest booking first."""
        ...

    async def live_count(self, connector: ConnectorId) -> int:
        """How many entries were observed and not found deleted since."""
        ...

    async def live_source_ids(self, connector: ConnectorId) -> AbstractSet[int]:
        """Their Zammad ids."""
        ...

    async def live_of_tickets(
        self, connector: ConnectorId, ticket_ids: Collection[int]
    ) -> Mapping[int, AbstractSet[int]]:
        """The same for at most 1000 tickets: Zammad entry ids by ticket id."""
        ...

    async def with_negatives(
        self, connector: ConnectorId, ticket_ids: Collection[int]
    ) -> AbstractSet[int]:
        """Those of at most 1000 tickets that ever had a negative booking which is not forgotten."""
        ...

    async def negatives(self, connector: ConnectorId) -> Sequence[Negative]:
        """Every negative booking that was ever seen, those deleted since among them, by id."""
        ...

    async def broke_off(self, connector: ConnectorId, run_id: RunId | None) -> bool:
        """Whether a run from this connector began and did not complete, and none has since.

        Run `run_id` itself does not count, and a run over some entries only makes nothing good.
        """
        ...

    async def watermark(self, connector: ConnectorId) -> datetime | None:
        """`SyncRunCompleted.watermark` of the newest completed run from this connector."""
        ...

    async def ticket_watermark(self, connector: ConnectorId) -> datetime | None:
        """`SyncRunCompleted.ticket_watermark` of the same run."""
        ...

    async def target_marks(self, source: ConnectorId, target: ConnectorId) -> TargetMarks:
        """Those of the newest completed run between these two."""
        ...

    async def linked(self, source: ConnectorId, target: ConnectorId) -> Sequence[Linked]:
        """Every timesheet written through `target` that an entry has, by timesheet id.

        An entry with corrections has several. The text of those that stay as they are is not kept.
        """
        ...

    async def linked_to(
        self, source: ConnectorId, target: ConnectorId, timesheet_ids: Collection[int]
    ) -> Sequence[Linked]:
        """Those of at most 1000 timesheet ids that are ours, by timesheet id."""
        ...

    async def carried_with_another_unit(
        self, source: ConnectorId, target: ConnectorId, unit_minutes: Decimal
    ) -> Sequence[EntryId]:
        """Synced entries whose timesheet was written through `target` with another unit, by id."""
        ...

    async def occupying(
        self, connector: ConnectorId, days: Collection[tuple[int, date]]
    ) -> Mapping[tuple[int, date], Sequence[Occupying]]:
        """For each person (Zammad id) and day the entries of that person within a day of it."""
        ...

"""The life of one run. Stream `sync-run-<id>`; names from `contract.md`, section 17."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from domain.ids import ConnectorId, EntryId, RunId

PLAN_CAUSE = "plan"  # a run that carries out the plan whose number is its name
SCHEDULE_CAUSE = "schedule"  # a run that was due; its name is that instant, ISO 8601
DELIVERY_CAUSE = "delivery"  # a look at tickets; its name is the delivery's id, or how many


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Who or what asked: `kind` is user, schedule, delivery, plan or retry; `name` which one."""

    kind: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Counters:
    """What a run did, in entries (`contract.md`, section 6). `fetched` counts rows read.

    `decided` counts decisions, of which one booking may need several.
    """

    fetched: int = 0
    decided: int = 0
    created: int = 0
    updated: int = 0
    deleted: int = 0
    already_synced: int = 0
    skipped: int = 0
    failed: int = 0
    conflicts: int = 0


@dataclass(frozen=True, kw_only=True)
class SyncRunQueued:
    """Somebody asked for a run; `start_date` and `end_date` bound the work dates, inclusive.

    `entry_ids`: it looks at these entries only; None: at all. `ticket_ids`: it is a look at these
    tickets of Zammad, and reads nothing else there. `place`: which of the places for
    those that wait for another run it has; None: it was only taken because no other was active.
    """

    TYPE: ClassVar = "SyncRunQueued"
    SCHEMA: ClassVar = 4

    run_id: RunId
    trigger: str  # manual, scheduled or webhook
    cause: Cause
    source_connector_id: ConnectorId
    target_connector_id: ConnectorId
    start_date: date | None
    end_date: date | None
    entry_ids: tuple[EntryId, ...] | None = None
    place: int | None = None
    ticket_ids: tuple[int, ...] | None = None

    @staticmethod
    def upcast_v3_v4(state: dict[str, Any]) -> None:
        """Before, no run was a look at some tickets."""
        state["ticket_ids"] = None

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Before, every run looked at all entries."""
        state["entry_ids"] = None

    @staticmethod
    def upcast_v2_v3(state: dict[str, Any]) -> None:
        """Before, no run waited for another."""
        state["place"] = None


@dataclass(frozen=True, kw_only=True)
class SyncRunSkipped:
    """The schedule wanted a run at `due_at`, and there was none; the only event of its stream.

    `code` is what a person who asked then would have been told (`contract.md`, section 3), as
    `detail` says in words.
    """

    TYPE: ClassVar = "SyncRunSkipped"
    SCHEMA: ClassVar = 1

    run_id: RunId
    cause: Cause
    due_at: datetime
    code: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class SyncRunStarted:
    """A worker took the run."""

    TYPE: ClassVar = "SyncRunStarted"
    SCHEMA: ClassVar = 1

    run_id: RunId


@dataclass(frozen=True, kw_only=True)
class SyncRunProgressed:
    """How far it is; at most two a second. `phase`: discover, read, decide, write, verify."""

    TYPE: ClassVar = "SyncRunProgressed"
    SCHEMA: ClassVar = 2

    run_id: RunId
    phase: str
    done: int
    total: int
    counters: Counters

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Before, decisions were not counted: its counters lack `decided`."""


@dataclass(frozen=True, kw_only=True)
class SyncRunCompleted:
    """It looked at everything. `watermark`: entries updated before it are known.

    When the newest looks began, in this run or before, None for never: `ticket_watermark` at the
    tickets changed in Zammad, `target_watermark` at what was modified in Kimai,
    `target_listed_at` at all of Kimai. `remark` says what it did without.
    """

    TYPE: ClassVar = "SyncRunCompleted"
    SCHEMA: ClassVar = 4

    run_id: RunId
    counters: Counters
    watermark: datetime | None
    target_watermark: datetime | None = None
    target_listed_at: datetime | None = None
    ticket_watermark: datetime | None = None
    remark: str | None = None

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Before, edits in Kimai were looked for only right before a write."""
        state["target_watermark"] = state["target_listed_at"] = None

    @staticmethod
    def upcast_v2_v3(state: dict[str, Any]) -> None:
        """Before, a ticket that moved was noticed only when a booking of it changed."""
        state["ticket_watermark"] = None

    @staticmethod
    def upcast_v3_v4(state: dict[str, Any]) -> None:
        """Before, decisions were not counted, and a run could do without nothing."""
        state["remark"] = None


@dataclass(frozen=True, kw_only=True)
class SyncRunFailed:
    """It could not go on; what it had written stays written.

    `ticket_ids`, of a look at some tickets: only these could not be looked at, everything else was;
    empty: nobody knows, or it was no such look.
    """

    TYPE: ClassVar = "SyncRunFailed"
    SCHEMA: ClassVar = 3

    run_id: RunId
    counters: Counters
    error: str
    ticket_ids: tuple[int, ...] = ()

    @staticmethod
    def upcast_v2_v3(state: dict[str, Any]) -> None:
        """Before, no run said which tickets it was about."""
        state["ticket_ids"] = []

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Before, decisions were not counted: its counters lack `decided`."""


@dataclass(frozen=True, kw_only=True)
class SyncRunCancelRequested:
    """Somebody wants it stopped; who that was, the metadata say. The write in hand is finished."""

    TYPE: ClassVar = "SyncRunCancelRequested"
    SCHEMA: ClassVar = 1

    run_id: RunId
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class SyncRunCancelled:
    """It stopped because somebody wanted it; what it had written stays written."""

    TYPE: ClassVar = "SyncRunCancelled"
    SCHEMA: ClassVar = 2

    run_id: RunId
    counters: Counters

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Before, decisions were not counted: its counters lack `decided`."""


SyncRunEvent = (
    SyncRunQueued
    | SyncRunSkipped
    | SyncRunStarted
    | SyncRunProgressed
    | SyncRunCompleted
    | SyncRunFailed
    | SyncRunCancelRequested
    | SyncRunCancelled
)

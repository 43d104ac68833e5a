"""The life of one plan. Stream `plan-<id>`, its rows in `plan-rows-<id>`.

Names of `contract.md`, section 17; the others tell how a plan comes about.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from domain.ids import ConnectorId, EntryId, PlanId, RunId
from domain.plan.values import Counts, Minutes, Moved, PlanKind, PlanRow


@dataclass(frozen=True, kw_only=True)
class PlanRequested:
    """Somebody wants to see what a run would do; nothing of it is written to the peers.

    `entry_ids` limit it to these entries, None does not. The dates bound the work dates. Where a
    run asks, for the deletions that it holds back, the metadata name it.
    """

    TYPE: ClassVar = "PlanRequested"
    SCHEMA: ClassVar = 1

    plan_id: PlanId
    kind: PlanKind
    source_connector_id: ConnectorId
    target_connector_id: ConnectorId
    start_date: date | None
    end_date: date | None
    entry_ids: tuple[EntryId, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class PlanBegun:
    """Somebody works it out, from the beginning; rows up to version `rows_after` do not count."""

    TYPE: ClassVar = "PlanBegun"
    SCHEMA: ClassVar = 1

    plan_id: PlanId
    rows_after: int


@dataclass(frozen=True, kw_only=True)
class PlanRowsListed:
    """A page of rows. All pages of a plan but the last have the same length."""

    TYPE: ClassVar = "PlanRowsListed"
    SCHEMA: ClassVar = 2

    plan_id: PlanId
    rows: tuple[PlanRow, ...]

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Nothing was made for a booking but its timesheet."""
        for row in state["rows"]:
            row["creates"] = []


@dataclass(frozen=True, kw_only=True)
class PlanMade:
    """It is complete. `digest` covers all `rows`; `fetched` counts what was read for it."""

    TYPE: ClassVar = "PlanMade"
    SCHEMA: ClassVar = 1

    plan_id: PlanId
    digest: str
    rows: int
    counts: Counts
    minutes: Minutes
    fetched: int
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class PlanFailed:
    """It could not be worked out."""

    TYPE: ClassVar = "PlanFailed"
    SCHEMA: ClassVar = 1

    plan_id: PlanId
    error: str


@dataclass(frozen=True, kw_only=True)
class PlanApplied:
    """Run `run_id` found everything as planned and carries it out from now on."""

    TYPE: ClassVar = "PlanApplied"
    SCHEMA: ClassVar = 1

    plan_id: PlanId
    run_id: RunId
    digest: str


@dataclass(frozen=True, kw_only=True)
class PlanRefused:
    """Something moved since the plan was made, and was left alone.

    Before `PlanApplied` nothing of the plan was written; after it, all rows but those in `moved`.
    `moved` names the first of them, `rows` is how many there are.
    """

    TYPE: ClassVar = "PlanRefused"
    SCHEMA: ClassVar = 1

    plan_id: PlanId
    run_id: RunId
    rows: int
    moved: tuple[Moved, ...]


PlanEvent = PlanRequested | PlanBegun | PlanMade | PlanFailed | PlanApplied | PlanRefused

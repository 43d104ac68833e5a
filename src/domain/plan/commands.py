"""What one can ask of a plan."""

from dataclasses import dataclass
from datetime import date, datetime

from domain.ids import ConnectorId, EntryId, PlanId, RunId
from domain.plan.values import Counts, Minutes, Moved, PlanKind


@dataclass(frozen=True, kw_only=True)
class RequestPlan:
    plan_id: PlanId
    kind: PlanKind
    source_connector_id: ConnectorId
    target_connector_id: ConnectorId
    start_date: date | None
    end_date: date | None
    entry_ids: tuple[EntryId, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class BeginPlan:
    """A worker takes it, perhaps after another one died over it."""

    rows_after: int


@dataclass(frozen=True, kw_only=True)
class FinishPlan:
    digest: str
    rows: int
    counts: Counts
    minutes: Minutes
    fetched: int
    now: datetime


@dataclass(frozen=True, kw_only=True)
class FailPlan:
    error: str


@dataclass(frozen=True, kw_only=True)
class ApplyPlan:
    """Run `run_id` is about to carry it out, and `digest` is that of the rows it read.

    `again`: the run that began it did not get to its end.
    """

    run_id: RunId
    digest: str
    now: datetime
    again: bool = False


@dataclass(frozen=True, kw_only=True)
class RefusePlan:
    """Run `run_id` found that `rows` of its rows moved; `moved` tells of the first."""

    run_id: RunId
    rows: int
    moved: tuple[Moved, ...]


PlanCommand = RequestPlan | BeginPlan | FinishPlan | FailPlan | ApplyPlan | RefusePlan

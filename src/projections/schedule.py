"""When do runs begin by themselves, and for which due times was that seen to? One row."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from domain.event import Recorded
from domain.schedule.events import ScheduleChanged
from domain.sync_run.events import SCHEDULE_CAUSE, SyncRunQueued, SyncRunSkipped
from projections.projection import Projection

NAME, VERSION = "schedule", 1
THE_ONE = 1  # there is one schedule

_Seen = ScheduleChanged | SyncRunQueued | SyncRunSkipped


@dataclass(frozen=True)
class Row:
    """The schedule since somebody first changed it; before, it is as the contract says.

    `version` counts its changes. `seen_to` is the newest due time that became a run or was
    skipped.
    """

    schedule_id: int
    position: int
    version: int
    cron: str
    timezone: str
    concurrency: str
    notifications: bool
    enabled: bool
    changed_at: datetime
    seen_to: datetime | None


def keys(recorded: Recorded[_Seen]) -> Sequence[int]:
    event = recorded.event
    if isinstance(event, SyncRunQueued) and event.cause.kind != SCHEDULE_CAUSE:
        return ()
    return (THE_ONE,)


def project(row: Row | None, recorded: Recorded[_Seen]) -> Row | None:
    """The schedule after the event."""
    match event := recorded.event:
        case ScheduleChanged():
            return Row(
                schedule_id=THE_ONE,
                position=recorded.position,
                version=recorded.version,
                cron=event.cron,
                timezone=event.timezone,
                concurrency=event.concurrency,
                notifications=event.notifications,
                enabled=event.enabled,
                changed_at=recorded.occurred_at,  # by the clock that says what is due
                seen_to=row.seen_to if row else None,
            )
        case SyncRunQueued(cause=cause):
            due_at = datetime.fromisoformat(cause.name)
        case SyncRunSkipped(due_at=due_at):
            pass
        case _:
            assert_never(event)
    if row is None:
        return None
    seen_to = max(due_at, row.seen_to or due_at)
    return replace(row, position=recorded.position, seen_to=seen_to)


PROJECTION = Projection(
    name=NAME,
    version=VERSION,
    row=Row,
    key="schedule_id",
    events=frozenset({ScheduleChanged, SyncRunQueued, SyncRunSkipped}),
    keys=keys,
    project=project,
)

"""The rules of the schedule: it always exists, and only a readable expression is taken."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

from domain.change import differences
from domain.connector.settings import iana_zone
from domain.errors import RuleViolation
from domain.event import Decider
from domain.schedule.cron import Cron
from domain.schedule.events import ScheduleChanged
from domain.versions import require_version

SKIP, QUEUE = "skip", "queue"


@dataclass(frozen=True, kw_only=True)
class ChangeSchedule:
    """`fields` replace those of the schedule; `expected` is the version the asker saw, or None."""

    fields: Mapping[str, object]
    expected: int | None = None


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The schedule; as it is here before anybody changed it (`contract.md`, section 9)."""

    cron: str = "0 */6 * * *"
    timezone: str = "UTC"
    concurrency: str = SKIP
    notifications: bool = False
    enabled: bool = False
    version: int = 0


VALUES = tuple(field.name for field in fields(Schedule) if field.name != "version")


def decide(command: ChangeSchedule, schedule: Schedule) -> Sequence[ScheduleChanged]:
    """Raises RuleViolation (`cron_invalid`, `stale_version`, `validation`)."""
    require_version("The schedule", schedule.version, command.expected)
    target = replace(schedule, **command.fields)  # type: ignore[arg-type] # names are the route's
    target = replace(target, cron=Cron.parse(target.cron).text, timezone=_zone(target.timezone))
    changes, _ = differences(schedule, target, VALUES)
    if not changes:
        return []
    return [ScheduleChanged(**{name: getattr(target, name) for name in VALUES}, changes=changes)]


def evolve(schedule: Schedule, event: ScheduleChanged) -> Schedule:
    """The schedule after `event`."""
    values = {name: getattr(event, name) for name in VALUES}
    return Schedule(**values, version=schedule.version + 1)


SCHEDULE: Decider[ChangeSchedule, Schedule, ScheduleChanged] = Decider(
    initial=Schedule(), decide=decide, evolve=evolve
)


def _zone(name: str) -> str:
    try:
        return iana_zone(name)
    except ValueError as error:
        raise RuleViolation("validation", str(error)) from error

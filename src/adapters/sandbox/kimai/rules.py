"""What must hold for a timesheet: Kimai's constraint classes, in Kimai's order.

Source: src/Validator/Constraints/Timesheet*Validator.php; peers/kimai.md §2.8. A rule yields
`(path, text)`; paths that are no form field (`begin_date`, `duration`, …) end at the form's root.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from adapters.sandbox.kimai import durations, phptime, rates, texts
from adapters.sandbox.kimai.access import Access
from adapters.sandbox.kimai.entities import Activity, Customer, Project, Timesheet
from adapters.sandbox.kimai.state import KimaiState

Violation = tuple[str, str]
LONGEST = 31_536_000  # seconds: a year, Kimai's limit for one record
_MINUTE = 60
_RULES = "timesheet.rules."
_DAY_END = 86_399


@dataclass(frozen=True)
class Checked:
    """A record about to be stored, and what it was before (None: it is new)."""

    state: KimaiState
    access: Access
    record: Timesheet
    before: Timesheet | None

    def flag(self, name: str) -> bool:
        """A rule's switch."""
        return self.state.settings.flag(_RULES + name)

    @property
    def project(self) -> Project | None:
        """The record's project."""
        key = self.record.project
        return None if key is None else self.state.projects.get(key)

    @property
    def activity(self) -> Activity | None:
        """The record's activity."""
        key = self.record.activity
        return None if key is None else self.state.activities.get(key)


def violations(checked: Checked) -> list[Violation]:
    """Everything wrong with a record; empty when it may be stored."""
    found: list[Violation] = []
    for rule in _ALL:
        found += rule(checked)
    if checked.record.end is None and not found and not checked.access.may("start", checked.record):
        found.append(("end_date", texts.START_FORBIDDEN))
    return found + list(_required(checked))


def _begin_and_end(c: Checked) -> Iterator[Violation]:
    begin, end = c.record.begin, c.record.end
    if begin is None:
        yield "begin_date", texts.BEGIN_MISSING
    elif end is not None and begin > end:
        yield "end_date", texts.END_BEFORE_BEGIN


def _work(c: Checked) -> Iterator[Violation]:
    if c.flag("require_activity") and c.activity is None:
        yield "activity", texts.ACTIVITY_MISSING
    project, activity = c.project, c.activity
    if project is None:
        yield "project", texts.PROJECT_MISSING
        return
    if activity is None:
        return
    if activity.project is not None and activity.project != project.id:
        yield "project", texts.PROJECT_MISMATCH
    if activity.project is None and not project.global_activities:
        yield "activity", texts.GLOBAL_FORBIDDEN


def _project_dates(c: Checked) -> Iterator[Violation]:
    if c.project is None:
        return
    first, last = project_span(c.state, c.project)
    begin, end = c.record.begin, c.record.end
    if begin is not None:
        if first is not None and begin < first:
            yield "begin_date", texts.PROJECT_NOT_STARTED
        elif last is not None and begin > last:
            yield "begin_date", texts.PROJECT_ENDED
    if end is not None:
        if last is not None and end > last:
            yield "end_date", texts.PROJECT_ENDED
        elif first is not None and end < first:
            yield "end_date", texts.PROJECT_NOT_STARTED


def project_span(state: KimaiState, project: Project) -> tuple[int | None, int | None]:
    """First and last second of a project, its days read in the customer's zone."""
    zone = state.customers[project.customer].timezone
    return _edge(project.start, 0, zone), _edge(project.end, _DAY_END, zone)


def _edge(day: str | None, seconds: int, zone: str) -> int | None:
    if day is None:
        return None
    wall = phptime.parse_strict(f"{day}T00:00:00")
    return None if wall is None else phptime.to_instant(wall + seconds, zone)


def _budget(c: Checked) -> Iterator[Violation]:
    record = c.record
    if c.flag("allow_overbooking_budget") or record.end is None or not record.billable:
        return
    if c.project is None or (c.before is not None and _budget_untouched(c)):
        return
    holders: list[tuple[str, Activity | Project | Customer | None]] = [
        ("activity", c.activity),
        ("project", c.project),
        ("customer", c.state.customers[c.project.customer]),
    ]
    for noun, holder in holders:
        if holder is not None and (holder.budget > 0 or holder.time_budget > 0):
            yield from _holder_budget(c, noun, holder)


def _budget_untouched(c: Checked) -> bool:
    record, before = c.record, c.before
    assert before is not None
    assert record.begin is not None
    assert before.begin is not None
    same_day = (
        phptime.local(record.begin, record.zone).date()
        == phptime.local(before.begin, before.zone).date()
    )
    return (
        same_day
        and (
            (record.elapsed(), record.billable, record.project, record.activity)
            == (before.duration, before.billable, before.project, before.activity)
        )
        and rates.money(c.state, record, record.elapsed())[0] == before.rate
    )


def _holder_budget(
    c: Checked, noun: str, holder: Activity | Project | Customer
) -> Iterator[Violation]:
    spent_seconds, spent_money = _spent(c, holder)
    own_seconds, own_money = 0, 0.0
    if c.before is not None and c.before.billable and _belongs(c.state, c.before, holder):
        own_seconds, own_money = c.before.duration, c.before.rate
    seconds = (c.record.elapsed() or 0) - own_seconds
    money = rates.money(c.state, c.record, c.record.elapsed())[0] - own_money
    if holder.budget > 0 and spent_money + money > holder.budget:
        if c.access.may_somewhere("budget", noun):
            free_money = max(holder.budget - spent_money, 0.0)
            sums = (holder.budget, spent_money, free_money)
            yield noun, _used_up(*(_money(c, x) for x in sums))
        else:
            yield noun, texts.BUDGET_USED_SHORT
    elif holder.time_budget > 0 and spent_seconds + seconds > holder.time_budget:
        if c.access.may_somewhere("time", noun):
            free = max(holder.time_budget - spent_seconds, 0)
            amounts = (holder.time_budget, spent_seconds, free)
            yield noun, _used_up(*(durations.hours_minutes(x) for x in amounts))
        else:
            yield noun, texts.BUDGET_USED_SHORT


def _money(c: Checked, amount: float) -> str:
    """In the customer's currency and the owner's language."""
    assert c.project is not None
    currency = c.state.customers[c.project.customer].currency
    return durations.money(amount, currency, c.state.users[c.record.user].language)


def _used_up(budget: str, used: str, free: str) -> str:
    return texts.BUDGET_USED.format(budget=budget, used=used, free=free)


def _spent(c: Checked, holder: Activity | Project | Customer) -> tuple[int, float]:
    month = _month(c.record) if holder.budget_type == "month" else None
    seconds, money = 0, 0.0
    for other in c.state.timesheets.values():
        if other.running or not other.billable or not _belongs(c.state, other, holder):
            continue
        if month is None or _month(other) == month:
            seconds += other.duration
            money += other.rate
    return seconds, money


def _month(record: Timesheet) -> tuple[int, int]:
    assert record.begin is not None
    at = phptime.local(record.begin, record.zone)
    return at.year, at.month


def _belongs(state: KimaiState, record: Timesheet, holder: Activity | Project | Customer) -> bool:
    if isinstance(holder, Activity):
        return record.activity == holder.id
    if isinstance(holder, Project):
        return record.project == holder.id
    project = None if record.project is None else state.projects.get(record.project)
    return project is not None and project.customer == holder.id


def _deactivated(c: Checked) -> Iterator[Violation]:
    if not c.record.running and c.before is not None:
        return
    if c.activity is not None and not c.activity.visible:
        yield "activity", texts.ACTIVITY_DISABLED
    if c.project is not None:
        if not c.project.visible:
            yield "project", texts.PROJECT_DISABLED
        if not c.state.customers[c.project.customer].visible:
            yield "customer", texts.CUSTOMER_DISABLED


def _exported(c: Checked) -> Iterator[Violation]:
    if c.before is None or not c.before.exported:
        return
    whose = "own" if c.record.user == c.access.user.id else "other"
    allowed = c.access.has(f"edit_export_{whose}_timesheet")
    if not allowed and not c.access.has("edit_exported_timesheet"):
        yield "exported", texts.EXPORTED


def _future(c: Checked) -> Iterator[Violation]:
    if c.flag("allow_future_times"):
        return
    for edge, path, text in (
        ("begin", "begin_date", texts.BEGIN_IN_FUTURE),
        ("end", "end_time", texts.END_IN_FUTURE),
    ):
        rounding = c.state.settings.number(f"timesheet.rounding.default.{edge}")
        value = c.record.begin if edge == "begin" else c.record.end
        if value is not None and value > c.state.now() + (rounding + 1) * _MINUTE:
            yield path, text


def _lockdown(c: Checked) -> Iterator[Violation]:
    if not c.access.editable_in_lockdown(c.record):
        yield "begin_date", texts.LOCKED


def _long(c: Checked) -> Iterator[Violation]:
    elapsed = c.record.elapsed()
    if elapsed is None:
        return
    limit = c.state.settings.number(f"{_RULES}long_running_duration") * _MINUTE
    if elapsed > LONGEST:
        yield "duration", texts.TOO_LONG
    elif 0 < limit < elapsed:
        yield "duration", texts.LONG_RUNNING.format(hours=durations.hours_minutes(limit))


def _negative(c: Checked) -> Iterator[Violation]:
    elapsed = c.record.elapsed()
    if elapsed is not None and elapsed < 0:
        yield "duration", texts.NEGATIVE


def _overlap(c: Checked) -> Iterator[Violation]:
    begin, end = c.record.begin, c.record.end
    if c.flag("allow_overlapping_records") or begin is None or (end is not None and begin > end):
        return
    first = begin + 1  # one second, so that adjacent records do not touch
    last = first if end is None else end - 1
    for _, key in c.state.by_begin([c.record.user], None, None):
        other = c.state.timesheets[key]
        if key == c.record.id or other.end is None or other.begin is None:
            continue
        if _touch(first, last, other.begin, other.end, running=end is None):
            yield "begin_date", texts.OVERLAP
            return


def _touch(first: int, last: int, begin: int, end: int, *, running: bool) -> bool:
    """The four BETWEENs of `TimesheetRepository::hasRecordForTime`."""
    if begin <= first <= end:
        return True
    return not running and (begin <= last <= end or first <= begin <= last or first <= end <= last)


def _team_access(c: Checked) -> Iterator[Violation]:
    moved_project = c.before is None or c.before.project != c.record.project
    moved_activity = c.before is None or c.before.activity != c.record.activity
    if moved_project and c.project is not None and not c.access.reaches_project(c.project):
        yield "project", texts.PROJECT_FORBIDDEN
    if moved_activity and c.activity is not None and not c.access.reaches_activity(c.activity):
        yield "activity", texts.ACTIVITY_FORBIDDEN


def _zero(c: Checked) -> Iterator[Violation]:
    if not c.flag("allow_zero_duration") and c.record.elapsed() == 0:
        yield "duration", texts.ZERO


def _required(c: Checked) -> Iterator[Violation]:
    """The entity's own NotNull, after the class constraints."""
    if c.record.project is None:
        yield "project", texts.NOT_NULL
    if c.record.activity is None:
        yield "activity", texts.NOT_NULL


_ALL = (
    _begin_and_end,
    _work,
    _project_dates,
    _budget,
    _deactivated,
    _exported,
    _future,
    _lockdown,
    _long,
    _negative,
    _overlap,
    _team_access,
    _zero,
)

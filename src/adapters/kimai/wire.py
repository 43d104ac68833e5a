"""Kimai's JSON, as far as we need it. Source: `peers/kimai.md`, 1 to 3."""

import re
from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator

from adapters.peer_http import Refusal
from adapters.peer_wire import OffsetInstant, WireModel
from domain.ports.timesheets import Part, TargetItem, Timesheet

_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,40}", re.ASCII)
_ALIASES = {"begin_date": "begin", "end_date": "end"}  # internal names in service validation


class Record(WireModel):
    """A timesheet as POST, PATCH, GET and the plain list answer it.

    Rates are absent for most tokens and `fixedRate` in lists, so none is read here.
    """

    id: int
    user: int
    project: int
    activity: int
    begin: OffsetInstant
    end: OffsetInstant | None
    duration: int  # seconds; 0 while running
    description: str | None
    tags: list[str]
    exported: bool
    billable: bool | None = None

    def timesheet(self) -> Timesheet:
        return Timesheet(
            timesheet_id=self.id,
            user_id=self.user,
            project_id=self.project,
            activity_id=self.activity,
            begin=self.begin.astimezone(UTC),
            end=None if self.end is None else self.end.astimezone(UTC),
            duration=timedelta(seconds=self.duration),
            offset=_offset(self.begin),
            description=self.description or "",
            tags=frozenset(self.tags),
            exported=self.exported,
            billable=self.billable,
        )


class Me(WireModel):
    """`GET /api/users/me`."""

    id: int
    username: str
    timezone: str
    roles: list[str]


class TimesheetConfig(WireModel):
    """`GET /api/config/timesheet`."""

    trackingMode: str  # noqa: N815  Kimai's name
    isAllowFutureTimes: bool = True  # noqa: N815  Kimai's name
    isAllowOverlapping: bool = True  # noqa: N815  Kimai's name


class Version(WireModel):
    """`GET /api/version`."""

    version: str


class Tag(WireModel):
    """An item of `GET /api/tags/find`."""

    name: str
    visible: bool


def _day(value: object) -> object:
    return date.fromisoformat(value[:10]) if isinstance(value, str) else value


Day = Annotated[date, BeforeValidator(_day)]


class Holder(WireModel):
    """What customers, projects and activities share; budgets only where the token may see them."""

    id: int
    name: str
    visible: bool
    number: str | None = None
    budget: float | None = None
    timeBudget: int | None = None  # noqa: N815  Kimai's name; seconds

    @property
    def budgeted(self) -> bool | None:
        """Whether any budget is set; None when this token is not told."""
        if self.budget is None and self.timeBudget is None:
            return None
        return bool(self.budget or self.timeBudget)


class Customer(Holder):
    """An item of `GET /api/customers`."""

    def item(self) -> TargetItem:
        return TargetItem(item_id=self.id, name=self.name, active=self.visible, number=self.number)


class Project(Holder):
    """An item of `GET /api/projects`."""

    customer: int
    start: Day | None = None
    end: Day | None = None
    globalActivities: bool = True  # noqa: N815  Kimai's name

    def item(self) -> TargetItem:
        return TargetItem(
            item_id=self.id,
            name=self.name,
            active=self.visible,
            parent_id=self.customer,
            number=self.number,
        )


class Activity(Holder):
    """An item of `GET /api/activities`; without project it is global."""

    project: int | None

    def item(self) -> TargetItem:
        return TargetItem(
            item_id=self.id, name=self.name, active=self.visible, parent_id=self.project
        )


class User(WireModel):
    """An item of `GET /api/users`."""

    id: int
    username: str
    enabled: bool
    email: str | None = None

    def item(self) -> TargetItem:
        return TargetItem(
            item_id=self.id, name=self.username, active=self.enabled, email=self.email
        )


class ListedUser(User):
    """The same with what people know it by, where it differs."""

    alias: str | None = None


def project_part(project: Project | None, customer: Customer | None) -> Part | None:
    """The project as a timesheet meets it: hidden, too, when its customer is."""
    if project is None:
        return None
    return Part(
        visible=project.visible and (customer is None or customer.visible),
        begins=project.start,
        ends=project.end,
        global_activities=project.globalActivities,
        budget=project.budgeted,
    )


def activity_part(activity: Activity | None) -> Part | None:
    """The activity as a timesheet meets it."""
    if activity is None:
        return None
    return Part(visible=activity.visible, parent_id=activity.project, budget=activity.budgeted)


def owns(body: object) -> bool:
    """Whether an error body is Kimai's: an object with `code` or, for old headers, `message`."""
    return isinstance(body, dict) and ("code" in body or "message" in body)


def refusal(body: object, sent: Collection[str]) -> Refusal:
    """Where a form or service validation found fault: by location, never by text.

    A field that was sent and is no key of `children` is one this token may not set; that is the
    cause of an extra-fields error, whose text names nothing. Source: `peers/kimai.md`, 1.2.
    """
    errors: Any = body.get("errors") if isinstance(body, dict) else None
    if not isinstance(errors, dict):
        return Refusal()
    children = errors.get("children")
    children = children if isinstance(children, dict) else {}
    faulty = [_own_name(name) for name, child in children.items() if _has_errors(child)]
    root = bool(errors.get("errors"))
    # A service validation lists only what is wrong, so its children say nothing about the rest.
    extra = sorted(set(sent) - set(children)) if root and children else []
    hint = ", ".join(
        part
        for part in (
            f"at {', '.join(faulty)}" if faulty else "",
            f"this token may not set {', '.join(extra)}" if extra else "",
            "at the record as a whole" if root and not extra else "",
        )
        if part
    )
    return Refusal(fields=(*faulty, *extra), extra=tuple(extra), root=root, hint=hint)


def _has_errors(child: object) -> bool:
    """Whether a form child or anything below it carries errors; clean ones are `{}` or `[]`."""
    if not isinstance(child, dict):
        return False
    if child.get("errors"):
        return True
    below = child.get("children")
    return isinstance(below, dict) and any(_has_errors(one) for one in below.values())


def _own_name(name: object) -> str:
    """A field name safe to show: theirs, in our spelling, or a placeholder for anything odd."""
    text = str(name)
    return _ALIASES.get(text, text) if _FIELD_NAME.fullmatch(text) else "(unnamed)"


def _offset(instant: datetime) -> timedelta:
    offset = instant.utcoffset()
    assert offset is not None, "OffsetInstant is aware"
    return offset

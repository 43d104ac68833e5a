"""Which conflict a refusal by Kimai becomes.

Kimai never sends its constraint's code, and its texts vary by language (`peers/kimai.md`, 1.2):
status, field and place say where it found fault, and what it says of project, activity, user and
other timesheets says why. What neither tells is not claimed: then the text names what it may be.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.errors import Rejected
from domain.ports.timesheets import Circumstances, Part
from domain.time_entry.causes import RefusalCause as Cause
from domain.time_entry.state import Wait
from domain.time_entry.values import Desired, Operation, ReasonCode

FORBIDDEN = 403
TIMES = frozenset({"begin", "end"})
LONGEST = timedelta(hours=24)  # a longer one may be beyond Kimai's own limit instead
HINTS = {
    "project": "the project may be hidden, ended, not yet started, outside the token's teams, "
    "or its budget used up",
    "activity": "the activity may be hidden, of another project, or not allowed for the project",
    "user": "the user may be disabled or outside the token's teams",
}
WHOLE = (
    "the time may overlap another record, lie in a locked period or in the future, or exceed the "
    "budget"
)


@dataclass(frozen=True)
class _Finding:
    """Why, and what to do. `reason` None: the code of the operation."""

    cause: Cause
    text: str
    reason: ReasonCode | None = None


@dataclass(frozen=True, kw_only=True)
class _Case:
    error: Rejected
    facts: Circumstances | None
    desired: Desired
    now: datetime

    @property
    def today(self) -> date:
        """Kimai judges a project by today, not by the day of the work (trap 18)."""
        return _day(self.now, self.desired)

    @property
    def day(self) -> date:
        return _day(self.desired.begin, self.desired)


def _day(instant: datetime, desired: Desired) -> date:
    return instant.astimezone(ZoneInfo(desired.zone)).date()


def wait_for_refusal(
    operation: Operation,
    error: Rejected,
    *,
    desired: Desired | None,
    facts: Circumstances | None,
    now: datetime,
) -> Wait:
    """What a person reads after Kimai refused `operation`.

    `facts` is what Kimai said afterwards of everything that was asked for; None: nothing.
    """
    if operation is not Operation.CREATE and error.status == FORBIDDEN:
        return Wait(
            reason=ReasonCode.LOCKED_OR_EXPORTED,
            cause=Cause.CHANGE_FORBIDDEN,
            detail=f"Kimai forbids this token to {operation} the timesheet: it was exported, its "
            "period is locked, or the token lacks the permission. Unlock it, or grant it.",
        )
    reason = ReasonCode.PEER_REJECTED
    if operation is Operation.CREATE:
        reason = ReasonCode.CREATION_ERROR
    findings = (
        list(_findings(_Case(error=error, facts=facts, desired=desired, now=now)))
        if desired
        else []
    )
    findings = findings or [
        _Finding(Cause.UNEXPLAINED, "Kimai gives no reason. Look at the timesheet there")
    ]
    first = next((each for each in findings if each.reason is not None), findings[0])
    where = f" at {', '.join(error.fields)}" if error.fields else ""
    return Wait(
        reason=first.reason or reason,
        cause=first.cause,
        detail=f"Kimai refused to {operation} the timesheet (status {error.status}{where}): "
        f"{'; '.join(each.text for each in findings)}. Then try again.",
    )


def fingerprint(facts: Circumstances, desired: Desired, now: datetime) -> str:
    """Equal as long as Kimai would judge `desired` the same, as far as it tells what by.

    A lockdown, and how much is left of a budget, it does not tell.
    """
    today, project = _day(now, desired), facts.project
    begun = project is None or project.begins is None or project.begins <= today
    over = project is not None and project.ends is not None and project.ends < today
    too_soon = not facts.future_allowed and desired.end > now
    said = repr((sorted(asdict(facts).items()), begun, over, too_soon))
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _findings(case: _Case) -> Iterator[_Finding]:
    error = case.error
    if error.status == FORBIDDEN:
        yield _forbidden(case)
        return
    if error.extra:
        yield _extra(error)
        return
    for name in error.fields:
        match name:
            case "project":
                yield _project(case)
            case "activity":
                yield _activity(case)
            case "user":
                yield _user(case)
            case "exported":
                text = "it was exported meanwhile; take back the export"
                yield _Finding(Cause.EXPORTED, text, ReasonCode.LOCKED_OR_EXPORTED)
            case _:
                yield _Finding(
                    Cause.FIELD_REFUSED, f"it does not take this {name}; correct it in Zammad"
                )
    if error.root or not error.fields:
        yield _whole(case)


def _forbidden(case: _Case) -> _Finding:
    if case.facts is None:
        return _Finding(
            Cause.PERMISSION_MISSING,
            f"the token may not book for Kimai user {case.desired.user_id}, or not create "
            "timesheets at all; grant it, or use the token of a teamlead or administrator",
        )
    if case.facts.own:
        return _Finding(
            Cause.PERMISSION_MISSING,
            "the token may not create timesheets; grant its user create_own_timesheet",
        )
    return _Finding(
        Cause.OTHERS_FORBIDDEN,
        f"the token may not book for Kimai user {case.desired.user_id}; use the token of a "
        "teamlead of theirs, or of an administrator",
    )


def _extra(error: Rejected) -> _Finding:
    names = ", ".join(error.extra)
    if TIMES.intersection(error.extra):
        return _Finding(
            Cause.TRACKING_MODE,
            f"in Kimai's tracking mode this token may not send {names}; use mode default, or the "
            "token of a teamlead or administrator",
        )
    if "user" in error.extra:
        return _Finding(
            Cause.OTHERS_FORBIDDEN,
            "the token may book for its own user only; use that of a teamlead or administrator",
        )
    return _Finding(
        Cause.UNKNOWN_EXTRA_FIELD,
        f"this token may not set {names}; use the token of a teamlead or administrator",
    )


def _project(case: _Case) -> _Finding:  # noqa: PLR0911 # one return per cause
    name = f"project {case.desired.project_id}"
    if case.facts is None:
        return _Finding(
            Cause.PROJECT_REFUSED, f"{HINTS['project']}; correct it there or in the mappings"
        )
    project, activity = case.facts.project, case.facts.activity
    if project is None:
        return _Finding(
            Cause.PROJECT_NOT_SHOWN,
            f"{name} is deleted, or outside the token's teams; map to another one",
        )
    if not project.visible:
        return _Finding(
            Cause.PROJECT_HIDDEN,
            f"{name} or its customer is hidden; show it, or map to another one",
        )
    if project.ends is not None and project.ends < case.today:
        return _Finding(
            Cause.PROJECT_ENDED,
            f"{name} ended on {project.ends}; move its end, or map to another one",
        )
    if project.begins is not None and project.begins > case.today:
        return _Finding(
            Cause.PROJECT_NOT_BEGUN,
            f"{name} begins on {project.begins} only; move that, or map to another one",
        )
    if activity is not None and activity.parent_id not in (None, case.desired.project_id):
        return _other_project(case)
    if project.budget:
        text = f"the budget of {name} is used up; raise it, or allow overbooking"
        return _Finding(Cause.PROJECT_BUDGET_USED, text, ReasonCode.BUDGET_EXCEEDED)
    if project.budget is False:
        text = f"{name} is outside the token's teams; correct that in Kimai"
        return _Finding(Cause.PROJECT_OUTSIDE_TEAMS, text)
    return _Finding(
        Cause.PROJECT_REFUSED,
        f"{name} is outside the token's teams, or its budget is used up; correct that in Kimai",
    )


def _other_project(case: _Case) -> _Finding:
    assert case.facts is not None
    assert case.facts.activity is not None
    return _Finding(
        Cause.ACTIVITY_OF_ANOTHER_PROJECT,
        f"activity {case.desired.activity_id} belongs to project {case.facts.activity.parent_id}, "
        f"not to {case.desired.project_id}; map the type to a global activity or to one of it",
    )


def _activity(case: _Case) -> _Finding:  # noqa: PLR0911 # one return per cause
    name = f"activity {case.desired.activity_id}"
    if case.facts is None:
        return _Finding(
            Cause.ACTIVITY_REFUSED, f"{HINTS['activity']}; correct it there or in the mappings"
        )
    project, activity = case.facts.project, case.facts.activity
    if activity is None:
        return _Finding(
            Cause.ACTIVITY_NOT_SHOWN,
            f"{name} is deleted, or outside the token's teams; map to another one",
        )
    if not activity.visible:
        return _Finding(
            Cause.ACTIVITY_HIDDEN, f"{name} is hidden; show it, or map the type to another one"
        )
    if activity.parent_id not in (None, case.desired.project_id):
        return _other_project(case)
    if activity.parent_id is None and project is not None and not project.global_activities:
        return _Finding(
            Cause.GLOBAL_ACTIVITY_FORBIDDEN,
            f"project {case.desired.project_id} takes no global activities, and {name} is one; "
            "allow them, or map the type to an activity of the project",
        )
    if activity.budget:
        text = f"the budget of {name} is used up; raise it, or allow overbooking"
        return _Finding(Cause.ACTIVITY_BUDGET_USED, text, ReasonCode.BUDGET_EXCEEDED)
    if activity.budget is False:
        text = f"{name} is outside the token's teams; correct that in Kimai"
        return _Finding(Cause.ACTIVITY_OUTSIDE_TEAMS, text)
    return _Finding(
        Cause.ACTIVITY_REFUSED,
        f"{name} is outside the token's teams, or its budget is used up; correct that in Kimai",
    )


def _user(case: _Case) -> _Finding:
    name = f"Kimai user {case.desired.user_id}"
    if case.facts is None or case.facts.user_enabled is None:
        return _Finding(
            Cause.USER_REFUSED, f"{HINTS['user']}; enable {name}, or map the agent to another one"
        )
    if not case.facts.user_enabled:
        return _Finding(
            Cause.USER_DEACTIVATED,
            f"{name} is deactivated; activate it, or map the agent to another one",
        )
    return _Finding(
        Cause.USER_OUTSIDE_TEAMS,
        f"{name} is outside the token's teams; use a token that leads one of theirs",
    )


def _whole(case: _Case) -> _Finding:  # noqa: PLR0911 # one return per cause
    facts, desired = case.facts, case.desired
    if facts is None:
        return _Finding(Cause.TIME_REFUSED, f"{WHOLE}; correct that there")
    if not facts.overlaps_allowed and facts.overlapping:
        others = ", ".join(str(each) for each in facts.overlapping)
        return _Finding(
            Cause.OVERLAP,
            f"it overlaps timesheet {others}, which Kimai's settings forbid; move one of them, or "
            "allow overlapping records",
            ReasonCode.OVERLAP_FORBIDDEN,
        )
    if not facts.future_allowed and desired.end > case.now:
        return _Finding(
            Cause.FUTURE_FORBIDDEN,
            "it lies in the future, which Kimai's settings forbid; wait, or allow it",
        )
    if (cause := _outside(case, facts.project)) is not None:
        return cause
    if desired.begin == desired.end:
        return _Finding(
            Cause.ZERO_FORBIDDEN,
            "Kimai's settings forbid a length of zero; allow it, or do without the timesheet",
        )
    if facts.customer_budget:
        text = "the customer's budget is used up; raise it, or allow overbooking"
        return _Finding(Cause.CUSTOMER_BUDGET_USED, text, ReasonCode.BUDGET_EXCEEDED)
    if _only_lockdown_is_left(case, facts):
        more = "" if facts.customer_budget is False else " (or the customer's budget is used up)"
        return _Finding(
            Cause.PERIOD_LOCKED,
            f"nothing that Kimai shows explains it, so {case.day} lies in a locked period{more}; "
            "open it in Kimai's settings, or grant the token's user lockdown_override_timesheet",
            ReasonCode.PERIOD_LOCKED,
        )
    return _Finding(Cause.TIME_REFUSED, f"{WHOLE}; correct that there")


def _outside(case: _Case, project: Part | None) -> _Finding | None:
    name = f"project {case.desired.project_id}"
    if project is None:
        return None
    if not project.visible:
        return _Finding(
            Cause.PROJECT_HIDDEN,
            f"{name} or its customer is hidden; show it, or map to another one",
        )
    if project.begins is not None and case.day < project.begins:
        return _Finding(
            Cause.PROJECT_NOT_BEGUN,
            f"{name} had not begun on {case.day}, but begins on {project.begins}",
        )
    if project.ends is not None and case.day > project.ends:
        return _Finding(
            Cause.PROJECT_ENDED, f"{name} had ended on {case.day}: its end is {project.ends}"
        )
    return None


def _only_lockdown_is_left(case: _Case, facts: Circumstances) -> bool:
    """Everything that Kimai tells is excluded by now; what it never tells is the lockdown."""
    short = case.desired.end - case.desired.begin <= LONGEST
    past = case.day < case.today
    return facts.project is not None and short and past and not facts.past_lockdown

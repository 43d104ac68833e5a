"""Each cause of a refusal has its own name, told by status, place and field and never by text."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.errors import Rejected
from domain.ports.timesheets import Circumstances, Part
from domain.rules.refusal import fingerprint, wait_for_refusal
from domain.time_entry.causes import RefusalCause as Cause
from domain.time_entry.commands import GiveUp, Hold, Retry
from domain.time_entry.decide import TIME_ENTRY
from domain.time_entry.events import ConflictOpened, EntryDeadLettered
from domain.time_entry.state import Wait
from domain.time_entry.values import Desired, Operation, ReasonCode
from tests.support.bookings import BOOKED, decide, observe
from tests.support.given import given


def desired() -> Desired:
    seen = given(TIME_ENTRY).when(observe()).after().state
    found = decide(seen).ruling.desired
    assert found is not None
    return found


ASKED = desired()
DAY = ASKED.begin.date()
NOW = BOOKED + timedelta(days=2)
WELL = Circumstances(
    own=False,
    user_enabled=True,
    project=Part(visible=True, budget=False),
    activity=Part(visible=True, budget=False),
    customer_budget=False,
    overlaps_allowed=True,
    future_allowed=True,
    overlapping=(),
    past_lockdown=False,
)


def at(*fields: str, **more: Any) -> Rejected:
    return Rejected("kimai", "Unzulässig.", status=400, fields=fields, **more)


def project(**changes: Any) -> Circumstances:
    return replace(WELL, project=replace(Part(visible=True, budget=False), **changes))


def activity(**changes: Any) -> Circumstances:
    return replace(WELL, activity=replace(Part(visible=True, budget=False), **changes))


def facts(**changes: Any) -> Circumstances:
    return replace(WELL, **changes)


WHOLE, FORBIDDEN = at(root=True), Rejected("kimai", "Verboten", status=403)
EARLIER, LATER = NOW.date() - timedelta(days=1), NOW.date() + timedelta(days=1)
ELSEWHERE = ASKED.project_id + 1
TABLE: list[tuple[Cause, Rejected, Circumstances | None]] = [
    (Cause.EXPORTED, at("exported"), WELL),
    (Cause.PERIOD_LOCKED, WHOLE, WELL),
    (Cause.OVERLAP, WHOLE, facts(overlaps_allowed=False, overlapping=(8,))),
    (Cause.TIME_REFUSED, WHOLE, None),
    (Cause.TIME_REFUSED, WHOLE, facts(past_lockdown=True)),
    (Cause.PROJECT_BUDGET_USED, at("project"), project(budget=True)),
    (Cause.ACTIVITY_BUDGET_USED, at("activity"), activity(budget=True)),
    (Cause.CUSTOMER_BUDGET_USED, WHOLE, facts(customer_budget=True)),
    (Cause.PROJECT_NOT_SHOWN, at("project"), facts(project=None)),
    (Cause.PROJECT_HIDDEN, at("project"), project(visible=False)),
    (Cause.PROJECT_HIDDEN, WHOLE, project(visible=False)),
    (Cause.PROJECT_ENDED, at("project"), project(ends=EARLIER)),
    (Cause.PROJECT_ENDED, WHOLE, project(ends=DAY - timedelta(days=1))),
    (Cause.PROJECT_NOT_BEGUN, at("project"), project(begins=LATER)),
    (Cause.PROJECT_NOT_BEGUN, WHOLE, project(begins=DAY + timedelta(days=1))),
    (Cause.PROJECT_OUTSIDE_TEAMS, at("project"), WELL),
    (Cause.PROJECT_REFUSED, at("project"), project(budget=None)),
    (Cause.PROJECT_REFUSED, at("project"), None),
    (Cause.ACTIVITY_NOT_SHOWN, at("activity"), facts(activity=None)),
    (Cause.ACTIVITY_HIDDEN, at("activity"), activity(visible=False)),
    (Cause.ACTIVITY_OF_ANOTHER_PROJECT, at("activity"), activity(parent_id=ELSEWHERE)),
    (Cause.ACTIVITY_OF_ANOTHER_PROJECT, at("project"), activity(parent_id=ELSEWHERE)),
    (Cause.GLOBAL_ACTIVITY_FORBIDDEN, at("activity"), project(global_activities=False)),
    (Cause.ACTIVITY_OUTSIDE_TEAMS, at("activity"), WELL),
    (Cause.ACTIVITY_REFUSED, at("activity"), activity(budget=None)),
    (Cause.ACTIVITY_REFUSED, at("activity"), None),
    (Cause.USER_DEACTIVATED, at("user"), facts(user_enabled=False)),
    (Cause.USER_OUTSIDE_TEAMS, at("user"), WELL),
    (Cause.USER_REFUSED, at("user"), facts(user_enabled=None)),
    (Cause.TRACKING_MODE, at("begin", extra=("begin", "end")), WELL),
    (Cause.PERMISSION_MISSING, FORBIDDEN, facts(own=True)),
    (Cause.PERMISSION_MISSING, FORBIDDEN, None),
    (Cause.OTHERS_FORBIDDEN, FORBIDDEN, WELL),
    (Cause.OTHERS_FORBIDDEN, at("user", extra=("user",)), WELL),
    (Cause.UNKNOWN_EXTRA_FIELD, at("billable", extra=("billable",)), WELL),
    (Cause.FIELD_REFUSED, at("description"), WELL),
]
ELSEWHERE_TESTED = {
    Cause.CHANGE_FORBIDDEN,
    Cause.FUTURE_FORBIDDEN,
    Cause.ZERO_FORBIDDEN,
    Cause.UNEXPLAINED,
    Cause.TIMESHEET_NOT_SHOWN,  # test_lost_access, test_sync
    Cause.ROW_UNREADABLE,  # test_sync
    Cause.KIMAI_UNAVAILABLE,  # test_dead_letters
    Cause.ANSWER_LOST,  # test_sync
    Cause.CUSTOMER_MISSING,  # test_making
    Cause.PROJECT_MISSING,  # test_making
}
# where one code would do for several: the code of the operation, or one for a few of them
OWN_CODE = {
    Cause.EXPORTED: ReasonCode.LOCKED_OR_EXPORTED,
    Cause.PERIOD_LOCKED: ReasonCode.PERIOD_LOCKED,
    Cause.OVERLAP: ReasonCode.OVERLAP_FORBIDDEN,
    Cause.PROJECT_BUDGET_USED: ReasonCode.BUDGET_EXCEEDED,
    Cause.ACTIVITY_BUDGET_USED: ReasonCode.BUDGET_EXCEEDED,
    Cause.CUSTOMER_BUDGET_USED: ReasonCode.BUDGET_EXCEEDED,
}


def judged(
    error: Rejected,
    circumstances: Circumstances | None,
    operation: Operation = Operation.CREATE,
    asked: Desired | None = ASKED,
) -> Wait:
    return wait_for_refusal(operation, error, desired=asked, facts=circumstances, now=NOW)


@pytest.mark.parametrize(("cause", "error", "circumstances"), TABLE)
def test_a_cause_is_told_by_where_and_what_kimai_shows(
    cause: Cause, error: Rejected, circumstances: Circumstances | None
) -> None:
    wait = judged(error, circumstances)
    assert wait.cause is cause, wait.detail
    assert wait.reason is OWN_CODE.get(cause, ReasonCode.CREATION_ERROR)
    changed = judged(error, circumstances, Operation.UPDATE)
    if error.status == 403:
        expected = (ReasonCode.LOCKED_OR_EXPORTED, Cause.CHANGE_FORBIDDEN)
    else:
        expected = (OWN_CODE.get(cause, ReasonCode.PEER_REJECTED), cause)
    assert (changed.reason, changed.cause) == expected


def test_every_cause_is_tested() -> None:
    tested = {cause for cause, _, _ in TABLE}
    assert tested | ELSEWHERE_TESTED == set(Cause)
    assert not tested & ELSEWHERE_TESTED


def test_the_words_of_kimai_do_not_matter() -> None:
    for words in ("The project has ended", "Projekt beendet", ""):
        error = Rejected("kimai", words, status=400, fields=("activity",))
        assert judged(error, activity(visible=False)).cause is Cause.ACTIVITY_HIDDEN


def test_of_several_the_one_with_a_code_of_its_own_counts() -> None:
    both = replace(project(budget=True), activity=None)
    wait = judged(at("activity", "project"), both)
    assert (wait.reason, wait.cause) == (ReasonCode.BUDGET_EXCEEDED, Cause.PROJECT_BUDGET_USED)
    assert "activity" in wait.detail


def test_the_future_and_a_length_of_zero() -> None:
    ahead = replace(ASKED, begin=NOW, end=NOW + timedelta(hours=1))
    assert judged(WHOLE, facts(future_allowed=False), asked=ahead).cause is Cause.FUTURE_FORBIDDEN
    nothing = replace(ASKED, end=ASKED.begin)
    assert judged(WHOLE, WELL, asked=nothing).cause is Cause.ZERO_FORBIDDEN


def test_a_deletion_that_is_refused_without_a_reason() -> None:
    wait = judged(WHOLE, None, Operation.DELETE, asked=None)
    assert (wait.reason, wait.cause) == (ReasonCode.PEER_REJECTED, Cause.UNEXPLAINED)


def test_the_documentation_says_what_to_do_about_each() -> None:
    text = (Path(__file__).parents[2] / "docs" / "peers.md").read_text()
    section = text.split("## When Kimai refuses")[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("| `")
    ][1:]
    assert sorted(row[0] for row in rows) == sorted(f"`{cause}`" for cause in Cause)
    assert all(len(row) == 4 and all(row) for row in rows)
    said = {row[0].strip("`"): set(re.findall("`([A-Z_]+)`", row[1])) for row in rows}
    for cause, error, circumstances in TABLE:
        assert judged(error, circumstances).reason in said[cause], cause


def test_the_cause_stays_when_it_is_held_for_the_same_again() -> None:
    """The same text after a retry that was decided in between names the same cause."""
    seen = given(TIME_ENTRY).when(observe()).after()
    hold = Hold(reason=ReasonCode.PEER_REJECTED, detail="no", cause=Cause.TIMESHEET_NOT_SHOWN)
    held = seen.when(decide(seen.state)).after().when(hold).after()
    assert held.state is not None
    assert held.state.conflict is not None
    assert held.state.conflict.cause is Cause.TIMESHEET_NOT_SHOWN
    retried = held.when(Retry()).after()
    again = retried.when(decide(retried.state)).after().when(hold)
    opened = [event for event in again.events if isinstance(event, ConflictOpened)]
    assert [event.cause for event in opened] == [Cause.TIMESHEET_NOT_SHOWN]


@pytest.mark.parametrize(("allowed", "same"), [(True, True), (False, False)])
def test_that_time_passes_is_news_only_where_the_future_is_forbidden(
    *, allowed: bool, same: bool
) -> None:
    """Found by the fault campaign: what was refused for another cause was sent again."""
    said = facts(future_allowed=allowed, user_enabled=False)
    before, after = (ASKED.end + timedelta(seconds=each) for each in (-1, 1))
    assert (fingerprint(said, ASKED, before) == fingerprint(said, ASKED, after)) is same


def test_a_dead_letter_names_its_cause() -> None:
    seen = given(TIME_ENTRY).when(observe()).after()
    give_up = GiveUp(reason=ReasonCode.PEER_REJECTED, detail="down", cause=Cause.KIMAI_UNAVAILABLE)
    (dead,) = seen.when(give_up).events
    assert isinstance(dead, EntryDeadLettered)
    assert dead.cause is Cause.KIMAI_UNAVAILABLE

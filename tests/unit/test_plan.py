"""The life of a plan, its digest, and how what moved is told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from domain.ids import PlanId, RunId
from domain.numbering import NumberTaken
from domain.personal import Personal
from domain.plan.commands import (
    ApplyPlan,
    BeginPlan,
    FailPlan,
    FinishPlan,
    RefusePlan,
    RequestPlan,
)
from domain.plan.decide import LIFETIME, PLAN
from domain.plan.digest import RowsDigest, fingerprint
from domain.plan.events import (
    PlanApplied,
    PlanBegun,
    PlanFailed,
    PlanMade,
    PlanRefused,
    PlanRequested,
)
from domain.plan.values import Action, Counts, Minutes, PlanKind, PlanRow, moved_between
from domain.time_entry.values import Desired, ReasonCode, Request
from tests.support.bookings import ENTRY, KIMAI, ZAMMAD, written
from tests.support.given import given

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
ID = PlanId(7)
DIGEST = "sha256:00"
ASKED = {
    "plan_id": ID,
    "kind": PlanKind.RUN,
    "source_connector_id": ZAMMAD,
    "target_connector_id": KIMAI,
    "start_date": None,
    "end_date": None,
}
REQUESTED = PlanRequested(**ASKED)  # type: ignore[arg-type] # as above
BEGUN = PlanBegun(plan_id=ID, rows_after=0)
FACTS = {
    "digest": DIGEST,
    "rows": 1,
    "counts": Counts(create=1),
    "minutes": Minutes(create=Decimal(15)),
    "fetched": 1,
}
MADE = PlanMade(plan_id=ID, expires_at=NOW + LIFETIME, **FACTS)  # type: ignore[arg-type] # as above
APPLY = ApplyPlan(run_id=RunId(3), digest=DIGEST, now=NOW)
APPLIED = PlanApplied(plan_id=ID, run_id=RunId(3), digest=DIGEST)
DESIRED = Desired(
    begin=NOW,
    end=NOW + timedelta(minutes=15),
    zone="Europe/Berlin",
    user_id=4,
    project_id=1,
    activity_id=2,
    description=Personal("customer:8", "Reset the tunnel."),
    tag="source:zammad",
    billable=None,
)
ROW = PlanRow(
    row=1,
    entry_id=ENTRY,
    action=Action.UPDATE,
    ticket_number="10050",
    user=Personal("zammad-user:5", "Emma Taylor"),
    minutes=Decimal("15.0000"),
    before=written(DESIRED),
    after=DESIRED,
    request=Request(
        method="PATCH", path="/api/timesheets/11", fields={"end": "…"}, description=None
    ),
)


def test_a_plan_is_asked_for_once() -> None:
    given(PLAN).when(RequestPlan(**ASKED)).then(REQUESTED)  # type: ignore[arg-type] # as above
    with pytest.raises(NumberTaken):
        _ = given(PLAN, REQUESTED).when(RequestPlan(**ASKED)).events  # type: ignore[arg-type] # as above


def test_a_plan_half_made_is_begun_again() -> None:
    again = given(PLAN, REQUESTED, BEGUN).when(BeginPlan(rows_after=3))
    state = again.then(PlanBegun(plan_id=ID, rows_after=3)).state
    assert state is not None
    assert (state.state, state.rows_after) == ("building", 3)


def test_it_is_good_for_a_day() -> None:
    finish = FinishPlan(now=NOW, **FACTS)  # type: ignore[arg-type] # as above
    given(PLAN, REQUESTED, BEGUN).when(finish).then(MADE)
    late = replace(APPLY, now=NOW + timedelta(hours=24))
    given(PLAN, REQUESTED, BEGUN, MADE).when(late).then_refused("plan_expired")
    just = replace(APPLY, now=NOW + timedelta(hours=24, microseconds=-1))
    given(PLAN, REQUESTED, BEGUN, MADE).when(just).then(APPLIED)


def test_only_the_digest_that_was_read_is_applied() -> None:
    other = replace(APPLY, digest="sha256:11")
    given(PLAN, REQUESTED, BEGUN, MADE).when(other).then_refused("plan_digest_mismatch")


def test_it_is_applied_once_and_taken_up_again_by_the_same_run_only() -> None:
    history = (REQUESTED, BEGUN, MADE, APPLIED)
    given(PLAN, *history).when(APPLY).then()
    given(PLAN, *history).when(replace(APPLY, run_id=RunId(4))).then_refused("plan_applied")


def test_what_is_not_complete_is_not_applied() -> None:
    given(PLAN, REQUESTED).when(APPLY).then_refused("plan_not_ready")
    failed = PlanFailed(plan_id=ID, error="kimai: down")
    given(PLAN, REQUESTED).when(FailPlan(error="kimai: down")).then(failed)
    given(PLAN, REQUESTED, failed).when(APPLY).then_refused("plan_not_ready")
    given(PLAN, REQUESTED, failed).when(FailPlan(error="again")).then_refused("entry_state")
    given(PLAN).when(APPLY).then_refused("not_found")


def test_a_refused_plan_may_be_tried_again() -> None:
    moved = moved_between(ROW, None)
    refuse = RefusePlan(run_id=RunId(3), rows=1, moved=moved)
    refused = PlanRefused(plan_id=ID, run_id=RunId(3), rows=1, moved=moved)
    given(PLAN, REQUESTED, MADE).when(refuse).then(refused).when(APPLY).then(APPLIED)


def digest(*rows: PlanRow) -> str:
    sums = RowsDigest()
    for row in rows:
        sums.add(row)
    return sums.text


def test_the_digest_covers_every_value_and_the_order() -> None:
    second = replace(ROW, row=2)
    assert digest(ROW, second) != digest(second, ROW)
    assert ROW.request is not None
    assert ROW.before is not None
    changed = [
        replace(ROW, minutes=Decimal("16.0000")),
        replace(ROW, reason=ReasonCode.OTHER),
        replace(ROW, user=Personal("zammad-user:5", "Somebody Else")),
        replace(ROW, request=replace(ROW.request, fields={"end": "later"})),
        replace(ROW, before=replace(ROW.before, duration=timedelta(minutes=14))),
        replace(ROW, after=replace(DESIRED, billable=True)),
    ]
    assert len({digest(row) for row in [ROW, *changed]}) == len(changed) + 1


def test_the_fingerprint_covers_what_is_done_and_to_what() -> None:
    assert ROW.before is not None
    assert fingerprint(ROW) == fingerprint(replace(ROW, row=9, minutes=None))
    elsewhere = replace(ROW, before=replace(ROW.before, project_id=3))
    assert fingerprint(elsewhere) != fingerprint(ROW)


def test_what_moved_is_told_field_by_field() -> None:
    assert ROW.request is not None
    assert ROW.before is not None
    now = replace(
        ROW,
        request=replace(ROW.request, fields={"end": "later", "project": 3}),
        before=replace(ROW.before, description=Personal("customer:8", "Secret.")),
    )
    told = {(each.field, each.planned, each.now) for each in moved_between(ROW, now)}
    assert told == {
        ("request.end", "…", "later"),
        ("request.project", "absent", "3"),
        ("before.description", "the planned text", "another text"),
    }
    held = replace(ROW, action=Action.CONFLICT, reason=ReasonCode.TARGET_EDITED)
    (action,) = moved_between(ROW, held)
    assert (action.field, action.planned, action.now) == (
        "action",
        "update",
        "conflict (TARGET_EDITED)",
    )
    assert [each.now for each in moved_between(ROW, None)] == ["nothing"]
    assert moved_between(ROW, ROW) == ()

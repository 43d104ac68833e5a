"""What a person may do with a row of Reconcile: every reason, on either side."""

from dataclasses import replace
from decimal import Decimal

import pytest

from domain.rules.row_ops import (
    EXPORTED,
    NEVER,
    NOT_TO_CHANGE,
    ONCE,
    Op,
    RowFacts,
    Status,
    ops_of,
)
from domain.time_entry.causes import RefusalCause
from domain.time_entry.values import ReasonCode

ALWAYS = {
    ReasonCode.CREATION_ERROR,
    ReasonCode.TARGET_DELETED,
    ReasonCode.TARGET_EDITED,
    ReasonCode.SOURCE_DELETED,
    ReasonCode.TIME_MISMATCH,
    ReasonCode.DUPLICATE,
    ReasonCode.TICKET_MERGED,
    ReasonCode.OVERLAP_FORBIDDEN,
    ReasonCode.BUDGET_EXCEEDED,
    ReasonCode.PEER_REJECTED,
    ReasonCode.CONFLICT,
    ReasonCode.OTHER,
}


def test_every_reason_is_always_once_or_never() -> None:
    assert ALWAYS | ONCE.keys() | NEVER.keys() == set(ReasonCode)
    assert len(ALWAYS) + len(ONCE) + len(NEVER) == len(ReasonCode)


@pytest.mark.parametrize("reason", ReasonCode)
@pytest.mark.parametrize(("linked", "matched"), [(True, False), (False, True), (False, False)])
def test_what_is_offered_follows_from_whether_kimai_has_it(
    reason: ReasonCode, linked: bool, matched: bool
) -> None:
    row = RowFacts(reason=reason, linked=linked, matched=matched)
    correct = {Op.CORRECT} if linked and reason in NOT_TO_CHANGE else set()
    calm, writing = (Op.KEEP_TARGET, Op.UPDATE) if linked or matched else (Op.SKIP, Op.CREATE)
    assert row.status is (Status.CONFLICT if linked or matched else Status.MISSING)
    ops = ops_of(row)
    assert set(ops.allowed) | ops.blocked.keys() == {calm, writing} | correct
    assert not set(ops.allowed) & ops.blocked.keys()
    assert ops.hopeful <= ops.blocked.keys()
    assert (writing in ops.allowed) is (reason in ALWAYS)
    assert (calm in ops.allowed) is (reason is not ReasonCode.WRITE_UNCERTAIN)
    assert (ops.blocked_by is None) is (reason in ALWAYS)
    assert (writing in ops.hopeful) is (reason in ONCE)


@pytest.mark.parametrize("reason", ReasonCode)
@pytest.mark.parametrize("seen", ["exported", "cause"])
def test_what_was_billed_is_never_offered_for_a_write(reason: ReasonCode, seen: str) -> None:
    cause = RefusalCause.EXPORTED if seen == "cause" else None
    row = RowFacts(reason=reason, cause=cause, linked=True, exported=seen == "exported")
    ops = ops_of(row)
    assert Op.UPDATE not in ops.allowed
    if reason in ALWAYS:
        assert ops.blocked[Op.UPDATE] == EXPORTED
        assert (ops.blocked_by or "").startswith(EXPORTED)
        assert Op.KEEP_TARGET in ops.allowed


@pytest.mark.parametrize("minutes", [None, -15, 0, 15])
def test_what_was_billed_is_corrected_where_time_is_missing(minutes: int | None) -> None:
    missing = None if minutes is None else Decimal(minutes)
    row = RowFacts(
        reason=ReasonCode.SOURCE_CHANGED_AFTER_EXPORT,
        cause=RefusalCause.EXPORTED,
        linked=True,
        exported=True,
        missing_minutes=missing,
    )
    ops = ops_of(row)
    assert (Op.CORRECT in ops.allowed) is (minutes == 15)
    assert (Op.CORRECT in ops.hopeful) is (minutes is None)
    if minutes in (-15, 0):
        assert "no negative time" in (ops.blocked_by or "")
    gone = ops_of(replace(row, source_gone=True))
    assert Op.CORRECT not in {*gone.allowed, *gone.hopeful}


def test_a_row_of_zammad_that_cannot_be_read_can_only_be_skipped() -> None:
    row = RowFacts(reason=ReasonCode.PEER_REJECTED, cause=RefusalCause.ROW_UNREADABLE)
    assert ops_of(row).allowed == (Op.SKIP,)
    assert ops_of(row).hopeful == {Op.CREATE}

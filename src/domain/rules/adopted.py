"""A timesheet that was in Kimai before us stays as it is for as long as its booking does.

Its description, its time of day and what it is booked on are somebody else's choice. Only the
amount is compared; the first change in Zammad brings all of it to what the booking asks for.
"""

from dataclasses import replace
from datetime import timedelta

from domain.connector.settings import KimaiSettings
from domain.rules.work_time import work_date
from domain.time_entry.commands import Ruling
from domain.time_entry.state import TimeEntry, Wait
from domain.time_entry.values import Basis, Booking, Context, Outcome, ReasonCode

ASKED = ("time_unit", "type_id", "created_by_id", "ticket_id")  # of a booking, what a sheet shows
MINUTE = timedelta(minutes=1)


def is_as_adopted(
    entry: TimeEntry, booking: Booking, context: Context, *, taking_over: bool
) -> bool:
    """Whether the booking asks for the same as when its timesheet was taken over.

    What corrections took from it by then belongs to that, in whatever order a run that takes a
    Kimai over (`taking_over`) met them. While a person is asked about the amount, a further
    correction only changes the question.
    """
    settled, conflict = entry.settled, entry.conflict
    if settled is None or not settled.adopted:
        return False
    asked = conflict is not None and conflict.reason is ReasonCode.TIME_MISMATCH
    corrected = settled.reduced not in (None, entry.reduced.seconds)
    if corrected and not taking_over and not asked:
        return False
    same = all(getattr(settled.booking, name) == getattr(booking, name) for name in ASKED)
    return same and (settled.context is None or settled.context.owner == context.owner)


def as_adopted(entry: TimeEntry, asked: timedelta, basis: Basis, kimai: KimaiSettings) -> Ruling:
    """Leave it; or ask a person, once, when its amount is not the one that is asked for."""
    assert entry.settled is not None
    settled, found = entry.settled, entry.settled.written.duration
    assert basis.zone is not None
    basis = replace(basis, work_date=work_date(settled.written.begin, basis.zone))
    leave = Ruling(outcome=Outcome.LEAVE, basis=basis, desired=settled.desired)
    if abs(found - asked) < _slack(kimai):
        return leave
    exported = " It is exported, so it is not written to." if settled.written.exported else ""
    wait = Wait(
        reason=ReasonCode.TIME_MISMATCH,
        detail=f"Timesheet {settled.written.timesheet_id} was in Kimai before and lasts {found}; "
        f"the booking asks for {asked}.{exported} Keep the timesheet or bring it to the booking.",
    )
    if entry.accepted == wait:
        return leave
    return replace(leave, outcome=Outcome.HOLD, reason=wait.reason, detail=wait.detail)


def _slack(kimai: KimaiSettings) -> timedelta:
    """By less than this, rounding of begin, end and duration may have changed an amount.

    Kimai rounds to the minute even where nothing is set; whoever wrote it may have sent seconds.
    """
    steps = (max(kimai.round_begin, 1), max(kimai.round_end, 1), kimai.round_duration)
    return MINUTE * sum(steps)

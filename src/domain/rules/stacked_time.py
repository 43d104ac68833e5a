"""When the work of a stacked booking was done: where Kimai has it, or where its day has room."""

from datetime import timedelta

from domain.rules.configuration import Situation
from domain.rules.work_time import work_date
from domain.span import Span
from domain.time_entry.state import TimeEntry, Wait
from domain.time_entry.values import Booking, ReasonCode
from domain.work_day.values import Unplaced, WorkDay


def stacked_time(
    entry: TimeEntry, booking: Booking, situation: Situation, zone: str, duration: timedelta
) -> Span | Unplaced | Wait:
    """When the work was done, in UTC and before any rounding.

    A timesheet keeps its times while person, day and length of its booking stay the same,
    whatever became of the bookings around it. All else has the place it was given on its day, or
    says that it needs one.
    """
    settled = None if entry.correcting is not None else entry.settled
    stays = settled is not None and (
        settled.booking.created_by_id == booking.created_by_id
        and settled.booking.created_at == booking.created_at
    )
    former = settled.worked if settled is not None and stays else None
    if former is not None and former.end - former.begin == duration:
        return former
    wanted = Unplaced(
        entry_id=entry.entry_id,
        day=WorkDay(
            connector_id=situation.configuration.source,
            agent_id=booking.created_by_id,
            day=work_date(booking.created_at, zone),
        ),
        zone=zone,
        booked_at=booking.created_at,
        duration=duration,
        preferred=None if former is None else former.begin,
        beside=tuple(
            Span(begin=sheet.begin, end=sheet.end or sheet.begin) for sheet in entry.beside
        ),
    )
    if wanted not in situation.places:
        return wanted
    slot = situation.places[wanted]
    if slot is None:
        return _no_room(wanted, situation)
    return Span(begin=slot.begin, end=slot.end)


def _no_room(wanted: Unplaced, situation: Situation) -> Wait:
    start = situation.configuration.zammad.day_start
    return Wait(
        reason=ReasonCode.CONFLICT,
        detail=f"The bookings of Zammad user {wanted.day.agent_id} on {wanted.day.day} leave no "
        f"room for {wanted.duration} hours in one piece between {start:%H:%M} and midnight "
        f"({wanted.zone}). Set day_start earlier or correct the bookings in Zammad; every run "
        "looks again whether there is room.",
    )

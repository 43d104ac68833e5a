"""What should happen with a booking: all other rules, in order, on one booking.

What was written once keeps the unit, anchor and mappings recorded with it for as long as the
part of the booking they were chosen for stays the same; a changed setting applies to entries not
yet written (`contract.md`, sections 4 and 5).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from domain.connector.settings import DeletePolicy, KimaiSettings, WorkTimeAnchor
from domain.ids import source_of
from domain.minutes import minutes_of
from domain.personal import agrees
from domain.rules.adopted import as_adopted, is_as_adopted
from domain.rules.comparison import asks_the_same, mismatch_text, mismatches
from domain.rules.configuration import Configuration, Situation
from domain.rules.description import description
from domain.rules.mapping import (
    LeftAlone,
    Mapped,
    Where,
    activity_for,
    project_for,
    user_for,
    zone_for,
)
from domain.rules.marker import marker_for
from domain.rules.rounding import as_asked, came_true, foreseen, sent, sent_length, to_hold
from domain.rules.stacked_time import stacked_time
from domain.rules.units import length, unit_minutes
from domain.rules.work_time import work_date, work_time
from domain.span import Span
from domain.target_item.values import LETTERS, Lacking, OwnerKind, Wanted
from domain.time_entry.causes import RefusalCause
from domain.time_entry.commands import Ruling
from domain.time_entry.state import Netted, Settled, TimeEntry, Wait, worked
from domain.time_entry.values import (
    Basis,
    Booking,
    Context,
    Desired,
    Outcome,
    ReasonCode,
    Stored,
)
from domain.work_day.values import Unplaced

NOTHING = timedelta(0)
Unready = Unplaced | Lacking
# in place of a digest: what a day has room for depends on its other bookings, not on settings
WITH_EVERY_RUN = "with every run"
NOT_MAPPED = "The activity is not mapped, and such entries are left alone by setting."
BY_NUMBER = "number:"  # a basis: the Kimai project that has this number
# found right before a write: a changed setting elsewhere is no reason to try the same again
FOUND_BEFORE_WRITING = frozenset(
    {ReasonCode.SOURCE_CHANGED_AFTER_EXPORT, ReasonCode.SOURCE_DELETED}
)


@dataclass(frozen=True, kw_only=True)
class _Case:
    """One booking on the table."""

    entry: TimeEntry
    situation: Situation
    booking: Booking
    context: Context

    @property
    def settled(self) -> Settled | None:
        return self.entry.settled

    @property
    def configuration(self) -> Configuration:
        return self.situation.configuration


def rule(entry: TimeEntry, situation: Situation) -> Ruling | Unready:
    """What should happen with `entry` as it stands; or what it needs first to be decided.

    That is a place on its person's day, or a project in Kimai.
    """
    ruling = _rule(entry, situation)
    if not isinstance(ruling, Ruling):
        return ruling
    if ruling.basis.configuration is not None:
        return ruling
    digest = situation.digest_for(ruling.reason)
    return replace(ruling, basis=replace(ruling.basis, configuration=digest))


def _rule(entry: TimeEntry, situation: Situation) -> Ruling | Unready:
    configuration = situation.configuration
    basis = _first_basis(entry, situation)
    if entry.standing.vanished:
        return _vanished(entry, configuration, basis)
    stop = entry.found or _unreadable(entry) or _elsewhere(entry, configuration)
    if stop is not None:
        return _held(stop, basis)
    assert entry.booking is not None
    if entry.context is None:
        detail = (
            f"Booking {entry.booking.source_id} is visible, but its ticket "
            f"{entry.booking.ticket_id} is not. Give the Zammad token read access to its group."
        )
        return _held(Wait(reason=ReasonCode.TICKET_UNREADABLE, detail=detail), basis)
    case = _Case(entry=entry, situation=situation, booking=entry.booking, context=entry.context)
    return _timed(case, basis)


def _first_basis(entry: TimeEntry, situation: Situation) -> Basis:
    settled, booking, configuration = entry.settled, entry.booking, situation.configuration
    if booking is None:
        return Basis(zone=configuration.zammad.timezone)
    zone = zone_for(configuration, booking)
    if settled is not None and settled.booking.created_by_id == booking.created_by_id:
        zone = settled.basis.zone or zone
    basis = Basis(zone=zone, work_date=work_date(booking.created_at, zone))
    unit = unit_of(entry, situation)
    if isinstance(unit, Wait) or not entry.is_netted:
        return basis
    return replace(basis, unit_minutes=unit[0], unit_source=unit[1])


def _vanished(  # noqa: PLR0911 # one return per policy
    entry: TimeEntry, configuration: Configuration, basis: Basis
) -> Ruling:
    if entry.settled is None:
        return Ruling(outcome=Outcome.LEAVE, basis=basis)
    stop = entry.found or _elsewhere(entry, configuration)
    if stop is not None:
        return _held(stop, basis)
    if entry.overwrite is not None:  # a person decided
        return Ruling(outcome=Outcome.DELETE, basis=basis)
    by_policy = Wait(
        reason=ReasonCode.SOURCE_DELETED,
        detail="The booking was deleted in Zammad; timesheet "
        f"{entry.settled.written.timesheet_id} is still in Kimai. Delete it or keep it.",
    )
    match configuration.kimai.delete_policy:
        case DeletePolicy.KEEP:
            return Ruling(outcome=Outcome.LEAVE, basis=basis)
        case DeletePolicy.CONFLICT:
            return _held(by_policy, basis)
        case DeletePolicy.DELETE if entry.earlier:
            return _held(by_policy, basis)  # more of it is in Kimai, and is not to be touched
        case DeletePolicy.DELETE:
            stop = _still_held(entry, None)
            if stop is not None and stop != by_policy:
                return _held(stop, basis)
            return Ruling(outcome=Outcome.DELETE, basis=basis)


def _unreadable(entry: TimeEntry) -> Wait | None:
    if not entry.unreadable and entry.booking is not None:
        return None
    return Wait(
        reason=ReasonCode.PEER_REJECTED,
        cause=RefusalCause.ROW_UNREADABLE,
        detail=f"Zammad's row cannot be read: {', '.join(entry.unreadable)}. Correct the entry in "
        "Zammad; it is read again with its next change.",
    )


def _elsewhere(entry: TimeEntry, configuration: Configuration) -> Wait | None:
    if entry.settled is None or entry.settled.target == configuration.target:
        return None
    return Wait(
        reason=ReasonCode.CONFLICT,
        detail=f"The timesheet was written through Kimai connector {entry.settled.target}, which "
        f"is not in use any more; now it is {configuration.target}. It is left as it is there.",
    )


def _timed(  # one return per kind of amount
    case: _Case, basis: Basis
) -> Ruling | Unready:
    """How long and when; zero is recorded and not written, negative needs a person."""
    unit = unit_of(case.entry, case.situation)
    if not isinstance(unit, Wait):
        basis = replace(basis, unit_minutes=unit[0], unit_source=unit[1])
    if case.booking.time_unit == 0 and case.settled is None:
        return Ruling(outcome=Outcome.LEAVE, basis=basis, detail="The booking is zero.")
    if isinstance(unit, Wait):
        return _held(unit, basis)
    try:
        duration = length(case.booking, unit[0])
    except OverflowError:
        return _held(_endless(case), basis)
    if duration < NOTHING:
        return _negative(case, basis)
    if case.entry.is_corrected:
        return _rest(case, basis, duration)
    return _whole(case, basis, duration)


def _rest(case: _Case, basis: Basis, duration: timedelta) -> Ruling | Unready:
    """What is missing beside the timesheets that stay as they are."""
    entry = case.entry
    whole = duration - timedelta(seconds=entry.reduced.seconds)
    there = timedelta(seconds=entry.beside_seconds)
    too_much = whole < there and _as_set(case, basis, whole) < there
    if too_much or (whole == there and entry.correcting is not None):
        return _held(_too_much(case, duration), basis)
    return _placed(case, basis, max(NOTHING, whole - there))  # more is there by rounding alone


def _as_set(case: _Case, basis: Basis, whole: timedelta) -> timedelta:
    """How long all of it would be in one timesheet, where the first one is, rounded as set."""
    assert basis.zone is not None
    first, settled = _first(case.entry), case.settled
    assert first is not None
    ends_then = settled is not None and settled.basis.anchor == WorkTimeAnchor.END_AT_BOOKING
    kimai, zone = case.configuration.kimai, ZoneInfo(basis.zone)
    return sent_length(first, whole, kimai, zone, ends_then=ends_then)


def _whole(case: _Case, basis: Basis, duration: timedelta) -> Ruling | Unready:
    if duration == NOTHING and case.settled is None:
        return Ruling(outcome=Outcome.LEAVE, basis=basis, detail="Less than half a second.")
    left = max(NOTHING, duration - timedelta(seconds=case.entry.reduced.seconds))
    if left == NOTHING and case.settled is None:
        detail = "Negative bookings take back all of it."
        return Ruling(outcome=Outcome.LEAVE, basis=basis, detail=detail)
    taking_over = case.situation.taking_over
    if case.entry.overwrite is None and is_as_adopted(
        case.entry, case.booking, case.context, taking_over=taking_over
    ):
        ruling = as_adopted(case.entry, left, basis, case.configuration.kimai)
        return _brought_back(case.entry, ruling) if case.entry.is_to_be_brought_back else ruling
    return _placed(case, basis, left)


def _brought_back(entry: TimeEntry, ruling: Ruling) -> Ruling:
    """What was taken over and edited since comes back to how it was taken over."""
    if ruling.outcome is not Outcome.LEAVE:
        return ruling
    stop = _still_held(entry, ruling.desired)
    if stop is not None:
        return _held(stop, ruling.basis, ruling.desired)
    return replace(ruling, outcome=Outcome.UPDATE)


def unit_of(entry: TimeEntry, situation: Situation) -> tuple[Decimal, str] | Wait:
    """Minutes of one unit of this booking and who said so: what was carried keeps its own.

    A negative booking is carried by what it takes from others, and one that was taken back whole
    by what takes from it; neither has a timesheet of its own (`TimeEntry.unit`).
    """
    if entry.unit is None or situation.unit_anew:
        return unit_of_today(situation)
    minutes, source = entry.unit
    return minutes, source or "recorded"


def unit_of_today(situation: Situation) -> tuple[Decimal, str] | Wait:
    """Minutes of one unit, for what is not written yet, and who said so."""
    return unit_minutes(
        situation.configuration.zammad.time_unit_minutes,
        situation.declared_unit,
        situation.configuration.default_time_unit,
    )


def _negative(case: _Case, basis: Basis) -> Ruling:
    """What was netted in full is done; the rest needs a person (`sync/netting.py`)."""
    netted = case.entry.netted
    if case.settled is None and netted is not None and not netted.rest_seconds:
        detail = f"The booking is negative and was netted: {_taken(netted)}."
        return Ruling(outcome=Outcome.LEAVE, basis=basis, detail=detail)
    if case.settled is None and (netted is None or not netted.against):
        waiting = _like_what_it_corrects(case, basis)
        if waiting is not None:
            return waiting
    if case.settled is not None:
        why = f" Timesheet {case.settled.written.timesheet_id} still has the former time."
    elif netted is None or not netted.against:
        why = " No earlier open timesheet of the same agent, ticket and type could be shortened."
    else:
        why = (
            f" Netted was {_taken(netted)}; for {_minutes(netted.rest_seconds)} more there is no "
            "earlier open timesheet of the same agent, ticket and type."
        )
    detail = (
        f"The booking is negative ({case.booking.time_unit}), and Kimai holds no negative "
        f"time.{why} Shorten the timesheet it corrects by hand, then skip this entry."
    )
    return _held(Wait(reason=ReasonCode.NEGATIVE_TIME, detail=detail), basis)


def _like_what_it_corrects(case: _Case, basis: Basis) -> Ruling | None:
    """Time of its type and agent that is left alone, or waits for a mapping, has no timesheet."""
    activity = _activity(case)
    if isinstance(activity, LeftAlone):
        return Ruling(outcome=Outcome.LEAVE, basis=basis, detail=NOT_MAPPED)
    wait = next((each for each in (activity, _user(case)) if isinstance(each, Wait)), None)
    return None if wait is None else _held(wait, basis)


def _taken(netted: Netted) -> str:
    return ", ".join(
        f"{_minutes(each.seconds)} from booking {source_of(each.entry_id)[1]}"
        for each in netted.against
    )


def _minutes(seconds: int) -> str:
    return _lasting(timedelta(seconds=seconds))


def _lasting(duration: timedelta) -> str:
    return f"{minutes_of(duration).normalize():f} min"


def _too_much(case: _Case, duration: timedelta) -> Wait:
    entry = case.entry
    linked = [one.timesheet_id for one in entry.earlier]
    if entry.correcting is not None and entry.settled is not None:
        linked.append(entry.settled.written.timesheet_id)
    asked = round(duration.total_seconds()) - entry.reduced.seconds
    ids = ", ".join(str(each) for each in linked)
    detail = (
        f"The booking asks for {_minutes(asked)}, and timesheet {ids}, which cannot be changed, "
        f"has {_minutes(entry.beside_seconds)}. Kimai holds no negative time, so there is nothing "
        "to add: keep Kimai as it is, or book the difference in Zammad as a negative booking of "
        "the same ticket and type, which is taken from earlier open timesheets."
    )
    return Wait(
        reason=ReasonCode.SOURCE_CHANGED_AFTER_EXPORT, detail=detail, cause=RefusalCause.EXPORTED
    )


def _rounded_away(missing: timedelta) -> Wait:
    return Wait(
        reason=ReasonCode.SOURCE_CHANGED_AFTER_EXPORT,
        cause=RefusalCause.EXPORTED,
        detail=f"What is missing in Kimai, {_lasting(missing)}, is rounded to nothing, so there is "
        "nothing to add. Keep Kimai as it is.",
    )


def _endless(case: _Case) -> Wait:
    return Wait(
        reason=ReasonCode.CONFLICT,
        detail=f"The booking of {case.booking.time_unit} units is longer than any calendar. "
        "Correct the entry in Zammad.",
    )


def _placed(  # noqa: PLR0911, C901 # one return for each thing that may be missing
    case: _Case, basis: Basis, duration: timedelta
) -> Ruling | Unready:
    anchor = case.configuration.zammad.work_time_anchor
    if case.settled is not None and case.settled.basis.anchor is not None:
        anchor = WorkTimeAnchor(case.settled.basis.anchor)
    assert basis.zone is not None
    zone = basis.zone
    basis = replace(basis, anchor=anchor.value)
    times = _times(case, zone, duration, anchor)
    if isinstance(times, Span):
        times, basis = _rounded(case, times, basis)
        stored = times.duration if basis.foreseen is None else basis.foreseen.duration
        if stored == NOTHING and case.settled is None:
            detail = f"Rounded as set, nothing is left of {_lasting(duration)}."
            return Ruling(outcome=Outcome.LEAVE, basis=basis, detail=detail)
    activity = _activity(case)
    if isinstance(activity, LeftAlone):
        return Ruling(outcome=Outcome.LEAVE, basis=basis, detail=NOT_MAPPED)
    if isinstance(activity, Wait):
        return _held(activity, basis)
    user, project = _user(case), _project(case)
    basis = replace(
        basis,
        activity=activity.basis,
        user=user.basis if isinstance(user, Mapped) else None,
        project=project.basis if isinstance(project, Mapped) else None,
    )
    if isinstance(user, Wait):
        return _held(user, basis)
    if isinstance(project, Wait):
        return _held(project, basis)
    if isinstance(times, Wait):
        stacked = anchor is WorkTimeAnchor.DAY_START_STACKED
        return _held(times, replace(basis, configuration=WITH_EVERY_RUN) if stacked else basis)
    if isinstance(project, Wanted):  # nothing is made for what cannot be written
        return _lacking(case, project, basis)
    if isinstance(times, Unplaced):
        return times
    desired = Desired(
        begin=times.begin,
        end=times.end,
        zone=basis.zone or "UTC",
        user_id=user.item_id,
        project_id=project.item_id,
        activity_id=activity.item_id,
        description=description(case.context, marker_for(case.configuration.log_tag, case.entry)),
        tag=case.configuration.kimai.entry_tag,
        billable=activity.billable,
    )
    return _compared(case, basis, desired)


def _times(
    case: _Case, zone: str, duration: timedelta, anchor: WorkTimeAnchor
) -> Span | Unplaced | Wait:
    if case.entry.is_corrected:
        return _times_beside(case, zone, duration, anchor)
    if anchor is WorkTimeAnchor.DAY_START_STACKED:
        return stacked_time(case.entry, case.booking, case.situation, zone, duration)
    try:
        return work_time(case.booking.created_at, duration, anchor)
    except OverflowError:
        return _endless(case)


def _first(entry: TimeEntry) -> Span | None:
    """Of the timesheet that others correct: wherever they lie, the work was done on its day."""
    if entry.earlier:
        return entry.earlier[0].settled.worked
    corrected = entry.settled if entry.correcting is not None else None
    return None if corrected is None else corrected.worked


def _times_beside(
    case: _Case, zone: str, duration: timedelta, anchor: WorkTimeAnchor
) -> Span | Unplaced | Wait:
    """When the rest of a booking was done whose other timesheets stay where they are.

    It lies where the whole booking would, beside what is there, or on the first open day; where it
    is once, it begins from then on.
    """
    correcting, settled = case.entry.correcting, case.settled
    assert settled is not None
    begin = settled.worked.begin if correcting is None else correcting.begin
    if correcting is not None and begin is None and correcting.until is not None:
        begin = correcting.until.replace(second=0, microsecond=0) - duration
    elsewhere = begin is not None and work_date(begin, zone) != work_date(
        case.booking.created_at, zone
    )
    if anchor is WorkTimeAnchor.DAY_START_STACKED and not elsewhere:
        return stacked_time(case.entry, case.booking, case.situation, zone, duration)
    if begin is not None:
        return Span(begin=begin, end=begin + duration)
    there = timedelta(seconds=case.entry.beside_seconds)
    shift = -there if anchor is WorkTimeAnchor.END_AT_BOOKING else there
    try:
        return work_time(case.booking.created_at + shift, duration, anchor)
    except OverflowError:
        return _endless(case)


def _rounded(case: _Case, work: Span, basis: Basis) -> tuple[Span, Basis]:
    """Begin and end as Kimai is asked for them; what was asked once stays, as does what it holds.

    A rounding that is set since is for work that is not in Kimai yet, or that became another.
    """
    kimai, settled, entry = case.configuration.kimai, case.settled, case.entry
    assert basis.zone is not None
    zone = ZoneInfo(basis.zone)
    day = work_date((_first(entry) or work).begin, basis.zone)
    basis = replace(basis, work_date=day)
    if settled is not None and entry.correcting is None and work == settled.worked:
        asked = Span(begin=settled.desired.begin, end=settled.desired.end)
    else:
        ends_then = basis.anchor == WorkTimeAnchor.END_AT_BOOKING
        asked = sent(work.begin, work.end, kimai, zone, ends_then=ends_then)
    expected = _foreseen(settled, asked, kimai, zone)
    as_it_is = expected == as_asked(work.begin, work.end)
    return asked, replace(
        basis, worked=None if asked == work else work, foreseen=None if as_it_is else expected
    )


def _foreseen(settled: Settled | None, asked: Span, kimai: KimaiSettings, zone: ZoneInfo) -> Stored:
    """What Kimai makes of them; what came true once stays so while they are the same."""
    if settled is not None and (before := settled.basis.foreseen) is not None:
        same = (asked.begin, asked.end) == (settled.desired.begin, settled.desired.end)
        if same and came_true(before, settled.written):
            return before
    return foreseen(asked.begin, asked.end, kimai, zone)


def _activity(case: _Case) -> Mapped | LeftAlone | Wait:
    def same(settled: Settled) -> bool:
        return settled.booking.type_id == case.booking.type_id

    kept = _kept(case, same, "activity")
    if kept is not None:
        return kept
    found = activity_for(case.configuration, case.booking, case.context.type_name)
    if isinstance(found, LeftAlone) and case.settled is not None:
        return Wait(
            reason=ReasonCode.UNMAPPED_ACTIVITY,
            detail="The type was changed to one without mapping after the timesheet was written. "
            "Add an activity mapping.",
        )
    return found


def _user(case: _Case) -> Mapped | Wait:
    def same(settled: Settled) -> bool:
        return settled.booking.created_by_id == case.booking.created_by_id

    return _kept(case, same, "user") or user_for(case.situation, case.booking, case.context)


def _project(case: _Case) -> Where:
    def same(settled: Settled) -> bool:
        if settled.context is None:
            return settled.adopted
        if _is_of_ticket(settled.basis) and settled.booking.ticket_id != case.booking.ticket_id:
            return False
        return settled.context.owner == case.context.owner

    kept = _kept(case, same, "project")
    if kept is not None:
        return kept
    found = project_for(case.configuration, case.booking.ticket_id, case.context)
    if not isinstance(found, Wanted):
        return found
    item = case.situation.items.get(found.key)
    if item is None or isinstance(item, Wait):
        return item or found
    return Mapped(item_id=item, basis=f"{BY_NUMBER}{found.project.owner.number}")


def _is_of_ticket(basis: Basis) -> bool:
    ticket = BY_NUMBER + LETTERS[OwnerKind.TICKET]
    return basis.project is not None and basis.project.startswith(ticket)


def _lacking(case: _Case, wanted: Wanted, basis: Basis) -> Lacking:
    decided = case.entry.decided
    held = decided is not None and decided.reason is ReasonCode.PROJECT_OR_CUSTOMER_MISSING
    return Lacking(
        entry_id=case.entry.entry_id,
        wanted=wanted,
        work_date=basis.work_date,
        asked=held and case.entry.standing.outcome is None,
    )


def _kept(case: _Case, same: Callable[[Settled], bool], what: str) -> Mapped | None:
    """What was written once, while the booking gives no reason to choose anew."""
    if case.settled is None or not same(case.settled):
        return None
    basis = getattr(case.settled.basis, what)
    return Mapped(
        item_id=getattr(case.settled.desired, f"{what}_id"),
        basis=basis or "recorded",
        billable=case.settled.desired.billable,
    )


def _compared(  # noqa: PLR0911 # one return for each way that it can be
    case: _Case, basis: Basis, desired: Desired
) -> Ruling:
    stop = _still_held(case.entry, desired)
    if stop is not None:
        return _held(stop, basis, desired)
    if case.entry.correcting is not None and to_hold(desired, basis).duration == NOTHING:
        return _held(_rounded_away(worked(desired, basis).duration), basis, desired)
    if case.settled is None or case.entry.correcting is not None:
        return Ruling(outcome=Outcome.CREATE, basis=basis, desired=desired)
    same = asks_the_same(case.settled.desired, desired)
    same = same and worked(desired, basis) == case.settled.worked  # rounding may hide an edit
    if case.entry.is_to_be_brought_back or not same:
        return Ruling(outcome=Outcome.UPDATE, basis=basis, desired=desired)
    wrong = mismatches(desired, case.settled.written, case.configuration.kimai, basis.foreseen)
    if wrong == ("billable",) and not case.settled.kept:
        return Ruling(outcome=Outcome.UPDATE, basis=basis, desired=desired)
    if wrong and not case.settled.kept:
        detail = mismatch_text(wrong, desired, case.settled.written)
        return _held(Wait(reason=ReasonCode.CONFLICT, detail=detail), basis, desired)
    return Ruling(outcome=Outcome.LEAVE, basis=basis, desired=desired)


def _still_held(entry: TimeEntry, desired: Desired | None) -> Wait | None:
    """What stood in the way of exactly this before, until somebody asks to try again."""
    if entry.refused is not None and agrees(entry.refused.desired, desired):
        return entry.refused.wait
    decided = entry.decided
    if (
        entry.standing.outcome is Outcome.HOLD
        and entry.conflict is not None
        and entry.conflict.reason in FOUND_BEFORE_WRITING
        and decided is not None
        and agrees(decided.desired, desired)
    ):
        return entry.conflict
    return None


def _held(wait: Wait, basis: Basis, desired: Desired | None = None) -> Ruling:
    return Ruling(
        outcome=Outcome.HOLD,
        basis=basis,
        desired=desired,
        reason=wait.reason,
        detail=wait.detail,
        cause=wait.cause,
        others=wait.others,
        alike=wait.alike,
    )

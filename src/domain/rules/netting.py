"""Negative bookings take time from earlier ones of the same agent, ticket and type.

Zammad's own advice for a correction is a negative entry (`peers/zammad.md`, trap 3). Each is taken
from the newest bookings before it whose timesheets are open, most recent first. What was taken
once stays where it is for as long as it fits, so that a timesheet is not changed because another
booking came.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.ids import EntryId
from domain.rules.configuration import Situation
from domain.rules.decision import unit_of
from domain.rules.units import length
from domain.time_entry.state import TimeEntry, Wait
from domain.time_entry.values import Outcome, ReasonCode, Reduction

Reductions = tuple[Reduction, ...]
BARRED = frozenset(
    {
        ReasonCode.SOURCE_CHANGED_AFTER_EXPORT,
        ReasonCode.LOCKED_OR_EXPORTED,
        ReasonCode.PERIOD_LOCKED,
    }
)
# its own from when it was negative; another amount than that of a timesheet that was taken over
ENDED_BY_NETTING = frozenset({ReasonCode.NEGATIVE_TIME, ReasonCode.TIME_MISMATCH})


@dataclass(frozen=True, kw_only=True)
class Member:
    """One booking of a group. `seconds` are negative for a negative booking.

    `open`: its timesheet can be shortened, or is still to be written. `by` is what negative
    bookings take from it now.
    """

    entry_id: EntryId
    seconds: int
    booked_at: datetime
    open: bool = True
    by: Reductions = ()


@dataclass(frozen=True, kw_only=True)
class Netting:
    """How a group comes out.

    `by`: what is taken from each positive booking. `against`: what each negative one is taken
    from. `rest`: seconds of it that nothing is open for.
    """

    by: Mapping[EntryId, Reductions]
    against: Mapping[EntryId, Reductions]
    rest: Mapping[EntryId, int]


def net(members: Iterable[Member]) -> Netting:
    """Net the bookings of one group; nothing is taken from what is not open but what was before.

    Nobody is reduced below zero, and no more is taken than the negative bookings say.
    """
    ordered = sorted(members, key=_age)
    positive = [member for member in ordered if member.seconds > 0]
    rest = {member.entry_id: -member.seconds for member in ordered if member.seconds < 0}
    free = {member.entry_id: member.seconds for member in positive}
    taken: dict[EntryId, dict[EntryId, int]] = {member.entry_id: {} for member in positive}

    def take(of: EntryId, by: EntryId, most: int) -> None:
        seconds = min(most, rest[by], free[of])
        if seconds > 0:
            taken[of][by] = taken[of].get(by, 0) + seconds
            rest[by] -= seconds
            free[of] -= seconds

    for member in positive:
        for each in member.by:
            if each.entry_id in rest:
                take(member.entry_id, each.entry_id, each.seconds)
    before: list[Member] = []  # open, with something left, oldest first
    for member in ordered:
        if member.seconds > 0 and member.open:
            before.append(member)
        while member.seconds < 0 and before and rest[member.entry_id]:
            newest = before[-1].entry_id
            take(newest, member.entry_id, rest[member.entry_id])
            if not free[newest]:
                before.pop()
    return _named(taken, rest)


def _age(member: Member) -> tuple[datetime, EntryId]:
    return member.booked_at, member.entry_id


def _named(taken: Mapping[EntryId, Mapping[EntryId, int]], rest: Mapping[EntryId, int]) -> Netting:
    against: dict[EntryId, list[Reduction]] = defaultdict(list)
    for of, parts in taken.items():
        for by, seconds in parts.items():
            against[by].append(Reduction(entry_id=of, seconds=seconds))
    return Netting(
        by={
            of: tuple(Reduction(entry_id=by, seconds=seconds) for by, seconds in parts.items())
            for of, parts in taken.items()
        },
        against={by: tuple(against[by]) for by in rest},
        rest=rest,
    )


def member_of(entry: TimeEntry, situation: Situation) -> Member | None:
    """The booking as `net` sees it; None when it is gone, or its length is not known."""
    seconds = seconds_of(entry, situation)
    if seconds is None or entry.booking is None:
        return None
    if seconds < 0 and entry.settled is not None:
        return None  # was positive once: a person shortens its timesheet
    if seconds < 0 and entry.standing.ignored:  # what it took stays taken, and no more is
        seconds = -sum(each.seconds for each in (entry.netted.against if entry.netted else ()))
    return Member(
        entry_id=entry.entry_id,
        seconds=seconds,
        booked_at=entry.booking.created_at,
        open=_is_open(entry),
        by=_landed(entry) if entry.reduced.key == entry.netting_key else (),
    )


def seconds_of(entry: TimeEntry, situation: Situation) -> int | None:
    """How long the booking is by itself; None when it is gone or nobody knows.

    What is in timesheets that stay as they are does not count: nothing can be taken from there.
    """
    if entry.netting_key is None or entry.booking is None:
        return None
    unit = unit_of(entry, situation)
    if isinstance(unit, Wait):
        return None
    try:
        seconds = int(length(entry.booking, unit[0]).total_seconds())
    except OverflowError:
        return None
    return max(0, seconds - entry.beside_seconds) if seconds > 0 else seconds


def _landed(entry: TimeEntry) -> Reductions:
    """What is taken from it, as far as it can be: from a billed timesheet only what was before."""
    if not _is_barred(entry):
        return entry.reduced.by
    left = (entry.settled and entry.settled.reduced) or 0
    kept: list[Reduction] = []
    for each in entry.reduced.by:
        seconds = min(each.seconds, left)
        left -= seconds
        if seconds:
            kept.append(Reduction(entry_id=each.entry_id, seconds=seconds))
    return tuple(kept)


def _is_barred(entry: TimeEntry) -> bool:
    """Whether Kimai was found not to let the timesheet be shortened."""
    return entry.settled is not None and (
        entry.settled.written.exported
        or entry.standing.ignored
        or (entry.conflict is not None and entry.conflict.reason in BARRED)
    )


def _is_open(entry: TimeEntry) -> bool:
    conflict = entry.conflict
    if conflict is not None and conflict.reason not in ENDED_BY_NETTING:
        return False
    if entry.intent is not None or entry.standing.dead or entry.standing.ignored:
        return False
    if entry.settled is not None:
        refused = entry.refused is not None and entry.refused.wait.reason in BARRED
        return not (refused or entry.settled.written.exported)
    wanted = entry.standing.outcome in (None, Outcome.CREATE)
    return wanted or bool(entry.reduced.by)


def is_due(entry: TimeEntry, situation: Situation) -> bool:
    """Whether the booking must be netted anew before anything is decided about it."""
    if _is_plain(entry) or entry.standing.ignored or _is_unknown(entry):
        return False
    key = entry.netting_key
    seconds = seconds_of(entry, situation)
    if entry.reduced.by:
        if key != entry.reduced.key:
            return True
        if seconds is not None and entry.reduced.seconds > max(seconds, 0):
            return True
        if _is_barred(entry) and _landed(entry) != entry.reduced.by:
            return True
    negative = seconds is not None and seconds < 0 and entry.settled is None
    if not negative:
        gone = key is None or entry.booking is None or entry.booking.time_unit >= 0
        return gone and entry.netted is not None and bool(entry.netted.against)
    assert entry.booking is not None
    netted = entry.netted
    return netted is None or (netted.key, netted.time_unit) != (key, entry.booking.time_unit)


def _is_unknown(entry: TimeEntry) -> bool:
    """Whether nobody can say what it says now: it stays as it was netted."""
    return bool(entry.unreadable) and not entry.standing.vanished


def _is_plain(entry: TimeEntry) -> bool:
    booking = entry.booking
    positive = booking is None or booking.time_unit >= 0
    return positive and entry.netted is None and not entry.reduced.by


def others(entry: TimeEntry) -> Sequence[EntryId]:
    """The other sides of what was netted with this booking."""
    netted = () if entry.netted is None else entry.netted.against
    return [each.entry_id for each in (*entry.reduced.by, *netted)]

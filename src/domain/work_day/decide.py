"""Places on the day of one person: taken one at a time, kept while they fit, never shared."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from typing import assert_never
from zoneinfo import ZoneInfo

from domain.connector.settings import KimaiSettings
from domain.event import Decider
from domain.ids import EntryId
from domain.rules.stacking import day_begin, first_free, local_day, reach_of, slot_at
from domain.span import Span
from domain.work_day.events import SlotFreed, SlotTaken, WorkDayEvent
from domain.work_day.values import Slot, Unplaced

Slots = Mapping[EntryId, Slot]


@dataclass(frozen=True, kw_only=True)
class TakeSlot:
    """A place for this booking, from `day_start` on.

    `held` is what other bookings of the person have in Kimai or wait to get there, however they
    came to it; `gone` are bookings that need no place here any more.
    """

    wanted: Unplaced
    day_start: time
    kimai: KimaiSettings
    held: Sequence[Span] = ()
    gone: Collection[EntryId] = field(default=())


def decide(command: TakeSlot, slots: Slots) -> Sequence[WorkDayEvent]:
    """Nothing when the booking lies well where it is, and when there is no room for it."""
    wanted = command.wanted
    freed = [_freed(wanted, entry) for entry in sorted(command.gone) if entry in slots]
    others = [
        slot.reach
        for entry, slot in slots.items()
        if entry != wanted.entry_id and entry not in command.gone
    ]
    zone, now = ZoneInfo(wanted.zone), slots.get(wanted.entry_id)
    slot = _place(command, [*others, *command.held], now, zone)
    if slot is None or slot == now:
        return freed
    taken = SlotTaken(
        connector_id=wanted.day.connector_id,
        agent_id=wanted.day.agent_id,
        day=wanted.day.day,
        zone=wanted.zone,
        day_start=day_begin(wanted.day.day, command.day_start, zone),
        entry_id=wanted.entry_id,
        slot=slot,
    )
    return [*freed, taken]


def evolve(slots: Slots, event: WorkDayEvent) -> Slots:
    """The places after `event`."""
    match event:
        case SlotTaken(entry_id=entry, slot=slot):
            return {**slots, entry: slot}
        case SlotFreed(entry_id=entry):
            return {other: slot for other, slot in slots.items() if other != entry}
        case _:
            assert_never(event)


WORK_DAY: Decider[TakeSlot, Slots, WorkDayEvent] = Decider(initial={}, decide=decide, evolve=evolve)


def answer(wanted: Unplaced, slots: Slots) -> Slot | None:
    """The place that the booking has there for what it wants, if it has one."""
    slot = slots.get(wanted.entry_id)
    return slot if slot is not None and slot.end - slot.begin == wanted.duration else None


def _place(
    command: TakeSlot, busy: Sequence[Span], now: Slot | None, zone: ZoneInfo
) -> Slot | None:
    """Where it lies already while it fits there, else the first gap that is long enough."""
    wanted, reach = command.wanted, reach_of(command.kimai)
    day = local_day(wanted.day.day, zone)
    if wanted.duration > day.end - day.begin:
        return None
    for begin in (None if now is None else now.begin, wanted.preferred):
        if begin is not None:
            kept = slot_at(begin, wanted.duration, reach)
            if _fits(kept, day) and not any(kept.reach.meets(other) for other in busy):
                return kept
    open_from = day_begin(wanted.day.day, command.day_start, zone)
    return first_free(
        wanted.duration,
        Span(begin=open_from, end=day.end),
        busy,
        reach,
        step=command.kimai.round_begin,
    )


def _fits(slot: Slot, day: Span) -> bool:
    return day.begin <= slot.reach.begin and slot.reach.end <= day.end


def _freed(wanted: Unplaced, entry: EntryId) -> SlotFreed:
    return SlotFreed(
        connector_id=wanted.day.connector_id,
        agent_id=wanted.day.agent_id,
        day=wanted.day.day,
        entry_id=entry,
    )

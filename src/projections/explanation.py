"""Why one entry is as it is, step by step (`contract.md`, section 7). A fold, not a stored view.

A step says what went in, what came out and by which event; the sentence is for who bills, not for
who programs. What the newest decision did not come to has no step.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from domain.event import Event, Recorded
from domain.personal import Personal
from domain.rules.rounding import as_asked, to_hold
from domain.span import Span
from domain.time_entry.events import (
    ConflictOpened,
    EntryChangedAtSource,
    EntryDeadLettered,
    EntryDecided,
    EntryObserved,
    EntryReduced,
    EntryUnreadable,
    EntryVanishedAtSource,
    TimesheetAdopted,
    TimesheetCreated,
    TimesheetDeleted,
    TimesheetUpdated,
    TimesheetWriteIntended,
    TimesheetWriteRejected,
    TimesheetWriteUncertain,
    TimesheetWriteUnsent,
)
from domain.time_entry.state import worked
from domain.time_entry.values import (
    Booking,
    Context,
    Outcome,
    ReasonCode,
    Written,
)
from projections import time_entries
from projections.numbers import json_number, minutes_of

Values: TypeAlias = Mapping[str, object]
Past: TypeAlias = Sequence[Recorded[Any]]

ERASED = "an erased person"
_SEEN = (EntryObserved, EntryChangedAtSource, EntryUnreadable, EntryVanishedAtSource)
_ANSWERS = (
    TimesheetCreated,
    TimesheetUpdated,
    TimesheetDeleted,
    TimesheetAdopted,
    TimesheetWriteRejected,
    TimesheetWriteUncertain,
    TimesheetWriteUnsent,
)
# Where a booking that is held got stuck; any other reason is one of the decision itself.
STUCK_AT: Mapping[ReasonCode, str] = MappingProxyType(
    {
        ReasonCode.UNIT_UNKNOWN: "unit",
        ReasonCode.USER_UNMAPPED: "user",
        ReasonCode.UNMAPPED_ACTIVITY: "mapping",
        ReasonCode.PROJECT_OR_CUSTOMER_MISSING: "project",
        ReasonCode.TICKET_UNREADABLE: "project",
        ReasonCode.TICKET_MERGED: "project",
    }
)
_ANCHORS: Mapping[str, str] = MappingProxyType(
    {
        "end_at_booking": "The work ended when it was booked",
        "start_at_booking": "The work began when it was booked",
        "day_start_stacked": "The bookings of the day are laid end to end",
    }
)


@dataclass(frozen=True)
class Step:
    """One step; `recorded` is the event that it was recorded with."""

    step: str
    title: str
    recorded: Recorded[Event]
    input: Values | None
    output: Values | None
    note: str | None = None


@dataclass(frozen=True)
class Explanation:
    """The steps that the newest decision came to, and in one sentence where that left the entry."""

    entry_id: int
    steps: Sequence[Step]
    result: str


def explained(events: Past) -> Explanation:
    """The explanation of one entry's whole stream, which must not be empty."""
    story = _Story(events)
    return Explanation(events[0].event.entry_id, list(story.steps()), story.result())


class _Story:
    """What of an entry's stream its present state rests on."""

    def __init__(self, events: Past) -> None:
        self.events = events
        self.seen = self._last(*_SEEN)
        booked = self._last(EntryObserved, EntryChangedAtSource)
        self.booking: Booking | None = booked.event.booking if booked else None
        self.context: Context | None = booked.event.context if booked else None
        decided = self._last(EntryDecided)
        fresh = decided and self.seen and decided.position > self.seen.position
        self.decided = decided if fresh else None

    def _last(self, *types: type[Event], after: int = 0) -> Recorded[Any] | None:
        found = (e for e in reversed(self.events) if isinstance(e.event, types))
        return next((e for e in found if e.position > after), None)

    def steps(self) -> Iterator[Step]:
        if self.seen is not None:
            yield _observation(self.seen, self.booking, self.context)
        if self.decided is not None:
            yield from _decision_steps(self, self.decided)
        request, note = self._request()
        if request is not None:
            yield _request_step(request, note)
        answer = self._answer(request)
        if answer is not None:
            yield _answer_step(answer)

    def _request(self) -> tuple[Recorded[Any] | None, str | None]:
        """The request that the newest decision led to, or that it found nothing to change in."""
        if self.decided is None or self.decided.event.outcome is Outcome.HOLD:
            return None, None
        led_to = self._last(TimesheetWriteIntended, after=self.decided.position)
        if led_to is not None or self.decided.event.outcome is not Outcome.LEAVE:
            return led_to, None
        if self.decided.event.desired is None:
            return None, None
        note = "Sent before this decision, which found nothing to change in it."
        former = self._last(TimesheetWriteIntended)
        return former, note if former else None

    def _answer(self, request: Recorded[Any] | None) -> Recorded[Any] | None:
        if request is not None:
            return self._last(*_ANSWERS, after=request.position)
        if self.decided is None or self.decided.event.outcome is Outcome.HOLD:
            return None
        return self._last(TimesheetAdopted)

    def result(self) -> str:
        row: time_entries.Row | None = None
        for recorded in self.events:
            row = time_entries.PROJECTION.apply(row, recorded)
        if row is None:
            return "Nothing is known of it yet."
        return _RESULTS[row.state](self, row)

    def detail(self, *types: type[Event]) -> str:
        found = self._last(*types)
        return "" if found is None else str(getattr(found.event, "detail", None) or "")


def _decision_steps(story: _Story, decided: Recorded[EntryDecided]) -> Iterator[Step]:
    event, booking, context = decided.event, story.booking, story.context
    stuck = event.reason and STUCK_AT.get(event.reason)
    if booking is not None:
        for name, tell in _WAY:
            told = tell(event, booking, context)
            if name == stuck and (told is None or told[2] is not None):
                what = event.detail or f"It is held here: {event.reason}."
                yield Step(name, what, decided, _asked(name, booking, context), None)
            elif told is not None:
                yield Step(name, told[0], decided, told[1], told[2], _note(name, story))
    title = _decision(event)
    output: Values = {"outcome": event.outcome.value, "reason_code": event.reason}
    yield Step("decision", title, decided, {"configuration": event.basis.configuration}, output)


def _note(name: str, story: _Story) -> str | None:
    """What negative bookings take from this one."""
    reduced = story._last(EntryReduced)  # noqa: SLF001 # one module, one thought
    if name != "unit" or reduced is None or not reduced.event.by:
        return None
    seconds = sum(each.seconds for each in reduced.event.by)
    return f"Negative bookings take {_min(Decimal(seconds) / 60)} of it."


Told: TypeAlias = tuple[str, Values, Values | None] | None  # title, input, output


def _unit(event: EntryDecided, booking: Booking, _: Context | None) -> Told:
    unit = event.basis.unit_minutes
    if unit is None:
        return None
    minutes = booking.time_unit * unit
    title = f"One Zammad unit is {_min(unit)}, so {booking.time_unit} units are {_min(minutes)}."
    asked = {"time_unit": str(booking.time_unit), "unit_minutes": json_number(unit)}
    return title, asked | {"by": event.basis.unit_source}, {"minutes": json_number(minutes)}


def _work_time(event: EntryDecided, booking: Booking, _: Context | None) -> Told:
    basis, desired = event.basis, event.desired
    if basis.anchor is None:
        return None
    zone = basis.zone or "UTC"
    how = _ANCHORS.get(basis.anchor, "The work was placed")
    work = None if desired is None else worked(desired, basis)
    when = f"on {basis.work_date}" if work is None else _span(work, zone)
    asked = {"booked_at": booking.created_at, "anchor": basis.anchor, "zone": zone}
    output = {
        "work_date": basis.work_date,
        "begin": work and _in(work.begin, zone),
        "end": work and _in(work.end, zone),
    }
    return f"{how}: {when} ({zone}).", asked, output


def _user(event: EntryDecided, booking: Booking, context: Context | None) -> Told:
    by = event.basis.user
    if by is None:
        return None
    number = event.desired and event.desired.user_id
    who = f"Kimai user {number}" if number is not None else "a Kimai user"
    title = f"{_name(context.agent_name if context else None)} books as {who}, by {_source(by)}."
    return title, _asked("user", booking, context), {"user_id": number, "by": by}


def _mapping(event: EntryDecided, booking: Booking, context: Context | None) -> Told:
    by = event.basis.activity
    if by is None:
        return None
    number = event.desired and event.desired.activity_id
    what = (context and context.type_name) or "Without type"
    to = f"Kimai activity {number}" if number is not None else "a Kimai activity"
    kind, _, version = by.partition("@")
    row = kind.removeprefix("mapping:") if kind.startswith("mapping:") else ""
    output = {
        "activity_id": number,
        "by": by,
        "mapping_id": int(row) if row.isdecimal() else None,
        "mapping_version": int(version) if version.isdecimal() else None,
    }
    return f"{what} is {to}, by {_source(by)}.", _asked("mapping", booking, context), output


def _project(event: EntryDecided, booking: Booking, context: Context | None) -> Told:
    by = event.basis.project
    if by is None:
        return None
    number = event.desired and event.desired.project_id
    to = f"Kimai project {number}" if number is not None else "a Kimai project"
    ticket = context.ticket_number if context else booking.ticket_id
    title = f"Ticket {ticket} is billed on {to}, by {_source(by)}."
    return title, _asked("project", booking, context), {"project_id": number, "by": by}


def _rounding(event: EntryDecided, _: Booking, __: Context | None) -> Told:
    desired = event.desired
    if desired is None:
        return None
    zone, work = desired.zone, worked(desired, event.basis)
    done, sent = minutes_of(work.duration), minutes_of(desired.end - desired.begin)
    stored = to_hold(desired, event.basis)
    kept = minutes_of(stored.duration)
    said = []
    if event.basis.worked is not None:
        first, last = _in(desired.begin, zone), _in(desired.end, zone)
        asked = f"sent as {_min(sent)}, {first:%H:%M} to {last:%H:%M}"
        said.append(f"Rounded as set, {_min(done)} are {asked}.")
    if stored != as_asked(desired.begin, desired.end):
        said.append(f"Kimai's rounding makes {_min(kept)} of {_min(sent)}.")
    title = " ".join(said) or "Rounding leaves the times as they are."
    return (
        title,
        _times(work.begin, work.end, done, zone),
        _times(stored.begin, stored.end, kept, zone),
    )


_WAY: Sequence[tuple[str, Callable[[EntryDecided, Booking, Context | None], Told]]] = (
    ("unit", _unit),
    ("work_time", _work_time),
    ("user", _user),
    ("mapping", _mapping),
    ("project", _project),
    ("rounding", _rounding),
)


def _observation(seen: Recorded[Any], booking: Booking | None, context: Context | None) -> Step:
    event = seen.event
    if isinstance(event, EntryVanishedAtSource):
        return Step("observation", "The booking was deleted in Zammad.", seen, None, None)
    if isinstance(event, EntryUnreadable) or booking is None:
        fields = getattr(event, "fields", ())
        title = f"Zammad lists a booking that cannot be read: {', '.join(fields)}."
        return Step("observation", title, seen, None, {"unreadable": list(fields)})
    ticket = f"ticket {context.ticket_number}" if context else f"ticket {booking.ticket_id}"
    kind = f" for {context.type_name}" if context and context.type_name else ""
    who = _name(context.agent_name) if context else f"Person {booking.created_by_id}"
    title = f"{who} booked {booking.time_unit} units on {ticket}{kind}."
    note = None
    if isinstance(event, EntryChangedAtSource):
        note = f"Changed in Zammad since it was first seen: {', '.join(event.changed)}."
    asked = {"source_id": booking.source_id, "ticket_id": booking.ticket_id}
    output = {
        "time_unit": str(booking.time_unit),
        "activity_type_id": booking.type_id,
        "created_by_id": booking.created_by_id,
        "created_at": booking.created_at,
        "updated_at": booking.updated_at,
        "ticket_number": context and context.ticket_number,
        "ticket_title": context and context.ticket_title,
    }
    return Step("observation", title, seen, asked, output, note)


def _decision(event: EntryDecided) -> str:
    desired = event.desired
    length = _min(minutes_of(desired.end - desired.begin)) if desired else ""
    match event.outcome:
        case Outcome.CREATE:
            return f"A timesheet of {length} is to be created in Kimai."
        case Outcome.UPDATE:
            return f"The timesheet is to be changed to {length} and what else differs."
        case Outcome.DELETE:
            return "The timesheet is to be deleted, because the booking is gone."
        case Outcome.HOLD:
            return f"A person has to look at it first. {event.detail or ''}".strip()
        case Outcome.LEAVE if desired is None:
            return f"Nothing is to be written. {event.detail or ''}".strip()
        case Outcome.LEAVE:
            return f"Kimai holds these {length} already; nothing is to be changed."


def _request_step(recorded: Recorded[TimesheetWriteIntended], note: str | None) -> Step:
    event = recorded.event
    request = event.request
    body: dict[str, object] = dict(request.fields)
    if request.description is not None:
        body["description"] = request.description.value
    title = f"Kimai was asked to {event.operation.value} the timesheet."
    asked = {"operation": event.operation.value, "marker": event.marker, "attempt": event.intent}
    sent = {"method": request.method, "path": request.path, "body": body or None}
    return Step("request", title, recorded, asked, sent, note)


def _answer_step(recorded: Recorded[Any]) -> Step:
    event = recorded.event
    asked: Values = {"attempt": getattr(event, "intent", None)}
    match event:
        case TimesheetCreated(written=written) | TimesheetUpdated(written=written):
            done = "created" if isinstance(event, TimesheetCreated) else "changed"
            title = f"Kimai {done} timesheet {written.timesheet_id}: {_length(written)}."
            return Step("answer", title, recorded, asked, _stored(written))
        case TimesheetAdopted(written=written):
            title = _ADOPTED.get(event.how, "Timesheet {} was found in Kimai and linked.")
            title = title.format(written.timesheet_id)
            return Step("answer", title, recorded, {"how": event.how}, _stored(written))
        case TimesheetDeleted(timesheet_id=number):
            title = f"Kimai deleted timesheet {number}."
            return Step("answer", title, recorded, asked, {"timesheet_id": number})
        case TimesheetWriteRejected():
            output = {"status": event.status, "fields": list(event.fields)}
            output |= {"reason_code": event.reason.value, "cause": event.cause}
            title = f"Kimai refused ({event.status}). {event.detail}"
            return Step("answer", title, recorded, asked, output)
        case TimesheetWriteUncertain(cause=cause):
            title = "Kimai's answer was lost; what became of the request is read back first."
            return Step("answer", title, recorded, asked, None, cause)
        case TimesheetWriteUnsent(cause=cause):
            title = "The request had no effect in Kimai and may be sent again."
            return Step("answer", title, recorded, asked, None, cause)
        case _:
            raise TypeError(f"{type(event).__name__} is no answer")


_ADOPTED: Mapping[str, str] = MappingProxyType(
    {
        "read_back": "The answer was lost, and timesheet {} was found in Kimai as it was sent.",
        "equal": "Timesheet {} holds these values already.",
        "kept": "Timesheet {} was kept as somebody left it in Kimai.",
        "unchanged": "Timesheet {} was found unchanged.",
        "marker": "Timesheet {} was in Kimai before and carries our marker; it was linked.",
        "earlier_marker": "Timesheet {} was written by an earlier tool; it was linked.",
        "confirmed": "A person said that timesheet {} is this booking; it was linked.",
    }
)


def _synced(_: _Story, row: time_entries.Row) -> str:
    target = row.facts.target
    length = "" if target is None else f" with {_min(target.minutes)}"
    return f"Kimai holds it as timesheet {row.timesheet_id}{length}."


def _withdrawn(_: _Story, row: time_entries.Row) -> str:
    if row.timesheet_id is None:
        return "It is gone in Zammad, and nothing of it is in Kimai."
    return f"It is gone in Zammad; timesheet {row.timesheet_id} stays in Kimai."


def _pending(story: _Story, _: time_entries.Row) -> str:
    if story.decided is None and story._last(EntryDecided):  # noqa: SLF001 # see above
        return "It changed since it was last decided on; the next run decides anew."
    return "It waits for the next run."


_RESULTS: Mapping[str, Callable[[_Story, time_entries.Row], str]] = MappingProxyType(
    {
        "pending": _pending,
        "writing": lambda _story, _row: (
            "A request to Kimai is under way or its answer was lost; it is read back first."
        ),
        "synced": _synced,
        "conflict": lambda story, row: (
            f"It waits for a person ({row.reason_code}). {story.detail(ConflictOpened)}".strip()
        ),
        "failed": lambda story, row: (
            f"Retries are used up ({row.reason_code}). {story.detail(EntryDeadLettered)}".strip()
        ),
        "ignored": lambda story, _: f"It is left alone. {story.detail(EntryDecided)}".strip(),
        "withdrawn": _withdrawn,
    }
)


def shown(explanation: Explanation) -> dict[str, object]:
    """The contract's answer."""
    return {
        "entry_id": explanation.entry_id,
        "steps": [
            {
                "step": step.step,
                "title": step.title,
                "position": step.recorded.position,
                "at": step.recorded.recorded_at,
                "input": step.input,
                "output": step.output,
                "note": step.note,
            }
            for step in explanation.steps
        ],
        "result": explanation.result,
    }


def _asked(name: str, booking: Booking, context: Context | None) -> Values:
    """What a step was asked about, also where it found nothing."""
    match name:
        case "unit":
            return {"time_unit": str(booking.time_unit)}
        case "user":
            return {
                "zammad_user_id": booking.created_by_id,
                "name": context and context.agent_name.value,
                "email": context and context.agent_email.value,
            }
        case "mapping":
            return {
                "activity_type_id": booking.type_id,
                "activity_name": context and context.type_name,
            }
        case _:
            return {
                "ticket_id": booking.ticket_id,
                "ticket_number": context and context.ticket_number,
                "customer": context and context.customer_name.value,
                "organization": context and context.organization_name,
                "group": context and context.group_name,
            }


def _source(by: str) -> str:
    """`mapping:4@2` in words."""
    kind, _, which = by.partition(":")
    number, _, version = which.partition("@")
    match kind:
        case "mapping" | "user-mapping" | "project-mapping" if version:
            return f"{kind.replace('-', ' ')} {number} (version {version})"
        case "user-mapping":
            return "the same e-mail address"
        case "setting":
            return f"the setting {which}"
        case "number":
            return f"its number {which}"
        case _:
            return "what was recorded before"


def _stored(written: Written) -> Values:
    return {
        "timesheet_id": written.timesheet_id,
        "begin": written.begin,
        "end": written.end,
        "minutes": json_number(minutes_of(written.duration)),
        "project_id": written.project_id,
        "activity_id": written.activity_id,
        "user_id": written.user_id,
        "billable": written.billable,
        "exported": written.exported,
        "description": written.description.value,
    }


def _times(begin: datetime, end: datetime, minutes: Decimal, zone: str) -> Values:
    return {"begin": _in(begin, zone), "end": _in(end, zone), "minutes": json_number(minutes)}


def _length(written: Written) -> str:
    return _min(minutes_of(written.duration))


def _min(minutes: Decimal) -> str:
    return f"{minutes.normalize():f} min"


def _span(work: Span, zone: str) -> str:
    begin, end = _in(work.begin, zone), _in(work.end, zone)
    return f"{begin:%Y-%m-%d %H:%M} to {end:%H:%M}"


def _in(instant: datetime, zone: str) -> datetime:
    return instant.astimezone(ZoneInfo(zone))


def _name(person: Personal | None) -> str:
    return (person and person.value) or ERASED.capitalize()

"""One booking between Zammad, its stream and Kimai, whatever happens in whatever order.

A process is gone whenever nothing of it is called any more: what it recorded and did not send
never lands, what it sent may land at any later time until the next process has waited it out.
Answers come late, twice, or never. The rules are asked as the service asks them; nothing is
awaited, so that Hypothesis can try some thousands of histories.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import reduce

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from domain.errors import RuleViolation
from domain.ids import entry_id
from domain.personal import Personal
from domain.rules.carry import carry_ruling
from domain.rules.comparison import changes_since, had_effect, mismatch_text, mismatches
from domain.rules.decision import rule as rules
from domain.rules.marker import marker, marker_for
from domain.rules.objection import left_alone, objection
from domain.rules.row_ops import NOT_TO_CHANGE
from domain.sync.looking import LOOKED_AT_AGAIN, untouched
from domain.sync.refusing import again
from domain.sync.writing import wants_write
from domain.time_entry.commands import (
    Adopt,
    Carry,
    Compare,
    Confirm,
    ConfirmDeleted,
    Decide,
    Dismiss,
    Distinguish,
    Doubt,
    Flag,
    GiveUp,
    Hold,
    Ignore,
    Keep,
    NoteSurplus,
    NoteTargetGone,
    ObserveUnreadable,
    Reduce,
    Reject,
    Reopen,
    Retry,
    Ruling,
    Skip,
    TimeEntryCommand,
    Uncarry,
    Unignore,
    Unsent,
    Vanish,
)
from domain.time_entry.decide import OPERATIONS, TIME_ENTRY
from domain.time_entry.events import (
    TimeEntryEvent,
    TimesheetAdopted,
    TimesheetWriteIntended,
)
from domain.time_entry.standing import NOWHERE, EntryState, stand
from domain.time_entry.state import Correcting, Intent, TimeEntry, evolve
from domain.time_entry.taking_over import (
    CONFIRMED,
    MARKER,
    is_free,
    suggested,
    suggestion_text,
)
from domain.time_entry.values import Booking, Operation, Outcome, ReasonCode, Reduction, Written
from tests.support.bookings import (
    BOOKED,
    ENTRY,
    KIMAI,
    LOG_TAG,
    MARK,
    ZAMMAD,
    booking,
    intend,
    observe,
    ruling,
    situation,
    written,
)
from tests.support.one_timesheet import Sent, Timesheets, has_marker, reworded, updated

PLAIN = situation()
SITUATIONS = [
    PLAIN,
    situation(activities=()),
    situation(kimai={"delete_policy": "delete"}),
    situation(kimai={"delete_policy": "keep"}),
    situation(kimai={"edited_in_kimai_policy": "overwrite"}),
    situation(kimai={"edited_in_kimai_policy": "keep_target", "delete_policy": "delete"}),
]
ANOTHER = entry_id(ZAMMAD, 8)  # a negative booking of the same ticket, person and type
EDITS: dict[str, dict[str, object]] = {
    "project": {"project_id": 77},
    "length": {"end": BOOKED + timedelta(hours=3), "duration": timedelta(hours=3)},
}


class Carried(RuleBasedStateMachine):
    """Everything that may happen to one booking."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[TimeEntryEvent] = []
        self.state: TimeEntry | None = None
        self.kimai = Timesheets()
        self.wire: list[Sent] = []  # recorded, and not landed yet
        self.answers: list[TimeEntryCommand] = []  # of Kimai, delivered or not
        self.where = PLAIN
        self.edits = 0

    # the stream

    def send(self, *commands: TimeEntryCommand) -> Sequence[TimeEntryEvent]:
        """All or nothing, as one append."""
        events: list[TimeEntryEvent] = []
        state = self.state
        for command in commands:
            new = TIME_ENTRY.decide(command, state)
            state = reduce(evolve, new, state)
            events += new
        self.log += events
        self.state = state
        return events

    def try_to(self, *commands: TimeEntryCommand) -> None:
        with suppress(RuleViolation):
            self.send(*commands)

    @property
    def entry(self) -> TimeEntry:
        assert self.state is not None
        return self.state

    @property
    def linked(self) -> Written | None:
        """The linked timesheet as Kimai holds it."""
        settled = self.state.settled if self.state else None
        return None if settled is None else self.kimai.sheets.get(settled.written.timesheet_id)

    def ruled(self, entry: TimeEntry | None = None) -> Ruling:
        found = rules(entry or self.entry, self.where)
        assert isinstance(found, Ruling)
        return found

    def decide_now(self) -> None:
        self.send(Decide(ruling=self.ruled()))

    # Zammad

    @initialize(before=st.sampled_from(["carried", "carried", "nothing", "marked", "alike"]))
    def begin(self, before: str) -> None:
        """What Kimai may hold from before our time, or what an ordinary run has carried."""
        if before == "carried":
            self.send(observe())
            self.run_once()
            return
        desired = ruling(reduce(evolve, TIME_ENTRY.decide(observe(), None), None)).desired  # type: ignore[arg-type] # it was observed
        assert desired is not None
        sheet = written(desired)
        if before == "alike":
            text = Personal(sheet.description.subject, "On the phone, #10050")
            sheet = replace(sheet, description=text)
        if before != "nothing":
            self.kimai.add(sheet)

    def booked(self) -> Booking:
        self.edits += 1
        return booking(updated_at=BOOKED + timedelta(minutes=self.edits))

    @rule(units=st.sampled_from(["15", "30", "45", "45.5", "0", "-1"]), nth=st.integers(0, 7))
    def observe(self, units: str, nth: int) -> None:
        """One of eight times its ticket, or the row itself, cannot be read."""
        if nth == 1:
            self.observe_unreadable()
            return
        seen = observe(replace(self.booked(), time_unit=Decimal(units)))
        self.send(seen if nth else replace(seen, context=None))

    @precondition(lambda self: self.state is not None and self.state.booking is not None)
    @rule()
    def observe_again(self) -> None:
        """The same once more is nothing new, unless it could not be read or was deleted."""
        entry = self.entry
        assert entry.booking is not None
        events = self.send(observe(entry.booking, entry.context))
        if entry.context and not entry.standing.vanished and not entry.unreadable:
            assert events == []

    def observe_unreadable(self) -> None:
        self.send(
            ObserveUnreadable(
                entry_id=ENTRY,
                connector_id=ZAMMAD,
                fields=("time_unit",),
                ticket_id=50,
                updated_at=None,
            )
        )

    @precondition(lambda self: self.state is not None and self.state.settled is not None)
    @rule()
    def vanish(self) -> None:
        self.send(Vanish())

    @rule(where=st.sampled_from(range(len(SITUATIONS))))
    def configure(self, where: int) -> None:
        self.where = SITUATIONS[where]

    @precondition(lambda self: self.state is not None)
    @rule(seconds=st.sampled_from([0, 300]))
    def net(self, seconds: int) -> None:
        by = (Reduction(entry_id=ANOTHER, seconds=seconds),) if seconds else ()
        self.try_to(Reduce(by=by))

    # a run

    @precondition(lambda self: self.state is not None)
    @rule(steps=st.integers(1, 7))
    def run(self, steps: int) -> None:
        """As far as it comes before it dies; what it sent may be on its way."""
        for number, step in enumerate(
            (self.settle, self.decide, self.look, self.write, self.leave_now, self.arrive)
        ):
            if number < steps:
                step()

    def arrive(self) -> None:
        if any(each.away for each in self.wire):
            self.land_now()
            self.send(self.answers[-1])

    def leave_now(self) -> None:
        self.wire = [replace(each, away=True) for each in self.wire]

    @precondition(lambda self: self.state is not None)
    @rule()
    def decide(self) -> None:
        if self.entry.intent is None:
            self.decide_now()

    @precondition(lambda self: self.state is not None)
    @rule()
    def take_over(self) -> None:
        """The first run links what carries the marker; nobody can have created one yet."""
        found = [sheet for sheet in self.kimai.marked() if not self.kimai.created]
        if found:
            self.send(Adopt(found=found, how=MARKER, target_connector_id=KIMAI, marker=MARK))

    @precondition(lambda self: self.state is not None)
    @rule()
    def suggest(self) -> None:
        entry = self.entry
        alike = tuple(n for n, sheet in self.kimai.sheets.items() if not has_marker(sheet))
        create = entry.standing.outcome is Outcome.CREATE and entry.conflict is None
        if alike and create and is_free(entry) and not entry.distinct:
            text = suggestion_text(alike)
            self.send(Hold(reason=ReasonCode.DUPLICATE, detail=text, others=alike))

    @precondition(lambda self: self.state is not None)
    @rule()
    def write(self) -> None:
        """Look at the record, and record the request: up to here nothing was sent."""
        self.intend_now()

    def intend_now(self) -> None:
        entry = self.entry
        if not wants_write(entry):
            return
        assert entry.decided is not None
        assert entry.standing.outcome is not None
        operation, desired = OPERATIONS[entry.standing.outcome], entry.decided.desired
        settled, policy = entry.settled, self.where.configuration.kimai.edited_in_kimai_policy
        number = None
        if operation is not Operation.CREATE:
            assert settled is not None
            number, record = settled.written.timesheet_id, self.linked
            if record is None:
                self.send(NoteTargetGone(timesheet_id=number))
                return
            if (stop := objection(entry, settled, record, policy)) is not None:
                self.send(stop)
                return
        keep = left_alone(entry, policy)
        request = Sent(entry.writes + 1, operation, desired, number, keep)
        if operation is Operation.UPDATE:
            record = self.linked
            assert record is not None
            if updated(record, request) == record:
                self.send(Adopt(found=[record], how="equal", mismatch=self.wrong(record)))
                return
        self.send(intend(operation, number, marker_for(LOG_TAG, entry)))
        self.wire.append(request)

    def wrong(self, found: Written, intent: Intent | None = None) -> str | None:
        """How it differs from what was asked, in words."""
        decided = self.entry.decided
        desired = intent.desired if intent else decided.desired if decided else None
        assert desired is not None
        kimai = self.where.configuration.kimai
        keep = left_alone(self.entry, kimai.edited_in_kimai_policy)
        names = [name for name in mismatches(desired, found, kimai) if name not in keep]
        return mismatch_text(names, desired, found) if names else None

    @precondition(lambda self: any(not each.away for each in self.wire))
    @rule()
    def leave(self) -> None:
        self.leave_now()

    @precondition(lambda self: any(not each.away for each in self.wire))
    @rule()
    def not_reached(self) -> None:
        """Kimai was not there; the process lives and says so."""
        (request,) = (each for each in self.wire if not each.away)
        self.wire.remove(request)
        self.send(Unsent(intent=request.intent, cause="no connection"))

    @precondition(lambda self: any(not each.away for each in self.wire))
    @rule()
    def crash_before_sending(self) -> None:
        self.wire = [each for each in self.wire if each.away]

    @precondition(lambda self: any(each.away for each in self.wire))
    @rule(refused=st.booleans())
    def land(self, refused: bool) -> None:
        self.land_now(refused=refused)

    def land_now(self, *, refused: bool = False) -> None:
        request = next(each for each in self.wire if each.away)
        self.wire.remove(request)
        open_intent = self.entry.intent
        assert open_intent is not None, "what was settled lands after all"
        assert open_intent.event.intent == request.intent, "two requests were under way"
        if refused:
            self.answers.append(self.refusal(request))
            return
        if request.operation is Operation.CREATE:
            mark = open_intent.event.marker
            ours = [
                sheet
                for sheet in self.kimai.marked(mark)
                if sheet.timesheet_id in self.kimai.ours()
            ]
            assert not ours, "a second timesheet was created"
        found = self.kimai.land(request)
        self.answers.append(self.answer(request, open_intent, found))

    def refusal(self, request: Sent) -> Reject:
        return Reject(
            intent=request.intent,
            status=400,
            fields=("project",),
            reason=ReasonCode.CREATION_ERROR,
            detail="refused",
            circumstances="as it was",
        )

    def answer(self, request: Sent, intent: Intent, found: Written | None) -> TimeEntryCommand:
        if request.operation is Operation.DELETE:
            return ConfirmDeleted(intent=request.intent, timesheet_id=request.timesheet_id or 0)
        if found is None:
            return NoteTargetGone(timesheet_id=request.timesheet_id or 0)
        return Confirm(intent=request.intent, written=found, mismatch=self.wrong(found, intent))

    @precondition(lambda self: self.answers)
    @rule(data=st.data(), times=st.integers(1, 2))
    def deliver(self, data: st.DataObject, times: int) -> None:
        """Any answer ever given, for the first time or again."""
        answer = data.draw(st.sampled_from(self.answers))
        for _ in range(times):
            self.send(answer)
        assert self.send(answer) == []

    @precondition(lambda self: self.state is not None and self.state.intent is not None)
    @rule()
    def doubt(self) -> None:
        assert self.entry.intent is not None
        self.send(Doubt(intent=self.entry.intent.event.intent, cause="timed out"))

    @precondition(lambda self: self.state is not None and self.state.intent is not None)
    @rule()
    def settle(self) -> None:
        """Another process has waited until nothing can land any more, and reads back."""
        if self.entry.intent is not None and not any(each.away for each in self.wire):
            self.wire.clear()  # its process is gone, or would not send it so late
            self.settle_now()

    def settle_now(self) -> None:
        intent = self.entry.intent
        assert intent is not None
        number = intent.event.intent
        lost = Unsent(intent=number, cause="nothing was found")
        record = self.linked
        match intent.event.operation:
            case Operation.CREATE:
                found = self.kimai.marked(intent.event.marker)
                mismatch = self.wrong(found[0], intent) if found else None
                self.send(Adopt(found=found, how="read_back", mismatch=mismatch) if found else lost)
            case Operation.UPDATE:
                self.send(self.read_update(intent, record) or lost)
            case Operation.DELETE:
                gone = ConfirmDeleted(intent=number, timesheet_id=intent.event.timesheet_id or 0)
                self.send(gone if record is None else lost)

    def read_update(self, intent: Intent, found: Written | None) -> TimeEntryCommand | None:
        """As `Settler` reads it; None when it had no effect."""
        if found is None:
            return NoteTargetGone(timesheet_id=intent.event.timesheet_id or 0)
        assert intent.desired is not None
        assert self.entry.settled is not None
        base, mismatch = self.entry.settled.written, self.wrong(found, intent)
        if mismatch and not changes_since(base, found):
            return None
        if mismatch and not had_effect(base, intent.desired, found):
            return None
        return Confirm(intent=intent.event.intent, written=found, mismatch=mismatch)

    @precondition(lambda self: self.state is not None)
    @rule()
    def give_up(self) -> None:
        if self.entry.intent is None and wants_write(self.entry):
            self.send(GiveUp(reason=ReasonCode.PEER_REJECTED, detail="down"))

    @precondition(lambda self: self.state is not None)
    @rule()
    def look(self) -> None:
        """At Kimai, when this run has nothing under way any more."""
        if not self.wire and self.entry.settled is not None:
            self.look_now()

    def look_now(self) -> None:
        found = self.linked
        assert self.entry.settled is not None
        for one in self.entry.earlier:
            if self.entry.earlier_one(one.timesheet_id) is not None:
                self.look_at_earlier(one.timesheet_id)
        if found is None:
            if self.entry.intent is None:
                before = self.entry.standing.earlier
                self.send(NoteTargetGone(timesheet_id=self.entry.settled.written.timesheet_id))
                back = self.entry.standing.timesheet_id in before
                if back and self.entry.conflict is None:
                    self.decide_now()
            return
        if self.is_noticed(found):
            self.compare(found)
        self.count_surplus()
        self.decide_what_was_held()

    def compare(self, found: Written) -> None:
        ours: Ruling | None = self.ruled(untouched(self.entry))
        if ours is not None and ours.outcome not in (Outcome.LEAVE, Outcome.UPDATE):
            ours = None
        kimai = self.where.configuration.kimai
        agrees = ours is not None and ours.desired is not None
        agrees = agrees and not mismatches(ours.desired, found, kimai)  # type: ignore[union-attr,arg-type] # it is there
        self.send(
            Compare(
                found=found,
                policy=kimai.edited_in_kimai_policy,
                ours=ours,
                agreed=ours if agrees else None,
            )
        )

    def is_noticed(self, found: Written) -> bool:
        """A list is compared with what was seen last, and no booking is opened for what agrees."""
        assert self.entry.settled is not None
        seen = self.entry.drifted or self.entry.settled.written
        if self.entry.standing.conflict in LOOKED_AT_AGAIN or seen.exported != found.exported:
            return True
        return bool(changes_since(seen, found))

    def look_at_earlier(self, number: int) -> None:
        found = self.kimai.sheets.get(number)
        policy = self.where.configuration.kimai.edited_in_kimai_policy
        gone = NoteTargetGone(timesheet_id=number)
        self.send(gone if found is None else Compare(found=found, policy=policy))
        self.decide_what_was_held()

    def count_surplus(self) -> None:
        settled = self.entry.settled
        if settled is None or self.entry.decided is None:
            return
        ours = {settled.written.timesheet_id, *(one.timesheet_id for one in self.entry.earlier)}
        others = tuple(sorted(self.kimai.claimed() - ours))
        known = self.entry.conflict is not None and self.entry.conflict.others
        if others or known:
            self.send(NoteSurplus(timesheet_ids=others))

    def decide_what_was_held(self) -> None:
        entry = self.entry
        held = entry.decided is not None and entry.decided.outcome is Outcome.HOLD
        if held and entry.conflict is None and entry.intent is None and entry.settled is not None:
            self.decide_now()

    @precondition(lambda self: self.state is not None)
    @rule()
    def a_cause_is_gone(self) -> None:
        if (command := again(self.state)) is not None:
            self.send(command, Decide(ruling=self.ruled_after(command)))

    def ruled_after(self, command: TimeEntryCommand) -> Ruling:
        state = reduce(evolve, TIME_ENTRY.decide(command, self.state), self.state)
        return self.ruled(state)

    # people

    @precondition(lambda self: self.state is not None)
    @rule()
    def retry(self) -> None:
        self.try_to(Retry())

    @precondition(lambda self: self.state is not None and suggested(self.state) != ())
    @rule(accept=st.booleans())
    def answer_the_suggestion(self, accept: bool) -> None:
        number = suggested(self.entry)[0]
        if not accept:
            self.try_to(Distinguish())
        elif number in self.kimai.sheets:
            found = [self.kimai.sheets[number]]
            self.try_to(Adopt(found=found, how=CONFIRMED, target_connector_id=KIMAI, marker=""))

    @precondition(lambda self: self.state is not None and self.state.conflict is not None)
    @rule(what=st.sampled_from(["keep", "carry", "carry", "correct", "skip", "dismiss"]))
    def answer_the_conflict(self, what: str) -> None:
        """Of two who press at once, the second is told that it is over."""
        entry, nth = self.entry, self.entry.opened
        if what == "carry" and entry.intent is None and not suggested(entry):
            ruling = carry_ruling(entry, self.where)
            assert isinstance(ruling, Ruling)
            command: TimeEntryCommand = Carry(nth=nth, ruling=ruling)
        elif what == "correct":
            if not self.is_to_correct:
                return
            ruling = carry_ruling(entry, self.where, correcting=Correcting())
            assert isinstance(ruling, Ruling)
            command = Carry(nth=nth, ruling=ruling, correct=True)
        else:
            plain: dict[str, TimeEntryCommand] = {"keep": Keep(nth=nth), "skip": Skip(nth=nth)}
            command = plain.get(what, Dismiss(nth=nth))
        self.try_to(command)
        if self.entry != entry:
            with pytest.raises(RuleViolation, match="not open any more"):
                TIME_ENTRY.decide(command, self.entry)

    @property
    def is_to_correct(self) -> bool:
        """Whether a row would offer it: what is linked cannot be changed."""
        entry = self.entry
        if entry.settled is None or entry.intent is not None or entry.conflict is None:
            return False
        exported = (entry.drifted or entry.settled.written).exported
        return exported or entry.conflict.reason in NOT_TO_CHANGE

    @precondition(lambda self: self.state is not None and self.state.settled is not None)
    @rule(units=st.sampled_from(["50", "60", "20"]), then=st.sampled_from(["stop", "write", "run"]))
    def correct_what_was_billed(self, units: str, then: str) -> None:
        """Exported, then changed in Zammad, then corrected by a person: rare by chance alone."""
        if self.entry.intent is not None or self.wire or self.linked is None:
            return
        self.kimai.edit(self.entry.settled.written.timesheet_id, exported=True)  # type: ignore[union-attr] # it is linked
        self.send(observe(replace(self.booked(), time_unit=Decimal(units))))
        self.run_once()
        if self.entry.conflict is not None:
            self.answer_the_conflict("correct")
        if then != "stop":
            self.intend_now()
        if then == "run":
            self.leave_now()
            self.arrive()

    @precondition(lambda self: self.state is not None and self.state.closed is not None)
    @rule(wanted=st.booleans())
    def open_again(self, wanted: bool) -> None:
        """Somebody wants it back, or what was wanted could not be carried: all is as it was."""
        closed, nth = self.entry.closed, self.entry.opened
        assert closed is not None
        events = []
        with suppress(RuleViolation):
            events = list(self.send(Reopen(nth=nth) if wanted else Uncarry(nth=nth)))
        if events:
            assert (self.entry.conflict, self.entry.found) == (closed.wait, closed.found)
            assert self.entry.settled == closed.settled

    @precondition(lambda self: self.state is not None)
    @rule(command=st.sampled_from([Ignore(), Unignore(), Flag(note="look"), Flag()]))
    def say(self, command: TimeEntryCommand) -> None:
        self.try_to(command)

    @precondition(lambda self: self.kimai.sheets)
    @rule(data=st.data(), kind=st.sampled_from([*EDITS, "text", "export", "delete", "copy"]))
    def touch(self, data: st.DataObject, kind: str) -> None:
        """Somebody changes a timesheet in Kimai. Exporting is no race with what is under way."""
        number = data.draw(st.sampled_from(sorted(self.kimai.sheets)))
        sheet = self.kimai.sheets[number]
        match kind:
            case "export":
                if not self.wire:
                    self.kimai.edit(number, exported=not sheet.exported)
            case "delete":
                del self.kimai.sheets[number]
            case "copy":
                self.kimai.add(replace(sheet, exported=False))
            case "text":
                self.kimai.edit(number, description=reworded(sheet))
            case _:
                self.kimai.edit(number, **EDITS[kind])

    @precondition(lambda self: self.linked is not None)
    @rule()
    def undo(self) -> None:
        assert self.entry.settled is not None
        number = self.entry.settled.written.timesheet_id
        self.kimai.sheets[number] = replace(
            self.entry.settled.written, exported=self.kimai.sheets[number].exported
        )

    # what holds

    @invariant()
    def nothing_is_recorded_that_was_not_decided_on(self) -> None:
        """Whatever a process believes that is behind the stream."""
        if self.state is None:
            return
        outcome = self.state.standing.outcome
        for operation in Operation:
            due = outcome in OPERATIONS and OPERATIONS[outcome] is operation
            if not (due and wants_write(self.state)):
                with pytest.raises(RuleViolation):
                    TIME_ENTRY.decide(intend(operation, 11), self.state)

    @invariant()
    def what_was_settled_is_not_settled_again(self) -> None:
        """Answers that come late, or once more."""
        if self.state is None:
            return
        open_intent = self.state.intent.event.intent if self.state.intent else 0
        for answer in self.answers:
            if getattr(answer, "intent", open_intent) != open_intent:
                assert TIME_ENTRY.decide(answer, self.state) == []
            gone = answer.timesheet_id if isinstance(answer, NoteTargetGone) else None
            known = {self.state.standing.timesheet_id, *self.state.standing.earlier}
            if gone is not None and gone not in known:
                assert TIME_ENTRY.decide(answer, self.state) == []

    @invariant()
    def what_has_a_timesheet_or_asks_for_one_is_not_taken_over(self) -> None:
        found = self.kimai.marked()
        if self.state is not None and found and not is_free(self.state):
            adopt = Adopt(found=found, how=MARKER, target_connector_id=KIMAI, marker=MARK)
            assert TIME_ENTRY.decide(adopt, self.state) == []

    @invariant()
    def a_replayed_stream_gives_the_same_state(self) -> None:
        assert reduce(evolve, self.log, None) == self.state
        if self.state is not None:
            assert reduce(stand, self.log, NOWHERE) == self.state.standing

    @invariant()
    def nothing_is_under_way_without_its_open_intent(self) -> None:
        assert len(self.wire) <= 1
        if self.wire:
            intent = self.entry.intent
            assert intent is not None
            assert intent.event.intent == self.wire[0].intent
            assert intent.desired == self.wire[0].desired

    @invariant()
    def intents_are_numbered_without_gaps(self) -> None:
        numbers = [e.intent for e in self.log if isinstance(e, TimesheetWriteIntended)]
        assert numbers == list(range(1, len(numbers) + 1))

    @invariant()
    def one_link_at_most_and_to_what_is_known(self) -> None:
        for mark in {marker(LOG_TAG, ENTRY, slot) for slot in range(1, 9)}:
            marked = {sheet.timesheet_id for sheet in self.kimai.marked(mark)}
            assert len(marked & self.kimai.ours()) <= 1
        if self.state is None or self.state.settled is None:
            return
        linked = self.state.settled.written.timesheet_id
        adopted = {e.written.timesheet_id for e in self.log if isinstance(e, TimesheetAdopted)}
        assert linked in self.kimai.created | adopted
        assert linked == self.state.standing.timesheet_id

    @invariant()
    def what_is_ignored_is_left_alone(self) -> None:
        """Nothing is decided or sent, whatever the rules say."""
        if self.state is None or not self.state.standing.ignored:
            return
        assert self.state.intent is None
        assert not wants_write(self.state)
        assert self.state.conflict is None
        assert TIME_ENTRY.decide(Decide(ruling=self.ruled()), self.state) == []

    @invariant()
    def a_known_duplicate_names_the_others(self) -> None:
        conflict = self.state and self.state.conflict
        if conflict and conflict.reason is ReasonCode.DUPLICATE:
            assert conflict.others

    def teardown(self) -> None:
        """All is quiet: after a few runs it is as it should be, or a person knows why not."""
        if self.state is None:
            return
        while self.wire:
            self.leave_now()
            self.land_now()
        if self.entry.intent is not None:
            self.settle_now()
        for _ in range(6):
            self.run_once()
        before = list(self.log)
        self.run_once()
        assert self.log == before, "a quiet run has something to say"
        self.check_the_end()

    def run_once(self) -> None:
        assert self.entry.intent is None
        if self.entry.standing.state is not EntryState.FAILED:
            self.decide_now()
        if self.entry.settled is not None:
            self.look_now()
        self.intend_now()
        while self.wire:
            self.leave_now()
            self.arrive()

    def check_the_end(self) -> None:
        entry = self.entry
        state = entry.standing.state
        assert state not in (EntryState.WRITING, EntryState.PENDING)
        assert (entry.conflict is not None) == (state is EntryState.CONFLICT)
        if state is not EntryState.SYNCED:
            return
        assert entry.settled is not None
        found = self.linked
        assert found is not None
        assert changes_since(entry.settled.written, found) == ()
        for one in entry.earlier:
            there = self.kimai.sheets.get(one.timesheet_id)
            assert one.gone if there is None else changes_since(one.seen, there) == ()
        if entry.closed is not None:  # a person decided to leave it as it is
            return
        if not entry.settled.kept and not entry.settled.adopted and not found.exported:
            kimai = self.where.configuration.kimai
            desired = self.ruled().desired
            assert desired is not None
            assert mismatches(desired, found, kimai) == ()


TestCarried = Carried.TestCase
TestCarried.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)

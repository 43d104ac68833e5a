"""Random histories of commands: what may never happen to a booking."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from domain.errors import RuleViolation
from domain.personal import Personal
from domain.time_entry.commands import (
    Adopt,
    Confirm,
    ConfirmDeleted,
    Decide,
    Doubt,
    GiveUp,
    Hold,
    NoteDrift,
    NoteTargetGone,
    Reject,
    Retry,
    TimeEntryCommand,
    Unsent,
    Vanish,
)
from domain.time_entry.decide import TIME_ENTRY
from domain.time_entry.events import (
    ConflictOpened,
    ConflictResolved,
    TimeEntryEvent,
    TimesheetAdopted,
    TimesheetCreated,
    TimesheetDeleted,
    TimesheetUpdated,
    TimesheetVanished,
    TimesheetWriteIntended,
    TimesheetWriteRejected,
    TimesheetWriteUnsent,
)
from domain.time_entry.standing import NOWHERE, EntryState, Standing, stand
from domain.time_entry.state import TimeEntry, evolve
from domain.time_entry.values import Operation, ReasonCode, Written
from tests.support.bookings import (
    BOOKED,
    booking,
    context,
    intend,
    observe,
    ruling,
    situation,
    written,
)

CLOSING = (
    TimesheetCreated,
    TimesheetUpdated,
    TimesheetDeleted,
    TimesheetAdopted,
    TimesheetVanished,
    TimesheetWriteRejected,
    TimesheetWriteUnsent,
)
SITUATIONS = [
    situation(),
    situation(activities=()),
    situation(kimai={"delete_policy": "delete"}),
    situation(kimai={"delete_policy": "keep"}),
]


class Booking(RuleBasedStateMachine):
    """Any command at any time, as jobs, people and answers that come twice would send them."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[TimeEntryEvent] = []
        self.state: TimeEntry | None = None
        self.standing: Standing = NOWHERE
        self.edits = 0

    def send(self, command: TimeEntryCommand) -> None:
        with suppress(RuleViolation):
            for event in TIME_ENTRY.decide(command, self.state):
                self.log.append(event)
                self.state = evolve(self.state, event)
                self.standing = stand(self.standing, event)

    @property
    def entry(self) -> TimeEntry:
        assert self.state is not None
        return self.state

    def number(self) -> int:
        return self.entry.intent.event.intent if self.entry.intent else 1

    def stored(self) -> Written:
        """What Kimai would answer, whether it was asked or not."""
        ruled = ruling(replace(self.entry, found=None, refused=None, settled=None), situation())
        asked = ruled.desired
        if self.entry.intent and self.entry.intent.desired:
            asked = self.entry.intent.desired
        if asked is None:
            known = self.entry.settled
            return known.written if known else EXAMPLE
        return written(asked)

    @rule(units=st.sampled_from(["0", "-1", "15", "30", "45.5"]), readable=st.booleans())
    def observe(self, units: str, readable: bool) -> None:
        self.edits += 1
        at = BOOKED + timedelta(minutes=self.edits)
        seen = observe(booking(time_unit=Decimal(units), updated_at=at))
        self.send(seen if readable else replace(seen, context=None))

    @rule(name=st.sampled_from(["Emily Adams", "Emily Brown"]))
    def rename(self, name: str) -> None:
        source = self.state.booking if self.state else None
        self.send(observe(source, context(customer_name=Personal("customer:8", name))))

    @precondition(lambda self: self.state is not None)
    @rule(where=st.sampled_from(SITUATIONS))
    def decide(self, where: object) -> None:
        assert where in SITUATIONS
        self.send(Decide(ruling=ruling(self.entry, SITUATIONS[SITUATIONS.index(where)])))

    @rule(operation=st.sampled_from(Operation))
    def intend(self, operation: Operation) -> None:
        self.send(intend(operation, None if operation is Operation.CREATE else 11))

    @precondition(lambda self: self.state is not None)
    @rule(wrong=st.booleans(), again=st.booleans(), stale=st.integers(0, 1))
    def answer(self, wrong: bool, again: bool, stale: int) -> None:
        self.send(
            Confirm(
                intent=self.number() + stale,
                written=self.stored(),
                mismatch="moved" if wrong else None,
                again=again,
            )
        )

    @precondition(lambda self: self.state is not None)
    @rule(stale=st.integers(0, 1))
    def deleted(self, stale: int) -> None:
        intent = self.entry.intent
        if intent is None or intent.event.operation is Operation.DELETE:
            self.send(ConfirmDeleted(intent=self.number() + stale, timesheet_id=11))

    @precondition(lambda self: self.state is not None)
    @rule(
        kind=st.sampled_from(["reject", "doubt", "unsent", "vanish", "gone", "give up", "retry"]),
    )
    def happen(self, kind: str) -> None:
        number = self.number()
        commands: dict[str, TimeEntryCommand] = {
            "reject": Reject(
                intent=number,
                status=400,
                fields=(),
                reason=ReasonCode.CREATION_ERROR,
                detail="refused",
            ),
            "doubt": Doubt(intent=number, cause="timed out"),
            "unsent": Unsent(intent=number, cause="not there"),
            "vanish": Vanish(),
            "gone": NoteTargetGone(timesheet_id=11),
            "give up": GiveUp(reason=ReasonCode.PEER_REJECTED, detail="down"),
            "retry": Retry(),
        }
        self.send(commands[kind])

    @precondition(lambda self: self.state is not None)
    @rule(copies=st.integers(1, 2))
    def adopt(self, copies: int) -> None:
        first = self.stored()
        self.send(
            Adopt(
                found=[replace(first, timesheet_id=11 + n) for n in range(copies)],
                how="read_back",
            )
        )

    @precondition(lambda self: self.state is not None and self.state.settled is not None)
    @rule(exported=st.booleans())
    def object_before_writing(self, exported: bool) -> None:
        if exported:
            self.send(Hold(reason=ReasonCode.SOURCE_CHANGED_AFTER_EXPORT, detail="exported"))
        else:
            found = replace(self.stored(), project_id=77)
            self.send(NoteDrift(found=found, changed=("project_id",), detail="edited"))

    @invariant()
    def an_intent_follows_only_a_settled_one(self) -> None:
        is_open = False
        for event in self.log:
            if isinstance(event, TimesheetWriteIntended):
                assert not is_open
                is_open = True
            elif isinstance(event, CLOSING):
                is_open = False
        assert is_open == (self.state is not None and self.state.intent is not None)

    @invariant()
    def intents_are_numbered_without_gaps(self) -> None:
        numbers = [e.intent for e in self.log if isinstance(e, TimesheetWriteIntended)]
        assert numbers == list(range(1, len(numbers) + 1))

    @invariant()
    def a_linked_timesheet_is_never_created_again(self) -> None:
        linked = False
        for event in self.log:
            if isinstance(event, TimesheetCreated | TimesheetAdopted | TimesheetUpdated):
                linked = True
            elif isinstance(event, TimesheetDeleted | TimesheetVanished):
                linked = False
            elif isinstance(event, TimesheetWriteIntended):
                assert linked == (event.operation is not Operation.CREATE)

    @invariant()
    def at_most_one_conflict_is_open(self) -> None:
        is_open = False
        for event in self.log:
            if isinstance(event, ConflictOpened):
                assert not is_open
                is_open = True
            elif isinstance(event, ConflictResolved):
                assert is_open
                is_open = False
        assert is_open == (self.standing.conflict is not None)

    @invariant()
    def nothing_is_intended_under_a_conflict(self) -> None:
        is_open = False
        for event in self.log:
            if isinstance(event, TimesheetWriteIntended):
                assert not is_open
            is_open = isinstance(event, ConflictOpened) or (
                is_open and not isinstance(event, ConflictResolved)
            )

    @invariant()
    def views_and_rules_see_the_same_state(self) -> None:
        if self.state is None:
            return
        assert self.standing == self.state.standing
        linked = self.state.settled.written.timesheet_id if self.state.settled else None
        assert linked == self.standing.timesheet_id
        synced = self.standing.state is EntryState.SYNCED
        assert not synced or self.state.settled is not None

    @invariant()
    def deciding_twice_changes_nothing(self) -> None:
        if self.state is None or self.state.intent is not None:
            return
        once = [*TIME_ENTRY.decide(Decide(ruling=ruling(self.state, situation())), self.state)]
        state = self.state
        for event in once:
            after = evolve(state, event)
            assert after is not None
            state = after
        again = ruling(state, situation())
        assert list(TIME_ENTRY.decide(Decide(ruling=again), state)) == []


def _example() -> Written:
    entry = None
    for event in TIME_ENTRY.decide(observe(), None):
        entry = evolve(entry, event)
    assert entry is not None
    asked = ruling(entry, situation()).desired
    assert asked is not None
    return written(asked)


EXAMPLE = _example()
TestBooking = Booking.TestCase
TestBooking.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)

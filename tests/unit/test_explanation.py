"""Why an entry is as it is, for each thing that can become of one."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from domain.event import Actor, Event, Metadata, Recorded
from domain.ids import EntryId
from domain.time_entry.events import (
    ConflictOpened,
    EntryChangedAtSource,
    EntryDeadLettered,
    EntryDecided,
    EntryNetted,
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
from domain.time_entry.values import (
    Basis,
    Operation,
    Outcome,
    ReasonCode,
    Reduction,
    Stored,
)
from projections.explanation import STUCK_AT, Explanation, explained, shown
from tests.property.test_projections import PASTS, quick
from tests.support import believable
from tests.support.believable import START, context, intended, observed, written

NUMBER = 7
ENTRY = EntryId(10_000_000_007)
OBSERVED = observed(ENTRY, NUMBER, START)
WHOLE = Basis(
    unit_minutes=Decimal(60),
    unit_source="setting:time_unit_minutes",
    anchor="end_at_booking",
    zone="Europe/Brussels",
    work_date=START.date(),
    configuration="0123456789abcdef",
    activity="mapping:4@2",
    user="user-mapping:email",
    project="project-mapping:7@1",
)
TO_CREATE = ["observation", "unit", "work_time", "user", "mapping", "project", "rounding"]
SENT = intended(ENTRY, NUMBER, START, 1, Operation.CREATE)
CREATED = TimesheetCreated(entry_id=ENTRY, intent=1, written=written(NUMBER, START))


def decided(outcome: Outcome, **more: Any) -> EntryDecided:
    event = believable.decided(ENTRY, NUMBER, START, outcome)
    return replace(event, basis=WHOLE, **{"reason": None, **more})


def held(reason: ReasonCode, detail: str, **unknown: None) -> tuple[EntryDecided, ConflictOpened]:
    decision = decided(
        Outcome.HOLD,
        desired=None,
        reason=reason,
        detail=detail,
    )
    opened = ConflictOpened(entry_id=ENTRY, reason=reason, detail=detail)
    return replace(decision, basis=replace(WHOLE, **unknown)), opened


def because(*events: Event) -> Explanation:
    return explained(recorded(events))


def recorded(events: Sequence[Event]) -> list[Recorded[Any]]:
    metadata = Metadata(actor=Actor(kind="service", name="sync"), correlation_id="run-3", run_id=3)
    return [
        Recorded(
            position=100 + number,
            stream=f"time-entry-{ENTRY}",
            version=number,
            event=event,
            metadata=metadata,
            occurred_at=START,
            recorded_at=START + timedelta(seconds=number),
            digest="",
        )
        for number, event in enumerate(events, 1)
    ]


def names(explanation: Explanation) -> list[str]:
    return [step.step for step in explanation.steps]


def titles(explanation: Explanation) -> dict[str, str]:
    return {step.step: step.title for step in explanation.steps}


def test_a_created_entry_is_told_from_the_booking_to_the_answer() -> None:
    told = because(OBSERVED, decided(Outcome.CREATE), SENT, CREATED)
    assert names(told) == [*TO_CREATE, "decision", "request", "answer"]
    assert [step.recorded.position for step in told.steps] == [101, *[102] * 7, 103, 104]
    assert titles(told) == {
        "observation": "Agent 8 booked 0.75 units on ticket 10007 for Support.",
        "unit": "One Zammad unit is 60 min, so 0.75 units are 45 min.",
        "work_time": "The work ended when it was booked: 2026-01-05 08:53 to 09:38"
        " (Europe/Brussels).",
        "user": "Agent 8 books as Kimai user 4, by the same e-mail address.",
        "mapping": "Support is Kimai activity 2, by mapping 4 (version 2).",
        "project": "Ticket 10007 is billed on Kimai project 8, by project mapping 7 (version 1).",
        "rounding": "Rounding leaves the times as they are.",
        "decision": "A timesheet of 45 min is to be created in Kimai.",
        "request": "Kimai was asked to create the timesheet.",
        "answer": "Kimai created timesheet 7: 45 min.",
    }
    assert told.result == "Kimai holds it as timesheet 7 with 45 min."
    steps = {step["step"]: step for step in shown(told)["steps"]}  # type: ignore[attr-defined] # a list of dicts
    assert steps["mapping"]["output"] == {
        "activity_id": 2,
        "by": "mapping:4@2",
        "mapping_id": 4,
        "mapping_version": 2,
    }
    assert steps["unit"]["input"] == {
        "time_unit": "0.75",
        "unit_minutes": 60,
        "by": "setting:time_unit_minutes",
    }
    assert steps["unit"]["output"] == {"minutes": 45}
    assert steps["request"]["output"]["path"] == "/api/timesheets"


def test_what_kimai_rounds_is_told_before_it_is_sent() -> None:
    begin = START - timedelta(minutes=NUMBER)
    longer = Stored(begin=begin, end=begin + timedelta(minutes=60), duration=timedelta(minutes=60))
    decision = decided(Outcome.CREATE)
    rounded = replace(decision, basis=replace(WHOLE, foreseen=longer))
    assert titles(because(OBSERVED, rounded))["rounding"] == (
        "Kimai's rounding makes 60 min of 45 min."
    )


def test_an_update_is_told_from_the_change_on() -> None:
    changed = EntryChangedAtSource(
        entry_id=ENTRY,
        booking=believable.booking(NUMBER, START, time_unit="1.25"),
        context=context(NUMBER),
        changed=("time_unit",),
    )
    before = (OBSERVED, decided(Outcome.CREATE), SENT, CREATED, changed)
    undecided = because(*before)
    assert names(undecided) == ["observation"]
    assert undecided.result == "It changed since it was last decided on; the next run decides anew."
    sent = intended(ENTRY, NUMBER, START, 2, Operation.UPDATE)
    updated = TimesheetUpdated(entry_id=ENTRY, intent=2, written=written(NUMBER, START))
    told = because(*before, decided(Outcome.UPDATE), sent, updated)
    assert titles(told)["answer"] == "Kimai changed timesheet 7: 45 min."
    assert told.steps[0].note == "Changed in Zammad since it was first seen: time_unit."
    assert titles(told)["unit"] == "One Zammad unit is 60 min, so 1.25 units are 75 min."


@pytest.mark.parametrize(
    ("reason", "unknown", "steps"),
    [
        (
            ReasonCode.UNIT_UNKNOWN,
            ("unit_minutes", "anchor", "user", "activity", "project"),
            ["observation", "unit", "decision"],
        ),
        (
            ReasonCode.UNMAPPED_ACTIVITY,
            ("user", "activity", "project"),
            ["observation", "unit", "work_time", "mapping", "decision"],
        ),
        (
            ReasonCode.USER_UNMAPPED,
            ("user",),
            ["observation", "unit", "work_time", "user", "mapping", "project", "decision"],
        ),
        (
            ReasonCode.PROJECT_OR_CUSTOMER_MISSING,
            ("project",),
            ["observation", "unit", "work_time", "user", "mapping", "project", "decision"],
        ),
        (
            ReasonCode.TICKET_MERGED,
            ("project",),
            ["observation", "unit", "work_time", "user", "mapping", "project", "decision"],
        ),
        (
            ReasonCode.NEGATIVE_TIME,
            ("anchor", "user", "activity", "project"),
            ["observation", "unit", "decision"],
        ),
        (
            ReasonCode.LOCKED_OR_EXPORTED,
            ("anchor", "user", "activity", "project"),
            ["observation", "unit", "decision"],
        ),
    ],
)
def test_a_held_entry_is_told_up_to_where_it_is_stuck(
    reason: ReasonCode, unknown: Sequence[str], steps: list[str]
) -> None:
    detail = "This is missing. Do that."
    told = because(OBSERVED, *held(reason, detail, **dict.fromkeys(unknown)))
    assert names(told) == steps
    assert told.result == f"It waits for a person ({reason.value}). {detail}"
    assert titles(told)["decision"] == f"A person has to look at it first. {detail}"
    for step in told.steps:
        if step.step == STUCK_AT.get(reason):
            assert (step.title, step.output) == (detail, None)
            assert step.input


def test_an_entry_without_its_ticket_says_so() -> None:
    hidden = replace(OBSERVED, context=None)
    nothing = ("unit_minutes", "anchor", "user", "activity", "project")
    told = because(
        hidden, *held(ReasonCode.TICKET_UNREADABLE, "Not visible.", **dict.fromkeys(nothing))
    )
    assert names(told) == ["observation", "project", "decision"]
    assert titles(told)["observation"] == "Person 8 booked 0.75 units on ticket 57."


def test_a_row_that_cannot_be_read_says_which_field() -> None:
    unreadable = EntryUnreadable(
        entry_id=ENTRY,
        connector_id=OBSERVED.connector_id,
        fields=("time_unit",),
        ticket_id=None,
        updated_at=None,
    )
    told = because(unreadable)
    assert titles(told) == {"observation": "Zammad lists a booking that cannot be read: time_unit."}
    assert told.result == "It waits for the next run."


def test_a_netted_entry_says_from_what_it_was_taken() -> None:
    earlier = Reduction(entry_id=EntryId(10_000_000_001), seconds=2700)
    netted = EntryNetted(entry_id=ENTRY, against=(earlier,), rest_seconds=0)
    detail = "The booking is negative and was netted: 45 min from booking 1."
    told = because(
        OBSERVED,
        netted,
        replace(
            decided(Outcome.LEAVE, desired=None, detail=detail),
            basis=replace(WHOLE, anchor=None, user=None, activity=None, project=None),
        ),
    )
    assert names(told) == ["observation", "unit", "decision"]
    assert titles(told)["decision"] == f"Nothing is to be written. {detail}"
    assert told.result == f"It is left alone. {detail}"


def test_a_shortened_entry_says_by_how_much() -> None:
    by = (Reduction(entry_id=EntryId(10_000_000_009), seconds=900),)
    told = because(
        OBSERVED, EntryReduced(entry_id=ENTRY, by=by), decided(Outcome.CREATE), SENT, CREATED
    )
    notes = {step.step: step.note for step in told.steps}
    assert notes["unit"] == "Negative bookings take 15 min of it."


def test_a_stacked_entry_says_how_its_time_was_found() -> None:
    decision = decided(Outcome.CREATE)
    stacked = replace(decision, basis=replace(WHOLE, anchor="day_start_stacked"))
    told = titles(because(OBSERVED, stacked, SENT, CREATED))
    assert told["work_time"].startswith("The bookings of the day are laid end to end: ")


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("marker", "Timesheet 7 was in Kimai before and carries our marker; it was linked."),
        ("earlier_marker", "Timesheet 7 was written by an earlier tool; it was linked."),
        ("confirmed", "A person said that timesheet 7 is this booking; it was linked."),
    ],
)
def test_an_adopted_entry_says_how_it_was_known(how: str, sentence: str) -> None:
    taken = TimesheetAdopted(
        entry_id=ENTRY, written=written(NUMBER, START), how=how, marker="[zammad:7]"
    )
    told = because(OBSERVED, taken, decided(Outcome.LEAVE))
    assert "request" not in names(told)
    assert titles(told)["answer"] == sentence


def test_a_decision_that_changed_nothing_names_the_request_before_it() -> None:
    told = because(OBSERVED, decided(Outcome.CREATE), SENT, CREATED, decided(Outcome.LEAVE))
    request = next(step for step in told.steps if step.step == "request")
    assert request.recorded.position == 103
    assert request.note == "Sent before this decision, which found nothing to change in it."
    assert titles(told)["answer"] == "Kimai created timesheet 7: 45 min."
    assert titles(told)["decision"].startswith("Kimai holds these 45 min already")


def test_a_withdrawn_entry_says_that_it_is_gone() -> None:
    gone = EntryVanishedAtSource(entry_id=ENTRY)
    only_zone = Basis(zone="Europe/Brussels", work_date=START.date(), configuration="0")
    doomed = replace(decided(Outcome.DELETE, desired=None), basis=only_zone)
    sent = replace(SENT, operation=Operation.DELETE, intent=2)
    deleted = TimesheetDeleted(entry_id=ENTRY, intent=2, timesheet_id=NUMBER)
    before = (OBSERVED, decided(Outcome.CREATE), SENT, CREATED, gone)
    told = because(*before, doomed, sent, deleted)
    assert names(told) == ["observation", "decision", "request", "answer"]
    assert titles(told)["observation"] == "The booking was deleted in Zammad."
    assert told.result == "It is gone in Zammad, and nothing of it is in Kimai."
    kept = replace(decided(Outcome.LEAVE, desired=None), basis=only_zone)
    assert because(*before, kept).result == "It is gone in Zammad; timesheet 7 stays in Kimai."


def test_a_refused_write_says_what_kimai_said() -> None:
    refused = TimesheetWriteRejected(
        entry_id=ENTRY,
        intent=1,
        status=400,
        fields=("activity",),
        reason=ReasonCode.PEER_REJECTED,
        detail="Choose an activity of the project.",
    )
    opened = ConflictOpened(
        entry_id=ENTRY,
        reason=ReasonCode.PEER_REJECTED,
        detail="Choose an activity of the project.",
    )
    told = because(OBSERVED, decided(Outcome.CREATE), SENT, refused, opened)
    assert titles(told)["answer"] == "Kimai refused (400). Choose an activity of the project."
    assert told.result.startswith("It waits for a person (PEER_REJECTED).")


def test_an_uncertain_write_says_that_it_is_read_back() -> None:
    lost = TimesheetWriteUncertain(entry_id=ENTRY, intent=1, cause="no answer in 30 s")
    told = because(OBSERVED, decided(Outcome.CREATE), SENT, lost)
    assert told.steps[-1].note == "no answer in 30 s"
    assert told.result.startswith("A request to Kimai is under way")
    found = TimesheetAdopted(entry_id=ENTRY, written=written(NUMBER, START), how="read_back")
    told = because(OBSERVED, decided(Outcome.CREATE), SENT, lost, found)
    assert titles(told)["answer"].startswith("The answer was lost, and timesheet 7 was found")


def test_a_dead_letter_says_that_retries_are_used_up() -> None:
    unsent = TimesheetWriteUnsent(entry_id=ENTRY, intent=1, cause="refused connection")
    dead = EntryDeadLettered(
        entry_id=ENTRY, reason=ReasonCode.WRITE_UNCERTAIN, detail="Tried 5 times.", attempts=5
    )
    told = because(OBSERVED, decided(Outcome.CREATE), SENT, unsent, dead)
    assert names(told)[-1] == "answer"
    assert told.result == "Retries are used up (WRITE_UNCERTAIN). Tried 5 times."


@quick
@given(PASTS)
def test_every_past_can_be_explained(past: Sequence[Recorded[Event]]) -> None:
    order = [*TO_CREATE, "decision", "request", "answer"]
    for stream in {each.stream for each in past if each.stream.startswith("time-entry-")}:
        events = [each for each in past if each.stream == stream]
        for upto in range(1, len(events) + 1):
            told = explained(events[:upto])
            assert names(told) == sorted(set(names(told)), key=order.index)
            assert told.result
            assert all(step.title for step in told.steps if step.step != "decision")
            assert all(step.recorded in events[:upto] for step in told.steps)


def test_the_marker_of_a_request_is_told() -> None:
    assert isinstance(SENT, TimesheetWriteIntended)
    told = because(OBSERVED, decided(Outcome.CREATE), SENT)
    (request,) = [step for step in told.steps if step.step == "request"]
    assert request.input == {"operation": "create", "marker": SENT.marker, "attempt": 1}
    assert isinstance(OBSERVED, EntryObserved)

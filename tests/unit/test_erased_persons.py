"""What Zammad and Kimai still say of an erased person does not come back into the ledger."""

from dataclasses import fields, is_dataclass, replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.personal import Personal, agrees
from domain.rules.comparison import asks_the_same
from domain.time_entry.commands import Decide, Observe, Ruling
from domain.time_entry.decide import TIME_ENTRY
from domain.time_entry.events import EntryChangedAtSource, EntryDecided, EntryObserved
from domain.time_entry.values import Outcome
from tests.support.believable import START, ZAMMAD, booking, context, decided
from tests.support.believable import observed as seen
from tests.support.bookings import ENTRY
from tests.support.given import Given

TEXT = st.none() | st.text(max_size=3)
PERSON = st.builds(Personal, st.sampled_from(("customer:1", "zammad-user:1")), TEXT)


def without_persons(value: Any) -> Any:
    """The same with every personal value erased."""
    if isinstance(value, Personal):
        return Personal(value.subject, None)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value,
            **{field.name: without_persons(getattr(value, field.name)) for field in fields(value)},
        )
    return value


OBSERVED = seen(ENTRY, 7, START)
AGAIN = Observe(entry_id=ENTRY, connector_id=ZAMMAD, booking=booking(7, START), context=context(7))


def test_an_observation_that_only_names_the_erased_again_says_nothing_new() -> None:
    erased = without_persons(OBSERVED)
    assert isinstance(erased, EntryObserved)
    assert erased != OBSERVED
    Given(TIME_ENTRY, [erased]).when(AGAIN).then()


def test_another_name_is_still_a_change() -> None:
    assert OBSERVED.context is not None
    renamed = replace(
        OBSERVED,
        context=replace(OBSERVED.context, agent_name=Personal("zammad-user:8", "Somebody else")),
    )
    (changed,) = Given(TIME_ENTRY, [renamed]).when(AGAIN).events
    assert isinstance(changed, EntryChangedAtSource)
    assert changed.changed == ("agent_name",)


def test_a_change_of_something_else_is_recorded_with_what_zammad_says_now() -> None:
    erased = without_persons(OBSERVED)
    command = replace(AGAIN, booking=booking(7, START, time_unit="2"))
    (changed,) = Given(TIME_ENTRY, [erased]).when(command).events
    assert isinstance(changed, EntryChangedAtSource)
    assert changed.changed == ("time_unit",)
    assert changed.context == AGAIN.context


def test_a_decision_that_differs_by_the_erased_text_only_stands() -> None:
    decision = decided(ENTRY, 7, START, Outcome.CREATE)
    state = Given(TIME_ENTRY, [OBSERVED, without_persons(decision)]).state
    assert state is not None
    ruling = Ruling(
        outcome=decision.outcome,
        basis=decision.basis,
        desired=decision.desired,
        reason=decision.reason,
        detail=decision.detail,
    )
    assert TIME_ENTRY.decide(Decide(ruling=ruling), state) == []
    assert isinstance(decision, EntryDecided)


def test_kimai_is_not_asked_for_a_text_that_is_not_known_any_more() -> None:
    desired = decided(ENTRY, 7, START, Outcome.CREATE).desired
    assert desired is not None
    assert asks_the_same(without_persons(desired), desired)
    assert not asks_the_same(replace(desired, activity_id=99), desired)
    other = replace(desired, description=Personal(desired.description.subject, "Another text"))
    assert not asks_the_same(other, desired)


@given(PERSON, PERSON)
def test_agreeing_is_equality_but_for_the_erased(one: Personal, other: Personal) -> None:
    if one.value is not None and other.value is not None:
        assert agrees(one, other) is (one == other)
    else:
        assert agrees(one, other) is (one.subject == other.subject)

"""The campaign's own parts: a history that repeats, and a checker that would notice."""

import dataclasses
from collections import Counter
from typing import Any

from adapters.sandbox.kimai.entities import Timesheet
from tests.chaos import history
from tests.chaos.checker import differences
from tests.chaos.diary import Changing
from tests.chaos.history import Author, Book, DeleteSheet, Operation, rounds
from tests.chaos.town import Town
from tests.support.impatient import KEYS


def written(seed: int, operations: int = 500) -> list[Operation]:
    return [
        operation
        for each in rounds(seed, operations, Author())
        for operation in (*each.before, *each.meanwhile)
    ]


def town_with_one_booking() -> tuple[Town, Timesheet]:
    """A booking of an hour, and in Kimai what should come of it."""
    town = Town(KEYS)
    town.apply(Book(booking=1, ticket=1, agent=0, kind=0, amount="60", article=False))
    entry = town.zammad.entries[1]
    emails = {user.email: user.id for user in town.kimai.users.values()}
    end = int(town.zammad.clock.now().timestamp()) // 60 * 60
    sheet = town.kimai.add_timesheet(
        user=emails[town.zammad.users[entry.created_by_id].email],
        project=town.projects[0],
        activity=town.activities[0],
        begin=end - 3600,
        end=end,
        description="Reset.\nTL-0123abcd-0000010000000001-01",
        tags=[town.kimai.add_tag("source:zammad").id],
    )
    return town, sheet


def test_a_seed_is_the_same_history_every_time() -> None:
    assert written(7) == written(7)
    assert written(7) != written(8)


def test_a_history_has_as_many_operations_as_asked_for_of_every_kind() -> None:
    kinds = Counter(type(operation) for operation in written(1, 5000))
    assert kinds.total() == 5000
    everything = {*history.InZammad.__args__, *history.InKimai.__args__}
    everything |= set(history.InSettings.__args__)
    assert everything == set(kinds)


def test_what_held_at_a_moment_or_later() -> None:
    values: Changing[str] = Changing()
    values.change("a", 1, at=0)
    values.change("a", 2, at=5)
    assert values.ever("a", since=3) == {1, 2}
    assert values.ever("a", since=6) == {2}
    assert values.ever("b", since=3) == {None}


def test_the_checker_is_content_with_the_one_right_timesheet() -> None:
    town, _ = town_with_one_booking()
    assert differences(town, {}) == []


def test_the_checker_notices_each_thing_that_is_wrong() -> None:
    everything: tuple[dict[str, Any], ...] = (
        {"begin": 0},
        {"duration": 1800},
        {"user": 1},
        {"activity": 2},
        {"project": 2},
        {"tags": []},
    )
    for wrong in everything:
        town, sheet = town_with_one_booking()
        town.kimai.put("timesheets", dataclasses.replace(sheet, **wrong))
        (said,) = differences(town, {})
        assert "differs in" in said


def test_the_checker_wants_every_booking_once() -> None:
    town, sheet = town_with_one_booking()
    town.kimai.put("timesheets", dataclasses.replace(sheet, id=99))
    assert differences(town, {}) == ["booking 1 has timesheets [1, 99]"]
    town, sheet = town_with_one_booking()
    town.kimai.drop("timesheets", sheet.id)
    assert differences(town, {}) == ["booking 1 has no timesheet"]


def test_a_reason_that_is_not_true_is_noticed() -> None:
    town, _ = town_with_one_booking()
    town.apply(DeleteSheet(booking=1))
    assert differences(town, {1: "TARGET_DELETED"}) == []
    for untrue in ("UNMAPPED_ACTIVITY", "CREATION_ERROR", "NEGATIVE_TIME", "SOURCE_DELETED"):
        (said,) = differences(town, {1: untrue})
        assert f"{untrue} is not true" in said


def test_a_billed_timesheet_is_to_stay_as_it_is() -> None:
    town, sheet = town_with_one_booking()
    town.apply(history.ExportSheet(booking=1))
    assert differences(town, {}) == []
    town.kimai.drop("timesheets", sheet.id)
    assert "timesheet 1 was changed or deleted after it had been exported" in differences(town, {})


def take_back(town: Town, amount: str) -> None:
    town.apply(Book(booking=2, ticket=1, agent=0, kind=0, amount=amount, article=False))


def shorten(town: Town, sheet: Timesheet, minutes: int) -> None:
    begin = (sheet.begin or 0) + 60 * minutes
    shorter = dataclasses.replace(sheet, begin=begin, duration=sheet.duration - 60 * minutes)
    town.kimai.put("timesheets", shorter)


def test_what_is_taken_back_must_be_missing_from_the_timesheets() -> None:
    town, sheet = town_with_one_booking()
    take_back(town, "-20")
    (said,) = differences(town, {})
    assert "1200 s are to be taken back" in said
    shorten(town, sheet, 20)
    assert differences(town, {}) == []
    shorten(town, sheet, 30)
    (said,) = differences(town, {})
    assert "and 1800 to" in said


def test_a_negative_booking_waits_only_when_nothing_before_it_is_open() -> None:
    town, sheet = town_with_one_booking()
    take_back(town, "-90")
    (said,) = differences(town, {2: "NEGATIVE_TIME"})
    assert "NEGATIVE_TIME is not true" in said
    shorten(town, sheet, 60)
    assert differences(town, {2: "NEGATIVE_TIME"}) == []


def test_without_a_negative_booking_nothing_may_be_missing() -> None:
    town, sheet = town_with_one_booking()
    shorten(town, sheet, 20)
    (said,) = differences(town, {})
    assert "differs in begin, end" in said

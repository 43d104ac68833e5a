"""The campaign's own parts: a history that repeats, and a checker that would notice."""

import dataclasses
from collections import Counter
from datetime import datetime
from typing import Any

from adapters.sandbox.kimai.entities import Timesheet
from tests.chaos import history
from tests.chaos.checker import differences
from tests.chaos.diary import STACKED, Changing, Diary, House
from tests.chaos.history import Author, Book, DeleteSheet, Operation, rounds
from tests.chaos.times import DAY_START, ZONE, day_of
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


def test_a_billed_timesheet_of_another_length_waits_beside_a_negative_booking() -> None:
    town, _ = town_with_one_booking()
    town.apply(history.ExportSheet(booking=1))
    assert "is not true" in " ".join(differences(town, {1: "SOURCE_CHANGED_AFTER_EXPORT"}))
    town.apply(history.Edit(booking=1, amount="80"))
    take_back(town, "-10")
    waiting = {1: "SOURCE_CHANGED_AFTER_EXPORT", 2: "NEGATIVE_TIME"}
    assert differences(town, waiting) == []


def test_without_a_negative_booking_nothing_may_be_missing() -> None:
    town, sheet = town_with_one_booking()
    shorten(town, sheet, 20)
    (said,) = differences(town, {})
    assert "differs in begin, end" in said


def test_a_copy_is_left_as_it_is_and_somebody_is_told() -> None:
    town, sheet = town_with_one_booking()
    town.apply(history.CopySheet(booking=1))
    (said,) = differences(town, {})
    assert "nobody was told" in said
    assert differences(town, {1: "DUPLICATE"}) == []
    (copied,) = town.copies
    town.kimai.put("timesheets", dataclasses.replace(town.copies[copied], duration=60))
    (said,) = differences(town, {1: "DUPLICATE"})
    assert "a person's copy for booking 1, changed" in said
    town.kimai.drop("timesheets", copied)
    gone, untrue = differences(town, {1: "DUPLICATE"})
    assert "DUPLICATE is not true" in untrue or "DUPLICATE is not true" in gone
    assert any("is gone" in said for said in (gone, untrue))
    assert sheet.id not in town.copies


def test_a_copy_that_people_take_away_again_is_no_reason_any_more() -> None:
    town, _ = town_with_one_booking()
    town.apply(history.CopySheet(booking=1))
    town.apply(history.DropCopies(booking=1))
    assert differences(town, {}) == []
    (said,) = differences(town, {1: "DUPLICATE"})
    assert "DUPLICATE is not true" in said


def test_a_disabled_user_is_a_reason_to_wait_and_an_agent_who_left_is_none() -> None:
    for operation, true in ((history.DisableUser(user=0), True), (history.Leave(agent=0), False)):
        town, sheet = town_with_one_booking()
        town.kimai.drop("timesheets", sheet.id)
        town.apply(operation)
        for reason in ("USER_UNMAPPED", "CREATION_ERROR"):
            assert (differences(town, {1: reason}) == []) is true


def stacked_town() -> tuple[Town, list[Timesheet]]:
    """Two bookings of one agent, of twenty minutes each, from nine o'clock on."""
    town = Town(KEYS, Diary(House(anchor=STACKED)))
    sheets = []
    for number in (1, 2):
        book = Book(booking=number, ticket=1, agent=0, kind=0, amount="20", article=False)
        town.apply(book)
        entry = town.zammad.entries[number]
        nine = int(datetime.combine(day_of(entry), DAY_START, tzinfo=ZONE).timestamp())
        sheets.append(
            town.kimai.add_timesheet(
                user=town.users[0],
                project=town.projects[0],
                activity=town.activities[0],
                begin=nine + 1200 * (number - 1),
                end=nine + 1200 * number,
                description=f"Reset.\nTL-0123abcd-000001000000000{number}-01",
                tags=[town.kimai.add_tag("source:zammad").id],
            )
        )
    return town, sheets


def test_stacked_bookings_lie_anywhere_on_their_day_but_not_on_one_another() -> None:
    town, (_, second) = stacked_town()
    assert differences(town, {}) == []

    def moved(seconds: int, longer: int = 0) -> list[str]:
        begin, end = (second.begin or 0) + seconds, (second.end or 0) + seconds + longer
        there = dataclasses.replace(second, begin=begin, end=end, duration=end - begin)
        town.kimai.put("timesheets", there)
        return differences(town, {})

    assert moved(+3600) == []
    (said,) = moved(-60)
    assert "lie on one another" in said
    for where, longer in ((-7200, 0), (-86400, 0), (+86400, 0), (+3600, 60)):
        (said,) = moved(where, longer)
        assert "differs in begin, end" in said


def test_a_stacked_booking_waits_for_room_only_when_its_day_is_rather_full() -> None:
    town, (_, second) = stacked_town()
    town.kimai.drop("timesheets", second.id)
    (said,) = differences(town, {2: "CONFLICT"})
    assert "CONFLICT is not true" in said
    for number in range(3, 30):
        town.apply(Book(booking=number, ticket=1, agent=0, kind=0, amount="20", article=False))
    assert "CONFLICT is not true" not in " ".join(differences(town, {2: "CONFLICT"}))

"""Who changed what: the booking, the timesheet, what was written last, and how people read it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from domain.connector.settings import EditedInKimaiPolicy
from domain.event import Actor, Event, Metadata, Recorded
from domain.ids import entry_stream
from domain.personal import Personal
from domain.time_entry.commands import (
    Adopt,
    Compare,
    Confirm,
    Flag,
    Keep,
    NoteDrift,
    NoteTargetGone,
)
from domain.time_entry.decide import TIME_ENTRY
from domain.time_entry.state import TimeEntry
from domain.time_entry.values import ReasonCode
from projections import conflicts, reconcile, row_detail, time_entries
from projections.reconcile import Names
from tests.support.bookings import (
    ENTRY,
    KIMAI,
    MARK,
    booking,
    decide,
    intend,
    observe,
    situation,
    written,
)
from tests.support.given import Given, given

ASK = EditedInKimaiPolicy.CONFLICT
NOW = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
NAMES = Names(
    addresses={1: "https://zammad.example.com/", 2: "https://kimai.example.com/"},
    activities={2: "Support"},
    users={4: "emma"},
)
Story = Given[Any, Any, Any]


def carried() -> Story:
    story: Story = given(TIME_ENTRY).when(observe()).after()
    story = story.when(decide(story.state)).after().when(intend()).after()
    desired = story.state.decided.desired
    return story.when(Confirm(intent=1, written=written(desired))).after()


def edited(**changes: Any) -> Story:
    return compared(carried(), **changes)


def compared(story: Story, **changes: Any) -> Story:
    held = story.state.drifted or story.state.settled.written
    return story.when(Compare(found=replace(held, **changes), policy=ASK)).after()


def recorded(story: Story) -> list[Recorded[Event]]:
    actor = Actor(kind="user", name=Personal("account:1", "alice"))
    return [
        Recorded(
            position=100 + number,
            stream=entry_stream(ENTRY),
            version=number,
            event=event,
            metadata=Metadata(actor=actor, correlation_id="c-1"),
            occurred_at=NOW,
            recorded_at=NOW,
            digest="0" * 64,
        )
        for number, event in enumerate(story.history, 1)
    ]


def rows(story: Story) -> tuple[TimeEntry, time_entries.Row, conflicts.Row | None]:
    entry: time_entries.Row | None = None
    conflict: conflicts.Row | None = None
    for one in recorded(story):
        entry = time_entries.PROJECTION.apply(entry, one)
        if type(one.event) in conflicts.PROJECTION.events:
            conflict = conflicts.PROJECTION.apply(conflict, one)
    assert entry is not None
    return story.state, entry, conflict


def changed(story: Story) -> dict[str, str | None]:
    state, entry, _ = rows(story)
    return {str(each["field"]): each["changed_by"] for each in row_detail.differences(state, entry)}  # type: ignore[misc] # as it says


def test_what_nobody_changed_is_no_difference() -> None:
    assert changed(carried()) == {}


def test_an_edit_in_kimai_was_made_by_the_target() -> None:
    assert changed(edited(project_id=77)) == {"project_id": "target"}


def test_a_change_in_zammad_was_made_by_the_source() -> None:
    story = carried().when(observe(booking(time_unit=Decimal(30)))).after()
    story = story.when(decide(story.state)).after()
    assert changed(story) == dict.fromkeys(("minutes", "begin", "end"), "source")


def test_a_row_names_what_led_to_it() -> None:
    story = edited(activity_id=9)
    _, entry, conflict = rows(story)
    assert conflict is not None
    causes = row_detail.causation(recorded(story), entry.conflict_id)
    assert [each["type"] for each in causes][-3:] == [
        "TimesheetDrifted",
        "EntryDecided",
        "ConflictOpened",
    ]
    assert causes[-1]["position"] == conflict.conflict_id


def test_an_item_has_the_names_that_people_use_and_falls_back() -> None:
    _, entry, conflict = rows(edited(project_id=77))
    item: Any = reconcile.item(entry, conflict, NAMES)
    assert (item["target"]["activity"], item["target"]["user"]) == ("Support", "emma")
    assert item["customer"] == "Awesome Customer Inc."
    assert item["links"]["ticket"] == "https://zammad.example.com/#ticket/zoom/50"
    assert item["source"]["ticketNumber"] == "10050"
    bare: Any = reconcile.item(entry, conflict, Names())
    assert (bare["target"]["activity"], bare["target"]["user"]) == (
        reconcile.UNKNOWN_ACTIVITY,
        reconcile.UNKNOWN_USER,
    )
    assert bare["links"]["ticket"] is None


def item_of(story: Story, names: Names = NAMES) -> Any:
    return reconcile.item(*rows(story)[1:], names)


def test_an_item_names_what_was_edited_and_what_kimai_held_before() -> None:
    story = edited(activity_id=9, duration=timedelta(minutes=60))
    item = item_of(story)
    assert item["edited"] == ["activity_id", "duration"]
    assert (item["base"]["minutes"], item["base"]["activity"]) == (45, "Support")
    assert (item["target"]["minutes"], item["minutesAfter"]) == (60, 45)
    twice = compared(story, duration=timedelta(minutes=90))
    assert item_of(twice)["base"]["minutes"] == 45
    kept = twice.when(Keep(nth=twice.state.opened)).after()
    assert "base" not in item_of(kept)
    later = compared(kept, duration=timedelta(minutes=30))
    assert (item_of(later)["base"]["minutes"], item_of(later)["edited"]) == (90, ["duration"])


def test_an_edit_that_was_kept_is_none_when_it_is_asked_about_again() -> None:
    kept = edited(duration=timedelta(minutes=60))
    kept = kept.when(Keep(nth=kept.state.opened)).after()
    drift = NoteDrift(found=kept.state.settled.written, changed=("duration",), detail="Both.")
    asked = kept.when(drift).after()
    assert item_of(asked)["reasonCode"] == "TARGET_EDITED"
    assert "base" not in item_of(asked)


def test_a_setting_that_changes_while_a_person_is_asked_changes_no_figure() -> None:
    story = edited(duration=timedelta(minutes=60))
    again = story.when(decide(story.state, situation(kimai={"round_duration": 30}))).after()
    assert item_of(again, Names(rounded=True))["minutesAfter"] == 45


def test_what_was_there_before_us_is_not_what_is_asked_for() -> None:
    story: Story = given(TIME_ENTRY).when(observe()).after()
    story = story.when(decide(story.state)).after()
    found = replace(written(story.state.decided.desired), duration=timedelta(minutes=60))
    adopt = Adopt(found=[found], how="marker", marker=MARK, target_connector_id=KIMAI)
    story = story.when(adopt).after()
    story = story.when(decide(story.state)).after()
    assert story.state.conflict.reason is ReasonCode.TIME_MISMATCH
    assert item_of(story)["minutesAfter"] == 45
    assert "minutesAfter" not in item_of(story, Names(rounded=True))


def test_exporting_is_no_edit() -> None:
    item = item_of(compared(edited(activity_id=9), exported=True))
    assert (item["edited"], item["base"]["activity"]) == (["activity_id"], "Support")


def test_of_what_nobody_rounded_yet_the_minutes_in_kimai_are_not_known() -> None:
    story: Story = given(TIME_ENTRY).when(observe()).after()
    story = story.when(decide(story.state, situation(activities=()))).after()
    assert "minutesAfter" not in item_of(story, Names(rounded=True))
    assert item_of(story)["minutesAfter"] == 45


def test_a_side_that_is_not_there_is_left_out() -> None:
    story = carried()
    match: Any = reconcile.item(*rows(story)[1:], NAMES)
    assert (match["id"], match["status"]) == (f"entry-{ENTRY}", "match")
    assert match["allowedOps"] == []
    gone = story.when(NoteTargetGone(timesheet_id=11)).after()
    missing: Any = reconcile.item(*rows(gone)[1:], NAMES)
    assert "target" not in missing
    assert missing["autoPath"]["createTimesheet"] is True
    assert missing["conflictType"] == "missing_in_kimai"


def test_a_conflict_without_its_rich_part_has_the_same_fields() -> None:
    _, entry, conflict = rows(carried().when(Flag(note="twice?")).after())
    assert conflict is not None
    rich = reconcile.conflict(conflict, entry, NAMES)
    plain = reconcile.conflict(conflict, entry, NAMES, rich=False)
    assert rich.keys() == plain.keys()
    assert (rich["notes"], rich["version"]) == ("twice?", 2)
    assert plain["zammad_data"] is plain["kimai_data"] is plain["ticket_number"] is None
    assert rich["kimai_duration_minutes"] == 45

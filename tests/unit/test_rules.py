"""Units, work time, mappings, marker, text and refusals, one rule at a time."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.connector.settings import WorkTimeAnchor
from domain.errors import Rejected
from domain.ids import MappingId, entry_id
from domain.mapping.rows import ProjectMapping, SourceKind, UserMapping
from domain.personal import Personal
from domain.ports.timesheets import TargetItem
from domain.rules.comparison import changes_since, mismatch_text, mismatches
from domain.rules.configuration import Situation, people_by_email
from domain.rules.description import LONGEST_TEXT, bounded, description
from domain.rules.mapping import LeftAlone, Mapped, activity_for, project_for, user_for
from domain.rules.marker import carries, marker
from domain.rules.refusal import wait_for_refusal
from domain.rules.units import unit_minutes, worked
from domain.rules.work_time import work_date, work_time
from domain.span import Span
from domain.target_item.values import Wanted
from domain.time_entry.commands import Ruling
from domain.time_entry.decide import TIME_ENTRY
from domain.time_entry.state import TimeEntry, Wait, evolve
from domain.time_entry.values import (
    Booking,
    Context,
    Desired,
    Operation,
    Outcome,
    ReasonCode,
    Survivor,
)
from tests.support.bookings import (
    BOOKED,
    ENTRY,
    MARK,
    ZAMMAD,
    activity_mapping,
    booking,
    configuration,
    context,
    observe,
    project_mapping,
    ruling,
    situation,
    written,
)
from tests.support.instants import instants

KIMAI_SETTINGS = configuration().kimai


def ruled(source: Booking | None = None, about: Context | None = None, **changes: Any) -> Ruling:
    (event,) = TIME_ENTRY.decide(observe(source, about), None)
    entry = evolve(None, event)
    assert isinstance(entry, TimeEntry)
    return ruling(entry, situation(**changes))


def desired() -> Desired:
    found = ruled().desired
    assert found is not None
    return found


def reason(found: object) -> ReasonCode:
    assert isinstance(found, Wait)
    return found.reason


@pytest.mark.parametrize(
    ("setting", "declared", "fallback", "minutes", "who"),
    [
        (Decimal("7.5"), "hour", "hour", "7.5", "setting:time_unit_minutes"),
        ("quarter", "hour", None, "15", "setting:time_unit_minutes"),
        (None, "hour", "minute", "60", "zammad:time_accounting_unit"),
        (None, "custom", "minute", "1", "setting:default_time_unit"),
        (None, None, "hour", "60", "setting:default_time_unit"),
    ],
)
def test_the_first_who_names_the_unit_is_believed(
    setting: Decimal | str | None,
    declared: str | None,
    fallback: str | None,
    minutes: str,
    who: str,
) -> None:
    assert unit_minutes(setting, declared, fallback) == (Decimal(minutes), who)


@pytest.mark.parametrize("declared", [None, "custom", "fortnight"])
def test_a_unit_that_nobody_names_is_never_guessed(declared: str | None) -> None:
    assert reason(unit_minutes(None, declared, None)) is ReasonCode.UNIT_UNKNOWN


@pytest.mark.parametrize(
    ("units", "minutes", "seconds"),
    [
        ("0.25", "60", 900),
        ("0.01", "60", 36),
        ("0.33", "15", 297),
        ("7.50", "1", 450),
        ("0.01", "1", 1),
        ("0.01", "0.5", 0),
        ("-1.50", "60", -5400),
        ("9999.99", "60", 35999964),
    ],
)
def test_a_duration_is_exact_to_the_second(units: str, minutes: str, seconds: int) -> None:
    assert worked(Decimal(units), Decimal(minutes)) == timedelta(seconds=seconds)


@given(units=st.integers(-999_999, 999_999), minutes=st.sampled_from(["1", "15", "60"]))
def test_a_duration_is_never_off_by_half_a_second(units: int, minutes: str) -> None:
    exact = Decimal(units) / 100 * Decimal(minutes) * 60
    got = Decimal(int(worked(Decimal(units) / 100, Decimal(minutes)).total_seconds()))
    assert abs(got - exact) <= Decimal("0.5")


def test_work_ends_or_starts_at_the_booking() -> None:
    length = timedelta(minutes=45)
    ends = work_time(BOOKED, length, WorkTimeAnchor.END_AT_BOOKING)
    assert ends == Span(
        begin=datetime(2026, 7, 1, 7, 45, tzinfo=UTC),
        end=datetime(2026, 7, 1, 8, 30, tzinfo=UTC),
    )
    begins = work_time(BOOKED, length, WorkTimeAnchor.START_AT_BOOKING)
    assert begins.begin == datetime(2026, 7, 1, 8, 30, tzinfo=UTC)


@given(
    booked=instants("2000-01-01", "2100-01-01"),
    micros=st.integers(0, 999_999),
    seconds=st.integers(0, 400_000),
    anchor=st.sampled_from([WorkTimeAnchor.END_AT_BOOKING, WorkTimeAnchor.START_AT_BOOKING]),
)
def test_kimais_default_rounding_keeps_whole_minutes_and_adds_less_than_one(
    booked: datetime, micros: int, seconds: int, anchor: WorkTimeAnchor
) -> None:
    length, booked = timedelta(seconds=seconds), booked.replace(microsecond=micros)
    work = work_time(booked, length, anchor)
    begin, end = work.begin, work.end
    assert work.duration == length
    assert (begin.second, begin.microsecond) == (0, 0)
    stored_end = end + timedelta(seconds=-end.second % 60)
    assert stored_end - begin - length < timedelta(minutes=1)
    if seconds % 60 == 0:
        assert stored_end - begin == length
    if anchor is WorkTimeAnchor.END_AT_BOOKING:
        assert end <= booked


@pytest.mark.parametrize(
    ("zone", "day"),
    [("UTC", 30), ("Europe/Berlin", 1), ("America/New_York", 30), ("Australia/Lord_Howe", 1)],
)
def test_a_booking_near_midnight_has_the_day_of_its_zone(zone: str, day: int) -> None:
    assert work_date(datetime(2026, 6, 30, 22, 30, tzinfo=UTC), zone).day == day


def test_an_activity_comes_from_its_row_then_the_default_then_nothing() -> None:
    usual = configuration()
    assert activity_for(usual, booking(), None) == Mapped(item_id=2, basis="mapping:4@2")
    other = booking(type_id=5)
    fallback = configuration(kimai={"default_activity_id": 8})
    assert activity_for(fallback, other, None) == Mapped(
        item_id=8, basis="setting:default_activity_id"
    )
    left = configuration(kimai={"ignore_unmapped_activities": True})
    assert activity_for(left, other, None) == LeftAlone()
    assert reason(activity_for(usual, other, "Travel")) is ReasonCode.UNMAPPED_ACTIVITY


def test_entries_without_type_have_their_own_row_and_inactive_rows_do_not_count() -> None:
    rows = (
        activity_mapping(zammad_type_id=None, kimai_activity_id=6, billable=False),
        activity_mapping(is_active=False),
    )
    config = configuration(activities=rows)
    none = activity_for(config, booking(type_id=None), None)
    assert none == Mapped(item_id=6, basis="mapping:4@2", billable=False)
    assert reason(activity_for(config, booking(), None)) is ReasonCode.UNMAPPED_ACTIVITY


def user_row(zammad: int | None, kimai: int) -> UserMapping:
    return UserMapping(
        mapping_id=MappingId(3), version=5, zammad_user_id=zammad, kimai_user_id=kimai
    )


def test_the_day_of_work_is_that_where_the_person_works() -> None:
    late = booking(created_at=datetime(2026, 7, 1, 22, 50, tzinfo=UTC))  # 00:50 in Berlin
    lived = {"America/New_York": date(2026, 7, 1), "Australia/Lord_Howe": date(2026, 7, 2)}
    assert ruled(late).basis.zone == "Europe/Berlin"
    assert ruled(late).basis.work_date == date(2026, 7, 2)
    for zone, day in lived.items():
        own = replace(user_row(5, 4), timezone=zone)
        found = ruled(late, users=(own, replace(user_row(None, 6), timezone="UTC")))
        assert found.desired is not None
        assert (found.basis.zone, found.basis.work_date, found.desired.zone) == (zone, day, zone)
    rest = ruled(late, users=(replace(user_row(None, 6), timezone="UTC"),))
    assert (rest.basis.zone, rest.basis.work_date) == ("UTC", date(2026, 7, 1))
    unset = ruled(late, users=(user_row(5, 4), replace(user_row(None, 6), timezone="UTC")))
    assert unset.basis.zone == "Europe/Berlin"


def test_a_person_is_found_by_row_then_email_then_the_null_row() -> None:
    people = people_by_email(
        [
            TargetItem(item_id=7, name="Emma", active=True, email="EMMA@example.com"),
            TargetItem(item_id=9, name="Old Emma", active=False, email="emma@example.com"),
        ]
    )
    everyone = Situation(configuration=configuration(users=(user_row(None, 1),)), people=people)
    assert user_for(everyone, booking(), context()) == Mapped(item_id=7, basis="user-mapping:email")
    strict = replace(
        everyone, configuration=replace(everyone.configuration, accept_email_matches=False)
    )
    assert user_for(strict, booking(), context()) == Mapped(item_id=1, basis="user-mapping:3@5")
    own = Situation(configuration=configuration(users=(user_row(5, 4),)), people=people)
    assert user_for(own, booking(), context()) == Mapped(item_id=4, basis="user-mapping:3@5")


def test_two_kimai_users_with_one_address_are_nobody() -> None:
    people = people_by_email(
        TargetItem(item_id=number, name="Emma Taylor", active=True, email="emma@example.com")
        for number in (7, 8)
    )
    where = Situation(configuration=configuration(users=()), people=people)
    found = user_for(where, booking(), context())
    assert reason(found) is ReasonCode.USER_UNMAPPED
    assert isinstance(found, Wait)
    assert "several" in found.detail


FIXED = {"project_strategy": "fixed"}


def row(kind: SourceKind, source: int, project: int | None) -> ProjectMapping:
    return project_mapping(
        source_kind=kind, source_id=source, kimai_project_id=project, kimai_customer_id=2
    )


def test_the_customers_row_comes_before_organization_and_group() -> None:
    rows = [
        row(SourceKind.GROUP, 3, 30),
        row(SourceKind.ORGANIZATION, 3, 20),
        row(SourceKind.CUSTOMER, 8, 10),
    ]
    for count, project in ((3, 10), (2, 20), (1, 30)):
        found = project_for(configuration(projects=tuple(rows[:count])), 50, context())
        assert found == Mapped(item_id=project, basis="project-mapping:7@1")
    assert isinstance(project_for(configuration(projects=()), 50, context()), Wanted)


def test_the_fixed_strategy_uses_the_default_project() -> None:
    fixed = {"project_strategy": "fixed", "default_project_id": 5}
    only_customer = (row(SourceKind.ORGANIZATION, 3, None),)
    for rows in ((), only_customer):
        found = project_for(configuration(kimai=fixed, projects=rows), 50, context())
        assert found == Mapped(item_id=5, basis="setting:default_project_id")
    unset = configuration(kimai={"project_strategy": "fixed"}, projects=())
    assert reason(project_for(unset, 50, context())) is ReasonCode.PROJECT_OR_CUSTOMER_MISSING


def merged(**ids: int | None) -> Context:
    usual = {"ticket_id": 60, "group_id": 3, "customer_id": 8, "organization_id": 3}
    return context(survivor=Survivor(**{**usual, **ids}))


def test_a_merge_matters_only_when_it_leads_to_another_project() -> None:
    config = configuration()
    assert isinstance(project_for(config, 50, merged()), Mapped)
    assert isinstance(project_for(config, 50, merged(customer_id=77)), Mapped)
    for elsewhere in ({"organization_id": 4}, {"customer_id": None, "group_id": None}):
        found = project_for(config, 50, merged(**elsewhere))
        assert reason(found) is ReasonCode.TICKET_MERGED
    fixed = configuration(kimai={"project_strategy": "fixed", "default_project_id": 5}, projects=())
    assert isinstance(project_for(fixed, 50, merged(customer_id=None)), Mapped)


def test_a_merge_into_another_customer_of_the_same_project_matters_not() -> None:
    rows = (row(SourceKind.ORGANIZATION, 3, 1), row(SourceKind.ORGANIZATION, 4, 1))
    found = project_for(configuration(projects=rows), 50, merged(organization_id=4))
    assert isinstance(found, Mapped)
    assert found.item_id == 1


def test_a_marker_has_a_fixed_length_and_needs_no_escaping() -> None:
    assert marker("0a1b2c3d", ENTRY) == "TL-0a1b2c3d-0000010000000009-01"
    biggest = marker("ffffffff", entry_id(ZAMMAD, 2**31 - 1))
    assert len(biggest) == len(MARK) == 31
    assert all(letter.isalnum() or letter == "-" for letter in biggest)


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        (f"Work\nZammad #10050 {MARK}", True),
        (f"{MARK}  \n", True),
        (f"Work {MARK}\nmore", False),
        (f"Work\nZammad #10050 {MARK}1", False),
        (f"Work\nZammad #10050 x{MARK}", False),
        ("", False),
    ],
)
def test_only_the_last_line_makes_a_timesheet_ours(text: str, ours: bool) -> None:
    assert carries(text, MARK) is ours


def test_the_text_is_the_articles_or_the_tickets_title() -> None:
    assert description(context(), MARK).value == f"Reset the tunnel.\nZammad #10050 {MARK}"
    assert description(context(text=None), MARK).value == f"VPN down\nZammad #10050 {MARK}"
    erased = context(text=Personal("customer:8", None), ticket_title=" ")
    assert description(erased, MARK).value == f"Zammad #10050 {MARK}"
    assert description(context(), MARK).subject == "customer:8"


@given(text=st.text(max_size=5_000))
def test_any_text_fits_and_keeps_its_marker(text: str) -> None:
    about = context(text=Personal("customer:8", text))
    value = description(about, MARK).value
    assert value is not None
    assert len(value) <= LONGEST_TEXT + 100
    assert carries(value, MARK)
    assert bounded(bounded(text)) == bounded(text)
    assert "\x00" not in value


def test_what_kimai_stores_is_compared_as_instants() -> None:
    asked = desired()
    assert mismatches(asked, written(asked), KIMAI_SETTINGS) == ()
    hour = timedelta(hours=1)
    moved = written(asked, begin=asked.begin + hour, end=asked.end + hour)
    assert mismatches(asked, moved, KIMAI_SETTINGS) == ("begin", "end")
    longer = written(asked, end=asked.end + hour, duration=asked.end - asked.begin + hour)
    assert mismatches(asked, longer, KIMAI_SETTINGS) == ("end", "duration")
    assert "2026" in mismatch_text(("begin",), asked, moved)
    assert "round_begin" in mismatch_text(("begin",), asked, moved)
    assert "round" not in mismatch_text(("activity_id",), asked, moved)


def test_seconds_that_kimai_rounds_away_are_no_mismatch() -> None:
    asked = replace(desired(), end=desired().end + timedelta(seconds=27))
    rounded = written(
        asked,
        end=asked.end + timedelta(seconds=33),
        duration=asked.end - asked.begin + timedelta(seconds=33),
    )
    assert mismatches(asked, rounded, KIMAI_SETTINGS) == ()


def test_rounding_that_is_set_explains_a_difference() -> None:
    asked = desired()  # 07:45 to 08:30
    early = {"begin": asked.begin - timedelta(minutes=5), "duration": timedelta(minutes=50)}
    rounded = written(asked, **early)
    assert mismatches(asked, rounded, KIMAI_SETTINGS) == ("begin", "duration")
    known = configuration(kimai={"round_begin": 20, "round_end": 15}).kimai
    assert mismatches(asked, rounded, known) == ()
    assert mismatches(asked, written(asked), known) == ()


def test_a_difference_within_a_step_that_rounding_does_not_give_is_a_mismatch() -> None:
    asked = desired()
    moved = written(
        asked, begin=asked.begin - timedelta(minutes=10), duration=timedelta(minutes=55)
    )
    known = configuration(kimai={"round_begin": 20, "round_end": 15}).kimai
    assert mismatches(asked, moved, known) == ("begin", "duration")


def test_a_weekday_counts_where_kimai_may_have_read_it() -> None:
    """The end's weekday lies in the zone of whoever wrote last (`peers/kimai.md`, 5)."""
    hours = timedelta(hours=15)  # ends on Wednesday 23:30 UTC, which is Thursday in Berlin
    asked = replace(desired(), begin=desired().begin + hours, end=desired().end + hours)
    rounded = written(
        asked, begin=asked.begin - timedelta(minutes=5), duration=timedelta(minutes=50)
    )
    for day, wrong in ((2, ()), (3, ()), (5, ("begin", "duration"))):
        known = configuration(kimai={"round_begin": 20, "rounding_days": [day]}).kimai
        assert mismatches(asked, rounded, known) == wrong


def test_a_rounded_duration_need_not_be_end_minus_begin() -> None:
    """Kimai's trap 20."""
    asked = desired()
    known = configuration(kimai={"round_duration": 30}).kimai
    assert mismatches(asked, written(asked, duration=timedelta(minutes=60)), known) == ()
    longer = written(asked, duration=timedelta(minutes=50))
    assert mismatches(asked, longer, known) == ("duration",)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"user_id": 99}, "user_id"),
        ({"project_id": 99}, "project_id"),
        ({"activity_id": 99}, "activity_id"),
        ({"end": None}, "end"),
        ({"tags": ()}, "tags"),
        ({"description": Personal("customer:8", "else")}, "description"),
    ],
)
def test_whatever_else_was_dropped_or_changed_is_named(
    changes: dict[str, object], name: str
) -> None:
    asked = desired()
    answer = written(asked, **changes)
    assert mismatches(asked, answer, KIMAI_SETTINGS) == (name,)
    assert name in mismatch_text((name,), asked, answer)
    if name != "tags":
        assert changes_since(written(asked), answer) == (name,)


def test_billable_counts_only_when_asked_for_and_visible() -> None:
    asked = replace(desired(), billable=False)
    assert mismatches(asked, written(asked, billable=True), KIMAI_SETTINGS) == ("billable",)
    assert mismatches(asked, written(asked, billable=None), KIMAI_SETTINGS) == ()
    assert mismatches(desired(), written(desired(), billable=True), KIMAI_SETTINGS) == ()
    assert changes_since(written(asked), written(asked, billable=True)) == ("billable",)


def test_an_erased_text_is_no_edit() -> None:
    asked = desired()
    erased = written(asked, description=Personal("customer:8", None))
    assert changes_since(erased, written(asked)) == ()


@pytest.mark.parametrize(
    ("operation", "status", "fields", "code"),
    [
        (Operation.CREATE, 400, ("project",), ReasonCode.CREATION_ERROR),
        (Operation.CREATE, 403, (), ReasonCode.CREATION_ERROR),
        (Operation.UPDATE, 403, (), ReasonCode.LOCKED_OR_EXPORTED),
        (Operation.UPDATE, 400, (), ReasonCode.PEER_REJECTED),
        (Operation.DELETE, 403, (), ReasonCode.LOCKED_OR_EXPORTED),
        (Operation.DELETE, 400, (), ReasonCode.PEER_REJECTED),
    ],
)
def test_a_refusal_is_named_by_what_is_certain(
    operation: Operation, status: int, fields: tuple[str, ...], code: ReasonCode
) -> None:
    error = Rejected("kimai", "refused", status=status, fields=fields, root=not fields)
    now = BOOKED + timedelta(hours=1)
    wait = wait_for_refusal(operation, error, desired=desired(), facts=None, now=now)
    assert wait.reason is code
    assert all(name in wait.detail for name in fields)


def test_a_decision_says_on_what_it_rests() -> None:
    ruling = ruled()
    assert ruling.outcome is Outcome.CREATE
    basis = ruling.basis
    assert (basis.unit_minutes, basis.unit_source) == (Decimal(1), "setting:time_unit_minutes")
    assert (basis.anchor, basis.zone) == ("end_at_booking", "Europe/Berlin")
    assert basis.work_date == date(2026, 7, 1)
    assert (basis.activity, basis.user, basis.project) == (
        "mapping:4@2",
        "user-mapping:1@1",
        "project-mapping:7@1",
    )
    assert basis.configuration == situation().digest


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"activities": ()}, ReasonCode.UNMAPPED_ACTIVITY),
        ({"users": ()}, ReasonCode.USER_UNMAPPED),
        ({"projects": (), "kimai": FIXED}, ReasonCode.PROJECT_OR_CUSTOMER_MISSING),
        ({"zammad": {"time_unit_minutes": None}}, ReasonCode.UNIT_UNKNOWN),
    ],
)
def test_what_is_missing_becomes_a_conflict_that_says_what_to_do(
    changes: dict[str, Any], code: ReasonCode
) -> None:
    ruling = ruled(**changes)
    assert (ruling.outcome, ruling.reason) == (Outcome.HOLD, code)
    assert ruling.detail is not None
    assert any(word in ruling.detail for word in ("Add", "Set"))


def test_a_negative_booking_that_took_nothing_waits_for_what_the_others_wait_for() -> None:
    negative = booking(time_unit=Decimal("-0.25"))
    ruling = ruled(negative, zammad={"time_unit_minutes": None})
    assert ruling.reason is ReasonCode.UNIT_UNKNOWN
    assert ruled(negative, activities=(), users=()).reason is ReasonCode.UNMAPPED_ACTIVITY
    assert ruled(negative, users=()).reason is ReasonCode.USER_UNMAPPED
    assert ruled(negative, projects=()).reason is ReasonCode.NEGATIVE_TIME


def test_ignoring_unmapped_activities_leaves_the_booking_alone() -> None:
    ruling = ruled(activities=(), kimai={"ignore_unmapped_activities": True})
    assert (ruling.outcome, ruling.desired) == (Outcome.LEAVE, None)


def test_the_digest_depends_on_what_is_set_and_not_on_its_order() -> None:
    rows = (activity_mapping(), activity_mapping(zammad_type_id=5))
    one, other = situation(activities=rows), situation(activities=rows[::-1])
    assert one.digest == other.digest
    assert one.digest != situation().digest
    more = replace(one, people={"a@example.com": 3}, declared_unit="hour")
    assert one.digest == more.digest
    for waiting in (ReasonCode.USER_UNMAPPED, ReasonCode.UNIT_UNKNOWN):
        assert one.digest_for(waiting) != more.digest_for(waiting)

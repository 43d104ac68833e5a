"""Rules of POST and PATCH beyond the recordings. Source: peers/kimai.md §2.3 to §2.8 and §4."""

from typing import Any

import pytest

from tests.support.kimai_sandbox import WORK, Kimai, field_errors, fields, root_errors, sandbox

NINE, TEN = "2026-11-03T09:00:00", "2026-11-03T10:00:00"
USER_FIELDS = ["begin", "end", "project", "activity", "description", "tags"]
LEAD_FIELDS = [*USER_FIELDS[:5], "user", "tags", "exported", "billable"]
ADMIN_FIELDS = [*USER_FIELDS[:5], "fixedRate", "hourlyRate", *LEAD_FIELDS[5:]]


@pytest.mark.parametrize(
    ("who", "accepted"), [("anna", USER_FIELDS), ("lead", LEAD_FIELDS), ("admin", ADMIN_FIELDS)]
)
async def test_the_role_decides_which_fields_exist(who: str, accepted: list[str]) -> None:
    async with sandbox() as kimai:
        refused = await kimai.try_post(who, NINE, TEN, duration=3600)
        assert root_errors(refused) == ["This form should not contain extra fields."]
        assert fields(refused) == accepted


async def test_patch_offers_the_user_field_to_everybody() -> None:
    async with sandbox() as kimai:
        row = await kimai.post("anna", NINE, TEN)
        refused = await kimai.patch("anna", row["id"], {"foo": 1})
        assert fields(refused) == [*USER_FIELDS[:5], "user", "tags"]
        assert (await kimai.patch("anna", row["id"], {"user": 3})).status_code == 200


async def test_rounding_drops_seconds_by_default_and_keeps_them_when_off() -> None:
    async with sandbox() as kimai:
        row = await kimai.post("anna", "2026-11-02T13:00:17", "2026-11-02T13:20:44")
        assert (row["begin"][11:19], row["end"][11:19], row["duration"]) == (
            "13:00:00",
            "13:21:00",
            1260,
        )
        kimai.rounding("default", 0, 0)
        row = await kimai.post("anna", "2026-11-02T13:00:17", "2026-11-02T13:20:44")
        assert (row["begin"][11:19], row["duration"]) == ("13:00:17", 1227)


async def test_a_description_patch_rounds_an_old_record_anew_but_a_no_op_does_not() -> None:
    async with sandbox() as kimai:
        row = await kimai.post("anna", "2026-11-02T09:07:00", "2026-11-02T09:52:00")
        kimai.rounding("default", 15, 15)
        same = (await kimai.patch("anna", row["id"], {})).json()
        assert same["begin"] == row["begin"]
        changed = (await kimai.patch("anna", row["id"], {"description": "x"})).json()
        assert changed["begin"][11:16] == "09:00"
        assert changed["end"][11:16] == "10:00"


async def test_rounding_obeys_the_weekday_of_the_end() -> None:
    async with sandbox() as kimai:
        kimai.rounding("default", 15, 15)
        kimai.state.settings.change({"timesheet.rounding.default.days": ["monday", "tuesday"]})
        monday = await kimai.post("anna", "2026-11-02T09:07:00", "2026-11-02T09:52:00")
        wednesday = await kimai.post("anna", "2026-11-04T09:07:00", "2026-11-04T09:52:00")
        assert monday["duration"] == 3600
        assert wednesday["duration"] == 2700


async def test_unknown_tags_vanish_and_known_ones_match_in_any_case() -> None:
    async with sandbox() as kimai:
        kimai.state.add_tag("Zammad")
        kimai.state.add_tag("übung", visible=False)
        row = await kimai.post("admin", NINE, TEN, tags="zammad, UBUNG, ZAMMAD,nope,,")
        assert sorted(row["tags"]) == ["Zammad", "übung"]
        assert len(kimai.state.tags) == 2
        cleared = (await kimai.patch("admin", row["id"], {"tags": ""})).json()
        assert cleared["tags"] == []


@pytest.mark.parametrize(
    ("value", "billable"),
    [(False, False), (0, False), (None, False), ("", False), ("0", False),
     (True, True), (1, True), ("false", True)],
)  # fmt: skip
async def test_billable_is_read_as_php_reads_a_text(value: Any, billable: bool) -> None:
    async with sandbox() as kimai:
        assert (await kimai.post("lead", NINE, TEN, billable=value))["billable"] is billable


@pytest.mark.parametrize(
    ("value", "exported"),
    [(False, False), (True, True), (0, True), (None, True), ("", True), ("false", True)],
)
async def test_exported_is_a_checkbox_only_json_false_leaves_empty(
    value: Any, exported: bool
) -> None:
    async with sandbox() as kimai:
        assert (await kimai.post("admin", NINE, TEN, exported=value))["exported"] is exported


async def test_billable_is_derived_from_activity_project_and_customer() -> None:
    async with sandbox() as kimai:
        kimai.state.customers[1].billable = False
        assert (await kimai.post("anna", NINE, TEN))["billable"] is False


async def test_a_moved_record_loses_rates_and_explicit_billable() -> None:
    async with sandbox() as kimai:
        row = await kimai.post("admin", NINE, TEN, hourlyRate=80)
        assert (row["rate"], row["hourlyRate"], row["fixedRate"]) == (80.0, 80.0, None)
        move: dict[str, Any] = {"project": 2, "activity": 3, "billable": False}
        moved = (await kimai.patch("admin", row["id"], move)).json()
        assert (moved["rate"], moved["hourlyRate"], moved["billable"]) == (0.0, 0.0, True)
        move = {"project": 1, "activity": 2, "billable": False, "fixed_rate": "12.5"}
        kept = (await kimai.patch("admin", row["id"], move)).json()
        assert (kept["rate"], kept["fixedRate"], kept["billable"]) == (12.5, 12.5, False)


async def test_rates_are_shown_only_to_those_who_may_see_them() -> None:
    async with sandbox() as kimai:
        row = await kimai.post("anna", NINE, TEN)
        assert "rate" not in row
        seen = await kimai.get("lead", f"/timesheets/{row['id']}")
        assert seen["hourlyRate"] == 0.0
        listed = (await kimai.get("lead", "/timesheets?user=3"))[0]
        assert "rate" in listed
        assert "hourlyRate" not in listed


@pytest.mark.parametrize(
    ("sent", "seconds"), [("0:30", 1800), ("30m", 1800), ("1800s", 1800), (0.5, 1800), ("", 0)]
)
async def test_a_break_is_a_duration_and_a_bare_number_counts_hours(
    sent: Any, seconds: int
) -> None:
    async with sandbox() as kimai:
        kimai.rule(break_time_active=1)
        row = await kimai.post("anna", NINE, "2026-11-03T12:00:00", **{"break": sent})
        assert (row["break"], row["duration"]) == (seconds, 10_800 - seconds)


async def test_a_post_for_another_reads_the_callers_wall_clock() -> None:
    async with sandbox() as kimai:
        row = await kimai.post("admin", NINE, TEN, user=4)
        assert row["begin"] == "2026-11-03T09:00:00+0100"
        stored = await kimai.get("admin", f"/timesheets/{row['id']}")
        assert stored["begin"] == "2026-11-03T03:00:00-0500"
        patch = {"begin": "2026-11-03T03:30:00", "end": "2026-11-03T04:00:00"}
        patched = (await kimai.patch("admin", row["id"], patch)).json()
        assert patched["begin"] == "2026-11-03T03:30:00-0500"


async def test_rounding_leaves_the_callers_zone_on_anothers_record() -> None:
    async with sandbox() as kimai:
        row = await kimai.post("admin", "2026-11-03T09:00:20", TEN, user=4)
        stored = await kimai.get("admin", f"/timesheets/{row['id']}")
        assert stored["begin"] == "2026-11-03T09:00:00+0100"


async def test_a_record_moves_to_the_owners_new_zone_when_it_is_next_written() -> None:
    async with sandbox() as kimai:
        row = await kimai.post("anna", NINE, TEN)
        kimai.state.users[3].timezone = "Asia/Tokyo"
        answered = (await kimai.patch("anna", row["id"], {"begin": "2026-11-03T09:30:00"})).json()
        assert answered["begin"] == "2026-11-03T09:30:00+0100"
        later = await kimai.get("anna", f"/timesheets/{row['id']}")
        assert later["begin"] == "2026-11-03T17:30:00+0900"


async def test_a_repeated_hour_named_by_offsets_is_kept() -> None:
    async with sandbox() as kimai:
        row = await kimai.post("anna", "2026-10-25T01:30:00", "2026-10-25T02:30:00")
        assert row["duration"] == 7200
        row = await kimai.post("anna", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00")
        assert row["duration"] == 3600


async def test_a_new_timer_stops_the_running_one_but_a_cleared_end_does_not() -> None:
    async with sandbox() as kimai:
        first = await kimai.post("anna", None, None)
        second = await kimai.post("anna", None, None)
        assert (await kimai.get("anna", f"/timesheets/{first['id']}"))["end"] is not None
        again = (await kimai.patch("anna", first["id"], {"end": None})).json()
        assert (again["end"], again["duration"]) == (None, 0)
        assert (await kimai.get("anna", f"/timesheets/{second['id']}"))["end"] is None


async def test_a_hard_limit_above_one_refuses_instead_of_stopping() -> None:
    async with sandbox() as kimai:
        kimai.state.settings.change({"timesheet.active_entries.hard_limit": 2})
        await kimai.post("anna", None, None)
        await kimai.post("anna", None, None)
        assert (await kimai.try_post("anna", None, None)).status_code == 400


async def test_overlap_compares_rounded_times_and_ignores_running_records() -> None:
    async with sandbox() as kimai:
        kimai.rule(allow_overlapping_records=0)
        await kimai.post("anna", "2026-11-09T10:00:00", "2026-11-09T10:29:30")
        refused = await kimai.try_post("anna", "2026-11-09T10:29:40", "2026-11-09T10:40:00")
        assert root_errors(refused) == ["You already have an entry for this time."]
        await kimai.post("anna", "2026-11-09T10:30:00", "2026-11-09T10:40:00")
        await kimai.post("anna", "2026-11-08T08:00:00", None)
        await kimai.post("anna", "2026-11-08T09:00:00", "2026-11-08T10:00:00")
        await kimai.post("bob", "2026-11-09T04:00:00", "2026-11-09T05:00:00")
        covering = await kimai.try_post("anna", "2026-11-09T08:00:00", "2026-11-09T20:00:00")
        assert root_errors(covering) == ["You already have an entry for this time."]


async def test_lockdown_has_grace_and_an_override() -> None:
    async with sandbox() as kimai:
        kimai.rule(
            lockdown_period_start="first day of last month 00:00:00",
            lockdown_period_end="last day of last month 23:59:59",
            lockdown_grace_period="+30 days",
        )
        old = ("2026-10-05T09:00:00", "2026-10-05T10:00:00")
        row = await kimai.post("anna", *old)  # inside the period, still in grace
        kimai.rule(lockdown_grace_period="+5 days")
        assert root_errors(await kimai.try_post("anna", *old)) == [
            "This period is locked. Please choose a later date."
        ]
        assert (await kimai.patch("anna", row["id"], {"description": "x"})).status_code == 403
        assert (await kimai.patch("lead", row["id"], {"description": "x"})).status_code == 403
        assert (await kimai.patch("admin", row["id"], {"description": "x"})).status_code == 200
        kimai.state.permissions.change("ROLE_USER", "lockdown_grace_timesheet", allowed=True)
        assert (await kimai.patch("anna", row["id"], {"description": "y"})).status_code == 200


async def test_an_exported_record_is_closed_to_all_but_admins() -> None:
    async with sandbox() as kimai:
        row = await kimai.post("anna", NINE, TEN)
        assert (await kimai.patch("lead", row["id"], {"exported": True})).status_code == 200
        for who in ("anna", "lead"):
            assert (await kimai.patch(who, row["id"], {"description": "x"})).status_code == 403
            gone = await kimai.ask(who, "DELETE", f"/timesheets/{row['id']}")
            assert gone.status_code == 403
        assert (await kimai.patch("admin", row["id"], {"description": "x"})).status_code == 200


async def test_punch_mode_lets_only_leads_send_times() -> None:
    async with sandbox() as kimai:
        kimai.state.settings.change({"timesheet.mode": "punch"})
        assert root_errors(await kimai.try_post("anna", NINE, TEN)) == [
            "This form should not contain extra fields."
        ]
        assert (await kimai.post("lead", NINE, TEN, user=3))["duration"] == 3600


async def test_fixed_begin_mode_starts_at_the_set_time() -> None:
    async with sandbox() as kimai:
        kimai.state.settings.change(
            {"timesheet.mode": "duration_fixed_begin", "timesheet.default_begin": "08:00"}
        )
        row = await kimai.post("anna", None, None)
        assert row["begin"] == "2026-11-22T08:00:00+0100"


async def test_a_hidden_project_or_activity_is_no_choice_for_new_records() -> None:
    async with sandbox() as kimai:
        kimai.state.activities[2].visible = False
        errors = field_errors(await kimai.try_post("admin", NINE, TEN))
        assert errors == {"activity": ["The selected choice is invalid."]}
        kimai.state.activities[2].visible = True
        kimai.state.customers[1].visible = False
        errors = field_errors(await kimai.try_post("admin", NINE, TEN, activity=1))
        assert errors == {"project": ["The selected choice is invalid."]}


async def test_projects_are_chosen_by_today_and_checked_by_the_entry() -> None:
    async with sandbox() as kimai:
        state = kimai.state
        ended = state.add_project("Ended", 1, end="2026-11-21").id
        future = state.add_project("Future", 1, start="2026-11-23").id
        today = state.add_project("Today", 1, start="2026-11-22", end="2026-11-22").id
        for project in (ended, future):
            refused = await kimai.try_post("admin", NINE, TEN, project=project, activity=1)
            assert field_errors(refused) == {"project": ["The selected choice is invalid."]}
        refused = await kimai.try_post("admin", NINE, TEN, project=today, activity=1)
        assert root_errors(refused) == ["The project has not started at that time."] * 2


async def test_an_activity_without_project_is_global_or_no_choice() -> None:
    async with sandbox() as kimai:
        body = {"begin": NINE, "end": TEN, "activity": 2}
        errors = field_errors(await kimai.ask("anna", "POST", "/timesheets", body))
        assert errors["activity"] == ["The selected choice is invalid."]
        assert errors["project"] == [
            "A project needs to be selected.",
            "This value should not be null.",
        ]


@pytest.mark.parametrize(
    ("sent", "field", "text"),
    [
        ({"begin": ["x"]}, "begin", "Please enter a valid date and time."),
        ({"end": "soon"}, "end", "Please enter a valid date and time."),
        ({"project": "01"}, "project", "The selected choice is invalid."),
        ({"project": -1}, "project", "The selected choice is invalid."),
        ({"project": 1.5}, "project", "The selected choice is invalid."),
        ({"activity": "Development"}, "activity", "The selected choice is invalid."),
        ({"description": ["x"]}, "description", "This value is not valid."),
        ({"tags": {"a": 1}}, "tags", "This value is not valid."),
    ],
)
async def test_odd_values_are_refused_at_their_field(
    sent: dict[str, Any], field: str, text: str
) -> None:
    async with sandbox() as kimai:
        body = WORK | {"begin": NINE, "end": TEN} | sent
        errors = field_errors(await kimai.ask("anna", "POST", "/timesheets", body))
        assert errors[field] == [text]


@pytest.mark.parametrize(
    ("description", "stored"),
    [
        (12345, "12345"),
        (True, "1"),
        (False, None),
        ("", None),
        ("  a\x00b \n", "a\x00b"),
        (1.0, "1"),
    ],
)
async def test_descriptions_become_trimmed_text(description: Any, stored: str | None) -> None:
    async with sandbox() as kimai:
        row = await kimai.post("anna", NINE, TEN, description=description)
        assert row["description"] == stored


async def test_integral_numbers_of_any_kind_name_a_choice() -> None:
    async with sandbox() as kimai:
        assert (await kimai.post("anna", NINE, TEN, project=1.0, activity="2"))["project"] == 1
        assert (await kimai.post("anna", NINE, TEN, project=True))["project"] == 1


async def test_a_body_of_another_content_type_is_ignored() -> None:
    async with sandbox() as kimai:
        row = await kimai.post("anna", NINE, TEN, description="kept")
        response = await kimai.ask(
            "anna",
            "PATCH",
            f"/timesheets/{row['id']}",
            content=b'{"description": "lost"}',
            headers={"Content-Type": "text/plain"},
        )
        assert (response.status_code, response.json()["description"]) == (200, "kept")


async def test_two_spellings_of_one_key_are_a_bad_request() -> None:
    async with sandbox() as kimai:
        refused = await kimai.try_post("admin", NINE, TEN, fixedRate=1, fixed_rate=2)
        assert refused.json() == {"code": 400, "message": "Bad Request"}


async def test_a_budget_counts_billable_time_and_hides_sums_without_permission() -> None:
    async with sandbox() as kimai:
        kimai.rule(allow_overbooking_budget=0)
        kimai.state.activities[2].time_budget = 5400
        await kimai.post("anna", NINE, TEN)
        errors = field_errors(await kimai.try_post("anna", TEN, "2026-11-03T11:00:00"))
        assert errors == {"activity": ["Sorry, the budget is used up."]}
        errors = field_errors(await kimai.try_post("admin", TEN, "2026-11-03T11:00:00"))
        text = "Of the available 1:30, 1:00 has been booked so far, 0:30 can still be used."
        assert errors == {"activity": [f"The budget is used up. {text}"]}
        await kimai.post("admin", TEN, "2026-11-03T11:00:00", billable=False)
        await kimai.post("anna", TEN, "2026-11-03T10:30:00")


async def test_a_repeated_post_makes_a_second_record() -> None:
    async with sandbox() as kimai:
        first = await kimai.post("anna", NINE, TEN, description="same")
        second = await kimai.post("anna", NINE, TEN, description="same")
        assert second["id"] == first["id"] + 1


async def test_dates_in_the_address_preset_a_new_record() -> None:
    async with sandbox() as kimai:
        path = "/timesheets?begin=2026-11-03&end=2026-11-03"
        row = (await kimai.ask("anna", "POST", path, WORK)).json()
        assert (row["begin"][:10], row["duration"]) == ("2026-11-03", 8 * 3600)


async def test_any_full_in_the_address_expands_the_answer() -> None:
    async with sandbox() as kimai:
        body: dict[str, Any] = WORK | {"begin": NINE, "end": TEN}
        row = (await kimai.ask("anna", "POST", "/timesheets?full=false", body)).json()
        assert row["user"]["username"] == "anna"
        assert row["activity"]["project"]["customer"]["name"] == "Acme GmbH"


async def _make(kimai: Kimai) -> int:
    row = await kimai.post("anna", NINE, TEN, description="d")
    return int(row["id"])


async def test_restart_and_duplicate_copy_what_they_should() -> None:
    async with sandbox() as kimai:
        key = await _make(kimai)
        bare = (await kimai.ask("anna", "PATCH", f"/timesheets/{key}/restart")).json()
        assert (bare["description"], bare["end"], bare["begin"]) == (
            None,
            None,
            "2026-11-22T18:30:00+0100",
        )
        full = {"copy": "all", "begin": "2026-11-20T09:00:00"}
        row = (await kimai.ask("lead", "PATCH", f"/timesheets/{key}/restart", full)).json()
        assert (row["user"], row["description"]) == (2, "d")
        again = (await kimai.ask("lead", "PATCH", f"/timesheets/{key}/duplicate")).json()
        assert (again["user"], again["begin"]) == (3, "2026-11-03T09:00:00+0100")
        wrong = await kimai.ask("anna", "PATCH", f"/timesheets/{key}/restart", {"copy": "tags"})
        assert wrong.status_code == 400


async def test_export_toggles_so_that_a_retry_undoes_it() -> None:
    async with sandbox() as kimai:
        key = await _make(kimai)
        assert (await kimai.ask("anna", "PATCH", f"/timesheets/{key}/export")).status_code == 403
        once = await kimai.ask("admin", "PATCH", f"/timesheets/{key}/export")
        twice = await kimai.ask("admin", "PATCH", f"/timesheets/{key}/export")
        assert (once.json()["exported"], twice.json()["exported"]) == (True, False)


async def test_a_money_budget_is_named_in_the_customers_currency() -> None:
    async with sandbox() as kimai:
        kimai.rule(allow_overbooking_budget=0)
        kimai.state.projects[1].budget = 1200.0
        await kimai.post("admin", NINE, TEN, fixedRate=1000)
        errors = field_errors(await kimai.try_post("admin", NINE, TEN, hourlyRate=201))
        text = "Of the available €1,200.00, €1,000.00 has been booked so far, €200.00 can still"
        assert errors == {"project": [f"The budget is used up. {text} be used."]}


async def test_a_timer_that_cannot_be_stopped_keeps_a_new_one_from_starting() -> None:
    async with sandbox() as kimai:
        await kimai.post("anna", "2026-11-20T08:00:00", None)
        kimai.rule(long_running_duration=60)
        refused = (await kimai.try_post("anna", None, None)).json()
        assert refused["code"] == "400"
        assert refused["message"].startswith("You have an active time record")
        assert refused["errors"]["children"]["duration"]["errors"] == [
            "Maximum 1:00 hours allowed."
        ]
        assert len(kimai.state.timesheets) == 1


async def test_a_registered_meta_field_does_not_make_a_no_op_a_change() -> None:
    async with sandbox() as kimai:
        row = await kimai.post("anna", NINE, TEN)
        kimai.state.define_meta_field("timesheet", "ext_id")
        kimai.state.clock.fix(kimai.state.clock.now().replace(hour=20))
        before = kimai.state.timesheets[row["id"]].modified_at
        assert (await kimai.patch("anna", row["id"], {})).status_code == 200
        assert kimai.state.timesheets[row["id"]].modified_at == before

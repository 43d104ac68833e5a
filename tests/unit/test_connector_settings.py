"""Keys, defaults and limits of the settings (`contract.md`, section 4)."""

from datetime import time
from decimal import Decimal

import pytest

from domain.connector.settings import (
    MASK,
    Discovery,
    SettingsInvalid,
    WorkTimeAnchor,
    as_values,
    kimai_settings,
    merged,
    take_webhook_secret,
    zammad_settings,
)

DISPLAY = "Europe/Brussels"
FLOW = {"concurrent_requests": 8, "requests_per_second": None}  # `docs/decisions/0012`


def test_defaults_are_those_of_the_contract() -> None:
    zammad = as_values(zammad_settings({}, display_timezone=DISPLAY))
    assert zammad == {
        "time_unit_minutes": None,
        "timezone": DISPLAY,
        "work_time_anchor": "end_at_booking",
        "day_start": "09:00",
        "webhook_secret_overlap_hours": 24,
        "accept_webhooks": True,
        "discovery": "auto",
        "lookback": 15,
        **FLOW,
    }
    kimai = as_values(kimai_settings({}))
    assert kimai["project_strategy"] == "per_ticket"
    assert kimai["delete_policy"] == kimai["edited_in_kimai_policy"] == "conflict"
    assert (kimai["delete_limit"], kimai["delete_limit_percent"]) == (20, 5)
    assert kimai["entry_tag"] == "source:zammad"
    assert kimai["rounding_days"] == [0, 1, 2, 3, 4, 5, 6]
    assert (kimai["default_country"], kimai["default_currency"]) == ("BE", "EUR")


def test_what_is_shown_is_read_back_the_same() -> None:
    zammad = zammad_settings(
        {
            "time_unit_minutes": 7.5,
            "timezone": "America/New_York",
            "work_time_anchor": "start_at_booking",
            "day_start": "08:30",
            "discovery": "per_ticket",
            "lookback": 0,
        },
        display_timezone=DISPLAY,
    )
    assert zammad.time_unit_minutes == Decimal("7.5")
    assert zammad.work_time_anchor is WorkTimeAnchor.START_AT_BOOKING
    assert (zammad.day_start, zammad.discovery) == (time(8, 30), Discovery.PER_TICKET)
    assert zammad_settings(as_values(zammad), display_timezone="UTC") == zammad
    kimai = kimai_settings({"rounding_days": [5, 0], "default_project_id": 3})
    assert kimai.rounding_days == (0, 5)
    assert kimai_settings(as_values(kimai)) == kimai


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("hour", "hour"),
        ("quarter", "quarter"),
        ("minute", "minute"),
        (0.0001, Decimal("0.0001")),
        ("60", Decimal(60)),
        (1440, Decimal(1440)),
        (Decimal("1.5"), Decimal("1.5")),
    ],
)
def test_units_are_words_or_minutes(sent: object, kept: object) -> None:
    settings = zammad_settings({"time_unit_minutes": sent}, display_timezone=DISPLAY)
    assert settings.time_unit_minutes == kept


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("time_unit_minutes", 0),
        ("time_unit_minutes", -1),
        ("time_unit_minutes", 1440.5),
        ("time_unit_minutes", "day"),
        ("time_unit_minutes", "NaN"),
        ("time_unit_minutes", True),
        ("time_unit_minutes", 0.00001),
        ("timezone", "Europe/Atlantis"),
        ("timezone", "../etc/passwd"),
        ("timezone", ""),
        ("timezone", 5),
        ("work_time_anchor", "noon"),
        ("day_start", "24:00"),
        ("day_start", "9:00"),
        ("webhook_secret_overlap_hours", 169),
        ("discovery", "guess"),
        ("lookback", 10_081),
        ("lookback", True),
        ("lookback", 1.5),
    ],
)
def test_a_zammad_setting_out_of_bounds_is_refused(key: str, value: object) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        zammad_settings({key: value}, display_timezone=DISPLAY)
    assert refused.value.code == "validation"
    assert [problem.key for problem in refused.value.problems] == [key]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("use_global_activities", 1),
        ("default_project_id", 0),
        ("default_activity_id", "2"),
        ("default_country", "be"),
        ("default_currency", "EURO"),
        ("rounding_mode", "half"),
        ("round_begin", 1441),
        ("round_end", -1),
        ("rounding_days", [7]),
        ("rounding_days", "0"),
        ("project_strategy", "per_group"),
        ("delete_policy", "ask"),
        ("delete_limit", -1),
        ("delete_limit", 2.5),
        ("delete_limit_percent", 101),
        ("delete_limit_percent", "many"),
        ("edited_in_kimai_policy", None.__class__),
        ("entry_tag", "a"),
        ("entry_tag", "a,b"),
        ("entry_tag", "<b>"),
        ("entry_tag", "x" * 101),
    ],
)
def test_a_kimai_setting_out_of_bounds_is_refused(key: str, value: object) -> None:
    with pytest.raises(SettingsInvalid):
        kimai_settings({key: value})


def test_an_unknown_key_is_named_with_its_own_code() -> None:
    with pytest.raises(SettingsInvalid, match="no such setting") as refused:
        kimai_settings({"colour": "red"})
    assert refused.value.code == "settings_unknown_key"


def test_every_problem_is_listed_at_once() -> None:
    with pytest.raises(SettingsInvalid) as refused:
        kimai_settings({"round_begin": -1, "entry_tag": ""})
    assert {problem.key for problem in refused.value.problems} == {"round_begin", "entry_tag"}


def test_settings_merge_key_by_key_and_null_resets() -> None:
    stored = {"timezone": "UTC", "lookback": 5}
    assert merged(stored, {"lookback": None, "discovery": "auto"}) == {
        "timezone": "UTC",
        "discovery": "auto",
    }


@pytest.mark.parametrize("sent", [None, "", MASK])
def test_a_mask_or_nothing_keeps_the_webhook_secret(sent: str | None) -> None:
    assert take_webhook_secret({"webhook_secret": sent, "lookback": 5}) == ({"lookback": 5}, None)
    assert take_webhook_secret({}) == ({}, None)


def test_a_new_webhook_secret_is_taken_out() -> None:
    assert take_webhook_secret({"webhook_secret": "s" * 16}) == ({}, "s" * 16)
    with pytest.raises(SettingsInvalid):
        take_webhook_secret({"webhook_secret": "short"})

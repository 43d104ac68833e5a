"""The rules of a connector."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.change import Change
from domain.connector.address import normalised
from domain.connector.commands import (
    Access,
    AddConnector,
    ChangeConnector,
    RecordHealth,
    RecordTest,
    ResumeConnector,
    RetireConnector,
)
from domain.connector.decide import CONNECTOR, holds, paused_text
from domain.connector.events import (
    ConnectorAdded,
    ConnectorChanged,
    ConnectorHealthChanged,
    ConnectorRetired,
    ConnectorTested,
    ConnectorTokenReplaced,
    WebhookSecretReplaced,
)
from domain.connector.patch import checked_patch
from domain.connector.settings import SettingsInvalid
from domain.errors import RuleViolation
from domain.ids import ConnectorId
from domain.numbering import NumberTaken
from tests.support.given import given

ONE = ConnectorId(1)
TOMORROW = datetime(2026, 1, 2, tzinfo=UTC)
ADD = AddConnector(
    connector_id=ONE,
    kind="zammad",
    name="Desk",
    base_url="https://desk.example.com/",
    is_active=True,
    settings={"lookback": 5},
    token_fingerprint="t1",
)
ADDED = ConnectorAdded(
    connector_id=ONE,
    kind="zammad",
    name="Desk",
    base_url="https://desk.example.com/",
    is_active=True,
    settings={"lookback": 5},
    token_fingerprint="t1",
)
ACCESS = Access(base_url=ADDED.base_url, token_fingerprint="t1")
RETIRED = ConnectorRetired(connector_id=ONE)
PAUSED = ConnectorHealthChanged(connector_id=ONE, state="auth_failed", message="401")
TESTED = ConnectorTested(connector_id=ONE, valid=True, message="ok")


def test_a_connector_is_added_once() -> None:
    given(CONNECTOR).when(ADD).then(ADDED)
    with pytest.raises(NumberTaken):
        _ = given(CONNECTOR, ADDED).when(ADD).events


def test_a_webhook_secret_comes_with_its_connector() -> None:
    added = replace(ADD, secret_fingerprint="s1")
    given(CONNECTOR).when(added).then_types(ConnectorAdded, WebhookSecretReplaced)


def test_a_change_says_what_differs() -> None:
    given(CONNECTOR, ADDED).when(
        ChangeConnector(name="Help desk", settings={"lookback": None, "discovery": "auto"})
    ).then(
        ConnectorChanged(
            connector_id=ONE,
            name="Help desk",
            base_url=ADDED.base_url,
            is_active=True,
            settings={"discovery": "auto"},
            changes=(
                Change(field="name", old="Desk", new="Help desk"),
                Change(field="settings.discovery", old=None, new="auto"),
                Change(field="settings.lookback", old=5, new=None),
            ),
        )
    )


def test_a_change_that_changes_nothing_is_nothing() -> None:
    same = ChangeConnector(
        name="Desk", base_url=ADDED.base_url, is_active=True, token_fingerprint="t1"
    )
    given(CONNECTOR, ADDED).when(same).then()


def test_a_new_address_needs_its_token() -> None:
    moved = ChangeConnector(base_url="https://other.example.com/")
    given(CONNECTOR, ADDED).when(moved).then_refused("token_required")
    with_token = replace(moved, token_fingerprint="t2")
    given(CONNECTOR, ADDED).when(with_token).then_types(ConnectorChanged, ConnectorTokenReplaced)
    same_token = replace(moved, token_fingerprint="t1")
    given(CONNECTOR, ADDED).when(same_token).then_types(ConnectorChanged)


def test_a_replaced_webhook_secret_stays_valid_beside_the_new_one() -> None:
    first = ChangeConnector(secret_fingerprint="s1", former_until=TOMORROW)
    second = replace(first, secret_fingerprint="s2")
    stream = (
        given(CONNECTOR, ADDED)
        .when(first)
        .then(WebhookSecretReplaced(connector_id=ONE, secret_fingerprint="s1", former_until=None))
        .when(second)
        .then(
            WebhookSecretReplaced(connector_id=ONE, secret_fingerprint="s2", former_until=TOMORROW)
        )
    )
    assert stream.state is not None
    assert stream.state.former_secret_fingerprint == "s1"


def test_a_connector_of_a_run_cannot_be_switched_off_or_retired() -> None:
    off = ChangeConnector(is_active=False, in_use=True)
    given(CONNECTOR, ADDED).when(off).then_refused("connector_in_use")
    given(CONNECTOR, ADDED).when(RetireConnector(in_use=True)).then_refused("connector_in_use")
    given(CONNECTOR, ADDED).when(ChangeConnector(name="x", in_use=True)).then_types(
        ConnectorChanged
    )


def test_a_version_that_moved_on_is_refused_but_looking_moves_nothing() -> None:
    rename = ChangeConnector(name="New", expected=1)
    healthy = ConnectorHealthChanged(connector_id=ONE, state="ok")
    changed = given(CONNECTOR, ADDED, TESTED, healthy).when(rename).then_types(ConnectorChanged)
    changed.when(replace(rename, name="Newer")).then_refused("stale_version")
    changed.when(replace(rename, name="Newer", expected=4)).then_types(ConnectorChanged)


def test_health_is_recorded_when_it_changes() -> None:
    down = RecordHealth(access=ACCESS, state="down", message="no answer")
    event = ConnectorHealthChanged(connector_id=ONE, state="down", message="no answer")
    given(CONNECTOR, ADDED).when(down).then(event).when(down).then()


def test_every_test_is_recorded() -> None:
    tried = RecordTest(valid=True, message="ok", peer_version=None)
    given(CONNECTOR, ADDED, TESTED).when(tried).then(TESTED)


def test_a_refused_token_pauses_the_connector() -> None:
    refused = RecordHealth(access=ACCESS, state="auth_failed", message="401")
    paused = given(CONNECTOR, ADDED).when(refused)
    paused.then(PAUSED)
    state = given(CONNECTOR, ADDED, PAUSED).state
    assert state is not None
    assert state.is_paused
    assert "Connector 1 (Desk) is paused" in paused_text(state)
    stranger = replace(refused, access=replace(ACCESS, token_fingerprint="t0"))
    given(CONNECTOR, ADDED).when(stranger).then()
    for found in ("ok", "down", "auth_failed"):  # by a run that was under way at that time
        given(CONNECTOR, ADDED, PAUSED).when(
            RecordHealth(access=ACCESS, state=found, message=None)
        ).then()


def test_a_paused_connector_is_resumed_by_a_test_a_token_or_a_person() -> None:
    tried = RecordTest(valid=True, message="ok", peer_version=None, access=ACCESS)
    well = ConnectorHealthChanged(connector_id=ONE, state="ok")
    nobody_knows = ConnectorHealthChanged(connector_id=ONE, state="unknown")
    paused = (ADDED, PAUSED)
    given(CONNECTOR, *paused).when(tried).then(TESTED, well)
    replaced = ConnectorTokenReplaced(connector_id=ONE, token_fingerprint="t2")
    token = ChangeConnector(token_fingerprint="t2")
    given(CONNECTOR, *paused).when(token).then(replaced, nobody_knows)
    given(CONNECTOR, *paused).when(ResumeConnector()).then(nobody_knows)
    given(CONNECTOR, ADDED).when(ResumeConnector()).then()

    elsewhere = replace(tried, access=None)
    given(CONNECTOR, *paused).when(elsewhere).then(TESTED)
    other = replace(tried, access=replace(ACCESS, token_fingerprint="t0"))  # replaced meanwhile
    given(CONNECTOR, *paused).when(other).then(TESTED)
    same = ChangeConnector(token_fingerprint="t1")
    given(CONNECTOR, *paused).when(same).then()


def test_a_test_of_what_is_stored_may_find_its_token_refused() -> None:
    tried = RecordTest(
        valid=False, message="401", peer_version=None, access=ACCESS, token_refused=True
    )
    failed = ConnectorTested(connector_id=ONE, valid=False, message="401")
    given(CONNECTOR, ADDED).when(tried).then(failed, PAUSED)
    before = replace(tried, access=replace(ACCESS, base_url="https://elsewhere/"))
    given(CONNECTOR, ADDED).when(before).then(failed)
    silent = replace(tried, token_refused=False)
    given(CONNECTOR, ADDED).when(silent).then(failed)


def test_a_retired_connector_is_gone_for_commands() -> None:
    given(CONNECTOR, ADDED).when(RetireConnector()).then(RETIRED)
    for command in (ChangeConnector(name="x"), RetireConnector()):
        given(CONNECTOR, ADDED, RETIRED).when(command).then_refused("not_found")
        given(CONNECTOR).when(command).then_refused("not_found")


def test_a_connector_holds_its_name_and_its_active_place_until_it_retires() -> None:
    assert holds(given(CONNECTOR, ADDED).state) == {
        "connector-name:desk",
        "active-connector:zammad",
    }
    passive = given(CONNECTOR, replace(ADDED, is_active=False)).state
    assert holds(passive) == {"connector-name:desk"}
    assert holds(given(CONNECTOR, ADDED, RETIRED).state) == frozenset()


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("HTTPS://Desk.Example.COM", "https://desk.example.com/"),
        ("https://desk.example.com:443//", "https://desk.example.com/"),
        ("https://desk.example.com/Zammad/", "https://desk.example.com/Zammad/"),
        ("http://localhost:8081", "http://localhost:8081/"),
        ("http://127.0.0.2", "http://127.0.0.2/"),
        ("http://[::1]:8080/", "http://[::1]:8080/"),
        (" https://x.example ", "https://x.example/"),
    ],
)
def test_an_address_has_one_spelling(text: str, normal: str) -> None:
    assert normalised(text) == normal
    assert normalised(normal) == normal


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("http://desk.example.com/", "insecure_url"),
        ("http://localhost.example.com/", "insecure_url"),
        ("http://10.0.0.1/", "insecure_url"),
        ("ftp://desk.example.com/", "validation"),
        ("desk.example.com", "validation"),
        ("https://user:pass@desk.example.com/", "validation"),
        ("https://@desk.example.com/", "validation"),
        ("https://desk.example.com/?a=1", "validation"),
        ("https://desk.example.com/#x", "validation"),
        ("https://desk.example.com:99999/", "validation"),
        ("https://", "validation"),
        ("", "validation"),
    ],
)
def test_an_address_that_is_not_safe_or_plain_is_refused(text: str, code: str) -> None:
    with pytest.raises(RuleViolation) as refusal:
        normalised(text)
    assert refusal.value.code == code


def test_plain_http_to_another_machine_can_be_allowed() -> None:
    assert normalised("http://10.0.0.1/", allow_insecure=True) == "http://10.0.0.1/"


def test_settings_are_kept_in_a_form_that_events_can_hold() -> None:
    patch = {"time_unit_minutes": 7.5, "day_start": "08:30", "lookback": None}
    assert checked_patch("zammad", patch) == {
        "time_unit_minutes": "7.5",
        "day_start": "08:30",
        "lookback": None,
    }
    assert checked_patch("kimai", {"rounding_days": [4, 0]}) == {"rounding_days": (0, 4)}


def test_unknown_settings_are_refused_by_name() -> None:
    with pytest.raises(SettingsInvalid) as refusal:
        checked_patch("kimai", {"lookback": 5})
    assert refusal.value.code == "settings_unknown_key"
    assert [problem.key for problem in refusal.value.problems] == ["lookback"]

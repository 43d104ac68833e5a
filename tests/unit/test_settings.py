"""The service refuses to start on secrets that are none, and says how to make one."""

from pathlib import Path
from typing import Any

import pytest

from api.settings import Settings, load_settings
from domain.errors import Misconfigured

KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="  # the same in every test process
GOOD = {
    "secret_key": "0123456789abcdefghijklmnopqrstuvwxyz",
    "encryption_key": KEY,
    "admin_username": "alice",
    "admin_password": "correct-horse-battery",
}


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def load(**values: Any) -> Settings:
    return load_settings(env_file=None, **{**GOOD, **values})


def test_good_secrets_are_accepted() -> None:
    settings = load()
    assert settings.encryption_keys == (KEY,)
    assert settings.access_token_minutes == 720


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("secret_key", "", "SECRET_KEY is missing"),
        ("secret_key", None, "SECRET_KEY is missing"),
        ("secret_key", "short", "SECRET_KEY is shorter than 32 bytes"),
        ("secret_key", "your-secret-key-change-in-production", "SECRET_KEY is a default value"),
        ("secret_key", "please-change-me-please-change-me-now", "SECRET_KEY is a default value"),
        ("secret_key", "0" * 40, "SECRET_KEY is a default value"),
        ("secret_key", "abcabc" * 8, "SECRET_KEY is a default value"),
        (
            "secret_key",
            "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
            "SECRET_KEY is a default value",
        ),
        ("encryption_key", "A" * 43 + "=", "ENCRYPTION_KEY is not random"),
        ("encryption_key", f"{KEY},{'A' * 43}=", "ENCRYPTION_KEY is not random"),
        ("encryption_key", "", "ENCRYPTION_KEY is missing"),
        ("encryption_key", "nonsense", "ENCRYPTION_KEY is not 32 bytes"),
        ("encryption_key", f"{KEY},nonsense", "ENCRYPTION_KEY is not 32 bytes"),
        ("admin_username", "", "ADMIN_USERNAME is empty"),
        ("admin_username", " ", "ADMIN_USERNAME is empty"),
        ("admin_password", "", "ADMIN_PASSWORD must have 12 to 128 characters"),
        ("admin_password", "admin", "ADMIN_PASSWORD must have 12 to 128 characters"),
        ("admin_password", "x" * 129, "ADMIN_PASSWORD must have 12 to 128 characters"),
        ("admin_password", "password1234", "ADMIN_PASSWORD is a default value"),
        ("admin_password", "change-me-please", "ADMIN_PASSWORD is a default value"),
    ],
)
def test_a_secret_that_is_none_is_refused_with_a_way_out(
    name: str, value: str | None, says: str
) -> None:
    with pytest.raises(Misconfigured) as refusal:
        load(**{name: value})
    text = str(refusal.value)
    assert says in text
    assert "USERNAME" in text or "python3 -c" in text
    if value and len(value) > 6:
        assert value not in text


def test_all_problems_are_said_at_once() -> None:
    with pytest.raises(Misconfigured) as refusal:
        load_settings(env_file=None)
    assert "SECRET_KEY" in str(refusal.value)
    assert "ENCRYPTION_KEY" in str(refusal.value)


def test_a_command_asks_only_for_the_secrets_it_needs() -> None:
    assert load_settings(needs=[], env_file=None).secret_key is None
    with pytest.raises(Misconfigured):
        load_settings(needs=["encryption_key"], env_file=None)


def test_values_come_from_the_environment_and_from_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / ".env"
    file.write_text(f"SECRET_KEY={GOOD['secret_key']}\nENCRYPTION_KEY={KEY}\nPORT=1\n# x\n")
    monkeypatch.setenv("PORT", "9000")
    monkeypatch.setenv("CORS_ORIGINS", "https://a.example, https://b.example")
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("LOG_LEVEL", "")
    settings = load_settings(env_file=str(file))
    assert settings.port == 9000
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert (settings.database_url, settings.log_level) == (None, "info")


@pytest.mark.parametrize("name", ["ADMIN_USERNAME", "ADMIN_PASSWORD"])
def test_an_empty_first_login_is_refused_wherever_it_comes_from(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets: dict[str, Any] = {key: GOOD[key] for key in ("secret_key", "encryption_key")}
    file = tmp_path / ".env"
    file.write_text(f"{name}=\n")
    with pytest.raises(Misconfigured, match=f"{name} is empty"):
        load_settings(env_file=str(file), **secrets)
    monkeypatch.setenv(name, "")
    with pytest.raises(Misconfigured, match="unset it"):
        load_settings(env_file=None, **secrets)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("display_timezone", "Mars/Olympus"),
        ("default_time_unit", "fortnight"),
        ("default_time_unit", "-3"),
        ("port", "70000"),
        ("access_token_minutes", "0"),
        ("log_level", "loud"),
    ],
)
def test_a_value_that_makes_no_sense_is_named(name: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=name.upper()):
        load(**{name: value})


def test_what_is_empty_in_the_environment_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Docker Compose passes what stands nowhere."""
    usual = load()
    for name in Settings.model_fields:
        monkeypatch.setenv(name.upper(), "")
    assert load() == usual
    with pytest.raises(Misconfigured, match="SECRET_KEY is missing"):
        load_settings(env_file=None)


def test_settings_show_no_secret_and_do_not_change() -> None:
    settings = load(database_url="postgresql://u:hidden-password@h/d")
    shown = repr(settings)
    for secret in (*GOOD.values(), "hidden-password"):
        assert secret == "alice" or secret not in shown
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1  # type: ignore[misc] # that it is read-only is the point


def test_a_kimai_that_works_on_for_longer_can_be_waited_for() -> None:
    assert load().kimai_request_limit_seconds == 60
    assert load(kimai_request_limit_seconds="300").kimai_request_limit_seconds == 300
    with pytest.raises(Misconfigured, match="KIMAI_REQUEST_LIMIT_SECONDS"):
        load(kimai_request_limit_seconds=0)


def test_how_late_a_deletion_in_kimai_may_be_noticed() -> None:
    assert load().kimai_full_listing_hours == 24
    assert load(kimai_full_listing_hours="0").kimai_full_listing_hours == 0
    with pytest.raises(Misconfigured, match="KIMAI_FULL_LISTING_HOURS"):
        load(kimai_full_listing_hours=-1)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://u:hidden/secret@h:5432/d",  # a slash that should have been percent-encoded
        "postgresql://u:hidden#secret@h/d",
        "postgresql://u:hidden[secret@h/d",
        "postgresql://u:hidden-secret@h:port/d",
        "mysql://u:hidden-secret@h/d",
        "h:5432",
    ],
)
def test_an_unreadable_database_address_is_refused_without_being_quoted(address: str) -> None:
    with pytest.raises(Misconfigured, match="DATABASE_URL: must be postgresql://user") as refusal:
        load(database_url=address)
    assert "hidden" not in str(refusal.value)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://u:p%2Fw@h:5432/d",
        "postgres://u@[::1]:5432/d?sslmode=require",
        "postgresql://u:p@one:1,two:2/d",
        "postgresql:///d?host=/run/postgresql",
    ],
)
def test_every_form_of_a_database_address_is_accepted(address: str) -> None:
    settings = load(database_url=address)
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == address

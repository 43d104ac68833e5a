"""What the operator sets: one frozen object from the environment and `.env`, checked at start.

Every message names the setting and a command that makes a good value; no message repeats a value.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from cryptography.fernet import Fernet
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    SettingsConfigDict,
)

from domain.connector.settings import zammad_settings
from domain.errors import Misconfigured, RuleViolation

SHORTEST_SECRET = 32  # bytes; HS256 needs a key as long as its digest
FEWEST_KINDS = 8  # of characters; 32 random hex digits have fewer once in 10^7 keys
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 128  # characters

MAKE_SECRET = 'python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
MAKE_KEY = (
    'python3 -c "import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())"'
)
MAKE_PASSWORD = 'python3 -c "import secrets; print(secrets.token_urlsafe(16))"'
OR_UNSET = "Where there is an account already, unset it."
EMPTY = {
    "admin_username": "ADMIN_USERNAME is empty; give the first administrator a name. " + OR_UNSET,
    "admin_password": f"ADMIN_PASSWORD is empty. Make one with: {MAKE_PASSWORD}. {OR_UNSET}",
}

# What stands in examples and readmes; whoever copies one has not chosen a secret.
DEFAULTS = re.compile(
    r"(admin|administrator|password|passw0rd|secret|secret[-_]?key|letmein|welcome)+[\W\d_]*"
    r"|.*change[-_ ]?(me|this|it|in|before|for).*|.*replace[-_ ]?(me|this|with).*"
    r"|.*your[-_ ](secret|own|key|password|random|super).*"
    r"|.*(super|dev|demo)[-_ ]?secret[-_ ]?key.*"
    r"|09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",  # FastAPI's tutorial
    re.IGNORECASE,
)

HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^:\[\]]*)(:\d+)?")  # with its port

Secret = Literal["secret_key", "encryption_key", "admin"]
ALL_SECRETS: Collection[Secret] = ("secret_key", "encryption_key", "admin")

# No secret is among them: a worker whose environment differs is told both values.
AGREED = (
    "display_timezone",
    "default_time_unit",
    "accept_email_matches",
    "kimai_request_limit_seconds",
    "kimai_full_listing_hours",
)

CommaList = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """Named as in the environment, in lower case."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,  # docker-compose.yml passes what nobody set as ""
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=True,
    )

    database_url: SecretStr | None = None  # None: the embedded PostgreSQL
    data_folder: Path = Path(".timeledger")  # where the embedded PostgreSQL keeps its files
    secret_key: SecretStr | None = None  # signs the login tokens
    encryption_key: SecretStr | None = None  # Fernet keys, comma separated, the newest first
    admin_username: str | None = None
    admin_password: SecretStr | None = None
    cors_origins: CommaList = ()
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)  # 0: any free one
    access_token_minutes: int = Field(default=720, ge=1, le=43_200)
    display_timezone: str = "UTC"  # in which days begin and end
    default_time_unit: str | None = None  # minutes, hour, quarter or minute
    accept_email_matches: bool = True
    allow_insecure_peers: bool = False
    trusted_proxies: CommaList = ()  # addresses whose X-Forwarded-* headers count
    metrics_token: SecretStr | None = None
    # how long a request may still take effect in Kimai after we stopped waiting for its answer: the
    # longest of max_execution_time and the time limits of the web servers in front of it
    kimai_request_limit_seconds: float = Field(default=60, ge=1, le=3600)
    # deletions and export runs leave no trace in Kimai's list of changes: how late they may be seen
    kimai_full_listing_hours: float = Field(default=24, ge=0, le=168)  # 0: with every run
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("database_url")
    @classmethod
    def _readable_address(cls, value: SecretStr | None) -> SecretStr | None:
        """Checked here because the driver's own message quotes what it cannot read."""
        if value is not None and not _is_database_address(value.get_secret_value()):
            raise ValueError(
                "must be postgresql://user:password@host:port/database, special characters of the"
                " password percent-encoded"
            )
        return value

    @field_validator("cors_origins", "trusted_proxies", mode="before")
    @classmethod
    def _comma_list(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("display_timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            return ZoneInfo(value).key
        except (ValueError, OSError, KeyError) as error:
            raise ValueError("must be an IANA time zone such as Europe/Brussels") from error

    @field_validator("default_time_unit")
    @classmethod
    def _known_unit(cls, value: str | None) -> str | None:
        try:
            zammad_settings({"time_unit_minutes": value}, display_timezone="UTC")
        except RuleViolation as error:
            raise ValueError("must be minutes per unit, hour, quarter or minute") from error
        return value

    @property
    def encryption_keys(self) -> tuple[str, ...]:
        """The newest first; empty when none is set."""
        text = self.encryption_key.get_secret_value() if self.encryption_key else ""
        return tuple(part.strip() for part in text.split(",") if part.strip())

    @property
    def agreed(self) -> Mapping[str, str]:
        """What all processes of a ledger must share, by which they decide and write; as text."""
        return {name.upper(): str(getattr(self, name)) for name in AGREED}


def load_settings(
    *, needs: Collection[Secret] = ALL_SECRETS, env_file: str | None = ".env", **values: Any
) -> Settings:
    """The settings, with the secrets that the caller needs checked; `values` win.

    Raises:
        Misconfigured: one sentence per setting that cannot be accepted.
    """
    try:
        settings = Settings(_env_file=env_file, **values)
    except ValidationError as error:
        lines = [f"{_name(problem['loc'])}: {_said(problem['msg'])}" for problem in error.errors()]
        raise Misconfigured("settings", "; ".join(lines)) from None
    checks = {"secret_key": _secret_key, "encryption_key": _encryption_key, "admin": _admin}
    problems = [line for need in needs for line in checks[need](settings)]
    if "admin" in needs:
        problems += _left_empty(EMPTY.keys() - values.keys(), env_file)
    if problems:
        raise Misconfigured("settings", "\n".join(problems))
    return settings


def _secret_key(settings: Settings) -> list[str]:
    make = f"Make one with: {MAKE_SECRET}"
    key = settings.secret_key.get_secret_value() if settings.secret_key else ""
    if not key:
        return [f"SECRET_KEY is missing; it signs the logins. {make}"]
    if len(key.encode()) < SHORTEST_SECRET:
        return [f"SECRET_KEY is shorter than {SHORTEST_SECRET} bytes. {make}"]
    if _is_default(key) or _is_monotonous(key):
        return [f"SECRET_KEY is a default value that everybody knows. {make}"]
    return []


def _encryption_key(settings: Settings) -> list[str]:
    make = f"Make one with: {MAKE_KEY}"
    if not settings.encryption_keys:
        return [f"ENCRYPTION_KEY is missing; it seals tokens and personal data. {make}"]
    try:
        for key in settings.encryption_keys:
            Fernet(key)
    except ValueError:
        return [f"ENCRYPTION_KEY is not 32 bytes of url-safe base64. {make}"]
    if any(_is_monotonous(key) for key in settings.encryption_keys):
        return [f"ENCRYPTION_KEY is not random. {make}"]
    return []


def _admin(settings: Settings) -> list[str]:
    """Unset is accepted here: once an admin exists, the service needs neither."""
    problems = []
    if settings.admin_username is not None and not settings.admin_username.strip():
        problems.append(EMPTY["admin_username"])
    if settings.admin_password is None:
        return problems
    weak = weakness(settings.admin_password.get_secret_value())
    return problems if weak is None else [*problems, f"ADMIN_PASSWORD {weak}"]


def _left_empty(names: Collection[str], env_file: str | None) -> list[str]:
    """What is empty counts as unset, but for the first login: there it is a mistake."""
    sources = (
        EnvSettingsSource(Settings, env_ignore_empty=False),
        DotEnvSettingsSource(Settings, env_file=env_file, env_ignore_empty=False),
    )
    return [
        EMPTY[name]
        for name in sorted(names)
        if any(source.env_vars.get(name) == "" for source in sources)
    ]


def weakness(password: str) -> str | None:
    """What is wrong with a password, and how to make a good one; None when nothing is."""
    make = f"Make one with: {MAKE_PASSWORD}"
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        return f"must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters. {make}"
    if _is_default(password):
        return f"is a default value that everybody knows. {make}"
    return None


def _is_default(value: str) -> bool:
    return DEFAULTS.fullmatch(value) is not None


def _is_database_address(text: str) -> bool:
    try:
        address = urlsplit(text)
    except ValueError:
        return False
    hosts = address.netloc.rpartition("@")[2].split(",")
    return address.scheme in ("postgresql", "postgres") and all(map(HOST.fullmatch, hosts))


def _said(message: str) -> str:
    return message.removeprefix("Value error, ")


def _is_monotonous(key: str) -> bool:
    """Whether nobody drew it at random: 32 random characters, even hex ones, have more kinds."""
    return len(set(key)) < FEWEST_KINDS


def _name(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location).upper()

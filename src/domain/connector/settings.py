"""What can be set on a connector: keys, defaults and limits of `contract.md`, section 4.

Stored and sent as a plain dict of the keys somebody set; `zammad_settings` and `kimai_settings`
check such a dict and fill in the rest. Secrets never pass through here: `take_webhook_secret`
takes the one that travels among the settings out first.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import time
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar
from zoneinfo import ZoneInfo

from domain.errors import RuleViolation

MINUTES_PER_UNIT = MappingProxyType(
    {"hour": Decimal(60), "quarter": Decimal(15), "minute": Decimal(1)}
)
MASK = "********"  # what answers show for a stored secret; sent back, it changes nothing
WEEK = (0, 1, 2, 3, 4, 5, 6)  # Monday first
EARLIEST_DAY_START = time(9, 0)

T = TypeVar("T", bound=StrEnum)
Values = Mapping[str, object]


class WorkTimeAnchor(StrEnum):
    """Where a booking lies in time, seen from the instant it was booked."""

    END_AT_BOOKING = "end_at_booking"
    START_AT_BOOKING = "start_at_booking"
    DAY_START_STACKED = "day_start_stacked"


class Discovery(StrEnum):
    """How bookings are found."""

    AUTO = "auto"
    GLOBAL_LIST = "global_list"
    PER_TICKET = "per_ticket"


class RoundingMode(StrEnum):
    """Kimai's rounding: `default` is begin down, end and duration up."""

    DEFAULT = "default"
    CLOSEST = "closest"
    FLOOR = "floor"
    CEIL = "ceil"


class ProjectStrategy(StrEnum):
    """Which project a booking gets when no project mapping names one."""

    PER_TICKET = "per_ticket"
    PER_ORGANIZATION = "per_organization"
    FIXED = "fixed"


class DeletePolicy(StrEnum):
    """What becomes of a timesheet whose booking is gone."""

    DELETE = "delete"
    CONFLICT = "conflict"
    KEEP = "keep"


class EditedInKimaiPolicy(StrEnum):
    """What becomes of a timesheet that somebody edited in Kimai."""

    CONFLICT = "conflict"
    KEEP_TARGET = "keep_target"
    OVERWRITE = "overwrite"


@dataclass(frozen=True, kw_only=True)
class ZammadSettings:
    """Effective settings of a Zammad connector; `lookback` is in minutes.

    `time_unit_minutes` are the minutes of one Zammad unit, or `hour`, `quarter`, `minute`;
    None leaves it to what Zammad declares. `requests_per_second` None: as fast as it answers.
    """

    time_unit_minutes: Decimal | str | None = None
    timezone: str
    work_time_anchor: WorkTimeAnchor = WorkTimeAnchor.END_AT_BOOKING
    day_start: time = EARLIEST_DAY_START
    accept_webhooks: bool = True
    webhook_secret_overlap_hours: int = 24
    discovery: Discovery = Discovery.AUTO
    lookback: int = 15
    concurrent_requests: int = 8
    requests_per_second: int | None = None


@dataclass(frozen=True, kw_only=True)
class KimaiSettings:
    """Effective settings of a Kimai connector; rounding is in minutes, 0 is off.

    A run deletes so many timesheets by itself, or so many percent of the known bookings where
    that is more; what goes beyond waits for a person (`delete_limit`, `delete_limit_percent`).
    """

    use_global_activities: bool = True
    default_project_id: int | None = None
    default_activity_id: int | None = None
    ignore_unmapped_activities: bool = False
    default_country: str = "BE"
    default_currency: str = "EUR"
    default_timezone: str = "Europe/Brussels"
    rounding_mode: RoundingMode = RoundingMode.DEFAULT
    round_begin: int = 0
    round_end: int = 0
    round_duration: int = 0
    rounding_days: tuple[int, ...] = WEEK
    auto_create_customers: bool = True
    auto_create_projects: bool = True
    project_strategy: ProjectStrategy = ProjectStrategy.PER_TICKET
    delete_policy: DeletePolicy = DeletePolicy.CONFLICT
    delete_limit: int = 20
    delete_limit_percent: Decimal = Decimal(5)
    edited_in_kimai_policy: EditedInKimaiPolicy = EditedInKimaiPolicy.CONFLICT
    entry_tag: str = "source:zammad"
    concurrent_requests: int = 8
    requests_per_second: int | None = None


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One setting that cannot be accepted, and why, in words for the person who set it."""

    key: str
    message: str


class SettingsInvalid(RuleViolation):
    """Nothing was changed; `problems` lists every setting that cannot be accepted.

    `code` is `settings_unknown_key` when a key does not exist, else `validation`.
    """

    def __init__(self, code: str, problems: Sequence[Problem]) -> None:
        text = "; ".join(f"{problem.key}: {problem.message}" for problem in problems)
        super().__init__(code, f"Settings were refused. {text}")
        self.problems = tuple(problems)


def merged(stored: Values, patch: Values) -> dict[str, object]:
    """The settings after a POST or PATCH: key by key, None resets a key to its default."""
    both = {**stored, **patch}
    return {key: value for key, value in both.items() if value is not None}


def take_webhook_secret(patch: Values) -> tuple[dict[str, object], str | None]:
    """`patch` without the webhook secret, and the secret when a new one was sent.

    The mask, an empty text, None and absence all leave the stored secret as it is.
    Raises SettingsInvalid unless a new secret has 16 to 256 characters.
    """
    rest = {key: value for key, value in patch.items() if key != "webhook_secret"}
    secret = patch.get("webhook_secret")
    if secret is None or secret in ("", MASK):
        return rest, None
    try:
        return rest, _text(16, 256)(secret)
    except ValueError as error:
        problem = Problem(key="webhook_secret", message=str(error))
        raise SettingsInvalid("validation", [problem]) from None


def zammad_settings(values: Values, *, display_timezone: str) -> ZammadSettings:
    """Check `values` and fill in defaults. Raises SettingsInvalid."""
    return ZammadSettings(**{"timezone": display_timezone, **_checked(values, _ZAMMAD)})  # type: ignore[arg-type] # _checked has converted each value to its field's type


def kimai_settings(values: Values) -> KimaiSettings:
    """Check `values` and fill in defaults. Raises SettingsInvalid."""
    return KimaiSettings(**_checked(values, _KIMAI))  # type: ignore[arg-type] # as above


def as_values(settings: ZammadSettings | KimaiSettings) -> dict[str, object]:
    """All keys with their effective values, as JSON shows them; parsing it gives it back."""
    return {field.name: _shown(getattr(settings, field.name)) for field in fields(settings)}


def _shown(value: object) -> object:
    match value:
        case StrEnum():
            return value.value
        case Decimal():
            # exact both ways: four decimals below 1440 fit a float's 15 digits
            return int(value) if value == value.to_integral_value() else float(value)
        case time():
            return value.strftime("%H:%M")
        case tuple():
            return list(value)
        case _:
            return value


Check = Callable[[object], object]


def _checked(values: Values, checks: Mapping[str, Check]) -> dict[str, object]:
    unknown = sorted(set(values) - set(checks))
    if unknown:
        known = ", ".join(sorted(checks))
        problems = [
            Problem(key=key, message=f"no such setting; known are {known}") for key in unknown
        ]
        raise SettingsInvalid("settings_unknown_key", problems)
    result: dict[str, object] = {}
    problems = []
    for key, value in values.items():
        if value is None:
            continue
        try:
            result[key] = checks[key](value)
        except ValueError as error:
            problems.append(Problem(key=key, message=str(error)))
    if problems:
        raise SettingsInvalid("validation", problems)
    return result


def _unit(value: object) -> Decimal | str:
    if isinstance(value, str) and value in MINUTES_PER_UNIT:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError("must be a number of minutes, hour, quarter or minute")  # noqa: TRY004 # callers collect ValueError
    try:
        minutes = Decimal(str(value))
    except InvalidOperation:
        raise ValueError("must be a number of minutes, hour, quarter or minute") from None
    if not minutes.is_finite() or not 0 < minutes <= 1440:  # noqa: PLR2004 # minutes of a day
        raise ValueError("must be more than 0 and at most 1440 minutes")
    if minutes != minutes.quantize(Decimal("0.0001")):
        raise ValueError("must have at most 4 decimals")
    return minutes


def _percent(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError("must be a number from 0 to 100")  # noqa: TRY004 # callers collect ValueError
    try:
        percent = Decimal(str(value))
    except InvalidOperation:
        raise ValueError("must be a number from 0 to 100") from None
    if not percent.is_finite() or not 0 <= percent <= 100:  # noqa: PLR2004 # percent
        raise ValueError("must be a number from 0 to 100")
    return percent


# Files beside the zones: what a machine is set to, no zone at all, and zones with leap seconds.
OF_A_MACHINE = ("localtime", "posixrules", "Factory", "right/", "posix/")


def iana_zone(value: object) -> str:
    """Raises ValueError unless it names a time zone, and the same one on every machine."""
    name = str(value)
    if name.startswith(OF_A_MACHINE):
        raise ValueError("must be an IANA time zone such as Europe/Berlin")
    try:
        return ZoneInfo(name).key
    except (ValueError, OSError, KeyError):
        raise ValueError("must be an IANA time zone such as Europe/Berlin") from None


def _day_start(value: object) -> time:
    if isinstance(value, str) and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        return time.fromisoformat(value)
    raise ValueError("must be a time of day as HH:MM")


def _one_of(choice: type[T]) -> Callable[[object], T]:
    def check(value: object) -> T:
        try:
            return choice(str(value))
        except ValueError:
            raise ValueError(f"must be one of {', '.join(choice)}") from None

    return check


def _whole(low: int, high: int) -> Callable[[object], int]:
    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return value

    return check


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")  # noqa: TRY004 # callers collect ValueError
    return value


def _text(shortest: int, longest: int) -> Callable[[object], str]:
    def check(value: object) -> str:
        if not isinstance(value, str) or not shortest <= len(value) <= longest:
            raise ValueError(f"must be a text of {shortest} to {longest} characters")
        return value

    return check


def _code(letters: int) -> Callable[[object], str]:
    def check(value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(rf"[A-Z]{{{letters}}}", value):
            raise ValueError(f"must be {letters} capital letters")
        return value

    return check


def _days(value: object) -> tuple[int, ...]:
    if not isinstance(value, list | tuple) or any(
        isinstance(day, bool) or day not in WEEK for day in value
    ):
        raise ValueError("must be a list of weekdays from 0 (Monday) to 6 (Sunday)")
    return tuple(sorted(set(value)))


def _tag(value: object) -> str:
    # Source: `peers/kimai.md`, 2.5; the comma separates tags in a request
    tag = _text(2, 100)(value)
    if re.search(r'[<>"=,]', tag) or tag != tag.strip():
        raise ValueError('must not contain < > " = or a comma, nor begin or end with a space')
    return tag


_ID = _whole(1, 2**31 - 1)
_ROUNDING = _whole(0, 1440)
_FLOW: Mapping[str, Check] = {
    "concurrent_requests": _whole(1, 16),
    "requests_per_second": _whole(1, 1_000),
}
_ZAMMAD: Mapping[str, Check] = {
    **_FLOW,
    "time_unit_minutes": _unit,
    "timezone": iana_zone,
    "work_time_anchor": _one_of(WorkTimeAnchor),
    "day_start": _day_start,
    "accept_webhooks": _yes_or_no,
    "webhook_secret_overlap_hours": _whole(0, 168),
    "discovery": _one_of(Discovery),
    "lookback": _whole(0, 10_080),
}
_KIMAI: Mapping[str, Check] = {
    **_FLOW,
    "use_global_activities": _yes_or_no,
    "default_project_id": _ID,
    "default_activity_id": _ID,
    "ignore_unmapped_activities": _yes_or_no,
    "default_country": _code(2),
    "default_currency": _code(3),
    "default_timezone": iana_zone,
    "rounding_mode": _one_of(RoundingMode),
    "round_begin": _ROUNDING,
    "round_end": _ROUNDING,
    "round_duration": _ROUNDING,
    "rounding_days": _days,
    "auto_create_customers": _yes_or_no,
    "auto_create_projects": _yes_or_no,
    "project_strategy": _one_of(ProjectStrategy),
    "delete_policy": _one_of(DeletePolicy),
    "delete_limit": _whole(0, 1_000_000),
    "delete_limit_percent": _percent,
    "edited_in_kimai_policy": _one_of(EditedInKimaiPolicy),
    "entry_tag": _tag,
}

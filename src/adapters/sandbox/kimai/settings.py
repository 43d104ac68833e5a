"""Kimai's own settings by Kimai's own names, changeable while the sandbox runs."""

from collections.abc import Mapping
from typing import Any

from adapters.sandbox.control import SeedRefused

Value = bool | int | float | str | None

DEFAULTS: dict[str, Value] = {
    "timesheet.mode": "default",
    "timesheet.default_begin": "now",
    "timesheet.active_entries.hard_limit": 1,
    "timesheet.rounding.default.mode": "default",
    "timesheet.rounding.default.begin": 1,  # minutes
    "timesheet.rounding.default.end": 1,  # minutes
    "timesheet.rounding.default.duration": 0,  # minutes
    "timesheet.rounding.default.days": "monday,tuesday,wednesday,thursday,friday,saturday,sunday",
    "timesheet.rules.allow_future_times": True,
    "timesheet.rules.allow_zero_duration": True,
    "timesheet.rules.allow_overlapping_records": True,
    "timesheet.rules.allow_overbooking_budget": True,
    "timesheet.rules.long_running_duration": 0,  # minutes, 0 = off
    "timesheet.rules.require_activity": True,
    "timesheet.rules.break_time_active": False,
    "timesheet.rules.lockdown_period_start": None,  # PHP date text
    "timesheet.rules.lockdown_period_end": None,
    "timesheet.rules.lockdown_period_timezone": None,
    "timesheet.rules.lockdown_grace_period": None,
    "customer.rules.allow_duplicate_number": False,
    "project.allow_duplicate_number": False,
    "activity.allow_duplicate_number": False,
    "customer.number_format": "{cc,4}",
    "project.number_format": "{pc,4}",
    "activity.number_format": "{ac,4}",
    "defaults.customer.country": "DE",
    "defaults.customer.currency": "EUR",
    "defaults.customer.timezone": "UTC",  # Kimai takes the server's
    "defaults.user.timezone": "Europe/Berlin",
    "defaults.user.language": "en",
    # not Kimai's: what the sandbox itself adds
    "sandbox.insert_gap_seconds": 0.0,  # between check and insert: parallel POSTs pass both
    "sandbox.legacy_delay_seconds": 0.2,  # what Kimai adds to each legacy login on purpose
}
_MODES = {"default", "punch", "duration_fixed_begin"}
_ROUNDINGS = {"default", "floor", "ceil", "closest"}


class KimaiSettings:
    """All settings; `settings["timesheet.mode"]` reads one, `change` sets some."""

    def __init__(self) -> None:
        self._values = dict(DEFAULTS)

    def __getitem__(self, name: str) -> Value:
        return self._values[name]

    def flag(self, name: str) -> bool:
        """A yes-or-no setting."""
        return bool(self._values[name])

    def number(self, name: str) -> int:
        """A whole number; an empty one counts as 0."""
        return int(self._values[name] or 0)

    def text(self, name: str) -> str:
        """A text; an unset one is empty."""
        value = self._values[name]
        return "" if value is None else str(value)

    def change(self, values: Mapping[str, Any]) -> None:
        """Set some settings at once; `"0"` and `"1"` are accepted for flags, as Kimai stores them.

        Raises:
            SeedRefused: an unknown name or a value of the wrong kind; nothing was changed.
        """
        clean = {name: _checked(name, value) for name, value in values.items()}
        self._values.update(clean)

    def reset(self) -> None:
        """Back to Kimai's defaults."""
        self._values = dict(DEFAULTS)

    def describe(self) -> dict[str, Value]:
        """All settings by name."""
        return dict(self._values)


def _checked(name: str, value: Any) -> Value:
    if name not in DEFAULTS:
        raise SeedRefused(f"unknown Kimai setting {name!r}")
    default = DEFAULTS[name]
    try:
        if isinstance(default, bool):
            return _flag(name, value)
        if isinstance(default, int):
            return int(value or 0)
        if isinstance(default, float):
            return float(value)
    except (TypeError, ValueError) as error:
        raise SeedRefused(f"{name} cannot be {value!r}") from error
    if name == "timesheet.mode" and value not in _MODES:
        raise SeedRefused(f"{name} must be one of {sorted(_MODES)}")
    if name == "timesheet.rounding.default.mode" and value not in _ROUNDINGS:
        raise SeedRefused(f"{name} must be one of {sorted(_ROUNDINGS)}")
    if isinstance(value, list):
        return ",".join(str(part) for part in value)
    return None if value is None else str(value)


def _flag(name: str, value: Any) -> bool:
    if value in (True, 1, "1", "true"):
        return True
    if value in (False, 0, "0", "false", "", None):
        return False
    raise SeedRefused(f"{name} is a flag, not {value!r}")

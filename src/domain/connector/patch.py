"""Settings as they come in, checked and in the form in which events keep them."""

from collections.abc import Mapping
from datetime import time
from decimal import Decimal
from enum import StrEnum

from domain.change import FieldValue
from domain.connector.settings import KimaiSettings, ZammadSettings, kimai_settings, zammad_settings

ANY_ZONE = "UTC"  # a default that is not among the keys of a patch, so it is never kept


def checked_patch(kind: str, patch: Mapping[str, object]) -> dict[str, FieldValue]:
    """The keys of `patch` with checked values; None stays None, which resets a key.

    Raises SettingsInvalid.
    """
    checked = effective_settings(kind, patch, display_timezone=ANY_ZONE)
    return {
        key: None if value is None else _kept(getattr(checked, key)) for key, value in patch.items()
    }


def effective_settings(
    kind: str, values: Mapping[str, object], *, display_timezone: str
) -> ZammadSettings | KimaiSettings:
    """All settings of a connector of that kind, defaults filled in. Raises SettingsInvalid."""
    if kind == "zammad":
        return zammad_settings(values, display_timezone=display_timezone)
    return kimai_settings(values)


def _kept(value: object) -> FieldValue:
    match value:
        case StrEnum():
            return value.value
        case Decimal():
            return str(value)  # events hold no floats
        case time():
            return value.strftime("%H:%M")
        case tuple():
            return tuple(int(item) for item in value)
        case str() | bool() | int():
            return value
        case _:
            raise TypeError(f"no setting is a {type(value).__name__}")

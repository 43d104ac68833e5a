"""Minutes as the contract writes them: exact decimals inside, plain JSON numbers outside."""

from decimal import Decimal

from domain.minutes import MINUTE_PLACES, minutes_of

__all__ = ["MINUTE_PLACES", "json_number", "minutes_of"]


def json_number(value: Decimal | None) -> int | float | None:
    """The JSON number that reads back as the same decimal; 45 rather than 45.0."""
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)

"""Durations as the contract counts them."""

from datetime import timedelta
from decimal import Decimal
from functools import lru_cache

MINUTE_PLACES = Decimal("0.0001")  # contract, section 1: at most 4 decimals
_MICROSECONDS = Decimal(60_000_000)


@lru_cache(maxsize=10_000)  # a view asks for each booking, and most last as long as others
def minutes_of(lasting: timedelta) -> Decimal:
    """A duration in minutes, exact to 4 decimals."""
    micros = (lasting.days * 86_400 + lasting.seconds) * 1_000_000 + lasting.microseconds
    return (Decimal(micros) / _MICROSECONDS).quantize(MINUTE_PLACES)

"""How long a booking is: Zammad's number times the minutes of Zammad's unit.

Zammad's unit is a label (`peers/zammad.md`, trap 1): the factor comes from a setting, or from
what Zammad's administrator declared, and is never guessed.
"""

from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

from domain.connector.settings import MINUTES_PER_UNIT
from domain.time_entry.state import Wait
from domain.time_entry.values import Booking, ReasonCode

SECONDS_PER_MINUTE = Decimal(60)


def unit_minutes(
    setting: Decimal | str | None, declared: str | None, fallback: str | None
) -> tuple[Decimal, str] | Wait:
    """Minutes of one unit and who said so: the setting, else Zammad, else the service."""
    if isinstance(setting, Decimal):
        return setting, "setting:time_unit_minutes"
    for word, who in (
        (setting, "setting:time_unit_minutes"),
        (declared, "zammad:time_accounting_unit"),
        (fallback, "setting:default_time_unit"),
    ):
        if word is not None and word in MINUTES_PER_UNIT:
            return MINUTES_PER_UNIT[word], who
    says = f"Zammad calls it {declared!r}" if declared else "Zammad declares none"
    return Wait(
        reason=ReasonCode.UNIT_UNKNOWN,
        detail=f"Nobody said how many minutes one Zammad time unit is ({says}). "
        "Set time_unit_minutes on the Zammad connector.",
    )


def worked(time_unit: Decimal, minutes: Decimal) -> timedelta:
    """The exact product, to whole seconds; half a second and more counts as one.

    Kimai stores whole seconds. Two decimals of an hour or a quarter are whole seconds always
    (0.01 h = 36 s); only a unit with a fraction of a minute, or 0.01 minutes, needs rounding.
    """
    seconds = (time_unit * minutes * SECONDS_PER_MINUTE).to_integral_value(ROUND_HALF_UP)
    return timedelta(seconds=int(seconds))


def length(booking: Booking, minutes: Decimal) -> timedelta:
    """How long the booking is, negative as booked.

    Raises OverflowError when no calendar goes back so far.
    """
    lasting = worked(booking.time_unit, minutes)
    _ = booking.created_at - abs(lasting)
    return lasting

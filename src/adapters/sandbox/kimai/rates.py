"""Money of a record: a fixed rate goes before an hourly one. Source: RateService.php."""

from adapters.sandbox.kimai.entities import Timesheet
from adapters.sandbox.kimai.state import KimaiState

_HOUR = 3600
_DIGITS = 4  # Kimai's Util::calculateRate


def money(
    state: KimaiState, record: Timesheet, seconds: int | None = None
) -> tuple[float, float, float | None]:
    """Rate, internal rate and hourly rate; of `seconds` instead of the stored duration if given."""
    if record.end is None:
        return 0.0, 0.0, record.hourly_rate
    owner = state.users[record.user]
    if record.fixed_rate is not None:
        internal = record.fixed_rate if owner.internal_rate is None else owner.internal_rate
        return record.fixed_rate, internal, record.hourly_rate
    hourly = owner.hourly_rate if record.hourly_rate is None else record.hourly_rate
    internal_hourly = hourly if owner.internal_rate is None else owner.internal_rate
    seconds = record.duration if seconds is None else seconds
    return _total(hourly, seconds), _total(internal_hourly, seconds), hourly


def _total(hourly: float, seconds: int) -> float:
    return round(hourly * seconds / _HOUR, _DIGITS)

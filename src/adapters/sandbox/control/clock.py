"""The server clock of a sandbox peer: the real one, shifted, or standing still."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def system_now() -> datetime:
    """The machine's clock, aware UTC."""
    return datetime.now(UTC)


class SandboxClock:
    """A clock a test can skew or stop; a peer asks it for every `now`."""

    def __init__(self, base: Callable[[], datetime] = system_now) -> None:
        self._base = base
        self._fixed: datetime | None = None
        self._skew = timedelta()

    def now(self) -> datetime:
        """The peer's present instant, aware UTC."""
        return (self._fixed or self._base()).astimezone(UTC) + self._skew

    def skew(self, by: timedelta) -> None:
        """Run ahead of (or, negative, behind) the base clock by `by`."""
        self._skew = by

    def fix(self, at: datetime | None) -> None:
        """Stand still at `at`, or run again with None; the skew is cleared.

        Raises:
            ValueError: `at` carries no time zone.
        """
        if at is not None and at.tzinfo is None:
            raise ValueError(f"a fixed instant needs a zone: {at.isoformat()}")
        self._fixed, self._skew = at, timedelta()

    def advance(self, by: timedelta) -> None:
        """Move on by `by`, whether running or standing still."""
        self._skew += by

    def describe(self) -> dict[str, object]:
        """The clock as `/_control/clock` reports it."""
        return {
            "now": self.now().isoformat(),
            "skew_seconds": self._skew.total_seconds(),
            "fixed": None if self._fixed is None else self._fixed.isoformat(),
        }

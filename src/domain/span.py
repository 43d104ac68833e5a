"""A piece of time."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True)
class Span:
    """From `begin` up to, not including, `end`; UTC."""

    begin: datetime
    end: datetime

    @property
    def duration(self) -> timedelta:
        return self.end - self.begin

    def meets(self, other: "Span") -> bool:
        """Whether they have an instant in common."""
        return self.begin < other.end and other.begin < self.end

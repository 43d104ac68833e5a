"""When clocks change in 2026, and work around it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

Minutes = tuple[int, int]
# begin and end, in minutes from the change: within the hour (a gap's wall times do not exist, a
# repeated hour's exist twice), across it, up to it and from it on
WORK: list[Minutes] = [
    (-20, -5),
    (5, 20),
    (-25, 0),
    (0, 25),
    (-20, 20),
    (-45, 15),
    (-15, 45),
    (-30, 30),
    (-60, 60),
    (-90, 90),
    (-480, 480),
]


@dataclass(frozen=True)
class ClockChange:
    """`twice`: clocks go back, and wall times before and after it are the same."""

    zone: str
    at: datetime
    twice: bool

    def work(self, minutes: Minutes) -> tuple[datetime, datetime]:
        first, last = (timedelta(minutes=count) for count in minutes)
        return self.at + first, self.at + last

    def __str__(self) -> str:
        return f"{self.zone} {self.at:%m-%d}"


CHANGES = [
    ClockChange("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC), twice=False),
    ClockChange("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC), twice=True),
    ClockChange("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC), twice=False),
    ClockChange("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC), twice=True),
    # half an hour only
    ClockChange("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC), twice=False),
    ClockChange("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC), twice=True),
    ClockChange("UTC", datetime(2026, 3, 29, 1, tzinfo=UTC), twice=False),
]

"""What people set. Stream `schedule`; the runs it begins are `sync-run-<id>`."""

from dataclasses import dataclass
from typing import ClassVar

from domain.change import Change


@dataclass(frozen=True, kw_only=True)
class ScheduleChanged:
    """The schedule as it is from now on, and which of its fields that changed.

    `cron` is read in `timezone` (IANA). `concurrency`: `skip` drops a due run while another is
    active, `queue` lets up to five wait. `notifications`: channels are told of its runs.
    """

    TYPE: ClassVar = "ScheduleChanged"
    SCHEMA: ClassVar = 1

    cron: str
    timezone: str
    concurrency: str
    notifications: bool
    enabled: bool
    changes: tuple[Change, ...]

"""Every event type that may stand in the ledger."""

from typing import get_args

from domain.event import Event
from domain.sync_run.events import SyncRunEvent
from domain.time_entry.events import TimeEntryEvent

ALL: tuple[type[Event], ...] = (*get_args(TimeEntryEvent), *get_args(SyncRunEvent))

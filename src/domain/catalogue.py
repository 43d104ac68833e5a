"""Every event type that may stand in the ledger."""

from typing import get_args

from domain.account.events import LoginEvent, UserEvent
from domain.channel.events import ChannelEvent
from domain.connector.events import ConnectorEvent
from domain.event import Event
from domain.mapping.events import MappingEvent, MappingsImported
from domain.plan.events import PlanEvent, PlanRowsListed
from domain.schedule.events import ScheduleChanged
from domain.sync_run.events import SyncRunEvent
from domain.target_item.events import TargetItemEvent
from domain.time_entry.events import TimeEntryEvent
from domain.waiting.events import WaitingDecided
from domain.work_day.events import WorkDayEvent

ALL: tuple[type[Event], ...] = (
    *get_args(TimeEntryEvent),
    *get_args(WorkDayEvent),
    *get_args(TargetItemEvent),
    *get_args(SyncRunEvent),
    *get_args(PlanEvent),
    PlanRowsListed,
    *get_args(ConnectorEvent),
    *get_args(MappingEvent),
    MappingsImported,
    ScheduleChanged,
    *get_args(ChannelEvent),
    WaitingDecided,
    *get_args(UserEvent),
    *get_args(LoginEvent),
)

"""Every event type that may stand in the ledger."""

from typing import get_args

from domain.account.events import LoginEvent, UserEvent
from domain.channel.events import ChannelEvent
from domain.connector.events import ConnectorEvent
from domain.delivery.events import DeliveryEvent
from domain.event import Event
from domain.mapping.events import MappingEvent, MappingsImported
from domain.plan.events import PlanEvent, PlanRowsListed
from domain.privacy.events import PrivacyEvent
from domain.schedule.events import ScheduleChanged
from domain.sync_run.events import SyncRunEvent
from domain.target_item.events import TargetItemEvent
from domain.target_names.events import TargetNamed
from domain.time_entry.events import TimeEntryEvent
from domain.waiting.events import WaitingDecided
from domain.work_day.events import WorkDayEvent

ALL: tuple[type[Event], ...] = (
    *get_args(TimeEntryEvent),
    *get_args(WorkDayEvent),
    *get_args(TargetItemEvent),
    TargetNamed,
    *get_args(SyncRunEvent),
    *get_args(PlanEvent),
    PlanRowsListed,
    *get_args(ConnectorEvent),
    *get_args(DeliveryEvent),
    *get_args(MappingEvent),
    MappingsImported,
    ScheduleChanged,
    *get_args(ChannelEvent),
    WaitingDecided,
    *get_args(UserEvent),
    *get_args(LoginEvent),
    *get_args(PrivacyEvent),
)

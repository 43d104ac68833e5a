"""Random histories over the whole catalogue, mostly implausible: a view must survive them all."""

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from domain.account.events import LoginEvent, UserEvent
from domain.channel.events import ChannelEvent
from domain.connector.events import ConnectorEvent
from domain.delivery.events import DeliveryEvent
from domain.event import Actor, Append, Event, Metadata
from domain.mapping.events import (
    ActivityMappingEvent,
    MappingsImported,
    ProjectMappingEvent,
    UserMappingEvent,
)
from domain.personal import Personal
from domain.plan.events import PlanEvent, PlanRowsListed
from domain.privacy.events import PrivacyEvent
from domain.schedule.events import ScheduleChanged
from domain.sync_run.events import SyncRunEvent
from domain.target_item.events import TargetItemEvent
from domain.target_names.events import TargetNamed
from domain.time_entry.events import TimeEntryEvent
from domain.waiting.events import WaitingDecided
from domain.work_day.events import WorkDayEvent

NOW = datetime(2026, 3, 28, 22, 30, tzinfo=UTC)
SMALL = st.integers(1, 3)  # so that events meet in the same streams
INSTANTS = st.integers(0, 40 * 24 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes))
TEXTS = st.text(
    st.sampled_from("aZ é€😀'\"\\%_\n\t"), max_size=6
)  # NUL has a test of its own: views hold a stand-in for it
SUBJECTS = ("zammad-user:1", "zammad-user:2", "customer:1", "account:1")
VALUES: Mapping[str, st.SearchStrategy[Any]] = MappingProxyType(
    {
        "entry_id": SMALL.map(lambda number: 10_000_000_000 + number),
        "connector_id": st.just(1),
        "source_connector_id": st.just(1),
        "target_connector_id": st.just(2),
        "source_id": SMALL,
        "zone": st.sampled_from(("Europe/Brussels", "America/New_York", "UTC")),
        "kind": st.sampled_from(("zammad", "kimai")),
        "trigger": st.sampled_from(("manual", "scheduled", "webhook")),
        "state": st.sampled_from(("unknown", "ok", "down")),
        "configuration": st.sampled_from(("c-1", "c-2")),
    }
)


# Streams: their name, and the field that holds their number.
STREAMS: Sequence[tuple[str, str, Sequence[type[Event]]]] = (
    ("time-entry", "entry_id", get_args(TimeEntryEvent)),
    ("sync-run", "run_id", get_args(SyncRunEvent)),
    ("plan", "plan_id", get_args(PlanEvent)),
    ("plan-rows", "plan_id", (PlanRowsListed,)),
    ("waiting", "connector_id", (WaitingDecided,)),
    ("connector", "connector_id", get_args(ConnectorEvent)),
    ("mapping", "mapping_id", get_args(ActivityMappingEvent)),
    ("user-mapping", "mapping_id", get_args(UserMappingEvent)),
    ("project-mapping", "mapping_id", get_args(ProjectMappingEvent)),
    ("mapping-import", "", (MappingsImported,)),
    ("user", "user_id", get_args(UserEvent)),
    ("login", "", get_args(LoginEvent)),
    ("work-day", "agent_id", get_args(WorkDayEvent)),
    ("schedule", "", (ScheduleChanged,)),
    ("channel", "channel_id", get_args(ChannelEvent)),
    ("target-project-ticket", "", get_args(TargetItemEvent)),
    ("target-names", "connector_id", (TargetNamed,)),
    ("delivery", "", get_args(DeliveryEvent)),
    ("privacy", "", get_args(PrivacyEvent)),
)


def histories(size: int = 30) -> st.SearchStrategy[list[Append]]:
    """Appends of one to three events of one stream each; most streams begin as they should."""
    mostly_entries = st.sampled_from((STREAMS[0], STREAMS[0], STREAMS[0], *STREAMS))
    some = mostly_entries.flatmap(lambda which: _append(*which))
    begun = st.sampled_from(STREAMS[:9]).flatmap(
        lambda which: _append(which[0], which[1], which[2][:1])
    )
    return st.tuples(
        st.lists(begun, min_size=3, max_size=8), st.lists(some, min_size=size // 3, max_size=size)
    ).map(lambda parts: parts[0] + parts[1])


def _append(stream: str, field: str, events: Sequence[type[Event]]) -> st.SearchStrategy[Append]:
    number = VALUES.get(field, SMALL)
    some = st.lists(st.sampled_from(events).flatmap(of_type), min_size=1, max_size=3)
    return st.builds(_appending, st.just(stream), st.just(field), number, some, METADATA)


def _appending(
    stream: str, field: str, number: int, events: Sequence[Any], metadata: Metadata
) -> Append:
    if field:
        events = [dataclasses.replace(event, **{field: number}) for event in events]
        stream = f"{stream}-{number}"
    return Append(stream=stream, events=events, metadata=metadata, occurred_at=NOW, expected=None)


@cache
def of_type(cls: type[Any]) -> st.SearchStrategy[Any]:
    """Values of a dataclass of the domain, of any shape its annotations allow."""
    hints = get_type_hints(cls)
    names = [field.name for field in dataclasses.fields(cls)]
    return st.builds(cls, **{name: _of_field(name, hints[name]) for name in names})


def _of_field(name: str, hint: Any) -> st.SearchStrategy[Any]:
    if name not in VALUES or (isinstance(hint, type) and issubclass(hint, Enum)):
        return _of_hint(hint)
    return st.none() | VALUES[name] if NoneType in get_args(hint) else VALUES[name]


def _of_hint(hint: Any) -> st.SearchStrategy[Any]:
    if get_origin(hint) in {Union, UnionType}:
        return st.one_of([_of_hint(each) for each in get_args(hint)])
    if get_origin(hint) is tuple:
        return st.lists(_of_hint(get_args(hint)[0]), max_size=2).map(tuple)
    if get_origin(hint) is dict:
        return st.dictionaries(TEXTS, _of_hint(get_args(hint)[1]), max_size=2)
    hint = getattr(hint, "__supertype__", hint)
    if dataclasses.is_dataclass(hint):
        return of_type(hint)  # type: ignore[arg-type] # a class, not an instance
    if issubclass(hint, Enum):
        return st.sampled_from(hint)
    return BASIC[hint]


BASIC: Mapping[type, st.SearchStrategy[Any]] = MappingProxyType(
    {
        NoneType: st.none(),
        bool: st.booleans(),
        int: SMALL,
        str: TEXTS,
        Decimal: st.decimals(-100, 1000, places=2),
        datetime: INSTANTS,
        date: INSTANTS.map(datetime.date),
        timedelta: st.integers(0, 10_000).map(lambda seconds: timedelta(seconds=seconds)),
        Personal: st.builds(Personal, st.sampled_from(SUBJECTS), TEXTS),
    }
)
METADATA = st.builds(
    Metadata,
    actor=st.builds(
        Actor,
        kind=st.sampled_from(("user", "service")),
        name=st.sampled_from(("sync", Personal("account:1", "alice"))),
    ),
    correlation_id=st.sampled_from(("c-1", "c-2")),
    run_id=st.none() | SMALL,
    ip_address=st.none() | st.just(Personal("account:1", "192.0.2.1")),
)

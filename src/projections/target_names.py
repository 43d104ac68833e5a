"""What does Kimai call a project or an activity? One row per item of a Kimai connector."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from domain.event import Recorded
from domain.ids import ENTRIES_PER_CONNECTOR
from domain.target_names.events import NamedKind, TargetNamed
from projections import time_entries
from projections.projection import Projection

NAME, VERSION = "target_names", 1
KINDS: Mapping[NamedKind, int] = MappingProxyType({NamedKind.PROJECT: 0, NamedKind.ACTIVITY: 1})


@dataclass(frozen=True)
class Row:
    """`name` is personal where `name_subject` says whose it is; `parent_id`: see the event."""

    item_key: int
    position: int
    version: int
    name: str | None
    name_subject: str | None
    parent_id: int | None


Names = Mapping[int, Row]  # by `key_of`


def key_of(connector_id: int, kind: NamedKind, item_id: int) -> int:
    """The three in one number: project 7 of connector 2 is 40000000007."""
    return (connector_id * len(KINDS) + KINDS[kind]) * ENTRIES_PER_CONNECTOR + item_id


def keys_of(entry: time_entries.Row) -> Sequence[int]:
    """Of the project and the activity that the entry's timesheet is booked on."""
    target, connector = entry.facts.target, entry.facts.target_connector_id
    if target is None or connector is None:
        return ()
    return (
        key_of(connector, NamedKind.PROJECT, target.project_id),
        key_of(connector, NamedKind.ACTIVITY, target.activity_id),
    )


def project_of(entry: time_entries.Row, names: Names) -> time_entries.Project:
    """The project that the entry's timesheet is booked on, as far as it is known."""
    key = next(iter(keys_of(entry)), None)
    found = None if key is None else names.get(key)
    if found is None:
        return time_entries.UNKNOWN
    return time_entries.Project(name=found.name, customer_id=found.parent_id)


def activity_of(entry: time_entries.Row, names: Names) -> str | None:
    """What the activity is called that the entry's timesheet is booked on, if that is known."""
    for key in keys_of(entry)[1:]:
        return names[key].name if key in names else None
    return None


def keys(recorded: Recorded[TargetNamed]) -> Sequence[int]:
    event = recorded.event
    return (key_of(event.connector_id, event.kind, event.item_id),)


def project(_: Row | None, recorded: Recorded[TargetNamed]) -> Row | None:
    """The item as it is called from now on."""
    (key,), personal = keys(recorded), recorded.event.personal
    return Row(
        item_key=key,
        position=recorded.position,
        version=recorded.version,
        name=personal.value if personal else recorded.event.name,
        name_subject=personal.subject if personal else None,
        parent_id=recorded.event.parent_id,
    )


PROJECTION = Projection(
    name=NAME,
    version=VERSION,
    row=Row,
    key="item_key",
    events=frozenset({TargetNamed}),
    keys=keys,
    project=project,
)

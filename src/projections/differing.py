"""What differs between two instants, field by field (`contract.md`, section 13).

An object is told of when something happened to it in between, whatever came of it: one that went
there and back has no `changes`, and still its positions. What only counts or dates a change is
left out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

from domain.event import Event, Recorded
from projections import (
    conflicts,
    connectors,
    mappings,
    project_mappings,
    schedule,
    sync_runs,
    time_entries,
    user_mappings,
)
from projections.projection import Projection

Values: TypeAlias = Mapping[str, Any]
Difference: TypeAlias = tuple[str, object, object]  # field, before, after

QUIET = frozenset(
    {"version", "position", "last_position", "updated_at", "links", "progress", "next_runs"}
)
CONFLICT = "conflict"


@dataclass(frozen=True)
class Kind:
    """One kind of object: its view, how it is shown, and what it is called."""

    projection: Projection[Any]
    shown: Callable[[Any], Values]
    label: Callable[[Values], str]


def _entry(row: time_entries.Row) -> Values:
    return time_entries.shown(row, ticket_base=None, timesheet_base=None)


def _schedule(row: schedule.Row) -> Values:
    names = ("cron", "timezone", "concurrency", "notifications", "enabled")
    return {"id": row.schedule_id, **{name: getattr(row, name) for name in names}}


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "connector": Kind(connectors.PROJECTION, connectors.shown, lambda one: str(one["name"])),
        "mapping": Kind(
            mappings.PROJECTION,
            mappings.shown,
            lambda one: f"{one['zammad_type_name']} → {one['kimai_activity_name']}",
        ),
        "user_mapping": Kind(
            user_mappings.PROJECTION,
            user_mappings.shown,
            lambda one: _to(one, "zammad_user_name", "zammad_user_id", "kimai_user_id"),
        ),
        "project_mapping": Kind(
            project_mappings.PROJECTION,
            project_mappings.shown,
            lambda one: _to(one, "source_name", "source_id", "kimai_project_id"),
        ),
        "entry": Kind(
            time_entries.PROJECTION,
            _entry,
            lambda one: f"#{one['ticket_number']} {one['ticket_title'] or ''}".strip(),
        ),
        "run": Kind(sync_runs.PROJECTION, sync_runs.shown, lambda one: f"Run {one['id']}"),
        "schedule": Kind(schedule.PROJECTION, _schedule, lambda _: "Schedule"),
    }
)
NAMES = (*KINDS, CONFLICT)


def _to(one: Values, name: str, number: str, target: str) -> str:
    return f"{one[name] or one[number] or 'everyone else'} → {one[target] or '-'}"


def differences(before: Values | None, after: Values | None) -> list[Difference]:
    """Field, before and after of what differs; None is an object that is not there."""
    old, new = _flat(before or {}), _flat(after or {})
    names = sorted(old.keys() | new.keys(), key=[*new, *old].index)
    found = [(name, old.get(name), new.get(name)) for name in names]
    return [(name, one, other) for name, one, other in found if one != other]


def _flat(values: Values) -> dict[str, Any]:
    """`{"target": {"minutes": 45}}` as `{"target.minutes": 45}`, without what is quiet."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if name in QUIET:
            continue
        if isinstance(value, Mapping):
            parts = ((f"{name}.{part}", each) for part, each in value.items())
            flat |= {path: each for path, each in parts if not path.endswith("_at")}
        else:
            flat[name] = value
    return flat


def conflict_at(events: Sequence[Recorded[Event]], number: int, upto: int) -> Values | None:
    """The conflict that was opened at position `number`, as it stood after `upto`.

    `events` are those of its entry, from the first on.
    """
    row: conflicts.Row | None = None
    found: conflicts.Row | None = None
    for recorded in events:
        if recorded.position > upto:
            break
        if type(recorded.event) in conflicts.PROJECTION.events:
            row = conflicts.PROJECTION.apply(row, recorded)
            found = row if row is not None and row.conflict_id == number else found
    if found is None:
        return None
    return {
        "id": number,
        "entry_id": found.entry_id,
        "reason_code": found.reason_code,
        "reason_detail": found.detail,
        "cause": found.cause,
        "resolution_status": found.status,
        "resolution_action": found.action,
        "notes": found.notes,
    }

"""The rules of a mapping row, the same for activity types, people and projects.

At most one active row per source; `holds` names the claim that keeps it so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Generic, TypeVar

from domain.change import differences
from domain.errors import RuleViolation
from domain.event import Decider
from domain.mapping.events import (
    MappingEvent,
    MappingRemoved,
    MappingSet,
    ProjectMappingRemoved,
    ProjectMappingSet,
    UserMappingRemoved,
    UserMappingSet,
)
from domain.numbering import NumberTaken
from domain.versions import require_version

AnySet = MappingSet | UserMappingSet | ProjectMappingSet
R = TypeVar("R", MappingSet, UserMappingSet, ProjectMappingSet)

NOT_VALUES = {"mapping_id", "changes", "personal_changes"}


@dataclass(frozen=True, kw_only=True)
class AddRow(Generic[R]):
    row: R


@dataclass(frozen=True, kw_only=True)
class ChangeRow:
    """`fields` replace those of the row; `expected` is the version the asker saw, or None."""

    fields: Mapping[str, object]
    expected: int | None = None


@dataclass(frozen=True, kw_only=True)
class RemoveRow:
    expected: int | None = None


MappingCommand = (
    AddRow[MappingSet] | AddRow[UserMappingSet] | AddRow[ProjectMappingSet] | ChangeRow | RemoveRow
)


@dataclass(frozen=True, kw_only=True)
class MappingRow:
    """A row as last set, and how many events that took."""

    row: AnySet
    version: int = 1
    removed: bool = False


def decide(command: MappingCommand, state: MappingRow | None) -> Sequence[MappingEvent]:
    """Raises RuleViolation (`not_found`, `stale_version`, `validation`)."""
    if isinstance(command, AddRow):
        if state is not None:
            raise NumberTaken(f"mapping {command.row.mapping_id} exists")
        _require_target(command.row)
        return [command.row]
    if state is None or state.removed:
        raise RuleViolation("not_found", "There is no such mapping.")
    require_version("The mapping", state.version, command.expected)
    if isinstance(command, RemoveRow):
        return [_removed(state.row)]
    return _changed(state.row, command.fields)


def evolve(state: MappingRow | None, event: MappingEvent) -> MappingRow | None:
    """The row after `event`."""
    if isinstance(event, MappingSet | UserMappingSet | ProjectMappingSet):
        return MappingRow(row=event, version=1 if state is None else state.version + 1)
    return state and replace(state, removed=True, version=state.version + 1)


def holds(state: MappingRow | None) -> frozenset[str]:
    """The one active place of what the row maps."""
    if state is None or state.removed or not state.row.is_active:
        return frozenset()
    return frozenset({f"active-{source(state.row)}"})


def source(row: AnySet) -> str:
    """What the row maps, in words that are the same for equal sources."""
    match row:
        case MappingSet():
            return f"mapping:{_number(row.zammad_type_id)}"
        case UserMappingSet():
            return f"user-mapping:{_number(row.zammad_user_id)}"
        case ProjectMappingSet():
            return f"project-mapping:{row.source_kind}:{row.source_id}"


MAPPING: Decider[MappingCommand, MappingRow | None, MappingEvent] = Decider(
    initial=None, decide=decide, evolve=evolve
)


def _changed(row: AnySet, values: Mapping[str, object]) -> Sequence[MappingEvent]:
    target = replace(row, changes=(), **values)  # type: ignore[arg-type]  # names are the route's
    names = [field.name for field in fields(row) if field.name not in NOT_VALUES]
    plain, personal = differences(row, target, names)
    if not plain and not personal:
        return []
    _require_target(target)
    if isinstance(target, MappingSet):
        return [replace(target, changes=plain)]
    return [replace(target, changes=plain, personal_changes=personal)]


def _removed(row: AnySet) -> MappingEvent:
    match row:
        case MappingSet():
            return MappingRemoved(mapping_id=row.mapping_id)
        case UserMappingSet():
            return UserMappingRemoved(mapping_id=row.mapping_id)
        case ProjectMappingSet():
            return ProjectMappingRemoved(mapping_id=row.mapping_id)


def _require_target(row: AnySet) -> None:
    if isinstance(row, ProjectMappingSet) and (
        row.kimai_customer_id is None and row.kimai_project_id is None
    ):
        raise RuleViolation("validation", "A project mapping needs a Kimai customer or project.")


def _number(value: int | None) -> str:
    return "none" if value is None else str(value)

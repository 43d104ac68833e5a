"""What differs between the three mapping tables, and what they have in common."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from api.bodies import Body
from api.peer_names import PeerNames
from api.problems import Problem
from api.services import Commands, Services
from api.showing import row_now
from domain.errors import RuleViolation
from domain.handling import ATTEMPTS, state_of
from domain.ids import MappingId, mapping_stream, project_mapping_stream, user_mapping_stream
from domain.mapping.decide import (
    MAPPING,
    NOT_VALUES,
    AddRow,
    AnySet,
    ChangeRow,
    MappingCommand,
    MappingRow,
    RemoveRow,
    holds,
)
from domain.mapping.events import MappingSet, ProjectMappingSet, UserMappingSet
from domain.numbering import with_next_number
from domain.personal import Personal
from projections import mappings, project_mappings, user_mappings
from projections.projection import Projection

NO_TYPE = "(no type)"

Values = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table. `row` makes a whole row of a number and the values of all its fields.

    `source` and `target` are the id fields; `names` says, for a name field, whose name it is:
    when its id changes and no name is given, the name is asked for again.
    """

    stream: Callable[[MappingId], str]
    projection: Projection[Any]
    shown: Callable[[Any], dict[str, object]]
    row: Callable[[MappingId, Values], AnySet]
    values: Callable[[AnySet], dict[str, Any]]
    names: Mapping[str, str]


def _activity_row(number: MappingId, values: Values) -> AnySet:
    return MappingSet(
        mapping_id=number,
        zammad_type_id=values["zammad_type_id"],
        zammad_type_name=values["zammad_type_name"] or "",
        kimai_activity_id=values["kimai_activity_id"],
        kimai_activity_name=values["kimai_activity_name"] or "",
        is_active=values["is_active"],
        billable=values["billable"],
    )


def _user_row(number: MappingId, values: Values) -> AnySet:
    subject = f"zammad-user:{values['zammad_user_id'] or 0}"
    return UserMappingSet(
        mapping_id=number,
        zammad_user_id=values["zammad_user_id"],
        zammad_user_name=_personal(subject, values["zammad_user_name"]),
        zammad_user_email=_personal(subject, values["zammad_user_email"]),
        kimai_user_id=values["kimai_user_id"],
        kimai_user_name=_personal(subject, values["kimai_user_name"]),
        is_active=values["is_active"],
        origin="manual",
        timezone=values["timezone"],
    )


def _project_row(number: MappingId, values: Values) -> AnySet:
    name = values["source_name"]
    is_person = values["source_kind"] == "customer"
    return ProjectMappingSet(
        mapping_id=number,
        source_kind=values["source_kind"],
        source_id=values["source_id"],
        source_name=None if is_person else name or "",
        customer_name=_personal(f"customer:{values['source_id']}", name) if is_person else None,
        kimai_customer_id=values["kimai_customer_id"],
        kimai_project_id=values["kimai_project_id"],
        is_active=values["is_active"],
    )


def _values(row: AnySet) -> dict[str, Any]:
    """The fields of a row in clear, under the names that the routes use."""
    values = {
        name: value.value if isinstance(value, Personal) else value
        for name, value in vars(row).items()
    }
    if isinstance(row, ProjectMappingSet):
        values["source_name"] = values["source_name"] or values["customer_name"]
    return values


def _personal(subject: str, value: str | None) -> Personal | None:
    return Personal(subject, value) if value else None


ACTIVITIES = Table(
    stream=mapping_stream,
    projection=mappings.PROJECTION,
    shown=mappings.shown,
    row=_activity_row,
    values=_values,
    names={"zammad_type_name": "zammad_type_id", "kimai_activity_name": "kimai_activity_id"},
)
PEOPLE = Table(
    stream=user_mapping_stream,
    projection=user_mappings.PROJECTION,
    shown=user_mappings.shown,
    row=_user_row,
    values=_values,
    names={
        "zammad_user_name": "zammad_user_id",
        "zammad_user_email": "zammad_user_id",
        "kimai_user_name": "kimai_user_id",
    },
)
PROJECTS = Table(
    stream=project_mapping_stream,
    projection=project_mappings.PROJECTION,
    shown=project_mappings.shown,
    row=_project_row,
    values=_values,
    names={"source_name": "source_id"},
)


async def add(own: Services, commands: Commands, table: Table, body: Body) -> dict[str, object]:
    """Add a row; return it as shown."""
    values = await _named(own, table, body.model_dump())

    async def try_number(number: int) -> None:
        row = table.row(MappingId(number), values)
        await commands.run(MAPPING, table.stream(MappingId(number)), adding(row), holds)

    number, _ = await with_next_number(own.store, lambda n: table.stream(MappingId(n)), try_number)
    return await show(own, table, number)


async def change(
    own: Services,
    commands: Commands,
    table: Table,
    number: int,
    body: Body,
    expected: int | None,
) -> dict[str, object]:
    """Change the given fields of a row; return it as shown.

    The others are as they stand when it is written, also where names were asked for in between.
    """
    for attempt in range(1, ATTEMPTS + 1):
        state = await _state(own, table, number)
        command = ChangeRow(
            fields=await _changed(own, table, state.row, body),
            expected=state.version if expected is None else expected,
        )
        try:
            await commands.run(MAPPING, table.stream(MappingId(number)), command, holds)
            break
        except RuleViolation as error:
            if error.code != "stale_version" or expected is not None or attempt == ATTEMPTS:
                raise
    return await show(own, table, number)


async def _changed(own: Services, table: Table, row: AnySet, body: Body) -> dict[str, object]:
    """The fields of the row as the body wants them."""
    before = table.values(row)
    given = {name: getattr(body, name) for name in body.model_fields_set}
    renamed = {
        name: None
        for name, id_field in table.names.items()
        if given.get(id_field, before[id_field]) != before[id_field]
    }
    values = await _named(own, table, {**before, **renamed, **given})
    target = table.row(row.mapping_id, values)
    return {name: value for name, value in vars(target).items() if name not in NOT_VALUES}


async def remove(
    own: Services, commands: Commands, table: Table, number: int, expected: int | None
) -> None:
    await loaded(own, table, number)
    command = RemoveRow(expected=expected)
    await commands.run(MAPPING, table.stream(MappingId(number)), command, holds)


async def show(own: Services, table: Table, number: int) -> dict[str, object]:
    """The row as the ledger has it now. Raises Problem `not_found`."""
    row = await row_now(own.store, table.projection, table.stream(MappingId(number)), number)
    if row is None:
        raise Problem("not_found", "There is no such mapping.")
    return table.shown(row)


async def loaded(own: Services, table: Table, number: int) -> AnySet:
    """The row as last set. Raises Problem `not_found`."""
    return (await _state(own, table, number)).row


async def _state(own: Services, table: Table, number: int) -> MappingRow:
    state = await state_of(own.store, MAPPING, table.stream(MappingId(number)))
    if state is None or state.removed:
        raise Problem("not_found", "There is no such mapping.")
    return state


async def _named(own: Services, table: Table, values: dict[str, Any]) -> dict[str, Any]:
    """The values with empty names filled in from the peers, as far as they answer."""
    empty = [name for name in table.names if not values.get(name)]
    if table is ACTIVITIES and values["zammad_type_id"] is None and "zammad_type_name" in empty:
        values["zammad_type_name"] = NO_TYPE
        empty.remove("zammad_type_name")
    if not empty:
        return values
    found = await PeerNames(own).of(empty, values)
    return {**values, **found}


def adding(row: AnySet) -> MappingCommand:
    """The command that adds the row to its table."""
    match row:
        case MappingSet():
            return AddRow(row=row)
        case UserMappingSet():
            return AddRow(row=row)
        case ProjectMappingSet():
            return AddRow(row=row)

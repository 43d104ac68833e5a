"""A file of mappings into one of the three tables: looked at row by row, written as a whole."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import ValidationError

from api.import_files import FileRow
from api.import_kinds import Kind, names_of
from api.mapping_tables import NO_TYPE, adding
from api.problems import Problem
from api.services import LONGEST_WAIT, Commands, Services
from domain.errors import AlreadyClaimed, StreamMovedOn
from domain.event import Append
from domain.ids import MAPPING_IMPORT_STREAM, MappingId
from domain.mapping.decide import (
    MAPPING,
    NOT_VALUES,
    ChangeRow,
    MappingCommand,
    MappingRow,
    RemoveRow,
    holds,
)
from domain.mapping.events import MappingsImported, UserMappingSet
from domain.mapping.importing import Action, Known, Line, Mode, Step, doubled, steps
from domain.numbering import first_free

Word = Literal["add", "change", "remove", "unchanged", "error"]
OPTIONAL = frozenset({"billable", "timezone"})  # merged rows keep theirs when a file has no word
NO_ID = MappingId(0)  # of a line, until it meets a row or becomes one


@dataclass(frozen=True, kw_only=True)
class Report:
    """What an import does, or would do: rows as the contract shows them, and how many of each."""

    rows: Sequence[Mapping[str, object]]
    counts: Mapping[Word, int]
    steps: Sequence[Step]
    table: Sequence[Known]
    free: int  # the lowest number that no row had when the table was looked at

    @property
    def is_refused(self) -> bool:
        return self.counts["error"] > 0


async def looked_at(own: Services, kind: Kind, rows: Sequence[FileRow], mode: Mode) -> Report:
    """What the rows would do to the table as it stands now; nothing is written."""
    head, views = await own.store.head(), (kind.table.projection.name,)
    if not await own.projections.wait_for(head, within=LONGEST_WAIT, names=views):
        lag = {"Retry-After": "1"}
        raise Problem("projection_lag", "The tables are not up to date yet.", headers=lag)
    free = await first_free(own.store, lambda number: kind.table.stream(MappingId(number)))
    table = [_known(kind, row) for row in await own.views.all_rows(kind.table.projection)]
    lines, problems = lines_of(kind, rows)
    done = steps(lines, table, mode)
    shown = {step.number: _shown(kind, step) for step in done if step.number is not None}
    shown |= {
        number: {"row": number, "action": "error", **_ids(kind, values), "message": text}
        for number, (values, text) in problems.items()
    }
    removed = [_shown(kind, step) for step in done if step.action is Action.REMOVE]
    all_rows = [*(shown[number] for number in sorted(shown)), *removed]
    return Report(rows=all_rows, counts=_counted(all_rows), steps=done, table=table, free=free)


def unreadable(kind: Kind, text: str) -> Report:
    """The same for a file that is none: one bad row, which is the whole."""
    row = {"row": 1, "action": "error", **_ids(kind, {}), "message": text}
    return Report(rows=[row], counts=_counted([row]), steps=(), table=(), free=0)


async def taken_in(
    own: Services, commands: Commands, kind: Kind, report: Report, mode: Mode
) -> None:
    """Write what a report without errors says, all of it or nothing.

    Raises Problem `stale_version`, when somebody changed the table meanwhile.
    """
    work = [step for step in report.steps if step.action is not Action.UNCHANGED]
    if not work:
        return
    named = await _named(own, kind, work)
    stream = kind.table.stream
    free = report.free
    appends = _appends(commands, kind, named, free)
    touched = {append.stream for append in appends}
    still = {
        stream(known.row.mapping_id): known.version
        for known in report.table
        if stream(known.row.mapping_id) not in touched
    }
    if stream(MappingId(free)) not in touched:
        still[stream(MappingId(free))] = 0  # nobody added a row that we did not look at
    counts = report.counts
    event = MappingsImported(
        table=kind.name,
        mode=mode,
        added=counts["add"],
        changed=counts["change"],
        removed=counts["remove"],
        unchanged=counts["unchanged"],
    )
    summary = Append(
        stream=MAPPING_IMPORT_STREAM,
        events=[event],
        metadata=commands.metadata,
        occurred_at=commands.now,
        expected=None,
        key=f"mapping-import-{uuid.uuid4()}",
    )
    try:
        done = await own.store.append_together([*appends, summary], still=still)
    except (StreamMovedOn, AlreadyClaimed) as error:
        raise Problem(
            "stale_version",
            "Somebody changed these mappings while the file was being read. Nothing was imported;"
            " look at them and import the file again.",
        ) from error
    commands.position = max(commands.position, done.position)


def lines_of(
    kind: Kind, rows: Sequence[FileRow]
) -> tuple[Sequence[Line], Mapping[int, tuple[Mapping[str, Any], str]]]:
    """The rows that fit, and by number what the others hold and what is wrong with them."""
    lines: list[Line] = []
    problems = {row.number: (row.values, row.problem) for row in rows if row.problem is not None}
    for row in rows:
        if row.problem is None:
            try:
                lines.append(_line(kind, row))
            except ValidationError as error:
                problems[row.number] = row.values, _sentence(error)
    values = {row.number: row.values for row in rows}
    for number, text in doubled(lines).items():
        problems[number] = values[number], text
    return [line for line in lines if line.number not in problems], problems


def _line(kind: Kind, row: FileRow) -> Line:
    body = kind.body.model_validate(row.values)
    values = {name: getattr(body, name) for name in type(body).model_fields}
    left_open = OPTIONAL.intersection(kind.columns.names) - body.model_fields_set
    return Line(number=row.number, row=kind.table.row(NO_ID, values), left_open=left_open)


def _sentence(error: ValidationError) -> str:
    found = [
        f"{'.'.join(map(str, each['loc']))}: {each['msg']}" if each["loc"] else each["msg"]
        for each in error.errors(include_input=False, include_url=False, include_context=False)
    ]
    return "; ".join(text.replace("Value error, ", "") for text in found[:5]) + "."


def _known(kind: Kind, row: Any) -> Known:
    shown = kind.table.shown(row)
    made = kind.table.row(MappingId(row.mapping_id), shown)
    if isinstance(made, UserMappingSet):
        made = replace(made, origin=row.origin)
    return Known(row=made, version=row.version)


def _shown(kind: Kind, step: Step) -> Mapping[str, object]:
    values = kind.table.values(step.row)
    return {"row": step.number, "action": step.action.value, **_ids(kind, values), "message": None}


def _ids(kind: Kind, values: Mapping[str, Any]) -> Mapping[str, object]:
    """What a row maps and to what; of a bad row only what may be shown as it is."""
    found = {name: values.get(name) for name in kind.shown}
    return {name: value if _showable(value) else None for name, value in found.items()}


def _showable(value: object) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return abs(value) < 2**53
    return value in ("organization", "customer", "group")


def _counted(rows: Sequence[Mapping[str, object]]) -> Mapping[Word, int]:
    words: tuple[Word, ...] = ("add", "change", "remove", "unchanged", "error")
    return {word: sum(row["action"] == word for row in rows) for word in words}


def _appends(commands: Commands, kind: Kind, work: Sequence[Step], free: int) -> Sequence[Append]:
    """One append for each step; those that give a source free come before those that take one."""
    made: list[Append] = []
    for step in work:
        if step.before is None:
            row = replace(step.row, mapping_id=MappingId(free))
            made.append(_append(commands, kind, row.mapping_id, None, adding(row)))
            free += 1
            continue
        state = MappingRow(row=step.before.row, version=step.before.version)
        command: MappingCommand = RemoveRow()
        if step.action is Action.CHANGE:
            values = {name: v for name, v in vars(step.row).items() if name not in NOT_VALUES}
            command = ChangeRow(fields=values)
        made.append(_append(commands, kind, step.before.row.mapping_id, state, command))
    return sorted((each for each in made if each.events), key=lambda append: bool(append.claims))


def _append(
    commands: Commands,
    kind: Kind,
    number: MappingId,
    state: MappingRow | None,
    command: MappingCommand,
) -> Append:
    after, events = state, MAPPING.decide(command, state)
    for event in events:
        after = MAPPING.evolve(after, event)
    return Append(
        stream=kind.table.stream(number),
        events=events,
        metadata=commands.metadata,
        occurred_at=commands.now,
        expected=0 if state is None else state.version,
        claims=sorted(holds(after) - holds(state)),
        releases=sorted(holds(state) - holds(after)),
    )


async def _named(own: Services, kind: Kind, work: Sequence[Step]) -> Sequence[Step]:
    """The steps with empty names filled in from what the peers list, as far as they do."""
    known = dict[str, Mapping[int, str]]()
    named: list[Step] = []
    for step in work:
        values = kind.table.values(step.row)
        empty = [name for name in kind.lists if not values[name]]
        if step.action is Action.REMOVE or not empty:
            named.append(step)
            continue
        for name in empty:
            id_field = kind.lists[name][0]
            if values[id_field] is None:
                values[name] = NO_TYPE if name == "zammad_type_name" else None
                continue
            if name not in known:
                known[name] = await names_of(own, kind, name)
            values[name] = known[name].get(values[id_field])
        row = kind.table.row(step.row.mapping_id, values)
        named.append(replace(step, row=row))
    return named

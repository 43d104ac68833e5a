"""What a file of mappings changes in a table: rows meet by what they map, never by their order.

Several rows may map the same, of which at most one is active. So a file's rows of one source
meet the table's rows of it: the active one the active one, and equal ones each other.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum

from domain.ids import MappingId
from domain.mapping.decide import NOT_VALUES, AnySet, source
from domain.mapping.events import MappingSet, ProjectMappingSet, UserMappingSet
from domain.personal import Personal

MOST_ALIKE = 50  # rows of one source in a file: each is held against each such row of the table
# Not of a file: who set a row is no value of it.
LEFT_OUT = NOT_VALUES | {"origin"}
# Names are snapshots: an empty one leaves that which is known for the same id.
NAMED: Mapping[type, Mapping[str, str]] = {
    MappingSet: {
        "zammad_type_name": "zammad_type_id",
        "kimai_activity_name": "kimai_activity_id",
    },
    UserMappingSet: {
        "zammad_user_name": "zammad_user_id",
        "zammad_user_email": "zammad_user_id",
        "kimai_user_name": "kimai_user_id",
    },
    ProjectMappingSet: {"source_name": "source_id", "customer_name": "source_id"},
}


class Mode(StrEnum):
    """What becomes of the rows that a file does not name: `merge` leaves, `replace` removes."""

    MERGE = "merge"
    REPLACE = "replace"


class Action(StrEnum):
    """What a line means for the table."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, kw_only=True)
class Known:
    """A row of the table and the version of its stream."""

    row: AnySet
    version: int


@dataclass(frozen=True, kw_only=True)
class Line:
    """A row of the file; `number` counts them from 1.

    `row` is complete but for its id. `left_open` names the fields that the file has nothing on:
    a row that is there keeps its own.
    """

    number: int
    row: AnySet
    left_open: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Step:
    """What one line, or for a removal none, does. `before` is the row it meets."""

    action: Action
    row: AnySet
    number: int | None = None
    before: Known | None = None


def doubled(lines: Sequence[Line]) -> Mapping[int, str]:
    """What is wrong, by number, with lines that map what others map already."""
    first: dict[str, int] = {}
    times: Counter[str] = Counter()
    found = dict[int, str]()
    for line in lines:
        key = source(line.row)
        times[key] += 1
        if line.row.is_active and first.setdefault(key, line.number) != line.number:
            found[line.number] = f"Row {first[key]} maps the same already."
        elif times[key] > MOST_ALIKE:
            found[line.number] = f"More than {MOST_ALIKE} rows map the same."
    return found


def steps(lines: Sequence[Line], table: Sequence[Known], mode: Mode) -> Sequence[Step]:
    """What is to be done, in the order of the lines; removals come last.

    No two of the lines are active for the same source (`doubled`).
    """
    known: dict[str, list[Known]] = defaultdict(list)
    for each in table:
        known[source(each.row)].append(each)
    wanted: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        wanted[source(line.row)].append(line)
    done = [
        step for key, some in wanted.items() for step in _of_source(some, known.get(key, []), mode)
    ]
    if mode is Mode.REPLACE:
        met = {step.before.row.mapping_id for step in done if step.before}
        done += [
            Step(action=Action.REMOVE, row=each.row, before=each)
            for each in table
            if each.row.mapping_id not in met
        ]
    return sorted(done, key=lambda step: step.number or len(lines) + step.row.mapping_id)


def _of_source(lines: Sequence[Line], known: Sequence[Known], mode: Mode) -> Sequence[Step]:
    """The active line and the active row belong together; of the others as many stay as can."""
    pairs = _as_they_are(lines, known, mode)
    active = next((each for each in known if each.row.is_active), None)
    if active is not None and active not in pairs.values():
        # the active line, else one that meets no row, else any: the row must not stay active
        first = min(lines, key=lambda line: (not line.row.is_active, line.number in pairs))
        pairs[first.number] = active
    taken = {each.row.mapping_id for each in pairs.values()}
    free = [each for each in known if each.row.mapping_id not in taken]
    found: list[Step] = []
    for line in lines:
        each = pairs.get(line.number) or (free.pop(0) if free else None)
        if each is None:
            found.append(Step(action=Action.ADD, row=line.row, number=line.number))
        elif _is_as_filled(line, each.row, mode):
            found.append(_step(Action.UNCHANGED, line, each, mode))
        else:
            found.append(_step(Action.CHANGE, line, each, mode))
    return found


def _as_they_are(lines: Sequence[Line], known: Sequence[Known], mode: Mode) -> dict[int, Known]:
    """By line the row that it leaves as it is, for as many lines as possible.

    Rows that say the very same come first. A row may suit several lines that leave names open, so
    lines give way to each other (augmenting paths; Kuhn 1955).
    """
    suits = {
        line.number: [each for each in known if _is_as_filled(line, each.row, mode)]
        for line in lines
    }
    by_row: dict[int, int] = {}
    for line in lines:
        for each in suits[line.number]:
            if each.row.mapping_id not in by_row and _is_equal(line, each.row, mode):
                by_row[each.row.mapping_id] = line.number
                break

    def place(number: int, tried: set[int]) -> bool:
        for each in suits[number]:
            row = each.row.mapping_id
            if row in tried:
                continue
            tried.add(row)
            if row not in by_row or place(by_row[row], tried):
                by_row[row] = number
                return True
        return False

    for line in lines:
        if line.number not in by_row.values():
            place(line.number, set())
    rows = {each.row.mapping_id: each for each in known}
    return {number: rows[MappingId(row)] for row, number in by_row.items()}


def _step(action: Action, line: Line, known: Known, mode: Mode) -> Step:
    row = _filled(line, known.row, mode)
    return Step(action=action, row=row, number=line.number, before=known)


def _filled(line: Line, known: AnySet, mode: Mode) -> AnySet:
    """The line as the row that it meets would become."""
    kept = {
        name: getattr(known, name)
        for name, id_field in NAMED[type(known)].items()
        if not _text(getattr(line.row, name))
        and getattr(line.row, id_field) == getattr(known, id_field)
    }
    if mode is Mode.MERGE:
        kept |= {name: getattr(known, name) for name in line.left_open}
    return replace(line.row, mapping_id=known.mapping_id, **kept)


def _is_equal(line: Line, row: AnySet, _: Mode) -> bool:
    """Whether the line says the very same."""
    names = [field.name for field in fields(row) if field.name not in LEFT_OUT]
    return all(getattr(line.row, name) == getattr(row, name) for name in names)


def _is_as_filled(line: Line, row: AnySet, mode: Mode) -> bool:
    """Whether the row would stay as it is."""
    return _is_equal(replace(line, row=_filled(line, row, mode)), row, mode)


def _text(value: str | Personal | None) -> str:
    return (value.value if isinstance(value, Personal) else value) or ""

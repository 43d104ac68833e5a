"""Whatever stands in a table: its file, taken in again, changes nothing; and other files do."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.exporting import cell, csv_lines, uncell
from api.import_files import rows_of
from api.import_kinds import KINDS, Kind
from api.importing import lines_of
from domain.ids import MappingId
from domain.mapping.decide import AnySet, source
from domain.mapping.importing import Action, Known, Mode, Step, doubled, steps

TEXTS = st.text(st.sampled_from("'=+-@\t;,\"\r\n aé😀"), max_size=8)
IDS = st.integers(1, 3)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "is_active": st.booleans(),
    "billable": st.none() | st.booleans(),
    "timezone": st.none() | st.sampled_from(("Europe/Brussels", "America/New_York")),
    "source_kind": st.sampled_from(("organization", "customer", "group")),
    "zammad_type_id": st.none() | IDS,
    "zammad_user_id": st.none() | IDS,
    "kimai_customer_id": st.none() | IDS,
}


@st.composite
def tables(draw: st.DrawFn, kind: Kind) -> list[Known]:
    """Rows as commands can make them: at most one is active for what it maps."""
    known: list[Known] = []
    taken: set[str] = set()
    for number in range(1, draw(st.integers(0, 6)) + 1):
        values = {name: draw(FIELDS.get(name, _plain(name))) for name in kind.columns.names}
        row = kind.table.row(MappingId(number), values)
        if row.is_active and source(row) in taken:
            row = kind.table.row(MappingId(number), {**values, "is_active": False})
        elif row.is_active:
            taken.add(source(row))
        known.append(Known(row=row, version=draw(IDS)))
    return known


def _plain(name: str) -> st.SearchStrategy[Any]:
    return IDS if name.endswith("_id") else TEXTS


def file_of(kind: Kind, table: Sequence[Known]) -> bytes:
    """The export."""
    values = [kind.table.values(known.row) for known in table]
    rows = [[row[name] for name in kind.columns.names] for row in values]
    return csv_lines([kind.columns.names, *rows]).encode()


def taken(kind: Kind, content: bytes, table: Sequence[Known], mode: Mode) -> Sequence[Step]:
    lines, problems = lines_of(kind, rows_of(content, kind.columns))
    assert problems == {}
    return steps(lines, table, mode)


def after(done: Sequence[Step], table: Sequence[Known]) -> dict[int, AnySet]:
    """The table with the steps carried out."""
    rows = {known.row.mapping_id: known.row for known in table}
    free = max(rows, default=0)
    for step in done:
        match step.action:
            case Action.ADD:
                free += 1
                rows[MappingId(free)] = replace(step.row, mapping_id=MappingId(free))
            case Action.REMOVE:
                del rows[step.row.mapping_id]
            case _:
                rows[step.row.mapping_id] = step.row
    return {int(number): row for number, row in rows.items()}


@given(TEXTS)
def test_a_text_comes_back_from_its_cell(text: str) -> None:
    told = cell(text)
    assert isinstance(told, str)
    assert uncell(told) == text
    assert not told.startswith(("=", "+", "-", "@", "\t"))


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
@given(data=st.data())
def test_an_export_taken_in_again_changes_nothing(kind: Kind, data: st.DataObject) -> None:
    table = data.draw(tables(kind))
    for mode in Mode:
        done = taken(kind, file_of(kind, table), table, mode)
        assert {step.action for step in done} <= {Action.UNCHANGED}
        assert len(done) == len(table)


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
@given(data=st.data())
def test_a_file_of_another_table_makes_this_one_like_it(kind: Kind, data: st.DataObject) -> None:
    table, other = data.draw(tables(kind)), data.draw(tables(kind))
    content = file_of(kind, other)
    replaced = after(taken(kind, content, table, Mode.REPLACE), table)
    assert len(replaced) == len(other)
    for mode in Mode:
        made = after(taken(kind, content, table, mode), table)
        active = [source(row) for row in made.values() if row.is_active]
        assert len(active) == len(set(active))
        wanted = {source(known.row) for known in other if known.row.is_active}
        left = {source(known.row) for known in table} - {source(known.row) for known in other}
        kept = {source(known.row) for known in table if known.row.is_active} & left
        assert set(active) == (wanted | kept if mode is Mode.MERGE else wanted)
        rows = [Known(row=row, version=1) for row in made.values()]
        again = taken(kind, content, rows, mode)  # a retried import does nothing twice
        assert {step.action for step in again} <= {Action.UNCHANGED}


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
@given(data=st.data())
def test_no_two_active_rows_of_a_file_map_the_same(kind: Kind, data: st.DataObject) -> None:
    table = [known for known in data.draw(tables(kind)) if known.row.is_active]
    content = file_of(kind, [*table, *table])
    lines, problems = lines_of(kind, rows_of(content, kind.columns))
    assert sorted(problems) == list(range(len(table) + 1, 2 * len(table) + 1))
    assert doubled(lines) == {}

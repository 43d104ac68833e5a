"""A projection's rows as rows of its table: which columns, and both ways of converting.

A field that is a dataclass becomes its fields' columns; one that may be None, a dict or a tuple
becomes a json column. `position` is stored as `valid_from`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Generic, Union, get_args, get_origin, get_type_hints

import msgspec

from projections.folding import Version
from projections.projection import Projection, R

NUL_STAND_IN = "\N{REPLACEMENT CHARACTER}"  # PostgreSQL's text holds no NUL; the ledger keeps it

Convert = Callable[[Any], Any]


@dataclass(frozen=True)
class Column:
    """One column: where its value is in the row, and how it is stored and read if not as it is."""

    name: str
    path: str
    store: Convert | None = None
    load: Convert | None = None


class ViewTable(Generic[R]):
    """The table of one projection."""

    def __init__(self, projection: Projection[R]) -> None:
        self.projection = projection
        self.name = projection.name
        self.columns = _columns(projection.row, "")
        self.key = "valid_from" if projection.key == "position" else projection.key
        self.append_only = projection.key == "position"
        self.selected = ", ".join(f'"{column.name}"' for column in self.columns)
        self.copied = ["log_id", "valid_to", *(column.name for column in self.columns)]
        self._values = attrgetter(*(column.path for column in self.columns))
        self._store = [
            (n, column.store) for n, column in enumerate(self.columns) if column.store is not None
        ]
        self._load = [
            (n, column.load) for n, column in enumerate(self.columns) if column.load is not None
        ]
        self._build, _ = _builder(projection.row, 0)

    def records(self, log_id: int, versions: Iterable[Version[R]]) -> list[tuple[Any, ...]]:
        """The versions as rows of `copied`."""
        records = []
        for version in versions:
            values = list(self._values(version.row))
            for n, store in self._store:
                if (value := values[n]) is not None:
                    values[n] = store(value)
            records.append((log_id, version.until, *values))
        return records

    def row(self, record: Sequence[Any]) -> R:
        """The row of one record of `selected` columns; further columns are not looked at."""
        values = list(record)
        for n, load in self._load:
            if (value := values[n]) is not None:
                values[n] = load(value)
        row: R = self._build(values)
        return row


def _columns(cls: type, path: str) -> list[Column]:
    columns: list[Column] = []
    hints = get_type_hints(cls)
    for field in fields(cls):
        where, hint = f"{path}{field.name}", hints[field.name]
        if isinstance(hint, type) and is_dataclass(hint):
            columns += _columns(hint, f"{where}.")
        else:
            name = "valid_from" if where == "position" else field.name
            columns.append(Column(name, where, *_converters(hint)))
    return columns


def _converters(hint: Any) -> tuple[Convert | None, Convert | None]:
    kind = _without_none(hint)
    if kind is str:
        return _without_nul, None
    if isinstance(kind, type) and issubclass(kind, Enum):
        return attrgetter("value"), kind
    if is_dataclass(kind) or get_origin(kind) in {dict, tuple}:
        anything = object in get_args(kind)
        return _to_json, msgspec.json.Decoder(Any if anything else kind).decode
    return None, None


def _without_none(hint: Any) -> Any:
    if get_origin(hint) not in {Union, UnionType}:
        return hint
    kinds = [kind for kind in get_args(hint) if kind is not NoneType]
    return kinds[0] if len(kinds) == 1 else hint


def _without_nul(text: str) -> str:
    return text.replace("\0", NUL_STAND_IN) if "\0" in text else text


def _to_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _builder(cls: type, first: int) -> tuple[Callable[[Sequence[Any]], Any], int]:
    """A function from a flat list of values, from index `first` on, to a `cls`; and what follows.

    Runs of plain values are passed as they are, so that a row costs few Python steps.
    """
    parts: list[tuple[int, int, Callable[[Sequence[Any]], Any] | None]] = []
    at = first
    hints = get_type_hints(cls)
    for field in fields(cls):
        hint = hints[field.name]
        if isinstance(hint, type) and is_dataclass(hint):
            nested, after = _builder(hint, at)
            parts.append((at, after, nested))
            at = after
        elif parts and parts[-1][2] is None:
            parts[-1] = (parts[-1][0], at + 1, None)
            at += 1
        else:
            parts.append((at, at + 1, None))
            at += 1
    keywords = any(field.kw_only for field in fields(cls))
    names = [field.name for field in fields(cls)]

    def build(values: Sequence[Any]) -> Any:
        arguments: list[Any] = []
        for start, end, nested in parts:
            if nested is None:
                arguments += values[start:end]
            else:
                arguments.append(nested(values))
        return cls(**dict(zip(names, arguments, strict=True))) if keywords else cls(*arguments)

    return build, at

"""A projection's rows as rows of its table: which columns, and both ways of converting.

A field that is a dataclass, a dict or a tuple becomes a json column; `position` is stored as
`valid_from`. All others are columns of their own name.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Generic, Union, get_args, get_origin, get_type_hints

import msgspec

from domain.moved import made
from projections.folding import Version
from projections.projection import Projection, R

_ENCODE = msgspec.json.Encoder().encode
NUL_STAND_IN = "\N{REPLACEMENT CHARACTER}"  # PostgreSQL's text holds no NUL; the ledger keeps it


@dataclass(frozen=True)
class Column:
    """One column: where its value is in the row, and how it is read back when it is json."""

    name: str
    field: str
    json: bool = False
    load: Callable[[Any], Any] | None = None


class ViewTable(Generic[R]):
    """The table of one projection."""

    def __init__(self, projection: Projection[R]) -> None:
        self.projection = projection
        self.name = projection.name
        self.columns = _columns(projection.row)
        self.key = "valid_from" if projection.key == "position" else projection.key
        self.append_only = projection.key == "position"
        self.selected = ", ".join(f'"{column.name}"' for column in self.columns)
        self.copied = ["log_id", "valid_to", *(column.name for column in self.columns)]
        self._fields = [column.field for column in self.columns]
        self._values = attrgetter(*self._fields)
        self._json = [n for n, column in enumerate(self.columns, 2) if column.json]
        self._load = [(n, column.load) for n, column in enumerate(self.columns) if column.load]

    def records(
        self, log_id: int, versions: Iterable[Version[R]], *, without_nul: bool = False
    ) -> list[list[Any]]:
        """The versions as rows of `copied`.

        PostgreSQL's text holds no NUL. It is so rare that only a page that was refused for one is
        asked for again `without_nul`.
        """
        records = []
        for version in versions:
            values = [log_id, version.until, *self._values(version.row)]
            for n in self._json:
                if (value := values[n]) is not None:
                    values[n] = _ENCODE(value).decode()
            if without_nul:
                values = [kept(value) for value in values]
            records.append(values)
        return records

    def row(self, record: Sequence[Any]) -> R:
        """The row of one record of `selected` columns."""
        values = list(record)
        for n, load in self._load:
            if (value := values[n]) is not None:
                values[n] = load(value)
        return made(self.projection.row, **dict(zip(self._fields, values, strict=True)))


def _columns(row: type) -> list[Column]:
    hints = get_type_hints(row)
    return [_column(field.name, hints[field.name]) for field in fields(row)]


def _column(field: str, hint: Any) -> Column:
    kind = _without_none(hint)
    name = "valid_from" if field == "position" else field
    if not is_dataclass(kind) and get_origin(kind) not in {dict, tuple}:
        return Column(name, field)
    anything = object in get_args(kind)
    load = msgspec.json.Decoder(Any if anything else kind).decode
    return Column(name, field, json=True, load=load)


def _without_none(hint: Any) -> Any:
    if get_origin(hint) not in {Union, UnionType}:
        return hint
    kinds = [kind for kind in get_args(hint) if kind is not NoneType]
    return kinds[0] if len(kinds) == 1 else hint


def kept(value: Any) -> Any:
    """A value as views hold it, whose texts have no NUL; so is what is looked for in them."""
    return value.replace("\0", NUL_STAND_IN) if isinstance(value, str) else value

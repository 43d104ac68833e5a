"""Hypothesis strategies for any value that an event may hold, from its annotations."""

import dataclasses
import types
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, ClassVar, NewType, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from domain.personal import Personal

SUBJECTS = ("zammad-user:1", "customer:2", "account:3")
SAFE = 2**53 - 1  # what every JSON reader keeps exactly
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(-SAFE, SAFE),
    str: TEXT,
    bool: st.booleans(),
    type(None): st.none(),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False),
    datetime: st.datetimes(timezones=st.just(UTC)),
    date: st.dates(),
    timedelta: st.timedeltas(),
    Personal: st.builds(Personal, st.sampled_from(SUBJECTS), TEXT | st.none()),
}


def any_value(annotation: Any) -> st.SearchStrategy[Any]:
    """Values of `annotation`; KeyError for one that no event may have."""
    while isinstance(annotation, NewType):
        annotation = annotation.__supertype__
    if annotation in SIMPLE:
        return SIMPLE[annotation]
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return st.sampled_from(annotation)
    if dataclasses.is_dataclass(annotation):
        return any_instance(annotation)
    return _any_of(get_origin(annotation), get_args(annotation))


def any_instance(cls: Any) -> st.SearchStrategy[Any]:
    """Instances of a dataclass, every field drawn."""
    hints = {
        name: hint for name, hint in get_type_hints(cls).items() if get_origin(hint) != ClassVar
    }
    fields = {field.name: any_value(hints[field.name]) for field in dataclasses.fields(cls)}
    return st.builds(cls, **fields)


def _any_of(origin: Any, arguments: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if origin in {Union, types.UnionType}:
        return st.one_of([any_value(argument) for argument in arguments])
    if origin is dict:
        key, value = arguments
        return st.dictionaries(any_value(key), any_value(value), max_size=3)
    if origin is tuple and arguments[-1] is Ellipsis:
        return st.lists(any_value(arguments[0]), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*map(any_value, arguments))
    raise KeyError(origin)

"""What a change event says about each field it changed, so that the audit needs no second look."""

from collections.abc import Iterable
from dataclasses import dataclass

from domain.personal import Personal

FieldValue = str | int | bool | tuple[int, ...] | None  # decimals travel as their text


@dataclass(frozen=True, kw_only=True)
class Change:
    """One field before and after. Keys of a settings object are `settings.<key>`."""

    field: str
    old: FieldValue
    new: FieldValue


@dataclass(frozen=True, kw_only=True)
class PersonalChange:
    """The same for a value that names a person."""

    field: str
    old: Personal | None
    new: Personal | None


def differences(
    old: object, new: object, names: Iterable[str]
) -> tuple[tuple[Change, ...], tuple[PersonalChange, ...]]:
    """Those of the named attributes that differ between the two, plain and personal ones."""
    plain: list[Change] = []
    personal: list[PersonalChange] = []
    for name in names:
        before, after = getattr(old, name), getattr(new, name)
        if before == after:
            continue
        if isinstance(before, Personal) or isinstance(after, Personal):
            personal.append(PersonalChange(field=name, old=before, new=after))
        else:
            plain.append(Change(field=name, old=before, new=after))
    return tuple(plain), tuple(personal)

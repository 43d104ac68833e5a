"""What a change event says about each field it changed, so that the audit needs no second look."""

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

"""What all request bodies have in common."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, model_validator


class Body(BaseModel):
    """Unknown fields are refused, except those that the object only shows.

    So an object may be sent back as it was read; `read_only` names what is ignored then.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    read_only: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _drop_read_only(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        kept = {name: item for name, item in value.items() if name not in cls.read_only}
        if not _storable(kept):
            raise ValueError("texts must not hold NUL or half a surrogate pair")
        return kept


def _storable(value: Any) -> bool:
    """Whether all texts in it are ones that a database can hold."""
    match value:
        case str():
            return "\0" not in value and not any("\ud800" <= sign <= "\udfff" for sign in value)
        case dict():
            return all(_storable(key) and _storable(item) for key, item in value.items())
        case list():
            return all(_storable(item) for item in value)
        case _:
            return True


class Answer(BaseModel):
    """What all answers have in common: nothing is left out, nothing is made up."""

    model_config = ConfigDict(extra="forbid")

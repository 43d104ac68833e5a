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
        if isinstance(value, dict):
            return {name: item for name, item in value.items() if name not in cls.read_only}
        return value


class Answer(BaseModel):
    """What all answers have in common: nothing is left out, nothing is made up."""

    model_config = ConfigDict(extra="forbid")

"""What the wire models of both peers are made of."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, NoReturn, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from domain.errors import Misconfigured

_DECIMAL = re.compile(r"[+-]?\d{1,12}(\.\d{1,12})?", re.ASCII)

YEARS = range(1900, 9000)  # nearer to either end of the calendar its zones and sums fall off


class WireModel(BaseModel):
    """A peer's JSON object: unknown fields are ignored, needed ones must be there and right.

    Errors never show the value that was wrong.
    """

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        strict=True,
        hide_input_in_errors=True,
        arbitrary_types_allowed=True,
    )


def _aware(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError("an instant is a text")  # noqa: TRY004  pydantic collects ValueErrors
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None:
        raise ValueError("an instant needs its offset")
    if instant.year not in YEARS:
        raise ValueError("an instant of this age or future is a mistake")
    return instant


def _utc(value: object) -> datetime:
    return _aware(value).astimezone(UTC)


def _exact(value: object) -> Decimal:
    """A decimal of a text or an integer; a float has lost digits already and is refused."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("a decimal is a text")  # noqa: TRY004  pydantic collects ValueErrors
    if not _DECIMAL.fullmatch(str(value)):
        raise ValueError("not a decimal")
    return Decimal(value)


Instant = Annotated[datetime, BeforeValidator(_utc)]  # aware, UTC
OffsetInstant = Annotated[datetime, BeforeValidator(_aware)]  # aware, in the offset it came with
# as far as both canonical JSON and a bigint hold one; a row with another is not readable
Id = Annotated[int, Field(ge=1, lt=2**53)]
ExactDecimal = Annotated[Decimal, BeforeValidator(_exact)]

M = TypeVar("M", bound=WireModel)


def parsed(system: str, what: str, model: type[M], data: object) -> M:
    """`data` as `model`.

    Raises:
        Misconfigured: a needed field is missing or wrong; this is not the version we know.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        _mismatch(system, what, fields_of(error))


def parsed_all(system: str, what: str, model: type[M], data: object) -> list[M]:
    """A JSON array of `model`. Raises Misconfigured like `parsed`."""
    return [parsed(system, what, model, row) for row in rows_of(system, what, data)]


def rows_of(system: str, what: str, data: object) -> Sequence[Any]:
    """A JSON array. Raises Misconfigured like `parsed`."""
    if not isinstance(data, list):
        _mismatch(system, what, ("(not a list)",))
    return data


def fields_of(error: ValidationError) -> tuple[str, ...]:
    """The names of the fields that were missing or wrong, without their values."""
    names = (".".join(str(part) for part in e["loc"]) for e in error.errors(include_input=False))
    return tuple(dict.fromkeys(name or "(not an object)" for name in names))


def _mismatch(system: str, what: str, fields: Sequence[str]) -> NoReturn:
    raise Misconfigured(
        system, f"{what}: missing or wrong in the answer: {', '.join(fields)}; check the version"
    ) from None

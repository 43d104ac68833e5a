"""Inputs that many routes share: ids, paging, days, the version a client saw."""

import re
from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import Depends, Header, Path, Query
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from api.problems import Problem
from domain.connector.settings import iana_zone

BIGGEST = 2**53 - 1  # the largest integer that JSON readers agree on

Number = Annotated[int, Path(ge=0, le=BIGGEST)]
Skip = Annotated[int, Query(ge=0, le=BIGGEST)]

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _written_out(value: object) -> object:
    """Only `YYYY-MM-DD`: pydantic would take a number for seconds since 1970."""
    if isinstance(value, date) or (isinstance(value, str) and _DAY.fullmatch(value)):
        return value
    raise PydanticCustomError("date_parsing", "a date is written YYYY-MM-DD")


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        text = "an instant lies in the years 1 to 9999 of UTC"
        raise PydanticCustomError("datetime_parsing", text) from None


Day = Annotated[date, BeforeValidator(_written_out)]
Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Zone = Annotated[str, Field(max_length=100), AfterValidator(iana_zone)]

_VERSION = re.compile(r'(?:W/)?"?(\d{1,15})"?')


def _if_match(if_match: Annotated[str | None, Header()] = None) -> int | None:
    if not if_match or if_match.strip() == "*":
        return None
    found = _VERSION.fullmatch(if_match.strip())
    if found is None:
        item = {"loc": ["header", "If-Match"], "msg": "not a version", "type": "value_error"}
        raise Problem("validation", "If-Match is not a version.", errors=[item])
    return int(found[1])


Expected = Annotated[int | None, Depends(_if_match)]

"""The past as a query: contract, section 13."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Query, Request

from api.problems import Problem
from api.services import Services, services


async def _as_of(request: Request, as_of: Annotated[str | None, Query()] = None) -> int | None:
    """The position that `as_of` names, None for now; the answer says which it was."""
    if as_of is None:
        return None
    own = services(request)
    head = await own.store.head()
    if as_of.startswith("position:"):
        position = _position(as_of.removeprefix("position:"))
        if position > head:
            raise Problem("as_of_in_future", f"The log ends at position {head}.")
    else:
        instant = request.state.as_of_instant = _instant(as_of)
        if instant > own.clock.now():
            raise Problem("as_of_in_future", "as_of lies in the future.")
        position = await own.store.position_at(instant)
    if not await own.shown(position):
        text = f"Position {position} is not shown yet."
        raise Problem("projection_lag", text, headers={"Retry-After": "1"})
    request.state.as_of = position  # LedgerRoute names it on every answer, on files too
    return position


AsOf = Annotated[int | None, Depends(_as_of)]


def _then(request: Request, _: AsOf) -> datetime | None:
    return getattr(request.state, "as_of_instant", None)


Then = Annotated[datetime | None, Depends(_then)]  # the instant, when `as_of` is one


async def instant_of(own: Services, as_of: int | None) -> datetime:
    """The instant that is looked at: now, or that of the event at `as_of`."""
    if not as_of:
        return own.clock.now()
    (event,) = await own.store.page(as_of - 1, 1)
    return event.recorded_at


def _position(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):  # noqa: PLR2004 - a bigint
        raise _invalid("as_of names no position")
    return int(text)


def _instant(text: str) -> datetime:
    """An instant with offset; a plus sign that a query string turned into a space counts."""
    try:
        instant = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError as error:
        raise _invalid("as_of is no ISO 8601 instant") from error
    if instant.utcoffset() is None:
        raise _invalid("as_of needs an offset, for example Z")
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise _invalid("as_of lies before or after all calendars") from error


def _invalid(text: str) -> Problem:
    item = {"loc": ["query", "as_of"], "msg": text, "type": "value_error"}
    return Problem("validation", f"{text}.", errors=[item])

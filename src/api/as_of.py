"""The past as a query: contract, section 13."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Depends, Query, Request

from api.problems import Problem
from api.services import Services, services

LONGEST_LOOK = timedelta(days=366)  # back from the moment


async def _as_of(request: Request, as_of: Annotated[str | None, Query()] = None) -> int | None:
    """The position that `as_of` names, None for now; the answer says which it was."""
    if as_of is None:
        return None
    position, instant = await named(services(request), "as_of", as_of)
    if instant is not None:
        request.state.as_of_instant = instant
    request.state.as_of = position  # LedgerRoute names it on every answer, on files too
    return position


async def named(own: Services, name: str, text: str) -> tuple[int, datetime | None]:
    """The position that the query value `text` of `name` says, and the instant if it is one.

    Raises Problem: `as_of_in_future`, `validation`, or `projection_lag` when it is not shown yet.
    """
    instant = None
    if text.startswith("position:"):
        position = _position(name, text.removeprefix("position:"))
        head = await own.store.head()
        if position > head:
            raise Problem("as_of_in_future", f"The log ends at position {head}.")
    else:
        instant = _instant(name, text)
        if instant > own.clock.now():
            raise Problem("as_of_in_future", f"{name} lies in the future.")
        position = await own.store.position_at(instant)
    if not await own.shown(position):
        lag = f"Position {position} is not shown yet."
        raise Problem("projection_lag", lag, headers={"Retry-After": "1"})
    return position, instant


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


def _position(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):  # noqa: PLR2004 - a bigint
        raise _invalid(name, "names no position")
    return int(text)


def _instant(name: str, text: str) -> datetime:
    """An instant with offset; a plus sign that a query string turned into a space counts."""
    try:
        instant = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError as error:
        raise _invalid(name, "is no ISO 8601 instant") from error
    if instant.utcoffset() is None:
        raise _invalid(name, "needs an offset, for example Z")
    try:
        utc = instant.astimezone(UTC)
        _ = utc - LONGEST_LOOK  # the figures of then look back
    except OverflowError as error:
        raise _invalid(name, "lies before or after all calendars") from error
    return utc


def _invalid(name: str, what: str) -> Problem:
    text = f"{name} {what}"
    item = {"loc": ["query", name], "msg": text, "type": "value_error"}
    return Problem("validation", f"{text}.", errors=[item])

"""What the contract asks of every route, done once: section 1.

Unsafe requests: unknown query names are refused, what is sent twice with one idempotency key is
done once, the answer waits for the read models and names the position of its last event. Reads
wait for the position that the client asks for; those of the past name the position that they show.
"""

from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from api.identity import SAFE, identified
from api.problems import Problem
from api.repeating import once
from api.services import Commands, services


class LedgerRoute(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Awaitable[Any]]:  # type: ignore[override] # starlette says Coroutine
        inner = super().get_route_handler()
        known = {parameter.alias for parameter in self.dependant.query_params}

        async def handler(request: Request) -> Response:
            if request.method in SAFE:
                await _wait_as_asked(request)
                response: Response = await inner(request)
                as_of: int | None = getattr(request.state, "as_of", None)
                if as_of is not None:
                    response.headers["X-As-Of-Position"] = str(as_of)
                return response
            refuse_unknown(request, known)

            async def carry_out() -> Response:
                response: Response = await inner(request)
                if response.status_code < 400:  # noqa: PLR2004 - HTTP
                    await _settle(request, response)
                return response

            return await once(request, carry_out)

        return handler


def refuse_unknown(request: Request, known: AbstractSet[str] = frozenset()) -> None:
    """Raises Problem for query names that an unsafe request does not know."""
    if "as_of" in request.query_params:
        raise Problem("as_of_read_only", "The past can only be read.")
    for name in request.query_params:
        if name not in known:
            item = {"loc": ["query", name], "msg": "unknown", "type": "extra_forbidden"}
            raise Problem("validation", f"Unknown query name: {name[:64]}.", errors=[item])


async def _wait_as_asked(request: Request) -> None:
    asked = request.headers.get("x-min-position") or request.query_params.get("min_position")
    if not asked:
        return
    await identified(request, services(request))  # before a stranger may wait, or learn the head
    if not (asked.isascii() and asked.isdigit() and len(asked) <= 18):  # noqa: PLR2004 - a bigint
        item = {"loc": ["query", "min_position"], "msg": "not a position", "type": "int_parsing"}
        raise Problem("validation", "min_position is not a position.", errors=[item])
    if not await services(request).shown(int(asked)):
        lag = {"Retry-After": "1"}
        raise Problem("projection_lag", f"Position {asked} is not shown yet.", headers=lag)


async def _settle(request: Request, response: Response) -> None:
    """Clients that know no positions still read what they wrote."""
    own = services(request)
    commands: Commands | None = getattr(request.state, "commands", None)
    position = commands.position if commands else 0
    if position:
        await own.shown(position)
    response.headers["X-Event-Position"] = str(position or await own.store.head())

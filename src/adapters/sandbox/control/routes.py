"""The routes under `/_control/`: seed, inspect and disturb a peer, from this machine only."""

import ipaddress
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.sandbox.control.faults import FaultPlan, FaultRule
from adapters.sandbox.control.peer import Peer
from adapters.sandbox.control.requests import RequestLog

_Handler = Callable[[Request], Awaitable[Response]]


class _Routes:
    """The handlers; each answers JSON."""

    def __init__(self, peer: Peer, faults: FaultPlan, requests: RequestLog) -> None:
        self._peer, self._faults, self._requests = peer, faults, requests

    async def state(self, _: Request) -> Response:
        return JSONResponse(dict(self._peer.describe()))

    async def reset(self, _: Request) -> Response:
        self._peer.reset()
        self._peer.clock.fix(None)
        self._faults.clear()
        self._requests.clear()
        return Response(status_code=204)

    async def seed(self, request: Request) -> Response:
        return JSONResponse(dict(self._peer.seed(await _object(request))))

    async def settings(self, request: Request) -> Response:
        return JSONResponse(dict(self._peer.configure(await _object(request))))

    async def clock(self, request: Request) -> Response:
        if request.method == "POST":
            _set_clock(self._peer, await _object(request))
        return JSONResponse(self._peer.clock.describe())

    async def log(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._requests.clear()
            return Response(status_code=204)
        return JSONResponse(self._requests.describe(int(request.query_params.get("last", "50"))))

    async def fault_plan(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._faults.clear()
        elif request.method == "PUT":
            body = await _object(request)
            rules = [FaultRule.from_json(raw) for raw in body.get("rules", [])]
            self._faults.replace(rules, int(body.get("seed", 0)))
        return JSONResponse(self._faults.describe())


def control_routes(peer: Peer, faults: FaultPlan, requests: RequestLog) -> ASGIApp:
    """The control app of one peer. A body that means nothing is 400 with `{"error": why}`."""
    on = _Routes(peer, faults, requests)
    table: list[tuple[str, _Handler, list[str]]] = [
        ("state", on.state, ["GET"]),
        ("reset", on.reset, ["POST"]),
        ("seed", on.seed, ["POST"]),
        ("settings", on.settings, ["GET", "POST", "PUT", "PATCH"]),
        ("clock", on.clock, ["GET", "POST"]),
        ("requests", on.log, ["GET", "DELETE"]),
        ("faults", on.fault_plan, ["GET", "PUT", "DELETE"]),
    ]
    routes = [Route(f"/_control/{name}", _explained(h), methods=m) for name, h, m in table]
    return _loopback_only(Starlette(routes=routes))


def _set_clock(peer: Peer, body: dict[str, Any]) -> None:
    """`{"skew_seconds": n}`, `{"fixed": "…Z" | null}` and `{"advance_seconds": n}` combine."""
    if unknown := sorted(set(body) - {"skew_seconds", "fixed", "advance_seconds"}):
        raise ValueError(f"unknown keys for the clock: {', '.join(unknown)}")
    if "fixed" in body:
        fixed = body["fixed"]
        peer.clock.fix(None if fixed is None else datetime.fromisoformat(fixed))
    if "skew_seconds" in body:
        peer.clock.skew(timedelta(seconds=body["skew_seconds"]))
    if "advance_seconds" in body:
        peer.clock.advance(timedelta(seconds=body["advance_seconds"]))


async def _object(request: Request) -> dict[str, Any]:
    body = await request.json() if await request.body() else {}
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")  # noqa: TRY004  a bad request, not a bug
    return body


def _explained(handler: _Handler) -> _Handler:
    """Turn a refused body into a 400 that says why."""

    async def explained(request: Request) -> Response:
        try:
            return await handler(request)
        except (ValueError, TypeError, KeyError) as error:
            return JSONResponse({"error": f"{type(error).__name__}: {error}"}, status_code=400)

    return explained


def _loopback_only(app: ASGIApp) -> ASGIApp:
    """Control has no password, so only this machine may use it."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        if client is None or _is_loopback(client[0]):
            await app(scope, receive, send)
        else:
            refused = JSONResponse({"error": "control is for this machine only"}, status_code=403)
            await refused(scope, receive, send)

    return guarded


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "testclient"  # in-process transports name no address

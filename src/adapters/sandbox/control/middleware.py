"""The ASGI wrapper that puts log, faults and control routes around a peer."""

import asyncio
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.sandbox.control.failing import Failing
from adapters.sandbox.control.faults import FaultPlan
from adapters.sandbox.control.peer import Peer
from adapters.sandbox.control.requests import LoggedRequest, RequestLog
from adapters.sandbox.control.routes import control_routes

PREFIX = "/_control"


class Controlled:
    """A peer's ASGI app under control; `faults`, `requests` and `peer` are there for tests."""

    def __init__(self, app: ASGIApp, peer: Peer) -> None:
        self.app = app
        self.peer = peer
        self.faults = FaultPlan()
        self.requests = RequestLog()
        self._failing = Failing(app)
        self._routes = control_routes(peer, self.faults, self.requests)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route one connection: lifespan to the peer, `/_control` to the routes, else the peer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope["path"] == PREFIX or scope["path"].startswith(f"{PREFIX}/"):
            await self._routes(scope, receive, send)
        else:
            await self._peer_request(scope, receive, send)

    async def _peer_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        method, path = scope["method"], scope["path"]
        status: int | None = None

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        delay, rule = self.faults.pick(method, path)
        try:
            if delay:
                await asyncio.sleep(delay)
            if rule is None:
                await self.app(scope, receive, watched)
            else:
                await self._failing(rule, scope, receive, watched)
        finally:
            self.requests.add(
                LoggedRequest(
                    method=method,
                    path=path,
                    query=scope["query_string"].decode("latin-1"),
                    status=status,
                    seconds=time.perf_counter() - began,
                    fault=None if rule is None else rule.kind.value,
                )
            )


def with_control(app: ASGIApp, peer: Peer) -> Controlled:
    """`app` with request log, faults and `/_control/` around it."""
    return Controlled(app, peer)

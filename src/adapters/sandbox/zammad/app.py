"""The sandbox Zammad as an ASGI app: requests in, JSON out, webhooks delivered meanwhile."""

import asyncio

import msgspec
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.sandbox.control import with_control
from adapters.sandbox.control.middleware import Controlled
from adapters.sandbox.zammad import access, params
from adapters.sandbox.zammad.calls import Answer, Call, Handler
from adapters.sandbox.zammad.errors import (
    BadArgument,
    Crash,
    Forbidden,
    NotAuthorized,
    NotFound,
    ZammadError,
)
from adapters.sandbox.zammad.routes import all_routes
from adapters.sandbox.zammad.state import ZammadState
from adapters.sandbox.zammad.webhooks import CONNECT, READ, TOTAL, Sleep, WebhookDelivery

PREFIX = "/api/v1"
_encode = msgspec.json.Encoder().encode
_FAILED_PAGE = (
    "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"
)


class ZammadApp:
    """The API and the webhook worker of one `ZammadState`; no control routes."""

    def __init__(self, state: ZammadState, delivery: WebhookDelivery) -> None:
        self.state = state
        self.delivery = delivery
        self._routes = all_routes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            body = await _body(receive)
            answer, extra = self._answer(scope, body)
            await _send(send, answer, extra)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.delivery.start()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.delivery.stop()
                self.state.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    def _answer(self, scope: Scope, body: bytes) -> tuple[Answer, dict[str, str]]:
        """Handle a request in one transaction; nothing else runs meanwhile."""
        headers = Headers(scope=scope)
        caller: access.Caller | None = None
        try:
            path = scope["path"]
            handler, named = self._found(scope["method"], path)
            given = params.of_request(
                scope["query_string"].decode("latin-1"), body, headers.get("content-type", "")
            )
            caller = access.authenticate(self.state, headers)
            with self.state.transaction(by=caller.user.id):
                return handler(Call(self.state, caller, {**given, **named})), {}
        except ZammadError as error:
            return self._failure(error, caller, headers.get("accept", ""))
        except (msgspec.ValidationError, TypeError, ValueError) as error:
            wrapped = BadArgument(str(error))
            return self._failure(wrapped, caller, headers.get("accept", ""))
        except Exception as error:  # noqa: BLE001  the outermost edge: answered as a crash
            return self._failure(Crash(repr(error)), caller, headers.get("accept", ""))

    def _found(self, method: str, path: str) -> tuple[Handler, dict[str, str]]:
        handler, named = None, {"": ""}
        if path.startswith(f"{PREFIX}/"):
            handler, named = self._routes.find(method, path[len(PREFIX) :])
        if handler is None:
            raise NotFound(f"No route matches [{method}] {path}")
        return handler, named

    def _failure(
        self, error: ZammadError, caller: access.Caller | None, accept: str
    ) -> tuple[Answer, dict[str, str]]:
        to_admin = caller is not None and caller.may("admin")
        shown = error.body(self.state.new_error_id(), to_admin=to_admin)
        extra = {}
        if isinstance(error, (NotAuthorized, Forbidden)):
            extra["X-Failure"] = shown["error"]
        if "text/html" in accept and "json" not in accept:
            page = _FAILED_PAGE.format(f"{error.status}: {shown['error']}").encode()
            return Answer(None, error.status, page, "text/html; charset=utf-8"), extra
        return Answer(shown, error.status), extra


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts)
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def _send(send: Send, answer: Answer, extra: dict[str, str]) -> None:
    body = answer.raw
    if body is None:
        body = b"" if answer.value is None else _encode(answer.value)
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        *(
            (name.lower().encode(), value.encode("latin-1", "replace"))
            for name, value in extra.items()
        ),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def create_zammad_app(
    state: ZammadState,
    *,
    wait_factor: float = 1.0,
    sleep: Sleep = asyncio.sleep,
    timeouts: tuple[float, float, float] = (CONNECT, READ, TOTAL),
) -> Controlled:
    """A sandbox Zammad with its control routes; `.app` is the bare `ZammadApp`.

    `wait_factor` scales and `sleep` replaces the waits between webhook attempts; `timeouts` are
    the webhook's connect, read and total limits in seconds.
    """
    delivery = WebhookDelivery(
        state, state.http_log, sleep=sleep, wait_factor=wait_factor, timeouts=timeouts
    )
    app: ASGIApp = ZammadApp(state, delivery)
    return with_control(app, state)

"""What every request goes through before any route: contract, section 1.

Pure ASGI, outermost: request id, one spelling of each path, absent empty query values, a limit
on bodies, security headers, no caching, one log line, and an answer for what nobody caught.
"""

import re
import time
import uuid
from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems

log = structlog.get_logger(__name__)

_CONVERTOR = re.compile(r":[a-z]+\}")  # of a parameter: `{delivery_id:path}`
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
GONE = 499  # of the log and the counters, as nginx has it: the client left before it was answered
MOST_BYTES = 2 * 1024 * 1024  # the largest body of any route (webhook)
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
)


class TooLarge(Exception):
    """The body has more than `MOST_BYTES`."""


class CutOff(Exception):
    """The client was gone before its body was whole."""


class Transport:
    """`answered` is told of each answer: method, template of the route, status, seconds."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        answered: Callable[[str, str | None, int, float | None], None],
        new_id: Callable[[], str] | None = None,
    ) -> None:
        self._app = app
        self._answered = answered
        self._new_id = new_id or (lambda: uuid.uuid4().hex)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = self._request_id(scope)
        scope = _normalised(scope, request_id)
        structlog.contextvars.clear_contextvars()
        # What a request appends is correlated by its id (services.commands_of).
        structlog.contextvars.bind_contextvars(request_id=request_id, correlation_id=request_id)
        began = time.perf_counter()
        status, streams = 0, False

        async def sending(message: Message) -> None:
            nonlocal status, streams
            if message["type"] == "http.response.start":
                status = message["status"]
                streams = _add_headers(message, request_id)
            await send(message)

        try:
            await self._app(scope, await _buffered(receive, scope), sending)
        except TooLarge:
            problem = problems.Problem("body_too_large", f"At most {MOST_BYTES} bytes are taken.")
            await problems.answer(problem, request_id, scope["path"])(scope, receive, sending)
        except CutOff:
            status = GONE  # nobody hears an answer
        except Exception:
            log.exception("request_crashed", method=scope["method"], path=scope["path"])
            if status == 0:
                broken = problems.answer(problems.internal(), request_id, scope["path"])
                await broken(scope, receive, sending)
        finally:
            took = time.perf_counter() - began
            route = _template(scope)
            self._answered(scope["method"], route, status, None if streams else took)
            log.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                ms=round(took * 1000, 1),
            )

    def _request_id(self, scope: Scope) -> str:
        given = Headers(scope=scope).get("x-request-id", "")
        return given if REQUEST_ID.fullmatch(given) else self._new_id()


def _normalised(scope: Scope, request_id: str) -> Scope:
    """The scope with its slash at the end and its empty query values taken away."""
    path: str = scope["path"]
    if len(path) > 1 and path.endswith("/"):
        path = path.rstrip("/") or "/"
    pairs = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    query = urlencode([(name, value) for name, value in pairs if value != ""]).encode()
    state = {**scope.get("state", {}), "request_id": request_id}
    return {
        **scope,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "state": state,
    }


def _template(scope: Scope) -> str | None:
    """The path with `{name}` in place of its parameters, None when there is no such route.

    A route of an included router knows its own part only; what is before that has no parameters.
    """
    route, path = scope.get("route"), scope["path"]
    if not isinstance(route, Route):
        return None
    for slash in (at for at, letter in enumerate(path) if letter == "/"):
        if route.path_regex.match(path[slash:]):
            return str(path[:slash]) + _CONVERTOR.sub("}", route.path)
    return None


async def _buffered(receive: Receive, scope: Scope) -> Receive:
    """The whole body, read before anything is decided. Raises TooLarge and CutOff."""
    if scope["method"] in ("GET", "HEAD", "OPTIONS"):
        return receive
    length = Headers(scope=scope).get("content-length", "")
    if length.isdigit() and int(length) > MOST_BYTES:
        raise TooLarge
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CutOff
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > MOST_BYTES:
            raise TooLarge
        more = message.get("more_body", False)
    body: Message | None = {"type": "http.request", "body": b"".join(chunks), "more_body": False}

    async def replay() -> Message:
        nonlocal body
        if body is not None:
            whole, body = body, None
            return whole
        return await receive()

    return replay


def _add_headers(message: Message, request_id: str) -> bool:
    """Complete the answer's headers; whether it is a stream without end."""
    headers = MutableHeaders(scope=message)
    headers["X-Request-ID"] = request_id
    headers.setdefault("Cache-Control", "no-store")
    headers.setdefault("Content-Security-Policy", PAGE_POLICY)
    for name, value in SECURITY.items():
        headers.setdefault(name, value)
    return headers.get("content-type", "").startswith("text/event-stream")

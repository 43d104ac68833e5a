"""The Kimai sandbox as an ASGI app: routing, bodies, tokens and answers.

Order of an answer, as in Kimai: address and method (404, 405), body (400), token (401), then the
handler. Source: peers/kimai.md §1; recordings 10-*, 75-*.
"""

import asyncio
import hmac
import logging
import re
from collections.abc import Awaitable, Callable
from html import escape

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.sandbox.control import Controlled, with_control
from adapters.sandbox.kimai import routing
from adapters.sandbox.kimai.access import Access
from adapters.sandbox.kimai.bodies import Submitted, decode
from adapters.sandbox.kimai.entities import User
from adapters.sandbox.kimai.problems import Problem, bad_request, forbidden, server_error
from adapters.sandbox.kimai.queries import Query
from adapters.sandbox.kimai.requests import EMPTY, Call, Reply
from adapters.sandbox.kimai.state import KimaiState

_BAD_TOKEN = 'Bearer error="invalid_token",error_description="Invalid credentials."'
_BEARER = re.compile(r"Bearer\s+([a-zA-Z0-9\-_+~/.]+=*)")  # anything else is no credentials
_LEGACY_TRIES, _LEGACY_WINDOW = 5, 60.0  # bad legacy logins, seconds
_WITH_BODY = {"POST", "PUT", "PATCH", "DELETE"}
_OVERRIDES = {"PUT", "PATCH", "DELETE", "GET", "HEAD", "OPTIONS", "PURGE"}
_JSON = "application/json"
_HTML = "text/html; charset=UTF-8"
_LOG = logging.getLogger(__name__)
_ENCODER = msgspec.json.Encoder()


def create_kimai_app(state: KimaiState) -> Controlled:
    """A sandbox Kimai over `state`, with `/_control/` beside it."""
    return with_control(_lifespan(KimaiApp(state), state), state)


def _lifespan(app: Callable[[Scope, Receive, Send], Awaitable[None]], state: KimaiState) -> ASGIApp:
    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                state.close()
                return

    return handle


class KimaiApp:
    """Answers one HTTP request after the other; the state is never shared between threads."""

    def __init__(self, state: KimaiState) -> None:
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        method = _method(scope["method"], headers)
        path = scope["path"]
        body = await _body(receive) if scope["method"] in _WITH_BODY else b""
        if method == "OPTIONS" and _is_preflight(headers):
            await _send(send, 200, b"", _HTML, {}, head=False)
            return
        if method in {"GET", "HEAD"} and path.endswith("/") and routing.exists(path.rstrip("/")):
            await _redirect(send, scope, headers, path)
            return
        try:
            reply = await self._answer(method, path, scope, headers, body)
        except Problem as problem:
            reply = Reply(problem.body, problem.status, problem.headers)
        except Exception:  # noqa: BLE001  the outermost edge: it records, and answers as Kimai
            _LOG.exception("the Kimai sandbox failed on %s %s", method, path)
            reply = Reply(server_error().body, 500)
        await _send_reply(send, reply, head=method == "HEAD")

    async def _answer(
        self, method: str, path: str, scope: Scope, headers: dict[str, str], body: bytes
    ) -> Reply:
        handler, ids = routing.find(method, path)
        submitted: Submitted = {}
        if scope["method"] in _WITH_BODY:
            submitted = decode(headers.get("content-type"), body)
        user = await self._authenticated(headers, _client(scope))
        access = Access(self._state, user)
        if not access.has("api_access"):
            raise forbidden()
        call = Call(self._state, access, Query(scope["query_string"]), submitted, ids)
        reply = handler(call)
        return reply if isinstance(reply, Reply) else await reply

    # -- tokens -------------------------------------------------------------------------------

    async def _authenticated(self, headers: dict[str, str], client: str) -> User:
        if match := _BEARER.fullmatch(headers.get("authorization", "")):
            return self._by_token(match[1])
        if "x-auth-user" in headers and "x-auth-token" in headers:
            return await self._legacy(headers["x-auth-user"], headers["x-auth-token"], client)
        raise Problem(401)

    def _by_token(self, text: str) -> User:
        token = self._state.tokens.get(text)
        user = None if token is None else self._state.users.get(token.user)
        expired = token is None or (
            token.expires is not None and token.expires <= self._state.now()
        )
        if user is None or expired or not user.enabled:
            raise Problem(401, b"", {"WWW-Authenticate": _BAD_TOKEN})
        return user

    async def _legacy(self, name: str, password: str, client: str) -> User:
        """The deprecated headers, slowed down on purpose and limited after failures."""
        await asyncio.sleep(float(self._state.settings["sandbox.legacy_delay_seconds"] or 0))
        now = self._state.clock.now().timestamp()
        failed = self._state.failed_logins
        failed[client] = [at for at in failed.get(client, []) if at > now - _LEGACY_WINDOW]
        user = next((u for u in self._state.users.values() if name in {u.username, u.email}), None)
        known = user.api_password if user is not None and user.enabled else None
        if user is not None and known and hmac.compare_digest(known, password):
            return user
        if len(failed[client]) >= _LEGACY_TRIES:
            raise bad_request()
        failed[client].append(now)
        raise Problem(403, {"message": "Invalid credentials"})


def _client(scope: Scope) -> str:
    client = scope.get("client")
    return "" if client is None else str(client[0])


def _method(method: str, headers: dict[str, str]) -> str:
    """`X-HTTP-Method-Override` on a POST, as Symfony honours it."""
    if method != "POST":
        return method
    override = headers.get("x-http-method-override", "").upper()
    return override if override in _OVERRIDES else method


def _is_preflight(headers: dict[str, str]) -> bool:
    """A browser's question before a cross-origin call; it never carries a token."""
    return "access-control-request-method" in headers or "authorization" not in headers


async def _body(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    while True:
        message: Message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


async def _send_reply(send: Send, reply: Reply, *, head: bool) -> None:
    if reply.status == EMPTY:
        await _send(send, EMPTY, b"", None, reply.headers, head=head)
        return
    body = reply.body if isinstance(reply.body, bytes) else _ENCODER.encode(reply.body)
    await _send(send, reply.status, body, _JSON, reply.headers, head=head)


async def _send(
    send: Send, status: int, body: bytes, kind: str | None, extra: dict[str, str], *, head: bool
) -> None:
    headers = [(b"cache-control", b"no-cache, private")]
    if kind is not None:
        headers += [(b"content-type", kind.encode()), (b"content-language", b"en")]
        headers.append((b"content-length", str(len(body)).encode()))
    headers += [(name.lower().encode(), value.encode()) for name, value in extra.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else body})


_PAGE = """<!DOCTYPE html>
<html>
    <head>
        <meta charset="UTF-8" />
        <meta http-equiv="refresh" content="0;url='{0}'" />

        <title>Redirecting to {0}</title>
    </head>
    <body>
        Redirecting to <a href="{0}">{0}</a>.
    </body>
</html>"""


async def _redirect(send: Send, scope: Scope, headers: dict[str, str], path: str) -> None:
    """A trailing slash on GET: 301 to the address without it."""
    query = scope["query_string"].decode("latin-1")
    host = headers.get("host", "localhost")
    target = f"{scope['scheme']}://{host}{path.rstrip('/')}{'?' + query if query else ''}"
    page = _PAGE.format(escape(target)).encode()
    head = scope["method"] == "HEAD"
    await _send(send, 301, page, "text/html; charset=utf-8", {"Location": target}, head=head)

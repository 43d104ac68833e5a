"""How each fault looks on the wire."""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.sandbox.control.faults import FaultKind, FaultRule

ABORT = "sandbox.abort"  # extension set by adapters.sandbox.serve: resets the TCP connection
_REMEMBERED = 64  # list answers kept for repeat_rows
_HTML = b"<!DOCTYPE html><html><head><title>Bad Gateway</title></head><body>502</body></html>"


@dataclass
class Answer:
    """A peer's answer held back before it is sent."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    def replaced(self, body: bytes) -> "Answer":
        """The same answer with another body and its right length."""
        kept = [(k, v) for k, v in self.headers if k.lower() != b"content-length"]
        kept.append((b"content-length", str(len(body)).encode()))
        return Answer(self.status, kept, body)


async def capture(app: ASGIApp, scope: Scope, receive: Receive) -> Answer:
    """Let the peer handle the request, sending nothing yet."""
    answer = Answer()

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status, answer.headers = message["status"], list(message.get("headers", []))
        elif message["type"] == "http.response.body":
            answer.body += message.get("body", b"")

    await app(scope, receive, keep)
    return answer


async def send_answer(send: Send, answer: Answer) -> None:
    """Send a held-back answer whole."""
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body})


def json_answer(status: int, value: object, extra: dict[str, str] | None = None) -> Answer:
    """A JSON answer of the sandbox itself."""
    headers = [(b"content-type", b"application/json")]
    headers += [(k.lower().encode(), v.encode()) for k, v in (extra or {}).items()]
    return Answer(status, headers).replaced(json.dumps(value).encode())


async def reset(scope: Scope, receive: Receive) -> None:
    """Close the TCP connection without an answer.

    Raises:
        RuntimeError: the server is not `adapters.sandbox.serve`, which alone can reset.
    """
    abort = scope.get("extensions", {}).get(ABORT)
    if abort is None:
        raise RuntimeError("this server cannot reset connections; use adapters.sandbox.serve")
    abort["call"]()
    # The server must see the loss before we return, or it would try to answer 500 itself.
    while (await receive())["type"] != "http.disconnect":
        pass


@dataclass(frozen=True, slots=True)
class _Call:
    """One request about to go wrong."""

    rule: FaultRule
    scope: Scope
    receive: Receive
    send: Send


class Failing:
    """Carries out one fault for one request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._pages: OrderedDict[str, list[object]] = OrderedDict()
        self._faults: dict[FaultKind, _Fault] = {
            FaultKind.TOO_MANY: self._too_many,
            FaultKind.ERROR_BEFORE: self._error_before,
            FaultKind.ERROR_AFTER: self._error_after,
            FaultKind.RESET_BEFORE: self._reset_before,
            FaultKind.RESET_AFTER: self._reset_after,
            FaultKind.STALL: self._stall,
            FaultKind.TRUNCATE: self._truncate,
            FaultKind.TRUNCATE_CLEAN: self._truncate_clean,
            FaultKind.HTML: self._html,
            FaultKind.HTML_AFTER: self._html_after,
            FaultKind.UNAUTHORIZED: self._unauthorized,
            FaultKind.FORBIDDEN: self._forbidden,
            FaultKind.REPEAT_ROWS: self._repeat_rows,
            FaultKind.HANG_AFTER_APPLY: self._hang_after_apply,
        }

    async def __call__(self, rule: FaultRule, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer (or fail to answer) one request as `rule` says."""
        await self._faults[rule.kind](_Call(rule, scope, receive, send))

    async def _too_many(self, call: _Call) -> None:
        extra = {} if call.rule.retry_after is None else {"Retry-After": str(call.rule.retry_after)}
        body = {"code": 429, "message": "Too Many Requests", "error": "Too many requests"}
        await send_answer(call.send, json_answer(429, body, extra))

    async def _error_before(self, call: _Call) -> None:
        status = call.rule.status or 500
        body = {"code": status, "message": "Internal Server Error", "error": "Internal error"}
        await send_answer(call.send, json_answer(status, body))

    async def _error_after(self, call: _Call) -> None:
        await capture(self._app, call.scope, call.receive)
        await self._error_before(call)

    async def _reset_before(self, call: _Call) -> None:
        await reset(call.scope, call.receive)

    async def _reset_after(self, call: _Call) -> None:
        await capture(self._app, call.scope, call.receive)
        await reset(call.scope, call.receive)

    async def _hang_after_apply(self, call: _Call) -> None:
        await capture(self._app, call.scope, call.receive)
        await _wait_or_gone(call.receive, call.rule.seconds)
        await reset(call.scope, call.receive)

    async def _stall(self, call: _Call) -> None:
        answer = await capture(self._app, call.scope, call.receive)
        half = len(answer.body) // 2
        await call.send(
            {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        )
        await call.send(
            {"type": "http.response.body", "body": answer.body[:half], "more_body": True}
        )
        await _wait_or_gone(call.receive, call.rule.seconds)
        await call.send({"type": "http.response.body", "body": answer.body[half:]})

    async def _truncate(self, call: _Call) -> None:
        answer = await capture(self._app, call.scope, call.receive)
        await call.send(
            {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        )
        cut = answer.body[: len(answer.body) // 2]
        await call.send({"type": "http.response.body", "body": cut, "more_body": True})
        await asyncio.sleep(0)
        await reset(call.scope, call.receive)

    async def _truncate_clean(self, call: _Call) -> None:
        answer = await capture(self._app, call.scope, call.receive)
        await send_answer(call.send, answer.replaced(answer.body[: len(answer.body) // 2]))

    async def _html(self, call: _Call) -> None:
        headers = [(b"content-type", b"text/html; charset=utf-8")]
        await send_answer(call.send, Answer(call.rule.status or 502, headers).replaced(_HTML))

    async def _html_after(self, call: _Call) -> None:
        await capture(self._app, call.scope, call.receive)
        await self._html(call)

    async def _unauthorized(self, call: _Call) -> None:
        body = {"code": 401, "message": "Unauthorized", "error": "Authentication required"}
        await send_answer(call.send, json_answer(401, body))

    async def _forbidden(self, call: _Call) -> None:
        body = {"code": 403, "message": "Forbidden", "error": "Not authorized"}
        await send_answer(call.send, json_answer(403, body))

    async def _repeat_rows(self, call: _Call) -> None:
        """The last row of the page before comes again, as when a row was inserted meanwhile."""
        answer = await capture(self._app, call.scope, call.receive)
        try:
            rows = json.loads(answer.body)
        except ValueError:
            rows = None
        if isinstance(rows, list) and rows:
            before = self._pages.get(key := _listing(call.scope))
            self._remember(key, rows)
            answer = answer.replaced(json.dumps([(before or rows)[-1], *rows]).encode())
        await send_answer(call.send, answer)

    def _remember(self, key: str, rows: list[object]) -> None:
        self._pages[key] = rows
        self._pages.move_to_end(key)
        while len(self._pages) > _REMEMBERED:
            self._pages.popitem(last=False)


_Fault = Callable[[_Call], Awaitable[None]]


def _listing(scope: Scope) -> str:
    """The list a page belongs to: path and query without the page number."""
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return repr((scope["path"], sorted(pair for pair in query if pair[0] != "page")))


async def _wait_or_gone(receive: Receive, seconds: float) -> None:
    """Wait, but not for a client that has left."""

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    try:
        await asyncio.wait_for(gone(), seconds)
    except TimeoutError:
        return

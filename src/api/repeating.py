"""A request that is sent again with the same `Idempotency-Key` is answered as the first one was.

Who never hears an answer does not know whether a connector was added or a run queued. The key says
that it is the same wish: it is carried out once, and the answer of then is given again, for 24
hours. What was refused changed nothing and may be sent again. A key belongs to one account with its
role, route and body.

Source: IETF draft "The Idempotency-Key HTTP Header Field" (httpapi working group).
"""

import hashlib
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import msgspec
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from adapters.postgres.keyed_requests import UNKNOWN, Earlier
from api.identity import identified
from api.problems import Problem
from api.services import Commands, services
from domain.errors import LedgerError, OutcomeUnknown, Unavailable

HEADER = "Idempotency-Key"
LONGEST = 200  # characters
LARGEST = 512 * 1024  # bytes of an answer that is kept
LONGEST_REQUEST = timedelta(minutes=1)  # what takes longer has died: answers come within 25 s
REFUSED = 400  # and everything above it (HTTP)
SOON = {"Retry-After": "2"}
_BOUNDARY = re.compile(r'boundary="?([^";,\s]+)')
# of the first answer alone, or of the connection
OWN = frozenset({"content-length", "x-request-id", "date", "connection"})


class Answer(msgspec.Struct):
    """A response as it is kept."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(frozen=True)
class _Wish:
    scope: bytes
    body: bytes


async def once(request: Request, carry_out: Callable[[], Awaitable[Response]]) -> Response:
    """The answer of `carry_out`, or of the request with that key which came before.

    Raises Problem: `validation` for a key that is none, or of another body; `not_ready` while the
    first is carried out; `stale_version` when nobody knows how that ended.
    """
    wish = await _wish(request)
    if wish is None:
        return await carry_out()
    own = services(request)
    earlier = await own.keyed.begin(wish.scope, wish.body, own.clock.now())
    if earlier is not None:
        dead = own.clock.now() - earlier.began_at > LONGEST_REQUEST
        return _again(wish, earlier, dead=dead)
    try:
        response = await carry_out()
    except Exception as error:
        with suppress(Unavailable):
            if _changed_nothing(request, error):
                await own.keyed.forget(wish.scope)
            else:
                await own.keyed.answered(wish.scope, UNKNOWN)
        raise
    with suppress(Unavailable):  # it is done; whoever asks again is told that nobody knows
        if response.status_code >= REFUSED or _is_login(response):
            await own.keyed.forget(wish.scope)
        else:
            await own.keyed.answered(wish.scope, _kept(response))
    return response


def _changed_nothing(request: Request, error: Exception) -> bool:
    """Whether it may come again: it was refused, or failed before anything was recorded."""
    if isinstance(error, Problem | RequestValidationError | HTTPException):
        return True
    commands: Commands | None = getattr(request.state, "commands", None)
    recorded = commands is not None and commands.position > 0
    failed = isinstance(error, LedgerError) and not isinstance(error, OutcomeUnknown)
    return failed and not recorded


async def _wish(request: Request) -> _Wish | None:
    """None for a request without a key, and for one whose sender is not known: it is refused."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not (0 < len(key) <= LONGEST and key.isascii() and key.isprintable()):
        raise _invalid(f"{HEADER} has 1 to {LONGEST} printable ASCII characters.")
    try:
        who = await identified(request, services(request))
    except Problem:
        return None
    route = f"{request.method} {request.url.path}?{request.url.query}"
    scope = f"{who.account.user_id}\0{who.account.role}\0{route}\0{key}"
    return _Wish(
        scope=hashlib.sha256(scope.encode()).digest(),
        body=hashlib.sha256(await _body(request)).digest(),
    )


async def _body(request: Request) -> bytes:
    """The same for the same form: who sends its parts again separates them by something else."""
    body, kind = await request.body(), request.headers.get("content-type", "")
    between = _BOUNDARY.search(kind) if kind.startswith("multipart/") else None
    return body if between is None else body.replace(between[1].encode(), b"")


def _again(wish: _Wish, earlier: Earlier, *, dead: bool) -> Response:
    if earlier.body != wish.body:
        raise _invalid(f"This {HEADER} came before with another body; send a new one.")
    if earlier.answer:
        answer = msgspec.json.decode(earlier.answer, type=Answer)
        response = Response(content=answer.body, status_code=answer.status)
        for name, value in answer.headers:
            response.headers.append(name, value)
        response.headers["Idempotency-Replayed"] = "true"
        return response
    if earlier.answer is None and not dead:
        text = "The same request is being carried out; its answer comes in a moment."
        raise Problem("not_ready", text, headers=SOON)
    raise Problem(
        "stale_version",
        f"The same request began at {earlier.began_at:%H:%M:%S} UTC, and nobody knows how it "
        "ended. Look what became of it; if nothing did, send it again with a new "
        f"{HEADER}.",
    )


def _invalid(text: str) -> Problem:
    item = {"loc": ["header", HEADER], "msg": "invalid", "type": "idempotency_key"}
    return Problem("validation", text, errors=[item])


def _is_login(response: Response) -> bool:
    """Or its end: changes nothing but the session, and is never given to somebody else's."""
    return "set-cookie" in response.headers or b'"access_token"' in getattr(response, "body", b"")


def _kept(response: Response) -> str:
    """`UNKNOWN` for what is not to be given twice: a stream, what is very large."""
    body = getattr(response, "body", None)
    if not isinstance(body, bytes) or len(body) > LARGEST:
        return UNKNOWN
    headers = [each for each in response.headers.items() if each[0] not in OWN]
    answer = Answer(status=response.status_code, headers=headers, body=body)
    return msgspec.json.encode(answer).decode()

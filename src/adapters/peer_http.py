"""HTTP towards a peer (Zammad, Kimai): one pool, bounded in time, size and repetition.

Reads are repeated with backoff and jitter; a write is sent once, ever. The token travels in one
header, to one origin: redirects are not followed and cookies are refused (Zammad would prefer its
session cookie to our token). Errors name method, path and status; neither token nor body, nor
the text of the underlying error, which may quote an answer.
"""

import asyncio
import contextlib
import json
import re
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from types import TracebackType
from typing import Any, Self
from urllib.request import getproxies, proxy_bypass

import httpx
import stamina

from adapters.ledger.canonical import without_lone_surrogates
from adapters.peer_flow import Flow
from adapters.peer_pool import OriginTransport
from adapters.peer_verdicts import BUSY, VOICE_MATTERS, Verdict, retry_after, rule_for
from domain.errors import (
    ExternalSystemError,
    Misconfigured,
    OutcomeUnknown,
    Rejected,
    TokenRefused,
    Unavailable,
)

MAX_BYTES = 64 * 1024 * 1024  # 500 Kimai records with 64 KiB of description each are 32 MiB
CONCURRENCY = 16  # requests at once
REUSE_SECONDS = 2.0  # below the 5 s after which Apache and uvicorn drop an idle connection
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_HALF_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")
_BAD_ADDRESS = (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL)

Params = Mapping[str, str | int | Sequence[str | int]]


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Limits in seconds; `total` bounds all attempts of one read together."""

    connect: float = 10.0
    request: float = 30.0
    attempts: int = 4
    total: float = 60.0
    first_wait: float = 0.5
    longest_wait: float = 10.0
    jitter: float = 0.5


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Where a peer found fault with a request."""

    fields: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()  # of these, sent without being wanted
    root: bool = False
    hint: str = ""  # made of field names only


@dataclass(frozen=True, kw_only=True)
class Peer:
    """What differs between peers.

    `owns` says whether a decoded error body is the peer's own; `refusal` reads a 4xx body,
    given the names of the fields that were sent.
    """

    system: str
    scheme: str
    owns: Callable[[object], bool]
    refusal: Callable[[object, Collection[str]], Refusal]


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer; `data` is its decoded JSON, None for an empty body."""

    status: int
    headers: httpx.Headers
    data: Any


@dataclass(frozen=True, slots=True)
class _Call:
    """One request to be made; `denied` is what a 403 means for it.

    `last_look` is called when its turn has come, and may refuse it.
    """

    method: str
    path: str
    params: Params | None
    body: Mapping[str, object] | None
    writes: bool
    denied: Verdict
    last_look: Callable[[], None] | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@lru_cache(maxsize=256)  # parsing one takes a tenth of a request's time
def _address(text: str) -> httpx.URL:
    return httpx.URL(text)


_Raw = tuple[int, httpx.Headers, bytes | None]  # status, headers, content; None is too much


@dataclass(slots=True)
class _Place:
    """A place in the line; `sent_at` once it was sent."""

    call: _Call
    answer: asyncio.Future[_Raw]
    sent_at: float | None = None


class PeerHttp:
    """The connection of one connector to its peer. One instance per run; close it after use.

    At most `concurrency` requests are under way; the others wait in line, which costs no request
    time. Whoever reads an answer sends the next request of the line before anything else: in a
    busy loop a free place would otherwise stay empty for a tenth of a request's time.
    """

    def __init__(
        self,
        peer: Peer,
        base_url: str,
        token: str,
        *,
        patience: Patience | None = None,
        concurrency: int = CONCURRENCY,
        flow: Flow | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._peer = peer
        self._flow = flow or Flow()
        self._patience = patience or Patience()
        self._base = _checked_base(peer.system, base_url)
        self._concurrency = concurrency
        self._line: deque[_Place] = deque()
        self._senders: set[asyncio.Task[None]] = set()
        self._closed = False
        self._transport = transport or _transport(httpx.URL(self._base))
        self._headers = {
            "Authorization": peer.scheme + _checked_token(peer.system, token),
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": "timeledger",
        }
        timeout = httpx.Timeout(self._patience.request, connect=self._patience.connect)
        self._extensions = {"timeout": timeout.as_dict()}

    def __repr__(self) -> str:
        return f"<{self._peer.system} at {self._base}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections. What is under way or in line fails, and so does what comes later.

        Of several reads at once the first that fails ends a run; the others may be anywhere then.
        """
        self._closed = True
        senders = list(self._senders)
        for sender in senders:
            sender.cancel()
        await asyncio.gather(*senders, return_exceptions=True)
        while self._line:
            _fail(self._line.popleft().answer, httpx.ConnectError("closed"))
        await self._transport.aclose()

    async def read(
        self,
        path: str,
        params: Params | None = None,
        *,
        search: Mapping[str, object] | None = None,
        denied: Verdict = Verdict.REJECTED,
    ) -> Answer:
        """GET `path` (POST with a `search` body: a query that changes nothing), with repetition.

        Raises:
            Unavailable: no usable answer within the patience.
            Misconfigured: token, address or version; also 404, the call should exist.
            Rejected: refused for good.
        """
        answer = await self.find(path, params, search=search, denied=denied)
        if answer is None:
            raise self._misconfigured(f"{path}: 404, no such call here; check address and version")
        return answer

    async def find(
        self,
        path: str,
        params: Params | None = None,
        *,
        search: Mapping[str, object] | None = None,
        denied: Verdict = Verdict.REJECTED,
    ) -> Answer | None:
        """The same for a record that may be absent: None for the peer's own 404."""
        method = "GET" if search is None else "POST"
        call = _Call(method, path, params, search, writes=False, denied=denied)
        patience = self._patience
        in_line = patience.attempts * self._flow.backlog(len(self._line) + self._concurrency)
        total = patience.total + in_line
        try:
            async with asyncio.timeout(total):
                async for attempt in stamina.retry_context(
                    on=self._worth_repeating,
                    attempts=patience.attempts,
                    timeout=total,
                    wait_initial=patience.first_wait,
                    wait_max=patience.longest_wait,
                    wait_jitter=patience.jitter,
                ):
                    with attempt:
                        return await self._once(call)
        except TimeoutError:
            raise Unavailable(self._peer.system, f"{call}: no answer within {total:g} s") from None
        raise AssertionError("retry_context ends by returning or raising")

    async def write(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        denied: Verdict = Verdict.REJECTED,
        last_look: Callable[[], None] | None = None,
    ) -> Answer | None:
        """Send a change exactly once; None for the peer's own 404.

        `last_look` is called right before it is sent; what it raises is raised here.

        Raises:
            OutcomeUnknown: it was or may have been sent, and no answer says what became of it.
            Unavailable: it was not sent, or not looked at (429).
            Rejected: the peer refused it and stored nothing.
            Misconfigured: the token is not accepted.
        """
        call = _Call(method, path, None, body, writes=True, denied=denied, last_look=last_look)
        return await self._once(call)

    def _worth_repeating(self, error: Exception) -> bool | float:
        if not isinstance(error, Unavailable):
            return False
        if error.retry_after is None:
            return True
        return error.retry_after if error.retry_after <= self._patience.longest_wait else False

    async def _once(self, call: _Call) -> Answer | None:
        if self._closed:
            raise self._never_sent(call, httpx.ConnectError("closed"))
        place = _Place(call, asyncio.get_running_loop().create_future())
        self._line.append(place)
        if len(self._senders) < self._concurrency:
            self._senders.add(asyncio.create_task(self._send_all()))
        try:
            answer = self._judge(call, *await self._raw(call, place.answer))
        except ExternalSystemError as error:
            self._learn(place, error)
            raise
        self._learn(place, None)
        return answer

    async def _raw(self, call: _Call, answer: asyncio.Future[_Raw]) -> _Raw:
        """The answer, or why there is none in our own words."""
        try:
            return await answer
        except _BAD_ADDRESS as error:
            raise self._misconfigured(f"{call}: {type(error).__name__}") from None
        except _NEVER_SENT as error:
            raise self._never_sent(call, error) from None
        except (httpx.HTTPError, httpx.StreamError, TimeoutError) as error:
            what = f"{type(error).__name__} before the answer was complete"
            raise self._broken(call, what) from None

    def _learn(self, place: _Place, error: ExternalSystemError | None) -> None:
        """What the outcome says about the peer; nothing when it was not asked, or we left."""
        sent_at = place.sent_at
        if sent_at is None or self._closed:
            return
        flow = self._flow
        failed = isinstance(error, Unavailable | OutcomeUnknown)
        flow.asked(place.call.method, place.call.path, sent_at, failed=failed)
        match error:
            case None | Rejected():
                flow.answered(sent_at)
            case Misconfigured():
                flow.answered(sent_at)
                flow.misconfigured(error)
            case Unavailable(busy=True):
                flow.answered(sent_at)
            case _:
                flow.failed(sent_at, error)
        if isinstance(error, Unavailable) and error.retry_after is not None:
            flow.hold(error.retry_after, error)

    async def _send_all(self) -> None:
        """Send what is in line, one after the other, and be gone when there is no more."""
        me = asyncio.current_task()
        assert me is not None
        try:
            await self._send_line()
        finally:
            self._senders.discard(me)  # at once: who comes next starts another

    async def _send_line(self) -> None:
        while self._line:
            place = self._line.popleft()
            call, answer = place.call, place.answer
            try:
                if answer.done():  # whoever wanted it was cancelled
                    continue
                sent_at = await self._flow.turn(
                    self._peer.system, patience=self._patience.longest_wait
                )
                if answer.done():
                    continue
                if call.last_look is not None:
                    call.last_look()
                place.sent_at = sent_at
                async with asyncio.timeout(self._patience.request), _while_wanted(answer):
                    got = await self._exchange(call)
            except asyncio.CancelledError:
                _fail(answer, httpx.ReadError("closed"))
                raise
            except Exception as error:  # noqa: BLE001 # whatever it is belongs to whoever asked
                _fail(answer, error)
            else:
                if not answer.done():
                    answer.set_result(got)

    async def _exchange(self, call: _Call) -> _Raw:
        """One request and its whole answer; the content is None when it is too large."""
        # Straight to the transport: redirects, cookies and credentials of the environment, which
        # a client sees to, are just what must not happen here; and they cost a third of a request.
        request = httpx.Request(
            call.method,
            _address(self._base + call.path),
            params=call.params,
            headers=self._headers,
            json=call.body,
            extensions=self._extensions,
        )
        response = await self._transport.handle_async_request(request)
        try:
            chunks: list[bytes] = []
            size = 0
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if size > MAX_BYTES:
                    return response.status_code, response.headers, None
                chunks.append(chunk)
        finally:
            await response.aclose()
        return response.status_code, response.headers, b"".join(chunks)

    def _judge(
        self, call: _Call, status: int, headers: httpx.Headers, content: bytes | None
    ) -> Answer | None:
        data, readable = _decoded(content)
        if status in VOICE_MATTERS and not readable and _says_json(headers):
            raise self._broken(call, f"{status} with JSON that is cut off")
        own_voice = readable and self._peer.owns(data)
        rule = rule_for(status, own_voice=own_voice)
        verdict = rule.write if call.writes else rule.read
        if status == httpx.codes.FORBIDDEN and verdict is Verdict.REJECTED:
            verdict = call.denied
        if verdict is Verdict.FINE:
            if not readable or (data is None and status != httpx.codes.NO_CONTENT):
                raise self._broken(call, f"{status} with an answer that is empty, cut or no JSON")
            return Answer(status, headers, data)
        if verdict is Verdict.ABSENT:
            return None
        text = f"{call}: {status}, {rule.why}{_towards(headers)}"
        if verdict is Verdict.REJECTED:
            raise self._rejected(call, text, status, data)
        if verdict is Verdict.TOKEN_REFUSED:
            raise TokenRefused(self._peer.system, text)
        if verdict is Verdict.MISCONFIGURED:
            raise self._misconfigured(text)
        if verdict is Verdict.UNKNOWN:
            raise OutcomeUnknown(self._peer.system, text)
        raise Unavailable(
            self._peer.system,
            text,
            retry_after=retry_after(headers, datetime.now(UTC)),
            busy=status in BUSY,
        )

    def _rejected(self, call: _Call, text: str, status: int, data: object) -> Rejected:
        found = self._peer.refusal(data, () if call.body is None else call.body.keys())
        return Rejected(
            self._peer.system,
            f"{text} ({found.hint})" if found.hint else text,
            status=status,
            fields=found.fields,
            extra=found.extra,
            root=found.root,
        )

    def _never_sent(self, call: _Call, error: httpx.TransportError) -> ExternalSystemError:
        if _untrusted(error):
            return self._misconfigured(f"{call}: its certificate is not trusted")
        return Unavailable(self._peer.system, f"{call}: no connection ({type(error).__name__})")

    def _broken(self, call: _Call, what: str) -> ExternalSystemError:
        kind = OutcomeUnknown if call.writes else Unavailable
        return kind(self._peer.system, f"{call}: {what}")

    def _misconfigured(self, text: str) -> Misconfigured:
        return Misconfigured(self._peer.system, text)


@contextlib.asynccontextmanager
async def _while_wanted(answer: asyncio.Future[_Raw]) -> AsyncIterator[None]:
    """Give up what is done inside, with TimeoutError, when whoever waits for `answer` does."""
    loop, inside = asyncio.get_running_loop(), True
    async with asyncio.timeout(None) as scope:

        def look(answer: asyncio.Future[_Raw]) -> None:
            if inside and answer.cancelled():
                scope.reschedule(loop.time())

        answer.add_done_callback(look)
        try:
            yield
        finally:
            inside = False
            answer.remove_done_callback(look)


def _fail(answer: asyncio.Future[_Raw], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)


def _says_json(headers: httpx.Headers) -> bool:
    """Whether what cannot be read was meant to be JSON."""
    kind: str = headers.get("content-type", "")
    return kind.partition(";")[0].strip().endswith("json")


def _decoded(content: bytes | None) -> tuple[Any, bool]:
    """The JSON of a body, and whether it is one; an empty body is None and fine."""
    if content is None:
        return None, False
    if not content.strip():
        return None, True
    try:
        data = json.loads(content)
        return (_mended(data) if _HALF_PAIR.search(content) else data), True
    except (ValueError, RecursionError):
        return None, False


def _mended(value: Any) -> Any:
    """`value` without halves of surrogate pairs, which can neither be stored nor sent on."""
    match value:
        case str():
            return without_lone_surrogates(value)
        case list():
            return [_mended(item) for item in value]
        case dict():
            return {without_lone_surrogates(key): _mended(item) for key, item in value.items()}
    return value


def _towards(headers: httpx.Headers) -> str:
    """Where a redirect points, without path and query: those may carry secrets."""
    location = headers.get("location")
    if not location:
        return ""
    try:
        url = httpx.URL(location)
    except httpx.InvalidURL:
        return ""
    return f" (to {url.scheme}://{url.host})" if url.host else " (to another path)"


def _untrusted(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _transport(base: httpx.URL) -> httpx.AsyncBaseTransport:
    """Our own transport, or httpx's where the environment names a proxy for the peer."""
    proxy = getproxies().get(base.scheme)
    if proxy and not proxy_bypass(base.host):
        return httpx.AsyncHTTPTransport(proxy=proxy if "://" in proxy else f"http://{proxy}")
    return OriginTransport(base, reuse_seconds=REUSE_SECONDS)


def _checked_base(system: str, base_url: str) -> str:
    """`base_url` with one trailing slash; the token goes nowhere else."""
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        raise Misconfigured(system, "the base URL cannot be read") from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise Misconfigured(system, "the base URL needs http(s):// and a host")
    if url.userinfo or url.query or url.fragment:
        raise Misconfigured(system, "the base URL must not carry user, query or fragment")
    return str(url).rstrip("/") + "/"


def _checked_token(system: str, token: str) -> str:
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise Misconfigured(system, "the token is empty or has characters that no token has")
    return token

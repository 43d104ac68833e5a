"""A pytest plugin: no secret of the suite may show in an answer or in what a service says.

`register` tells it a secret; what a request sends as one is looked for by itself (`sent_secrets`).
It looks through every answer of services in this process (`witnessed` around the application),
those of clients that are `watched`, the words of services in processes of their own (`heard`), and
what pytest captured of each test. The test that leaked fails.
"""

from collections.abc import Generator, Sequence
from dataclasses import replace

import httpx
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.support.known_secrets import heard, known, look, register, tail, taken
from tests.support.sent_secrets import Sent, login_without_its_token

__all__ = ["heard", "known", "look", "register", "watched", "witnessed"]

Headers = Sequence[tuple[bytes, bytes]]


def watched(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """The same client, whose answers are looked through; not for streams without end."""

    async def asking(request: httpx.Request) -> None:
        _sent(request).watch()

    async def answered(response: httpx.Response) -> None:
        await response.aread()
        sent = _sent(response.request)
        _look_through(sent, response.status_code, response.headers.raw, response.content)

    client.event_hooks["request"].append(asking)
    client.event_hooks["response"].append(answered)
    return client


def _sent(request: httpx.Request) -> Sent:
    try:
        body = request.content
    except httpx.RequestNotRead:  # it is sent piece by piece: a file
        body = b""
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Sent(request.method, request.url.path, headers, body)


def _look_through(sent: Sent, status: int, headers: Headers, body: bytes) -> None:
    """Look through a whole answer; a login that succeeds shows a token to whom it belongs."""
    if sent.is_login and status == httpx.codes.OK:
        headers, body = login_without_its_token(headers, body)
    _look_at_headers(sent, headers)
    look(f"the answer to {sent}", body)


def _look_at_headers(sent: Sent, headers: Headers) -> None:
    look(f"the answer to {sent}, its headers", b"\n".join(b": ".join(pair) for pair in headers))


def witnessed(app: ASGIApp) -> ASGIApp:
    """The same application: what it is sent is watched, its answers are looked through."""

    async def witness(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            seen = _Exchange(scope, receive, send)
            await app(scope, seen.receiving, seen.sending)
        else:
            await app(scope, receive, send)

    return witness


class _Exchange:
    """One request and its answer, on their way through a witness."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        self._sent = Sent(scope["method"], scope["path"], headers)
        self._sent.watch()
        self._receive, self._send = receive, send
        self._came = bytearray()
        self._status, self._headers = 0, list[tuple[bytes, bytes]]()
        self._said = b""  # so far; of a stream its end

    async def receiving(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._came += message.get("body", b"")
            if self._came and not message.get("more_body", False):
                replace(self._sent, body=bytes(self._came)).watch()
        return message

    async def sending(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], list(message.get("headers", ()))
        self._said += message.get("body", b"")
        if self._sent.is_login:
            self._hear_login(ends=not message.get("more_body", False))
        elif message["type"] == "http.response.start":
            _look_at_headers(self._sent, self._headers)
        else:
            look(f"the answer to {self._sent}", self._said)
            self._said = tail(self._said)
        await self._send(message)

    def _hear_login(self, *, ends: bool) -> None:
        if self._said and ends:
            _look_through(self._sent, self._status, self._headers, self._said)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    for title, text in report.sections:
        if title.endswith(f" {call.when}"):  # a report has the sections of the phases before, too
            look(title.lower(), text)
    leaks = taken()
    if leaks and report.outcome != "failed":
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} leaked:\n" + "\n".join(leaks)
    elif leaks:
        report.sections.append(("leaked secrets", "\n".join(leaks)))
    return report

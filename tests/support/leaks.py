"""A pytest plugin: no secret of the suite may show in an answer or in what a service says.

`register` tells it a secret. It looks through every answer of services in this process (`witnessed`
around the application), those of clients that are `watched`, the words of services in processes of
their own (`heard`), and what pytest captured of each test. The test that leaked fails.
"""

from collections import deque
from collections.abc import Generator
from urllib.parse import quote

import httpx
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SHORTEST = 8  # characters; anything shorter stands in a text by chance
MOST_PASSING = 30  # secrets that are looked for besides those of the whole suite: the newest
LOGIN = "/token"  # where a token is shown to whom it belongs

_names: dict[str, str] = {}  # a secret, or a way of writing it -> what it is
_passing: deque[str] = deque()  # those that only some tests have
_found: list[str] = []


def register(name: str, secret: str, *, passing: bool = False) -> str:
    """Look for `secret` from now on; it is told of by its name only.

    `passing`: it is one of many that tests make for themselves, and is forgotten after some others.
    """
    if len(secret) < SHORTEST:
        raise ValueError(f"{name} is too short to be looked for")
    _names.update(dict.fromkeys(_written(secret), name))
    if passing:
        _passing.append(secret)
        if len(_passing) > MOST_PASSING:
            for written in _written(_passing.popleft()):
                _names.pop(written, None)
    return secret


def _written(secret: str) -> set[str]:
    return {secret, quote(secret, safe=""), secret.encode().hex()}


def look(where: str, text: str) -> None:
    """Remember the secrets that show in `text`; the running test fails for them."""
    _found.extend(f"{name} shows in {where}" for name in shown(text))


def shown(text: str) -> list[str]:
    """Names of the secrets in a text."""
    return sorted({name for secret, name in _names.items() if secret in text})


def heard(line: bytes | str, who: str = "a service process") -> None:
    """What a process said."""
    look(f"the output of {who}", line if isinstance(line, str) else line.decode(errors="replace"))


def watched(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """The same client, whose answers are looked through; not for streams without end."""

    async def answered(response: httpx.Response) -> None:
        await response.aread()
        if response.url.path != LOGIN:
            asked = f"the answer to {response.request.method} {response.url.path}"
            look(asked, f"{response.headers}\n{response.text}")

    client.event_hooks["response"].append(answered)
    return client


def witnessed(app: ASGIApp) -> ASGIApp:
    """The same application, whose answers are looked through as they go out."""

    async def witness(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == LOGIN:
            await app(scope, receive, send)
            return
        where = f"the answer to {scope['method']} {scope['path']}"
        tail = ""

        async def sending(message: Message) -> None:
            nonlocal tail
            headers = b"\n".join(b": ".join(pair) for pair in message.get("headers", ()))
            look(f"{where}, its headers", headers.decode("latin-1"))
            text = tail + message.get("body", b"").decode(errors="replace")
            look(where, text)
            longest = max(map(len, _names), default=1)
            tail = text[-longest + 1 :] if not shown(text) else ""
            await send(message)

        await app(scope, receive, sending)

    return witness


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    for title, text in report.sections:
        if title.endswith(f" {call.when}"):  # a report has the sections of the phases before, too
            look(title.lower(), text)
    leaks, _found[:] = sorted(set(_found)), []
    if leaks and report.outcome != "failed":
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} leaked:\n" + "\n".join(leaks)
    elif leaks:
        report.sections.append(("leaked secrets", "\n".join(leaks)))
    return report

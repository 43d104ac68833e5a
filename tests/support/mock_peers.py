"""Peers made of prepared answers, for the HTTP clients."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from adapters.peer_http import Patience

QUICK = Patience(connect=1, request=1, total=5, first_wait=0, longest_wait=0.01, jitter=0)
RECORDINGS = Path(__file__).parent.parent / "data" / "kimai-recordings.jsonl"
HTML = b"<!DOCTYPE html><html><body>secret page</body></html>"

Reply = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


def reply(status: int, data: Any = None, **headers: str) -> httpx.Response:
    """A JSON answer; header names are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if data is None:
        return httpx.Response(status, headers=named)
    return httpx.Response(status, json=data, headers=named)


class MockPeer(httpx.MockTransport):
    """Answers `METHOD /path` with the replies prepared for it, in order; the last one stays.

    An unprepared request is the peer's own 404. `asked` are all requests so far.
    """

    def __init__(self, replies: Mapping[str, Reply | Sequence[Reply]] | None = None) -> None:
        super().__init__(self._answer)
        self.asked: list[httpx.Request] = []
        self._replies: dict[str, Iterator[Reply]] = {}
        for call, given in (replies or {}).items():
            self._replies[call] = _forever(given if isinstance(given, Sequence) else [given])

    def calls(self) -> list[str]:
        """`METHOD /path` of every request."""
        return [f"{request.method} {request.url.path}" for request in self.asked]

    def bodies(self) -> list[Any]:
        """The JSON bodies of the requests that had one."""
        return [json.loads(request.content) for request in self.asked if request.content]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        replies = self._replies.get(f"{request.method} {request.url.path}")
        if replies is None:
            not_found = {"code": 404, "message": "Not Found", "error": "not found"}
            return httpx.Response(404, json=not_found)
        given = next(replies)
        if isinstance(given, Exception):
            raise given
        if isinstance(given, httpx.Response):
            # A response's stream is read once, so each request gets its own copy.
            return httpx.Response(given.status_code, headers=given.headers, content=given.content)
        return given(request)


def _forever(replies: Sequence[Reply]) -> Iterator[Reply]:
    yield from replies[:-1]
    while True:
        yield replies[-1]


def recordings() -> dict[str, dict[str, Any]]:
    """What a real Kimai answered, by the recording's name."""
    with RECORDINGS.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return {row["name"]: row for row in rows}


def recorded(row: dict[str, Any]) -> httpx.Response:
    """The answer of a recording."""
    answer = row["response"]
    headers = answer["headers"]
    body = answer.get("body")
    if "raw" in answer:
        return httpx.Response(answer["status"], headers=headers, text=answer["raw"])
    if isinstance(body, dict) and set(body) == {"raw"}:
        return httpx.Response(answer["status"], headers=headers, text=body["raw"])
    if body is None:
        return httpx.Response(answer["status"], headers=headers)
    return httpx.Response(answer["status"], headers=headers, json=body)

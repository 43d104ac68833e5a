"""Whatever is sent to whichever route: a readable refusal, or nothing worse than what it says.

The routes, their parameters and the fields of their bodies are those of the OpenAPI document, so a
new route is tried without a line here.
"""

import asyncio
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx
import pytest

from api import schema
from api.problems import STATUS
from api.transport import MOST_BYTES
from tests.support.known_secrets import public
from tests.support.service import ADMIN_PASSWORD, Service, running_service
from tests.support.two_peers import RANGE, connect, two_peers

AT_ONCE = 8
HTML = "<script>alert(1)</script><img src=x onerror=alert(1)>"
TEXTS = (
    "\0",
    "a\0b",
    "\ufffe\u202egnp.exe",  # not a character, then written backwards
    "\u0440\u0430\u0443\u0440\u0430l",  # Cyrillic letters that look like others
    "\uff41\uff44\uff4d\uff49\uff4e",
    "' OR 1=1; DROP TABLE event; --",
    "1); SELECT pg_sleep(9); --",
    HTML,
    "</style>*{background:url(http://127.0.0.1:9/)}",
    "{{7*7}}${7*7}%s%n",
    "../../../../etc/passwd",
    "=cmd|' /C calc'!A0",
    "x" * 5_000,
    "9" * 400,
    "-1",
    "NaN",
)
NUL = "a\0b"
NUMBERS = ("-1", "1000000000000", "9" * 400, "1e999", "0x10", "١٢", " 1 ", "1.5", "NaN", "-0")
DAYS = ("9999-12-31", "0000-01-01", "0001-01-01", "10000-01-01", "2026-02-30", "20260101", "0")
INSTANTS = (
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-23:59",
    "2026-01-01",
    "2026-01-01T00:00:00",
    "position:1000000000000",
    "position:-1",
    "position:",
    "position:1e3",
    "2026-W01-1T00:00:00Z",
)
VALUES: Sequence[Any] = (
    *TEXTS,
    "\ud800",
    "a\udfff",
    "9999-12-31",
    "9999-12-31T23:59:59.999999-23:59",
    -1,
    10**12,
    10**400,
    1e308,
    float("nan"),
    float("inf"),
    True,
    None,
    [],
    ["x"] * 300,
    {},
    {"a" * 300: {"b": [None, {"c": -1}]}},
)
# They are names as well as passwords.
public(*TEXTS, *DAYS, *INSTANTS, *(each for each in VALUES if isinstance(each, str)))
RAW: Mapping[str, bytes] = {
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "a text": b'"text"',
    "a number": b"1e999",
    "NaN": b'{"a": NaN}',
    "infinite": b'{"a": -Infinity}',
    "half a pair": b'{"a": "\\ud800"}',
    "a NUL for a name": b'{"\\u0000": 1}',
    "not UTF-8": b'{"a": "\xff\xfe"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "UTF-32": '{"a": 1}'.encode("utf-32"),
    "a BOM": b'\xef\xbb\xbf{"a": 1}',
    "deep lists": b"[" * 100_000,
    "closed deep lists": b"[" * 20_000 + b"]" * 20_000,
    "deep objects": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "the same name twice": b'{"name": 1, "name": 2}',
    "half an object": b'{"name": ',
    "oversized": b'{"a": "' + b"x" * MOST_BYTES + b'"}',
    "many digits": b'{"id": ' + b"9" * 100_000 + b"}",
    "XML": b'<?xml version="1.0"?><!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
}
TYPES = ("application/json", "application/json; charset=utf-7", "text/plain", "application/xml", "")

# What a body needs besides the field that is wrong, by the end of its path.
WHOLE: Mapping[str, Mapping[str, Any]] = {
    "POST /connectors": {"type": "zammad", "name": "N", "base_url": "https://z/", "api_token": "t"},
    "POST /connectors/test": {"type": "kimai", "base_url": "http://127.0.0.1:9/", "api_token": "t"},
    "POST /mappings": {"zammad_type_id": 77, "kimai_activity_id": 1},
    "POST /mappings/users": {"zammad_user_id": 77, "kimai_user_id": 1},
    "POST /mappings/projects": {
        "source_kind": "group",
        "source_id": 77,
        "kimai_project_id": 1,
    },
    "POST /users": {"username": "somebody", "password": ADMIN_PASSWORD},
    "PUT /schedule": {"cron": "0 9 * * *"},
    "POST /schedule/preview": {"cron": "0 9 * * *", "timezone": "UTC"},
    "POST /dead-letters/retry": {"ids": ["entry-1"]},
    "POST /privacy/erase": {"subject": "account:77", "confirm": "account:77"},
}
IDS: Mapping[str, str] = {  # of paths, where it is another value that is wrong
    "entry_id": "10000000001",
    "user_id": "2",
    "position": "1",
}
ENDLESS = ("/stream",)


@dataclass(frozen=True)
class Try:
    """One request; `sent` is what must not come back as HTML."""

    method: str
    path: str
    sent: object
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.query or self.headers} {str(self.sent)[:60]!r}"


@cache
def document() -> Mapping[str, Any]:
    return schema.document()


def operations() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, methods in document()["paths"].items():
        if not path.endswith(ENDLESS):
            for method, operation in methods.items():
                yield method.upper(), path, operation


def filled(path: str, **values: str) -> str:
    """The path with ids that exist, but for those that are given."""
    while "{" in path:
        before, _, rest = path.partition("{")
        name, _, after = rest.partition("}")
        path = before + values.get(name, IDS.get(name, "1")) + after
    return path


def values_for(parameter: Mapping[str, Any]) -> Sequence[str]:
    """By what it is: every text is tried only where a text is meant, or where nothing says what."""
    name, shape = parameter["name"], parameter["schema"]
    kinds = [shape, *shape.get("anyOf", ())]
    if any(kind.get("format") == "date" for kind in kinds) or name.endswith("_date"):
        return (*DAYS, *TEXTS[:3])
    if name in {"as_of", "from", "to", "before"}:
        return (*INSTANTS, *TEXTS[:8])
    if any(kind.get("type") in {"integer", "number"} for kind in kinds):
        return (*NUMBERS, *TEXTS[:2])
    if any("enum" in kind or kind.get("type") == "boolean" for kind in kinds):
        return (*TEXTS[:3], HTML)
    return TEXTS


class Turns:
    """Takes `each` values of a table at a time, where the one before ended: all have their turn."""

    def __init__(self, each: int) -> None:
        self._each = each
        self._cycles: dict[Sequence[Any], Iterator[Any]] = {}

    def some(self, values: Sequence[Any]) -> Iterator[Any]:
        cycle = self._cycles.setdefault(values, itertools.cycle(values))
        return itertools.islice(cycle, min(self._each, len(values)))


def of_parameters() -> Iterator[Try]:
    turns = Turns(3)
    for method, path, operation in operations():
        for parameter in operation.get("parameters", ()):
            for value in [*turns.some(values_for(parameter)), NUL]:  # no text of PostgreSQL has it
                name, where = parameter["name"], parameter["in"]
                if where == "query":
                    yield Try(method, filled(path), value, query={name: value})
                elif where == "path":
                    quoted = str(httpx.QueryParams({"v": value}))[2:].replace("+", "%20")
                    yield Try(method, filled(path, **{name: quoted}), value)
                elif value.isascii() and value.isprintable():
                    yield Try(method, filled(path), value, headers={name: value})


def fields_of(operation: Mapping[str, Any]) -> Sequence[str]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return ()
    shapes = [content["schema"], *content["schema"].get("anyOf", ())]
    names = [each["$ref"].rpartition("/")[2] for each in shapes if "$ref" in each]
    known = document()["components"]["schemas"]
    return [field for name in names for field in known[name].get("properties", ())]


def of_fields() -> Iterator[Try]:
    turns = itertools.cycle(VALUES)
    for method, path, operation in operations():
        whole = WHOLE.get(f"{method} {path.removeprefix('/api/v1')}", {})
        for name in fields_of(operation):
            for value in itertools.islice(turns, 5):
                content = json.dumps({**whole, name: value}).encode()
                yield Try(method, filled(path), value, content=content)


def of_bodies() -> Iterator[Try]:
    kinds, turns = itertools.cycle((TYPES[0], *TYPES)), itertools.cycle(RAW.items())
    for method, path, operation in operations():
        if "requestBody" in operation:
            for name, content in itertools.islice(turns, 8):
                headers = {"Content-Type": next(kinds)}
                yield Try(method, filled(path), name, headers=headers, content=content)


async def answered(http: httpx.AsyncClient, tried: Try) -> str | None:
    """What is wrong with the answer, if anything."""
    try:
        answer = await http.request(
            tried.method,
            tried.path,
            params=tried.query or None,
            headers={"Content-Type": "application/json", **tried.headers},
            content=tried.content,
        )
    except httpx.HTTPError as error:
        return f"{tried}: {type(error).__name__}"
    if answer.headers.get("content-type", "").startswith("text/html") and HTML in answer.text:
        return f"{tried}: the answer repeats it as HTML"
    if answer.status_code < 400:
        return None
    if answer.status_code >= 500 or answer.status_code == 401:
        allowed = (answer.status_code == 401 and tried.path == "/token") or _of_a_peer(answer)
        return None if allowed else f"{tried}: {answer.status_code} {answer.text[:200]}"
    problem = answer.json()
    if problem["code"] not in STATUS or not is_readable(problem["detail"]):
        return f"{tried}: {answer.text[:300]}"
    return None


def _of_a_peer(answer: httpx.Response) -> bool:
    """What is wrong is what the peer's token may see, not what was asked."""
    return (
        answer.status_code == httpx.codes.BAD_GATEWAY and answer.json()["code"] == "peer_rejected"
    )


def is_readable(detail: str) -> bool:
    return " " in detail.strip() and "Traceback" not in detail and "\0" not in detail


async def all_answered(service: Service, tries: Iterator[Try]) -> tuple[int, list[str]]:
    count, wrong = 0, []
    lock = asyncio.Lock()

    async def work() -> None:
        nonlocal count
        while True:
            async with lock:
                tried = next(tries, None)
            if tried is None:
                return
            count += 1
            if (what := await answered(service.http, tried)) is not None:
                wrong.append(what)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return count, wrong


@pytest.mark.parametrize(
    ("tries", "least"), [(of_parameters, 400), (of_fields, 400), (of_bodies, 150)]
)
async def test_bad_input_is_refused_in_words(migrated: str, tries: Any, least: int) -> None:
    async with two_peers(5) as peers, running_service(migrated) as service:
        await connect(service, peers)
        await service.add_user("olga", "admin")
        await service.http.post("/api/v1/sync/run", json=RANGE)
        count, wrong = await all_answered(service, tries())
        assert not wrong, f"{len(wrong)} of {count}:\n" + "\n".join(wrong[:40])
        assert count >= least
        assert (await service.http.get("/api/v1/audit/verify")).json()["ok"]


async def test_what_looks_like_a_path_or_a_header_is_refused(migrated: str) -> None:
    async with running_service(migrated) as service:
        for raw in (
            b"/api/v1/%00",
            b"/%ff%fe",
            b"/api/v1/entries/%2e%2e%2f",
            b"//api//v1//",
            b"/%",
        ):
            answer = await service.http.get(httpx.URL(service.url).copy_with(raw_path=raw))
            assert answer.status_code in (400, 404), (raw, answer.text)
        page = await service.http.get(f"/{HTML}", headers={"Accept": "text/html"})
        assert page.status_code == 404
        assert not page.headers["content-type"].startswith("text/html")
        for name, value in (
            ("Authorization", "Bearer " + "x" * 5_000),
            ("Authorization", "Basic eDp5"),
            ("Cookie", f"timeledger_token={HTML}"),
            ("X-Min-Position", "9" * 30),
            ("If-Match", HTML),
            ("Prefer", HTML),
            ("X-Request-ID", HTML),
            ("User-Agent", HTML),
        ):
            answer = await service.http.get("/api/v1/connectors", headers={name: value})
            assert answer.status_code < 500, (name, answer.text)
            assert HTML not in str(answer.headers)

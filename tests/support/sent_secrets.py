"""Which texts of a request are secrets, by the names of its fields and headers."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from api.identity import COOKIE
from tests.support.known_secrets import NOWHERE, watch

PASSWORDS = frozenset({"password", "current_password", "new_password", "webhook_secret"})
TOKEN = "api_token"
ADDRESS = "url"  # of a channel: somewhere in it is a secret
CHANNELS = "/notifications"
WORTH_READING = re.compile(rb"password|token|secret|url")
LONGEST_BODY = 1 << 20  # bytes; what is longer is there to be refused
LOGIN = "/token"  # where a token is shown to whom it belongs
PIECES = re.compile(r"[/:@?&=#]+")
HOST = re.compile(r"[\w-]+(\.[\w-]+)+")

Leaf = tuple[str, str]  # the name of the field, and its text
Header = tuple[bytes, bytes]


@dataclass(frozen=True)
class Sent:
    """A request, as far as it can hold secrets; names of headers in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_login(self) -> bool:
        return self.path.rstrip("/").removeprefix("/api/v1") == LOGIN

    def watch(self) -> None:
        """Look for its secrets from now on, but for those that it shows elsewhere itself."""
        for name, text in _of_headers(self.headers):
            watch(f"the {name} of {self}", text)
        leaves = list(_leaves("", self._content()))
        shown = {text for name, text in leaves if not self._is_secret(name)}
        home = _port(next((text for name, text in leaves if name == "base_url"), ""))
        for name, text in leaves:
            if not self._is_secret(name) or text in shown or text in self.path:
                continue
            for each, port in self._parts(name, text, home):
                watch(f"the {name} of {self}", each, home=port)

    def _is_secret(self, name: str) -> bool:
        return name in PASSWORDS or name == TOKEN or (name == ADDRESS and CHANNELS in self.path)

    def _parts(self, name: str, text: str, home: int | None) -> Iterator[tuple[str, int | None]]:
        """The secret, or those of an address, with the port that each may go to."""
        if name in PASSWORDS:
            yield text, NOWHERE
        elif name == TOKEN:
            yield text, home
        else:
            port = _port(text)
            yield text, NOWHERE
            for piece in PIECES.split(text):
                if not HOST.fullmatch(piece):
                    yield unquote(piece), port

    def _content(self) -> Any:
        """The body as JSON or as the fields of a form; None when it is neither."""
        if not self.body or len(self.body) > LONGEST_BODY or not WORTH_READING.search(self.body):
            return None
        try:
            if "form-urlencoded" in self.headers.get("content-type", ""):
                return dict(parse_qsl(self.body.decode()))
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


def _of_headers(headers: Mapping[str, str]) -> Iterator[Leaf]:
    yield "Authorization", headers.get("authorization", "").rpartition(" ")[2]
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return
    if cookie is not None:
        yield "cookie", cookie.value


def _leaves(name: str, value: Any) -> Iterator[Leaf]:
    match value:
        case str():
            yield name, value
        case list():
            for each in value:
                yield from _leaves(name, each)
        case dict():
            for key, each in value.items():
                yield from _leaves(str(key), each)


def _port(url: str) -> int | None:
    """The port of an address; None when it names none that we could know."""
    try:
        return urlsplit(url).port
    except ValueError:
        return None


def login_without_its_token(headers: Sequence[Header], body: bytes) -> tuple[list[Header], bytes]:
    """What else the answer to a successful login says; its token is looked for from now on."""
    said = json.loads(body)
    token = said.pop("access_token")
    watch("a login token", token)
    own = f"{COOKIE}={token};".encode()
    rest = [
        (name, value.removeprefix(own) if name.lower() == b"set-cookie" else value)
        for name, value in headers
    ]
    return rest, json.dumps(said, ensure_ascii=False).encode()

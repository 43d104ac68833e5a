"""The two ways a search runs: SQL, or Elasticsearch with its lag, window and outages.

Source: peers/zammad.md §4.3. The Lucene part reads what API clients send: words, `field:value`,
ranges, AND, OR, NOT, parentheses, quotes and `*`.
"""

import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from adapters.sandbox.zammad import views
from adapters.sandbox.zammad.records import Ticket
from adapters.sandbox.zammad.store import Store

WINDOW = 10_000  # page * per_page beyond it is an Elasticsearch error: an empty answer
Document = Mapping[str, Any]
_Test = Callable[[Document], bool]
_TOKENS = re.compile(
    r'\(|\)|AND\b|OR\b|NOT\b|&&|\|\||!|[\w.]+:(?:\[[^\]]*\]|\{[^}]*\}|"[^"]*"|[^\s()]+)'
    r'|"[^"]*"|[^\s()]+'
)


class QueryError(ValueError):
    """The query cannot be parsed; Zammad logs that and answers an empty list."""


@dataclass
class SearchIndex:
    """An index that follows the tickets with a lag, and can be out of order."""

    lag: timedelta = timedelta()
    outage: bool = False

    def __post_init__(self) -> None:
        self._seen: dict[int, Ticket] = {}
        self._coming: deque[tuple[datetime, int, Ticket | None]] = deque()
        self._last: dict[int, Ticket] = {}

    def rebuild(self, store: Store) -> None:
        """Index everything as it is now."""
        self._coming.clear()
        self._seen = dict(store.tickets.rows)
        self._last = dict(self._seen)

    def note(self, store: Store) -> None:
        """Queue what changed since the last note; visible after the lag."""
        due = store.now() + self.lag
        rows = store.tickets.rows
        for ticket_id, ticket in rows.items():
            if self._last.get(ticket_id) is not ticket:
                self._coming.append((due, ticket_id, ticket))
        for ticket_id in self._last.keys() - rows.keys():
            self._coming.append((due, ticket_id, None))
        self._last = dict(rows)

    def tickets(self, store: Store) -> list[Ticket]:
        """The tickets as the index knows them."""
        now = store.now()
        while self._coming and self._coming[0][0] <= now:
            _, ticket_id, ticket = self._coming.popleft()
            if ticket is None:
                self._seen.pop(ticket_id, None)
            else:
                self._seen[ticket_id] = ticket
        return list(self._seen.values())


def ticket_document(store: Store, ticket: Ticket) -> Document:
    """What is indexed of a ticket."""
    shown = views.ticket_names(store, ticket)
    document = dict(shown)
    for name in ("state", "priority", "group", "organization"):
        document[f"{name}.name"] = shown.get(name)
    for role in ("owner", "customer"):
        user = store.users.get(shown[f"{role}_id"])
        if user is not None:
            document |= {f"{role}.login": user.login, f"{role}.email": user.email}
            document |= {f"{role}.firstname": user.firstname, f"{role}.lastname": user.lastname}
    found = store.articles.where("ticket", ticket.id)
    document["article.body"] = " ".join(article.body for article in found)
    return document


def lucene(query: str) -> _Test:
    """A test of documents for a query string, AND between its parts by default.

    Raises:
        QueryError: it does not parse.
    """
    tokens = _TOKENS.findall(query)
    test, rest = _either(tokens)
    if rest:
        raise QueryError(query)
    return test


def _either(tokens: list[str]) -> tuple[_Test, list[str]]:
    test, rest = _all(tokens)
    while rest and rest[0] in {"OR", "||"}:
        left, (right, rest) = test, _all(rest[1:])
        test = _or(left, right)
    return test, rest


def _all(tokens: list[str]) -> tuple[_Test, list[str]]:
    test, rest = _one(tokens)
    while rest and rest[0] not in {"OR", "||", ")"}:
        if rest[0] in {"AND", "&&"}:
            rest = rest[1:]
        left, (right, rest) = test, _one(rest)
        test = _and(left, right)
    return test, rest


def _one(tokens: list[str]) -> tuple[_Test, list[str]]:
    if not tokens or tokens[0] in {")", "AND", "OR", "&&", "||"}:
        raise QueryError("a term is missing")
    head, rest = tokens[0], tokens[1:]
    if head in {"NOT", "!"}:
        inner, rest = _one(rest)
        return (lambda document: not inner(document)), rest
    if head == "(":
        inner, rest = _either(rest)
        if not rest or rest[0] != ")":
            raise QueryError("a parenthesis is open")
        return inner, rest[1:]
    return _term(head), rest


def _or(left: _Test, right: _Test) -> _Test:
    return lambda document: left(document) or right(document)


def _and(left: _Test, right: _Test) -> _Test:
    return lambda document: left(document) and right(document)


def _term(token: str) -> _Test:
    name, colon, wanted = token.partition(":")
    if not colon:
        return lambda document: any(_word(token, value) for value in document.values())
    if wanted[:1] in {"[", "{"}:
        return _range(name, wanted)
    return lambda document: name in document and _word(wanted, document[name])


def _range(name: str, text: str) -> _Test:
    low, separator, high = text[1:-1].partition(" TO ")
    if not separator:
        raise QueryError(text)

    def test(document: Document) -> bool:
        value = document.get(name)
        if value is None:
            return False
        # ISO texts compare as their instants; a second without milliseconds sorts just above them.
        found = str(value).removesuffix("Z")
        return (low == "*" or found >= low.removesuffix("Z")) and (
            high == "*" or found <= high.removesuffix("Z")
        )

    return test


def _word(wanted: str, value: Any) -> bool:
    text = wanted.strip('"').lower()
    pattern = ".*".join(re.escape(part) for part in text.split("*"))
    found = str(value).lower() if value is not None else ""
    return re.search(rf"(?<!\w){pattern}(?!\w)", found) is not None

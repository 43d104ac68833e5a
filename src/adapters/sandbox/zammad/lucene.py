"""The part of Lucene's query language API clients send to Zammad.

Words, `field:value`, `field:>=value`, ranges, AND, OR, NOT, parentheses, quotes and `*`.
Source: peers/zammad.md §4.3.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from operator import ge, gt, le, lt
from typing import Any

from adapters.sandbox.zammad.records import stamp

Document = Mapping[str, Any]
_Test = Callable[[Document], bool]
_TOKENS = re.compile(
    r"\(|\)|AND\b|OR\b|NOT\b|&&|\|\||!"
    r'|[\w.]+:(?:\[[^\]]*\]|\{[^}]*\}|"[^"]*"|[^\s()]+)|"[^"]*"|[^\s()]+'
)
_SIDES = {">=": ge, "<=": le, ">": gt, "<": lt}
_OR, _AND = {"OR", "||"}, {"AND", "&&"}


class QueryError(ValueError):
    """The query cannot be parsed; Zammad logs that and answers an empty list."""


def lucene(query: str, zone: tzinfo = UTC) -> _Test:
    """A test of documents for a query string, AND between its parts by default.

    Dates without an offset are read in `zone`.

    Raises:
        QueryError: it does not parse.
    """
    test, rest = _Grammar(zone).either(_TOKENS.findall(query))
    if rest:
        raise QueryError(query)
    return test


@dataclass(frozen=True)
class _Grammar:
    """Recursive descent; every method answers a test and the tokens left."""

    zone: tzinfo

    def either(self, tokens: list[str]) -> tuple[_Test, list[str]]:
        test, rest = self._all(tokens)
        while rest and rest[0] in _OR:
            left, (right, rest) = test, self._all(rest[1:])
            test = _or(left, right)
        return test, rest

    def _all(self, tokens: list[str]) -> tuple[_Test, list[str]]:
        test, rest = self._one(tokens)
        while rest and rest[0] not in _OR and rest[0] != ")":
            if rest[0] in _AND:
                rest = rest[1:]
            left, (right, rest) = test, self._one(rest)
            test = _and(left, right)
        return test, rest

    def _one(self, tokens: list[str]) -> tuple[_Test, list[str]]:
        if not tokens or tokens[0] == ")" or tokens[0] in _OR | _AND:
            raise QueryError("a term is missing")
        head, rest = tokens[0], tokens[1:]
        if head in {"NOT", "!"}:
            inner, rest = self._one(rest)
            return (lambda document: not inner(document)), rest
        if head == "(":
            inner, rest = self.either(rest)
            if not rest or rest[0] != ")":
                raise QueryError("a parenthesis is open")
            return inner, rest[1:]
        return self._term(head), rest

    def _term(self, token: str) -> _Test:
        name, colon, wanted = token.partition(":")
        if not colon or token.startswith('"'):
            return lambda document: any(_word(token, value) for value in document.values())
        if wanted[:1] in {"[", "{"}:
            return self._range(name, wanted)
        for sign, side in _SIDES.items():
            if wanted.startswith(sign):
                return _bounded(name, [(side, self._bound(wanted.removeprefix(sign)))])
        return lambda document: name in document and _word(wanted, document[name])

    def _range(self, name: str, text: str) -> _Test:
        low, separator, high = text[1:-1].partition(" TO ")
        if not separator:
            raise QueryError(text)
        lower, upper = (ge, le) if text[0] == "[" else (gt, lt)
        return _bounded(
            name,
            [
                (side, self._bound(edge))
                for side, edge in ((lower, low.strip()), (upper, high.strip()))
                if edge != "*"
            ],
        )

    def _bound(self, text: str) -> str:
        """A date as documents hold it; anything else as it is."""
        try:
            at = datetime.fromisoformat(text.strip('"'))
        except ValueError:
            return text.strip('"')
        return stamp(at if at.tzinfo else at.replace(tzinfo=self.zone))


def _bounded(name: str, edges: list[tuple[Callable[[str, str], bool], str]]) -> _Test:
    def test(document: Document) -> bool:
        value = document.get(name)
        return value is not None and all(side(str(value), edge) for side, edge in edges)

    return test


def _or(left: _Test, right: _Test) -> _Test:
    return lambda document: left(document) or right(document)


def _and(left: _Test, right: _Test) -> _Test:
    return lambda document: left(document) and right(document)


def _word(wanted: str, value: Any) -> bool:
    text = wanted.strip('"').lower()
    pattern = ".*".join(re.escape(part) for part in text.split("*"))
    found = str(value).lower() if value is not None else ""
    return re.search(rf"(?<!\w){pattern}(?!\w)", found) is not None

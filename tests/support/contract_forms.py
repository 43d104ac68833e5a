"""The short forms in which the contract writes values and names in the query.

A value is `{id: int, email?, role: "admin"|"viewer", items: [{…}], tags[], is_active=true}`, a
name in the query `limit=50` (1..200). What is none of these raises `Unreadable`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

TYPES = {
    "int": "integer",
    "number": "number",
    "string": "string",
    "text": "string",
    "bool": "boolean",
    "object": "object",
    "null": "null",
    "true": "boolean",
    "false": "boolean",
}
NAMES = (
    *("AuditLog", "Channel", "Conflict", "Connector", "DiffItem", "Entry", "Event", "HistoryItem"),
    *("KPI", "Mapping", "Plan", "PlanSummary", "Schedule", "SyncResponse", "SyncRun", "User"),
    "row",  # of a plan, only within shapes
)
PAGE = ("1", "200")  # section 1: `limit=50` (1..200), wherever no other bounds are given
QUERY = re.compile(r"`(\w+)(?:(\?)|=([^`?]*)(\?)?)?`(?: \((.*?)\))?")
RANGE = re.compile(r"(?:(\d+)\.\.|≤ )([\d,]+)")
FIELD = re.compile(r"(\w+)(\[\])?(\?)?(?: \([^)]*\))?(\?)?(?:=([^:]+))?(?:: (.+))?")


class Unreadable(ValueError):
    """The contract says something in a form that is not known here."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """A name in the query: `limit=50` (1..200), `format=csv|json` (csv), `q?`."""

    name: str
    optional: bool
    default: str | None = None
    words: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What a value may be; without `types`, anything: `types` are JSON Schema's."""

    types: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    items: "Kind | None" = None
    fields: "tuple[Field, ...]" = ()
    name: str = ""  # of an object that the contract defines elsewhere


CURSOR = Kind(types=frozenset({"string", "null"}))  # section 1, of every list


@dataclass(frozen=True, kw_only=True)
class Field:
    """A name of an object: `email?`, `is_active=true`, `items: [{…}]`."""

    name: str
    optional: bool
    default: str | None = None
    kind: Kind = Kind()


def kind(text: str) -> Kind:
    """That of `int|null`, `"a"|"b"`, `Entry[]`, `[{…}]`, `{…}`; notes in brackets are left out."""
    plain = text.replace(r"\|", "|").replace("Plan[] (without rows)", "PlanSummary[]").strip()
    every = [_one(each) for each in _parts(re.sub(r" \(.*\)$", "", plain), "|")]
    return Kind(
        types=frozenset(name for each in every for name in each.types),
        words=frozenset(word for each in every for word in each.words),
        items=next((each.items for each in every if each.items), None),
        fields=tuple(field for each in every for field in each.fields),
        name="".join(each.name for each in every),
    )


def _one(text: str) -> Kind:
    inner = text[1:-1]
    match text[:1], text[-1:]:
        case '"', '"':
            return Kind(types=frozenset({"string"}), words=frozenset({inner}))
        case "[", "]":
            return array(Kind() if inner == "..." else kind(inner))
        case "{", "}":
            return Kind(types=frozenset({"object"}), fields=fields(inner))
        case _, "]" if text.endswith("[]"):
            return array(kind(text[:-2]))
        case _ if text in NAMES:
            return Kind(types=frozenset({"object"}), name=text)
        case _ if text in TYPES or text.isdecimal():
            return Kind(types=frozenset({TYPES.get(text, "integer")}))
        case _:
            raise Unreadable(text)


def array(items: Kind) -> Kind:
    return Kind(types=frozenset({"array"}), items=items)


def fields(inner: str) -> tuple[Field, ...]:
    """Those of `id, name?, is_active=true, items: [{…}], …`."""
    return tuple(_field(part) for part in _parts(inner.replace(r"\|", "|"), ",") if part != "…")


def _field(part: str) -> Field:
    named = FIELD.fullmatch(part)
    if not named:
        raise Unreadable(part)
    name, many, asked, asked_late, default, said = named.groups()
    if said:
        value = kind(said)
    else:
        value = array(Kind()) if many else CURSOR if name == "next_cursor" else Kind()
    optional = bool(asked or asked_late or default)
    return Field(name=name, optional=optional, default=default, kind=value)


def _parts(inner: str, sign: str) -> Iterator[str]:
    """The text between those signs that stand in no brackets and no quotes."""
    depth, quoted, cuts = 0, False, [-1]
    for place, each in enumerate(inner):
        quoted ^= each == '"'
        if not quoted:
            depth += (each in "{[(") - (each in "}])")
            if each == sign and not depth:
                cuts.append(place)
    yield from (inner[a + 1 : b].strip() for a, b in pairwise([*cuts, len(inner)]))


def queries(cell: str) -> Iterator[Query]:
    """The names in it, each with what stands behind it in brackets."""
    for name, bare, default, open_end, note in QUERY.findall(without_asides(cell)):
        words = tuple(default.split(r"\|")) if r"\|" in default else ()
        if note.startswith("also "):
            words = (default, *_signed(note.removeprefix("also ").split(", ")))
        first = re.split("[;,]", note)[0].strip()
        paged = name in ("limit", "pageSize")
        least, most = next(iter(RANGE.findall(note)), PAGE if default == "50" else ("", ""))
        yield Query(
            name=name,
            optional=bool(bare or default or open_end),
            default=_default(default, first, words),
            words=words,
            least=int(least) if paged and least else None,
            most=int(most) if paged and most else None,
        )


def _default(said: str, first: str, words: Sequence[str]) -> str | None:
    """Of words it is the first in the brackets behind them, unless it stands before all others."""
    if said in words or not words:
        return said or None
    return first if first in words else None


def _signed(words: Iterable[str]) -> Iterator[str]:
    """`±minutes` is `minutes` and `-minutes`."""
    for word in words:
        yield word.removeprefix("±")
        if word.startswith("±"):
            yield "-" + word.removeprefix("±")


def without_asides(cell: str) -> str:
    """Names in brackets that explain others are not names of the query."""
    return re.sub(r"\(([^()]*`[^()]*)\)", lambda aside: f"({aside[1].replace('`', '')})", cell)

"""The contract's tables of routes, read as promises: what each route takes, answers and refuses.

The text is written for people, in short forms ("as above", two routes in a cell); what is read
here are the forms that it uses, and a form that is not understood raises, so that a promise is
never lost silently.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

METHOD = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE)\b")
PATH = re.compile(r"`(/[^`]*)`")
CELL = re.compile(r"(?<!\\)\|")
ROLES = {"-": "", "V": "viewer", "O": "operator", "A": "admin"}
RANKS = list(ROLES.values())
AS_ABOVE = "as above"  # of sets of routes: reading is a viewer's, changing an administrator's
PAGE = ("1", "200")  # section 1: `limit=50` (1..200), wherever no other bounds are given
STATUS = re.compile(r"\b(20[0-9]|[45][0-9][0-9])\b")
QUERY = re.compile(r"`(\w+)(?:(\?)|=([^`?]*)(\?)?)?`(?: \((.*?)\))?")
RANGE = re.compile(r"(?:(\d+)\.\.|≤ )(\d+)")
EXAMPLE = re.compile(r"^```json\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHAPE = re.compile(r"^(?:● )?([A-Z]\w+): `(\{.*?\})`", re.MULTILINE)


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
class Field:
    """A name of an object: `email?`, `is_active=true`, `username`."""

    name: str
    optional: bool
    default: str | None = None


@dataclass(frozen=True, kw_only=True)
class Promise:
    """One row of a table of routes; rows that say "as above" have taken what is above."""

    routes: tuple[str, ...]  # "GET /entries/{}"
    role: str
    query: tuple[Query, ...] = ()
    bodies: tuple[tuple[Field, ...], ...] = ()  # one is taken, of those offered
    statuses: frozenset[int] = frozenset()
    answers: tuple[tuple[Field, ...], ...] = ()
    text: Mapping[str, str] = field(default_factory=dict)


def promises(text: str) -> list[Promise]:
    """All rows of all tables whose first column is headed Route."""
    found: list[Promise] = []
    heads: list[str] = []
    for line in text.splitlines():
        if not line.startswith("| "):
            heads = []
            continue
        cells = [cell.strip() for cell in CELL.split(line)[1:-1]]
        if cells[0] == "Route":
            heads = cells
        elif heads and cells[0] != "---":
            found.append(_promise(dict(zip(heads, cells, strict=True)), found))
    return found


def shapes(text: str) -> dict[str, tuple[Field, ...]]:
    """Objects that the text defines in a line of their own: "User: `{id: int, …}`"."""
    return {name: fields(braces) for name, braces in SHAPE.findall(text)}


def examples(text: str) -> list[dict[str, Any]]:
    """The objects that its blocks of JSON show, in order."""
    return [json.loads(block) for block in EXAMPLE.findall(text)]


def _promise(row: dict[str, str], above: list[Promise]) -> Promise:
    cell, taken = row["Route"], row.get("Input", "-")
    if taken == "same":
        taken = above[-1].text["Input"]
    listed = tuple(dict.fromkeys(routes(cell)))
    reads = all(route.startswith("GET") for route in listed)
    bodies = () if reads else tuple(_objects(taken))
    return Promise(
        routes=listed,
        role=_role(row["Role"]),
        query=tuple(_asked(taken, bodies, reads=reads)),
        bodies=bodies,
        statuses=frozenset(
            int(status)
            for name in ("Success", "Errors")
            for status in STATUS.findall(re.sub(r"`[^`]*`", "", row.get(name, "")))
        ),
        answers=tuple(_objects(row["Success"])) if len(listed) == 1 else (),
        text={**row, "Input": taken},
    )


def _role(cell: str) -> str:
    """The least that may ask: `V`; "A; O for a bare `{id}`"; "- or bearer (`metrics_token`)"."""
    if cell == "as above":
        return AS_ABOVE
    return min((ROLES[part.split()[0]] for part in cell.split(";")), key=RANKS.index)


def _asked(taken: str, bodies: Sequence[tuple[Field, ...]], *, reads: bool) -> Iterator[Query]:
    """The names in the query: all of a read's, else those that are said to be there."""
    if reads:
        yield from _query(re.sub(r"`\{.*?\}`", "", taken))
    elif "the same names in the query" in taken:
        yield from (Query(name=each.name, optional=True) for body in bodies for each in body)
    elif found := re.search(r"query (.*?)(\. |$)", taken):
        yield from _query(found[1])


def _query(cell: str) -> Iterator[Query]:
    for name, bare, default, open_end, note in QUERY.findall(_without_asides(cell)):
        words = tuple(default.split(r"\|")) if r"\|" in default else ()
        first = re.split("[;,]", note)[0].strip()
        paged = name in ("limit", "pageSize")
        least, most = next(iter(RANGE.findall(note)), PAGE if default == "50" else ("", ""))
        yield Query(
            name=name,
            optional=bool(bare or default or open_end),
            default=(first if first in words else None) if words else default or None,
            words=words,
            least=int(least) if paged and least else None,
            most=int(most) if paged and most else None,
        )


def _without_asides(cell: str) -> str:
    """Names in brackets that explain others are not names of the query."""
    return re.sub(r"\(([^()]*`[^()]*)\)", lambda aside: f"({aside[1].replace('`', '')})", cell)


def _objects(cell: str) -> Iterator[tuple[Field, ...]]:
    for code in re.findall(r"`(\[?\{[^`]*)`", cell):
        yield fields(code.strip("[]"))


def fields(code: str) -> tuple[Field, ...]:
    """Those of `{id, name?, is_active=true, items: [{…}]}`, of its first level."""
    inner = code.replace(r"\|", "|").strip()
    assert inner[0] + inner[-1] == "{}", code
    parts = list(_parts(inner[1:-1]))
    return tuple(found for part in parts if (found := _field(part)))


def _parts(inner: str) -> Iterator[str]:
    depth, cuts = 0, [-1]
    for place, sign in enumerate(inner):
        depth += (sign in "{[(<") - (sign in "}])>")
        if sign == "," and not depth:
            cuts.append(place)
    yield from (inner[a + 1 : b].strip() for a, b in pairwise([*cuts, len(inner)]))


def _field(part: str) -> Field | None:
    if part == "…":
        return None
    named = re.match(r"(\w+)(\[\])?(?: \([^)]*\))?(\?|=(\S+))?", part)
    assert named, part
    return Field(name=named[1], optional=bool(named[3]), default=named[4])


def routes(cell: str) -> Iterator[str]:
    """Those of one cell: ``GET, POST `/a/`; GET `/a/{id}/b`, `/c` ``."""
    if "/mappings/projects" in cell:
        yield from (route.replace("/users", "/projects") for route in mapping_routes())
        return
    if "/mappings/users" in cell:
        yield from mapping_routes()
        return
    for part in re.sub(r"\(also.*\)", "", cell).split(";"):
        former = ""
        for path in PATH.findall(part):
            whole = path
            if former.count("/") > 1 and path.count("/") == 1:  # a sibling of the one before
                whole = former.rpartition("/")[0] + path
            former = whole
            yield from (f"{method} {plain(whole)}" for method in METHOD.findall(part))


def mapping_routes() -> Iterator[str]:
    base = "/mappings/users"
    yield from (f"{method} {base}" for method in ("GET", "POST"))
    yield from (f"{method} {base}/{{}}" for method in ("GET", "PATCH", "DELETE"))
    yield from (f"GET {base}/export", f"POST {base}/import")


def plain(path: str) -> str:
    """Without prefix, closing slash and the names of its parameters."""
    path = path.removeprefix("/api/v1")
    return re.sub(r"\{[^}]*\}", "{}", path).rstrip("/")

"""The contract's tables of routes, read as promises: what each route takes, answers and refuses.

The text is written for people, in short forms ("as above", two routes in a cell). Each cell is
taken apart into the forms that are known here; what is left of it must be one of the asides of
`contract_asides.py`, else `Unreadable` is raised, so that no promise is lost silently. What stands
in brackets behind a name of the query is the one prose that is not held to that list.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from tests.support import contract_forms as forms
from tests.support.contract_asides import ASIDES
from tests.support.contract_forms import Field, Kind, Query, Unreadable

METHOD = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE)\b")
PATH = re.compile(r"`(/[^`]*)`")
CELL = re.compile(r"(?<!\\)\|")
ROLES = {"-": "", "V": "viewer", "O": "operator", "A": "admin"}
RANKS = list(ROLES.values())
AS_ABOVE = "as above"  # of sets of routes: reading is a viewer's, changing an administrator's
ADDED = "id, created_at, updated_at, version"  # what an "object" has beside what was sent
ANSWERS = re.compile(
    r"`(?P<shape>\[?\{[^`]*)`"
    r"|(?:(?P<file>`[\w-]+\.csv`),? )?columns `(?P<columns>[\w,]+)`"
    r"|(?P<status>\b[245]\d\d\b)"
    r"|\bobject(?: plus `(?P<plus>[^`]*)`)?"
    r"|\b(?P<noun>project|user) `(?P<more>[\w, ]+)`"
    r"|\b(?P<name>" + "|".join(forms.NAMES[:-1]) + r")\b(?P<many>\[\])?(?: \(adds `[^`]*`\))?"
)
REFUSALS = re.compile(r"(?P<status>\b[245]\d\d\b)|(?<!with )`(?P<code>[a-z]+_?[a-z_]*)`")
EVENTS = re.compile(r"`([A-Z]\w+)`((?:/`[A-Z]\w+`)*)")
BODIES = re.compile(
    r"`\{(?P<object>[^`]*)\}`"
    r"|\b(?:form|any of) (?P<form>`[\w, ]+`(?:, `\w+`)*)"
    r"|any field of POST, also `(?P<also>\w+)`"
    r"|multipart `(?P<file>\w+)`"
)
REFUSED_INPUT = re.compile(r"is (\d{3}) `(\w+)`")
ASKED = re.compile(r"query (?P<query>.*?)(?:\. |$)")
LIKE = re.compile(r"\bas (above|test|row op|POST|`/sync/run`)")
PART = re.compile(r" / |; `/events/\{position\}` \(only `form`\): ")
NAMED = {"test": "POST /connectors/test", "row op": "POST /reconcile/row/{}"}
Object: TypeAlias = tuple[Field, ...]
Code: TypeAlias = tuple[int | None, str]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a route says when all goes well; without `kind` nothing, or a file."""

    status: int
    kind: Kind | None = None


@dataclass(frozen=True, kw_only=True)
class Promise:
    """One row of a table of routes; rows that say "as above" have taken what is above."""

    routes: tuple[str, ...]  # "GET /entries/{}"
    role: str
    query: tuple[Query, ...] = ()
    bodies: tuple[Object, ...] = ()  # one is taken, of those offered
    answers: Mapping[str, tuple[Answer, ...]] = field(default_factory=dict)
    columns: tuple[str, ...] = ()  # of the file, if it says them
    codes: frozenset[Code] = frozenset()  # of refusals
    events: frozenset[str] = frozenset()
    asides: frozenset[str] = frozenset()
    taken: str = ""


def promises(text: str) -> list[Promise]:
    """All rows of all tables whose first column is headed Route."""
    found: list[Promise] = []
    for row in rows(text, "Route"):
        found.append(_promise(row, found))
    return found


def rows(text: str, head: str) -> Iterator[dict[str, str]]:
    """Those of all tables whose first column is headed so, by the heads of their columns."""
    heads: list[str] = []
    for line in text.splitlines():
        if not line.startswith("| "):
            heads = []
            continue
        cells = [cell.strip() for cell in CELL.split(line)[1:-1]]
        if cells[0] == head:
            heads = cells
        elif heads and cells[0] != "---":
            yield dict(zip(heads, cells, strict=True))


def _promise(row: dict[str, str], above: list[Promise]) -> Promise:
    taken, said = row.get("Input", "-"), row["Success"]
    refusals, appended = row.get("Errors", ""), row.get("Events", "")
    if taken == "same":
        taken = above[-1].taken
    listed = tuple(dict.fromkeys(routes(row["Route"], above)))
    reads = all(route.startswith("GET") for route in listed)
    bodies = () if reads else tuple(_bodies(taken, listed, above))
    like = _like(refusals, listed, above)
    refused = frozenset([*codes(refusals), *refused_input(taken)])
    former = above[-1].events if "as above" in appended else ()
    left = (
        _input_left(taken, reads=reads),
        LIKE.sub("·", ANSWERS.sub("·", said)),
        _refusals_left(refusals),
        LIKE.sub("·", EVENTS.sub("·", appended)).removeprefix("-"),
    )
    return Promise(
        routes=listed,
        role=_role(row["Role"]),
        query=tuple(_asked(taken, bodies, above, reads=reads)),
        bodies=bodies,
        columns=_columns(said),
        answers=_answers(said, listed, bodies, above),
        codes=like.codes | refused,
        events=frozenset([*events(appended), *former]),
        asides=frozenset(aside for each in left if (aside := _aside(each))),
        taken=taken,
    )


def _aside(cell: str) -> str:
    """What no form has taken of a cell; raises Unreadable when it is not a known aside."""
    text = re.sub(r"(?:·[ ,;/]*)+", "· ", cell.strip(" ·,;/.+")).strip(" ·,;/.+")
    if re.fullmatch(r"(?:[·\s,;/.]|\bor\b|\band\b)*", text):
        return ""
    if text not in ASIDES:
        raise Unreadable(text)
    return text


def _role(cell: str) -> str:
    """The least that may ask: `V`; "A; O for a bare `{id}`"; "- or bearer (`metrics_token`)"."""
    if cell == "as above":
        return AS_ABOVE
    return min((ROLES[part.split()[0]] for part in cell.split(";")), key=RANKS.index)


def _like(cell: str, listed: Sequence[str], above: Sequence[Promise]) -> Promise:
    """The row that a cell refers to: "as above", "as POST", "as row op"; else an empty one."""
    found = LIKE.search(cell)
    if found is None:
        return Promise(routes=(), role="")
    if found[1] == "above":
        return _row(above, "POST /mappings") if "/mappings/" in listed[0] else above[-1]
    if found[1] == "POST":
        return _row(above, "POST " + listed[0].split()[1].removesuffix("/{}"))
    return _row(above, NAMED.get(found[1]) or "POST " + found[1].strip("`"))


def _row(above: Sequence[Promise], route: str) -> Promise:
    for row in above:
        if route in row.routes:
            return row
    raise Unreadable(route)


def _bodies(cell: str, listed: Sequence[str], above: Sequence[Promise]) -> Iterator[Object]:
    for found in BODIES.finditer(cell):
        if found["object"]:
            yield forms.fields(found["object"])
        elif found["form"]:
            partial = found[0].startswith("any of")
            named = forms.fields(found["form"].replace("`", ""))
            yield tuple(replace(each, optional=partial) for each in named)
        elif found["also"]:
            sent = _row(above, "POST " + listed[0].split()[1].removesuffix("/{}")).bodies[0]
            if found["also"] not in {each.name for each in sent}:
                raise Unreadable(found[0])
            yield tuple(replace(each, optional=True, default=None) for each in sent)
        else:
            yield (Field(name=found["file"], optional=False),)


def _asked(
    taken: str, bodies: Sequence[Object], above: Sequence[Promise], *, reads: bool
) -> Iterator[Query]:
    """The names in the query: all of a read's, else those that are said to be there."""
    if reads:
        yield from forms.queries(re.sub(r"`\{.*?\}`", "", taken))
        if re.search("all filters|the filters above", taken):
            former = next(row for row in reversed(above) if "GET" in row.routes[0])
            yield from (each for each in former.query if each.name not in ("skip", "limit"))
    elif "the same names in the query" in taken:
        yield from (Query(name=each.name, optional=True) for body in bodies for each in body)
    elif found := ASKED.search(taken):
        yield from forms.queries(found["query"])


def _input_left(taken: str, *, reads: bool) -> str:
    if reads:
        return forms.QUERY.sub("·", forms.without_asides(taken)).removeprefix("-")
    left = BODIES.sub("·", REFUSED_INPUT.sub("·", taken)).removeprefix("-")
    return ASKED.sub(lambda found: forms.QUERY.sub("·", found[0]), left)


def refused_input(cell: str) -> Iterator[Code]:
    """What a sentence on the input ends in: "a different `type` is 422 `type_immutable`"."""
    yield from ((int(status), code) for status, code in REFUSED_INPUT.findall(cell))


def codes(cell: str) -> Iterator[Code]:
    """Each status with each code that stands behind it; a status alone has the code ""."""
    status = None
    for found in REFUSALS.finditer(re.sub(r"\([^()]*\)", "", cell)):
        if found["status"]:
            status = int(found["status"])
        yield status, found["code"] or ""


def events(cell: str) -> Iterator[str]:
    for name, endings in EVENTS.findall(cell):
        yield from siblings(name, endings)


def _refusals_left(cell: str) -> str:
    plain = re.sub(r" ?\([^()]*\)", lambda note: note[0].replace("`", "'"), cell)
    return LIKE.sub("·", REFUSALS.sub("·", plain))


def siblings(name: str, endings: str) -> Iterator[str]:
    """``SyncRunCompleted`/`Failed`` are two; a whole name after the stroke stands for itself."""
    yield name
    for ending in re.findall(r"\w+", endings):
        alone = len(re.findall("[A-Z]", ending)) > 1
        yield ending if alone else re.sub(r"[A-Z][a-z]+$", ending, name)


def _answers(
    cell: str, listed: Sequence[str], bodies: Sequence[Object], above: Sequence[Promise]
) -> Mapping[str, tuple[Answer, ...]]:
    """What each of the routes answers: all of them alike, or each its part of the cell."""
    if LIKE.search(cell):
        return {route: next(iter(_like(cell, listed, above).answers.values())) for route in listed}
    if cell.startswith("object"):
        return _of_objects(cell, listed, bodies, above)
    parts = [tuple(answers(part)) for part in PART.split(cell)]
    if len(parts) == len(listed):
        return dict(zip(listed, parts, strict=True))
    if len(parts) == 1:
        return {route: tuple(_with_more(parts[0], cell, route)) for route in listed}
    said = [answer for part in parts for answer in part]
    shared = {route: _of_set(route, said[-2].kind or Kind()) for route in listed}
    if {repr(each) for each in shared.values()} != {repr(each) for each in said}:
        raise Unreadable(cell)
    return {route: (answer,) for route, answer in shared.items()}


def answers(part: str) -> Iterator[Answer]:
    """Each shape under the statuses before it, or the former ones; 200 when none was said."""
    waiting: list[int] = []
    last = [200]
    for found in ANSWERS.finditer(part):
        if found["status"]:
            waiting.append(int(found["status"]))
        elif found["shape"] or found["name"]:
            last, waiting = waiting or last, []
            said = found["shape"] or f"{found['name']}{found['many'] or ''}"
            yield from (Answer(status=status, kind=forms.kind(said)) for status in last)
    yield from (Answer(status=status) for status in waiting)


def _with_more(answers: Sequence[Answer], cell: str, route: str) -> Iterator[Answer]:
    """``project `customer_id` `` is what that list has beyond what all of them have."""
    more = {found["noun"]: found["more"] for found in ANSWERS.finditer(cell) if found["noun"]}
    extra = next((more[noun] for noun in more if route.endswith(f"/{noun}s")), "")
    for answer in answers:
        if not extra or answer.kind is None or answer.kind.items is None:
            yield answer
            continue
        items = answer.kind.items
        whole = replace(items, fields=(*items.fields, *forms.fields(extra)))
        yield replace(answer, kind=forms.array(whole))


def _of_objects(
    cell: str, listed: Sequence[str], bodies: Sequence[Object], above: Sequence[Promise]
) -> Mapping[str, tuple[Answer, ...]]:
    """Sets like that of `/mappings/`: what is sent comes back, with what every object has."""
    found = ANSWERS.fullmatch(cell)
    if found is None:
        raise Unreadable(cell)
    sent = tuple(replace(each, default=None) for each in bodies[0])
    added = forms.fields(", ".join(filter(None, (ADDED, found["plus"]))))
    whole = Kind(types=frozenset({"object"}), fields=(*sent, *added))
    return {route: tuple(_of_files(route, above)) or (_of_set(route, whole),) for route in listed}


def _of_files(route: str, above: Sequence[Promise]) -> Iterator[Answer]:
    """What export and import of the mappings above answer, as far as it is the same here."""
    method, path = route.split()
    if path.endswith(("/export", "/import")):
        model = f"{method} /mappings/{path.rpartition('/')[2]}"
        yield from map(_top, _row(above, model).answers[model])


def _top(answer: Answer) -> Answer:
    """Only its first names: those of its rows are other ones in another table."""
    if answer.kind is None:
        return answer
    names = tuple(replace(each, kind=Kind(types=each.kind.types)) for each in answer.kind.fields)
    return replace(answer, kind=replace(answer.kind, fields=names))


def _of_set(route: str, one: Kind) -> Answer:
    method, path = route.split()
    if method == "DELETE":
        return Answer(status=204)
    if method == "GET" and not path.endswith("{}"):
        return Answer(status=200, kind=forms.array(one))
    return Answer(status=201 if method == "POST" else 200, kind=one)


def _columns(cell: str) -> tuple[str, ...]:
    found = re.search(r"columns `([\w,]+)`", cell)
    return tuple(found[1].split(",")) if found else ()


def routes(cell: str, above: Sequence[Promise] = ()) -> Iterator[str]:
    """Those of one cell: ``GET, POST `/a/`; GET `/a/{id}/b`, `/c` ``.

    Where no method is said, an import is a POST, all else a GET.
    """
    if cell.startswith("same set under"):
        before, after = above[-1].routes[0].split()[1], plain(PATH.findall(cell)[0])
        yield from (route.replace(before, after) for route in above[-1].routes)
        return
    for part in re.sub(r"\(also.*\)", "", cell).split(";"):
        former = ""
        for path in PATH.findall(part):
            whole = path
            if former.count("/") > 1 and path.count("/") == 1:  # a sibling of the one before
                whole = former.rpartition("/")[0] + path
            former = whole
            supposed = ["POST" if whole.endswith("/import") else "GET"]
            methods = METHOD.findall(part) or supposed
            yield from (f"{method} {plain(whole)}" for method in methods)


def plain(path: str) -> str:
    """Without prefix, closing slash and the names of its parameters."""
    path = path.removeprefix("/api/v1")
    return re.sub(r"\{[^}]*\}", "{}", path).rstrip("/")

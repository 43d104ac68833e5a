"""What the contract says outside of its tables of routes, in other tables and in sentences."""

import json
import re
from collections.abc import Mapping
from typing import Any

from tests.support import contract, contract_forms
from tests.support.contract import Promise
from tests.support.contract_forms import Kind, Unreadable

CODE = re.compile(r"`([^`]*)`")
EXAMPLE = re.compile(r"^```json\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHAPE = re.compile(r"^(?:● )?([A-Z]\w+): `(\{.*?\})`(?:.*; (row): `(\{.*?\})`)?", re.MULTILINE)
CHOICE = re.compile(r"((?:`\w+`\\\|)+`\w+`)[,;] `(\w+)`")
STREAM = r"^GET `/stream` \((.), .*?; (.*?)\) →.*?`\?(\w+)=`"
WEBHOOK = "POST /webhook/zammad"


def definitions(text: str) -> dict[str, Kind]:
    """Objects that the text defines beside its tables of routes: "User: `{id: int, …}`"."""
    found = {
        name: contract_forms.kind(braces)
        for pairs in SHAPE.findall(text)
        for name, braces in (pairs[:2], pairs[2:])
        if name
    }
    return found | {"SyncResponse": _sync_response(text), "Channel": _channel(text)}


def _sync_response(text: str) -> Kind:
    cells = [row[""] for row in contract.rows(text, "`SyncResponse`")]
    return contract_forms.kind(f"{{{', '.join(CODE.findall(' '.join(cells[:2])))}}}")


def _channel(text: str) -> Kind:
    """What is sent to make one, and what answers add."""
    added = _found(r"Channel \(adds `(.*?)`\)", text)[1]
    sent = next(row for row in contract.promises(text) if "POST /notifications" in row.routes)
    more = contract_forms.fields(added)
    return Kind(types=frozenset({"object"}), fields=(*sent.bodies[0], *more))


def examples(text: str) -> list[dict[str, Any]]:
    """The objects that its blocks of JSON show, in order."""
    return [json.loads(block) for block in EXAMPLE.findall(text)]


def codes(text: str) -> set[tuple[int, str]]:
    """Section 3's closed list; "400 / 404" heads a cell of two parts."""
    found = set()
    for row in contract.rows(text, "Status"):
        parts = re.sub(r"\([^)]*\)", "", row["Codes"]).split(" / ")
        for status, part in zip(row["Status"].split(" / "), parts, strict=True):
            found |= {(int(status), code) for code in CODE.findall(part)}
    return found


def actions(text: str) -> dict[str, tuple[str, ...]]:
    """Section 17: each event with its audit actions; those in `/events` only have none."""
    found: dict[str, tuple[str, ...]] = {}
    for row in contract.rows(text, "Stream"):
        for chunk in row["Event → audit action"].split(";"):
            names, _, said = chunk.partition(" → ")
            if "likewise" in said:
                found |= _likewise(names, said, found)
            elif "/" in names:
                found |= zip(contract.events(names), _endings(said), strict=True)
            else:
                listed = tuple(CODE.findall(said))
                found |= dict.fromkeys(contract.events(names), listed)
    return found


def _endings(said: str) -> list[tuple[str, ...]]:
    """`channel_created`/`_updated` are two actions."""
    first, *others = CODE.findall(said)
    return [(first,), *((first.partition("_")[0] + ending,) for ending in others)]


def _likewise(
    names: str, said: str, found: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """`UserMappingSet` has the actions of `MappingSet`, with `user_mapping_…` for `mapping_…`."""
    made = {}
    for group, prefix in zip(names.split(", "), CODE.findall(said), strict=True):
        for event in contract.events(group):
            model = found[event[event.index("Mapping") :]]
            base = prefix.rstrip("…")
            made[event] = tuple(base + each.removeprefix("mapping_") for each in model)
    return made


def in_sentences(text: str) -> list[Promise]:
    """The routes of sections 11 to 13, which stand in no table of routes."""
    role, types, after = _found(STREAM, text).groups()
    cell = next(row for row in contract.rows(text, "Item") if row["Item"] == "GET `/diff` (V)")
    asked, _, said = cell["Rule"].partition(" → ")
    answered = [each["Answer"] for each in contract.rows(text, "Order")]
    return [
        Promise(
            routes=("GET /stream",),
            role=contract.ROLES[role],
            query=tuple(contract_forms.queries(f"{types}, `{after}?`")),
        ),
        Promise(
            routes=("GET /diff",),
            role="viewer",
            query=tuple(contract_forms.queries(asked)),
            answers={"GET /diff": tuple(contract.answers(said.partition(";")[0]))},
            codes=frozenset(contract.refused_input(said)),
        ),
        Promise(
            routes=(WEBHOOK,),
            role="",
            answers={WEBHOOK: tuple(each for cell in answered for each in contract.answers(cell))},
            codes=frozenset(code for cell in answered for code in contract.codes(cell)),
            events=frozenset(event for cell in answered for event in contract.events(cell)),
        ),
    ]


def with_a_past(text: str) -> tuple[str, ...]:
    """The families of routes whose GETs take `as_of`, without what is said to be left out."""
    said = _found(r"^Every GET of (.*?), with sub-routes and exports, takes `as_of`", text)[1]
    return tuple(re.split(", | and ", re.sub(r" \(.*?\)", "", said)))


def choices(text: str, head: str) -> list[tuple[list[str], list[tuple[list[str], str]]]]:
    """Of each row of settings the names, and the words and default of each that has words."""
    return [
        (
            CODE.findall(row[head]),
            [
                (CODE.findall(words), default)
                for words, default in CHOICE.findall(row["Type, default"])
            ],
        )
        for row in contract.rows(text, head)
    ]


def frames(text: str) -> dict[str, set[str]]:
    """Section 12: the names in the data of each kind of frame, in its table and its block."""
    shown = re.findall(r"^event: (\S+)\ndata: (.*)", text, re.MULTILINE)
    told = [
        (CODE.findall(row["`event`"])[0], CODE.findall(row["`data`"])[0])
        for row in contract.rows(text, "`event`")
    ]
    return {kind: set(json.loads(data)) for kind, data in (*shown, *told)}


def column(text: str, head: str, under: str = "") -> list[str]:
    """The words of a column of the table whose first column is headed so: of the first, or of
    the one headed `under`."""
    return [word for row in contract.rows(text, head) for word in CODE.findall(row[under or head])]


def rule(text: str, head: str, item: str) -> list[str]:
    """The words behind an item in the table with that head, without what is in brackets."""
    return CODE.findall(_rule(text, head, item).partition("; `cause")[0])


def statuses(text: str) -> dict[str, str]:
    """Of each state of a run the status: "`failed`, `cancelled` → `failed`"."""
    found: dict[str, str] = {}
    for chunk in _rule(text, "`SyncRun`", "`state` → `status`").split(";"):
        *states, status = CODE.findall(chunk)
        found |= dict.fromkeys(states, status)
    return found


def _rule(text: str, head: str, item: str) -> str:
    for row in contract.rows(text, head):
        if row[head] == item:
            return re.sub(r"\(.*?\)", "", row["Rule"])
    raise Unreadable(item)


def listed(text: str, before: str, end: str = ";") -> list[str]:
    """The words that stand between those two texts."""
    return CODE.findall(_found(re.escape(before) + r"(.*?)" + re.escape(end), text)[1])


def _found(pattern: str, text: str) -> re.Match[str]:
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise Unreadable(pattern)
    return found

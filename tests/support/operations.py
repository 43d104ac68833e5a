"""The OpenAPI document as the comparison with the contract asks for it: route by route."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from api import schema
from tests.support import contract
from tests.support.contract_forms import Field, Kind, Query

DOCUMENT = schema.document()
COMPONENTS = DOCUMENT["components"]["schemas"]
Operation: TypeAlias = Mapping[str, Any]
Shape: TypeAlias = Mapping[str, Any]

OPERATIONS: Mapping[str, Operation] = {
    f"{method.upper()} {contract.plain(path)}": operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
# What the contract calls an object, where ours is not that name with "Out".
OURS = {
    "HistoryItem": "HistoryItem",
    "KPI": "KpiOut",
    "PlanSummary": "PlanSummaryOut",
    "SyncResponse": "SyncResponse",
    "row": "PlanRowOut",
}


def component(name: str) -> str:
    return OURS.get(name, f"{name}Out")


def role(operation: Operation) -> str:
    """The role that the document says it needs; "" for a route without login."""
    needed = [
        scope for way in operation.get("security", []) for each in way.values() for scope in each
    ]
    assert len(needed) <= 1
    return needed[0] if needed else ""


def headers(operation: Operation) -> set[str]:
    parameters = operation.get("parameters", [])
    return {each["name"].lower() for each in parameters if each["in"] == "header"}


def queries(operation: Operation) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in operation.get("parameters", []) if each["in"] == "query"}


def bodies(operation: Operation) -> list[Shape]:
    """The objects that it takes: one, or one of several."""
    contents = operation["requestBody"]["content"].values()
    return [each for content in contents for each in leaves(content["schema"])]


def answered(operation: Operation, status: int) -> list[Shape]:
    """What it answers with that status, as JSON."""
    contents = operation["responses"][str(status)].get("content", {})
    return [content["schema"] for kind, content in contents.items() if kind == "application/json"]


def differs(query: Query, served: Operation) -> str:
    """What the document says otherwise of it; "" when nothing."""
    said = referred(served["schema"])
    said = {**said, **next((each for each in said.get("anyOf", []) if "enum" in each), {})}
    words = set(said.get("enum", ()))
    if query.optional == served.get("required", False):
        return "required"
    if query.words and words != set(query.words):
        return f"words {words}"
    default = said.get("default")
    if query.default not in (None, "head", "now") and str(default).lower() != query.default:
        return f"default {default}"
    bounds = (query.least, query.most)
    if query.most and (said.get("minimum") if query.least else None, said["maximum"]) != bounds:
        return f"bounds {said}"
    return ""


def faults(promised: Kind, shape: Shape, where: str) -> Iterator[str]:
    """Where a schema is not what the contract says; what it has beyond is no fault."""
    every = list(leaves(shape))
    if promised.name:
        names = {each.get("title") for each in every if each.get("type") != "null"}
        if names != {component(promised.name)}:
            yield f"{where}: {promised.name} is {names}"
    if promised.types and types(every) != promised.types:
        yield f"{where}: {sorted(promised.types)} is {sorted(types(every))}"
    yield from _other_words(promised.words, every, where)
    for each in promised.fields:
        yield from _field_faults(each, every, f"{where}.{each.name}")
    if promised.items:
        held = [each["items"] for each in every if "items" in each]
        yield from faults(promised.items, {"anyOf": held}, f"{where}[]")


def _field_faults(promised: Field, objects: Sequence[Shape], where: str) -> Iterator[str]:
    having = [each for each in objects if promised.name in each.get("properties", {})]
    if not having:
        yield f"{where}: is not there"
        return
    every = [one for each in having for one in leaves(each["properties"][promised.name])]
    kind = promised.kind
    if promised.optional:
        every = [each for each in every if each.get("type") != "null"]
        kind = replace(kind, types=kind.types - {"null"})
    elif any(promised.name not in each.get("required", ()) for each in having):
        yield f"{where}: may be left out"
    elif not kind.types and "null" in types(every):
        yield f"{where}: may be null"
    yield from faults(kind, {"anyOf": every}, where)


def _other_words(promised: frozenset[str], every: Sequence[Shape], where: str) -> Iterator[str]:
    """One word alone may be an example of a text that is free."""
    words = {word for each in every for word in each.get("enum", [each.get("const")]) if word}
    if promised and words != promised and (words or len(promised) > 1):
        yield f"{where}: words {sorted(promised)} are {sorted(words)}"


def types(every: Sequence[Shape]) -> set[str]:
    """JSON's types; a whole number is a number too."""
    found = {each.get("type", "") for each in every}
    return found - {"integer"} if "number" in found else found


def leaves(shape: Shape) -> Iterator[dict[str, Any]]:
    """A schema's alternatives, each behind its reference."""
    shape = referred(shape)
    alternatives = [*shape.get("anyOf", ()), *shape.get("oneOf", ())]
    for each in alternatives:
        yield from leaves(each)
    if not alternatives:
        yield shape


def referred(shape: Shape) -> dict[str, Any]:
    name = shape.get("$ref", "").rpartition("/")[2]
    return {**(COMPONENTS[name] if name else {}), **shape}


def lines(text: str) -> set[str]:
    return set(text.strip().splitlines())

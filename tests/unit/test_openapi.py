"""The OpenAPI document against the code, and against the contract, route by route."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from jsonschema import Draft202012Validator

from api import schema
from api.examples import UPLOAD
from tests.support import contract
from tests.support.contract import Field, Promise, Query

ROOT = Path(__file__).parents[2]
CONTRACT = ROOT.parent / "shared" / "contract.md"
COMPONENTS = schema.document()["components"]["schemas"]
# What makes something new, reads, or is about something that has no version.
NO_VERSION = """
POST /audit/compare
POST /conflicts
POST /connectors
POST /dead-letters/retry
POST /logout
POST /mappings
POST /mappings/import
POST /mappings/preview
POST /mappings/projects
POST /mappings/projects/import
POST /mappings/projects/preview
POST /mappings/users
POST /mappings/users/import
POST /mappings/users/preview
POST /notifications
POST /privacy/erase
POST /reconcile/bulk
POST /schedule/preview
POST /sync/plans
POST /sync/plans/{}/apply
POST /sync/run
POST /users
POST /webhook/deliveries/{}/replay
"""

Operations: TypeAlias = dict[str, dict[str, Any]]

# Those that the contract names in sections 11 to 13, in sentences and not in a table of routes.
IN_SENTENCES = {"POST /webhook/zammad": "", "GET /stream": "viewer", "GET /diff": "viewer"}

# What the contract's blocks of JSON show, in order.
EXAMPLES = ("Problem", "SyncRunOut", "KpiOut", "EntryOut", "HistoryItem", "DiffItemOut")

# Ours, beyond the contract (docs/decisions 0012 and 0014).
ADDED = """
GET /audit/compare
GET /connectors/{}/health/history
GET /entries/export
GET /events/activity
GET /mappings/usage
POST /audit/compare
POST /connectors/{}/resume
POST /connectors/{}/webhook/test
POST /entries/{}/adopt
POST /mappings/preview
POST /mappings/projects/preview
POST /mappings/users/preview
POST /reconcile/row/{}/undo
"""


def test_the_document_is_what_the_code_says() -> None:
    kept = (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")
    assert json.loads(kept) == json.loads(schema.text()), (
        "docs/openapi.json is not what the code says. Write it anew with"
        " `.venv/bin/python -m api.schema > docs/openapi.json`, and look at what changed."
    )


@pytest.fixture(scope="module")
def text() -> str:
    if not CONTRACT.is_file() and "CI" not in os.environ:
        pytest.skip("contract.md lies beside the repository, and not in a copy of it alone")
    return CONTRACT.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def served() -> Operations:
    return {
        f"{method.upper()} {contract.plain(path)}": operation
        for path, methods in schema.document()["paths"].items()
        for method, operation in methods.items()
    }


def test_the_document_has_the_contracts_routes(text: str, served: Operations) -> None:
    promised = {route for row in contract.promises(text) for route in row.routes}
    promised |= IN_SENTENCES.keys()
    assert not promised - set(served)
    assert set(served) - promised == lines(ADDED)


def test_each_route_is_for_the_contracts_role(text: str, served: Operations) -> None:
    for row in contract.promises(text):
        for route in row.routes:
            assert role(served[route]) == role_of(row, route), route
    for route, needed in IN_SENTENCES.items():
        assert role(served[route]) == needed, route


def test_what_has_a_version_takes_the_one_that_was_seen(served: Operations) -> None:
    """`If-Match` on every unsafe route to an object with `version` (contract, section 1)."""
    without = {
        route
        for route, operation in served.items()
        if not route.startswith("GET") and role(operation) and "if-match" not in headers(operation)
    }
    assert without == lines(NO_VERSION)


def test_each_route_takes_the_contracts_query(text: str, served: Operations) -> None:
    """Its names with their defaults, words and bounds; what it takes beyond may be left out."""
    compared = 0
    for row in contract.promises(text):
        asked = {route: queries(served[route]) for route in row.routes}
        for query in row.query:
            takes = [names[query.name] for names in asked.values() if query.name in names]
            assert takes, f"{row.routes}: {query.name} is not taken"
            assert all(differs(query, each) == "" for each in takes), (row.routes, query, takes)
            compared += len(takes)
        named = {query.name for query in row.query}
        for route, names in asked.items():
            needed = {name for name, each in names.items() if each.get("required")}
            assert needed <= named, route
    assert compared > 100  # what is read of the text, and not nothing


def test_each_route_takes_the_contracts_body(text: str, served: Operations) -> None:
    compared = 0
    for row in contract.promises(text):
        route = next((each for each in row.routes if not each.startswith("GET")), None)
        if route is None or not row.bodies:
            continue
        shape = body(served[route])
        known = {name for each in shape for name in each.get("properties", {})}
        for offered in row.bodies:
            assert {each.name for each in offered} <= known, route
            needed = {each.name for each in offered if not each.optional}
            fits = [each for each in shape if set(each.get("required", ())) <= needed]
            assert fits, (route, shape)
            assert all(has_default(each, fits) for each in offered if each.default), route
            compared += len(offered)
    assert compared > 70


def test_each_route_answers_the_contracts_shape(text: str, served: Operations) -> None:
    for row in contract.promises(text):
        for route in row.routes:
            answers = served[route]["responses"]
            if len(row.routes) == 1:
                assert {str(status) for status in row.statuses} <= answers.keys(), route
        if len(row.routes) > 1 or not row.answers or row.routes == ("GET /audit/proof",):
            continue  # a proof is lines of text
        answer, *others = row.answers
        assert {each.name for each in answer} <= answered(served[row.routes[0]]), row.routes
        inside = answered(served[row.routes[0]], levels=2)
        assert all(each.name in inside for other in others for each in other), row.routes


def test_objects_have_the_contracts_fields(text: str) -> None:
    defined = contract.shapes(text)
    assert len(defined) == 8
    for name, fields in defined.items():
        has = COMPONENTS[f"{name}Out"]["properties"]
        assert {each.name for each in fields} <= has.keys(), name


def test_the_contracts_examples_fit_the_schemas(text: str) -> None:
    shown = contract.examples(text)
    assert len(shown) == len(EXAMPLES)
    for name, example in zip(EXAMPLES, shown, strict=True):
        whole = {**COMPONENTS[name], "components": {"schemas": COMPONENTS}}
        assert example.keys() <= whole["properties"].keys(), name
        # What is shown beyond the contract is always there, but not in an example of its text.
        validator = Draft202012Validator(without(whole, "required"))
        assert not [each.message for each in validator.iter_errors(example)], name


def test_every_route_has_an_example_that_fits_its_schema() -> None:
    document = schema.document()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for what, content in contents(operation):
                where = f"{method.upper()} {path}, {what}"
                assert "example" in content, (
                    f"{where}: no example. Let tests/support/api_examples.py call it, and run"
                    " `.venv/bin/python -m tests.support.api_examples`."
                )
                whole = {**content.get("schema", {}), "components": document["components"]}
                found = [
                    each.message
                    for each in Draft202012Validator(whole).iter_errors(content["example"])
                ]
                assert not found, f"{where}: {found}"


def contents(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Its body, and its answer when all goes well."""
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        if kind != UPLOAD:
            yield "body", content
    good = next(status for status in operation["responses"] if status.startswith("2"))
    for content in operation["responses"][good].get("content", {}).values():
        yield good, content


def role(operation: Mapping[str, Any]) -> str:
    """The role that the document says it needs; "" for a route without login."""
    needed = [
        scope for way in operation.get("security", []) for each in way.values() for scope in each
    ]
    assert len(needed) <= 1
    return needed[0] if needed else ""


def role_of(row: Promise, route: str) -> str:
    if row.role != contract.AS_ABOVE:
        return row.role
    return "viewer" if route.startswith("GET") else "admin"


def headers(operation: Mapping[str, Any]) -> set[str]:
    parameters = operation.get("parameters", [])
    return {each["name"].lower() for each in parameters if each["in"] == "header"}


def queries(operation: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in operation.get("parameters", []) if each["in"] == "query"}


def differs(query: Query, served: Mapping[str, Any]) -> str:
    """What the document says otherwise of it; "" when nothing."""
    said = referred(served["schema"])
    said = {**said, **next((each for each in said.get("anyOf", []) if "enum" in each), {})}
    words = set(said.get("enum", ()))
    if query.optional == served.get("required", False):
        return "required"
    if query.words and words != set(query.words):
        return f"words {words}"
    default = said.get("default")
    if query.default not in (None, "head") and str(default).lower() != query.default:
        return f"default {default}"
    bounds = (query.least, query.most)
    if query.most and (said.get("minimum") if query.least else None, said["maximum"]) != bounds:
        return f"bounds {said}"
    return ""


def body(operation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The objects that it takes: one, or one of several."""
    return [
        each
        for content in operation["requestBody"]["content"].values()
        for each in objects(content["schema"])
    ]


def answered(operation: Mapping[str, Any], levels: int = 1) -> set[str]:
    """All names in the first levels of what it answers when all goes well."""
    found = [
        each
        for status, answer in operation["responses"].items()
        if status < "300"
        for content in answer.get("content", {}).values()
        for each in objects(content.get("schema", {}))
    ]
    names: set[str] = set()
    for _ in range(levels):
        values = [each["properties"] for each in found]
        names |= {name for each in values for name in each}
        found = [each for value in values for shape in value.values() for each in objects(shape)]
    return names


def objects(shape: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A schema's objects: behind its reference, in its list, each of its alternatives."""
    shape = referred(shape)
    for each in (*shape.get("anyOf", ()), *shape.get("oneOf", ()), shape.get("items")):
        if each:
            yield from objects(each)
    if "properties" in shape:
        yield dict(shape)


def referred(shape: Mapping[str, Any]) -> dict[str, Any]:
    name = shape.get("$ref", "").rpartition("/")[2]
    return {**(COMPONENTS[name] if name else {}), **shape}


def without(value: Any, key: str) -> Any:
    """JSON without what stands under that key, wherever it is."""
    match value:
        case dict():
            return {name: without(item, key) for name, item in value.items() if name != key}
        case list():
            return [without(item, key) for item in value]
        case _:
            return value


def has_default(promised: Field, shapes: list[dict[str, Any]]) -> bool:
    defaults = [each["properties"].get(promised.name, {}).get("default") for each in shapes]
    return json.loads(promised.default or "null") in defaults


def lines(text: str) -> set[str]:
    return set(text.strip().splitlines())


def test_every_operation_names_its_errors_in_one_shape() -> None:
    document = schema.document()
    assert "HTTPValidationError" not in document["components"]["schemas"]
    problem = {"$ref": "#/components/schemas/Problem"}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            errors = {code: each for code, each in operation["responses"].items() if code >= "400"}
            if operation.get("security"):
                assert errors.keys() >= {"401", "403", "404", "422", "503"}, (method, path)
            if method not in ("get", "head"):
                assert errors.keys() >= {"400", "409", "413", "422"}, (method, path)
            for code, response in errors.items():
                shown = response["content"]["application/json"]["schema"]
                assert shown == problem or path == "/api/ready", (method, path, code)

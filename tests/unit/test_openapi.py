"""The OpenAPI document against the code, and against the contract, route by route."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from api import schema
from api.examples import UPLOAD

ROOT = Path(__file__).parents[2]
CONTRACT = ROOT.parent / "shared" / "contract.md"
METHOD = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE)\b")
PATH = re.compile(r"`(/[^`]*)`")

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


def test_the_document_agrees_with_the_contract() -> None:
    if not CONTRACT.is_file():
        pytest.skip("contract.md lies beside the repository, and not in a copy of it alone")
    promised = set(in_contract(CONTRACT.read_text(encoding="utf-8")))
    served = {
        f"{method.upper()} {plain(path)}"
        for path, methods in schema.document()["paths"].items()
        for method in methods
    }
    assert not promised - served
    assert served - promised == lines(ADDED)


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


def in_contract(text: str) -> Iterator[str]:
    """`GET /connectors/{}` and so on: the first cells of its tables of routes."""
    for row in text.splitlines():
        cell = row.split("|")[1] if row.startswith("| ") else ""
        if "/mappings/projects" in cell:
            yield from (route.replace("/users", "/projects") for route in mapping_routes())
        elif "/mappings/users" in cell:
            yield from mapping_routes()
        else:
            yield from routes(cell)
    yield from ("GET /stream", "POST /webhook/zammad")  # in sentences of sections 11 and 12


def mapping_routes() -> Iterator[str]:
    base = "/mappings/users"
    yield from (f"{method} {base}" for method in ("GET", "POST"))
    yield from (f"{method} {base}/{{}}" for method in ("GET", "PATCH", "DELETE"))
    yield from (f"GET {base}/export", f"POST {base}/import")


def routes(cell: str) -> Iterator[str]:
    """Those of one cell: ``GET, POST `/a/`; GET `/a/{id}/b`, `/c` ``."""
    for part in re.sub(r"\(also.*\)", "", cell).split(";"):
        former = ""
        for path in PATH.findall(part):
            whole = path
            if former.count("/") > 1 and path.count("/") == 1:  # a sibling of the one before
                whole = former.rpartition("/")[0] + path
            former = whole
            yield from (f"{method} {plain(whole)}" for method in METHOD.findall(part))


def plain(path: str) -> str:
    """Without prefix, closing slash and the names of its parameters."""
    path = path.removeprefix("/api/v1")
    return re.sub(r"\{[^}]*\}", "{}", path).rstrip("/")


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

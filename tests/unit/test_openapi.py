"""The OpenAPI document against the code, and that it says all that clients ask of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from api import schema
from api.examples import UPLOAD
from tests.support.operations import OPERATIONS, headers, lines, role

ROOT = Path(__file__).parents[2]
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


def test_the_document_is_what_the_code_says() -> None:
    kept = (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")
    assert json.loads(kept) == json.loads(schema.text()), (
        "docs/openapi.json is not what the code says. Write it anew with"
        " `.venv/bin/python -m api.schema > docs/openapi.json`, and look at what changed."
    )


def test_what_has_a_version_takes_the_one_that_was_seen() -> None:
    """`If-Match` on every unsafe route to an object with `version` (contract, section 1)."""
    without = {
        route
        for route, operation in OPERATIONS.items()
        if not route.startswith("GET") and role(operation) and "if-match" not in headers(operation)
    }
    assert without == lines(NO_VERSION)


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

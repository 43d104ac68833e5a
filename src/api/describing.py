"""What the OpenAPI document says of every route alike: the errors, and how each of them looks.

Routes name only what is special to them, as `responses={409: {}}`; what is always possible
(contract, notation and section 3) is added here, so that no route can forget it.
"""

from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, TypeAlias

from fastapi import FastAPI

from api.examples import add_examples
from api.problems import STATUS
from api.repeating import HEADER, LONGEST

Operation: TypeAlias = dict[str, Any]

PROBLEM = "Problem"
REFERENCE = {"$ref": f"#/components/schemas/{PROBLEM}"}
FRAMEWORKS = ("HTTPValidationError", "ValidationError")  # its own words for a 422
SECURED = (401, 403, 404, 422, 503)
UNSAFE = (400, 409, 413, 422, 502, 503)
PEERS = "/connectors/{connector_id}/"  # what is asked of a peer can fail there
SAFE = ("get", "head", "options")

SCHEMA: Mapping[str, Any] = {
    "title": PROBLEM,
    "description": "`detail` is one readable text; some codes bring more keys, named per route.",
    "type": "object",
    "required": ["detail", "code", "request_id"],
    "properties": {
        "detail": {"type": "string"},
        "code": {"type": "string", "enum": sorted(STATUS)},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["loc", "msg", "type"],
                "properties": {
                    "loc": {"type": "array", "items": {"type": ["string", "integer"]}},
                    "msg": {"type": "string"},
                    "type": {"type": "string"},
                },
            },
        },
        "request_id": {"type": "string"},
    },
}


KEY: Mapping[str, Any] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Sent again with the same key and body, it is done once and answered the same.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST, "pattern": "^[ -~]+$"},
}


def describe(app: FastAPI) -> None:
    """Let the application's document say all that its answers may be."""
    plain: Callable[[], dict[str, Any]] = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _complete(add_examples(plain()))
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way


def _complete(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name in FRAMEWORKS:
        schemas.pop(name, None)
    schemas[PROBLEM] = dict(SCHEMA)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            responses = operation["responses"]
            if method not in SAFE and operation.get("security"):
                operation["parameters"] = [*operation.get("parameters", []), dict(KEY)]
            responses.pop("422", None)
            for status in _possible(path, method, operation):
                responses.setdefault(str(status), {})
            for status, response in responses.items():
                if status >= "400" and "content" not in response:
                    responses[status] = _problem(int(status))


def _possible(path: str, method: str, operation: Operation) -> Iterator[int]:
    if operation.get("security"):
        yield from SECURED
    elif operation.get("parameters"):
        yield 422
    if method not in SAFE:
        yield from UNSAFE
    elif PEERS in path:
        yield 502


def _problem(status: int) -> dict[str, Any]:
    return {
        "description": HTTPStatus(status).phrase,
        "content": {"application/json": {"schema": REFERENCE}},
    }

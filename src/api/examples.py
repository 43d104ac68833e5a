"""An example for every route of the OpenAPI document: what a real call sent and was answered.

`examples.json` is recorded from a running service with both sandbox peers
(`python -m tests.support.api_examples`), so that no example is made up; a test holds each against
its schema.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

UPLOAD = "multipart/form-data"  # a file, which JSON cannot show
FILE = Path(__file__).with_name("examples.json")


@cache
def recorded() -> dict[str, Any]:
    """By `GET /path/{of}/the/route`: `status`, and where there are any `path`, `body`, `answer`.

    A file that people take away has `files` instead of `answer`: by kind, what each holds.
    """
    if not FILE.is_file():
        return {}
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def add_examples(document: dict[str, Any]) -> dict[str, Any]:
    """The document, with the examples in their places; it is changed in place."""
    examples = recorded()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if example := examples.get(f"{method.upper()} {path}"):
                _add(operation, example)
    return document


def _add(operation: dict[str, Any], example: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path" and parameter["name"] in example.get("path", {}):
            parameter["example"] = example["path"][parameter["name"]]
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        if "body" in example and kind != UPLOAD:
            content["example"] = example["body"]
    answered = operation["responses"].get(str(example["status"]), {})
    for kind, media in answered.get("content", {}).items():
        if "answer" in example:
            media["example"] = example["answer"]
        elif kind in example.get("files", {}):
            media["example"] = example["files"][kind]

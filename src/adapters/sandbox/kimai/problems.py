"""Kimai's error answers. Source: peers/kimai.md §1.2."""

from collections.abc import Iterable
from typing import Any

PHRASES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    410: "Gone",
    500: "Internal Server Error",
}


class Problem(Exception):
    """An answer other than success; production Kimai hides the reason."""

    def __init__(
        self, status: int, body: object = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(PHRASES.get(status, str(status)))
        self.status = status
        self.body = {"code": status, "message": PHRASES[status]} if body is None else body
        self.headers = headers or {}


def bad_request() -> Problem:
    """A query parameter or a body that cannot be read."""
    return Problem(400)


def forbidden() -> Problem:
    """The person may not do that."""
    return Problem(403)


def not_found() -> Problem:
    """No such thing, route or page."""
    return Problem(404)


def server_error() -> Problem:
    """An uncaught PHP error."""
    return Problem(500)


def gone(message: str) -> Problem:
    """A removed endpoint; its message is shown."""
    return Problem(410, {"code": 410, "message": message})


def invalid_form(fields: Iterable[str], root: list[str], children: dict[str, list[str]]) -> Problem:
    """A form's errors: every accepted field is a key of `children`, clean ones are `{}`."""
    shown = {name: {"errors": children[name]} if children.get(name) else {} for name in fields}
    errors: dict[str, Any] = {"errors": root, "children": shown} if root else {"children": shown}
    return Problem(400, {"code": 400, "message": "Validation Failed", "errors": errors})


def invalid_record(message: str, children: dict[str, list[str]]) -> Problem:
    """A service's errors (stop, restart, duplicate): `code` is a string, paths are internal."""
    shown = {path: {"errors": texts} for path, texts in children.items()}
    return Problem(400, {"code": "400", "message": message, "errors": {"children": shown}})

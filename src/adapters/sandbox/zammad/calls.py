"""Requests and answers of the API, and the table of routes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from adapters.sandbox.zammad.access import Caller
from adapters.sandbox.zammad.params import Params, is_true

if TYPE_CHECKING:
    from adapters.sandbox.zammad.state import ZammadState


@dataclass(frozen=True)
class Call:
    """One authenticated request."""

    state: "ZammadState"
    caller: Caller
    params: Params

    def on(self, option: str) -> bool:
        """Whether an option such as `expand` is set."""
        return is_true(self.params.get(option))

    def __getitem__(self, name: str) -> Any:
        return self.params.get(name)


@dataclass(frozen=True)
class Answer:
    """A status and what is encoded as the body; None is an empty body."""

    value: Any
    status: int = 200
    raw: bytes | None = None
    content_type: str = "application/json; charset=utf-8"


Handler = Callable[[Call], Answer]


@dataclass
class _Node:
    children: dict[str, "_Node"] = field(default_factory=dict)  # ":" stands for any segment
    handlers: dict[str, tuple[Handler, list[str]]] = field(default_factory=dict)


class Routes:
    """Routes as a tree of path segments; a fixed segment wins over a parameter."""

    def __init__(self) -> None:
        self._root = _Node()
        self._listed: list[tuple[str, str, Handler]] = []

    def on(self, methods: str, *patterns: str) -> Callable[[Handler], Handler]:
        """Register a handler for methods such as `"GET POST"` and patterns such as `/a/:id`."""

        def register(handler: Handler) -> Handler:
            for pattern in patterns:
                for method in methods.split():
                    self._add(method, pattern, handler)
            return handler

        return register

    def include(self, other: "Routes") -> None:
        """Take over every route of `other`."""
        for method, pattern, handler in other._listed:  # noqa: SLF001  its own kind
            self._add(method, pattern, handler)

    def _add(self, method: str, pattern: str, handler: Handler) -> None:
        node = self._root
        names: list[str] = []
        for part in pattern.strip("/").split("/"):
            if part.startswith(":"):
                names.append(part[1:])
            node = node.children.setdefault(":" if part.startswith(":") else part, _Node())
        node.handlers[method] = (handler, names)
        self._listed.append((method, pattern, handler))

    def find(self, method: str, path: str) -> tuple[Handler | None, dict[str, str]]:
        """The handler of a path and its path parameters."""
        values: list[str] = []
        node = _walk(self._root, path.strip("/").split("/"), method, values)
        if node is None:
            return None, {}
        handler, names = node.handlers[method]
        return handler, dict(zip(names, reversed(values), strict=True))


def _walk(node: _Node, parts: list[str], method: str, values: list[str]) -> _Node | None:
    """The node a path ends at; `values` receives its parameters, last one first."""
    if not parts:
        return node if method in node.handlers else None
    head, rest = parts[0], parts[1:]
    if head in node.children and (end := _walk(node.children[head], rest, method, values)):
        return end
    parameter = node.children.get(":")
    if parameter is None or not head:
        return None
    end = _walk(parameter, rest, method, values)
    if end is not None:
        values.append(unquote(head))
    return end

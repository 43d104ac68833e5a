"""Pages and sort orders, as every list route takes them. Source: peers/zammad.md §2.1 and §4.2."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from adapters.sandbox.zammad.errors import Crash
from adapters.sandbox.zammad.store import as_id
from adapters.sandbox.zammad.tables import OrderedTable

R = TypeVar("R")


@dataclass(frozen=True)
class Page:
    """One page; numbers start at 1 and sizes above the cap are cut without a word."""

    offset: int
    limit: int

    @classmethod
    def of(cls, params: Mapping[str, Any], *, default: int, cap: int) -> "Page":
        """The page a request asks for."""
        size = as_id(params.get("per_page")) or as_id(params.get("limit")) or default
        size = min(size if size > 0 else default, cap)
        number = max(as_id(params.get("page")) or 1, 1)
        return cls((number - 1) * size, size)

    def cut(self, rows: Sequence[R]) -> list[R]:
        """The rows of this page."""
        return list(rows[self.offset : self.offset + self.limit])


def _words(value: Any) -> list[str]:
    if isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    return [str(word) for word in value] if isinstance(value, (list, tuple)) else []


def sort_order(
    params: Mapping[str, Any], columns: Iterable[str], default: Sequence[tuple[str, bool]]
) -> list[tuple[str, bool]]:
    """Columns and whether each is descending; a column without a direction does not count.

    Raises:
        Crash: an unknown column or direction.
    """
    known = set(columns)
    names, directions = _words(params.get("sort_by")), _words(params.get("order_by"))
    for name in names:
        if name not in known:
            raise Crash(f"Found invalid column '{name}' for sorting.")
    for direction in directions:
        if direction.lower() not in {"asc", "desc"}:
            raise Crash(f"Found invalid order by value {direction}. Please use 'asc' or 'desc'.")
    names = names or [name for name, _ in default]
    directions = directions or ["desc" if descending else "asc" for _, descending in default]
    return [
        (name, direction.lower() == "desc")
        for name, direction in zip(names, directions, strict=False)
    ] or list(default)


def in_order(rows: Iterable[R], order: Sequence[tuple[str, bool]]) -> list[R]:
    """Rows sorted as PostgreSQL would: null is larger than everything."""
    found = list(rows)
    for column, descending in reversed(order):
        found.sort(key=lambda row: _key(row, column), reverse=descending)
    return found


def _key(row: Any, column: str) -> tuple[bool, Any]:
    value = getattr(row, column)
    if isinstance(value, (dict, list)):
        value = str(value)
    if column == "time_unit" and value is not None:
        value = float(value)  # only for comparing; two decimals are exact enough
    return (value is None, 0 if value is None else value)


def page_of(
    table: OrderedTable[R],  # type: ignore[type-var]  # rows are records, which have an id
    order: Sequence[tuple[str, bool]],
    page: Page,
) -> list[R]:
    """One page of a whole table, from its index when the order is one the index has."""
    names = [name for name, _ in order]
    directions = {descending for _, descending in order}
    if names == ["id"]:
        return [table[i] for i in _slice(table.ids, page, descending=order[0][1])]
    if names in ([table.column], [table.column, "id"]) and len(directions) == 1:
        keys = _slice(table.ordered, page, descending=order[0][1])
        return [table[i] for _, i in keys]
    return page.cut(in_order(table, order))


def _slice(keys: Sequence[R], page: Page, *, descending: bool) -> Sequence[R]:
    if not descending:
        return keys[page.offset : page.offset + page.limit]
    end = len(keys) - page.offset
    return keys[max(end - page.limit, 0) : end][::-1] if end > 0 else []

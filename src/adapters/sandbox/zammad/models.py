"""What Zammad's controllers share: lists, one record, and the columns a request may set.

Source: `renders_models.rb` as described in peers/zammad.md §2.1 to §2.3.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from adapters.sandbox.zammad import paging
from adapters.sandbox.zammad.calls import Answer, Call
from adapters.sandbox.zammad.errors import Invalid, Unprocessable
from adapters.sandbox.zammad.paging import Page
from adapters.sandbox.zammad.store import Store, as_id
from adapters.sandbox.zammad.tables import OrderedTable, Row, Table
from adapters.sandbox.zammad.views import Json

R = TypeVar("R", bound=Row)

DEFAULT, CAP = 500, 1000  # rows per page of a plain list


@dataclass(frozen=True)
class Model(Generic[R]):
    """How rows of one table are shown."""

    columns: Sequence[str]
    plain: Callable[[Store, R], Any]
    names: Callable[[Store, R], Json]
    assets: Callable[[Store, Iterable[R]], dict[str, Json]]


def listed(
    call: Call,
    model: Model[R],
    rows: Table[R] | Sequence[R],
    *,
    default: int = DEFAULT,
    cap: int = CAP,
) -> Answer:
    """A list route's answer: plain, expanded, full, or with a count.

    Raises:
        Crash: an unknown sort column or direction.
    """
    page = Page.of(call.params, default=default, cap=cap)
    order = paging.sort_order(call.params, model.columns, [("id", False)])
    if isinstance(rows, OrderedTable):
        found = paging.page_of(rows, order, page)
    else:
        found = page.cut(paging.in_order(rows, order))
    return rendered(call, model, found, len(rows))


def rendered(
    call: Call, model: Model[R], found: Sequence[R], total: int, *, search: bool = False
) -> Answer:
    """Rows in the shape the request's options ask for; plain lists count since 7.0 only."""
    store = call.state
    counted = call.state.version_info >= (7,)
    if (counted or search) and call.on("only_total_count"):
        return Answer({"total_count": total})
    if call.on("full"):
        ids = [row.id for row in found]
        return Answer(
            {"record_ids": ids, "assets": model.assets(store, found), "total_count": total}
        )
    show = model.names if call.on("expand") else model.plain
    records = [show(store, row) for row in found]
    if counted and call.on("with_total_count"):
        return Answer({"records": records, "total_count": total})
    return Answer(records)


def shown(call: Call, model: Model[R], row: R, *, status: int = 200) -> Answer:
    """One record in the shape the request's options ask for; `expand` wins over `full`."""
    store = call.state
    if call.on("expand"):
        return Answer(model.names(store, row), status)
    if call.on("full"):
        return Answer({"id": row.id, "assets": model.assets(store, [row])}, status)
    return Answer(model.plain(store, row), status)


def chosen(params: Mapping[str, Any], *columns: str) -> dict[str, Any]:
    """The named columns a request sets."""
    return {name: params[name] for name in columns if name in params}


def reference(
    params: Mapping[str, Any],
    name: str,
    table: Table[Any],
    by_name: Callable[[str], Any],
) -> dict[str, Any]:
    """`{name}_id` of a request, given as id or as a name under `name`.

    Raises:
        Unprocessable: no record of that name.
        Invalid: no record of that id.
    """
    key = f"{name}_id"
    if params.get(key) not in (None, ""):
        row_id = as_id(params[key])
        if row_id is None or row_id not in table:
            raise Invalid(f"Invalid value for param '{key}': {params[key]!r}")
        return {key: row_id}
    value = params.get(name)
    if value:
        row = by_name(str(value))
        if row is None:
            raise Unprocessable(f"No lookup value found for '{name}': \"{value}\"")
        return {key: row.id}
    return {key: None} if key in params else {}

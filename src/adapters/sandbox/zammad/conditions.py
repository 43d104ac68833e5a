"""Conditions over tickets, as triggers and the search use them.

A condition is `{"ticket.updated_at": {"operator": …, "value": …}, …}` (all must hold) or
`{"operator": "AND|OR|NOT", "conditions": [{"name": …, "operator": …, "value": …}, …]}`.
Source: peers/zammad.md §4.3 and §5.2; operators of `lib/selector/sql.rb`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from adapters.sandbox.zammad.errors import BadArgument, Crash
from adapters.sandbox.zammad.records import Article, Ticket, User, instant, stamp
from adapters.sandbox.zammad.store import Store, as_id
from adapters.sandbox.zammad.views import article_columns, ticket_columns

Condition = Mapping[str, Any]

_RANGES = {  # a relative range in days or less; months and years are counted as 30 and 365 days
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=30),
    "year": timedelta(days=365),
}
_NEED_NO_VALUE = {"is set", "not set", "has changed", "has reached", "today"}


@dataclass(frozen=True)
class Subject:
    """What a condition is asked about: a ticket, and for triggers the event around it."""

    store: Store
    ticket: Ticket
    now: datetime
    user: User | None = None  # for `pre_condition: current_user.id`
    kinds: frozenset[str] = frozenset()
    changes: Mapping[str, Any] = field(default_factory=dict)
    articles: tuple[Article, ...] = ()


def matches(condition: Condition, subject: Subject) -> bool:
    """Whether every part of `condition` holds.

    Raises:
        BadArgument: a column does not exist (the database's error).
        Crash: an operator does not exist.
    """
    if "conditions" in condition:
        return _combined(condition, subject)
    return all(_holds(name, test, subject) for name, test in condition.items())


def _combined(condition: Condition, subject: Subject) -> bool:
    parts = [
        matches(part, subject)
        if "conditions" in part
        else _holds(str(part.get("name")), part, subject)
        for part in condition["conditions"]
    ]
    match str(condition.get("operator", "AND")).upper():
        case "OR":
            return any(parts)
        case "NOT":
            return not any(parts)
        case _:
            return all(parts)


def names(condition: Condition) -> list[str]:
    """Every attribute a condition speaks of."""
    if "conditions" not in condition:
        return list(condition)
    found: list[str] = []
    for part in condition["conditions"]:
        found += names(part) if "conditions" in part else [str(part.get("name"))]
    return found


def _holds(name: str, test: Any, subject: Subject) -> bool:
    if not isinstance(test, Mapping) or "operator" not in test:
        return True  # incomplete: logged and ignored, so rows come unfiltered
    operator = str(test["operator"])
    value = _wanted(test, subject)
    if operator not in _NEED_NO_VALUE and value is None and "pre_condition" not in test:
        return True  # likewise
    kind, _, attribute = name.partition(".")
    if name == "ticket.action":
        return (str(value) in subject.kinds) == (operator == "is")
    if operator == "has changed":
        return attribute in subject.changes
    if name == "article.time_accounting":
        booked = any(subject.store.entries.one("article", a.id) for a in subject.articles)
        return booked == (operator == "is set")
    return any(
        _compare(operator, found, value, test, subject.now)
        for found in _values(kind, attribute, subject)
    )


def _wanted(test: Condition, subject: Subject) -> Any:
    match test.get("pre_condition"):
        case "current_user.id":
            return None if subject.user is None else subject.user.id
        case "current_user.organization_id":
            return None if subject.user is None else subject.user.organization_id
        case "not_set":
            return [None, 1]
        case _:
            return test.get("value")


def _values(kind: str, attribute: str, subject: Subject) -> list[Any]:
    """The values of an attribute; several for articles (any may match)."""
    store, ticket = subject.store, subject.ticket
    if kind == "ticket" and attribute in Ticket.__struct_fields__:
        return [getattr(ticket, attribute)]
    if kind == "article":
        return [_column(kind, article_columns(a), attribute) for a in subject.articles]
    rows: dict[str, Any] = {
        "customer": store.users.get(ticket.customer_id),
        "owner": store.users.get(ticket.owner_id),
        "organization": store.organizations.get(ticket.organization_id),
        "group": store.groups.get(ticket.group_id),
    }
    if kind == "ticket":
        return [_column(kind, ticket_columns(ticket), attribute)]
    if kind not in rows:
        raise BadArgument(f"Selector not valid: no such object '{kind}'")
    row = rows[kind]
    if row is None:
        return [None]
    columns = {name: getattr(row, name) for name in row.__struct_fields__}
    return [_column(kind, {**columns, **columns.get("custom", {})}, attribute)]


def _column(kind: str, columns: Mapping[str, Any], attribute: str) -> Any:
    if attribute not in columns:
        raise BadArgument(f"PG::UndefinedColumn: ERROR: column {kind}s.{attribute} does not exist")
    return columns[attribute]


def _compare(operator: str, found: Any, value: Any, test: Condition, now: datetime) -> bool:
    match operator:
        case "is" | "is any of" | "is not" | "is none of":
            return _one_of(found, value) == (operator in {"is", "is any of"})
        case "is set" | "not set":
            return (found not in (None, "")) == (operator == "is set")
        case "contains" | "contains not":
            return (_text(value) in _text(found)) == (operator == "contains")
        case "starts with" | "starts with one of":
            return any(_text(found).startswith(_text(v)) for v in _list(value))
        case "ends with" | "ends with one of":
            return any(_text(found).endswith(_text(v)) for v in _list(value))
        case _:
            return _compare_times(operator, found, value, test, now)


def _compare_times(operator: str, found: Any, value: Any, test: Condition, now: datetime) -> bool:
    if operator == "today":
        return found is not None and str(found)[:10] == stamp(now)[:10]
    edges: dict[str, tuple[datetime | None, datetime | None]]
    if operator.endswith("(absolute)"):
        at = _instant(value)
        edges = {"after (absolute)": (at, None), "before (absolute)": (None, at)}
    else:
        span = _span(value, test)
        edges = {
            "within last (relative)": (now - span, now),
            "within next (relative)": (now, now + span),
            "before (relative)": (None, now - span),
            "after (relative)": (now + span, None),
            "till (relative)": (None, now + span),
            "from (relative)": (now - span, None),
        }
    if operator not in edges:
        raise Crash(f"Invalid operator '{operator}' for '{value}'")
    low, high = edges[operator]
    if found is None:
        return False
    at = instant(found)
    return (low is None or at >= low) and (high is None or at <= high)


def _instant(value: Any) -> datetime:
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise BadArgument(f"PG::InvalidDatetimeFormat: ERROR: invalid input: {value}") from error
    return instant(f"{value}+00:00") if at.tzinfo is None else at


def _span(value: Any, test: Condition) -> timedelta:
    unit = _RANGES.get(str(test.get("range", "day")))
    if unit is None:
        raise Crash(f"Unknown range '{test.get('range')}'")
    return unit * int(as_id(value) or 0)


def _one_of(found: Any, value: Any) -> bool:
    return any(_same(found, wanted) for wanted in _list(value))


def _same(found: Any, wanted: Any) -> bool:
    if isinstance(found, bool):
        return str(wanted).lower() == str(found).lower()
    if found is None or wanted is None:
        return found is None and wanted is None
    return _text(found) == _text(wanted)


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _text(value: Any) -> str:
    return "" if value is None else str(value).lower()

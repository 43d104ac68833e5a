"""The monthly admin reports. Source: peers/zammad.md §3."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from adapters.sandbox.zammad import amounts, views
from adapters.sandbox.zammad.calls import Answer, Call, Routes
from adapters.sandbox.zammad.errors import BadArgument
from adapters.sandbox.zammad.records import Ticket, TimeAccounting, stamp
from adapters.sandbox.zammad.store import Store, as_id
from adapters.sandbox.zammad.views import Json
from adapters.sandbox.zammad.workbook import XLSX, workbook

ROUTES = Routes()
DECEMBER = 12
Booked = tuple[TimeAccounting, Ticket]


def _month(call: Call) -> tuple[str, str]:
    """First instant of the month and of the next, as stored texts.

    The zone is UTC before 7.0 and the setting `timezone_default` since.
    """
    year, month = as_id(call["year"]), as_id(call["month"])
    if year is None or month is None or not 1 <= month <= DECEMBER or not 1 <= year < 9999:  # noqa: PLR2004  datetime's own limit
        raise BadArgument("argument out of range")
    zone = call.state.default_zone if call.state.version_info >= (7,) else UTC
    following = (year + 1, 1) if month == DECEMBER else (year, month + 1)
    start = datetime(year, month, 1, tzinfo=zone)
    end = datetime(*following, 1, tzinfo=zone)
    return stamp(start), stamp(end)


def _booked(call: Call) -> list[Booked]:
    start, end = _month(call)
    tickets = call.state.tickets
    return [
        (entry, tickets[entry.ticket_id])
        for entry in call.state.entries
        if start <= entry.created_at < end and entry.ticket_id in tickets
    ]


def _customer(store: Store, ticket: Ticket) -> str:
    user = store.users.get(ticket.customer_id)
    return "-" if user is None else user.fullname


def _organization(store: Store, ticket: Ticket) -> str:
    organization = store.organizations.get(ticket.organization_id)
    return "-" if organization is None else organization.name


def _agent(store: Store, user_id: int) -> str:
    user = store.users.get(user_id)
    return "-" if user is None else user.fullname


def _by_activity(call: Call) -> list[Json]:
    store = call.state
    rows: list[Json] = []
    for entry, ticket in _booked(call):
        row: Json = {"ticket": views.ticket_columns(ticket), "time_unit": entry.time_unit}
        if store.setting("time_accounting_types"):
            kind = store.types.get(entry.type_id)
            row["type"] = "-" if kind is None else kind.name
        row["customer"] = _customer(store, ticket)
        row["organization"] = _organization(store, ticket)
        row["agent"] = _agent(store, entry.created_by_id)
        row["created_at"] = entry.created_at
        rows.append(row)
    return rows


def _summed(
    booked: list[Booked], key: Callable[[Ticket], Any]
) -> dict[Any, tuple[Decimal, Booked]]:
    """Sums per key, each with the first entry met."""
    found: dict[Any, tuple[Decimal, Booked]] = {}
    for entry, ticket in booked:
        total, first = found.get(key(ticket), (Decimal(0), (entry, ticket)))
        found[key(ticket)] = (total + Decimal(entry.time_unit), first)
    return found


def _by_ticket(call: Call) -> list[Json]:
    store = call.state
    return [
        {
            "ticket": views.ticket_columns(ticket),
            "time_unit": amounts.shown(total),
            "customer": _customer(store, ticket),
            "organization": _organization(store, ticket),
            "agent": _agent(store, first.created_by_id),
        }
        for total, (first, ticket) in _summed(_booked(call), lambda t: t.id).values()
    ]


def _by_customer(call: Call) -> list[Json]:
    store = call.state
    rows: list[Json] = []
    sums = _summed(_booked(call), lambda t: (t.customer_id, t.organization_id))
    for total, (_, ticket) in sums.values():
        customer = store.users.get(ticket.customer_id)
        organization = store.organizations.get(ticket.organization_id)
        rows.append(
            {
                "customer": None if customer is None else views.user_columns(customer),
                "organization": (
                    None if organization is None else views.organization_columns(organization)
                ),
                "time_unit": amounts.shown(total),
            }
        )
    return rows


def _by_organization(call: Call) -> list[Json]:
    store = call.state
    booked = [(e, t) for e, t in _booked(call) if t.organization_id in store.organizations]
    return [
        {
            "organization": views.organization_columns(
                store.organizations[ticket.organization_id or 0]
            ),
            "time_unit": amounts.shown(total),
        }
        for total, (_, ticket) in _summed(booked, lambda t: t.organization_id).values()
    ]


_REPORTS = {
    "by_activity": _by_activity,
    "by_ticket": _by_ticket,
    "by_customer": _by_customer,
    "by_organization": _by_organization,
}


def _route(name: str, rows_of: Callable[[Call], list[Json]]) -> None:
    @ROUTES.on("GET", f"/time_accounting/log/{name}/:year/:month")
    def report(call: Call) -> Answer:
        call.caller.require("admin.time_accounting")
        rows = rows_of(call)
        if call["download"]:
            return Answer(None, raw=workbook(rows), content_type=XLSX)
        if call["limit"] is not None:
            limit = as_id(call["limit"]) or 0
            rows = rows[-limit:] if limit > 0 else []
        return Answer(rows)


for _name, _rows_of in _REPORTS.items():
    _route(_name, _rows_of)

"""`/time_accountings`, `/tickets/:ticket_id/time_accountings` and the activity types.

Source: peers/zammad.md §1.2, §2.1 to §2.3.
"""

from typing import Any

import msgspec

from adapters.sandbox.zammad import booking, models, views
from adapters.sandbox.zammad.calls import Answer, Call, Routes
from adapters.sandbox.zammad.errors import Forbidden, NotFound, Unprocessable
from adapters.sandbox.zammad.models import Model
from adapters.sandbox.zammad.records import ActivityType, Ticket, TimeAccounting, instant, stamp
from adapters.sandbox.zammad.store import Store, as_id

ROUTES = Routes()
ADMIN = "admin.time_accounting"

ENTRIES: Model[TimeAccounting] = Model(
    columns=TimeAccounting.__struct_fields__,
    plain=lambda _, entry: entry,
    names=views.entry_names,
    assets=views.entry_assets,
)


def _type_names(store: Store, row: ActivityType) -> dict[str, Any]:
    shown = msgspec.structs.asdict(row)
    shown["created_by"] = views.login_of(store, row.created_by_id)
    shown["updated_by"] = views.login_of(store, row.updated_by_id)
    return shown


TYPES: Model[ActivityType] = Model(
    columns=ActivityType.__struct_fields__,
    plain=lambda _, row: row,
    names=_type_names,
    assets=lambda _, rows: {
        "TicketTimeAccountingType": {str(row.id): msgspec.structs.asdict(row) for row in rows}
    },
)


def _named_ticket(call: Call) -> Ticket | None:
    """The ticket of the path, the query or the body; None when none is named.

    Raises:
        NotFound: it does not exist.
    """
    if call["ticket_id"] in (None, ""):
        return None
    return call.state.find(call.state.tickets, call["ticket_id"])


def _may_read(call: Call) -> None:
    """Agents need *change* access to the ticket; reading the group is not enough."""
    if call.caller.may(ADMIN):
        return
    ticket = _named_ticket(call)
    if ticket is None or not call.caller.is_agent_of(ticket, "change"):
        raise Forbidden


def _may_book(call: Call) -> None:
    if not call.caller.may(ADMIN):
        ticket = _named_ticket(call)
        if ticket is None:
            raise NotFound("Couldn't find Ticket without an ID")
        may_book(call, ticket)


def may_book(call: Call, ticket: Ticket) -> None:
    """The model's own rule: the feature is on and the agent may change or create.

    Raises:
        Forbidden: one of the two is missing.
    """
    if not call.state.setting("time_accounting"):
        raise Forbidden("Time Accounting is not enabled")
    caller = call.caller
    if not (caller.is_agent_of(ticket, "change") or caller.is_agent_of(ticket, "create")):
        raise Forbidden


def _entry(call: Call) -> TimeAccounting:
    """The entry of the path, within the named ticket if there is one."""
    entry_id, ticket_id = call["id"], call["ticket_id"]
    entries = call.state.entries
    if ticket_id in (None, ""):
        return call.state.find(entries, entry_id)
    entry = entries.get(as_id(entry_id))
    if entry is None or entry.ticket_id != as_id(ticket_id):
        scope = '[WHERE "ticket_time_accountings"."ticket_id" = $1]'
        raise NotFound(f"Couldn't find Ticket::TimeAccounting with 'id'={entry_id} {scope}")
    return entry


@ROUTES.on("GET", "/time_accountings", "/tickets/:ticket_id/time_accountings")
def index(call: Call) -> Answer:
    """Entries of all tickets, or of one. For `admin.time_accounting` a missing ticket is empty."""
    _may_read(call)
    if call["ticket_id"] in (None, ""):
        return models.listed(call, ENTRIES, call.state.entries)
    rows = call.state.entries.where("ticket", as_id(call["ticket_id"]))
    return models.listed(call, ENTRIES, rows)


@ROUTES.on("GET", "/time_accountings/:id", "/tickets/:ticket_id/time_accountings/:id")
def show(call: Call) -> Answer:
    """One entry."""
    _may_read(call)
    return models.shown(call, ENTRIES, _entry(call))


@ROUTES.on("POST", "/time_accountings", "/tickets/:ticket_id/time_accountings")
def create(call: Call) -> Answer:
    """Book. The booking user is always the caller; times are the server's."""
    _may_book(call)
    state = call.state
    columns = _columns(call)
    if state.setting("import_mode"):
        columns |= _imported(call)
    ticket_id = as_id(call["ticket_id"])
    entry = booking.book(
        state,
        ticket_id=-1 if ticket_id is None else ticket_id,
        time_unit=columns.pop("time_unit", None),
        **columns,
    )
    return models.shown(call, ENTRIES, entry, status=201)


@ROUTES.on("PUT PATCH", "/tickets/:ticket_id/time_accountings/:id")
@ROUTES.on("PUT", "/time_accountings/:id")
def update(call: Call) -> Answer:
    """Correct an entry; agents cannot, not even their own."""
    call.caller.require(ADMIN)
    entry = booking.correct(call.state, _entry(call), **_columns(call))
    return models.shown(call, ENTRIES, entry)


@ROUTES.on("DELETE", "/time_accountings/:id", "/tickets/:ticket_id/time_accountings/:id")
def destroy(call: Call) -> Answer:
    """Delete. A missing entry is 422 (the reference check wraps it), a foreign one 404."""
    call.caller.require(ADMIN)
    entry_id = as_id(call["id"])
    if entry_id is None or entry_id not in call.state.entries:
        raise Unprocessable(f"Couldn't find Ticket::TimeAccounting with 'id'={call['id']}")
    booking.remove(call.state, _entry(call))
    return Answer({})


def _columns(call: Call) -> dict[str, Any]:
    state, params = call.state, call.params
    columns = models.chosen(params, "time_unit")
    columns |= models.reference(
        params, "type", state.types, lambda name: state.types.one("name", name.lower())
    )
    if "ticket_article_id" in params:
        columns["ticket_article_id"] = as_id(params["ticket_article_id"])
    return columns


def _imported(call: Call) -> dict[str, Any]:
    """In import mode the request's times and user are kept."""
    columns = models.chosen(call.params, "created_at", "updated_at", "created_by_id")
    for name in ("created_at", "updated_at"):
        if name in columns:
            columns[name] = stamp(instant(str(columns[name])))
    return columns


@ROUTES.on("GET", "/time_accounting/types")
def types(call: Call) -> Answer:
    """Activity types; agents may not even list them."""
    call.caller.require(ADMIN)
    return models.listed(call, TYPES, call.state.types)


@ROUTES.on("POST", "/time_accounting/types")
def create_type(call: Call) -> Answer:
    """Create a type."""
    call.caller.require(ADMIN)
    columns = models.chosen(call.params, "note", "active")
    row = booking.add_type(call.state, name=call["name"], **columns)
    return models.shown(call, TYPES, row, status=201)


@ROUTES.on("PUT PATCH", "/time_accounting/types/:id")
def update_type(call: Call) -> Answer:
    """Change a type; there is no delete."""
    call.caller.require(ADMIN)
    row = call.state.find(call.state.types, call["id"])
    columns = models.chosen(call.params, "name", "note", "active")
    return models.shown(call, TYPES, booking.change_type(call.state, row, **columns))

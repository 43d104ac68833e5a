"""`/tickets`, merging, states and priorities. Source: peers/zammad.md §1.2, §2.4, §4.4."""

from typing import Any

from adapters.sandbox.zammad import models, people, ticketing, views
from adapters.sandbox.zammad.calls import Answer, Call, Routes
from adapters.sandbox.zammad.errors import BadArgument, Forbidden, NotFound, Unprocessable
from adapters.sandbox.zammad.models import Model
from adapters.sandbox.zammad.paging import Page
from adapters.sandbox.zammad.records import (
    ARTICLE_TYPES,
    PRIORITIES,
    STATES,
    Named,
    Ticket,
    User,
)
from adapters.sandbox.zammad.routes import articles
from adapters.sandbox.zammad.store import Store, as_id

ROUTES = Routes()
CAP = 100  # of `GET /tickets`, and its default


def model(call: Call) -> Model[Ticket]:
    """How this caller sees tickets: customers see no `time_unit`."""
    time = call.caller.may("ticket.agent", "admin")
    return Model(
        columns=Ticket.__struct_fields__,
        plain=lambda _, ticket: views.ticket_columns(ticket, time=time),
        names=lambda store, ticket: views.ticket_names(store, ticket, time=time),
        assets=lambda store, rows: views.ticket_assets(store, rows, time=time),
    )


def _saved(call: Call, ticket: Ticket, *, status: int) -> Answer:
    """Creates and updates answer the associated ids too."""
    if call.on("expand") or call.on("full"):
        return models.shown(call, model(call), ticket, status=status)
    return Answer(views.ticket_ids(call.state, ticket), status)


def readable(call: Call) -> list[Ticket]:
    """Tickets the caller may read, by id. Being allowed nothing is an empty list, not an error."""
    groups = call.caller.readable_groups()
    caller = call.caller
    customer = caller.may("ticket.customer")
    return [
        ticket
        for ticket in call.state.tickets
        if ticket.group_id in groups or (customer and caller.is_customer_of(ticket))
    ]


@ROUTES.on("GET", "/tickets")
def index(call: Call) -> Answer:
    """Readable tickets by id; `sort_by` is not looked at."""
    rows = readable(call)
    found = Page.of(call.params, default=CAP, cap=CAP).cut(rows)
    return models.rendered(call, model(call), found, len(rows))


@ROUTES.on("GET", "/tickets/:id")
def show(call: Call) -> Answer:
    """One ticket."""
    return models.shown(call, model(call), call.caller.readable(call["id"]))


@ROUTES.on("GET", "/links")
def links(call: Call) -> Answer:
    """What a readable ticket is linked with, as far as the others are readable."""
    if call["link_object"] != "Ticket":
        raise BadArgument("Only tickets are linked here.")
    ticket = call.caller.readable(call["link_object_value"])
    found = [("parent", link.parent_id) for link in call.state.links.where("child", ticket.id)]
    found += [("child", link.child_id) for link in call.state.links.where("parent", ticket.id)]
    rows = [
        {"link_type": kind, "link_object": "Ticket", "link_object_value": other}
        for kind, other in found
        if call.caller.can(call.state.tickets[other], "read")
    ]
    return Answer({"links": rows, "assets": {}})


@ROUTES.on("POST", "/tickets")
def create(call: Call) -> Answer:
    """Create a ticket, with its first article if one is given."""
    columns = _columns(call)
    if not call.caller.may("ticket.agent"):
        columns.pop("owner_id", None)
        columns["customer_id"] = call.caller.user.id
    if columns.get("group_id") is None:
        raise Unprocessable("The required value 'group_id' is missing.")
    _may_create(call, columns["group_id"])
    if columns.get("customer_id") is None:
        raise BadArgument('null value in column "customer_id" violates not-null constraint')
    ticket = ticketing.add_ticket(call.state, **{"title": "-", **columns})
    _add_article(call, ticket)
    return _saved(call, call.state.tickets[ticket.id], status=201)


def _may_create(call: Call, group_id: int) -> None:
    caller = call.caller
    agent = caller.may("ticket.agent") and people.group_access(
        call.state, caller.user, group_id, "create"
    )
    if not (agent or caller.may("ticket.customer")):
        raise Forbidden


@ROUTES.on("PUT PATCH", "/tickets/:id")
def update(call: Call) -> Answer:
    """Change a ticket, adding an article if one is given: one event."""
    ticket = call.state.find(call.state.tickets, call["id"])
    if not call.caller.can(ticket, "change"):
        raise Forbidden
    columns = _columns(call)
    columns.pop("number", None)
    if not call.caller.may("ticket.agent"):
        for column in ("owner_id", "customer_id", "organization_id"):
            columns.pop(column, None)
    ticketing.change_ticket(call.state, ticket.id, **columns)
    _add_article(call, ticket)
    return _saved(call, call.state.tickets[ticket.id], status=200)


@ROUTES.on("DELETE", "/tickets/:id")
def destroy(call: Call) -> Answer:
    """Delete a ticket with all it holds; needs the whole `admin` permission."""
    ticket = call.state.find(call.state.tickets, call["id"])
    call.caller.require("admin")
    ticketing.delete_ticket(call.state, ticket.id)
    return Answer(None)


def _add_article(call: Call, ticket: Ticket) -> None:
    if isinstance(call["article"], dict) and call["article"]:
        articles.create_from(call, ticket, call["article"])


def _columns(call: Call) -> dict[str, Any]:
    store, params = call.state, call.params
    columns = models.chosen(params, "title", "note", "pending_time", "type", "number")
    if "title" in columns:
        columns["title"] = str(columns["title"])
    columns |= models.reference(params, "group", store.groups, _by_name(store.groups))
    columns |= models.reference(
        params, "organization", store.organizations, _by_name(store.organizations)
    )
    columns |= models.reference(params, "owner", store.users, _user(store))
    columns |= _customer(call)
    columns |= _named(params, "state", STATES)
    columns |= _named(params, "priority", PRIORITIES)
    if store.setting("import_mode"):
        columns |= models.chosen(params, "created_at", "updated_at")
    return columns


def _by_name(table: Any) -> Any:
    return lambda name: table.one("name", name.lower())


def _user(store: Store) -> Any:
    return lambda name: people.user_by(store, name)


def _customer(call: Call) -> dict[str, Any]:
    """The customer by id, login, e-mail address, `guess:` (made if unknown) or as an object."""
    store, params = call.state, call.params
    given = params.get("customer_id")
    if isinstance(given, str) and given.startswith("guess:"):
        return {"customer_id": _guessed(store, given.removeprefix("guess:")).id}
    if isinstance(params.get("customer"), dict):
        email = str(params["customer"].get("email") or params["customer"].get("login") or "")
        return {"customer_id": _guessed(store, email).id}
    return models.reference(params, "customer", store.users, _user(store))


def _guessed(store: Store, email: str) -> User:
    if "@" not in email:
        raise Unprocessable(f"Invalid email '{email}' of customer")
    return people.user_by(store, email) or people.add_user(
        store, email=email, role_ids=[people.CUSTOMER]
    )


def _named(params: dict[str, Any], name: str, rows: dict[int, Named]) -> dict[str, Any]:
    if params.get(f"{name}_id") is not None:
        row_id = as_id(params[f"{name}_id"])
        if row_id not in rows:
            raise Unprocessable(f"Invalid value for param '{name}_id': {params[f'{name}_id']!r}")
        return {f"{name}_id": row_id}
    if not params.get(name):
        return {}
    for row in rows.values():
        if row.name == params[name]:
            return {f"{name}_id": row.id}
    raise Unprocessable(f"No lookup value found for '{name}': \"{params[name]}\"")


@ROUTES.on("GET PUT", "/ticket_merge/:source_ticket_id/:target_ticket_number")
def merge(call: Call) -> Answer:
    """Merge into the ticket of a *number*. Not found is 200 with `result: failed`."""
    state = call.state
    target = state.tickets.one("number", str(call["target_ticket_number"]))
    if target is None:
        message = "The target ticket number could not be found."
        return Answer({"result": "failed", "message": message})
    _may_merge(call, target)
    source = state.tickets.get(as_id(call["source_ticket_id"]))
    if source is None:
        return Answer({"result": "failed", "message": "The source ticket could not be found."})
    _may_merge(call, source)
    ticketing.merge(state, source.id, target.id)
    return Answer(
        {
            "result": "success",
            "target_ticket": views.ticket_columns(state.tickets[target.id]),
            "source_ticket": views.ticket_columns(state.tickets[source.id]),
        }
    )


def _may_merge(call: Call, ticket: Ticket) -> None:
    if not call.caller.is_agent_of(ticket, "change"):
        raise Forbidden


_CATALOGUES = {
    "ticket_states": STATES,
    "ticket_priorities": PRIORITIES,
    "ticket_article_types": ARTICLE_TYPES,
}


def _catalogue_routes(path: str, rows: dict[int, Named]) -> None:
    def shown(row: Named) -> dict[str, Any]:
        return {"id": row.id, "name": row.name, "active": True, "note": None}

    @ROUTES.on("GET", f"/{path}")
    def listed(call: Call) -> Answer:
        call.caller.require("ticket.agent", "ticket.customer", "admin.object")
        page = Page.of(call.params, default=models.DEFAULT, cap=models.CAP)
        return Answer([shown(row) for row in page.cut(list(rows.values()))])

    @ROUTES.on("GET", f"/{path}/:id")
    def one(call: Call) -> Answer:
        call.caller.require("ticket.agent", "ticket.customer", "admin.object")
        row = rows.get(as_id(call["id"]) or 0)
        if row is None:
            raise NotFound(f"Couldn't find record with 'id'={call['id']}")
        return Answer(shown(row))


for _path, _rows in _CATALOGUES.items():
    _catalogue_routes(_path, _rows)

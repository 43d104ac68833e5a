"""`/tickets/search`, `/users/search` and `/organizations/search`. Source: peers/zammad.md §4.3."""

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.sandbox.zammad import conditions, models, paging
from adapters.sandbox.zammad.calls import Answer, Call, Routes
from adapters.sandbox.zammad.index import WINDOW, ticket_document
from adapters.sandbox.zammad.lucene import QueryError, lucene
from adapters.sandbox.zammad.paging import Page
from adapters.sandbox.zammad.records import Article, Organization, Ticket, User
from adapters.sandbox.zammad.routes import people, tickets
from adapters.sandbox.zammad.store import as_id

ROUTES = Routes()
DEFAULT, CAP = 50, 200


def _query(call: Call) -> str:
    """The query text; `*` alone means none."""
    text = str(call["query"] or "").strip()
    return "" if text == "*" else text


def _by_elasticsearch(call: Call) -> bool:
    return bool(call.state.setting("es_url")) and _query(call) != ""


@ROUTES.on("GET POST", "/tickets/search")
def search_tickets(call: Call) -> Answer:
    """Readable tickets that match query, condition and ids, newest change first."""
    page = Page.of(call.params, default=DEFAULT, cap=CAP)
    if _by_elasticsearch(call):
        found = _indexed_tickets(call, page)
    else:
        found = [t for t in _by_ids(call, tickets.readable(call)) if _contains(call, t)]
    found = [ticket for ticket in found if _meets(call, ticket)]
    order = paging.sort_order(call.params, Ticket.__struct_fields__, [("updated_at", True)])
    rows = page.cut(paging.in_order(found, order))
    return models.rendered(call, tickets.model(call), rows, len(found), search=True)


def _indexed_tickets(call: Call, page: Page) -> list[Ticket]:
    """What Elasticsearch finds; errors of any kind are an empty list."""
    index = call.state.index
    if index.outage or page.offset + page.limit > WINDOW:
        return []
    try:
        test = lucene(_query(call), call.state.default_zone)
    except QueryError:
        return []
    store = call.state
    found = [t.id for t in index.tickets(store) if test(ticket_document(store, t))]
    # The index names ids; what is answered are the rows as they are in the database.
    rows = [store.tickets[i] for i in found if i in store.tickets]
    return _by_ids(call, [row for row in rows if call.caller.can(row, "read")])


def _by_ids(call: Call, rows: Sequence[Ticket]) -> list[Ticket]:
    ids = call["ids"]
    if isinstance(ids, str):
        ids = ids.split(",")
    if not isinstance(ids, (list, tuple)) or not ids:
        return list(rows)
    wanted = {as_id(one) for one in ids}
    return [row for row in rows if row.id in wanted]


def _contains(call: Call, ticket: Ticket) -> bool:
    """The SQL path: a plain substring, so a range expression simply matches nothing."""
    text = _query(call).lower()
    if not text:
        return True
    if text in ticket.title.lower() or text in ticket.number:
        return True
    return any(
        text in (part or "").lower()
        for article in call.state.articles.where("ticket", ticket.id)
        for part in (article.body, article.from_, article.to, article.subject)
    )


def _meets(call: Call, ticket: Ticket) -> bool:
    condition = call["condition"]
    if not isinstance(condition, Mapping) or not condition:
        return True
    named = conditions.names(condition)
    found: tuple[Article, ...] = ()
    if any(name.startswith("article.") for name in named):
        found = tuple(call.state.articles.where("ticket", ticket.id))
    subject = conditions.Subject(
        store=call.state,
        ticket=ticket,
        now=call.state.now(),
        user=call.caller.user,
        articles=found,
    )
    return conditions.matches(condition, subject)


@ROUTES.on("GET POST", "/users/search")
def search_users(call: Call) -> Answer:
    """Users by a substring of name, login or e-mail; `field:value` only with Elasticsearch."""
    call.caller.require("ticket.agent", "admin.user")
    found = [user for user in call.state.users if user.id != 1 and _named(call, _of_user(user))]
    return _page(call, people.USERS, found)


@ROUTES.on("GET POST", "/organizations/search")
def search_organizations(call: Call) -> Answer:
    """Organizations by a substring of their name or note."""
    call.caller.require("ticket.agent", "admin.organization")
    found = [row for row in call.state.organizations if _named(call, _of_organization(row))]
    return _page(call, people.ORGANIZATIONS, found)


def _page(call: Call, model: models.Model[Any], found: list[Any]) -> Answer:
    page = Page.of(call.params, default=DEFAULT, cap=CAP)
    order = paging.sort_order(call.params, model.columns, [("updated_at", True)])
    if _by_elasticsearch(call) and call.state.index.outage:
        found = []
    rows = page.cut(paging.in_order(found, order))
    return models.rendered(call, model, rows, len(found), search=True)


def _of_user(user: User) -> dict[str, Any]:
    return {
        "login": user.login,
        "email": user.email,
        "firstname": user.firstname,
        "lastname": user.lastname,
    }


def _of_organization(row: Organization) -> dict[str, Any]:
    return {"name": row.name, "note": row.note, "domain": row.domain}


def _named(call: Call, document: dict[str, Any]) -> bool:
    text = _query(call)
    if not text:
        return True
    if _by_elasticsearch(call):
        try:
            return lucene(text, call.state.default_zone)(document)
        except QueryError:
            return False
    return any(text.lower() in str(value).lower() for value in document.values())

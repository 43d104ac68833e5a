"""`/ticket_articles`, and booking together with an article. Source: peers/zammad.md §2.3, §4.4."""

from datetime import timedelta
from typing import Any

import msgspec

from adapters.sandbox.zammad import booking, models, ticketing, views
from adapters.sandbox.zammad.calls import Answer, Call, Routes
from adapters.sandbox.zammad.errors import Forbidden, Unprocessable
from adapters.sandbox.zammad.records import (
    ARTICLE_TYPES,
    SENDERS,
    Article,
    Named,
    Ticket,
    instant,
)
from adapters.sandbox.zammad.routes.entries import may_book
from adapters.sandbox.zammad.store import as_id

ROUTES = Routes()
NOTE, AGENT, CUSTOMER = 10, 1, 2


@ROUTES.on("GET", "/ticket_articles/by_ticket/:id")
def by_ticket(call: Call) -> Answer:
    """All visible articles of a ticket, unpaged. `full=true` has assets of the last one only."""
    ticket = call.caller.readable(call["id"])
    found = [
        article
        for article in call.state.articles.where("ticket", ticket.id)
        if call.caller.sees_article(article)
    ]
    if call.on("full") and not call.on("expand"):
        assets = views.article_assets(call.state, found[-1]) if found else {}
        ids = [article.id for article in found]
        return Answer({"record_ids": ids, "assets": assets})
    return Answer([views.article_names(call.state, article) for article in found])


@ROUTES.on("GET", "/ticket_articles/:id")
def show(call: Call) -> Answer:
    """One article; `full=true` leaves `time_unit` out."""
    article = call.state.find(call.state.articles, call["id"])
    if not call.caller.sees_article(article):
        raise Forbidden
    return _shown(call, article, status=200)


def _shown(call: Call, article: Article, *, status: int) -> Answer:
    if call.on("full") and not call.on("expand"):
        assets = views.article_assets(call.state, article)
        return Answer({"id": article.id, "assets": assets}, status)
    return Answer(views.article_names(call.state, article), status)


@ROUTES.on("POST", "/ticket_articles")
def create(call: Call) -> Answer:
    """Add an article, booking time with it if `time_unit` is given."""
    ticket = call.state.find(call.state.tickets, call["ticket_id"])
    if not (call.caller.can(ticket, "change") or call.caller.can(ticket, "create")):
        raise Forbidden
    return _shown(call, create_from(call, ticket, call.params), status=201)


@ROUTES.on("PUT PATCH", "/ticket_articles/:id")
def update(call: Call) -> Answer:
    """Change an article; the ticket does not notice."""
    article = call.state.find(call.state.articles, call["id"])
    if not call.caller.is_agent_of(call.state.tickets[article.ticket_id], "change"):
        raise Forbidden
    columns = models.chosen(call.params, "body", "subject", "internal", "content_type")
    new = msgspec.structs.replace(article, **columns)
    if new != article:
        new = msgspec.structs.replace(
            new, updated_at=call.state.now_text(), updated_by_id=call.caller.user.id
        )
        new = call.state.put(call.state.articles, new)
    return _shown(call, new, status=200)


@ROUTES.on("DELETE", "/ticket_articles/:id")
def destroy(call: Call) -> Answer:
    """Delete an own note within the time frame, its entry with it."""
    state, caller = call.state, call.caller
    article = state.find(state.articles, call["id"])
    if not caller.sees_article(article):
        raise Forbidden
    if not caller.may("ticket.agent"):
        raise Forbidden("Not authorized (agent permission required)!")
    if article.created_by_id != caller.user.id:
        raise Forbidden("Not authorized (you can only delete your own notes)!")
    if ARTICLE_TYPES[article.type_id].kind == "communication" and not article.internal:
        raise Forbidden("Not authorized (communication articles cannot be deleted)!")
    frame = state.setting("ui_ticket_zoom_article_delete_timeframe")
    if frame and instant(article.created_at) <= state.now() - timedelta(seconds=frame):
        raise Forbidden("Not authorized (note is too old to be deleted)!")
    booking.delete_article(state, article.id)
    return Answer({})


def create_from(call: Call, ticket: Ticket, params: dict[str, Any]) -> Article:
    """Add the article `params` describe to `ticket`, and its booking.

    Raises:
        Unprocessable: no body, or an unknown type.
        Forbidden: time is given but may not be booked; then no article is made either.
    """
    if not params.get("body"):
        raise Unprocessable('Need at least article: { body: "some text" }')
    article = ticketing.add_article(
        call.state, ticket_id=ticket.id, body=str(params["body"]), **_columns(call, params)
    )
    if _present(params.get("time_unit")):
        # Unlike the entry routes, here not even `admin.time_accounting` skips the model's rule.
        may_book(call, ticket)
        booking.book(
            call.state,
            ticket_id=ticket.id,
            ticket_article_id=article.id,
            time_unit=params["time_unit"],
            type_id=_accounted_type(call, params),
        )
    return article


def _columns(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    agent = call.caller.may("ticket.agent")
    columns = models.chosen(params, "subject", "to", "cc", "content_type", "internal")
    columns["type_id"] = _one_of(params, "type", ARTICLE_TYPES, NOTE)
    columns["sender_id"] = _one_of(params, "sender", SENDERS, AGENT if agent else CUSTOMER)
    if params.get("from"):
        columns["from_"] = str(params["from"])
    if not agent:
        columns |= {"sender_id": CUSTOMER, "internal": False}
    columns["attachments"] = [
        {"id": number, "filename": found.get("filename"), "size": str(len(found.get("data", "")))}
        for number, found in enumerate(params.get("attachments") or (), 1)
        if isinstance(found, dict)
    ]
    return columns


def _one_of(params: dict[str, Any], name: str, rows: dict[int, Named], default: int) -> int:
    row_id = as_id(params.get(f"{name}_id"))
    if row_id in rows:
        return row_id or default
    if not params.get(name):
        return default
    for row in rows.values():
        if row.name == params[name]:
            return row.id
    raise Unprocessable(f"No lookup value found for '{name}': \"{params[name]}\"")


def _present(value: Any) -> bool:
    """Ruby's `present?`: zero is, blank text is not."""
    return (
        bool(value.strip()) if isinstance(value, str) else value is not None and value is not False
    )


def _accounted_type(call: Call, params: dict[str, Any]) -> int | None:
    types = call.state.types
    given = {
        "type_id": params.get("accounted_time_type_id"),
        "type": params.get("accounted_time_type"),
    }
    found = models.reference(given, "type", types, lambda name: types.one("name", name.lower()))
    type_id: int | None = found.get("type_id")
    return type_id

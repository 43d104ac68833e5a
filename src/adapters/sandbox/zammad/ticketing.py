"""Tickets and articles: what a save changes. Source: peers/zammad.md §2.4."""

from typing import Any

import msgspec

from adapters.sandbox.zammad import people
from adapters.sandbox.zammad.errors import Unprocessable
from adapters.sandbox.zammad.records import (
    CLOSED,
    MERGED,
    SENDERS,
    STATES,
    SYSTEM_USER,
    Article,
    Link,
    Ticket,
    User,
)
from adapters.sandbox.zammad.store import Store

FIRST_NUMBER = 10_000  # numbers count up from here with the ids
_UNSEEN = {"updated_at", "updated_by_id"}  # columns that alone are no change


def add_ticket(
    store: Store, *, title: str, group_id: int, customer_id: int, **columns: Any
) -> Ticket:
    """Create a ticket; its organization is the customer's unless named."""
    now = store.now_text()
    ticket_id = columns.pop("id", None) or store.tickets.next_id
    ticket = Ticket(
        id=ticket_id,
        number=str(columns.pop("number", None) or FIRST_NUMBER + ticket_id),
        title=title,
        group_id=group_id,
        customer_id=customer_id,
        created_by_id=store.actor,
        updated_by_id=store.actor,
        created_at=columns.pop("created_at", now),
        updated_at=columns.pop("updated_at", now),
        **columns,
    )
    ticket = _with_right_organization(store, ticket)
    if ticket.owner_id != SYSTEM_USER:
        ticket = msgspec.structs.replace(ticket, last_owner_update_at=now)
    store.event(ticket_id, "create")
    return store.put(store.tickets, ticket)


def change_ticket(
    store: Store, ticket_id: int, *, touch: bool = False, kind: str = "update", **columns: Any
) -> Ticket:
    """Save a ticket. Nothing happens when no column differs, unless `touch`."""
    old = store.tickets[ticket_id]
    new = msgspec.structs.replace(old, **columns)
    if new == old and not touch:
        return old
    new = _with_right_organization(store, new)
    new = _with_working_owner(store, new)
    now = store.now_text()
    if new.owner_id != old.owner_id:
        new = msgspec.structs.replace(new, last_owner_update_at=now)
    if new.state_id != old.state_id and new.state_id == CLOSED:
        new = msgspec.structs.replace(new, close_at=old.close_at or now, last_close_at=now)
    if "updated_at" not in columns:
        new = msgspec.structs.replace(new, updated_at=now)
    new = msgspec.structs.replace(new, updated_by_id=store.actor)
    event = store.event(ticket_id, kind)
    if "create" not in event.kinds:
        event.kinds.add("update")
    for column in Ticket.__struct_fields__:
        before, after = getattr(old, column), getattr(new, column)
        if before != after and column not in _UNSEEN:
            event.changes[column] = (event.changes.get(column, (before,))[0], after)
    return store.put(store.tickets, new)


def _with_right_organization(store: Store, ticket: Ticket) -> Ticket:
    """The ticket's organization must be one of its customer's (`check_defaults`)."""
    customer = store.users.get(ticket.customer_id)
    if customer is None:
        return ticket
    own = {customer.organization_id, *customer.organization_ids} - {None}
    if ticket.organization_id in own:
        return ticket
    return msgspec.structs.replace(ticket, organization_id=customer.organization_id)


def _with_working_owner(store: Store, ticket: Ticket) -> Ticket:
    """An owner who is gone or lost the group is reset on every save (`check_owner_active`)."""
    if ticket.owner_id == SYSTEM_USER or STATES[ticket.state_id].kind == "closed":
        return ticket
    if store.setting("import_mode"):
        return ticket
    owner = store.users.get(ticket.owner_id)
    if (
        owner is not None
        and owner.active
        and people.grants(people.permissions_of(store, owner), "ticket.agent")
        and people.group_access(store, owner, ticket.group_id, "full")
    ):
        return ticket
    return msgspec.structs.replace(ticket, owner_id=SYSTEM_USER)


def delete_ticket(store: Store, ticket_id: int) -> None:
    """Remove a ticket with its articles and entries. No event, nothing announced."""
    for entry in store.entries.where("ticket", ticket_id):
        store.drop(store.entries, entry.id)
    for article in store.articles.where("ticket", ticket_id):
        store.drop(store.articles, article.id)
    for link in (*store.links.where("parent", ticket_id), *store.links.where("child", ticket_id)):
        store.drop(store.links, link.id)
    store.drop(store.tickets, ticket_id)
    store.associations.pop(ticket_id, None)
    store.forget_event(ticket_id)


def merge(store: Store, source_id: int, target_id: int) -> None:
    """Merge `source_id` into `target_id`: articles move, entries stay.

    Raises:
        Unprocessable: the target is merged already, or both are the same ticket.
    """
    if store.tickets[target_id].state_id == MERGED:
        raise Unprocessable("It is not possible to merge into an already merged ticket.")
    if source_id == target_id:
        raise Unprocessable("A ticket cannot be merged into itself.")
    now = store.now_text()
    for article in store.articles.where("ticket", source_id):
        moved = msgspec.structs.replace(article, ticket_id=target_id, updated_at=now)
        store.put(store.articles, moved)
    add_article(store, ticket_id=source_id, body="merged", sender_id=1)
    change_ticket(
        store, source_id, state_id=MERGED, owner_id=SYSTEM_USER, kind="update.merged_into"
    )
    link = Link(id=store.links.next_id, parent_id=target_id, child_id=source_id)
    store.put(store.links, link)
    change_ticket(store, target_id, touch=True, kind="update.received_merge")


def add_article(store: Store, *, ticket_id: int, body: str, **columns: Any) -> Article:
    """Add an article; the ticket counts it and remembers who wrote last."""
    now = store.now_text()
    author = store.users.get(store.actor)
    columns.setdefault("id", store.articles.next_id)
    columns.setdefault("from_", None if author is None else _signature(author))
    article = Article(
        ticket_id=ticket_id,
        body=body,
        created_by_id=store.actor,
        updated_by_id=store.actor,
        created_at=columns.pop("created_at", now),
        updated_at=columns.pop("updated_at", now),
        **columns,
    )
    article = store.put(store.articles, article)
    _count(store, article)
    event = store.event(ticket_id, "update")
    event.article_id = article.id
    return article


def _signature(author: User) -> str:
    return author.fullname


def _count(store: Store, article: Article) -> None:
    ticket = store.tickets[article.ticket_id]
    columns: dict[str, Any] = {"article_count": len(store.articles.where("ticket", ticket.id))}
    if ticket.create_article_type_id is None:
        columns["create_article_type_id"] = article.type_id
        columns["create_article_sender_id"] = article.sender_id
    if SENDERS[article.sender_id].name == "Customer":
        columns["last_contact_at"] = columns["last_contact_customer_at"] = article.created_at
    elif not article.internal and article.type_id != 10:  # noqa: PLR2004  10 is "note"
        columns["last_contact_at"] = columns["last_contact_agent_at"] = article.created_at
    # A new article touches its ticket even when the counters stay the same.
    change_ticket(store, ticket.id, touch=True, **columns)


def reassign_tickets(store: Store, customer: User) -> None:
    """A customer's new organization becomes that of all their tickets."""
    if not store.setting("ticket_organization_reassignment"):
        return
    for ticket in store.tickets.where("customer", customer.id):
        if ticket.organization_id != customer.organization_id:
            change_ticket(store, ticket.id, organization_id=customer.organization_id)


def change_person(store: Store, user: User, **columns: Any) -> User:
    """Change a user, and with a new organization the tickets they are the customer of."""
    changed = people.change_user(store, user, **columns)
    if changed.organization_id != user.organization_id:
        reassign_tickets(store, changed)
    return changed

"""Records as JSON: plain columns, with associated ids, with names (`expand`), as assets (`full`).

Source: peers/zammad.md §2.3, §4.4, §5.3.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from adapters.sandbox.zammad import people
from adapters.sandbox.zammad.records import (
    ARTICLE_TYPES,
    PRIORITIES,
    SENDERS,
    STATES,
    Article,
    Group,
    Organization,
    Setting,
    Ticket,
    TimeAccounting,
    User,
)
from adapters.sandbox.zammad.store import Store

Json = dict[str, Any]

_TICKET_NULLS: Json = dict.fromkeys(
    (
        "first_response_at",
        "first_response_escalation_at",
        "first_response_in_min",
        "first_response_diff_in_min",
        "close_escalation_at",
        "close_in_min",
        "close_diff_in_min",
        "update_escalation_at",
        "update_in_min",
        "update_diff_in_min",
        "escalation_at",
        "checklist_id",
    )
)
_USER_REST: Json = {
    "image": None,
    "image_source": None,
    "web": "",
    "phone": "",
    "fax": "",
    "mobile": "",
    "department": None,
    "street": "",
    "zip": "",
    "city": "",
    "country": "",
    "address": None,
    "verified": False,
    "source": None,
    "last_login": None,
    "login_failed": 0,
    "out_of_office": False,
    "out_of_office_start_at": None,
    "out_of_office_end_at": None,
    "out_of_office_replacement_id": None,
}


def login_of(store: Store, user_id: int | None) -> str | None:
    """The login expansion writes for a user."""
    user = store.users.get(user_id)
    return None if user is None else user.login


def _columns(row: msgspec.Struct, *hidden: str) -> Json:
    found = msgspec.structs.asdict(row)
    for key in hidden:
        del found[key]
    found.update(found.pop("custom", {}))
    return found


def _makers(store: Store, shown: Json) -> Json:
    for key in ("created_by", "updated_by"):
        if (login := login_of(store, shown.get(f"{key}_id"))) is not None:
            shown[key] = login
    return shown


# Entries


def entry_names(store: Store, entry: TimeAccounting) -> Json:
    """An entry with `expand=true`: the type's name, if any, and the creator's login."""
    shown = msgspec.structs.asdict(entry)
    if (kind := store.types.get(entry.type_id)) is not None:
        shown["type"] = kind.name
    return _makers(store, shown)


# Tickets


def ticket_columns(ticket: Ticket, *, time: bool = True) -> Json:
    """A ticket's columns; customers do not see `time_unit`."""
    shown = {**_columns(ticket), **_TICKET_NULLS}
    if not time:
        del shown["time_unit"]
    return shown


def _associated(store: Store, ticket: Ticket) -> tuple[list[int], list[int]]:
    """Article and entry ids, as remembered since the ticket itself last changed."""
    known = store.associations.get(ticket.id)
    if known is None or known[0] != ticket.updated_at:
        articles = [a.id for a in store.articles.where("ticket", ticket.id)]
        entries = [e.id for e in store.entries.where("ticket", ticket.id)]
        known = store.associations[ticket.id] = (ticket.updated_at, articles, entries)
    return known[1], known[2]


def ticket_ids(store: Store, ticket: Ticket, *, time: bool = True) -> Json:
    """Columns and associated ids, as creates and updates answer."""
    articles, entries = _associated(store, ticket)
    shown = ticket_columns(ticket, time=time)
    shown["article_ids"] = list(articles)
    shown["ticket_time_accounting_ids"] = list(entries)
    shown["ai_stored_result_ids"] = []
    shown["referencing_checklist_ids"] = []
    return shown


def ticket_names(store: Store, ticket: Ticket, *, time: bool = True) -> Json:
    """A ticket with `expand=true`.

    The key `ticket_time_accounting` is there exactly when there are no entries: they have no name.
    """
    shown = ticket_ids(store, ticket, time=time)
    if not store.entries.where("ticket", ticket.id):
        shown["ticket_time_accounting"] = []
    shown["ai_stored_results"] = []
    shown["referencing_checklists"] = []
    shown["state"] = STATES[ticket.state_id].name
    shown["priority"] = PRIORITIES[ticket.priority_id].name
    shown["owner"] = login_of(store, ticket.owner_id)
    shown["customer"] = login_of(store, ticket.customer_id)
    if (group := store.groups.get(ticket.group_id)) is not None:
        shown["group"] = group.name
    if (organization := store.organizations.get(ticket.organization_id)) is not None:
        shown["organization"] = organization.name
    if ticket.create_article_type_id is not None:
        shown["create_article_type"] = ARTICLE_TYPES[ticket.create_article_type_id].name
    if ticket.create_article_sender_id is not None:
        shown["create_article_sender"] = SENDERS[ticket.create_article_sender_id].name
    return _makers(store, shown)


# Articles


def article_columns(article: Article) -> Json:
    """An article's columns."""
    shown = _columns(article)
    shown["from"] = shown.pop("from_")
    for key in ("reply_to", "message_id_md5", "in_reply_to", "references", "origin_by_id"):
        shown.setdefault(key, None)
    shown["detected_language"] = None
    return shown


def article_names(store: Store, article: Article) -> Json:
    """An article as every article route shows it, `time_unit` of its entry included."""
    shown = article_columns(article)
    booked = store.entries.one("article", article.id)
    shown["time_unit"] = None if booked is None else booked.time_unit
    shown["type"] = ARTICLE_TYPES[article.type_id].name
    shown["sender"] = SENDERS[article.sender_id].name
    shown["ai_stored_result_ids"] = []
    shown["ai_stored_results"] = []
    return _makers(store, shown)


# Users, organizations, groups


def user_columns(user: User) -> Json:
    """A user's columns with associated ids; never the password."""
    shown = {**_USER_REST, **_columns(user, "password", "two_factor")}
    shown["authorization_ids"] = []
    shown["overview_sorting_ids"] = []
    shown["two_factor_preference_ids"] = []
    return shown


def user_names(store: Store, user: User) -> Json:
    """A user with `expand=true`."""
    shown = user_columns(user)
    organization = store.organizations.get(user.organization_id)
    shown["organization"] = None if organization is None else organization.name
    further = (store.organizations.get(i) for i in user.organization_ids)
    shown["organizations"] = [row.name for row in further if row is not None]
    roles = (store.roles.get(i) for i in user.role_ids)
    shown["roles"] = [role.name for role in roles if role is not None]
    shown["groups"] = {
        store.groups[int(i)].name: rights
        for i, rights in user.group_ids.items()
        if int(i) in store.groups
    }
    shown["authorizations"] = []
    return _makers(store, shown)


def organization_columns(organization: Organization) -> Json:
    """An organization's own columns."""
    return _columns(organization)


def organization_ids(store: Store, organization: Organization) -> Json:
    """An organization's columns and members."""
    shown = _columns(organization)
    shown["member_ids"] = [user.id for user in people.members(store, organization.id)]
    shown["secondary_member_ids"] = [
        user.id for user in people.secondary_members(store, organization.id)
    ]
    return shown


def organization_names(store: Store, organization: Organization) -> Json:
    """An organization with `expand=true`."""
    shown = organization_ids(store, organization)
    shown["members"] = [store.users[i].login for i in shown["member_ids"]]
    shown["secondary_members"] = [store.users[i].login for i in shown["secondary_member_ids"]]
    return _makers(store, shown)


def group_ids(store: Store, group: Group) -> Json:
    """A group's columns and the agents with access."""
    shown = _columns(group)
    shown |= {"signature_id": None, "email_address_id": None, "assignment_timeout": None}
    shown |= {"follow_up_assignment": True, "shared_drafts": True}
    shown["user_ids"] = [user.id for user in store.users if str(group.id) in user.group_ids]
    return shown


def group_names(store: Store, group: Group) -> Json:
    """A group with `expand=true`."""
    shown = group_ids(store, group)
    shown["users"] = [store.users[i].login for i in shown["user_ids"]]
    return _makers(store, shown)


def setting(row: Setting) -> Json:
    """A setting as `GET /settings` lists it."""
    return {
        "id": row.id,
        "title": row.name,
        "name": row.name,
        "area": "Web::Base",
        "description": "",
        "options": {},
        "state_current": {"value": row.current},
        "state_initial": {"value": row.initial},
        "frontend": True,
        "preferences": {"permission": row.permissions},
        "created_at": row.updated_at,
        "updated_at": row.updated_at,
    }


# Assets


def add_user_assets(store: Store, assets: dict[str, Json], user_ids: Iterable[int | None]) -> None:
    """Put users, and the organizations they belong to, among the assets."""
    for user_id in user_ids:
        user = store.users.get(user_id)
        if user is None or str(user.id) in assets.setdefault("User", {}):
            continue
        assets["User"][str(user.id)] = user_columns(user)
        add_organization_asset(store, assets, user.organization_id)


def add_organization_asset(store: Store, assets: dict[str, Json], row_id: int | None) -> None:
    """Put an organization among the assets."""
    organization = store.organizations.get(row_id)
    if organization is not None:
        known = assets.setdefault("Organization", {})
        known.setdefault(str(organization.id), organization_ids(store, organization))


def entry_assets(store: Store, entries: Iterable[TimeAccounting]) -> dict[str, Json]:
    """Assets of entries: themselves and who created them."""
    assets: dict[str, Json] = {}
    for entry in entries:
        shown = msgspec.structs.asdict(entry)
        assets.setdefault("TicketTimeAccounting", {})[str(entry.id)] = shown
        add_user_assets(store, assets, [entry.created_by_id])
    return assets


def ticket_assets(store: Store, tickets: Iterable[Ticket], *, time: bool = True) -> dict[str, Json]:
    """Assets of tickets: themselves, their people, organizations and groups."""
    assets: dict[str, Json] = {}
    for ticket in tickets:
        shown = ticket_ids(store, ticket, time=time)
        assets.setdefault("Ticket", {})[str(ticket.id)] = shown
        people_ids = (
            ticket.owner_id,
            ticket.customer_id,
            ticket.created_by_id,
            ticket.updated_by_id,
        )
        add_user_assets(store, assets, people_ids)
        add_organization_asset(store, assets, ticket.organization_id)
        if (group := store.groups.get(ticket.group_id)) is not None:
            assets.setdefault("Group", {})[str(group.id)] = group_ids(store, group)
    return assets


def article_assets(store: Store, article: Article) -> dict[str, Json]:
    """Assets of one article: itself, its ticket and who wrote it. No `time_unit` here."""
    assets = ticket_assets(store, [store.tickets[article.ticket_id]])
    assets["TicketArticle"] = {str(article.id): article_columns(article)}
    add_user_assets(store, assets, [article.created_by_id, article.updated_by_id])
    return assets

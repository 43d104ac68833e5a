"""The default webhook payload, built from the rows as they are. Source: peers/zammad.md §5.3."""

import hashlib
import hmac
from typing import Any

from adapters.sandbox.zammad import views
from adapters.sandbox.zammad.records import PRIORITIES, SYSTEM_USER, Article, Named, Ticket
from adapters.sandbox.zammad.store import Store

_NOT_SENT = (
    "last_login",
    "login_failed",
    "preferences",
    "group_ids",
    "groups",
    "authorization_ids",
    "authorizations",
)
_CATALOGUE_SINCE = "2025-01-10T09:00:00.000Z"  # priorities come with the installation


def build(store: Store, ticket: Ticket, article: Article | None) -> dict[str, Any]:
    """The two top-level keys; no event type, no actor, no entry."""
    return {
        "ticket": _ticket(store, ticket),
        "article": {} if article is None else _article(store, article),
    }


def signature(token: str, body: bytes) -> str:
    """`X-Hub-Signature` of a raw body."""
    return f"sha1={hmac.new(token.encode(), body, hashlib.sha1).hexdigest()}"


def _user(store: Store, user_id: int | None) -> dict[str, Any]:
    user = store.users.get(user_id)
    if user is None:
        return {}
    shown = views.user_names(store, user)
    return dict(sorted((k, v) for k, v in shown.items() if k not in _NOT_SENT))


def _ticket(store: Store, ticket: Ticket) -> dict[str, Any]:
    shown = views.ticket_names(store, ticket)
    for role in ("owner", "customer", "created_by", "updated_by"):
        shown[role] = _user(store, shown[f"{role}_id"])
    organization = store.organizations.get(ticket.organization_id)
    shown["organization"] = (
        {} if organization is None else _sorted(views.organization_names(store, organization))
    )
    group = store.groups.get(ticket.group_id)
    shown["group"] = {} if group is None else _sorted(views.group_names(store, group))
    shown["priority"] = _priority(PRIORITIES[ticket.priority_id])
    return _sorted(shown)


def _article(store: Store, article: Article) -> dict[str, Any]:
    shown = views.article_names(store, article)
    for role in ("created_by", "updated_by"):
        shown[role] = _user(store, shown[f"{role}_id"])
    shown["accounted_time"] = float(shown["time_unit"] or 0)
    base = f"{store.setting('http_type')}://{store.setting('fqdn')}/api/v1/ticket_attachment"
    shown["attachments"] = [
        {**found, "url": f"{base}/{article.ticket_id}/{article.id}/{found['id']}"}
        for found in article.attachments
    ]
    return _sorted(shown)


def _priority(row: Named) -> dict[str, Any]:
    shown = {"id": row.id, "name": row.name, "active": True, "default_create": row.id == 2}  # noqa: PLR2004  2 is "normal"
    shown |= {"note": None, "ui_color": None, "ui_icon": None}
    shown |= {"created_by_id": SYSTEM_USER, "updated_by_id": SYSTEM_USER}
    shown |= {"created_by": "-", "updated_by": "-"}
    shown |= {"created_at": _CATALOGUE_SINCE, "updated_at": _CATALOGUE_SINCE}
    return _sorted(shown)


def _sorted(shown: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(shown.items()))

"""Who is calling, and what they may do. Source: peers/zammad.md §1.1 and §1.2."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

from adapters.sandbox.zammad import people
from adapters.sandbox.zammad.errors import Forbidden, NotAuthorized
from adapters.sandbox.zammad.records import Article, Ticket, Token, User, instant
from adapters.sandbox.zammad.store import Store, as_id

_LOGIN_FAILED = (
    "Login failed. Have you double-checked your credentials "
    "and completed the email verification step?"
)
_TOKEN = re.compile(r"(?:Token|Bearer)\s+(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Caller:
    """The user a request acts as, limited by the token it came with."""

    store: Store
    user: User
    token: Token | None = None  # None: the user's own rights alone count

    def may(self, *permissions: str) -> bool:
        """Whether any of `permissions` is held by the user and, if there is one, the token."""
        held = people.permissions_of(self.store, self.user)
        if self.token is None:
            return any(people.grants(held, wanted) for wanted in permissions)
        subset = self.token.permissions
        return any(
            people.grants(held, wanted) and people.grants(subset, wanted) for wanted in permissions
        )

    def require(self, *permissions: str) -> None:
        """Insist on any of `permissions`.

        Raises:
            Forbidden: none of them is held.
        """
        if not self.may(*permissions):
            raise Forbidden

    def is_agent_of(self, ticket: Ticket, access: str) -> bool:
        """Whether the caller is an agent with that right in the ticket's group."""
        return self.may("ticket.agent") and people.group_access(
            self.store, self.user, ticket.group_id, access
        )

    def is_customer_of(self, ticket: Ticket) -> bool:
        """Whether the ticket is the caller's own or their shared organization's."""
        if not self.may("ticket.customer"):
            return False
        if ticket.customer_id == self.user.id:
            return True
        own = {self.user.organization_id, *self.user.organization_ids} - {None}
        organization = self.store.organizations.get(ticket.organization_id)
        return organization is not None and organization.id in own and organization.shared

    def can(self, ticket: Ticket, access: str) -> bool:
        """Whether the caller has `access` (read, change, create) to the ticket in any role."""
        return self.is_agent_of(ticket, access) or self.is_customer_of(ticket)

    def readable(self, ticket_id: object) -> Ticket:
        """The ticket, if the caller may read it.

        Raises:
            NotFound: no such ticket.
            Forbidden: not readable.
        """
        ticket = self.store.find(self.store.tickets, ticket_id)
        if not self.can(ticket, "read"):
            raise Forbidden
        return ticket

    def readable_groups(self) -> set[int]:
        """Groups the caller may read as an agent."""
        if not self.may("ticket.agent"):
            return set()
        return {
            group.id
            for group in self.store.groups
            if people.group_access(self.store, self.user, group.id, "read")
        }

    def sees_article(self, article: Article) -> bool:
        """Internal articles are for agents of the group."""
        ticket = self.store.tickets[article.ticket_id]
        if article.internal:
            return self.is_agent_of(ticket, "read")
        return self.can(ticket, "read")


def authenticate(store: Store, headers: Mapping[str, str]) -> Caller:
    """The caller behind a request's headers.

    Raises:
        Forbidden: no credentials at all, a switched-off scheme, maintenance mode.
        NotAuthorized: wrong, expired or inactive credentials; impersonation not allowed.
    """
    caller = _credentials(store, headers.get("authorization", ""))
    on_behalf = headers.get("from") or headers.get("x-on-behalf-of")
    return _impersonated(store, caller, on_behalf) if on_behalf else caller


def _credentials(store: Store, header: str) -> Caller:
    if header[:6].lower() == "basic ":
        return _accepted(store, _basic(store, header[6:]), None)
    match = _TOKEN.fullmatch(header.strip())
    if match is None:
        raise Forbidden("Authentication required")
    if not store.setting("api_token_access"):
        raise Forbidden("API token access disabled!")
    secret = _secret(match[1])
    token = store.tokens.one("secret", secret)
    if token is not None and token.kind == "api":
        if token.expires_at is not None and store.now().date().isoformat() >= token.expires_at:
            raise NotAuthorized("Not authorized (token expired)!")
        return _accepted(store, store.users[token.user_id], token)
    if header[:7].lower() == "bearer ":
        return _accepted(store, _oauth_user(store, token), None)
    raise NotAuthorized("Can't find User for Token")


def _secret(text: str) -> str:
    """The token of `token="abc", nonce=…`, of `token=abc` and of `abc`."""
    first = re.split(r"[,;\t]", text.strip(), maxsplit=1)[0].strip()
    return first.removeprefix("token=").strip('"')


def _basic(store: Store, encoded: str) -> User:
    try:
        login, _, password = base64.b64decode(encoded.strip()).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        login = password = ""
    if not store.setting("api_password_access"):
        raise Forbidden("API password access disabled!")
    user = people.user_by(store, login)
    if user is None or not user.password or user.password != password or user.two_factor:
        raise NotAuthorized("Invalid BasicAuth credentials")
    return user


def _oauth_user(store: Store, token: Token | None) -> User:
    if token is None:
        raise NotAuthorized("The provided token is invalid.")
    if token.expires_at is not None and instant(token.expires_at) < store.now():
        raise NotAuthorized("OAuth2 token is expired!")
    return store.users[token.user_id]


def _accepted(store: Store, user: User, token: Token | None) -> Caller:
    in_maintenance = store.setting("maintenance_mode")
    if in_maintenance and not people.grants(
        people.permissions_of(store, user), "admin.maintenance"
    ):
        raise Forbidden("Maintenance mode enabled!")
    if not user.active:
        raise NotAuthorized(_LOGIN_FAILED)
    return Caller(store, user, token)


def _impersonated(store: Store, caller: Caller, name: str) -> Caller:
    """Act as another user: the token's subset no longer applies."""
    real = people.permissions_of(store, caller.user)
    if not people.grants(real, "admin.user"):
        raise NotAuthorized("Current user has no permission to use 'From'/'X-On-Behalf-Of'!")
    user = store.users.get(as_id(name)) or people.user_by(store, name)
    if user is None:
        raise NotAuthorized(f"No such user '{name}'")
    return Caller(store, user, None)

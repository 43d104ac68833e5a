"""Who asks: the bearer token or the login cookie, the account behind it, and its role."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Security, params
from fastapi.security import OAuth2PasswordBearer

from api.origin import from_own_page
from api.problems import Problem
from api.services import Commands, Services, commands_of, services
from api.tokens import Claims
from domain.account.decide import ACCOUNT, Account, includes
from domain.handling import state_of
from domain.ids import UserId, user_stream

COOKIE = "timeledger_token"
SAFE = ("GET", "HEAD", "OPTIONS")

# A token is worth what its account's role is; the document names the role a route needs by these.
SCOPES = {"viewer": "Reads.", "operator": "Resolves and runs, too.", "admin": "Configures, too."}

bearer = OAuth2PasswordBearer(tokenUrl="/token", scopes=SCOPES, auto_error=False)


@dataclass(frozen=True, kw_only=True)
class Identity:
    """The account that asks, and the token it asks with."""

    account: Account
    claims: Claims

    @property
    def username(self) -> str:
        return self.account.username.value or ""


async def account_of(own: Services, user_id: int) -> Account | None:
    """The account as the ledger has it, not as a view that may lag."""
    return await state_of(own.store, ACCOUNT, user_stream(UserId(user_id)))


async def identified(request: Request, own: Annotated[Services, Depends(services)]) -> Identity:
    """Raises Problem: 401 for a token that does not count, 403 `cross_origin`."""
    header = "authorization" in request.headers
    text = await bearer(request) if header else request.cookies.get(COOKIE)
    if not text:
        raise Problem("not_authenticated", "Log in first.")
    if not header and request.method not in SAFE and not from_own_page(request, own.proxies):
        raise Problem("cross_origin", "This request did not come from our own page.")
    try:
        return await _identity(own, text)
    except Problem as problem:
        if not header:
            problem.headers["Set-Cookie"] = cookie_cleared()
        raise


async def _identity(own: Services, text: str) -> Identity:
    return await of_claims(own, own.tokens.read(text, now=own.clock.now()))


async def of_claims(own: Services, claims: Claims) -> Identity:
    """Who a token belongs to that has not expired. Raises Problem `token_revoked`."""
    account = await account_of(own, claims.user_id)
    if account is None or account.username.value != claims.username:
        raise Problem("token_revoked", "The account of this login is gone.")
    if account.generation != claims.generation or not account.is_active:
        raise Problem("token_revoked", "The account has changed; log in again.")
    if await own.credentials.is_revoked(claims.token_id):
        raise Problem("token_revoked", "This login has ended; log in again.")
    return Identity(account=account, claims=claims)


def cookie_cleared() -> str:
    return f"{COOKIE}=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict"


def require(identity: Identity, role: str) -> None:
    """Raises Problem `forbidden` when the account may not do what needs `role`."""
    if not includes(identity.account.role, role):
        raise Problem("forbidden", f"This needs the role {role}.")


async def _commands(
    request: Request, identity: Annotated[Identity, Depends(identified)]
) -> Commands:
    return commands_of(
        request, user_id=identity.account.user_id, username=identity.account.username.value
    )


def _needs(role: str) -> params.Security:
    """The account that asks, if it may do what needs the role; the document says which."""

    async def needed(
        identity: Annotated[Identity, Depends(identified)],
        _: Annotated[str | None, Security(bearer)],
    ) -> Identity:
        require(identity, role)
        return identity

    return params.Security(needed, scopes=[role])


Own = Annotated[Services, Depends(services)]
Viewer = Annotated[Identity, _needs("viewer")]
Operator = Annotated[Identity, _needs("operator")]
Admin = Annotated[Identity, _needs("admin")]
RequestCommands = Annotated[Commands, Depends(_commands)]

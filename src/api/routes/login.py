"""Logging in and out: contract, section 2."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request, Response

from api.attempts import attempt, named, record
from api.bodies import Answer
from api.identity import COOKIE, Own, RequestCommands, Viewer, cookie_cleared
from api.origin import from_foreign_page
from api.problems import Problem
from api.routing import LedgerRoute
from api.services import Services, commands_of
from domain.account.decide import Account, login_digest
from domain.account.events import UserLoggedIn, UserLoggedOut

WRONG = "User name or password is wrong."
INACTIVE = "This account is not active."

router = APIRouter(tags=["login"], route_class=LedgerRoute)


class TokenAnswer(Answer):
    access_token: str
    token_type: Literal["bearer"]
    expires_in: int


@router.post("/token", responses={401: {}, 429: {}})
async def log_in(
    request: Request,
    response: Response,
    username: Annotated[str, Form(max_length=1000)],
    password: Annotated[str, Form(max_length=1000)],
    own: Own,
) -> TokenAnswer:
    """Exchange user name and password for a token; 401, or 429 after too many failures."""
    digest = login_digest(username)
    async with attempt(request, own, username) as failed:
        account, right = await _tried(own, digest, password)
        if account is None or not right or not account.is_active:
            code = "account_inactive" if right else "bad_credentials"
            await failed(account, code)
            raise Problem(code, INACTIVE if right else WRONG)
        return await _logged_in(request, response, own, account)


async def _tried(own: Services, digest: str, password: str) -> tuple[Account | None, bool]:
    """The account of that name and whether the password is right; equally slow either way."""
    account, hash_ = await named(own, digest)
    return account, await own.passwords.matches(password, hash_)


async def _logged_in(
    request: Request, response: Response, own: Services, account: Account
) -> TokenAnswer:
    name = account.username.value or ""
    commands = commands_of(request, user_id=account.user_id, username=name)
    text, claims = own.tokens.issue(
        username=name,
        user_id=account.user_id,
        generation=account.generation,
        now=commands.now,
    )
    event = UserLoggedIn(
        user_id=account.user_id,
        username=account.username,
        token_id=claims.token_id,
        expires_at=claims.expires_at,
    )
    await record(commands, event)
    seconds = int(own.tokens.life.total_seconds())
    if not from_foreign_page(request, own.proxies):
        response.set_cookie(
            COOKIE,
            text,
            max_age=seconds,
            path="/",
            httponly=True,
            samesite="strict",
            secure=own.proxies.scheme(request) == "https",
        )
    return TokenAnswer(access_token=text, token_type="bearer", expires_in=seconds)


@router.post("/logout", status_code=204)
async def log_out(
    response: Response, identity: Viewer, commands: RequestCommands, own: Own
) -> None:
    """End this login: its token is refused from now on, wherever it went."""
    claims = identity.claims
    await own.credentials.revoke(claims.token_id, claims.expires_at, commands.now)
    event = UserLoggedOut(
        user_id=identity.account.user_id,
        username=identity.account.username,
        token_id=claims.token_id,
    )
    await record(commands, event, key=f"logout:{claims.token_id}")
    response.headers["Set-Cookie"] = cookie_cleared()

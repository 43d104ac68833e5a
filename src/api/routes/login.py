"""Logging in and out: contract, section 2."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from adapters.postgres.credentials import Throttled
from api.bodies import Answer
from api.identity import COOKIE, Own, RequestCommands, Viewer, account_of, cookie_cleared
from api.origin import from_foreign_page
from api.problems import Problem
from api.routing import LedgerRoute
from api.services import Commands, Services, commands_of
from domain.account.decide import Account, login_digest, subject
from domain.account.events import (
    LoginEvent,
    LoginFailed,
    LoginThrottled,
    UserLoggedIn,
    UserLoggedOut,
)
from domain.event import Append
from domain.ids import LOGIN_STREAM, UserId
from domain.personal import Personal

LONGEST_NAME = 150  # characters of a tried user name that are kept
NOBODY = UserId(0)

router = APIRouter(tags=["login"], route_class=LedgerRoute)


class TokenAnswer(Answer):
    access_token: str
    token_type: str
    expires_in: int


class Turns:
    """One login at a time per account and per address, so that nobody guesses in parallel."""

    def __init__(self) -> None:
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._waiting: defaultdict[str, int] = defaultdict(int)

    @asynccontextmanager
    async def of(self, *keys: str) -> AsyncIterator[None]:
        """Wait for the turn of all keys; asked for in one order, so nobody waits in a circle."""
        key, *rest = sorted(set(keys))
        self._waiting[key] += 1
        try:
            async with self._locks[key]:
                if rest:
                    async with self.of(*rest):
                        yield
                else:
                    yield
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key]:
                del self._waiting[key], self._locks[key]


@router.post("/token", responses={401: {}, 429: {}})
async def log_in(
    request: Request,
    response: Response,
    username: Annotated[str, Form(max_length=1000)],
    password: Annotated[str, Form(max_length=1000)],
    own: Own,
) -> TokenAnswer:
    """Exchange user name and password for a token; 401, or 429 after too many failures."""
    address = own.proxies.address(request)
    digest = login_digest(username)
    turns: Turns = request.app.state.login_turns
    async with turns.of(f"account:{digest}", f"address:{address}"):
        now = own.clock.now()
        if throttled := await own.credentials.throttled(digest, address, now):
            raise await _throttled(request, own, username, throttled)
        account, right = await _tried(own, digest, password)
        if account is None or not right or not account.is_active:
            await own.credentials.failed(digest, address, now)
            raise await _failed(request, username, account, right=right)
        return await _logged_in(request, response, own, account)


async def _tried(own: Services, digest: str, password: str) -> tuple[Account | None, bool]:
    """The account of that name and whether the password is right; equally slow either way."""
    stored = await own.credentials.of_login(digest)
    account, hash_ = None, None
    for credential in stored:
        found = await account_of(own, credential.user_id)
        if found is not None and found.credential == credential.credential:
            account, hash_ = found, credential.hash
    if not stored:
        await account_of(own, NOBODY)  # the same reads as for an account that exists
    return account, await own.passwords.matches(password, hash_)


async def _logged_in(
    request: Request, response: Response, own: Services, account: Account
) -> TokenAnswer:
    commands = _commands(request, account, account.username.value or "")
    text, claims = own.tokens.issue(
        username=account.username.value or "",
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
    await _record(commands, event)
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


async def _failed(
    request: Request, username: str, account: Account | None, *, right: bool
) -> Problem:
    code = "account_inactive" if right else "bad_credentials"
    event = LoginFailed(
        user_id=account.user_id if account else None,
        username=_tried_name(account, username),
        code=code,
    )
    await _record(_commands(request, account, username), event)
    text = "This account is not active." if right else "User name or password is wrong."
    return Problem(code, text)


async def _throttled(
    request: Request, own: Services, username: str, throttled: Throttled
) -> Problem:
    commands = _commands(request, None, username)
    event = LoginThrottled(
        user_id=None,
        username=_tried_name(None, username),
        limit=throttled.limit,
        until=throttled.until,
    )
    who = login_digest(username) if throttled.limit == "account" else own.proxies.address(request)
    minute = f"{throttled.limit}:{who}:{commands.now:%Y%m%d%H%M}"
    key = hashlib.sha256(minute.encode()).hexdigest()
    # One event a minute: a flood of attempts must not become a flood of facts.
    await _record(commands, event, key=f"login-throttled:{key}")
    seconds = max(1, round((throttled.until - commands.now).total_seconds()))
    return Problem(
        "login_throttled", "Too many failed logins.", headers={"Retry-After": str(seconds)}
    )


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
    await _record(commands, event, key=f"logout:{claims.token_id}")
    response.headers["Set-Cookie"] = cookie_cleared()


def _commands(request: Request, account: Account | None, username: str) -> Commands:
    user_id = account.user_id if account else NOBODY
    return commands_of(request, user_id=user_id, username=username[:LONGEST_NAME])


def _tried_name(account: Account | None, username: str) -> Personal:
    user_id = account.user_id if account else NOBODY
    return Personal(subject(user_id), username[:LONGEST_NAME])


async def _record(commands: Commands, event: LoginEvent, key: str | None = None) -> None:
    await commands.append(
        Append(
            stream=LOGIN_STREAM,
            events=[event],
            metadata=commands.metadata,
            occurred_at=commands.now,
            expected=None,
            key=key,
        )
    )

"""Attempts at a password: in turn, counted, throttled and recorded (contract, section 2)."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from fastapi import Request

from adapters.postgres.connecting import DRIVER_ERRORS
from adapters.postgres.credentials import Throttled
from api.identity import account_of
from api.origin import sender_of
from api.problems import Problem
from api.services import Commands, Services, commands_of
from domain.account.decide import Account, login_digest, subject
from domain.account.events import LoginEvent, LoginFailed, LoginThrottled
from domain.errors import LedgerError
from domain.event import Append
from domain.ids import LOGIN_STREAM, UserId
from domain.personal import Personal

LONGEST_NAME = 150  # characters of a tried user name that are kept
NOBODY = UserId(0)

Fail = Callable[[Account | None, str], Awaitable[None]]  # with the code that is answered


class Turns:
    """One attempt at a time per account and per address: who logs in twice at once may do both."""

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


@asynccontextmanager
async def attempt(request: Request, own: Services, username: str) -> AsyncIterator[Fail]:
    """One try at the password of `username`; call what it gives when the try has failed.

    Raises Problem `login_throttled` after too many failures, whatever this password is.
    """
    address = sender_of(own.proxies.address(request))
    digest = login_digest(username)
    turns: Turns = request.app.state.login_turns

    has_failed = False

    async def failed(account: Account | None, code: str) -> None:
        nonlocal has_failed
        has_failed = True
        user_id = account.user_id if account else NOBODY
        event = LoginFailed(
            user_id=account.user_id if account else None,
            username=Personal(subject(user_id), username[:LONGEST_NAME]),
            code=code,
        )
        await record(_commands(request, user_id, username), event)

    async with turns.of(f"account:{digest}", f"address:{address}"):
        begun = await own.credentials.begin(digest, address, own.clock.now())
        if isinstance(begun, Throttled):
            raise await _throttled(request, own, username, begun, address)
        try:
            yield failed
        except (LedgerError, *DRIVER_ERRORS):  # ours, not of who tries
            if not has_failed:
                await own.credentials.succeeded(begun)
            raise
        if not has_failed:
            await own.credentials.succeeded(begun)


async def named(own: Services, digest: str) -> tuple[Account | None, str | None]:
    """The account of a user name's digest, with its hash; as many reads when there is none."""
    stored = await own.credentials.of_login(digest)
    account, hash_ = None, None
    for credential in stored:
        found = await account_of(own, credential.user_id)
        if found is not None and found.credential == credential.credential:
            account, hash_ = found, credential.hash
    if not stored:
        await account_of(own, NOBODY)
    return account, hash_


async def _throttled(
    request: Request, own: Services, username: str, throttled: Throttled, address: str
) -> Problem:
    account, _ = await named(own, login_digest(username))
    user_id = account.user_id if account else NOBODY
    commands = _commands(request, user_id, username)
    event = LoginThrottled(
        user_id=account.user_id if account else None,
        username=Personal(subject(user_id), username[:LONGEST_NAME]),
        limit=throttled.limit,
        until=throttled.until,
    )
    who = login_digest(username) if throttled.limit == "account" else address
    minute = f"{throttled.limit}:{who}:{commands.now:%Y%m%d%H%M}"
    key = hashlib.sha256(minute.encode()).hexdigest()
    # One event a minute: a flood of attempts must not become a flood of facts.
    await record(commands, event, key=f"login-throttled:{key}")
    seconds = max(1, round((throttled.until - commands.now).total_seconds()))
    return Problem(
        "login_throttled", "Too many failed logins.", headers={"Retry-After": str(seconds)}
    )


def _commands(request: Request, user_id: UserId, username: str) -> Commands:
    return commands_of(request, user_id=user_id, username=username[:LONGEST_NAME])


async def record(commands: Commands, event: LoginEvent, key: str | None = None) -> None:
    """Append to the stream of logins; once per `key`."""
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

"""Accounts: contract, section 2."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated, ClassVar, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from adapters.postgres.locks import turn
from api.attempts import attempt
from api.bodies import Body
from api.identity import Admin, Own, RequestCommands, Viewer, account_of
from api.inputs import Expected, Number, Skip
from api.problems import Problem
from api.routing import LedgerRoute
from api.services import Commands, Services
from api.settings import LONGEST_PASSWORD, SHORTEST_PASSWORD
from api.shapes import UserOut
from api.showing import row_now
from domain.account.commands import AddUser, ChangeUser, ReplacePassword
from domain.account.decide import ACCOUNT, Account, holds, login_digest
from domain.errors import RuleViolation, StreamMovedOn
from domain.ids import UserId, user_stream
from domain.numbering import NumberTaken, with_next_number
from domain.versions import require_version
from projections import users

Role = Literal["admin", "operator", "viewer"]
Password = Annotated[str, Field(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD)]
Text = Annotated[str, Field(max_length=320)]

router = APIRouter(prefix="/users", tags=["users"], route_class=LedgerRoute)
own_account = APIRouter(prefix="/users/me", tags=["users"], route_class=LedgerRoute)


class NewUser(Body):
    read_only: ClassVar = frozenset({"id", "disabled", "created_at", "version"})

    username: Annotated[str, Field(min_length=1, max_length=150, pattern=r"^\S(.*\S)?$")]
    password: Password
    email: Text | None = None
    full_name: Text | None = None
    role: Role = "viewer"
    is_active: bool = True


class UserPatch(Body):
    read_only: ClassVar = frozenset({"id", "username", "disabled", "created_at", "version"})

    email: Text | None = None
    full_name: Text | None = None
    role: Role = "viewer"
    is_active: bool = True
    password: Password = ""


class PasswordChange(Body):
    current_password: Annotated[str, Field(max_length=1000)]
    new_password: Password


@own_account.get("", response_model=UserOut)
async def me(identity: Viewer, own: Own) -> object:
    """The account that asks."""
    return await shown_user(own, identity.account.user_id)


@own_account.post("/password", status_code=204, responses={429: {}})
async def replace_own_password(
    body: PasswordChange,
    request: Request,
    identity: Viewer,
    own: Own,
    commands: RequestCommands,
    expected: Expected,
) -> None:
    """Give oneself another password; every token of the account is revoked, this one too.

    A wrong current password counts as a failed login: 429 after too many.
    """
    account = identity.account
    require_version("The user", account.version, expected)
    async with attempt(request, own, identity.username) as failed:  # with a stolen login, say
        if not await own.passwords.matches(body.current_password, await _hash_of(own, account)):
            await failed(account, "bad_credentials")
            raise Problem("bad_credentials", "The current password is wrong.", status=403)
    await _replace(
        own,
        commands,
        account,
        body.new_password,
        replaces=account.credential,
        expected=expected,
    )


@router.get("", response_model=list[UserOut])
async def list_users(
    _: Admin,
    own: Own,
    response: Response,
    skip: Skip = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> object:
    """All accounts, by id."""
    rows, total = await own.views.users(skip=skip, limit=limit)
    response.headers["X-Total-Count"] = str(total)
    return [users.shown(row) for row in rows]


@router.post("", status_code=201, response_model=UserOut)
async def add_user(body: NewUser, _: Admin, own: Own, commands: RequestCommands) -> object:
    """Add an account; 409 `name_taken`."""
    number = await add_account(own, commands, body)
    return await shown_user(own, number)


@router.patch("/{user_id}", response_model=UserOut)
async def change_user(
    user_id: Number,
    body: UserPatch,
    _: Admin,
    own: Own,
    commands: RequestCommands,
    expected: Expected,
    request: Request,
) -> object:
    """Change an account; 409 `last_admin` when nobody would be left to administrate."""
    given = body.model_fields_set
    account = await account_of(own, user_id)
    if account is None:
        raise Problem("not_found", "There is no such user.")
    hashed = await own.passwords.hash(body.password) if "password" in given else None
    async with AsyncExitStack() as stack:
        credential = None
        if hashed is not None:
            stored = _stored(own, user_id, _login_of(account), hashed)
            credential = await stack.enter_async_context(stored)
        # two admins who demote each other
        await stack.enter_async_context(one_after_the_other(request, own))
        command = ChangeUser(
            email=(body.email or "") if "email" in given else None,
            full_name=(body.full_name or "") if "full_name" in given else None,
            role=body.role if "role" in given else None,
            is_active=body.is_active if "is_active" in given else None,
            credential=credential,
            other_admins=await other_admins(own, user_id),
            expected=expected,
        )
        await commands.run(ACCOUNT, user_stream(UserId(user_id)), command, holds)
    if credential is not None:
        await own.credentials.drop(account.credential)
    return await shown_user(own, user_id)


@asynccontextmanager
async def one_after_the_other(request: Request, own: Services) -> AsyncIterator[None]:
    """Whatever takes an administrator away, in all processes.

    Of this one a single request waits with a session in hand.
    """
    async with (
        request.app.state.admin_lock,
        turn(own.store.pool, f"timeledger administrators {own.store.log_id}"),
    ):
        yield


async def add_account(own: Services, commands: Commands, body: NewUser) -> int:
    """Store the password, then the account that names it; return its id."""
    hashed = await own.passwords.hash(body.password)
    login = login_digest(body.username)

    async def add(number: int) -> None:
        async with _stored(own, number, login, hashed) as credential:
            command = AddUser(
                user_id=UserId(number),
                username=body.username,
                email=body.email or "",
                full_name=body.full_name or "",
                role=body.role,
                is_active=body.is_active,
                credential=credential,
            )
            await commands.run(ACCOUNT, user_stream(UserId(number)), command, holds)

    number, _ = await with_next_number(own.store, lambda n: user_stream(UserId(n)), add)
    return number


async def replace_password(own: Services, commands: Commands, username: str, password: str) -> None:
    """Give the account of that name another password; its tokens are revoked.

    Raises Problem `not_found`.
    """
    for stored in await own.credentials.of_login(login_digest(username)):
        account = await account_of(own, stored.user_id)
        if account is not None and account.credential == stored.credential:
            await _replace(own, commands, account, password)
            return
    raise Problem("not_found", f"There is no user {username}.")


async def _replace(
    own: Services,
    commands: Commands,
    account: Account,
    password: str,
    *,
    replaces: str | None = None,
    expected: int | None = None,
) -> None:
    hashed = await own.passwords.hash(password)
    async with _stored(own, account.user_id, _login_of(account), hashed) as credential:
        command = ReplacePassword(credential=credential, replaces=replaces, expected=expected)
        await commands.run(ACCOUNT, user_stream(account.user_id), command, holds)
    await own.credentials.drop(account.credential)


async def shown_user(own: Services, user_id: int) -> dict[str, object]:
    """The contract's User, as the ledger has it now."""
    stream = user_stream(UserId(user_id))
    row = await row_now(own.store, users.PROJECTION, stream, user_id)
    if row is None:
        raise Problem("not_found", "There is no such user.")
    return users.shown(row)


@asynccontextmanager
async def _stored(own: Services, user_id: int, login: str, hashed: str) -> AsyncIterator[str]:
    """A hash, by its name, for an event of the block; destroyed when that is refused."""
    credential = await own.credentials.put(user_id, login, hashed)
    try:
        yield credential
    except (RuleViolation, NumberTaken, StreamMovedOn):
        await own.credentials.drop(credential)
        raise


async def sweep(own: Services) -> int:
    """Destroy hashes that no account names: left by a death, or by a change that another undid."""
    valid: dict[int, str | None] = {}
    swept = 0
    for credential, user_id in (await own.credentials.old()).items():
        if user_id not in valid:
            account = await account_of(own, user_id)
            valid[user_id] = None if account is None else account.credential
        if valid[user_id] != credential:
            await own.credentials.drop(credential)
            swept += 1
    return swept


def _login_of(account: Account) -> str:
    return login_digest(account.username.value or "")


async def _hash_of(own: Services, account: Account) -> str | None:
    for stored in await own.credentials.of_login(_login_of(account)):
        if stored.credential == account.credential:
            return stored.hash
    return None


async def other_admins(own: Services, user_id: int) -> bool:
    """Whether another active admin exists, by the ledger: views may lag."""
    number = 1
    while (account := await account_of(own, number)) is not None:
        if number != user_id and account.role == "admin" and account.is_active:
            return True
        number += 1
    return False

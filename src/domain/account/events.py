"""Accounts and logins. Streams `user-<id>` and `login`; names from `contract.md`, section 17.

Personal values belong to `account:<id>`. Logging in and out stands in `login`, so that it does
not raise the version of the account. No event carries a password or its hash: `credential`
names the stored hash, which is written first and counts once an event names it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from domain.change import Change, PersonalChange
from domain.ids import UserId
from domain.personal import Personal


@dataclass(frozen=True, kw_only=True)
class UserAdded:
    """`role` is admin, operator or viewer."""

    TYPE: ClassVar = "UserAdded"
    SCHEMA: ClassVar = 1

    user_id: UserId
    username: Personal
    email: Personal | None
    full_name: Personal | None
    role: str
    is_active: bool
    credential: str


@dataclass(frozen=True, kw_only=True)
class UserChanged:
    """The whole of what it is now; the changes say which fields differ from before."""

    TYPE: ClassVar = "UserChanged"
    SCHEMA: ClassVar = 1

    user_id: UserId
    email: Personal | None
    full_name: Personal | None
    role: str
    is_active: bool
    changes: tuple[Change, ...] = ()
    personal_changes: tuple[PersonalChange, ...] = ()


@dataclass(frozen=True, kw_only=True)
class UserPasswordReplaced:
    TYPE: ClassVar = "UserPasswordReplaced"
    SCHEMA: ClassVar = 1

    user_id: UserId
    credential: str


UserEvent = UserAdded | UserChanged | UserPasswordReplaced


@dataclass(frozen=True, kw_only=True)
class UserLoggedIn:
    """`token_id` is the `jti` of the token that was handed out."""

    TYPE: ClassVar = "UserLoggedIn"
    SCHEMA: ClassVar = 1

    user_id: UserId
    username: Personal
    token_id: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class LoginFailed:
    """Wrong password, unknown account (`user_id` None, subject `account:0`) or inactive one."""

    TYPE: ClassVar = "LoginFailed"
    SCHEMA: ClassVar = 1

    user_id: UserId | None
    username: Personal
    code: str  # bad_credentials or account_inactive


@dataclass(frozen=True, kw_only=True)
class LoginThrottled:
    """Too many failures; the password was not looked at. `limit` is account or address."""

    TYPE: ClassVar = "LoginThrottled"
    SCHEMA: ClassVar = 1

    user_id: UserId | None
    username: Personal
    limit: str
    until: datetime


@dataclass(frozen=True, kw_only=True)
class UserLoggedOut:
    TYPE: ClassVar = "UserLoggedOut"
    SCHEMA: ClassVar = 1

    user_id: UserId
    username: Personal
    token_id: str


LoginEvent = UserLoggedIn | LoginFailed | LoginThrottled | UserLoggedOut

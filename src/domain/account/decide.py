"""The rules of an account: a unique name, always one active admin, tokens that can be revoked."""

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from domain.account.commands import AccountCommand, AddUser, ChangeUser, ReplacePassword
from domain.account.events import UserAdded, UserChanged, UserEvent, UserPasswordReplaced
from domain.change import differences
from domain.errors import RuleViolation
from domain.event import Decider
from domain.ids import UserId
from domain.numbering import NumberTaken
from domain.personal import Personal
from domain.versions import require_version

ROLES = ("viewer", "operator", "admin")  # each includes the ones before it


@dataclass(frozen=True, kw_only=True)
class Account:
    """What an account is now.

    `generation` rises with every change of password, role or activity: a token of an older
    generation is revoked.
    """

    user_id: UserId
    username: Personal
    email: Personal | None
    full_name: Personal | None
    role: str
    is_active: bool
    credential: str
    generation: int = 1
    version: int = 1


def includes(role: str, needed: str) -> bool:
    """Whether somebody with `role` may do what needs `needed`."""
    return ROLES.index(role) >= ROLES.index(needed)


def login_digest(username: str) -> str:
    """What stands for a user name where it must be found or unique without being readable."""
    normal = unicodedata.normalize("NFKC", username.strip()).casefold()
    return hashlib.sha256(b"timeledger login\0" + normal.encode(errors="replace")).hexdigest()


def subject(user_id: UserId) -> str:
    """Whose personal values those of the account are."""
    return f"account:{user_id}"


def decide(command: AccountCommand, account: Account | None) -> Sequence[UserEvent]:
    """Raises RuleViolation (`not_found`, `stale_version`, `last_admin`)."""
    if isinstance(command, AddUser):
        return _added(command, account)
    if account is None:
        raise RuleViolation("not_found", "There is no such user.")
    match command:
        case ChangeUser():
            return _changed(command, account)
        case ReplacePassword(replaces=known):
            require_version("The user", account.version, command.expected)
            if known not in (None, account.credential):
                raise RuleViolation("stale_version", "The password has been replaced meanwhile.")
            return [UserPasswordReplaced(user_id=account.user_id, credential=command.credential)]
        case _:
            assert_never(command)


def evolve(account: Account | None, event: UserEvent) -> Account | None:
    """The account after `event`."""
    if isinstance(event, UserAdded):
        return Account(
            user_id=event.user_id,
            username=event.username,
            email=event.email,
            full_name=event.full_name,
            role=event.role,
            is_active=event.is_active,
            credential=event.credential,
        )
    if account is None:
        return None
    match event:
        case UserChanged():
            changed = replace(
                account,
                email=event.email,
                full_name=event.full_name,
                role=event.role,
                is_active=event.is_active,
            )
            revoked = (changed.role, changed.is_active) != (account.role, account.is_active)
        case UserPasswordReplaced():
            changed, revoked = replace(account, credential=event.credential), True
        case _:
            assert_never(event)
    return replace(changed, version=account.version + 1, generation=account.generation + revoked)


def holds(account: Account | None) -> frozenset[str]:
    """The user name, for good: a name in the audit log never comes to mean somebody else."""
    if account is None or account.username.value is None:
        return frozenset()
    return frozenset({f"username:{login_digest(account.username.value)}"})


ACCOUNT: Decider[AccountCommand, Account | None, UserEvent] = Decider(
    initial=None, decide=decide, evolve=evolve
)


def _added(command: AddUser, account: Account | None) -> Sequence[UserEvent]:
    if account is not None:
        raise NumberTaken(f"user {command.user_id} exists")
    owner = subject(command.user_id)
    return [
        UserAdded(
            user_id=command.user_id,
            username=Personal(owner, command.username),
            email=_personal(owner, command.email),
            full_name=_personal(owner, command.full_name),
            role=command.role,
            is_active=command.is_active,
            credential=command.credential,
        )
    ]


def _changed(command: ChangeUser, account: Account) -> Sequence[UserEvent]:
    require_version("The user", account.version, command.expected)
    owner = subject(account.user_id)
    email, full_name = command.email, command.full_name
    target = replace(
        account,
        email=account.email if email is None else _personal(owner, email),
        full_name=account.full_name if full_name is None else _personal(owner, full_name),
        role=account.role if command.role is None else command.role,
        is_active=account.is_active if command.is_active is None else command.is_active,
    )
    if _rules(account) and not _rules(target) and not command.other_admins:
        raise RuleViolation("last_admin", "Somebody has to stay an active admin.")
    plain, personal = differences(account, target, ("email", "full_name", "role", "is_active"))
    events: list[UserEvent] = []
    if plain or personal:
        events.append(
            UserChanged(
                user_id=account.user_id,
                email=target.email,
                full_name=target.full_name,
                role=target.role,
                is_active=target.is_active,
                changes=plain,
                personal_changes=personal,
            )
        )
    if command.credential is not None:
        events.append(UserPasswordReplaced(user_id=account.user_id, credential=command.credential))
    return events


def _rules(account: Account) -> bool:
    return account.role == "admin" and account.is_active


def _personal(owner: str, value: str) -> Personal | None:
    return Personal(owner, value) if value else None

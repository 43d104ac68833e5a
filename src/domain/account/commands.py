"""What one can ask of an account. `credential` names a password hash that is stored already."""

from dataclasses import dataclass

from domain.ids import UserId


@dataclass(frozen=True, kw_only=True)
class AddUser:
    user_id: UserId
    username: str
    email: str
    full_name: str
    role: str
    is_active: bool
    credential: str


@dataclass(frozen=True, kw_only=True)
class ChangeUser:
    """None leaves a field as it is; "" unsets e-mail or name.

    `other_admins`: somebody else is an active admin, so this one may stop being one.
    """

    email: str | None = None
    full_name: str | None = None
    role: str | None = None
    is_active: bool | None = None
    credential: str | None = None
    other_admins: bool = True
    expected: int | None = None


@dataclass(frozen=True, kw_only=True)
class ReplacePassword:
    """`replaces`: the one that was shown to be known, where somebody had to show that."""

    credential: str
    replaces: str | None = None
    expected: int | None = None


AccountCommand = AddUser | ChangeUser | ReplacePassword

"""The operating system account that the server runs as: PostgreSQL refuses to be root."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from domain.errors import Misconfigured

# In this order. An account of that name keeps the files from other services; `nobody`, which
# exists everywhere, is shared with whatever else runs as nobody on this machine.
CHOICES = ("timeledger", "nobody")


class User(TypedDict, total=False):
    """Arguments of `subprocess.run` that change the user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, kw_only=True)
class Account:
    """A user and group id. `is_ours`: the service's own, so nothing has to be changed."""

    uid: int
    gid: int
    name: str
    is_ours: bool

    def as_user(self) -> User:
        return {} if self.is_ours else {"user": self.uid, "group": self.gid, "extra_groups": []}


def account_for(data: Path) -> Account:
    """Who owns the PostgreSQL data folder `data`, or shall own it when it does not exist yet.

    Raises:
        Misconfigured: the folder belongs to somebody as whom this service cannot run a server.
    """
    if data.exists():
        return _owner(data)
    if os.geteuid() != 0:
        return Account(uid=os.geteuid(), gid=os.getegid(), name=_name(os.geteuid()), is_ours=True)
    return _unprivileged()


def require_switch_to(account: Account) -> None:
    """Raise when this service cannot start programs as `account`.

    Raises:
        Misconfigured: root without the right to change users, as in some sandboxes.
    """
    try:
        subprocess.run(["/bin/sh", "-c", ":"], check=True, cwd="/", **account.as_user())
    except (OSError, subprocess.SubprocessError) as error:
        raise Misconfigured(
            "postgresql",
            f"PostgreSQL refuses to run as root and this root cannot become {account.name}: start"
            " the service as another user, or set DATABASE_URL",
        ) from error


def _owner(data: Path) -> Account:
    state = data.stat()
    name = _name(state.st_uid)
    if state.st_uid == 0:
        chosen = _unprivileged().name
        raise Misconfigured(
            "postgresql",
            f"{data} belongs to root, as whom PostgreSQL refuses to run: chown -R {chosen} it",
        )
    if os.geteuid() not in (0, state.st_uid):
        raise Misconfigured(
            "postgresql", f"{data} belongs to {name}: run the service as that user or as root"
        )
    is_ours = os.geteuid() == state.st_uid
    return Account(uid=state.st_uid, gid=state.st_gid, name=name, is_ours=is_ours)


def _unprivileged() -> Account:
    for name in CHOICES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid:
            return Account(uid=entry.pw_uid, gid=entry.pw_gid, name=name, is_ours=False)
    raise Misconfigured(
        "postgresql",
        "PostgreSQL refuses to run as root: create an account `timeledger`, start the service as"
        " another user, or set DATABASE_URL",
    )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user id {uid}"

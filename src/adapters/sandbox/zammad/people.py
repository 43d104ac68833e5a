"""Roles, users, groups and organizations: who may do what."""

from collections.abc import Iterable
from typing import Any

import msgspec

from adapters.sandbox.zammad.errors import Invalid
from adapters.sandbox.zammad.records import SYSTEM_USER, Group, Organization, Role, User
from adapters.sandbox.zammad.store import Store

ADMIN, AGENT, CUSTOMER = 1, 2, 3
_ROLES = (
    (ADMIN, "Admin", ["admin", "user_preferences"]),
    (AGENT, "Agent", ["ticket.agent", "user_preferences"]),
    (CUSTOMER, "Customer", ["ticket.customer", "user_preferences"]),
)


def add_defaults(store: Store) -> None:
    """What a fresh installation has: the system user, three roles; settings come from the store."""
    now = store.now_text()
    for role_id, name, permissions in _ROLES:
        store.put(
            store.roles,
            Role(id=role_id, name=name, permissions=permissions, created_at=now, updated_at=now),
        )
    store.put(
        store.users,
        User(
            id=SYSTEM_USER, login="-", firstname="-", active=False, created_at=now, updated_at=now
        ),
    )


def permissions_of(store: Store, user: User) -> set[str]:
    """Everything the user's active roles grant."""
    found: set[str] = set()
    for role_id in user.role_ids:
        role = store.roles.get(role_id)
        if role is not None and role.active:
            found.update(role.permissions)
    return found


def grants(held: Iterable[str], wanted: str) -> bool:
    """Whether `held` covers `wanted`: itself or a parent; `admin.*` asks for anything below."""
    if wanted.endswith(".*"):
        stem = wanted[:-2]
        return any(p == stem or p.startswith(f"{stem}.") for p in held)
    return any(wanted == p or wanted.startswith(f"{p}.") for p in held)


def group_access(store: Store, user: User, group_id: int, access: str) -> bool:
    """Whether the user's own or role's group rights cover `access`; `full` covers everything."""
    group = store.groups.get(group_id)
    if group is None or not group.active or not user.active:
        return False
    rights = set(user.group_ids.get(str(group_id), ()))
    for role_id in user.role_ids:
        role = store.roles.get(role_id)
        if role is not None and role.active:
            rights.update(role.group_ids.get(str(group_id), ()))
    return access in rights or "full" in rights


def user_by(store: Store, text: Any) -> User | None:
    """The user with that login or e-mail address."""
    wanted = str(text).strip().lower()
    return store.users.one("login", wanted) or store.users.one("email", wanted)


def add_user(store: Store, **columns: Any) -> User:
    """Create a user; without a login the e-mail address is it.

    Raises:
        Invalid: the login is taken.
    """
    login = str(columns.pop("login", "") or columns.get("email", "")).lower()
    if not login:
        raise Invalid("At least one identifier (login or email) is needed")
    if store.users.one("login", login) is not None:
        raise Invalid("Login has already been taken")
    if columns.get("email"):
        columns["email"] = str(columns["email"]).lower()
        if store.users.one("email", columns["email"]) is not None:
            raise Invalid(f"Email address '{columns['email']}' is already used for another user.")
    now = store.now_text()
    columns.setdefault("id", store.users.next_id)
    return store.put(
        store.users,
        User(
            login=login,
            created_by_id=store.actor,
            updated_by_id=store.actor,
            created_at=now,
            updated_at=now,
            **columns,
        ),
    )


def change_user(store: Store, user: User, **columns: Any) -> User:
    """Change a user's own row; see `ticketing.change_person` for what follows."""
    changed = {key: value for key, value in columns.items() if getattr(user, key) != value}
    if not changed:
        return user
    row = msgspec.structs.replace(
        user, **changed, updated_at=store.now_text(), updated_by_id=store.actor
    )
    return store.put(store.users, row)


def add_group(store: Store, name: str, **columns: Any) -> Group:
    """Create a group.

    Raises:
        Invalid: the name is taken.
    """
    if store.groups.one("name", name.lower()) is not None:
        raise Invalid("Name has already been taken")
    now = store.now_text()
    columns.setdefault("id", store.groups.next_id)
    return store.put(
        store.groups,
        Group(
            name=name,
            created_by_id=store.actor,
            updated_by_id=store.actor,
            created_at=now,
            updated_at=now,
            **columns,
        ),
    )


def add_organization(store: Store, name: str, **columns: Any) -> Organization:
    """Create an organization.

    Raises:
        Invalid: the name is taken.
    """
    if store.organizations.one("name", name.lower()) is not None:
        raise Invalid("Name has already been taken")
    now = store.now_text()
    columns.setdefault("id", store.organizations.next_id)
    return store.put(
        store.organizations,
        Organization(
            name=name,
            created_by_id=store.actor,
            updated_by_id=store.actor,
            created_at=now,
            updated_at=now,
            **columns,
        ),
    )


def change_organization(store: Store, row: Organization, **columns: Any) -> Organization:
    """Change an organization.

    Raises:
        Invalid: the name is taken.
    """
    if "name" in columns:
        same = store.organizations.one("name", str(columns["name"]).lower())
        if same is not None and same.id != row.id:
            raise Invalid("Name has already been taken")
    new = msgspec.structs.replace(row, **columns)
    if new == row:
        return row
    new = msgspec.structs.replace(new, updated_at=store.now_text(), updated_by_id=store.actor)
    return store.put(store.organizations, new)


def members(store: Store, organization_id: int) -> list[User]:
    """Users whose first organization this is."""
    return store.users.where("organization", organization_id)


def secondary_members(store: Store, organization_id: int) -> list[User]:
    """Users who have this organization among their further ones."""
    return [user for user in store.users if organization_id in user.organization_ids]

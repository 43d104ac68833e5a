"""`/users`, `/organizations`, `/groups`, `/roles`. Source: peers/zammad.md §1.2, §4.2, §4.4."""

from typing import Any

import msgspec

from adapters.sandbox.zammad import models, people, ticketing, views
from adapters.sandbox.zammad.calls import Answer, Call, Routes
from adapters.sandbox.zammad.errors import Forbidden, Unprocessable
from adapters.sandbox.zammad.models import Model
from adapters.sandbox.zammad.records import Group, Organization, Role, User

ROUTES = Routes()
USERS_DEFAULT = 100
_REFERENCED = "Can't delete, object has references."


def _user_assets(store: Any, rows: Any) -> dict[str, Any]:
    assets: dict[str, Any] = {}
    views.add_user_assets(store, assets, [user.id for user in rows])
    return assets


def _organization_assets(store: Any, rows: Any) -> dict[str, Any]:
    assets: dict[str, Any] = {}
    for row in rows:
        views.add_organization_asset(store, assets, row.id)
    return assets


USERS: Model[User] = Model(
    columns=[c for c in User.__struct_fields__ if c not in {"password", "two_factor", "custom"}],
    plain=lambda _, user: views.user_columns(user),
    names=views.user_names,
    assets=_user_assets,
)
ORGANIZATIONS: Model[Organization] = Model(
    columns=Organization.__struct_fields__,
    plain=views.organization_ids,
    names=views.organization_names,
    assets=_organization_assets,
)
GROUPS: Model[Group] = Model(
    columns=Group.__struct_fields__,
    plain=views.group_ids,
    names=views.group_names,
    assets=lambda store, rows: {"Group": {str(g.id): views.group_ids(store, g) for g in rows}},
)
ROLES: Model[Role] = Model(
    columns=Role.__struct_fields__,
    plain=lambda _, role: role,
    names=lambda _, role: msgspec.structs.asdict(role),
    assets=lambda _, rows: {"Role": {str(r.id): msgspec.structs.asdict(r) for r in rows}},
)


# Users


def _visible(call: Call, user: User) -> bool:
    caller = call.caller
    if caller.may("ticket.agent", "admin.user") or user.id == caller.user.id:
        return True
    own = caller.user.organization_id
    return caller.may("ticket.customer") and own is not None and own == user.organization_id


@ROUTES.on("GET", "/users")
def users(call: Call) -> Answer:
    """Users the caller may see."""
    found = [user for user in call.state.users if _visible(call, user)]
    return models.listed(call, USERS, found, default=USERS_DEFAULT)


@ROUTES.on("GET", "/users/me")
def me(call: Call) -> Answer:
    """The caller; any valid credential will do."""
    return models.shown(call, USERS, call.caller.user)


@ROUTES.on("GET", "/users/:id")
def user(call: Call) -> Answer:
    """One user."""
    found = call.state.find(call.state.users, call["id"])
    if not _visible(call, found):
        raise Forbidden
    return models.shown(call, USERS, found)


_USER_COLUMNS = (
    "login",
    "email",
    "firstname",
    "lastname",
    "active",
    "vip",
    "note",
    "preferences",
    "password",
)


def _user_columns(call: Call) -> dict[str, Any]:
    store = call.state
    columns = models.chosen(call.params, *_USER_COLUMNS)
    columns |= models.reference(
        call.params,
        "organization",
        store.organizations,
        lambda name: store.organizations.one("name", name.lower()),
    )
    if call.caller.may("admin.user"):
        columns |= models.chosen(call.params, "role_ids", "group_ids", "organization_ids")
        if isinstance(call["roles"], list):
            named = [store.roles.one("name", str(name).lower()) for name in call["roles"]]
            if None in named:
                raise Unprocessable(f"No lookup value found for 'roles': {call['roles']}")
            columns["role_ids"] = [role.id for role in named if role is not None]
    return {key: value for key, value in columns.items() if value is not None}


@ROUTES.on("POST", "/users")
def create_user(call: Call) -> Answer:
    """Create a user; an agent can only make customers."""
    call.caller.require("admin.user", "ticket.agent")
    columns = {"role_ids": [people.CUSTOMER], **_user_columns(call)}
    return models.shown(call, USERS, people.add_user(call.state, **columns), status=201)


@ROUTES.on("PUT PATCH", "/users/:id")
def update_user(call: Call) -> Answer:
    """Change a user; a new organization moves their tickets."""
    found = call.state.find(call.state.users, call["id"])
    agent = people.grants(people.permissions_of(call.state, found), "ticket.agent")
    if not call.caller.may("admin.user") and (agent or not call.caller.may("ticket.agent")):
        raise Forbidden
    columns = _user_columns(call)
    if "organization_id" in call.params and call["organization_id"] is None:
        columns["organization_id"] = None
    return models.shown(call, USERS, ticketing.change_person(call.state, found, **columns))


@ROUTES.on("DELETE", "/users/:id")
def destroy_user(call: Call) -> Answer:
    """Delete a user nothing refers to."""
    call.caller.require("admin.user")
    state = call.state
    found = state.find(state.users, call["id"])
    used = state.tickets.where("customer", found.id) or any(
        found.id in (t.owner_id, t.created_by_id, t.updated_by_id) for t in state.tickets
    )
    if used or any(e.created_by_id == found.id for e in state.entries):
        raise Unprocessable(_REFERENCED)
    state.drop(state.users, found.id)
    return Answer({})


# Organizations


def _sees_organization(call: Call, row: Organization) -> bool:
    caller = call.caller
    if caller.may("ticket.agent", "admin.organization"):
        return True
    own = {caller.user.organization_id, *caller.user.organization_ids}
    return caller.may("ticket.customer") and row.id in own


@ROUTES.on("GET", "/organizations")
def organizations(call: Call) -> Answer:
    """Organizations the caller may see."""
    found = [row for row in call.state.organizations if _sees_organization(call, row)]
    return models.listed(call, ORGANIZATIONS, found)


@ROUTES.on("GET", "/organizations/:id")
def organization(call: Call) -> Answer:
    """One organization."""
    found = call.state.find(call.state.organizations, call["id"])
    if not _sees_organization(call, found):
        raise Forbidden
    return models.shown(call, ORGANIZATIONS, found)


_ORGANIZATION_COLUMNS = ("active", "shared", "domain", "domain_assignment", "vip", "note")


@ROUTES.on("POST", "/organizations")
def create_organization(call: Call) -> Answer:
    """Create an organization."""
    call.caller.require("admin.organization", "ticket.agent")
    columns = models.chosen(call.params, *_ORGANIZATION_COLUMNS)
    row = people.add_organization(call.state, str(call["name"] or ""), **columns)
    return models.shown(call, ORGANIZATIONS, row, status=201)


@ROUTES.on("PUT PATCH", "/organizations/:id")
def update_organization(call: Call) -> Answer:
    """Change an organization."""
    call.caller.require("admin.organization", "ticket.agent")
    state = call.state
    found = state.find(state.organizations, call["id"])
    columns = models.chosen(call.params, "name", *_ORGANIZATION_COLUMNS)
    row = people.change_organization(state, found, **columns)
    return models.shown(call, ORGANIZATIONS, row)


@ROUTES.on("DELETE", "/organizations/:id")
def destroy_organization(call: Call) -> Answer:
    """Delete an organization nothing refers to."""
    call.caller.require("admin.organization")
    state = call.state
    found = state.find(state.organizations, call["id"])
    if people.members(state, found.id) or any(t.organization_id == found.id for t in state.tickets):
        raise Unprocessable(_REFERENCED)
    state.drop(state.organizations, found.id)
    return Answer({})


# Groups and roles


@ROUTES.on("GET", "/groups")
def groups(call: Call) -> Answer:
    """All groups."""
    call.caller.require("admin.group")
    return models.listed(call, GROUPS, call.state.groups)


@ROUTES.on("GET", "/groups/:id")
def group(call: Call) -> Answer:
    """One group."""
    call.caller.require("admin.group")
    return models.shown(call, GROUPS, call.state.find(call.state.groups, call["id"]))


@ROUTES.on("POST", "/groups")
def create_group(call: Call) -> Answer:
    """Create a group."""
    call.caller.require("admin.group")
    columns = models.chosen(call.params, "active", "note", "follow_up_possible")
    row = people.add_group(call.state, str(call["name"] or ""), **columns)
    return models.shown(call, GROUPS, row, status=201)


@ROUTES.on("GET", "/roles")
def roles(call: Call) -> Answer:
    """All roles."""
    call.caller.require("admin.role")
    return models.listed(call, ROLES, call.state.roles)


@ROUTES.on("GET", "/roles/:id")
def role(call: Call) -> Answer:
    """One role."""
    call.caller.require("admin.role")
    return models.shown(call, ROLES, call.state.find(call.state.roles, call["id"]))

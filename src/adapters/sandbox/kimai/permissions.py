"""Which role may do what, as Kimai 2.66 ships it. Source: config/packages/kimai.yaml."""

from collections.abc import Iterable


def _each(actions: Iterable[str], noun: str) -> set[str]:
    return {f"{action}_{noun}" for action in actions}


_OWN = ["view", "start", "stop", "create", "edit", "export", "delete"]
TIMESHEET = _each(_OWN, "own_timesheet")
TIMESHEET_OTHER = _each(_OWN, "other_timesheet")
RATE = {"view_rate_own_timesheet", "edit_rate_own_timesheet"}
RATE_OTHER = {"view_rate_other_timesheet", "edit_rate_other_timesheet"}
BILLABLE = {"edit_billable_own_timesheet", "edit_billable_other_timesheet"}
EXPORT = {"create_export", "edit_export_own_timesheet", "edit_export_other_timesheet"}
_ENTITY = ["view", "create", "edit", "budget", "time", "delete", "permissions", "details"]
_COMMENTS = ["comments", "comments_create"]
ACTIVITIES = _each(_ENTITY, "activity")
PROJECTS = _each([*_ENTITY, *_COMMENTS], "project")
CUSTOMERS = _each([*_ENTITY, *_COMMENTS], "customer")
_LED = ["view", "budget", "time", "details"]
ACTIVITIES_TEAMLEAD = _each([*_LED, "edit"], "teamlead_activity") | {"create_activity"}
PROJECTS_TEAMLEAD = _each([*_LED, *_COMMENTS], "teamlead_project")
CUSTOMERS_TEAMLEAD = _each([*_LED, *_COMMENTS], "teamlead_customer")
_PROFILE = ["view", "edit", "password", "preferences", "api-token"]
PROFILE = _each(_PROFILE, "own_profile")
PROFILE_OTHER = _each([*_PROFILE, "roles", "teams", "supervisor"], "other_profile")
TAGS = {"view_tag", "manage_tag", "delete_tag", "create_tag"}
TEAMS = _each(["view", "create", "edit", "delete"], "team")
USER = {"view_user", "create_user", "delete_user", "role_permissions"}
EVERYBODY = {"api_access", "create_tag", "view_team_member"}
LOCKS = {"edit_exported_timesheet", "lockdown_override_timesheet", "lockdown_grace_timesheet"}

ROLES: dict[str, frozenset[str]] = {
    "ROLE_USER": frozenset(
        TIMESHEET | PROFILE | EVERYBODY | {"budget_team_project", "time_team_project"}
    ),
    "ROLE_TEAMLEAD": frozenset(
        TIMESHEET | TIMESHEET_OTHER | PROFILE | EVERYBODY | EXPORT | TAGS | BILLABLE
        | ACTIVITIES_TEAMLEAD | PROJECTS_TEAMLEAD | CUSTOMERS_TEAMLEAD
        | {"view_rate_own_timesheet", "view_rate_other_timesheet", "hourly-rate_own_profile"}
    ),
    "ROLE_ADMIN": frozenset(
        TIMESHEET | TIMESHEET_OTHER | PROFILE | EVERYBODY | EXPORT | TAGS | BILLABLE | RATE
        | RATE_OTHER | ACTIVITIES | PROJECTS | CUSTOMERS | TEAMS | LOCKS
        | {"hourly-rate_own_profile", "teams_own_profile", "view_all_data"}
    ),
    "ROLE_SUPER_ADMIN": frozenset(
        TIMESHEET | TIMESHEET_OTHER | PROFILE | PROFILE_OTHER | EVERYBODY | EXPORT | TAGS
        | BILLABLE | RATE | RATE_OTHER | ACTIVITIES | PROJECTS | CUSTOMERS | TEAMS | LOCKS | USER
        | {
            "hourly-rate_own_profile", "hourly-rate_other_profile", "roles_own_profile",
            "teams_own_profile", "supervisor_own_profile", "view_all_data",
            "system_configuration", "system_information", "plugins", "upload_invoice_template",
        }
    ),
}  # fmt: skip

# Rights a super admin keeps whatever the settings say, or nobody could repair them.
UNREVOCABLE = frozenset({"view_all_data", "role_permissions", "view_user"})


class RolePermissions:
    """The permissions in force: Kimai's defaults and the changes an administrator made."""

    def __init__(self) -> None:
        self._changed: dict[tuple[str, str], bool] = {}
        self._cache: dict[tuple[str, ...], frozenset[str]] = {}

    def change(self, role: str, permission: str, *, allowed: bool) -> None:
        """Grant or revoke one permission of one role."""
        self._changed[role, permission] = allowed
        self._cache.clear()

    def reset(self) -> None:
        """Back to the defaults."""
        self._changed.clear()
        self._cache.clear()

    def of(self, roles: tuple[str, ...]) -> frozenset[str]:
        """Everything a person with these roles may do; everybody has ROLE_USER."""
        if roles not in self._cache:
            self._cache[roles] = frozenset().union(
                *(self._of_role(role) for role in {*roles, "ROLE_USER"})
            )
        return self._cache[roles]

    def _of_role(self, role: str) -> frozenset[str]:
        permissions = set(ROLES.get(role, frozenset()))
        for (changed, permission), allowed in self._changed.items():
            if changed == role:
                (permissions.add if allowed else permissions.discard)(permission)
        return frozenset(permissions | UNREVOCABLE if role == "ROLE_SUPER_ADMIN" else permissions)

    def describe(self) -> dict[str, bool]:
        """The changes as `ROLE:permission` → allowed."""
        return {f"{role}:{name}": allowed for (role, name), allowed in self._changed.items()}

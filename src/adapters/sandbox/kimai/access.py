"""Who may see and do what. Source: src/Voter/*.php, src/Security/RolePermissionManager.php."""

from collections.abc import Iterable

from adapters.sandbox.kimai import lockdown
from adapters.sandbox.kimai.entities import Activity, Customer, Project, Timesheet, User
from adapters.sandbox.kimai.state import KimaiState

Owned = Customer | Project | Activity
_NOUNS = {Customer: "customer", Project: "project", Activity: "activity"}


class Access:
    """The rights of one person during one request."""

    def __init__(self, state: KimaiState, user: User) -> None:
        self.state = state
        self.user = user
        self.permissions = state.permissions.of(tuple(sorted(user.roles)))
        self.sees_all = "view_all_data" in self.permissions
        self._teams: set[int] | None = None
        self._led: set[int] | None = None

    def has(self, permission: str) -> bool:
        """Whether the person's roles grant `permission`."""
        return permission in self.permissions

    @property
    def teams(self) -> set[int]:
        """The person's teams."""
        if self._teams is None:
            self._teams = self.state.teams_of(self.user.id)
        return self._teams

    @property
    def led(self) -> set[int]:
        """The teams the person leads."""
        if self._led is None:
            self._led = self.state.led_by(self.user.id)
        return self._led

    # -- teams --------------------------------------------------------------------------------

    def in_teams(self, teams: Iterable[int]) -> bool:
        """Open to all without teams, else to members."""
        wanted = set(teams)
        return self.sees_all or not wanted or bool(wanted & self.teams)

    def reaches_customer(self, customer: Customer) -> bool:
        """Team access to a customer."""
        return self.in_teams(customer.teams)

    def reaches_project(self, project: Project) -> bool:
        """Team access to a project: its own teams and its customer's."""
        return self.in_teams(self.state.customers[project.customer].teams) and self.in_teams(
            project.teams
        )

    def reaches_activity(self, activity: Activity) -> bool:
        """Team access to an activity: its own teams and its project's."""
        if activity.project is not None and not self.reaches_project(
            self.state.projects[activity.project]
        ):
            return False
        return self.in_teams(activity.teams)

    def reaches_user(self, user: User) -> bool:
        """Whether another person's data may be asked for (`access_user`).

        Source: kimai/kimai#5652: a disabled person only for those who see everything.
        """
        if self.sees_all or user.id == self.user.id:
            return True
        return user.enabled and self._leads_one_of(self.state.teams_of(user.id))

    def _leads_one_of(self, teams: set[int]) -> bool:
        return self.sees_all or not teams or bool(teams & self.led)

    def _reaches_timesheet(self, record: Timesheet) -> bool:
        project, activity = self._work_of(record)
        if project is not None and not self.reaches_project(project):
            return False
        if activity is not None and not self.reaches_activity(activity):
            return False
        return self._leads_one_of(self.state.teams_of(record.user))

    def _work_of(self, record: Timesheet) -> tuple[Project | None, Activity | None]:
        return (
            None if record.project is None else self.state.projects.get(record.project),
            None if record.activity is None else self.state.activities.get(record.activity),
        )

    # -- timesheets ---------------------------------------------------------------------------

    def may(self, action: str, record: Timesheet) -> bool:
        """Whether `action` is allowed on a record.

        Actions: view, start, stop, edit, delete, duplicate, view_rate, edit_rate, edit_export,
        edit_billable.
        """
        if action in {"edit", "delete"} and self.locked(record):
            return False
        if action in {"start", "duplicate"} and not self._may_start(record):
            return False
        verb = "create" if action == "duplicate" else action
        if record.user == self.user.id:
            return self.has(f"{verb}_own_timesheet")
        return self._reaches_timesheet(record) and self.has(f"{verb}_other_timesheet")

    def locked(self, record: Timesheet) -> bool:
        """Whether export or lockdown stops this person from changing a record."""
        if record.exported and not self.has("edit_exported_timesheet"):
            return True
        return not self.editable_in_lockdown(record)

    def editable_in_lockdown(self, record: Timesheet) -> bool:
        """Whether the lockdown period leaves a record open for this person."""
        if self.has("lockdown_override_timesheet"):
            return True
        grace = self.has("lockdown_grace_timesheet")
        return lockdown.editable(self.state.settings, record, self.state.now(), grace=grace)

    def _may_start(self, record: Timesheet) -> bool:
        project, activity = self._work_of(record)
        if project is None or activity is None:
            return False
        visible = activity.visible and project.visible
        return (
            visible
            and self.state.customers[project.customer].visible
            and self.reaches_activity(activity)
            and self.reaches_project(project)
        )

    # -- master data --------------------------------------------------------------------------

    def may_on(self, action: str, entity: Owned) -> bool:
        """Whether `action` (view, edit, budget, time, delete, …) is allowed on master data.

        Granted by `view_project`, or by `view_teamlead_project` and `view_team_project` where the
        person leads or is in one of the teams the entity (or what it belongs to) is given to.
        """
        noun = _NOUNS[type(entity)]
        if self.has(f"{action}_{noun}"):
            return True
        teams = self._given_to(entity)
        if self.has(f"{action}_teamlead_{noun}") and teams & self.led:
            return True
        return self.has(f"{action}_team_{noun}") and bool(teams & self.teams)

    def may_somewhere(self, action: str, noun: str) -> bool:
        """Whether some form of the permission is granted, whatever the entity."""
        return any(self.has(f"{action}{who}_{noun}") for who in ("", "_teamlead", "_team"))

    def _given_to(self, entity: Owned) -> set[int]:
        teams = set(entity.teams)
        if isinstance(entity, Activity) and entity.project is not None:
            teams |= self._given_to(self.state.projects[entity.project])
        elif isinstance(entity, Project):
            teams |= set(self.state.customers[entity.customer].teams)
        return teams

    # -- profiles -----------------------------------------------------------------------------

    def may_profile(self, action: str, user: User) -> bool:
        """Whether `action` (view, edit, preferences, …) is allowed on a person's profile."""
        if user.id == self.user.id:
            return self.has(f"{action}_own_profile")
        return self.has(f"{action}_other_profile") and self.reaches_user(user)

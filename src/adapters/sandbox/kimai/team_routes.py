"""`/api/teams`. Source: src/API/TeamController.php."""

import copy
from typing import Any

from adapters.sandbox.kimai import texts
from adapters.sandbox.kimai.collation import folded
from adapters.sandbox.kimai.entities import Member, Team
from adapters.sandbox.kimai.forms import Form
from adapters.sandbox.kimai.problems import bad_request, not_found
from adapters.sandbox.kimai.requests import Call, Reply, no_content

_NAME = (2, 100)  # characters


def _team(call: Call, permission: str) -> Team:
    call.need(permission)
    team = call.state.teams.get(call.id)
    if team is None:
        raise not_found()
    return team


def index(call: Call) -> Reply:
    """Teams by name."""
    call.need("view_team")
    rows = sorted(call.state.teams.values(), key=lambda team: folded(team.name))
    return Reply([call.shapes.team_item(team) for team in rows])


def show(call: Call) -> Reply:
    """One team."""
    return Reply(call.shapes.team(_team(call, "view_team")))


def create(call: Call) -> Reply:
    """A new team with members, one of them leading."""
    call.need("create_team")
    team = Team(id=0, name="")
    _submit(call, team)
    team.id = call.state.take_id("teams")
    call.state.put("teams", team)
    return Reply(call.shapes.team(team))


def update(call: Call) -> Reply:
    """Change name, colour or members."""
    team = copy.copy(_team(call, "edit_team"))
    _submit(call, team)
    call.state.put("teams", team)
    return Reply(call.shapes.team(team))


def _submit(call: Call, team: Team) -> None:
    form = Form(["name", "color", "members"], call.body)
    if form.sent("name"):
        team.name = form.text("name") or ""
    if form.sent("color"):
        team.color = form.color("color")
    if form.sent("members"):
        _members(call, team, form)
    if not team.name:
        form.violation("name", texts.NOT_BLANK)
    form.length("name", team.name or None, *_NAME)
    form.plain("name", team.name)
    others = (other for other in call.state.teams.values() if other.id != team.id)
    if any(folded(other.name) == folded(team.name) for other in others):
        form.violation("name", texts.IN_USE)
    if not any(member.teamlead for member in team.members):
        form.violation("members", texts.LEAD_MISSING)
    form.check()


def _members(call: Call, team: Team, form: Form) -> None:
    members: list[Member] = []
    value = form.submitted["members"]
    for item in value.values() if isinstance(value, dict) else []:
        key = item.get("user") if isinstance(item, dict) else None
        if not isinstance(key, str) or not key.isdigit() or int(key) not in call.state.users:
            form.unreadable("members", texts.INVALID_CHOICE)
            return
        lead = item.get("teamlead")
        members.append(Member(user=int(key), teamlead=lead not in (None, "", "0")))
    team.members = members


def delete(call: Call) -> Reply:
    """The team leaves everything it was given to."""
    team = _team(call, "delete_team")
    for table in ("customers", "projects", "activities"):
        for row in getattr(call.state, table).values():
            if team.id in row.teams:
                row.teams = [key for key in row.teams if key != team.id]
                call.state.put(table, row)
    call.state.drop("teams", team.id)
    return no_content()


def add_member(call: Call) -> Reply:
    """Put a person into the team."""
    team = copy.copy(_team(call, "edit_team"))
    key = _other(call, "users")
    if any(member.user == key for member in team.members):
        raise bad_request()
    team.members = [*team.members, Member(user=key)]
    call.state.put("teams", team)
    return Reply(call.shapes.team(team))


def remove_member(call: Call) -> Reply:
    """Take a person out; the last lead stays."""
    team = copy.copy(_team(call, "edit_team"))
    key = _other(call, "users")
    left = [member for member in team.members if member.user != key]
    if len(left) == len(team.members) or not any(member.teamlead for member in left):
        raise bad_request()
    team.members = left
    call.state.put("teams", team)
    return Reply(call.shapes.team(team))


def _other(call: Call, table: str) -> int:
    key = call.path_ids["other"]
    if key not in getattr(call.state, table):
        raise not_found()
    return key


class Grants:
    """Giving customers, projects or activities to a team, and taking them back."""

    def __init__(self, table: str) -> None:
        self.table = table

    def add(self, call: Call) -> Reply:
        """From now on the entity is visible to its teams only."""
        team = _team(call, "edit_team")
        row = self._row(call)
        if team.id in row.teams:
            raise bad_request()
        row.teams = [*row.teams, team.id]
        call.state.put(self.table, row)
        return Reply(call.shapes.team(team))

    def remove(self, call: Call) -> Reply:
        """Without any team an entity is open to all."""
        team = _team(call, "edit_team")
        row = self._row(call)
        if team.id not in row.teams:
            raise bad_request()
        row.teams = [key for key in row.teams if key != team.id]
        call.state.put(self.table, row)
        return Reply(call.shapes.team(team))

    def _row(self, call: Call) -> Any:
        return getattr(call.state, self.table)[_other(call, self.table)]

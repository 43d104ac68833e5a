"""Filling a sandbox Kimai: the recordings' seed, control bodies, role permissions.

A control body holds lists by table name; people and work may be named instead of numbered:
`{"users": [{"username": "anna", "timezone": "Europe/Berlin", "token": "…", "roles": […]}],
"customers": […], "projects": […], "activities": […], "teams": […], "tags": […],
"timesheets": […], "recordings": true}`; `"recordings": "people"` seeds only the people.
"""

from dataclasses import fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from adapters.sandbox.control import Json, SeedRefused
from adapters.sandbox.kimai.entities import Timesheet
from adapters.sandbox.kimai.state import META_KINDS, KimaiState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RECORDED_TOKENS = ("admin", "lead", "anna", "bob", "carl")
EXPIRED = 1_577_836_800  # 2020-01-01T00:00Z


def token_of(username: str) -> str:
    """The fixed token a seeded person of the recordings has."""
    return f"sandbox-token-of-{username}"


def seed_recordings(state: KimaiState, *, team: bool = True, work: bool = True) -> None:
    """The seed of peers/kimai-recordings.md; without `team` and `work` only the people."""
    state.add_user("admin", roles=["ROLE_SUPER_ADMIN"])
    state.add_user("lead", roles=["ROLE_TEAMLEAD"])
    state.add_user("anna")
    state.add_user("bob", timezone="America/New_York")
    state.add_user("carl", enabled=False)
    for user in list(state.users.values()):
        state.add_token(user.id, token_of(user.username))
    state.add_token(3, token_of("expired"), expires=EXPIRED)
    if work:
        state.add_customer("Acme GmbH", comment="seed", timezone="Europe/Berlin")
        state.add_project("Website", 1)
        intranet = "Intranet (no global activities)"
        state.add_project(intranet, 1, global_activities=False, order_number="PO-77")
        state.add_activity("Support")
        state.add_activity("Development", 1)
        state.add_activity("Maintenance", 2)
    if team:
        state.add_team("Team A", {2: True, 3: False})


def seed(state: KimaiState, body: Json) -> Json:
    """Fill `state` from a control body.

    Raises:
        SeedRefused: an unknown table or field; what came before it stays.
    """
    made: dict[str, list[Any]] = {}
    if wanted := body.get("recordings"):
        seed_recordings(state, team=wanted != "people", work=wanted != "people")
        made["tokens"] = [token_of(name) for name in RECORDED_TOKENS]
    adders: dict[str, Callable[[KimaiState, dict[str, Any]], Any]] = {
        "users": _user,
        "customers": lambda s, raw: s.add_customer(**raw).id,
        "projects": lambda s, raw: s.add_project(**raw).id,
        "activities": lambda s, raw: s.add_activity(**raw).id,
        "teams": _team,
        "tags": lambda s, raw: s.add_tag(**raw).id,
        "timesheets": _timesheet,
    }
    if unknown := sorted(set(body) - set(adders) - {"recordings"}):
        raise SeedRefused(f"unknown tables: {', '.join(unknown)}")
    for table, add in adders.items():
        for raw in body.get(table, []):
            try:
                made.setdefault(table, []).append(add(state, dict(raw)))
            except (TypeError, KeyError) as error:
                raise SeedRefused(f"{table}: {error}") from error
    return made


def _user(state: KimaiState, raw: dict[str, Any]) -> dict[str, Any]:
    token = raw.pop("token", None)
    user = state.add_user(**raw)
    return {"id": user.id, "token": state.add_token(user.id, token)}


def _team(state: KimaiState, raw: dict[str, Any]) -> int:
    members = {m["user"]: bool(m.get("teamlead")) for m in raw.pop("members", [])}
    return state.add_team(members=members, **raw).id


def _timesheet(state: KimaiState, raw: dict[str, Any]) -> int:
    for edge in ("begin", "end", "modified_at"):
        if isinstance(raw.get(edge), str):
            raw[edge] = instant(raw[edge])
    if "tags" in raw:
        tags = (state.tag_by_name(name) for name in raw["tags"])
        raw["tags"] = sorted(tag.id for tag in tags if tag is not None)
    allowed = {field.name for field in fields(Timesheet)}
    if unknown := sorted(set(raw) - allowed):
        raise SeedRefused(f"timesheets: unknown fields {', '.join(unknown)}")
    return state.add_timesheet(**raw).id


def instant(text: str) -> int:
    """Seconds since 1970 of an ISO text; without offset it is UTC."""
    at = datetime.fromisoformat(text)
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())


def configure(state: KimaiState, body: Json) -> Json:
    """Settings by Kimai's names; `role_permissions`, `meta_fields` and `plugins` beside them.

    Raises:
        SeedRefused: an unknown setting, or a wrong value.
    """
    rest = dict(body)
    permissions: Mapping[str, Mapping[str, bool]] = rest.pop("role_permissions", {})
    meta: Mapping[str, Mapping[str, bool]] = rest.pop("meta_fields", {})
    plugins = rest.pop("plugins", None)
    state.settings.change(rest)
    for role, changes in permissions.items():
        for permission, allowed in changes.items():
            state.permissions.change(role, permission, allowed=bool(allowed))
    for kind, names in meta.items():
        if kind not in META_KINDS:
            raise SeedRefused(f"meta_fields: unknown kind {kind!r}")
        for name, visible in names.items():
            state.define_meta_field(kind, name, visible=bool(visible))
    if plugins is not None:
        state.plugins = [dict(plugin) for plugin in plugins]
    return {
        **state.settings.describe(),
        "role_permissions": state.permissions.describe(),
        "meta_fields": state.meta_fields,
        "plugins": state.plugins,
    }

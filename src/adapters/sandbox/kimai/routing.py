"""Which handler answers which address; the order is Kimai's, `Allow` shows it."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from adapters.sandbox.kimai import master_routes as master
from adapters.sandbox.kimai import small_routes, team_routes, timesheet_routes, user_routes
from adapters.sandbox.kimai.problems import Problem, not_found
from adapters.sandbox.kimai.requests import Call, Reply

Handler = Callable[[Call], Reply | Awaitable[Reply]]
_CUSTOMER = master.Master("customer", "customers")
_PROJECT = master.Master("project", "projects")
_ACTIVITY = master.Master("activity", "activities")
_LISTS = {"customers": master.customers, "projects": master.projects}
_LISTS["activities"] = master.activities


@dataclass
class _Path:
    pattern: re.Pattern[str]
    methods: dict[str, Handler] = field(default_factory=dict)


def _master(table: str, entity: master.Master) -> list[tuple[str, str, Handler]]:
    return [
        ("GET", f"/{table}", _LISTS[table]),
        ("POST", f"/{table}", entity.create),
        ("GET", f"/{table}/{{id}}", entity.show),
        ("PATCH", f"/{table}/{{id}}", entity.update),
        ("DELETE", f"/{table}/{{id}}", entity.delete),
        ("PATCH", f"/{table}/{{id}}/meta", entity.set_meta),
        ("GET", f"/{table}/{{id}}/rates", entity.rates),
        ("POST", f"/{table}/{{id}}/team", entity.old_team),
    ]


def _grants(table: str) -> list[tuple[str, str, Handler]]:
    grants = team_routes.Grants(table)
    path = f"/teams/{{id}}/{table}/{{other}}"
    return [("POST", path, grants.add), ("DELETE", path, grants.remove)]


_TABLE: list[tuple[str, str, Handler]] = [
    ("GET", "/ping", small_routes.ping),
    ("GET", "/version", small_routes.version),
    ("GET", "/plugins", small_routes.plugins),
    ("GET", "/config/timesheet", small_routes.timesheet_config),
    ("GET", "/config/colors", small_routes.colors),
    ("GET", "/timesheets", timesheet_routes.index),
    ("POST", "/timesheets", timesheet_routes.create),
    ("GET", "/timesheets/recent", timesheet_routes.recent),
    ("GET", "/timesheets/active", timesheet_routes.active),
    ("GET", "/timesheets/{id}", timesheet_routes.show),
    ("PATCH", "/timesheets/{id}", timesheet_routes.update),
    ("DELETE", "/timesheets/{id}", timesheet_routes.delete),
    ("PATCH", "/timesheets/{id}/stop", timesheet_routes.stop),
    ("PATCH", "/timesheets/{id}/restart", timesheet_routes.restart),
    ("PATCH", "/timesheets/{id}/duplicate", timesheet_routes.duplicate),
    ("PATCH", "/timesheets/{id}/export", timesheet_routes.export),
    ("PATCH", "/timesheets/{id}/meta", timesheet_routes.set_meta),
    *_master("customers", _CUSTOMER),
    *_master("projects", _PROJECT),
    *_master("activities", _ACTIVITY),
    ("GET", "/tags", small_routes.tag_names),
    ("POST", "/tags", small_routes.create_tag),
    ("GET", "/tags/find", small_routes.find_tags),
    ("DELETE", "/tags/{id}", small_routes.delete_tag),
    ("GET", "/users", user_routes.index),
    ("POST", "/users", user_routes.create),
    ("GET", "/users/me", user_routes.me),
    ("GET", "/users/{id}", user_routes.show),
    ("PATCH", "/users/{id}", user_routes.update),
    ("PATCH", "/users/{id}/preferences", user_routes.preferences),
    ("DELETE", "/users/api-token/{id}", user_routes.delete_token),
    ("GET", "/teams", team_routes.index),
    ("POST", "/teams", team_routes.create),
    ("GET", "/teams/{id}", team_routes.show),
    ("PATCH", "/teams/{id}", team_routes.update),
    ("DELETE", "/teams/{id}", team_routes.delete),
    ("POST", "/teams/{id}/members/{other}", team_routes.add_member),
    ("DELETE", "/teams/{id}/members/{other}", team_routes.remove_member),
    *_grants("customers"),
    *_grants("projects"),
    *_grants("activities"),
    ("GET", "/invoices", small_routes.no_invoices),
]


def _compiled() -> list[_Path]:
    paths: dict[str, _Path] = {}
    for method, path, handler in _TABLE:
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>\\d+)", "/api" + path)
        entry = paths.setdefault(path, _Path(re.compile(pattern)))
        entry.methods[method] = handler
    return list(paths.values())


_PATHS = _compiled()
_FIXED = {entry.pattern.pattern: entry for entry in _PATHS if "(" not in entry.pattern.pattern}
_VARIABLE = [entry for entry in _PATHS if "(" in entry.pattern.pattern]


def find(method: str, path: str) -> tuple[Handler, dict[str, int]]:
    """The handler and the ids in the address.

    Raises:
        Problem: 404 for an unknown address, 405 with `Allow` for a wrong method.
    """
    entry, ids = _entry(path)
    handler = entry.methods.get("GET" if method == "HEAD" else method)
    if handler is None:
        raise Problem(405, headers={"Allow": ", ".join(entry.methods)})
    return handler, ids


def exists(path: str) -> bool:
    """Whether GET of an address is answered."""
    try:
        find("GET", path)
    except Problem:
        return False
    return True


def _entry(path: str) -> tuple[_Path, dict[str, int]]:
    if path in _FIXED:
        return _FIXED[path], {}
    for entry in _VARIABLE:
        if match := entry.pattern.fullmatch(path):
            return entry, {name: int(value) for name, value in match.groupdict().items()}
    raise not_found()

"""`/api/customers`, `/api/projects`, `/api/activities`. Source: src/API/*Controller.php."""

import copy
from collections.abc import Callable, Iterable
from typing import Any

from adapters.sandbox.kimai import phptime
from adapters.sandbox.kimai.collation import folded
from adapters.sandbox.kimai.entities import Activity, Customer, Project
from adapters.sandbox.kimai.master_forms import Entity, MasterForm
from adapters.sandbox.kimai.problems import forbidden, gone, not_found
from adapters.sandbox.kimai.queries import FLAG, ORDER, SWITCH
from adapters.sandbox.kimai.requests import Call, Reply, no_content
from adapters.sandbox.kimai.state import KimaiState
from adapters.sandbox.kimai.timesheet_routes import store_meta

_VISIBLE, _HIDDEN = 1, 2


def _shown(asked: int, *, own: bool, parents: bool) -> bool:
    if asked == _VISIBLE:
        return own and parents
    return not own if asked == _HIDDEN else True


def _sorted(call: Call, rows: Iterable[Any], key: Callable[[Any], Any]) -> list[Any]:
    descending = (call.query.one("order", ORDER) or "ASC") == "DESC"
    return sorted(rows, key=key, reverse=descending)


def _by(field: str, state: KimaiState) -> Callable[[Any], Any]:
    if field == "id":
        return lambda row: row.id
    if field == "customer":
        return lambda row: (folded(state.customers[row.customer].name), folded(row.name), row.id)
    if field == "project":
        return lambda row: (_project_name(state, row), folded(row.name), row.id)
    return lambda row: (folded(row.name), row.id)


def _project_name(state: KimaiState, row: Activity) -> str:
    return "" if row.project is None else folded(state.projects[row.project].name)


# -- lists ------------------------------------------------------------------------------------


def customers(call: Call) -> Reply:
    """Every customer the caller reaches, no paging."""
    query, access = call.query, call.access
    visible, term = query.visibility(), query.term()
    order = _by(query.one("orderBy", "id|name") or "name", call.state)
    full = query.one("full", FLAG) == "1"
    rows = [
        row
        for row in call.state.customers.values()
        if _shown(visible, own=row.visible, parents=True)
        and access.reaches_customer(row)
        and (term is None or term.matches(_customer_words(row), row.meta))
    ]
    return Reply([call.shapes.customer(row, full=full) for row in _sorted(call, rows, order)])


def _customer_words(row: Customer) -> list[str | None]:
    return [
        row.name, row.comment, row.company, row.vat_id, row.number, row.contact, row.phone,
        row.email, row.address,
    ]  # fmt: skip


def projects(call: Call) -> Reply:
    """Every project the caller reaches that runs on the asked days (today by default)."""
    query, access, state = call.query, call.access, call.state
    visible, term = query.visibility(), query.term()
    wanted = _reached_customers(call)
    global_activities = query.flag("globalActivities")
    days = _asked_days(call)
    order = _by(query.one("orderBy", "id|name|customer") or "name", state)
    rows = [
        row
        for row in state.projects.values()
        if _shown(visible, own=row.visible, parents=state.customers[row.customer].visible)
        and access.reaches_project(row)
        and (not wanted or row.customer in wanted)
        and (global_activities is None or row.global_activities is global_activities)
        and all((row.start or day) <= day <= (row.end or day) for day in days)
        and (term is None or term.matches(_project_words(row), row.meta))
    ]
    return Reply([call.shapes.project(row) for row in _sorted(call, rows, order)])


def _project_words(row: Project) -> list[str | None]:
    return [row.name, row.comment, row.order_number, row.number]


def _asked_days(call: Call) -> list[str]:
    zone = call.access.user.timezone
    begin, end = call.query.instant("start", zone), call.query.instant("end", zone)
    if call.query.one("ignoreDates") == "1":
        return []
    now = call.state.now()
    instants = [now if edge is None else edge for edge in (begin, end)]
    return [phptime.local(at, zone).date().isoformat() for at in instants]


def _reached_customers(call: Call) -> set[int]:
    keys = set(call.query.ids("customer", "customers")) & set(call.state.customers)
    if not all(call.access.reaches_customer(call.state.customers[key]) for key in keys):
        raise forbidden()
    return keys


def activities(call: Call) -> Reply:
    """Activities of the asked projects and, unless these forbid them, global ones."""
    query, access, state = call.query, call.access, call.state
    visible, term = query.visibility(), query.term()
    keys = set(query.ids("project", "projects")) & set(state.projects)
    if not all(access.reaches_project(state.projects[key]) for key in keys):
        raise forbidden()
    only_global = query.one("globals", SWITCH) in {"1", "true"}
    with_global = all(state.projects[key].global_activities for key in keys)
    order = _by(query.one("orderBy", "id|name|project") or "name", state)

    def asked(row: Activity) -> bool:
        if row.project is None:
            return with_global or only_global
        return not only_global and (not keys or row.project in keys)

    rows = [
        row
        for row in state.activities.values()
        if asked(row)
        and _shown(visible, own=row.visible, parents=_parents_visible(state, row))
        and access.reaches_activity(row)
        and (term is None or term.matches([row.name, row.comment, row.number], row.meta))
    ]
    return Reply([call.shapes.activity(row) for row in _sorted(call, rows, order)])


def _parents_visible(state: KimaiState, row: Activity) -> bool:
    if row.project is None:
        return True
    project = state.projects[row.project]
    return project.visible and state.customers[project.customer].visible


# -- one entity -------------------------------------------------------------------------------


class Master:
    """The handlers of one kind of master data."""

    def __init__(self, noun: str, table: str) -> None:
        self.noun, self.table = noun, table

    def _rows(self, call: Call) -> dict[int, Any]:
        rows: dict[int, Any] = getattr(call.state, self.table)
        return rows

    def _allowed(self, call: Call, action: str) -> Any:
        row = self._rows(call).get(call.id)
        if row is None:
            raise not_found()
        if not call.access.may_on(action, row):
            raise forbidden()
        return row

    def _shape(self, call: Call, row: Entity) -> object:
        if isinstance(row, Customer):
            return call.shapes.customer(row, full=True)
        if isinstance(row, Project):
            return call.shapes.project(row)
        return call.shapes.activity(row)

    def show(self, call: Call) -> Reply:
        """One entity; plain users need a team permission."""
        return Reply(self._shape(call, self._allowed(call, "view")))

    def create(self, call: Call) -> Reply:
        """A new entity; its number is generated when not sent."""
        call.need(f"create_{self.noun}")
        row = self._blank(call)
        row.meta = dict.fromkeys(call.state.meta_fields[self.noun])
        MasterForm(call.access, row, call.body, new=True).submit()
        row.number = row.number or call.state.free_number(self.table)
        row.id = call.state.take_id(self.table)
        call.state.put(self.table, row)
        return Reply(self._shape(call, row))

    def _blank(self, call: Call) -> Any:
        if self.noun == "customer":
            text = call.state.settings.text
            return Customer(
                id=0,
                name="",
                country=text("defaults.customer.country"),
                currency=text("defaults.customer.currency"),
                timezone=text("defaults.customer.timezone"),
            )
        if self.noun == "project":
            return Project(id=0, name="", customer=0)
        return Activity(id=0, name="")

    def update(self, call: Call) -> Reply:
        """Change the sent fields."""
        row = copy.copy(self._allowed(call, "edit"))
        MasterForm(call.access, row, call.body, new=False).submit()
        call.state.put(self.table, row)
        return Reply(self._shape(call, row))

    def set_meta(self, call: Call) -> Reply:
        """Set one registered custom field."""
        row = self._allowed(call, "edit")
        store_meta(call, row.meta, call.state.meta_fields[self.noun])
        call.state.put(self.table, row)
        return Reply(self._shape(call, row))

    def rates(self, call: Call) -> Reply:
        """Rates of an entity: the sandbox keeps none."""
        self._allowed(call, "edit")
        return Reply([])

    def delete(self, call: Call) -> Reply:
        """Gone with everything below it, timesheets included, without a trace."""
        drop_cascading(call.state, self._allowed(call, "delete"))
        return no_content()

    def old_team(self, call: Call) -> Reply:
        """An endpoint Kimai removed; the message is shown.

        Raises:
            Problem: always 410.
        """
        self._allowed(call, "permissions")
        raise gone("This endpoint was removed")


def drop_cascading(state: KimaiState, row: Entity) -> None:
    """Delete an entity and what depends on it."""
    if isinstance(row, Customer):
        for project in [p for p in state.projects.values() if p.customer == row.id]:
            drop_cascading(state, project)
        state.drop("customers", row.id)
        return
    attribute = "project" if isinstance(row, Project) else "activity"
    for key in [k for k, t in state.timesheets.items() if getattr(t, attribute) == row.id]:
        state.drop("timesheets", key)
    if isinstance(row, Project):
        for activity in [a for a in state.activities.values() if a.project == row.id]:
            drop_cascading(state, activity)
        state.drop("projects", row.id)
    else:
        state.drop("activities", row.id)

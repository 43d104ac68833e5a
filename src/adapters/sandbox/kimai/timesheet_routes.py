"""`/api/timesheets`. Source: src/API/TimesheetController.php."""

import asyncio
import copy
from collections.abc import Iterable

from adapters.sandbox.kimai import phptime
from adapters.sandbox.kimai.entities import Timesheet
from adapters.sandbox.kimai.problems import bad_request, forbidden, not_found
from adapters.sandbox.kimai.queries import DIGITS, ORDER
from adapters.sandbox.kimai.requests import Call, Reply, no_content
from adapters.sandbox.kimai.timesheet_form import TimesheetForm
from adapters.sandbox.kimai.timesheet_service import TimesheetService

PAGE_SIZE, LARGEST_PAGE = 50, 500
RECENT = 10  # records of /recent without `size`
_YEAR = 366 * 86_400  # seconds; /recent looks that far back by default
_VIEW = ("view_own_timesheet", "view_other_timesheet")


def _found(call: Call) -> Timesheet:
    row = call.state.timesheets.get(call.id)
    if row is None:
        raise not_found()
    return row


def _allowed(call: Call, action: str) -> Timesheet:
    row = _found(call)
    if not call.access.may(action, row):
        raise forbidden()
    return row


# -- lists ------------------------------------------------------------------------------------


def index(call: Call) -> Reply:
    """One page of records, with the paging headers."""
    call.need(*_VIEW)
    query = call.query
    page = max(int(query.one("page", DIGITS) or 1), 1)
    size = min(int(query.one("size", DIGITS) or 0) or PAGE_SIZE, LARGEST_PAGE)
    order_by = query.one("orderBy", "id|begin|end|rate") or "begin"
    descending = (query.one("order", ORDER) or "DESC") == "DESC"
    keys = _selected(call)
    pages = max(-(-len(keys) // size), 1)
    if page > pages:
        raise not_found()
    keys = _ordered(call, keys, order_by, descending=descending)
    full = query.switch("full")
    shown = keys[(page - 1) * size : page * size]
    rows = [call.shapes.listed(call.state.timesheets[key], full=full) for _, key in shown]
    headers = {
        "X-Page": str(page),
        "X-Total-Count": str(len(keys)),
        "X-Total-Pages": str(pages),
        "X-Per-Page": str(size),
    }
    return Reply(rows, headers=headers)


Keys = list[tuple[int, int]]  # (begin, id)


def _ordered(call: Call, keys: Keys, order_by: str, *, descending: bool) -> Keys:
    rows = call.state.timesheets
    if order_by == "begin":
        return keys[::-1] if descending else keys
    if order_by == "id":
        return sorted(keys, key=lambda key: key[1], reverse=descending)
    if order_by == "end":
        never = -(1 << 62)  # MariaDB sorts NULL first
        return sorted(keys, key=lambda k: (_or(rows[k[1]].end, never), k[1]), reverse=descending)
    return sorted(keys, key=lambda k: (rows[k[1]].rate, k[1]), reverse=descending)


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _selected(call: Call) -> Keys:
    """`(begin, id)` of all records the query asks for and the caller may list, by begin."""
    query, state = call.query, call.state
    zone = call.access.user.timezone
    users = _users(call)
    work = _work_filter(call)
    tags = _tag_filter(call)
    begin, end = query.instant("begin", zone), query.instant("end", zone)
    active, billable = query.flag("active"), query.flag("billable")
    exported = query.flag("exported")
    term, after = query.term(), query.instant("modified_after", "UTC")
    keys = state.by_begin(users, begin, end)
    hidden, hidden_activities = _hidden_projects(call), _hidden_activities(call)
    plain = (active, billable, exported, term, after, tags) == (None,) * 6
    if plain and not hidden and not hidden_activities and not any(work):
        return keys

    def wanted(row: Timesheet) -> bool:
        return (
            row.project not in hidden
            and row.activity not in hidden_activities
            and _matches(row, work)
            and (active is None or row.running is active)
            and (billable is None or row.billable is billable)
            and (exported is None or row.exported is exported)
            and (after is None or _or(row.modified_at, 0) >= after)
            and (tags is None or not tags.isdisjoint(row.tags))
            and (term is None or term.matches([row.description], row.meta))
        )

    return [key for key in keys if wanted(state.timesheets[key[1]])]


_Work = tuple[set[int], set[int], set[int]]


def _matches(row: Timesheet, work: _Work) -> bool:
    of_customers, projects, activities = work
    return (
        (not of_customers or row.project in of_customers)
        and (not projects or row.project in projects)
        and (not activities or row.activity in activities)
    )


def _users(call: Call) -> list[int] | None:
    """Whose records: one's own, unless the caller may see others'; None means everybody's."""
    access, state = call.access, call.state
    if not access.has("view_other_timesheet"):
        return [access.user.id]  # the parameters are not even looked at
    asked = call.query.one("user", rf"{DIGITS}|all")
    listed = [int(key) for key in call.query.many("users", DIGITS)]
    if asked == "all":
        return None if access.sees_all else _self_and_led(call)
    if asked is not None:
        listed.append(int(asked))
    known = [state.users[key] for key in dict.fromkeys(listed) if key in state.users]
    if not all(access.reaches_user(user) for user in known):
        raise forbidden()
    return [user.id for user in known] or [access.user.id]


def _self_and_led(call: Call) -> list[int]:
    led = (call.state.teams[key] for key in call.access.led)
    members = {member.user for team in led for member in team.members}
    return sorted(members | {call.access.user.id})


def _work_filter(call: Call) -> _Work:
    """Projects of the asked customers, asked projects, asked activities; unknown ids are dropped.

    Raises:
        Problem: 403 for one the caller's teams do not reach.
    """
    access, state, query = call.access, call.state, call.query
    customers = _known(query.ids("customer", "customers"), state.customers)
    projects = _known(query.ids("project", "projects"), state.projects)
    activities = _known(query.ids("activity", "activities"), state.activities)
    reached = (
        all(access.reaches_customer(state.customers[key]) for key in customers)
        and all(access.reaches_project(state.projects[key]) for key in projects)
        and all(access.reaches_activity(state.activities[key]) for key in activities)
    )
    if not reached:
        raise forbidden()
    of_customers = {p.id for p in state.projects.values() if p.customer in customers}
    return (of_customers or ({-1} if customers else set())), projects, activities


def _known(keys: Iterable[int], table: Iterable[int]) -> set[int]:
    return set(keys) & set(table)


def _tag_filter(call: Call) -> set[int] | None:
    names = call.query.many("tags")
    if not names:
        return None
    found = (call.state.tag_by_name(name) for name in names)
    keys = {tag.id for tag in found if tag is not None and tag.visible}
    if not keys:
        raise bad_request()
    return keys


def _hidden_projects(call: Call) -> set[int | None]:
    """Projects whose records vanish from the caller's lists, even the caller's own."""
    if call.access.sees_all:
        return set()
    projects = call.state.projects.values()
    return {project.id for project in projects if not call.access.reaches_project(project)}


def _hidden_activities(call: Call) -> set[int | None]:
    """Activities whose records vanish likewise."""
    if call.access.sees_all:
        return set()
    rows = call.state.activities.values()
    return {row.id for row in rows if row.teams and not call.access.reaches_activity(row)}


def active(call: Call) -> Reply:
    """One's running records, expanded."""
    call.need("view_own_timesheet")
    rows = call.state.running_of(call.access.user.id)
    return Reply([call.shapes.listed(row, full=True) for row in rows])


def recent(call: Call) -> Reply:
    """One's latest record of each kind of work, expanded."""
    call.need(*_VIEW)
    user, state = call.access.user, call.state
    size = int(call.query.one("size", DIGITS) or 0) or RECENT
    since = call.query.instant("begin", user.timezone)
    latest: dict[tuple[int | None, int | None], Timesheet] = {}
    first = state.now() - _YEAR if since is None else since
    for _, key in state.by_begin([user.id], first, None):
        row = state.timesheets[key]
        known = latest.get((row.project, row.activity))
        if row.running or not _still_offered(call, row) or (known and known.id > row.id):
            continue
        latest[row.project, row.activity] = row
    rows = sorted(latest.values(), key=lambda row: row.id, reverse=True)[:size]
    return Reply([call.shapes.listed(row, full=True) for row in rows])


def _still_offered(call: Call, row: Timesheet) -> bool:
    state = call.state
    if row.project is None or row.activity is None:
        return False
    project, activity = state.projects[row.project], state.activities[row.activity]
    visible = project.visible and activity.visible and state.customers[project.customer].visible
    today = phptime.local(state.now(), call.access.user.timezone).date().isoformat()
    return visible and (project.end or today) >= today and call.access.reaches_project(project)


# -- one record -------------------------------------------------------------------------------


def show(call: Call) -> Reply:
    """One record; team restrictions of lists do not apply to one's own."""
    call.need(*_VIEW)
    return Reply(call.shapes.timesheet(_allowed(call, "view")))


async def create(call: Call) -> Reply:
    """A new record; 200, and `full` in the query, whatever its value, expands the answer.

    Kimai checks and inserts without a lock, so identical parallel requests can pass the overlap
    rule together (kimai/kimai#6168); the setting `sandbox.insert_gap_seconds` opens that gap.
    """
    call.need("create_own_timesheet")
    service = TimesheetService(call.state, call.access)
    row = service.prepared(call.query)
    zone = row.zone
    TimesheetForm(call.access, row, None, call.body).submit()
    if gap := call.state.settings["sandbox.insert_gap_seconds"]:
        await asyncio.sleep(float(gap))
    service.create(row)
    return Reply(call.shapes.timesheet(row, full=call.query.has("full"), zone=zone))


def update(call: Call) -> Reply:
    """Change the sent fields; wall times are read in the record's zone, whoever calls."""
    before = _allowed(call, "edit")
    row = copy.copy(before)
    row.tags, row.meta = list(before.tags), dict(before.meta)
    for name in call.state.meta_fields["timesheet"]:
        row.meta.setdefault(name, None)
    TimesheetForm(call.access, row, before, call.body).submit()
    service = TimesheetService(call.state, call.access)
    stored = service.update(row, before, before.zone)
    return Reply(call.shapes.timesheet(stored, zone=before.zone))


def delete(call: Call) -> Reply:
    """Gone without a trace."""
    call.state.drop("timesheets", _allowed(call, "delete").id)
    return no_content()


def stop(call: Call) -> Reply:
    """End now; a stopped record is answered unchanged."""
    row = _allowed(call, "stop")
    stopped = TimesheetService(call.state, call.access).stop(row)
    return Reply(call.shapes.timesheet(stopped, zone=row.zone))


def restart(call: Call) -> Reply:
    """A new running record for the caller."""
    row = _allowed(call, "start")
    everything = _choice(call.body.get("copy"), "all")
    begin = _strict_instant(call.body.get("begin"), call.access.user.timezone)
    service = TimesheetService(call.state, call.access)
    fresh = service.restart(row, begin, everything=everything)
    return Reply(call.shapes.timesheet(fresh, zone=call.access.user.timezone))


def _choice(value: object, allowed: str) -> bool:
    if value in (None, ""):
        return False
    if value != allowed:
        raise bad_request()
    return True


def _strict_instant(value: object, zone: str) -> int | None:
    if value in (None, ""):
        return None
    wall = phptime.parse_strict(value) if isinstance(value, str) else None
    if wall is None:
        raise bad_request()
    return phptime.to_instant(wall, zone)


def duplicate(call: Call) -> Reply:
    """The same record again, not exported."""
    row = _allowed(call, "duplicate")
    fresh = TimesheetService(call.state, call.access).duplicate(row)
    return Reply(call.shapes.timesheet(fresh, zone=row.zone))


def export(call: Call) -> Reply:
    """Toggle the export lock; taking it off needs the right to edit exported records."""
    row = _allowed(call, "edit_export")
    if row.exported and not call.access.has("edit_exported_timesheet"):
        raise forbidden()
    changed = copy.copy(row)
    changed.exported = not row.exported
    service = TimesheetService(call.state, call.access)
    return Reply(call.shapes.timesheet(service.update(changed, row, row.zone), zone=row.zone))


def set_meta(call: Call) -> Reply:
    """Set one registered custom field; its own rules are not checked."""
    row = _allowed(call, "edit")
    defined = call.state.meta_fields["timesheet"]
    store_meta(call, row.meta, defined)
    call.state.put("timesheets", row)
    return Reply(call.shapes.timesheet(row))


def store_meta(call: Call, values: dict[str, str | None], defined: dict[str, bool]) -> None:
    """Write `{"name", "value"}` of the body into `values`.

    Raises:
        Problem: 400 without a name, 404 for an unregistered one, then 400 without a value.
    """
    name = _text(call.body.get("name"))
    if name not in defined:
        raise not_found()
    value = _text(call.body.get("value"))
    for known in defined:
        values.setdefault(known, None)
    values[name] = value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise bad_request()
    return value

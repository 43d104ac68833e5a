"""Kimai's JSON shapes. Source: config/serializer/*, peers/kimai.md §2.2; recordings."""

from typing import Any

from adapters.sandbox.kimai import phptime
from adapters.sandbox.kimai.access import Access, Owned
from adapters.sandbox.kimai.entities import (
    Activity,
    Customer,
    Project,
    Tag,
    Team,
    Timesheet,
    User,
)
from adapters.sandbox.kimai.state import KimaiState

Shape = dict[str, Any]
_PALETTE = [
    "#AAAAAA",
    "#DDDDDD",
    "#a972c9",
    "#9C27B0",
    "#673AB7",
    "#041fd1",
    "#5319e7",
    "#3F51B5",
    "#0074D9",
    "#2196F3",
    "#03A9F4",
    "#7FDBFF",
    "#39CCCC",
    "#00BCD4",
    "#006b75",
    "#009688",
    "#00bb32",
    "#4CAF50",
    "#3D9970",
    "#2ECC40",
    "#01FF70",
    "#8BC34A",
    "#CDDC39",
    "#FFDC00",
    "#FFC107",
    "#FF851B",
    "#FF9800",
    "#FF5722",
    "#f41a00",
    "#E91E63",
    "#85144b",
    "#b60205",
    "#FF4136",
    "#cc317c",
    "#F012BE",
    "#d82d80",
    "#B10DC9",
    "#e135f4",
    "#2d3748",
    "#4a5568",
    "#718096",
]
_ASCII = 128  # bytes from here on count nothing: PHP cannot read them one by one


def color_of(name: str, color: str | None) -> str:
    """`color-safe`: the colour itself, else one picked from the palette by the name."""
    if color is not None:
        return color
    return _PALETTE[sum(b for b in name.encode() if b < _ASCII) % len(_PALETTE)]


def initials(name: str) -> str:
    """Two letters: of the first two words, else of the one word; an address counts as its name."""
    if "@" in name:
        name = name.partition("@")[0].replace(".", " ")
    words = name.split(" ")
    letters = "".join(word[:1] for word in words) if len(words) > 1 else name
    return letters[:2].upper()


class Shapes:
    """Shapes for one caller: what is shown depends on who asks."""

    def __init__(self, state: KimaiState, access: Access) -> None:
        self._state = state
        self._access = access

    # -- timesheets ---------------------------------------------------------------------------

    def timesheet(self, row: Timesheet, *, full: bool = False, zone: str | None = None) -> Shape:
        """One record; `zone` labels begin and end when it is not the stored one."""
        return self._timesheet(row, full=full, single=True, zone=zone)

    def listed(self, row: Timesheet, *, full: bool = False) -> Shape:
        """One record of a list: without fixed and hourly rate."""
        return self._timesheet(row, full=full, single=False, zone=None)

    def _timesheet(self, row: Timesheet, *, full: bool, single: bool, zone: str | None) -> Shape:
        zone = zone or row.zone
        assert row.begin is not None
        shape: Shape = {} if full else self._work_ids(row)
        tags = self._state.tags
        shape |= {
            "tags": [tags[key].name for key in row.tags],
            "id": row.id,
            "begin": phptime.iso(row.begin, zone),
            "end": None if row.end is None else phptime.iso(row.end, zone),
            "duration": row.duration,
            "break": row.pause,
        }
        if full:
            shape |= self._work(row)
        shape["description"] = row.description
        if self._access.may("view_rate", row):
            shape |= {"rate": float(row.rate), "internalRate": float(row.internal_rate)}
            if single:
                shape |= {"fixedRate": row.fixed_rate, "hourlyRate": row.hourly_rate}
        shape |= {"exported": row.exported, "billable": row.billable}
        shape["metaFields"] = self._meta("timesheet", row.meta)
        return shape

    @staticmethod
    def _work_ids(row: Timesheet) -> Shape:
        return {"activity": row.activity, "project": row.project, "user": row.user}

    def _work(self, row: Timesheet) -> Shape:
        state = self._state
        activity = None if row.activity is None else state.activities[row.activity]
        project = None if row.project is None else state.projects[row.project]
        return {
            "user": self.user(state.users[row.user]),
            "activity": activity and self._nested_activity(activity),
            "project": project and self._nested_project(project),
        }

    def _meta(self, kind: str, values: dict[str, str | None]) -> list[Shape]:
        defined = self._state.meta_fields[kind]
        return [
            {"name": name, "value": value}
            for name, value in values.items()
            if defined.get(name, False)
        ]

    # -- customers, projects, activities ------------------------------------------------------

    def customer(self, row: Customer, *, full: bool) -> Shape:
        """A customer; `full` with address and contact."""
        shape = self._nested_customer(row)
        if full:
            shape |= {
                "vatId": row.vat_id,
                "contact": row.contact,
                "address": row.address,
                "email": row.email,
                "addressLine1": row.address_line1,
                "addressLine2": row.address_line2,
                "addressLine3": row.address_line3,
                "postCode": row.post_code,
                "city": row.city,
                "invoiceEmail": row.invoice_email,
                "buyerReference": row.buyer_reference,
            }
        return shape | {"teams": self._teams(row.teams)} | self._budget(row)

    def _nested_customer(self, row: Customer) -> Shape:
        return {
            "color-safe": color_of(row.name, row.color),
            "id": row.id,
            "name": row.name,
            "number": row.number,
            "comment": row.comment,
            "visible": row.visible,
            "billable": row.billable,
            "company": row.company,
            "country": row.country,
            "language": row.language,
            "currency": row.currency,
            "phone": row.phone,
            "fax": row.fax,
            "mobile": row.mobile,
            "homepage": row.homepage,
            "timezone": row.timezone,
            "metaFields": self._meta("customer", row.meta),
            "color": row.color,
        }

    def project(self, row: Project) -> Shape:
        """A project."""
        shape = {
            "parentTitle": self._state.customers[row.customer].name,
            "customer": row.customer,
            **self._bare_project(row),
            "teams": self._teams(row.teams),
        }
        return shape | self._budget(row)

    def _nested_project(self, row: Project) -> Shape:
        customer = self._nested_customer(self._state.customers[row.customer])
        return {**self._bare_project(row), "customer": customer}

    def _bare_project(self, row: Project) -> Shape:
        return {
            "color-safe": color_of(row.name, row.color),
            "id": row.id,
            "name": row.name,
            "orderNumber": row.order_number,
            "orderDate": row.order_date,
            "start": row.start,
            "end": row.end,
            "comment": row.comment,
            "visible": row.visible,
            "billable": row.billable,
            "metaFields": self._meta("project", row.meta),
            "globalActivities": row.global_activities,
            "number": row.number,
            "color": row.color,
        }

    def activity(self, row: Activity) -> Shape:
        """An activity."""
        project = None if row.project is None else self._state.projects[row.project]
        shape = {
            "parentTitle": None if project is None else project.name,
            "project": row.project,
            **self._bare_activity(row),
            "teams": self._teams(row.teams),
        }
        return shape | self._budget(row)

    def _nested_activity(self, row: Activity) -> Shape:
        project = None if row.project is None else self._state.projects[row.project]
        nested = None if project is None else self._nested_project(project)
        return {**self._bare_activity(row), "project": nested}

    def _bare_activity(self, row: Activity) -> Shape:
        return {
            "color-safe": color_of(row.name, row.color),
            "id": row.id,
            "name": row.name,
            "comment": row.comment,
            "visible": row.visible,
            "billable": row.billable,
            "metaFields": self._meta("activity", row.meta),
            "number": row.number,
            "color": row.color,
        }

    def _budget(self, row: Owned) -> Shape:
        money = self._access.may_on("budget", row)
        time = self._access.may_on("time", row)
        shape: Shape = {}
        if money:
            shape["budget"] = float(row.budget)
        if time:
            shape["timeBudget"] = row.time_budget
        if money or time:
            shape["budgetType"] = row.budget_type
        return shape

    # -- teams, tags, users -------------------------------------------------------------------

    def _teams(self, keys: list[int]) -> list[Shape]:
        return [self.team_item(self._state.teams[key]) for key in keys]

    @staticmethod
    def team_item(row: Team) -> Shape:
        """A team in a list."""
        return {
            "color-safe": color_of(row.name, row.color),
            "id": row.id,
            "name": row.name,
            "color": row.color,
        }

    def team(self, row: Team) -> Shape:
        """A team with members and what it is given to."""
        state = self._state
        return {
            **self.team_item(row),
            "members": [
                {"user": self.user(state.users[m.user]), "teamlead": m.teamlead}
                for m in row.members
            ],
            "customers": [
                self._nested_customer(c) for c in state.customers.values() if row.id in c.teams
            ],
            "projects": [
                {"customer": p.customer, **self._bare_project(p)}
                for p in state.projects.values()
                if row.id in p.teams
            ],
            "activities": [
                {"project": a.project, **self._bare_activity(a)}
                for a in state.activities.values()
                if row.id in a.teams
            ],
        }

    @staticmethod
    def tag(row: Tag) -> Shape:
        """A tag."""
        return {
            "color-safe": color_of(row.name, row.color),
            "id": row.id,
            "name": row.name,
            "visible": row.visible,
            "color": row.color,
        }

    @staticmethod
    def user(row: User) -> Shape:
        """A person in a list or inside another shape."""
        name = row.alias or row.username
        return {
            "apiToken": row.api_password is not None,
            "locale": row.locale,
            "timezone": row.timezone,
            "language": row.language,
            "initials": initials(name),
            "color-safe": color_of(name, row.color),
            "id": row.id,
            "alias": row.alias,
            "title": row.title,
            "avatar": None,
            "username": row.username,
            "email": row.email,
            "accountNumber": row.account_number,
            "enabled": row.enabled,
            "systemAccount": row.system_account,
            "color": row.color,
        }

    def user_full(self, row: User) -> Shape:
        """A person with preferences, teams and roles."""
        teams = [team for team in self._state.teams.values() if self._member(team, row)]
        supervisor = None if row.supervisor is None else self._state.users.get(row.supervisor)
        return {
            **self.user(row),
            "preferences": self._preferences(row),
            "teams": [self.team_item(team) for team in teams],
            "memberships": [
                {"team": self.team_item(team), "teamlead": lead.teamlead}
                for team in teams
                for lead in team.members
                if lead.user == row.id
            ],
            "roles": list(row.roles),
            "supervisor": supervisor and self.user(supervisor),
        }

    @staticmethod
    def _member(team: Team, user: User) -> bool:
        return any(member.user == user.id for member in team.members)

    def _preferences(self, row: User) -> list[Shape]:
        """Stored preferences; those with a form are prepared for the caller alone."""
        values: dict[str, str | None] = {"work_contract_type": "none"}
        for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"):
            values[f"work_{day}"] = "0"
        values |= {"public_holiday_group": None, "holidays": "0"}
        values |= {"work_start_day": None, "work_last_day": None}
        if row.id == self._access.user.id:
            if self._access.has("hourly-rate_own_profile"):
                internal = row.internal_rate
                values["hourly_rate"] = f"{row.hourly_rate:g}"
                values["internal_rate"] = None if internal is None else f"{internal:g}"
            values |= {"first_weekday": "monday", "favorite_routes": ""}
        values |= row.preferences
        return [{"name": name, "value": value} for name, value in values.items()]

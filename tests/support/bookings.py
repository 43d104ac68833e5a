"""Bookings, settings and decisions as tests like them: one of each, changed where it matters."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from domain.connector.settings import kimai_settings, zammad_settings
from domain.ids import ConnectorId, EntryId, MappingId, entry_id
from domain.mapping.rows import ActivityMapping, ProjectMapping, SourceKind, UserMapping
from domain.personal import Personal
from domain.rules.configuration import Configuration, Situation, active_rows
from domain.rules.decision import rule
from domain.rules.marker import marker
from domain.time_entry.commands import Decide, Intend, Observe, Ruling
from domain.time_entry.state import TimeEntry
from domain.time_entry.values import (
    Booking,
    Context,
    Desired,
    Operation,
    Request,
    Written,
)

ZAMMAD, KIMAI = ConnectorId(1), ConnectorId(2)
ENTRY: EntryId = entry_id(ZAMMAD, 9)
LOG_TAG = "0a1b2c3d"
MARK = marker(LOG_TAG, ENTRY)
BOOKED = datetime(2026, 7, 1, 8, 30, 36, 138000, tzinfo=UTC)
REQUEST = Request(method="POST", path="/api/timesheets", fields={}, description=None)


def booking(**changes: Any) -> Booking:
    usual = Booking(
        source_id=9,
        ticket_id=50,
        article_id=89,
        time_unit=Decimal("45.0"),
        type_id=4,
        created_by_id=5,
        created_at=BOOKED,
        updated_at=BOOKED,
    )
    return replace(usual, **changes)


def context(**changes: Any) -> Context:
    usual = Context(
        ticket_number="10050",
        ticket_title="VPN down",
        group_id=3,
        group_name="Service Desk",
        customer_id=8,
        customer_name=Personal("customer:8", "Emily Adams"),
        organization_id=3,
        organization_name="Awesome Customer Inc.",
        type_name="Support",
        agent_name=Personal("zammad-user:5", "Emma Taylor"),
        agent_email=Personal("zammad-user:5", "emma@example.com"),
        text=Personal("customer:8", "Reset the tunnel."),
    )
    return replace(usual, **changes)


def configuration(
    *,
    zammad: dict[str, object] | None = None,
    kimai: dict[str, object] | None = None,
    activities: tuple[ActivityMapping, ...] | None = None,
    users: tuple[UserMapping, ...] | None = None,
    projects: tuple[ProjectMapping, ...] | None = None,
    **changes: Any,
) -> Configuration:
    """Minutes, Berlin, type 4 on activity 2, person 5 on user 4, organization 3 on project 1."""
    if activities is None:
        activities = (activity_mapping(),)
    if users is None:
        users = (
            UserMapping(mapping_id=MappingId(1), version=1, zammad_user_id=5, kimai_user_id=4),
        )
    if projects is None:
        projects = (project_mapping(),)
    by_type, by_user, by_source = active_rows(activities, users, projects)
    usual = Configuration(
        source=ZAMMAD,
        target=KIMAI,
        zammad=zammad_settings(
            {"time_unit_minutes": "minute", **(zammad or {})}, display_timezone="Europe/Berlin"
        ),
        kimai=kimai_settings(kimai or {}),
        log_tag=LOG_TAG,
        activities=by_type,
        users=by_user,
        projects=by_source,
    )
    return replace(usual, **changes)


def activity_mapping(**changes: Any) -> ActivityMapping:
    usual = ActivityMapping(
        mapping_id=MappingId(4), version=2, zammad_type_id=4, kimai_activity_id=2
    )
    return replace(usual, **changes)


def project_mapping(**changes: Any) -> ProjectMapping:
    usual = ProjectMapping(
        mapping_id=MappingId(7),
        version=1,
        source_kind=SourceKind.ORGANIZATION,
        source_id=3,
        kimai_project_id=1,
    )
    return replace(usual, **changes)


def situation(**changes: Any) -> Situation:
    return Situation(configuration=configuration(**changes))


def observe(source: Booking | None = None, about: Context | None = None) -> Observe:
    return Observe(
        entry_id=ENTRY,
        connector_id=ZAMMAD,
        booking=source or booking(),
        context=about or context(),
    )


def ruling(entry: TimeEntry, where: Situation | None = None) -> Ruling:
    """The rules' answer where no place on a day is needed first."""
    ruled = rule(entry, where or situation())
    assert isinstance(ruled, Ruling)
    return ruled


def decide(entry: TimeEntry | None, where: Situation | None = None) -> Decide:
    assert entry is not None
    return Decide(ruling=ruling(entry, where))


def intend(
    operation: Operation = Operation.CREATE, timesheet_id: int | None = None, mark: str = MARK
) -> Intend:
    return Intend(
        target_connector_id=KIMAI,
        operation=operation,
        marker=mark,
        request=REQUEST,
        timesheet_id=timesheet_id,
    )


def written(desired: Desired, **changes: Any) -> Written:
    """What Kimai stores when it stores exactly what was asked."""
    usual = Written(
        timesheet_id=11,
        user_id=desired.user_id,
        project_id=desired.project_id,
        activity_id=desired.activity_id,
        begin=desired.begin,
        end=desired.end,
        duration=desired.end - desired.begin,
        description=desired.description,
        tags=(desired.tag,),
        exported=False,
        billable=desired.billable,
    )
    return replace(usual, **changes)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)

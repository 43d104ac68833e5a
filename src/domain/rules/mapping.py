"""On which activity, person and project a booking goes (`contract.md`, section 5)."""

from dataclasses import dataclass, replace

from domain.connector.settings import ProjectStrategy
from domain.mapping.rows import ProjectMapping, SourceKind, UserMapping
from domain.rules.configuration import Configuration, Situation
from domain.rules.wanted import wanted
from domain.target_item.values import Wanted
from domain.time_entry.state import Wait
from domain.time_entry.values import Booking, Context, ReasonCode, Survivor


@dataclass(frozen=True, kw_only=True)
class Mapped:
    """The Kimai id, and the row or setting that says so, as `Basis` names it."""

    item_id: int
    basis: str
    billable: bool | None = None


@dataclass(frozen=True, kw_only=True)
class LeftAlone:
    """A rule says that bookings like this one are not carried over."""


Where = Mapped | Wanted | Wait


def activity_for(
    configuration: Configuration, booking: Booking, type_name: str | None
) -> Mapped | LeftAlone | Wait:
    """The type's active row, else the default activity, else ignored or a person's turn."""
    row = configuration.activities.get(booking.type_id)
    if row is not None:
        return Mapped(
            item_id=row.kimai_activity_id,
            basis=f"mapping:{row.mapping_id}@{row.version}",
            billable=row.billable,
        )
    kimai = configuration.kimai
    if kimai.default_activity_id is not None:
        return Mapped(item_id=kimai.default_activity_id, basis="setting:default_activity_id")
    if kimai.ignore_unmapped_activities:
        return LeftAlone()
    what = "bookings without type"
    if booking.type_id is not None:
        what = f"Zammad type {booking.type_id}" + (f" ({type_name})" if type_name else "")
    return Wait(
        reason=ReasonCode.UNMAPPED_ACTIVITY,
        detail=f"No Kimai activity is set for {what}. Add an activity mapping, or set "
        "default_activity_id on the Kimai connector.",
    )


def user_for(situation: Situation, booking: Booking, context: Context) -> Mapped | Wait:
    """The person's own row, else the one Kimai user with the same e-mail, else the null row.

    Nobody is ever matched by name.
    """
    configuration = situation.configuration
    own = configuration.users.get(booking.created_by_id)
    if own is not None:
        return Mapped(
            item_id=own.kimai_user_id, basis=f"user-mapping:{own.mapping_id}@{own.version}"
        )
    match = email_match(situation, booking.created_by_id, context)
    if match is not None:
        return Mapped(item_id=match, basis="user-mapping:email")
    rest = configuration.users.get(None)
    if rest is not None:
        return _by_row(rest)
    email = (context.agent_email.value or "").casefold()
    shared = email in situation.people and configuration.accept_email_matches
    why = "several Kimai users share the person's e-mail address" if shared else "none is mapped"
    return Wait(
        reason=ReasonCode.USER_UNMAPPED,
        detail=f"Zammad user {booking.created_by_id} has no Kimai user: {why}. "
        "Add a user mapping for the person who booked.",
    )


def email_match(situation: Situation, person: int, context: Context) -> int | None:
    """The one Kimai user with the address of somebody without own row, where that is accepted."""
    configuration = situation.configuration
    email = (context.agent_email.value or "").casefold()
    if person in configuration.users or not email or not configuration.accept_email_matches:
        return None
    return situation.people.get(email)


def _by_row(row: UserMapping) -> Mapped:
    return Mapped(item_id=row.kimai_user_id, basis=f"user-mapping:{row.mapping_id}@{row.version}")


def zone_for(configuration: Configuration, booking: Booking) -> str:
    """Where the person who booked works: the person's own row, else the null row, else Zammad's."""
    users = configuration.users
    row = users.get(booking.created_by_id) or users.get(None)
    return (row.timezone if row else None) or configuration.zammad.timezone


def project_for(configuration: Configuration, ticket_id: int, context: Context) -> Where:
    """Customer row, organization row, group row, then the strategy.

    A merged ticket keeps its time (`peers/zammad.md`, trap 9); when the surviving ticket would
    lead to another project, a person decides. With a project per ticket it always does.
    """
    own = _project(configuration, ticket_id, context)
    survivor = context.survivor
    if survivor is None or isinstance(own, Wait):
        return own
    if _same(own, _project_of(configuration, survivor, context)):
        return own
    return Wait(
        reason=ReasonCode.TICKET_MERGED,
        detail=f"Ticket #{context.ticket_number} was merged into {_named(survivor)}, whose "
        "customer, organization or group may belong to another project. Map both to the same "
        "project, or book the time by hand.",
    )


def _same(own: Mapped | Wanted, other: Where | None) -> bool:
    """Whichever rows say so."""
    if isinstance(own, Wanted):
        return isinstance(other, Wanted) and other.key == own.key
    return isinstance(other, Mapped) and other.item_id == own.item_id


def _named(survivor: Survivor) -> str:
    return "another one" if survivor.ticket_id is None else f"ticket {survivor.ticket_id}"


def _project_of(configuration: Configuration, survivor: Survivor, merged: Context) -> Where | None:
    """None when nobody knows; without any project row a fixed project is the same for all."""
    if survivor.ticket_id is None or survivor.customer_id is None or survivor.group_id is None:
        fixed = configuration.kimai.project_strategy is ProjectStrategy.FIXED
        if configuration.projects or not fixed:
            return None
        return _project(configuration, 0, merged)
    context = replace(
        merged,
        customer_id=survivor.customer_id,
        organization_id=survivor.organization_id,
        group_id=survivor.group_id,
    )
    return _project(configuration, survivor.ticket_id, context)


def _project(configuration: Configuration, ticket_id: int, context: Context) -> Where:
    row = _row(configuration, context.customer_id, context.organization_id, context.group_id)
    if row is not None and row.kimai_project_id is not None:
        return Mapped(
            item_id=row.kimai_project_id, basis=f"project-mapping:{row.mapping_id}@{row.version}"
        )
    kimai = configuration.kimai
    if kimai.project_strategy is not ProjectStrategy.FIXED:
        customer = None if row is None else row.kimai_customer_id
        return wanted(kimai.project_strategy, ticket_id, context, customer)
    if kimai.default_project_id is not None:
        return Mapped(item_id=kimai.default_project_id, basis="setting:default_project_id")
    return Wait(
        reason=ReasonCode.PROJECT_OR_CUSTOMER_MISSING,
        detail="There is no Kimai project to book on: project_strategy is fixed, but "
        "default_project_id is not set. Set it, or add a project mapping for the customer, "
        "organization or group.",
    )


def _row(
    configuration: Configuration, customer: int, organization: int | None, group: int
) -> ProjectMapping | None:
    rows = configuration.projects
    row = rows.get((SourceKind.CUSTOMER, customer))
    if row is None and organization is not None:
        row = rows.get((SourceKind.ORGANIZATION, organization))
    return row or rows.get((SourceKind.GROUP, group))

"""What a person reads when a booking has no Kimai project, and why none was made."""

from collections.abc import Sequence

from domain.errors import Rejected
from domain.ids import ConnectorId
from domain.ports.timesheets import TargetItem
from domain.target_item.values import LONGEST, ItemKind, Owner, Wanted
from domain.time_entry.causes import RefusalCause
from domain.time_entry.state import Wait
from domain.time_entry.values import ReasonCode

FORBIDDEN = 403
CAUSES = {
    ItemKind.CUSTOMER: RefusalCause.CUSTOMER_MISSING,
    ItemKind.PROJECT: RefusalCause.PROJECT_MISSING,
}
MAPPING = "add a project mapping for the customer, organization or group"


def waits(detail: str, kind: ItemKind | None = None) -> Wait:
    """`kind` is what is not there: a customer, and with it the project, or the project alone."""
    cause = None if kind is None else CAUSES[kind]
    return Wait(reason=ReasonCode.PROJECT_OR_CUSTOMER_MISSING, detail=detail, cause=cause)


def too_long(owner: Owner) -> Wait:
    """Numbers are never cut: two could become one."""
    return waits(
        f"The project of {owner.kind} {owner.source_id} would have the number {owner.number}, and "
        f"Kimai allows {LONGEST[ItemKind.PROJECT]} characters. Please {MAPPING} that names a "
        "project."
    )


def not_made(kind: ItemKind, owner: Owner, missing: ItemKind) -> Wait:
    """Making that `kind` is off; `missing` is the first that would have to be made."""
    return waits(
        f"Kimai has no {kind} with the number {owner.number} ({owner.kind} {owner.source_id}), and "
        f"auto_create_{kind}s is off. Make one with that number, turn the setting on, or "
        f"{MAPPING}.",
        missing,
    )


def several(kind: ItemKind, owner: Owner, ids: Sequence[int]) -> Wait:
    named = ", ".join(str(each) for each in ids)
    return waits(
        f"Several {kind}s in Kimai have the number {owner.number}: {named}. Leave it to one of "
        f"them, or {MAPPING}."
    )


def of_another_customer(project: TargetItem, wanted: Wanted, customer: int | None) -> Wait:
    """A ticket that moved takes nothing along by itself."""
    number = wanted.project.owner.number
    meant = f"customer {customer}"
    if not isinstance(wanted.customer, int):
        known = "which Kimai does not have" if customer is None else f"which is {customer} there"
        owner = wanted.customer.owner
        meant = f"{owner.kind} {owner.source_id} (number {owner.number}, {known})"
    return waits(
        f"Project {project.item_id} has the number {number}, but belongs to Kimai customer "
        f"{project.parent_id}, and the booking to {meant}. Move the project in Kimai, or {MAPPING}."
    )


def of_another_zammad(kind: ItemKind, owner: Owner, source: ConnectorId) -> Wait:
    return waits(
        f"The number {owner.number} stands for the {kind} of a {owner.kind} of Zammad connector "
        f"{source}, which is another one. Please {MAPPING} that names a project."
    )


def gone(kind: ItemKind, owner: Owner, item_id: int) -> Wait:
    return waits(
        f"Kimai does not list {kind} {item_id} with the number {owner.number} any more: it was "
        "deleted, has another number, or is outside the token's teams. It is not made again by "
        f"itself. Make one with that number, give the token access, or {MAPPING}.",
        kind,
    )


def forbidden(kind: ItemKind) -> Wait:
    """Of the permission alone, for all that would be made."""
    return waits(
        f"The Kimai token may not make {kind}s (status {FORBIDDEN}). Grant its user "
        f"create_{kind}, which administrators have, or {MAPPING}. Then try again.",
        kind,
    )


def refused(kind: ItemKind, owner: Owner, error: Rejected) -> Wait:
    if error.status == FORBIDDEN:
        return forbidden(kind)
    where = f" at {', '.join(error.fields)}" if error.fields else ""
    what = f"Make a {kind} with that number there"
    if "number" in error.fields:
        what = f"A {kind} that the token is not shown may have that number: give it access"
    return waits(
        f"Kimai refused to make the {kind} with the number {owner.number} (status {error.status}"
        f"{where}). {what}, or {MAPPING}. Then try again.",
        kind,
    )

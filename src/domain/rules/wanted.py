"""Which Kimai customer and project a booking goes to where no mapping names a project.

By numbers made of Zammad's ids, never by names: names change, repeat and resemble each other.
"""

import re

from domain.connector.settings import KimaiSettings, ProjectStrategy
from domain.personal import Personal
from domain.target_item.values import (
    PATHS,
    Creation,
    ItemKind,
    Owner,
    OwnerKind,
    Wanted,
    WantedItem,
)
from domain.time_entry.values import Context

# Source: `peers/kimai.md`, 3
_BARRED = re.compile(r'[<>"=\x00-\x1f\x7f]+')
SHORTEST_NAME, LONGEST_NAME = 2, 150  # characters


def wanted(
    strategy: ProjectStrategy, ticket_id: int, context: Context, customer: int | None
) -> Wanted:
    """The project of a booking on that ticket; `customer` is what a mapping names.

    A ticket without organization counts for the person whose ticket it is.
    """
    payer = _payer(context)
    project = payer
    if strategy is ProjectStrategy.PER_TICKET:
        subject = f"customer:{context.customer_id}"
        name = Personal(subject, f"{context.ticket_number} {context.ticket_title}")
        project = WantedItem(owner=Owner(kind=OwnerKind.TICKET, source_id=ticket_id), name=name)
    return Wanted(project=project, customer=payer if customer is None else customer)


def _payer(context: Context) -> WantedItem:
    if context.organization_id is None:
        owner = Owner(kind=OwnerKind.PERSON, source_id=context.customer_id)
        return WantedItem(owner=owner, name=context.customer_name)
    owner = Owner(kind=OwnerKind.ORGANIZATION, source_id=context.organization_id)
    return WantedItem(owner=owner, name=context.organization_name or "")


def customer_creation(item: WantedItem, kimai: KimaiSettings) -> Creation:
    """Kimai's own defaults would be those of its server; ours are set on the connector."""
    return _creation(
        ItemKind.CUSTOMER,
        item,
        country=kimai.default_country,
        currency=kimai.default_currency,
        timezone=kimai.default_timezone,
    )


def project_creation(item: WantedItem, customer: int | str) -> Creation:
    """`customer` is its id, or in a plan the number of one that is still to be made."""
    return _creation(ItemKind.PROJECT, item, customer=customer)


def _creation(kind: ItemKind, item: WantedItem, **fields: str | int) -> Creation:
    number = item.owner.number
    if isinstance(item.name, Personal):
        name = Personal(item.name.subject, allowed_name(item.name.value or "", number))
        return Creation(path=PATHS[kind], fields={"number": number, **fields}, name=name)
    named = {"name": allowed_name(item.name, number), "number": number}
    return Creation(path=PATHS[kind], fields={**named, **fields})


def allowed_name(name: str, number: str) -> str:
    """As Kimai takes it: without what it bars, and never too short or too long."""
    plain = " ".join(_BARRED.sub(" ", name).split())[:LONGEST_NAME].strip()
    return plain if len(plain) >= SHORTEST_NAME else f"{number} {plain}".strip()

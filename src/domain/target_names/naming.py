"""What is recorded of Kimai's projects and activities once it was asked for them."""

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from domain.ids import ConnectorId
from domain.personal import Personal
from domain.ports.timesheets import TargetItem
from domain.target_item.values import LETTERS, OwnerKind
from domain.target_names.events import NamedKind, TargetNamed

_PERSONS = re.compile(f"{LETTERS[OwnerKind.PERSON]}([0-9]+)")  # the number that we give theirs

Known = Mapping[int, tuple[str | None, int | None]]  # name and parent of an item, by its id


def news(
    connector_id: ConnectorId,
    kind: NamedKind,
    items: Sequence[TargetItem],
    *,
    booked: AbstractSet[int],
    known: Known,
) -> list[TargetNamed]:
    """Those of `items` that are `booked` and not `known`, or not called what they were.

    Of an item that Kimai has no more the last name stays. One whose person was erased, which has
    no name, gets none again.
    """
    return [
        _named(connector_id, kind, item)
        for item in items
        if (item.item_id in booked and item.item_id not in known)
        or _moved(item, known.get(item.item_id))
    ]


def _moved(item: TargetItem, before: tuple[str | None, int | None] | None) -> bool:
    if before is None or before[0] is None:
        return False
    return before != (item.name, item.parent_id)


def _named(connector_id: ConnectorId, kind: NamedKind, item: TargetItem) -> TargetNamed:
    of_a_person = _PERSONS.fullmatch(item.number or "")
    return TargetNamed(
        connector_id=connector_id,
        kind=kind,
        item_id=item.item_id,
        name=None if of_a_person else item.name,
        personal=Personal(f"customer:{of_a_person[1]}", item.name) if of_a_person else None,
        parent_id=item.parent_id,
    )

"""Where one customer or project stands that was wanted in Kimai."""

from dataclasses import dataclass
from typing import assert_never

from domain.ids import ConnectorId
from domain.moved import moved
from domain.target_item.events import (
    TargetItemCreated,
    TargetItemEvent,
    TargetItemFound,
    TargetItemIntended,
    TargetItemRefused,
    TargetItemUncertain,
    TargetItemUnsent,
)
from domain.target_item.values import Creation


@dataclass(frozen=True, kw_only=True)
class TargetItem:
    """`source` is the Zammad connector whose number it is, `creation` the last request.

    `open`: what became of that request is not known. `doubtful`: it is known that its answer was
    lost. `item_id` is what Kimai had it as when it was last seen.
    """

    source: ConnectorId | None = None
    creation: Creation | None = None
    open: bool = False
    doubtful: bool = False
    item_id: int | None = None
    refused: TargetItemRefused | None = None


NOTHING = TargetItem()


def evolve(item: TargetItem, event: TargetItemEvent) -> TargetItem:
    """The item after `event`."""
    match event:
        case TargetItemIntended(source_connector_id=source, creation=creation):
            return TargetItem(source=source, creation=creation, open=True)
        case TargetItemCreated(item_id=item_id):
            return moved(item, item_id=item_id, open=False, doubtful=False)
        case TargetItemFound(source_connector_id=source, item_id=item_id):
            return moved(item, source=source, item_id=item_id, open=False, doubtful=False)
        case TargetItemRefused():
            return moved(item, refused=event, open=False, doubtful=False)
        case TargetItemUncertain():
            return moved(item, doubtful=True)
        case TargetItemUnsent():
            return moved(item, open=False)
        case _:
            assert_never(event)

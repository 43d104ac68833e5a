"""Objects as they stand right after a command, from their own events: no view can lag here."""

from collections.abc import Mapping
from typing import TypeVar

from api.shapes import PermissionCheck
from domain.connector.patch import effective_settings
from domain.connector.permissions import PERMISSIONS, words
from domain.connector.settings import MASK, as_values
from domain.ports.event_store import EventStore
from projections import connectors
from projections.projection import Projection, ViewRow, rows_after

R = TypeVar("R", bound=ViewRow)


async def row_now(
    store: EventStore, projection: Projection[R], stream: str, number: int
) -> R | None:
    """The row that the view will show once it has seen the stream's last event."""
    return rows_after(projection, await store.read_recorded(stream)).get(number)


def shown_checks(permissions: Mapping[str, bool | None]) -> list[PermissionCheck]:
    """What a token may do, in words; stored ones have lost their order."""
    order = {name: number for number, name in enumerate(PERMISSIONS)}
    return [
        PermissionCheck(
            name=name,
            ok=allowed,
            needed=name in PERMISSIONS and PERMISSIONS[name].needed,
            message=words(name, allowed=allowed),
        )
        for name, allowed in sorted(
            permissions.items(), key=lambda each: order.get(each[0], len(order))
        )
    ]


def shown_connector(row: connectors.Row, display_timezone: str) -> Mapping[str, object]:
    """The contract's Connector with every setting at its effective value."""
    shown = connectors.shown(row)
    values = effective_settings(row.kind, row.settings, display_timezone=display_timezone)
    settings = as_values(values)
    if row.kind == "zammad":
        settings["webhook_secret"] = MASK if shown.pop("webhook_secret_set") else None
    shown.pop("webhook_secret_set", None)
    shown["settings"] = settings
    return shown

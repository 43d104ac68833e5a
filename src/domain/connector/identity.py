"""Which connector's name a peer goes by in the ledger, when it was connected more than once."""

from collections.abc import Iterable

from domain.connector.decide import Connector
from domain.ids import ConnectorId


def known_as(connector: Connector, connectors: Iterable[Connector]) -> ConnectorId:
    """The oldest connector, retired ones too, that leads to the same peer.

    An entry's id holds its connector's. A Zammad whose connector was removed and added again is
    the same Zammad: its bookings must meet their own streams, or all would be written twice.
    """
    return min(
        one.connector_id
        for one in (connector, *connectors)
        if (one.kind, one.base_url) == (connector.kind, connector.base_url)
    )

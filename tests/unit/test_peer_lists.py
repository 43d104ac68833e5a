"""How long lists of the peers are kept, and when they are not."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self, cast

from api.peer_lists import MOST_KEPT, PeerLists
from domain.connector.decide import Connector
from domain.ids import ConnectorId
from domain.ports.choices import Choice

if TYPE_CHECKING:
    from api.peers import Peers


class CountingPeers:
    """Answers every list, and counts."""

    def __init__(self) -> None:
        self.asked = 0
        self.choices = self

    def kimai(self, *_: object, **__: object) -> Self:
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def customers(self) -> Sequence[Choice]:
        self.asked += 1
        return [Choice(item_id=self.asked, name="ACME", active=True)]


def connector(number: int = 1, **more: Any) -> Connector:
    values: dict[str, Any] = {
        "connector_id": ConnectorId(number),
        "kind": "kimai",
        "name": "Billing",
        "base_url": "https://kimai.example/",
        "is_active": True,
        "settings": {},
        "token_fingerprint": "one",
    }
    return Connector(**{**values, **more})


async def test_a_list_is_kept_for_a_minute() -> None:
    peers, seconds = CountingPeers(), [0.0]
    lists = PeerLists(cast("Peers", peers), now=lambda: seconds[0])
    for at, asked in ((0.0, 1), (59.9, 1), (60.1, 2), (61.0, 2)):
        seconds[0] = at
        await lists.get(connector(), "t", "customers")
        assert peers.asked == asked, at


async def test_another_token_or_address_drops_what_was_kept() -> None:
    peers = CountingPeers()
    lists = PeerLists(cast("Peers", peers), now=lambda: 0.0)
    for one in (
        connector(),
        connector(token_fingerprint="two"),
        connector(base_url="https://other.example/"),
        connector(),
    ):
        before = peers.asked
        await lists.get(one, "t", "customers")
        assert peers.asked == before + 1


async def test_no_more_lists_are_kept_than_a_bound() -> None:
    peers = CountingPeers()
    lists = PeerLists(cast("Peers", peers), now=lambda: 0.0)
    for number in range(1, MOST_KEPT + 2):
        await lists.get(connector(number), "t", "customers")
    await lists.get(connector(2), "t", "customers")
    assert peers.asked == MOST_KEPT + 1
    await lists.get(connector(1), "t", "customers")  # the oldest had to go
    assert peers.asked == MOST_KEPT + 2

from dataclasses import replace

from domain.connector.decide import Connector
from domain.connector.identity import known_as
from domain.ids import ConnectorId

FIRST = Connector(
    connector_id=ConnectorId(1),
    kind="zammad",
    name="desk",
    base_url="https://desk.example/",
    is_active=False,
    settings={},
    token_fingerprint="f",
    retired=True,
)
KIMAI = replace(FIRST, connector_id=ConnectorId(2), kind="kimai")
AGAIN = replace(FIRST, connector_id=ConnectorId(3), name="desk 2", is_active=True, retired=False)


def test_a_peer_connected_again_keeps_the_name_of_its_first_connector() -> None:
    assert known_as(AGAIN, [FIRST, KIMAI, AGAIN]) == 1


def test_another_address_is_another_peer() -> None:
    moved = replace(AGAIN, base_url="https://other.example/")
    assert known_as(moved, [FIRST, KIMAI, moved]) == 3


def test_another_kind_at_the_same_address_is_another_peer() -> None:
    assert known_as(KIMAI, [FIRST, KIMAI, AGAIN]) == 2

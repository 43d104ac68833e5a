"""Which secrets count, kept for a moment, and known to be wrong the moment they are."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest

from adapters.memory import MemoryClock
from api.webhook_keys import Keys, WebhookKeys
from domain.connector.decide import Connector
from domain.errors import Misconfigured
from domain.ids import ConnectorId

if TYPE_CHECKING:
    from adapters.postgres.vault import Vault

DESK = Connector(
    connector_id=ConnectorId(1),
    kind="zammad",
    name="Desk",
    base_url="https://desk/",
    is_active=True,
    settings={},
    token_fingerprint="t",
    secret_fingerprint="new",
)


@dataclass
class House:
    """Connectors and a vault that the test changes; `reads` counts."""

    connectors: list[Connector] = field(default_factory=lambda: [DESK])
    secrets: dict[str, str] = field(default_factory=lambda: {"new": "N", "old": "O"})
    clock: MemoryClock = field(default_factory=MemoryClock)
    reads: int = 0
    slow: asyncio.Event | None = None

    async def load(self) -> Sequence[Connector]:
        self.reads += 1
        found = list(self.connectors)
        if self.slow is not None:
            await self.slow.wait()
        return found

    async def get(self, owner: str, fingerprint: str) -> str:
        assert owner == "connector-1"
        if fingerprint not in self.secrets:
            raise Misconfigured("service", "gone")
        return self.secrets[fingerprint]

    def keys(self) -> WebhookKeys:
        return WebhookKeys(self.load, cast("Vault", self), self.clock)


async def test_they_are_looked_up_once_for_many() -> None:
    house = House()
    keys = house.keys()
    found = await asyncio.gather(*(keys.get() for _ in range(50)))
    assert set(found) == {Keys(ConnectorId(1), "N", None, None)}
    assert house.reads == 1
    await keys.get()
    assert house.reads == 1


async def test_a_change_of_this_process_counts_at_once() -> None:
    house = House()
    keys = house.keys()
    await keys.get()
    house.connectors = [replace(DESK, is_active=False)]
    assert await keys.get() is not None, "nobody said so yet"
    keys.forget()
    assert await keys.get() is None


async def test_a_change_while_they_are_looked_up_is_not_missed() -> None:
    house = House(slow=asyncio.Event())
    keys = house.keys()
    asked = asyncio.create_task(keys.get())
    await asyncio.sleep(0.01)
    house.connectors = []
    keys.forget()
    assert house.slow is not None
    house.slow.set()
    assert await asked is None
    assert house.reads == 2


async def test_a_change_of_another_process_is_seen_soon() -> None:
    house = House()
    keys = house.keys()
    await keys.get()
    house.connectors = []
    await asyncio.sleep(0.25)
    assert await keys.get() is not None
    assert await keys.anew() is None, "before a signature is refused"


async def test_no_other_connector_opens_the_door() -> None:
    for other in (
        replace(DESK, is_active=False),
        replace(DESK, kind="kimai"),
        replace(DESK, secret_fingerprint=None),
        replace(DESK, is_active=False, retired=True),
    ):
        assert await House(connectors=[other]).keys().get() is None


async def test_the_former_secret_is_read_only_while_it_counts() -> None:
    house = House()
    until = house.clock.now() + timedelta(hours=1)
    house.connectors = [replace(DESK, former_secret_fingerprint="old", former_until=until)]
    assert await house.keys().get() == Keys(ConnectorId(1), "N", "O", until)
    house.clock.advance(timedelta(hours=1))
    del house.secrets["old"]
    assert await house.keys().get() == Keys(ConnectorId(1), "N", None, until)


async def test_a_secret_that_is_gone_closes_the_door() -> None:
    house = House(secrets={})
    with pytest.raises(Misconfigured):
        await house.keys().get()

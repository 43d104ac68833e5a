"""Which secrets may sign a webhook delivery now, kept for a moment.

A change that this process makes is known at once (`forget`), one of another process within
`KEPT` seconds; before a signature is refused, they are looked up again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.postgres.vault import Vault
from domain.connector.decide import Connector
from domain.ids import ConnectorId, connector_stream
from domain.ports.clock import Clock

KEPT = 1.0  # seconds: how long another process may go on believing a secret that was taken away
LOOKED_AGAIN = 0.2  # seconds between looks for the sake of wrong signatures

LoadConnectors = Callable[[], Awaitable[Sequence[Connector]]]


@dataclass(frozen=True)
class Keys:
    """The secrets of the active Zammad connector; the former one counts until `former_until`."""

    connector_id: ConnectorId
    current: str
    former: str | None
    former_until: datetime | None

    def valid(self, now: datetime) -> list[str]:
        """Those that count at `now`."""
        if self.former is None or self.former_until is None or now >= self.former_until:
            return [self.current]
        return [self.current, self.former]


def takes_deliveries(connector: Connector) -> bool:
    """Whether it is the one that Zammad may call, with a secret to check that by."""
    return (
        connector.kind == "zammad"
        and connector.is_active
        and connector.secret_fingerprint is not None
        and connector.settings.get("accept_webhooks", True) is True
    )


class WebhookKeys:
    """The keys of this installation, by the ledger and the vault."""

    def __init__(self, connectors: LoadConnectors, vault: Vault, clock: Clock) -> None:
        self._connectors = connectors
        self._vault = vault
        self._clock = clock
        self._keys: Keys | None = None
        self._loaded_at: float | None = None
        self._changes = 0
        self._loading = asyncio.Lock()

    def forget(self) -> None:
        """A connector was changed: look again."""
        self._changes += 1
        self._loaded_at = None

    async def get(self, *, within: float = KEPT) -> Keys | None:
        """The keys as they were at most `within` seconds ago; None: deliveries are not taken.

        Raises:
            Unavailable: the database is away.
            Misconfigured: the secret is gone, or cannot be opened.
        """
        since = asyncio.get_running_loop().time() - within
        if not self._is_from(since):
            async with self._loading:
                while not self._is_from(since):  # whoever waited here may find them loaded
                    await self._load()
        return self._keys

    async def anew(self) -> Keys | None:
        """The same for who is about to refuse a signature."""
        return await self.get(within=LOOKED_AGAIN)

    def _is_from(self, since: float) -> bool:
        return self._loaded_at is not None and self._loaded_at >= since

    async def _load(self) -> None:
        changes, began = self._changes, asyncio.get_running_loop().time()
        keys = await self._read()
        if changes == self._changes:
            self._keys, self._loaded_at = keys, began

    async def _read(self) -> Keys | None:
        for connector in await self._connectors():
            if takes_deliveries(connector) and connector.secret_fingerprint is not None:
                former, until = connector.former_secret_fingerprint, connector.former_until
                if until is None or until <= self._clock.now():
                    former = None
                return Keys(
                    connector.connector_id,
                    await self._secret(connector, connector.secret_fingerprint),
                    None if former is None else await self._secret(connector, former),
                    until,
                )
        return None

    async def _secret(self, connector: Connector, fingerprint: str) -> str:
        return await self._vault.get(connector_stream(connector.connector_id), fingerprint)

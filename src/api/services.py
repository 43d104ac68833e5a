"""What the routes work with: built once by `wiring.py`, found on `app.state`."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from fastapi import Request

from adapters.notifications import Messenger
from adapters.postgres.credentials import Credentials
from adapters.postgres.dead_letters import DeadLetters
from adapters.postgres.deliveries import Deliveries
from adapters.postgres.differing import Differing
from adapters.postgres.event_log import EventLog
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.exports import Exports
from adapters.postgres.keyed_requests import KeyedRequests
from adapters.postgres.known_entries import PostgresKnownEntries
from adapters.postgres.kpi import Kpi
from adapters.postgres.past import Past
from adapters.postgres.people import People
from adapters.postgres.projection_runner import ProjectionRunner
from adapters.postgres.read_models import ReadModels
from adapters.postgres.readiness import pending_migrations
from adapters.postgres.reconciling import Reconciling
from adapters.postgres.suggestions import SuggestionBase
from adapters.postgres.vault import Vault
from adapters.postgres.worth_telling import WorthTelling
from adapters.secrets import Passwords
from api.metrics import Metrics
from api.origin import Proxies
from api.peer_lists import PeerLists
from api.peers import Peers
from api.settings import Settings
from api.tokens import Tokens
from api.webhook_keys import WebhookKeys
from domain.channel.decide import CHANNEL, Channel
from domain.connector.decide import CONNECTOR, Connector
from domain.delivery.events import WebhookDeliveryReceived
from domain.event import Actor, Append, Appended, C, Decider, E, Metadata, S
from domain.handling import handle, state_of
from domain.ids import (
    ChannelId,
    ConnectorId,
    RunId,
    channel_stream,
    connector_stream,
    delivery_stream,
    run_of,
)
from domain.personal import Personal
from domain.ports.clock import Clock
from domain.ports.event_store import EventStore
from domain.sync_run.decide import PLACES, waiting_place

LONGEST_WAIT = 2.0  # seconds that an answer waits for the read models
LONGEST_AGENT = 256  # characters of a User-Agent that are kept


@dataclass(frozen=True, kw_only=True)
class Services:
    """Everything with a life longer than a request."""

    settings: Settings
    clock: Clock
    store: PostgresEventStore
    projections: ProjectionRunner
    views: ReadModels
    kpi: Kpi
    known: PostgresKnownEntries
    dead: DeadLetters
    deliveries: Deliveries
    exports: Exports
    worth_telling: WorthTelling
    messenger: Messenger
    suggestions: SuggestionBase
    reconciling: Reconciling
    log: EventLog
    past: Past
    differing: Differing
    people: People
    vault: Vault
    keyed: KeyedRequests
    credentials: Credentials
    passwords: Passwords
    tokens: Tokens
    proxies: Proxies
    peers: Peers
    lists: PeerLists
    webhook_keys: WebhookKeys
    metrics: Metrics
    started_at: datetime
    stopping: asyncio.Event = field(default_factory=asyncio.Event)  # nobody should wait any more

    @property
    def secret(self) -> str:
        """What signs cursors."""
        key = self.settings.secret_key
        return key.get_secret_value() if key else ""

    async def shown(self, position: int) -> bool:
        """Whether the views show everything up to `position`, within the two seconds we wait."""
        return await self.projections.wait_for(position, within=LONGEST_WAIT)

    async def connector(self, connector_id: ConnectorId) -> Connector | None:
        """The connector as the ledger has it, retired ones too; views may lag."""
        return await state_of(self.store, CONNECTOR, connector_stream(connector_id))

    async def connectors(self) -> list[Connector]:
        """All connectors as the ledger has them, retired ones too, by id."""
        return await connectors_of(self.store)

    async def channels(self) -> list[Channel]:
        """All channels as the ledger has them, removed ones too, by id."""
        found: list[Channel] = []
        while channel := await state_of(
            self.store, CHANNEL, channel_stream(ChannelId(len(found) + 1))
        ):
            found.append(channel)
        return found

    async def active_connectors(self) -> list[Connector]:
        """At most one of each kind."""
        return [connector for connector in await self.connectors() if connector.is_active]

    async def token_of(self, connector: Connector) -> str:
        """The API token in clear. Raises Misconfigured when it cannot be opened."""
        stream = connector_stream(connector.connector_id)
        return await self.vault.get(stream, connector.token_fingerprint)

    def webhook_url(self, request: Request) -> str:
        """Where Zammad is to send its deliveries, as the asker reaches us."""
        return f"{self.proxies.own_origin(request)}/api/v1/webhook/zammad"

    async def waiting_run(self) -> RunId | None:
        """A run that waits for the active one to end, None when none does."""
        holder = await self.store.holder([waiting_place(place) for place in PLACES])
        return None if holder is None else run_of(holder)

    async def pending_migrations(self) -> list[str]:
        """What this program's database still lacks."""
        return await pending_migrations(self.store.pool)


async def connectors_of(store: EventStore) -> list[Connector]:
    """All connectors of a ledger, retired ones too, by id."""
    found: list[Connector] = []
    while True:
        stream = connector_stream(ConnectorId(len(found) + 1))
        connector = await state_of(store, CONNECTOR, stream)
        if connector is None:
            return found
        found.append(connector)


def services(request: Request) -> Services:
    """The services of the application that answers `request`."""
    return cast("Services", request.app.state.services)


@dataclass(kw_only=True)
class Commands:
    """The commands of one request: who asks, when, and how far the ledger got by it."""

    store: EventStore
    metadata: Metadata
    now: datetime
    position: int = field(default=0)

    async def run(
        self,
        decider: Decider[C, S, E],
        stream: str,
        command: C,
        holds: Callable[[S], frozenset[str]] | None = None,
        key: str | None = None,
        seen: int | None = None,
    ) -> Appended:
        """Run a command; raises what `domain.handling.handle` raises."""
        done = await handle(
            self.store,
            decider,
            stream,
            command,
            metadata=self.metadata,
            now=self.now,
            holds=holds,
            key=key,
            seen=seen,
        )
        self.position = max(self.position, done.position)
        return done

    async def append(self, command: Append) -> Appended:
        """Append facts that need no rule."""
        done = await self.store.append(command)
        self.position = max(self.position, done.position)
        return done

    async def receipt_of(self, delivery_id: str) -> int | None:
        """Where a delivery arrived: 0 if it was only rejected, None if nobody knows it.

        By the ledger: views may lag.
        """
        if not delivery_id.isprintable():
            return None
        recorded = await self.store.read_recorded(delivery_stream(delivery_id))
        taken = [r.position for r in recorded if isinstance(r.event, WebhookDeliveryReceived)]
        return taken[0] if taken else 0 if recorded else None


def commands_of(request: Request, *, user_id: int, username: str | None) -> Commands:
    """The commands of this request, by the account `user_id` (0: nobody we know)."""
    own = services(request)
    subject = f"account:{user_id}"
    agent = request.headers.get("user-agent", "")[:LONGEST_AGENT]
    request_id = request.state.request_id
    commands = Commands(
        store=own.store,
        metadata=Metadata(
            actor=Actor(kind="user", name=Personal(subject, username or "")),
            correlation_id=request_id,
            request_id=request_id,
            ip_address=Personal(subject, own.proxies.address(request)),
            user_agent=Personal(subject, agent) if agent else None,
        ),
        now=own.clock.now().astimezone(UTC),
    )
    request.state.commands = commands
    return commands

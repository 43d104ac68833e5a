"""What the routes work with: built once by `wiring.py`, found on `app.state`."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from fastapi import Request

from adapters.postgres.credentials import Credentials
from adapters.postgres.dead_letters import DeadLetters
from adapters.postgres.event_log import EventLog
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.known_entries import PostgresKnownEntries
from adapters.postgres.projection_runner import ProjectionRunner
from adapters.postgres.read_models import ReadModels
from adapters.postgres.readiness import pending_migrations
from adapters.postgres.reconciling import Reconciling
from adapters.postgres.vault import Vault
from adapters.secrets import Passwords
from api.origin import Proxies
from api.peers import Peers
from api.settings import Settings
from api.tokens import Tokens
from domain.connector.decide import CONNECTOR, Connector
from domain.event import Actor, Append, Appended, C, Decider, E, Metadata, S
from domain.handling import handle, state_of
from domain.ids import ConnectorId, RunId, connector_stream, run_of
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
    known: PostgresKnownEntries
    dead: DeadLetters
    reconciling: Reconciling
    log: EventLog
    vault: Vault
    credentials: Credentials
    passwords: Passwords
    tokens: Tokens
    proxies: Proxies
    peers: Peers
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
        found: list[Connector] = []
        while connector := await self.connector(ConnectorId(len(found) + 1)):
            found.append(connector)
        return found

    async def active_connectors(self) -> list[Connector]:
        """At most one of each kind."""
        return [connector for connector in await self.connectors() if connector.is_active]

    async def token_of(self, connector: Connector) -> str:
        """The API token in clear. Raises Misconfigured when it cannot be opened."""
        stream = connector_stream(connector.connector_id)
        return await self.vault.get(stream, connector.token_fingerprint)

    async def waiting_run(self) -> RunId | None:
        """A run that waits for the active one to end, None when none does."""
        holder = await self.store.holder([waiting_place(place) for place in PLACES])
        return None if holder is None else run_of(holder)

    async def pending_migrations(self) -> list[str]:
        """What this program's database still lacks."""
        return await pending_migrations(self.store.pool)


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
        )
        self.position = max(self.position, done.position)
        return done

    async def append(self, command: Append) -> Appended:
        """Append facts that need no rule."""
        done = await self.store.append(command)
        self.position = max(self.position, done.position)
        return done


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

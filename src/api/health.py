"""How a connector fares, as runs find out: recorded when it changes, so that people hear of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC

import structlog

from adapters.peer_flow import Flow
from api.services import Services
from domain.connector.commands import RecordHealth
from domain.connector.decide import CONNECTOR, Connector, holds
from domain.errors import LedgerError
from domain.event import Actor, Metadata
from domain.handling import handle
from domain.ids import connector_stream

log = structlog.get_logger(__name__)


@asynccontextmanager
async def watched(
    own: Services, connector: Connector
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Record the health of the connector's peer: alarms at once, the rest at the end.

    Gives what records it sooner.
    """
    flow = own.peers.flow(connector)

    async def found() -> None:
        await record(own, connector, flow)

    alarms = asyncio.create_task(_alarms(flow, found))
    try:
        yield found
    finally:
        alarms.cancel()
        await asyncio.wait([alarms])
        await found()


async def _alarms(flow: Flow, found: Callable[[], Awaitable[None]]) -> None:
    while True:
        await flow.alarmed.wait()
        flow.alarmed.clear()
        await found()


async def record(own: Services, connector: Connector, flow: Flow) -> None:
    """Append what is news of it; a ledger that cannot take it now hears of it from a later run."""
    if (health := flow.health()) is None:
        return
    state, message = health
    metadata = Metadata(actor=Actor(kind="service", name="sync"), correlation_id="health")
    try:
        await handle(
            own.store,
            CONNECTOR,
            connector_stream(connector.connector_id),
            RecordHealth(access=connector.access, state=state, message=message),
            metadata=metadata,
            now=own.clock.now().astimezone(UTC),
            holds=holds,
        )
    except LedgerError as error:
        log.warning("health_not_recorded", error=type(error).__name__)

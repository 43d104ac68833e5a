"""How a connector fares, and how it is taken into use again: contract, section 4."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field

from adapters.postgres.event_store import PostgresEventStore
from api.bodies import Body
from api.identity import Admin, Operator, Own, RequestCommands, Viewer
from api.inputs import Expected, Number
from api.problems import Problem
from api.routes.connectors import ConnectorPatch, changed, loaded, shown
from api.routing import LedgerRoute
from api.services import Services
from api.shapes import ConnectorOut, HealthCheck, HealthOut, WebhookHealth
from domain.connector.commands import ResumeConnector
from domain.connector.decide import CONNECTOR, Connector, holds
from domain.connector.events import ConnectorTested
from domain.ids import connector_stream

router = APIRouter(prefix="/connectors", tags=["connectors"], route_class=LedgerRoute)


class NewToken(Body):
    api_token: Annotated[str, Field(min_length=1, max_length=4000)]


@router.get("/{connector_id}/health", response_model=HealthOut)
async def get_health(request: Request, connector_id: Number, _: Viewer, own: Own) -> object:
    """What runs and tests found last; the peer is not asked for it.

    `breaker` and `latency_ms` are what this process knows, which may be nothing yet.
    """
    connector = await loaded(own, connector_id)
    row = await own.views.connector(connector_id)
    if row is None:
        raise Problem("not_found", "There is no such connector.")
    flow = own.peers.flow(connector)
    tested = await _last_test(own.store, connector_stream(connector.connector_id))
    return HealthOut(
        state=row.health,
        message=row.health_message,
        checked_at=row.health_checked_at,
        latency_ms=None if flow.latency is None else round(flow.latency * 1000),
        peer_version=None if tested is None else tested.peer_version,
        checks=[] if tested is None else [_check(tested)],
        breaker=flow.breaker.value,
        webhook=await _webhook(request, own, connector),
    )


@router.post("/{connector_id}/resume", response_model=ConnectorOut)
async def resume(
    connector_id: Number, _: Operator, own: Own, commands: RequestCommands, expected: Expected
) -> object:
    """Use a paused connector again as it is; without effect on one that is not paused."""
    connector = await loaded(own, connector_id)
    stream = connector_stream(connector.connector_id)
    await commands.run(CONNECTOR, stream, ResumeConnector(expected=expected), holds)
    own.peers.flow(connector).clear()
    return await shown(own, connector_id)


@router.post("/{connector_id}/reauth", response_model=ConnectorOut)
async def reauth(
    connector_id: Number,
    body: NewToken,
    _: Admin,
    own: Own,
    commands: RequestCommands,
    expected: Expected,
) -> object:
    """Give it a new token, once it works; the old one stays otherwise (422 or 502)."""
    connector = await loaded(own, connector_id)
    verdict = await own.peers.tried(connector.kind, connector.base_url, body.api_token)
    if verdict.token_refused:
        raise Problem("token_rejected", f"{verdict.message} The old token stays.")
    if not verdict.valid:
        raise Problem("peer_unavailable", f"{verdict.message} The old token stays.")
    patch = ConnectorPatch(api_token=body.api_token)
    await changed(own, commands, connector, patch, expected)
    stream = connector_stream(connector.connector_id)
    await commands.run(CONNECTOR, stream, ResumeConnector(), holds)  # the same token as before
    own.peers.flow(connector).clear()
    return await shown(own, connector_id)


async def _webhook(request: Request, own: Services, connector: Connector) -> WebhookHealth | None:
    """Where Zammad is to send its deliveries, and whether they are taken."""
    if connector.kind != "zammad":
        return None
    return WebhookHealth(
        url=own.webhook_url(request),
        enabled=connector.is_active and connector.secret_fingerprint is not None,
        last_delivery_at=await own.deliveries.last_of(connector.connector_id),
    )


async def _last_test(store: PostgresEventStore, stream: str) -> ConnectorTested | None:
    events = [recorded.event for recorded in await store.read_recorded(stream)]
    return next((event for event in reversed(events) if isinstance(event, ConnectorTested)), None)


def _check(tested: ConnectorTested) -> HealthCheck:
    return HealthCheck(name="connection", ok=tested.valid, message=tested.message)

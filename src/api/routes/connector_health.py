"""How a connector fares, and how it is taken into use again: contract, section 4."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import Field

from api.as_of import AsOf, Then, instant_of
from api.bodies import Body
from api.identity import Admin, Operator, Own, RequestCommands, Viewer
from api.inputs import Expected, Number
from api.peers import findings
from api.problems import Problem
from api.routes.connectors import ConnectorPatch, changed, loaded, shown
from api.routing import LedgerRoute
from api.services import Services
from api.shapes import (
    ConnectorOut,
    FoundOut,
    HealthCheck,
    HealthHistory,
    HealthOut,
    HealthPart,
    HealthTurn,
    TokenOut,
    WebhookHealth,
)
from api.showing import shown_checks
from api.webhook_keys import takes_deliveries
from domain.connector.commands import RecordTest, ResumeConnector
from domain.connector.decide import CONNECTOR, Connector, holds
from domain.connector.events import (
    ConnectorAdded,
    ConnectorTested,
    ConnectorTokenReplaced,
)
from domain.connector.permissions import needs_somebody
from domain.errors import Misconfigured
from domain.event import Recorded
from domain.ids import connector_stream
from domain.schedule.cron import Cron
from projections import health_history, schedule

PART = timedelta(minutes=30)
PARTS = 48  # a day
LONG = 16  # characters of a token that may show its last four
PERSON = ("auth_failed", "degraded")  # states that end by themselves never

router = APIRouter(prefix="/connectors", tags=["connectors"], route_class=LedgerRoute)


class NewToken(Body):
    api_token: Annotated[str, Field(min_length=1, max_length=4000)]


@router.get("/{connector_id}/health", response_model=HealthOut)
async def get_health(request: Request, connector_id: Number, _: Viewer, own: Own) -> object:
    """What runs and tests found last; the peer is not asked for it.

    `breaker` and `latency_ms` are what this process knows, which may be nothing yet. `needs`: who
    has to act so that it works again, a person or only time; then `next_try_at` is when it is
    asked next, as far as that is known. Neither peer tells when its token expires.
    """
    connector = await loaded(own, connector_id)
    row = await own.views.connector(connector_id)
    if row is None:
        raise Problem("not_found", "There is no such connector.")
    flow = own.peers.flow(connector)
    stream = connector_stream(connector.connector_id)
    past = await own.store.read_recorded(stream)
    events = [recorded.event for recorded in past]
    tests = [event for event in events if isinstance(event, ConnectorTested)]
    tested = tests[-1] if tests else None
    found = _found(past)
    needs = _needs(row.health, found)
    return HealthOut(
        state=row.health,
        message=row.health_message,
        checked_at=row.health_checked_at,
        latency_ms=None if flow.latency is None else round(flow.latency * 1000),
        peer_version=None if tested is None else tested.peer_version,
        checks=[] if tested is None else [_check(tested)],
        breaker=flow.breaker.value,
        webhook=await _webhook(request, own, connector),
        token=await _token(own, connector, past),
        found=found and _shown_findings(*found),
        needs=needs,
        next_try_at=await _next_try(own, flow.rest) if needs == "time" else None,
    )


@router.get("/{connector_id}/health/history", response_model=HealthHistory)
async def get_health_history(
    connector_id: Number, _: Viewer, own: Own, as_of: AsOf, then: Then
) -> object:
    """The worst state in each of the 48 half hours up to the present one, by the ledger.

    `turns` are the changes themselves, the first of them what it was before. Of a breaker the
    ledger knows the state `down` that came of it.
    """
    if await own.views.connector(connector_id, as_of=as_of) is None:
        raise Problem("not_found", "There is no such connector.")
    now = then or await instant_of(own, as_of)
    begin = _half_hour(now) - (PARTS - 1) * PART
    since = await own.store.position_at(begin)
    turns = await own.past.health(connector_id, since=since, as_of=as_of)
    return HealthHistory(
        connector_id=connector_id,
        parts=[
            HealthPart.model_validate(
                {"from": p.begin, "to": p.end, "state": p.state, "message": p.message}
            )
            for p in health_history.parts(turns, begin=begin, step=PART, count=PARTS)
        ],
        turns=[HealthTurn(at=turn.at, state=turn.state, message=turn.message) for turn in turns],
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
    now = await changed(own, commands, connector, patch, expected)
    stream = connector_stream(connector.connector_id)
    tested = RecordTest(
        valid=True,
        message=verdict.message,
        peer_version=verdict.peer_version,
        access=now,
        found=findings(verdict),
    )
    await commands.run(CONNECTOR, stream, tested, holds)  # resumes it, with the same token too
    own.peers.flow(connector).clear()
    return await shown(own, connector_id)


async def _webhook(request: Request, own: Services, connector: Connector) -> WebhookHealth | None:
    """Where Zammad is to send its deliveries, and whether they are taken."""
    if connector.kind != "zammad":
        return None
    return WebhookHealth(
        url=own.webhook_url(request),
        enabled=takes_deliveries(connector),
        last_delivery_at=await own.deliveries.last_of(connector.connector_id),
    )


def _half_hour(now: datetime) -> datetime:
    """The beginning of the half hour that it lies in."""
    return now - timedelta(
        minutes=now.minute % 30, seconds=now.second, microseconds=now.microsecond
    )


Found = tuple[datetime, ConnectorTested]


def _found(past: Sequence[Recorded[Any]]) -> Found | None:
    """The newest test that tells of the token in use."""
    for recorded in reversed(past):
        match recorded.event:
            case ConnectorTested(found=found) if found is not None:
                return recorded.recorded_at, recorded.event
            case ConnectorTokenReplaced():
                return None
            case _:
                pass
    return None


def _shown_findings(at: datetime, tested: ConnectorTested) -> FoundOut | None:
    found = tested.found
    return (
        None
        if found is None
        else FoundOut(
            at=at,
            peer_version=tested.peer_version,
            roles=list(found.roles),
            tracking_mode=found.tracking_mode,
            time_unit_declared=found.time_unit_declared,
            checks=shown_checks(found.permissions),
        )
    )


def _needs(health: str, found: Found | None) -> Literal["person", "time"] | None:
    if health in PERSON:
        return "person"
    if health == "down":
        return "time"
    permissions = found[1].found if found else None
    return "person" if permissions and needs_somebody(permissions.permissions) else None


async def _next_try(own: Services, rest: float) -> datetime | None:
    """When the peer is asked next by itself: after its pause, or by the schedule."""
    now = own.clock.now()
    if rest > 0:
        return now + timedelta(seconds=rest)
    row = await own.views.one(schedule.PROJECTION, schedule.THE_ONE)
    if row is None or not row.enabled:
        return None
    return next(Cron(row.cron).following(now, row.timezone))


async def _token(own: Services, connector: Connector, past: Iterable[Recorded[Any]]) -> TokenOut:
    since = max(
        recorded.recorded_at
        for recorded in past
        if isinstance(recorded.event, ConnectorAdded | ConnectorTokenReplaced)
    )
    try:
        token = await own.token_of(connector)
    except Misconfigured:  # no key opens it: the state of the connector tells
        token = ""
    return TokenOut(last_four=token[-4:] if len(token) >= LONG else None, since=since)


def _check(tested: ConnectorTested) -> HealthCheck:
    return HealthCheck(name="connection", ok=tested.valid, message=tested.message)

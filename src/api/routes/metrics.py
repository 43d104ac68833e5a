"""Figures for Prometheus: contract, section 15."""

import asyncio
import hmac
from datetime import UTC

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from api.identity import Own
from api.metrics import Backlog, Breaker, Observed
from api.problems import Problem
from api.routes.system import AWAY, PATIENCE
from api.services import Services

router = APIRouter(tags=["system"])


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={
        200: {"content": {"text/plain": {"example": 'timeledger_entries{state="synced"} 9'}}},
        401: {},
    },
)
async def metrics(request: Request, own: Own) -> Response:
    """Prometheus text; with `metrics_token` set, for its bearer only, else 401."""
    _let_in(request, own)
    try:
        async with asyncio.timeout(PATIENCE):
            observed = await _observed(own)
    except (TimeoutError, *AWAY):
        observed = None  # what this process counts itself is told all the same
    breakers = [
        Breaker(connector=str(number), state=flow.breaker) for number, flow in own.peers.flows()
    ]
    listeners = request.app.state.hub.listeners
    text = own.metrics.exposed(observed, breakers, listeners=listeners)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


def _let_in(request: Request, own: Services) -> None:
    """Raises Problem `not_authenticated`; how long that takes says nothing of the token."""
    token = own.settings.metrics_token
    if token is None:
        return
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    right = token.get_secret_value().encode()
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), right):
        raise Problem("not_authenticated", "Send the metrics token as bearer.")


async def _observed(own: Services) -> Observed:
    sums = await own.kpi.sums()
    now = own.clock.now().astimezone(UTC)
    waits = sums.oldest_pending
    return Observed(
        entries=sums.entries,
        runs=sums.runs,
        writes=sums.writes,
        deliveries=sums.deliveries,
        backlog=[
            Backlog(view=view.name, lag=view.lag, stopped=view.failed_at is not None)
            for view in await own.projections.status()
        ],
        queue=sums.queue,
        lag_seconds=0.0 if waits is None else max(0.0, (now - waits).total_seconds()),
        head=await own.store.head(),
    )

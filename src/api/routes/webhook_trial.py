"""A signed test delivery through the real door."""

import json
import secrets
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field

from adapters.own_door import knock
from api.bodies import Answer, Body
from api.identity import Operator, Own
from api.inputs import BIGGEST, Expected, Number
from api.problems import Problem
from api.routes.connectors import loaded
from api.routes.webhook import DELIVERY_ID, PATH, SIGNATURE, TRIGGER
from api.routing import LedgerRoute
from domain.connector.decide import require_revision
from domain.delivery.signature import signature

NAME = "Timeledger test"  # as the trigger, so that lists tell it from others

router = APIRouter(prefix="/connectors", tags=["connectors"], route_class=LedgerRoute)


class TestWish(Body):
    """`ticket_id`: the ticket to look at; without it the one that was booked on last."""

    ticket_id: Annotated[int, Field(ge=1, le=BIGGEST)] | None = None


class TestDelivered(Answer):
    """`status` is the HTTP status of the door, null when nobody answered there."""

    ok: bool
    status: int | None
    code: str | None
    message: str
    url: str
    delivery_id: str
    ticket_id: int
    duration_ms: int


@router.post("/{connector_id}/webhook/test", response_model=TestDelivered)
async def try_webhook(
    request: Request,
    connector_id: Number,
    _: Operator,
    own: Own,
    expected: Expected,
    body: TestWish | None = None,
) -> object:
    """Send this service a delivery as Zammad would, signed with the secret in use.

    It comes in by the address that the service listens on, so it says nothing of what is between
    Zammad and here. The ticket is looked at as after any delivery. 503 `webhook_disabled` without
    secret; 422 when no ticket is known and none was given.
    """
    connector = await loaded(own, connector_id)
    require_revision(connector, expected)
    keys = await own.webhook_keys.get(within=0)
    if keys is None or keys.connector_id != connector.connector_id:
        text = "It is no active Zammad connector with a webhook secret, so nothing is delivered."
        raise Problem("webhook_disabled", text)
    ticket_id = body.ticket_id if body else None
    if ticket_id is None:
        ticket_id = await own.deliveries.newest_ticket()
    if ticket_id is None:
        item = {"loc": ["body", "ticket_id"], "msg": "Field required", "type": "missing"}
        text = "Give a ticket_id: no ticket is known yet."
        raise Problem("validation", text, errors=[item])
    sent = json.dumps({"ticket": {"id": ticket_id}}).encode()
    delivery_id = f"test-{secrets.token_hex(16)}"
    url = f"{_listening(request)}{PATH}"
    headers = {
        "Content-Type": "application/json",
        SIGNATURE: signature(keys.current, sent),
        DELIVERY_ID: delivery_id,
        TRIGGER: NAME,
    }
    came = await knock(url, sent, headers)
    ok = came.status == ACCEPTED
    return TestDelivered(
        ok=ok,
        status=came.status,
        code=came.answer.get("code"),
        message="It was accepted." if ok else str(came.answer.get("detail", "")),
        url=url,
        delivery_id=delivery_id,
        ticket_id=ticket_id,
        duration_ms=round(came.seconds * 1000),
    )


ACCEPTED = 202


def _listening(request: Request) -> str:
    """Where this very request came in, whatever is in front of it."""
    host, port = request.scope.get("server") or ("", None)
    if port is None:
        raise Problem("peer_unavailable", "The service does not listen on a TCP port.")
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

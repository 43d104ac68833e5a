"""Webhook deliveries of Zammad: contract, section 11."""

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse, Response

from api.as_of import AsOf, Then, instant_of
from api.cursors import decoded, encoded
from api.identity import Operator, Own, RequestCommands, Viewer
from api.inputs import BIGGEST
from api.problems import Problem
from api.routing import LedgerRoute, refuse_unknown
from api.services import services
from api.shapes import DeliveryAccepted, DeliveryKnown, DeliveryPage, DeliveryReplay
from api.webhook_intake import Arrival, WebhookIntake
from domain.delivery.commands import RequestReplay
from domain.delivery.decide import DELIVERY
from domain.ids import delivery_stream
from projections import deliveries

CURSOR = "deliveries"
A_DAY = timedelta(days=1)
PATH = "/api/v1/webhook/zammad"
ALIASES = ("/api/webhook/zammad", "/api/v1/webhook/webhook/zammad")  # of the earlier project
SIGNATURE, DELIVERY_ID, TRIGGER = "x-hub-signature", "x-zammad-delivery", "x-zammad-trigger"
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object", "title": "Zammad's payload"},
                "example": {"ticket": {"id": 50}, "article": {"id": 89}},
            }
        },
    }
}

router = APIRouter(prefix="/webhook", tags=["webhook"], route_class=LedgerRoute)
door = APIRouter(tags=["webhook"])  # answers once the delivery is durable, not once it is shown


@door.post(
    PATH,
    status_code=202,
    response_model=DeliveryAccepted,
    responses={200: {"model": DeliveryKnown, "description": "Known already"}, 403: {}},
    openapi_extra=BODY,
)
async def receive_delivery(request: Request) -> Response:
    """Take Zammad's word that something happened to a ticket; signed, without login.

    503 `webhook_disabled`, 403 `bad_signature`, 400 `malformed_json` or `bad_payload`.
    """
    refuse_unknown(request)
    own = services(request)
    intake: WebhookIntake = request.app.state.webhook_intake
    headers = request.headers
    taken = await intake.take(
        Arrival(
            body=await request.body(),
            signature=headers.get(SIGNATURE),
            delivery=headers.get(DELIVERY_ID),
            trigger=headers.get(TRIGGER),
            address=own.proxies.address(request),
            request_id=request.state.request_id,
        )
    )
    status, code = ("duplicate", 200) if taken.duplicate else ("accepted", 202)
    position = taken.position or await own.store.head()
    return JSONResponse(
        {"status": status, "delivery_id": taken.delivery_id},
        status_code=code,
        headers={"X-Event-Position": str(position)},
    )


for alias in ALIASES:
    door.add_api_route(alias, receive_delivery, methods=["POST"], include_in_schema=False)


@router.get("/deliveries", response_model=DeliveryPage)
async def list_deliveries(
    _: Viewer,
    own: Own,
    as_of: AsOf,
    then: Then,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    status: Literal["received", "processed", "failed", "rejected"] | None = None,
    ticket_id: Annotated[int | None, Query(ge=0, le=BIGGEST)] = None,
) -> object:
    """What Zammad announced and what became of it, the newest first.

    `received`: a look at the ticket is still to come, also after one that failed. `attempts` are
    looks that ended, `duplicates` repetitions of the same delivery (at most ten are counted).
    """
    before = int(decoded(CURSOR, cursor, own.secret)) if cursor else None
    rows = await own.deliveries.page(
        status=status, ticket_id=ticket_id, before=before, limit=limit + 1, as_of=as_of
    )
    page = rows[:limit]
    more = len(rows) > limit
    now = then or await instant_of(own, as_of)
    since = await own.store.position_at(now - A_DAY)
    return {
        "last_day": await own.deliveries.counts(since, as_of=as_of),
        "items": [deliveries.shown(row) for row in page],
        "next_cursor": encoded(CURSOR, page[-1].receipt, own.secret) if more else None,
    }


@router.post(
    "/deliveries/{delivery_id:path}/replay", status_code=202, response_model=DeliveryReplay
)
async def replay_delivery(
    delivery_id: Annotated[str, Path(max_length=200)],
    _: Operator,
    commands: RequestCommands,
) -> object:
    """Look at its ticket once more, in the background; 409 `entry_state` for a rejected one."""
    receipt = await commands.receipt_of(delivery_id)
    if receipt is None:
        raise Problem("not_found", "There is no such delivery.")
    await commands.run(DELIVERY, delivery_stream(delivery_id), RequestReplay(receipt=receipt))
    return DeliveryReplay(delivery_id=delivery_id, status="received")

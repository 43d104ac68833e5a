"""What mappings are used for, and what another one would set free: design, section 5."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query

from adapters.postgres.suggestions import Waiting
from api.as_of import AsOf, Then, instant_of
from api.bodies import Answer
from api.identity import Own, Viewer
from api.mapping_bodies import NewMapping, NewProjectMapping, NewUserMapping
from api.routing import LedgerRoute
from api.services import Services
from api.shapes import Number
from domain.connector.identity import known_as
from projections import usage_totals
from projections.numbers import json_number

MOST = 1_000
MOST_WAITING = 500
NOTHING = Decimal(0)

Source = tuple[str, int | None, str | None]  # kind, id, and of organizations the name

router = APIRouter(prefix="/mappings", tags=["mappings"], route_class=LedgerRoute)


class UsageOut(Answer):
    """Of one source in Zammad; organizations go by `name`, the others by `source_id`.

    `waiting_*`: bookings, of whatever day, that wait for a mapping of just this source.
    """

    kind: Literal["type", "user", "customer", "organization"]
    source_id: int | None
    name: str | None
    entries: int
    minutes: Number
    waiting_entries: int
    waiting_minutes: Number


class UsagePage(Answer):
    days: int
    items: list[UsageOut]


class MappingPreviewOut(Answer):
    """How many bookings wait for just this mapping and would go on with it."""

    entries: int
    minutes: Number


KIND_OF = {
    usage_totals.TYPE: "activities",
    usage_totals.PERSON: "users",
    usage_totals.CUSTOMER: "projects",
    usage_totals.ORGANIZATION: "projects",
}


@router.get("/usage", response_model=UsagePage)
async def get_usage(
    _: Viewer,
    own: Own,
    as_of: AsOf,
    then: Then,
    days: Annotated[int, Query(ge=1, le=366)] = 30,
    kind: Literal["activities", "users", "projects"] | None = None,
) -> object:
    """Bookings by type, person, customer and organization of the last days, by work date.

    Those that most wait for come first. Bookings that are gone in Zammad do not count. At most
    1000 sources; those of groups are not known.
    """
    now = then or await instant_of(own, as_of)
    today = now.astimezone(ZoneInfo(own.settings.display_timezone)).date()
    first = max(1, (today.toordinal() - days + 1))
    parts = await own.suggestions.usage(first, today.toordinal(), as_of=as_of)
    found = {
        (each.kind, each.source_id, each.name): _shown(
            (each.kind, each.source_id, each.name), each.entries, each.minutes
        )
        for each in usage_totals.usage(parts)
    }
    for source, waits in (await _waiting(own, as_of)).items():
        at = found.setdefault(source, _shown(source, 0, NOTHING))
        at.name = waits.name or at.name
        at.waiting_entries, at.waiting_minutes = waits.entries, json_number(waits.minutes) or 0
    items = [each for each in found.values() if kind in (None, KIND_OF[each.kind])]
    items.sort(key=lambda each: (-each.waiting_entries, -each.entries, each.kind, str(each)))
    return UsagePage(days=days, items=items[:MOST])


@router.post("/preview", response_model=MappingPreviewOut)
async def preview_mapping(body: NewMapping, _: Viewer, own: Own) -> object:
    """What saving this mapping would set free; nothing is saved."""
    source = (usage_totals.TYPE, body.zammad_type_id, None)
    return await _preview(own, source, is_active=body.is_active)


@router.post("/users/preview", response_model=MappingPreviewOut)
async def preview_user_mapping(body: NewUserMapping, _: Viewer, own: Own) -> object:
    """The same for a person; without id it is for everyone who waits."""
    if body.zammad_user_id is None and body.is_active:
        waiting = await _waiting(own, None)
        of_people = [waits for source, waits in waiting.items() if source[0] == usage_totals.PERSON]
        return MappingPreviewOut(
            entries=sum(each.entries for each in of_people),
            minutes=json_number(sum((each.minutes for each in of_people), start=NOTHING)),
        )
    return await _preview(
        own, (usage_totals.PERSON, body.zammad_user_id, None), is_active=body.is_active
    )


@router.post("/projects/preview", response_model=MappingPreviewOut)
async def preview_project_mapping(body: NewProjectMapping, _: Viewer, own: Own) -> object:
    """The same for a customer, or an organization by its name; of groups it is not known (0)."""
    by_name = body.source_kind == "organization"
    source = (
        body.source_kind,
        None if by_name else body.source_id,
        body.source_name if by_name else None,
    )
    return await _preview(own, source, is_active=body.is_active)


async def _preview(own: Services, source: Source, *, is_active: bool) -> MappingPreviewOut:
    waits = (await _waiting(own, None)).get(source) if is_active else None
    if waits is None:
        return MappingPreviewOut(entries=0, minutes=0)
    return MappingPreviewOut(entries=waits.entries, minutes=json_number(waits.minutes))


def _shown(source: Source, entries: int, minutes: Decimal) -> UsageOut:
    kind, source_id, name = source
    return UsageOut(
        kind=kind,
        source_id=source_id,
        name=name,
        entries=entries,
        minutes=json_number(minutes),
        waiting_entries=0,
        waiting_minutes=0,
    )


async def _waiting(own: Services, as_of: int | None) -> Mapping[Source, Waiting]:
    """Who waits for a mapping, of the Zammad that is read now."""
    connectors = await own.connectors()
    active = [each for each in connectors if each.is_active and each.kind == "zammad"]
    if not active:
        return {}
    known = known_as(active[0], connectors)
    found: dict[Source, Waiting] = {}
    for kind in ("activities", "users", "projects"):
        for each in await own.suggestions.waiting(kind, known, limit=MOST_WAITING, as_of=as_of):
            found[_source(kind, each)] = each
    return found


def _source(kind: str, waiting: Waiting) -> Source:
    if kind == "activities":
        return usage_totals.TYPE, waiting.source_id, None
    if kind == "users":
        return usage_totals.PERSON, waiting.source_id, None
    if waiting.customer_id is not None:
        return usage_totals.CUSTOMER, waiting.customer_id, None
    return usage_totals.ORGANIZATION, None, waiting.name

"""What the connected systems list now, for people who map: contract, section 4."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from api.choice_shapes import ActivityChoice, CustomerChoice, ProjectChoice, UserChoice
from api.identity import Own, Viewer
from api.inputs import Number
from api.peer_lists import Noun, offered_activities
from api.routes.connectors import loaded
from api.routing import LedgerRoute
from api.services import Services
from domain.connector.decide import Connector
from domain.ports.choices import Choice

MOST = 5000

router = APIRouter(prefix="/connectors", tags=["connectors"], route_class=LedgerRoute)


@dataclass(frozen=True)
class Wish:
    """Which of a list. `q` is looked for in names, in any case; `refresh` asks the peer now."""

    include_inactive: bool = False
    q: Annotated[str | None, Query(max_length=200)] = None
    limit: Annotated[int, Query(ge=1, le=MOST)] = MOST
    refresh: bool = False

    def of(self, choices: Sequence[Choice]) -> Sequence[Choice]:
        """Those wanted, however many."""
        needle = (self.q or "").casefold()
        return [
            choice
            for choice in choices
            if (choice.active or self.include_inactive)
            and any(needle in (text or "").casefold() for text in _named(choice))
        ]


Wanted = Annotated[Wish, Depends()]


@router.get("/{connector_id}/activities", response_model=list[ActivityChoice])
async def list_activities(
    connector_id: Number, _: Viewer, own: Own, wish: Wanted, response: Response
) -> object:
    """Activities that may be mapped to, or Zammad's activity types.

    With `use_global_activities` the global ones; else those that the default project takes, or
    all when there is none.
    """
    connector = await loaded(own, connector_id)
    rows = await _asked(own, connector, "activities", wish, response)
    return [
        ActivityChoice(
            id=row.item_id,
            name=row.name,
            project_id=row.parent_id,
            is_global=row.parent_id is None,
            active=row.active,
        )
        for row in rows
    ]


@router.get("/{connector_id}/projects", response_model=list[ProjectChoice])
async def list_projects(
    connector_id: Number, _: Viewer, own: Own, wish: Wanted, response: Response
) -> object:
    """Projects with their customers, or Zammad's groups."""
    connector = await loaded(own, connector_id)
    return [
        ProjectChoice(
            id=row.item_id,
            name=row.name,
            active=row.active,
            customer_id=row.parent_id,
            customer_name=row.parent_name,
        )
        for row in await _asked(own, connector, "projects", wish, response)
    ]


@router.get("/{connector_id}/customers", response_model=list[CustomerChoice])
async def list_customers(
    connector_id: Number, _: Viewer, own: Own, wish: Wanted, response: Response
) -> object:
    """Customers, or Zammad's organizations."""
    connector = await loaded(own, connector_id)
    return [
        CustomerChoice(id=row.item_id, name=row.name, active=row.active)
        for row in await _asked(own, connector, "customers", wish, response)
    ]


@router.get("/{connector_id}/users", response_model=list[UserChoice])
async def list_peer_users(
    connector_id: Number, _: Viewer, own: Own, wish: Wanted, response: Response
) -> object:
    """Users; of Zammad those who are not only customers. `q` also finds addresses and logins."""
    connector = await loaded(own, connector_id)
    return [
        UserChoice(
            id=row.item_id,
            name=row.name,
            active=row.active,
            email=row.email,
            username=row.username,
        )
        for row in await _asked(own, connector, "users", wish, response)
    ]


async def _asked(
    own: Services, connector: Connector, noun: Noun, wish: Wish, response: Response
) -> Sequence[Choice]:
    """The wanted part of a list; the header counts all that the filters let through."""
    token = await own.token_of(connector)
    if noun == "activities":
        rows = await offered_activities(own.lists, connector, token, refresh=wish.refresh)
    else:
        rows = await own.lists.get(connector, token, noun, refresh=wish.refresh)
    found = wish.of(rows)
    response.headers["X-Total-Count"] = str(len(found))
    return found[: wish.limit]


def _named(choice: Choice) -> Sequence[str | None]:
    return choice.name, choice.email, choice.username

"""Kimai's activities, projects, customers and users as the port `Choices`.

Source: `peers/kimai.md`, 3: these lists come whole, without pages; hidden, ended and future ones
only when asked for.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TypeVar

from adapters.kimai import wire
from adapters.peer_http import PeerHttp
from adapters.peer_verdicts import Verdict
from adapters.peer_wire import WireModel, parsed_all
from domain.ports.choices import Choice

ALL = {"visible": 3}  # hidden ones, too

M = TypeVar("M", bound=WireModel)


class KimaiChoices:
    """See the port."""

    def __init__(self, http: PeerHttp) -> None:
        self._http = http

    async def activities(self, project_id: int | None = None) -> Sequence[Choice]:
        """Those of a project come with the global ones, unless the project forbids these."""
        if project_id is None:
            return [_activity(row) for row in await self._all("activities", wire.Activity)]
        rows = await self._all("activities", wire.Activity, {"project": project_id})
        # Kimai drops the filter for a project that it does not know.
        return [_activity(row) for row in rows if row.project in (None, project_id)]

    async def projects(self) -> Sequence[Choice]:
        """A project whose customer is hidden is hidden, too."""
        projects, customers = await asyncio.gather(
            self._all("projects", wire.Project, {"ignoreDates": 1}),
            self._all("customers", wire.Customer),
        )
        known = {row.id: row for row in customers}
        return [_project(row, known.get(row.customer)) for row in projects]

    async def customers(self) -> Sequence[Choice]:
        return [
            Choice(item_id=row.id, name=row.name, active=row.visible)
            for row in await self._all("customers", wire.Customer)
        ]

    async def users(self) -> Sequence[Choice]:
        """Needs `view_user`, which by default super administrators alone have."""
        return [
            Choice(
                item_id=row.id,
                name=row.alias or row.username,
                active=row.enabled,
                email=row.email,
                username=row.username,
            )
            for row in await self._all("users", wire.ListedUser)
        ]

    async def _all(
        self, noun: str, model: type[M], more: Mapping[str, int] | None = None
    ) -> Sequence[M]:
        path = f"api/{noun}"
        answer = await self._http.read(path, {**ALL, **(more or {})}, denied=Verdict.REJECTED)
        return parsed_all("kimai", path, model, answer.data)


def _activity(row: wire.Activity) -> Choice:
    return Choice(item_id=row.id, name=row.name, active=row.visible, parent_id=row.project)


def _project(row: wire.Project, customer: wire.Customer | None) -> Choice:
    return Choice(
        item_id=row.id,
        name=row.name,
        active=row.visible and (customer is None or customer.visible),
        parent_id=row.customer,
        parent_name=None if customer is None else customer.name,
    )

"""What things are called in the connected systems, for whoever maps by id."""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog

from adapters.zammad.client import ZammadTickets
from api.peers import A_PERSON_WAITS
from api.services import Services
from domain.errors import ExternalSystemError

log = structlog.get_logger(__name__)


class PeerNames:
    """Asks the active connectors; a name that cannot be had stays empty, it is only a label."""

    def __init__(self, own: Services) -> None:
        self._own = own

    async def of(self, fields: Sequence[str], values: dict[str, Any]) -> dict[str, str]:
        """Those of the name fields whose name could be found."""
        zammad = [name for name in fields if name.startswith(("zammad_", "source_"))]
        kimai = [name for name in fields if name.startswith("kimai_")]
        found = await asyncio.gather(self._zammad(zammad, values), self._kimai(kimai, values))
        return {**found[0], **found[1]}

    async def _zammad(self, fields: Sequence[str], values: dict[str, Any]) -> dict[str, str]:
        access = await self._access("zammad") if fields else None
        if access is None:
            return {}
        try:
            async with self._own.peers.zammad(*access, patience=A_PERSON_WAITS) as client:
                if "source_name" in fields:
                    name = await _source_name(client, values["source_kind"], values["source_id"])
                    return {"source_name": name} if name else {}
                if "zammad_type_name" in fields:
                    known = (await client.types()).get(values["zammad_type_id"])
                    return {"zammad_type_name": known.name} if known else {}
                user_id = values["zammad_user_id"]
                person = (await client.people([user_id])).get(user_id) if user_id else None
                if person is None:
                    return {}
                told = {"zammad_user_name": person.name, "zammad_user_email": person.email}
                return {name: told[name] for name in fields}
        except ExternalSystemError as error:
            log.info("names_unknown", system="zammad", error=type(error).__name__)
            return {}

    async def _kimai(self, fields: Sequence[str], values: dict[str, Any]) -> dict[str, str]:
        access = await self._access("kimai") if fields else None
        if access is None:
            return {}
        try:
            async with self._own.peers.kimai(*access, patience=A_PERSON_WAITS) as client:
                (name,) = fields
                activity = name == "kimai_activity_name"
                items = await (client.activities() if activity else client.users())
                wanted = values["kimai_activity_id" if activity else "kimai_user_id"]
                known = [item.name for item in items if item.item_id == wanted]
                return {name: known[0]} if known else {}
        except ExternalSystemError as error:
            log.info("names_unknown", system="kimai", error=type(error).__name__)
            return {}

    async def _access(self, kind: str) -> tuple[str, str] | None:
        """Address and token of the active connector of that kind."""
        for connector in await self._own.active_connectors():
            if connector.kind == kind:
                return connector.base_url, await self._own.token_of(connector)
        return None


async def _source_name(client: ZammadTickets, kind: str, source_id: int) -> str | None:
    """What a project mapping is of: a customer is a person, the others are listed."""
    if kind == "customer":
        person = (await client.people([source_id])).get(source_id)
        return None if person is None else person.name
    organization = kind == "organization"
    listed = await (client.choices.customers() if organization else client.choices.projects())
    return next((row.name for row in listed if row.item_id == source_id), None)

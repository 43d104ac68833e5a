"""Zammad's types, groups, organizations and support users as the port `Choices`.

Source: `peers/zammad.md`, 1.2 (who may list what), 4.2 (pages) and 4.4.
"""

from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

from adapters.peer_http import Params
from adapters.peer_wire import WireModel, parsed_all
from adapters.zammad import wire
from adapters.zammad.reads import ZammadReads
from domain.errors import Rejected, Unavailable
from domain.ports.choices import Choice

PAGE = 1000  # Zammad's cap for these lists; more is cut silently
MOST_PAGES = 100  # 100 000 records; a list that is longer, or repeats itself, is an error
SILENT_CAPS = 50  # a cap nobody documented would still be a multiple of this
CUSTOMER = 3  # the role that a fresh Zammad gives to customers; whoever has another one supports
NOBODY = "-"  # login of user 1, who stands for "no owner"
_BY_ID: Params = {"sort_by": "id", "order_by": "asc", "per_page": PAGE}

M = TypeVar("M", bound=WireModel)


class ZammadChoices:
    """See the port."""

    def __init__(self, reads: ZammadReads) -> None:
        self._reads = reads

    async def activities(self, project_id: int | None = None) -> Sequence[Choice]:
        """Activity types; needs `admin.time_accounting`. Zammad knows no projects."""
        del project_id
        return await self._named("time_accounting/types")

    async def projects(self) -> Sequence[Choice]:
        """Groups; needs `admin.group`."""
        return await self._named("groups")

    async def customers(self) -> Sequence[Choice]:
        """Organizations; needs `ticket.agent` or `admin.organization`."""
        return await self._named("organizations")

    async def users(self) -> Sequence[Choice]:
        """Needs `ticket.agent` or `admin.user`: others are shown themselves alone."""
        found = dict[int, Choice]()
        async for page in self._pages("users", wire.ListedUser):
            for user in page:
                if user.login != NOBODY and set(user.role_ids) - {CUSTOMER}:
                    found[user.id] = user.choice()
        return list(found.values())

    async def _named(self, path: str) -> Sequence[Choice]:
        found = dict[int, Choice]()
        async for page in self._pages(path, wire.ListedName):
            found.update((row.id, row.choice()) for row in page)
        return list(found.values())

    async def _pages(self, path: str, model: type[M]) -> AsyncIterator[Sequence[M]]:
        """All pages; a short one is the last, unless its length looks like a cap."""
        for page in range(1, MOST_PAGES + 1):
            answer = await self._reads.find(path, {**_BY_ID, "page": page})
            if answer is None:
                raise Rejected(wire.SYSTEM, f"{path}: 404, no such call here", status=404)
            rows = parsed_all(wire.SYSTEM, path, model, answer.data)
            yield rows
            if not rows or len(rows) % SILENT_CAPS:
                return
        raise Unavailable(wire.SYSTEM, f"{path}: more than {MOST_PAGES} pages")

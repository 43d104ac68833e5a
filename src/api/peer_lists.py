"""What the connected systems list now, for people who map: asked live, kept for a minute.

Kept per connector and only in this process; a list that was read with another address or token
is never shown again.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from weakref import WeakValueDictionary

from api.peers import A_PERSON_WAITS, Peers
from api.problems import Problem
from domain.connector.decide import Connector, paused_text
from domain.connector.settings import kimai_settings
from domain.errors import Rejected
from domain.ports.choices import Choice, Choices

KEPT = 60.0  # seconds
MOST_KEPT = 64  # lists; whoever has more connectors asks more often
LONGEST = 25.0  # seconds for a list of many pages; a person waits

Noun = Literal["activities", "projects", "customers", "users"]
Stamp: TypeAlias = tuple[str, str]  # address and fingerprint of the token it was read with
Key: TypeAlias = tuple[int, Noun, int | None]  # connector, what, project of activities

NEEDS = {  # what the token lacks, when a list is not open to it
    ("zammad", "activities"): "activity types: it lacks admin.time_accounting",
    ("zammad", "projects"): "groups: it lacks admin.group",
    ("zammad", "customers"): "organizations: it lacks ticket.agent",
    ("zammad", "users"): "users: it lacks ticket.agent",
    ("kimai", "users"): "users: it lacks view_user",
}


@dataclass
class _Kept:
    stamp: Stamp
    read_at: float  # seconds, of the monotonic clock
    rows: Sequence[Choice]


@dataclass
class PeerLists:
    """Lists by connector; `now` counts seconds and never goes back."""

    peers: Peers
    now: Callable[[], float] = time.monotonic
    _kept: OrderedDict[Key, _Kept] = field(default_factory=OrderedDict)
    # alive as long as somebody holds the turn or waits for it
    _turns: WeakValueDictionary[Key, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    async def get(
        self,
        connector: Connector,
        token: str,
        noun: Noun,
        *,
        project_id: int | None = None,
        refresh: bool = False,
    ) -> Sequence[Choice]:
        """The list by name. `refresh` asks the peer whatever is kept.

        Raises:
            Problem: 502, when the peer does not give it; the connector is paused.
            LedgerError: what the client raises.
        """
        if connector.is_paused:  # its token is not sent any more
            raise Problem("peer_auth_failed", paused_text(connector))
        key: Key = (connector.connector_id, noun, project_id)
        asked_at = self.now()
        turn = self._turns.setdefault(key, asyncio.Lock())
        async with turn:
            stamp = (connector.base_url, connector.token_fingerprint)
            kept = self._usable(key, stamp)
            # who waited for the turn is answered with what came meanwhile
            if kept is None or (refresh and kept.read_at < asked_at):
                read_at = self.now()
                rows = await self._asked(connector, token, noun, project_id)
                kept = _Kept(stamp, read_at, sorted(rows, key=_by_name))
                self._keep(key, kept)
        return kept.rows

    def _usable(self, key: Key, stamp: Stamp) -> _Kept | None:
        """What is kept and still holds; what was read by another way in is dropped at once."""
        mine = [each for each in self._kept if each[0] == key[0]]
        for each in mine:
            if self._kept[each].stamp != stamp:
                del self._kept[each]
        kept = self._kept.get(key)
        if kept is None or self.now() - kept.read_at > KEPT:
            self._kept.pop(key, None)
            return None
        return kept

    def _keep(self, key: Key, kept: _Kept) -> None:
        self._kept[key] = kept
        self._kept.move_to_end(key)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)

    async def _asked(
        self, connector: Connector, token: str, noun: Noun, project_id: int | None
    ) -> Sequence[Choice]:
        opened = self.peers.zammad if connector.kind == "zammad" else self.peers.kimai
        try:
            async with (
                asyncio.timeout(LONGEST),
                opened(connector.base_url, token, patience=A_PERSON_WAITS) as client,
            ):
                return await _listed(client.choices, noun, project_id)
        except TimeoutError:
            name = connector.kind.capitalize()
            raise Problem("peer_unavailable", f"{name} takes too long to list {noun}.") from None
        except Rejected as error:
            what = NEEDS.get((connector.kind, noun))
            if error.status != 403 or what is None:  # noqa: PLR2004 - HTTP
                raise
            text = f"{connector.kind.capitalize()} does not let this token list {what}."
            raise Problem("peer_rejected", text) from error


async def offered_activities(
    lists: PeerLists, connector: Connector, token: str, *, refresh: bool = False
) -> Sequence[Choice]:
    """The activities that a Kimai connector's settings let people map to, or Zammad's types.

    Global ones; or else those that the default project takes, or all when there is none.
    """
    if connector.kind != "kimai":
        return await lists.get(connector, token, "activities", refresh=refresh)
    settings = kimai_settings(connector.settings)
    only_global = settings.use_global_activities
    project_id = None if only_global else settings.default_project_id
    rows = await lists.get(connector, token, "activities", project_id=project_id, refresh=refresh)
    return [row for row in rows if row.parent_id is None or not only_global]


async def _listed(choices: Choices, noun: Noun, project_id: int | None) -> Sequence[Choice]:
    match noun:
        case "activities":
            return await choices.activities(project_id)
        case "projects":
            return await choices.projects()
        case "customers":
            return await choices.customers()
        case "users":
            return await choices.users()


def _by_name(choice: Choice) -> tuple[str, int]:
    return choice.name.casefold(), choice.item_id

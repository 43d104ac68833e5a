"""The two ways a search runs: SQL, or Elasticsearch with its lag, window and outages.

Source: peers/zammad.md §4.3.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from adapters.sandbox.zammad import views
from adapters.sandbox.zammad.records import Ticket
from adapters.sandbox.zammad.store import Store

WINDOW = 10_000  # page * per_page beyond it is an Elasticsearch error: an empty answer
Document = Mapping[str, Any]


@dataclass
class SearchIndex:
    """An index that follows the tickets with a lag, and can be out of order."""

    lag: timedelta = timedelta()
    outage: bool = False

    def __post_init__(self) -> None:
        self._seen: dict[int, Ticket] = {}
        self._coming: deque[tuple[datetime, int, Ticket | None]] = deque()
        self._last: dict[int, Ticket] = {}

    def rebuild(self, store: Store) -> None:
        """Index everything as it is now."""
        self._coming.clear()
        self._seen = dict(store.tickets.rows)
        self._last = dict(self._seen)

    def note(self, store: Store) -> None:
        """Queue what changed since the last note; visible after the lag."""
        due = store.now() + self.lag
        rows = store.tickets.rows
        for ticket_id, ticket in rows.items():
            if self._last.get(ticket_id) is not ticket:
                self._coming.append((due, ticket_id, ticket))
        for ticket_id in self._last.keys() - rows.keys():
            self._coming.append((due, ticket_id, None))
        self._last = dict(rows)

    def tickets(self, store: Store) -> list[Ticket]:
        """The tickets as the index knows them."""
        now = store.now()
        while self._coming and self._coming[0][0] <= now:
            _, ticket_id, ticket = self._coming.popleft()
            if ticket is None:
                self._seen.pop(ticket_id, None)
            else:
                self._seen[ticket_id] = ticket
        return list(self._seen.values())


def ticket_document(store: Store, ticket: Ticket) -> Document:
    """What is indexed of a ticket."""
    shown = views.ticket_names(store, ticket)
    document = dict(shown)
    for name in ("state", "priority", "group", "organization"):
        document[f"{name}.name"] = shown.get(name)
    for role in ("owner", "customer"):
        user = store.users.get(shown[f"{role}_id"])
        if user is not None:
            document |= {f"{role}.login": user.login, f"{role}.email": user.email}
            document |= {f"{role}.firstname": user.firstname, f"{role}.lastname": user.lastname}
    found = store.articles.where("ticket", ticket.id)
    document["article.body"] = " ".join(article.body for article in found)
    return document

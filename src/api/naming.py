"""Learns what Kimai calls the projects and activities that timesheets are booked on.

Asked for only when work met one that has no name yet, and once a day, so that a quiet run costs
nothing more. What fails is left for the next run: names decide nothing.
"""

import asyncio
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import structlog

from adapters.kimai.client import KimaiTimesheets
from api.services import Services
from domain.errors import LedgerError
from domain.event import Actor, Append, Metadata
from domain.ids import ConnectorId, target_names_stream
from domain.target_names.events import NamedKind, TargetNamed
from domain.target_names.naming import news

log = structlog.get_logger(__name__)

ACTOR = Actor(kind="service", name="sync")
AGAIN = timedelta(hours=24)  # somebody may have renamed one
LONGEST = 20.0  # seconds; the pair stays locked for as long


class Naming:
    """One per process; it remembers when it last looked at which connector."""

    def __init__(self, own: Services) -> None:
        self._own = own
        self._looked: dict[ConnectorId, datetime] = {}
        self._met: defaultdict[tuple[ConnectorId, NamedKind], set[int]] = defaultdict(set)
        self._nameless: set[tuple[ConnectorId, NamedKind, int]] = set()  # not shown to the token

    async def learn(self, connector_id: ConnectorId, timesheets: KimaiTimesheets) -> None:
        """Append the names that are news, of what `timesheets` met."""
        try:
            async with asyncio.timeout(LONGEST):
                await self._learn(connector_id, timesheets)
        except (LedgerError, TimeoutError) as error:
            log.info("names_not_learnt", connector_id=connector_id, error=type(error).__name__)

    async def _learn(self, connector_id: ConnectorId, timesheets: KimaiTimesheets) -> None:
        now = self._own.clock.now().astimezone(UTC)
        due = now >= self._looked.get(connector_id, now - AGAIN) + AGAIN
        events: list[TargetNamed] = []
        for kind, ask in (
            (NamedKind.PROJECT, timesheets.projects),
            (NamedKind.ACTIVITY, timesheets.activities),
        ):
            met = self._met[connector_id, kind]
            met |= timesheets.booked_on[kind]
            known = await self._own.views.names_of(connector_id, kind)
            strange = {(connector_id, kind, each) for each in met - known.keys()}
            if strange - self._nameless or (due and known):
                events += news(connector_id, kind, await ask(), booked=met, known=known)
                self._nameless |= strange
        self._looked[connector_id] = now
        if events:
            await self._own.store.append(
                Append(
                    stream=target_names_stream(connector_id),
                    events=events,
                    metadata=Metadata(actor=ACTOR, correlation_id=f"names-{connector_id}"),
                    occurred_at=now,
                    expected=None,
                )
            )
        for kind in NamedKind:
            self._met[connector_id, kind].clear()

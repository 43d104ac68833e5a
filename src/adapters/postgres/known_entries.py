"""What the sync asks of the views, behind the port `KnownEntries`."""

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import msgspec

from adapters.postgres.connecting import translated
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.projection_runner import ProjectionRunner
from adapters.postgres.statements import statements
from domain.errors import Unavailable
from domain.ids import ConnectorId, EntryId, RunId, entry_id
from domain.personal import Personal
from domain.ports.known_entries import Known, Linked, Negative, Occupying, TargetMarks, Unsettled
from domain.span import Span
from domain.time_entry.standing import EntryState
from domain.time_entry.values import ReasonCode, Written
from projections import sync_runs, time_entries

VIEWS = (time_entries.NAME, sync_runs.NAME)
PATIENCE = 60.0  # seconds that the views get to reach what a run has just appended


class PostgresKnownEntries:
    """Reads the views `time_entries` and `sync_runs`, which `projections` keeps up to date."""

    def __init__(self, store: PostgresEventStore, projections: ProjectionRunner) -> None:
        self._pool = store.pool
        self._log_id = store.log_id
        self._projections = projections
        self._sql = statements("known_entries")

    async def wait_for(self, position: int) -> None:
        """See the port."""
        if not await self._projections.wait_for(position, within=PATIENCE, names=VIEWS):
            raise Unavailable("service", f"the views have not reached position {position}")

    async def versions(
        self, connector: ConnectorId, source_ids: Collection[int]
    ) -> Mapping[int, Known]:
        """See the port. A row that was never readable and names no instant counts as unknown."""
        ids = [entry_id(connector, source_id) for source_id in source_ids]
        return {
            row["source_id"]: Known(
                updated_at=row["source_updated_at"],
                vanished=row["vanished"],
                state=EntryState(row["state"]),
            )
            for row in await self._fetch("versions", ids)
        }

    async def unsettled(self, connector: ConnectorId) -> Sequence[Unsettled]:
        """See the port."""
        return [
            Unsettled(
                entry_id=EntryId(row["entry_id"]),
                ticket_id=row["ticket_id"],
                state=EntryState(row["state"]),
                reason=None if row["reason"] is None else ReasonCode(row["reason"]),
                decided_with=row["decided_with"],
                booked_at=row["booked_at"],
            )
            for row in await self._fetch("unsettled", connector)
        ]

    async def live_count(self, connector: ConnectorId) -> int:
        """See the port."""
        (row,) = await self._fetch("live_count", connector)
        return int(row["count"])

    async def live_source_ids(self, connector: ConnectorId) -> AbstractSet[int]:
        """See the port."""
        return {row["source_id"] for row in await self._fetch("live_source_ids", connector)}

    async def live_of_tickets(
        self, connector: ConnectorId, ticket_ids: Collection[int]
    ) -> Mapping[int, AbstractSet[int]]:
        """See the port."""
        found: dict[int, set[int]] = {ticket_id: set() for ticket_id in ticket_ids}
        for row in await self._fetch("live_of_tickets", connector, list(ticket_ids)):
            found[row["ticket_id"]].add(row["source_id"])
        return found

    async def with_negatives(
        self, connector: ConnectorId, ticket_ids: Collection[int]
    ) -> AbstractSet[int]:
        """See the port."""
        rows = await self._fetch("with_negatives", connector, list(ticket_ids))
        return {row["ticket_id"] for row in rows}

    async def negatives(self, connector: ConnectorId) -> Sequence[Negative]:
        """See the port."""
        return [
            Negative(entry_id=EntryId(row["entry_id"]), ticket_id=row["ticket_id"])
            for row in await self._fetch("negatives", connector)
        ]

    async def broke_off(self, connector: ConnectorId, run_id: RunId | None) -> bool:
        """See the port."""
        (row,) = await self._fetch("broke_off", connector, run_id)
        return bool(row["broke_off"])

    async def watermark(self, connector: ConnectorId) -> datetime | None:
        """See the port."""
        rows = await self._fetch("watermark", connector)
        watermark: datetime | None = rows[0]["watermark"] if rows else None
        return watermark

    async def ticket_watermark(self, connector: ConnectorId) -> datetime | None:
        """See the port."""
        rows = await self._fetch("watermark", connector)
        watermark: datetime | None = rows[0]["ticket_watermark"] if rows else None
        return watermark

    async def target_marks(self, source: ConnectorId, target: ConnectorId) -> TargetMarks:
        """See the port."""
        rows = await self._fetch("target_marks", source, target)
        if not rows:
            return TargetMarks()
        return TargetMarks(
            polled_at=rows[0]["target_watermark"], listed_at=rows[0]["target_listed_at"]
        )

    async def linked(self, source: ConnectorId, target: ConnectorId) -> Sequence[Linked]:
        """See the port."""
        return [_linked(row) for row in await self._fetch("linked", source, target, None)]

    async def linked_to(
        self, source: ConnectorId, target: ConnectorId, timesheet_ids: Collection[int]
    ) -> Sequence[Linked]:
        """See the port."""
        rows = await self._fetch("linked", source, target, list(timesheet_ids))
        return [_linked(row) for row in rows]

    async def carried_with_another_unit(
        self, source: ConnectorId, target: ConnectorId, unit_minutes: Decimal
    ) -> Sequence[EntryId]:
        """See the port."""
        name = "carried_with_another_unit"
        rows = await self._fetch(name, source, target, unit_minutes)
        return [EntryId(row["entry_id"]) for row in rows]

    async def occupying(
        self, connector: ConnectorId, days: Collection[tuple[int, date]]
    ) -> Mapping[tuple[int, date], Sequence[Occupying]]:
        """See the port."""
        found: dict[tuple[int, date], list[Occupying]] = {day: [] for day in days}
        agents, dates = [agent for agent, _ in found], [day for _, day in found]
        for row in await self._fetch("occupying", connector, agents, dates):
            found[row["agent"], row["day"]].append(
                Occupying(
                    entry_id=EntryId(row["entry_id"]),
                    position=row["position"],
                    state=EntryState(row["state"]),
                    decided=_span(row["begins"], row["ends"]),
                    stored=_span(row["stored_begin"], row["stored_end"]),
                    beside=_spans(row["earlier"]),
                )
            )
        return found

    async def _fetch(self, name: str, *arguments: object) -> Sequence[Any]:
        try:
            return await self._pool.fetch(self._sql[name], self._log_id, *arguments)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise translated(error) from error


def _linked(row: Any) -> Linked:
    target = row["target"]
    sheet = msgspec.json.decode(target, type=time_entries.Target) if target else None
    assert sheet is not None  # a linked timesheet was stored, and seen then
    return Linked(
        entry_id=EntryId(row["entry_id"]),
        reason=None if row["reason"] is None else ReasonCode(row["reason"]),
        seen=Written(
            timesheet_id=row["timesheet_id"],
            user_id=sheet.user_id,
            project_id=sheet.project_id,
            activity_id=sheet.activity_id,
            begin=sheet.begin,
            end=sheet.end,
            duration=_lasting(sheet.minutes),
            description=Personal(row["target_subject"] or "", row["target_description"]),
            tags=sheet.tags,
            exported=sheet.exported,
            billable=sheet.billable,
        ),
    )


def _span(begin: datetime | None, end: datetime | None) -> Span | None:
    """A timesheet that runs has no end yet."""
    return None if begin is None else Span(begin=begin, end=end or begin)


def _spans(earlier: str | None) -> tuple[Span, ...]:
    """Where the timesheets lie that a correction stands beside."""
    every = msgspec.json.decode(earlier or "[]", type=tuple[time_entries.Earlier, ...])
    found = (_span(one.target.begin, one.target.end) for one in every)
    return tuple(span for span in found if span is not None)


def _lasting(minutes: Decimal) -> timedelta:
    """Kimai counts whole seconds, which four decimals of a minute hold exactly enough."""
    return timedelta(seconds=round(minutes * 60))

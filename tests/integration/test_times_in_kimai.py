"""Times that reach Kimai: its rounding and its zones, through the real client and the sandbox."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import pytest

from adapters.kimai.client import KimaiTimesheets
from adapters.sandbox.kimai import KimaiState, create_kimai_app, seed_recordings, token_of
from adapters.sandbox.serve import running
from domain.time_entry.standing import EntryState
from domain.time_entry.values import ReasonCode
from tests.support.peers import NOON, World

ROUNDINGS: list[dict[str, Any]] = [
    {"round_begin": 1, "round_end": 1},
    {"round_begin": 15, "round_end": 15},
    {"round_begin": 15, "round_end": 15, "rounding_mode": "floor"},
    {"round_begin": 7, "round_end": 30, "rounding_mode": "ceil", "round_duration": 25},
    {"round_begin": 10, "round_end": 10, "rounding_mode": "closest", "round_duration": 60},
    {"round_begin": 60, "round_duration": 45},
    {"round_begin": 30, "round_end": 30, "rounding_days": [(NOON.weekday() + 3) % 7]},
]
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass
class Server:
    state: KimaiState
    url: str

    def client(self) -> KimaiTimesheets:
        return KimaiTimesheets(self.url, token_of("admin"))

    def round_as(self, rounding: dict[str, Any]) -> None:
        """Set in Kimai what Timeledger was told."""
        prefix = "timesheet.rounding.default."
        days = rounding.get("rounding_days", range(7))
        values = {
            "mode": rounding.get("rounding_mode", "default"),
            "begin": rounding.get("round_begin", 0),
            "end": rounding.get("round_end", 0),
            "duration": rounding.get("round_duration", 0),
            "days": ",".join(DAYS[day] for day in days),
        }
        self.state.settings.change({prefix + key: value for key, value in values.items()})


@pytest.fixture
async def kimai() -> AsyncIterator[Server]:
    state = KimaiState()
    state.clock.fix(NOON + timedelta(days=2))
    seed_recordings(state)
    async with running(create_kimai_app(state)) as url:
        yield Server(state, url)


@pytest.mark.parametrize("rounding", ROUNDINGS, ids=str)
async def test_rounding_that_is_foreseen_is_no_conflict_and_no_update(
    kimai: Server, rounding: dict[str, Any]
) -> None:
    """Kimai's traps 2, 19 and 20."""
    kimai.round_as(rounding)
    async with kimai.client() as client:
        world = World(kimai=rounding)
        world.kimai = cast("Any", client)
        for source_id in range(1, 8):
            world.tickets.book(source_id, time_unit=Decimal("7.31") * source_id)
        first = await world.sync()
        assert (first.counters.created, first.counters.conflicts) == (7, 0)
        before = stored(kimai)
        for source_id in range(1, 8):
            world.tickets.edit(source_id)
        second = await world.sync()
        assert (second.counters.updated, second.counters.conflicts) == (0, 0)
        assert stored(kimai) == before
        states = {(await world.entry(source_id)).standing.state for source_id in range(1, 8)}
        assert states == {EntryState.SYNCED}


async def test_rounding_other_than_foreseen_asks_a_person(kimai: Server) -> None:
    kimai.round_as({"round_begin": 15, "round_end": 15, "rounding_mode": "floor"})
    async with kimai.client() as client:
        world = World(kimai={"round_begin": 15, "round_end": 15})
        world.kimai = cast("Any", client)
        world.tickets.book(9)
        await world.sync()
        assert (await world.entry(9)).standing.conflict is ReasonCode.CONFLICT


def stored(kimai: Server) -> list[tuple[int | None, int | None, int, int | None]]:
    """Times and last change of all records."""
    return [
        (row.begin, row.end, row.duration, row.modified_at)
        for row in kimai.state.timesheets.values()
    ]

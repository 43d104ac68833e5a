"""Negative bookings over real HTTP: what Kimai holds afterwards."""

from decimal import Decimal

from domain.time_entry.standing import EntryState
from domain.time_entry.values import ReasonCode
from tests.integration.test_drift_on_sandbox import Town, town


async def minutes(there: Town, source_id: int) -> int:
    timesheet = await there.sheet_of(source_id)
    answer = await there.hand.get(f"/api/timesheets/{timesheet}")
    answer.raise_for_status()
    seconds: int = answer.json()["duration"]
    return seconds // 60


async def test_a_correction_shortens_kimais_timesheets_and_its_deletion_restores_them() -> None:
    async with town(2) as there:
        there.world.tickets.book(3, time_unit=Decimal("-20.00"))
        await there.run()
        assert [await minutes(there, each) for each in (1, 2)] == [10, 0]
        assert (await there.world.entry(3)).standing.state is EntryState.IGNORED
        await there.run(listing=True)
        assert [await minutes(there, each) for each in (1, 2)] == [10, 0]
        del there.world.tickets.rows[3]
        await there.run()
        assert [await minutes(there, each) for each in (1, 2)] == [15, 15]


async def test_an_exported_timesheet_stays_and_the_correction_goes_elsewhere() -> None:
    async with town(2) as there:
        there.state.timesheets[await there.sheet_of(2)].exported = True
        there.world.tickets.book(3, time_unit=Decimal("-20.00"))
        await there.run()
        assert [await minutes(there, each) for each in (1, 2)] == [0, 15]
        assert await there.conflict(2) is None
        held = await there.world.entry(3)
        assert held.standing.conflict is ReasonCode.NEGATIVE_TIME
        assert held.conflict is not None
        assert "15 min from booking 1; for 5 min more" in held.conflict.detail

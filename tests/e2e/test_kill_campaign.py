"""The service is killed at twenty instants of running syncs; `make chaos` does it 200 times."""

from pathlib import Path

import pytest

from tests.chaos.campaign import Plan, carried_out
from tests.support.embedded import report

PLAN = Plan(seed=347, kills=20, limit=1.2, longest=3.0, most_actions=6)


@pytest.mark.slow
async def test_a_service_killed_again_and_again_writes_each_booking_once(folder: Path) -> None:
    outcome = await carried_out(PLAN, folder, report)
    report(str(outcome))
    assert outcome.problems == [], f"repeat with: {PLAN.command}"
    assert outcome.kills == PLAN.kills

"""Three short histories with faults, kills and crashes; `make chaos` does 200 long ones."""

from pathlib import Path

import pytest

from tests.chaos.campaign import Plan, carried_out
from tests.support.embedded import report

PATIENT = 3.0  # seconds that a request may take to land; beside other tests processes stand still


@pytest.mark.slow
@pytest.mark.parametrize("seed", [5, 6, 11])
async def test_whatever_happens_each_booking_is_billed_once_or_waits_with_a_true_reason(
    folder: Path, seed: int
) -> None:
    plan = Plan(seed=seed, operations=500, limit=PATIENT)
    outcome = await carried_out(plan, folder, report)
    report(str(outcome))
    assert outcome.problems == [], f"repeat with: {plan.command}"
    assert outcome.operations == plan.operations

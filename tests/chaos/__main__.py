"""`python -m tests.chaos`: exit code 0 when all seeds were passed, 1 with the seeds when not."""

import asyncio
import os
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from tests.chaos.campaign import Outcome, Plan
from tests.chaos.passed import Passed
from tests.chaos.seeds import all_of, one, until_stopped

SEEDS, OPERATIONS = 200, 5000
INTERRUPTED = 130

console = Console(highlight=False, soft_wrap=True)


def main() -> int:
    """Carry out the campaign that the environment asks for, from where the last one stopped."""
    operations = int(os.environ.get("OPERATIONS") or OPERATIONS)
    first, count = int(os.environ.get("SEED") or 1), int(os.environ.get("SEEDS") or SEEDS)
    jobs = int(os.environ.get("JOBS") or 1)
    plans = [Plan(seed=seed, operations=operations) for seed in range(first, first + count)]
    passed = Passed(operations)
    try:
        failed = asyncio.run(until_stopped(_campaign(plans, jobs, passed)))
    except asyncio.CancelledError:
        console.print(f"Interrupted. {passed.summary(plans)} The same command goes on from there.")
        return INTERRUPTED
    if failed:
        console.print(f"Failed: {', '.join(str(plan.seed) for plan in failed)}", style="red")
        return 1
    console.print("One timesheet per booking, nothing exported touched, all else waits with cause.")
    return 0


async def _campaign(plans: Sequence[Plan], jobs: int, passed: Passed) -> list[Plan]:
    """Those that were not passed."""
    if len(plans) == 1:
        return _noted(plans[0], await one(plans[0], console.print), passed)
    console.print(passed.summary(plans))
    known = passed.seeds()
    columns = (
        TextColumn("Seeds"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    failed: list[Plan] = []
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=len(plans), completed=len(known & {p.seed for p in plans}))
        async for plan, outcome in all_of([p for p in plans if p.seed not in known], jobs):
            failed += _noted(plan, outcome, passed)
            bar.advance(task)
    return failed


def _noted(plan: Plan, outcome: Outcome, passed: Passed) -> list[Plan]:
    console.print(f"seed {plan.seed}: {outcome}")
    if not outcome.problems:
        passed.add(plan.seed, seconds=outcome.seconds)
        return []
    for problem in outcome.problems:
        console.print(problem, style="red")
    console.print(f"Repeat with: {plan.command}")
    return [plan]


if __name__ == "__main__":
    sys.exit(main())

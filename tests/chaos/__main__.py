"""`python -m tests.chaos`: exit code 0 when all seeds were passed, 1 with the seeds when not."""

import asyncio
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.chaos.campaign import Outcome, Plan, Say, carried_out
from tests.chaos.passed import Passed

SEEDS, OPERATIONS = 200, 5000


def main() -> int:
    """Carry out the campaign that the environment asks for, from where the last one stopped."""
    operations = int(os.environ.get("OPERATIONS") or OPERATIONS)
    first, count = int(os.environ.get("SEED") or 1), int(os.environ.get("SEEDS") or SEEDS)
    jobs = int(os.environ.get("JOBS") or 1)
    console = Console(highlight=False, soft_wrap=True)
    passed = Passed(operations)
    plans = [Plan(seed=seed, operations=operations) for seed in range(first, first + count)]
    if count == 1:
        outcomes: Iterator[tuple[Plan, Outcome]] = iter([(plans[0], one(plans[0], console.print))])
    else:
        known = passed.seeds()
        todo = [plan for plan in plans if plan.seed not in known]
        console.print(f"{count} seeds of {operations} operations, {len(todo)} of them to do.")
        outcomes = _in_turn(todo, jobs, console)
    failed: list[Plan] = []
    for plan, outcome in outcomes:
        console.print(f"seed {plan.seed}: {outcome}")
        if outcome.problems:
            failed.append(plan)
            for problem in outcome.problems:
                console.print(problem, style="red")
            console.print(f"Repeat with: {plan.command}")
        else:
            passed.add(plan.seed, seconds=outcome.seconds)
    if failed:
        console.print(f"Failed: {', '.join(str(plan.seed) for plan in failed)}", style="red")
        return 1
    console.print("One timesheet per booking, nothing exported touched, all else waits with cause.")
    return 0


def one(plan: Plan, say: Say) -> Outcome:
    """One seed; the folder with the service's log is kept when it was not passed."""
    folder = Path(tempfile.mkdtemp(prefix=f"timeledger-chaos-{plan.seed}-"))
    folder.chmod(0o711)  # the database server's account must pass through
    outcome = asyncio.run(carried_out(plan, folder, say))
    if outcome.problems:
        outcome.problems.append(f"The service's log is in {folder}.")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return outcome


def _quietly(plan: Plan) -> Outcome:
    return one(plan, lambda _: None)


def _in_turn(plans: Sequence[Plan], jobs: int, console: Console) -> Iterator[tuple[Plan, Outcome]]:
    """All of them, `jobs` at a time, each in a process of its own."""
    columns = (TextColumn("Seeds"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    context = multiprocessing.get_context("spawn")
    with (
        Progress(*columns, console=console) as bar,
        ProcessPoolExecutor(jobs, mp_context=context, max_tasks_per_child=1) as pool,
    ):
        task = bar.add_task("", total=len(plans))
        waiting = {pool.submit(_quietly, plan): plan for plan in plans}
        for done in as_completed(waiting):
            bar.advance(task)
            yield waiting[done], done.result()


if __name__ == "__main__":
    sys.exit(main())

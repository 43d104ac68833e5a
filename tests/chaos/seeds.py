"""Seeds, each in a process of its own: `python -m tests.chaos.seeds SEED OPERATIONS` does one.

Its last line is the outcome in JSON. Ctrl-C, or SIGTERM, ends a seed in order.
"""

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from tests.chaos.campaign import Outcome, Plan, Say, carried_out
from tests.support.embedded import REPOSITORY, SAME_PACKAGES

LONGEST_LINE = 1 << 24  # bytes
LAST_WORDS = 20  # lines of a process that ended without an outcome
PATIENCE = 60.0  # seconds for a seed to end in order


async def one(plan: Plan, say: Say) -> Outcome:
    """One seed; the folder with the service's log is kept when it was not passed."""
    folder = _folder(plan)
    outcome = Outcome()
    try:
        outcome = await carried_out(plan, folder, say)
    finally:
        if not outcome.problems:
            shutil.rmtree(folder, ignore_errors=True)
    if outcome.problems:
        outcome.problems.append(f"The service's log is in {folder}.")
    return outcome


def _folder(plan: Plan) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=f"timeledger-chaos-{plan.seed}-"))
    folder.chmod(0o711)  # the database server's account must pass through
    return folder


async def all_of(plans: Sequence[Plan], jobs: int) -> AsyncIterator[tuple[Plan, Outcome]]:
    """Their outcomes as they come, `jobs` seeds at a time."""
    left = list(reversed(plans))
    under_way: dict[asyncio.Task[Outcome], Plan] = {}
    try:
        while left or under_way:
            while left and len(under_way) < jobs:
                plan = left.pop()
                under_way[asyncio.create_task(_in_a_process(plan))] = plan
            done, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield under_way.pop(task), task.result()
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _in_a_process(plan: Plan) -> Outcome:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.chaos.seeds", str(plan.seed), str(plan.operations)),
        cwd=REPOSITORY,
        env={**os.environ, **SAME_PACKAGES},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=LONGEST_LINE,
        start_new_session=True,  # Ctrl-C is ours; we pass it on
    )
    assert process.stdout is not None
    lines: list[bytes] = []
    try:
        async for line in process.stdout:
            lines = [*lines[-LAST_WORDS:], line]
        await process.wait()
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.communicate(), PATIENCE)
    try:
        return Outcome(**json.loads(lines[-1]))
    except (IndexError, ValueError, TypeError):
        said = b"".join(lines).decode(errors="replace")
        return Outcome(problems=[f"The seed's process ended with {process.returncode}: {said}"])


async def until_stopped(work: Any) -> Any:
    """The result of `work`, which is cancelled by Ctrl-C and SIGTERM."""
    task = asyncio.ensure_future(work)
    for stop in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(stop, task.cancel)
    return await task


def main() -> None:
    """Say nothing but the outcome."""
    seed, operations = (int(word) for word in sys.argv[1:])
    plan = Plan(seed=seed, operations=operations)
    outcome = asyncio.run(until_stopped(one(plan, lambda _: None)))
    sys.stdout.write(json.dumps(vars(outcome)) + "\n")


if __name__ == "__main__":
    main()

"""`python -m tests.chaos`: exit code 0 when everything was right, 1 with the seed when not."""

import asyncio
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.chaos.campaign import Outcome, Plan, carried_out

KILLS = 200


def main() -> int:
    """Carry out the campaign that the environment asks for."""
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(1_000_000))
    plan = Plan(seed=seed, kills=int(os.environ.get("KILLS") or KILLS))
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"Seed {plan.seed}, {plan.kills} kills.")
    folder = Path(tempfile.mkdtemp(prefix="timeledger-chaos-"))
    folder.chmod(0o711)  # the database server's account must pass through
    outcome = _with_progress(plan, folder, console)
    console.print(str(outcome))
    if not outcome.problems:
        shutil.rmtree(folder, ignore_errors=True)
        console.print("One timesheet per booking, none touched after export, the chain is whole.")
        return 0
    for problem in outcome.problems:
        console.print(problem, style="red")
    console.print(f"The service's log is in {folder}. Repeat with: {plan.command}")
    return 1


def _with_progress(plan: Plan, folder: Path, console: Console) -> Outcome:
    columns = (TextColumn("Kills"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=plan.kills)

        def say(text: str) -> None:
            bar.update(task, completed=int(text[1:].partition("/")[0]) if text[0] == "[" else None)
            bar.console.print(text)

        return asyncio.run(carried_out(plan, folder, say))


if __name__ == "__main__":
    sys.exit(main())

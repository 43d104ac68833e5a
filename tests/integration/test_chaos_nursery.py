"""Lives by fork, and seeds in processes of their own: nothing outlives a campaign."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.chaos.campaign import Outcome
from tests.chaos.nursery import Nursery
from tests.support.embedded import REPOSITORY, SAME_PACKAGES, is_gone
from tests.support.waiting import until

PATIENCE = 60.0  # seconds
PROGRAM = "tests.support.short_life"


async def test_each_life_has_its_own_variables_words_and_end(tmp_path: Path) -> None:
    nursery, heard = Nursery(PROGRAM), list[bytes]()
    try:
        for code in ("0", "3"):
            life = await nursery.launch("end", {"CODE": code}, tmp_path, heard.append)
            assert await life.end() == int(code)
        life = await nursery.launch("stay", {"CODE": "9"}, tmp_path, heard.append)
        await until(lambda: b"9 stay\n" in heard)
        life.send(signal.SIGKILL)
        assert await life.end() == -signal.SIGKILL
        assert is_gone(life.pid)
    finally:
        await nursery.close()
    assert [line for line in heard if line.strip()] == [b"0 end\n", b"3 end\n", b"9 stay\n"]


async def test_a_life_ends_with_the_campaign(tmp_path: Path) -> None:
    nursery, heard = Nursery(PROGRAM), list[bytes]()
    life = await nursery.launch("stay", {"CODE": "0"}, tmp_path, heard.append)
    await until(lambda: b"0 stay\n" in heard)
    await nursery.close()  # as when the campaign is gone: nobody holds its input any more
    assert is_gone(life.pid)


@pytest.mark.slow
async def test_an_interrupted_campaign_leaves_nothing_running_and_says_how_to_go_on() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.chaos"),
        cwd=REPOSITORY,
        env={
            **SAME_PACKAGES,
            "PATH": os.environ["PATH"],
            "SEED": "9000001",
            "SEEDS": "3",
            "OPERATIONS": "500",
            "JOBS": "2",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    await until(lambda: len(children(process.pid)) == 2)
    seeds = children(process.pid)
    await until(lambda: all(children(seed) for seed in seeds))
    below = [each for seed in seeds for each in children(seed)]
    process.send_signal(signal.SIGTERM)
    said, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 130, said
    assert b"0 passed on this code" in said
    assert b"The same command goes on from there." in said
    assert all(is_gone(pid) for pid in (*seeds, *below))


def children(pid: int) -> list[int]:
    try:
        words = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [int(word) for word in words]


def test_an_outcome_survives_the_way_between_processes() -> None:
    outcome = Outcome(operations=500, problems=["one"])
    outcome.instants["lost"] += 1
    outcome.spent["runs"] += 1.5
    again = Outcome(**json.loads(json.dumps(vars(outcome))))
    assert str(again) == str(outcome)
    assert again.problems == ["one"]

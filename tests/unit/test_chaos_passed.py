"""Which seeds a campaign need not do again."""

from pathlib import Path

from tests.chaos.campaign import Plan
from tests.chaos.passed import Passed, digest

PLANS = [Plan(seed=seed, operations=500) for seed in (1, 2, 3)]


def test_a_seed_that_this_code_passed_is_not_done_again(tmp_path: Path) -> None:
    file = tmp_path / "passed.jsonl"
    Passed(500, file, code="a").add(2, seconds=1.4)
    assert Passed(500, file, code="a").seeds() == {2}
    assert "3 seeds of 500 operations: 1 passed on this code" in (
        Passed(500, file, code="a").summary(PLANS)
    )


def test_what_another_code_passed_is_told_apart_and_done_again(tmp_path: Path) -> None:
    file = tmp_path / "passed.jsonl"
    Passed(500, file, code="a").add(1, seconds=1)
    Passed(500, file, code="a").add(2, seconds=1)
    now = Passed(500, file, code="b")
    now.add(2, seconds=1)
    assert now.seeds() == {2}
    summary = now.summary(PLANS)
    assert "1 passed on this code" in summary
    assert "2 to do, 1 of them passed on other code only" in summary


def test_longer_histories_are_seeds_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / "passed.jsonl"
    Passed(500, file, code="a").add(1, seconds=1)
    assert Passed(5000, file, code="a").seeds() == set()
    assert "other code" not in Passed(5000, file, code="a").summary(PLANS)


def test_every_line_of_code_counts(tmp_path: Path) -> None:
    source = tmp_path / "src" / "rules.py"
    source.parent.mkdir()
    source.write_text("a = 1\n")
    before = digest(tmp_path)
    assert digest(tmp_path) == before
    source.write_text("a = 2\n")
    assert digest(tmp_path) != before

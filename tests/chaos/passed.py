"""Which seeds were passed with the code as it is, so that a long campaign can be resumed."""

import hashlib
import json
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.chaos.campaign import Plan

REPOSITORY = Path(__file__).parents[2]
FILE = REPOSITORY / "docs" / "campaign.jsonl"  # committed: what was passed, and with which code
CODE = ("src", "tests/chaos")


class Passed:
    """Kept in a file beside the code; what another code passed is told apart, and done again.

    The digest decides; the commit is for people.
    """

    def __init__(self, operations: int, file: Path = FILE, code: str | None = None) -> None:
        self._file = file
        self._operations = operations
        self._code = code or digest()

    def seeds(self) -> set[int]:
        """Those that this code passed."""
        return {row["seed"] for row in self._rows() if row["code"] == self._code}

    def add(self, seed: int, *, seconds: float) -> None:
        row = {
            "operations": self._operations,
            "seed": seed,
            "code": self._code,
            "commit": commit(),
            "seconds": round(seconds),
        }
        self._file.parent.mkdir(exist_ok=True)
        with self._file.open("a") as file:
            file.write(json.dumps(row) + "\n")

    def summary(self, plans: Sequence[Plan]) -> str:
        """How far the campaign is: on this code, and only on another."""
        wanted = {plan.seed for plan in plans}
        here = self.seeds() & wanted
        others = [row for row in self._rows() if row["seed"] in wanted - here]
        text = (
            f"{len(wanted)} seeds of {self._operations} operations: {len(here)} passed on this"
            f" code ({commit()}), {len(wanted - here)} to do"
        )
        if not others:
            return f"{text}."
        seeds = {row["seed"] for row in others}
        return f"{text}, {len(seeds)} of them passed on other code only ({_commits(others)})."

    def _rows(self) -> list[dict[str, Any]]:
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
        return [row for row in rows if row["operations"] == self._operations]


def _commits(rows: Iterable[dict[str, Any]]) -> str:
    return ", ".join(dict.fromkeys(row.get("commit", "unknown") for row in rows))


def commit(root: Path = REPOSITORY) -> str:
    """The commit that is checked out, with a + when files differ from it."""

    def git(*words: str) -> str:
        asked = subprocess.run(
            ["git", *words], cwd=root, capture_output=True, text=True, check=False
        )
        return asked.stdout.strip()

    name = git("rev-parse", "--short", "HEAD") or "no commit"
    return f"{name}+" if git("status", "--porcelain", "--", *CODE) else name


def digest(root: Path = REPOSITORY) -> str:
    """Of all code that has a say in whether a seed is passed."""
    files = (path for folder in CODE for path in (root / folder).rglob("*") if path.is_file())
    found = hashlib.sha256()
    for path in sorted(path for path in files if path.suffix in (".py", ".sql")):
        found.update(str(path.relative_to(root)).encode())
        found.update(path.read_bytes())
    return found.hexdigest()[:16]

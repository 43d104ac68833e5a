"""Which seeds were passed with the code as it is, so that a long campaign can be resumed."""

import hashlib
import json
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
FILE = REPOSITORY / ".chaos" / "passed.jsonl"
CODE = ("src", "tests/chaos")


class Passed:
    """Kept in a file beside the code; what an older code passed does not count."""

    def __init__(self, operations: int, file: Path = FILE) -> None:
        self._file = file
        self._same = {"operations": operations, "code": digest()}

    def seeds(self) -> set[int]:
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        rows = [json.loads(line) for line in lines]
        return {row["seed"] for row in rows if self._same.items() <= row.items()}

    def add(self, seed: int, *, seconds: float) -> None:
        self._file.parent.mkdir(exist_ok=True)
        with self._file.open("a") as file:
            file.write(json.dumps({**self._same, "seed": seed, "seconds": round(seconds)}) + "\n")


def digest(root: Path = REPOSITORY) -> str:
    """Of all code that has a say in whether a seed is passed."""
    files = (path for folder in CODE for path in (root / folder).rglob("*") if path.is_file())
    found = hashlib.sha256()
    for path in sorted(path for path in files if path.suffix in (".py", ".sql")):
        found.update(str(path.relative_to(root)).encode())
        found.update(path.read_bytes())
    return found.hexdigest()[:16]

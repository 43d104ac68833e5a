"""Sandbox state on disk: every change is one appended line, so a killed demo loses nothing.

```text
folder/<name>.jsonl    {"t": table, "k": key, "v": row or null}   replayed from the top, last wins
```
The file is rewritten whole (to a temporary name, then renamed) when it is opened and when
replaced lines outnumber living ones. A torn last line, left by a kill in mid-write, is dropped.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

Row = Mapping[str, Any]
_SLACK = 10_000  # superseded lines tolerated before the file is rewritten


class Journal:
    """One append-only file of row changes. Not for two processes at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: dict[tuple[str, str], Row] = {}
        self._lines = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self._load()
        self._file: int | None = self._rewritten()

    def rows(self, table: str) -> dict[str, Row]:
        """The living rows of one table by key, oldest first."""
        return {key: row for (name, key), row in self._rows.items() if name == table}

    @property
    def empty(self) -> bool:
        """Whether nothing was ever stored."""
        return not self._rows

    def put(self, table: str, key: str, row: Row | None) -> None:
        """Record that a row is now `row`, or gone (None). In the operating system on return."""
        if row is None:
            self._rows.pop((table, key), None)
        else:
            self._rows[table, key] = row
        if self._file is None:
            self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        os.write(self._file, _line(table, key, row))
        self._lines += 1
        if self._lines > len(self._rows) + _SLACK:
            self.close()
            self._file = self._rewritten()

    def clear(self) -> None:
        """Forget every row."""
        self._rows.clear()
        self.close()
        self._file = self._rewritten()

    def close(self) -> None:
        """Release the file; the next `put` opens it again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _load(self) -> None:
        if not self._path.exists():
            return
        for line in self._path.read_bytes().split(b"\n"):
            try:
                change = msgspec.json.decode(line)
                table, key, row = change["t"], change["k"], change["v"]
            except (msgspec.DecodeError, KeyError, TypeError):
                continue  # torn by a kill
            if row is None:
                self._rows.pop((table, key), None)
            else:
                self._rows[table, key] = row

    def _rewritten(self) -> int:
        fresh = self._path.with_suffix(".new")
        lines: Iterable[bytes] = (_line(t, k, row) for (t, k), row in self._rows.items())
        with fresh.open("wb") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        self._lines = len(self._rows)
        return os.open(self._path, os.O_WRONLY | os.O_APPEND)


def _line(table: str, key: str, row: Row | None) -> bytes:
    return msgspec.json.encode({"t": table, "k": key, "v": row}) + b"\n"

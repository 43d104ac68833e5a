"""The state on disk: a snapshot followed by one line per transaction.

A line is written and flushed before the request is answered, so a killed process loses nothing it
acknowledged; a torn last line (the transaction was never answered) is dropped on loading. Opening
folds everything into a new snapshot, written beside the old file and renamed over it.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from adapters.sandbox.zammad.tables import Table

FILE = "zammad.jsonl"
Change = tuple[str, int, Any]  # table, id, row or None


class Journal:
    """Append-only file of changes in one folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / FILE
        self._file: BinaryIO | None = None

    def load(self, tables: Mapping[str, Table[Any]], types: Mapping[str, type[Any]]) -> None:
        """Replay the file, if there is one, into empty tables.

        Raises:
            ValueError: a complete line cannot be read.
        """
        if not self.path.exists():
            return
        complete = self.path.read_bytes().split(b"\n")[:-1]  # what follows the last \n is torn
        for number, line in enumerate(complete, 1):
            try:
                _replay(line, tables, types)
            except (msgspec.MsgspecError, KeyError) as error:
                raise ValueError(f"{self.path}: line {number} is damaged") from error

    def compact(self, tables: Mapping[str, Table[Any]]) -> None:
        """Replace the file by one snapshot, atomically."""
        self.close()
        draft = self.path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)  # it holds the sandbox's tokens
        with draft.open("wb") as file:
            for name, table in tables.items():
                file.write(_line([(name, 0, {"next_id": table.next_id})]))
                file.writelines(_line([(name, row.id, row)]) for row in table)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)
        self._file = self.path.open("ab")

    def append(self, changes: Iterable[Change]) -> None:
        """One transaction, one line, handed to the operating system."""
        if self._file is None:
            self._file = self.path.open("ab")
        self._file.write(_line(list(changes)))
        self._file.flush()

    def close(self) -> None:
        """Let go of the file; the next `append` opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _line(changes: list[Change]) -> bytes:
    return msgspec.json.encode(changes) + b"\n"


def _replay(line: bytes, tables: Mapping[str, Table[Any]], types: Mapping[str, type[Any]]) -> None:
    for name, row_id, raw in msgspec.json.decode(line, type=list[tuple[str, int, msgspec.Raw]]):
        table = tables[name]
        if row_id == 0:
            table.next_id = max(table.next_id, msgspec.json.decode(raw)["next_id"])
        elif bytes(raw) == b"null":
            table.drop(row_id)
        else:
            table.put(msgspec.json.decode(raw, type=types[name]))

"""Named SQL statements: `-- name: page_of_runs` in a file of `sql/` begins one."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def statements(file: str) -> Mapping[str, str]:
    """The statements of `sql/<file>.sql` by name. ValueError when two share a name."""
    text = (files("adapters.postgres") / "sql" / f"{file}.sql").read_text(encoding="utf-8")
    _, *parts = _NAME.split(text)
    named = dict(zip(parts[::2], (part.strip() for part in parts[1::2]), strict=True))
    if len(named) * 2 != len(parts):
        raise ValueError(f"two statements of {file}.sql have one name")
    return named


def held_at(sql: Mapping[str, str], as_of: int | None) -> str:
    """The condition of a file's statements for rows that hold at `as_of`, None for now."""
    return sql["held_now" if as_of is None else "held_then"]

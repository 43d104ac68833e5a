"""Query parameters as FOSRestBundle's strict `QueryParam`s read them."""

import re
from urllib.parse import parse_qsl

from adapters.sandbox.kimai import phptime
from adapters.sandbox.kimai.bodies import put_bracketed
from adapters.sandbox.kimai.collation import SearchTerm
from adapters.sandbox.kimai.problems import bad_request

ORDER = "ASC|DESC"
FLAG = "0|1"
SWITCH = "0|1|true|false"
DIGITS = r"\d+"


class Query:
    """The query of one request; unknown parameters are ignored, bad ones are a 400."""

    def __init__(self, raw: bytes) -> None:
        self._values: dict[str, object] = {}
        for name, value in parse_qsl(raw.decode("latin-1"), keep_blank_values=True):
            put_bracketed(self._values, name, value)

    def has(self, name: str) -> bool:
        """Whether a parameter was sent at all."""
        return name in self._values

    def one(self, name: str, pattern: str | None = None) -> str | None:
        """A single value; None when absent or empty.

        Raises:
            Problem: 400 for an array or a value outside `pattern`.
        """
        value = self._values.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str) or (pattern and not re.fullmatch(pattern, value)):
            raise bad_request()
        return value

    def many(self, name: str, pattern: str | None = None) -> list[str]:
        """The values of `name[]`; empty when absent.

        Raises:
            Problem: 400 for a single value or an item outside `pattern`.
        """
        value = self._values.get(name)
        if value is None:
            return []
        if not isinstance(value, dict):
            raise bad_request()
        items = list(value.values())
        for item in items:
            if not isinstance(item, str) or (pattern and item and not re.fullmatch(pattern, item)):
                raise bad_request()
        return [item for item in items if item]

    def ids(self, one: str, many: str) -> list[int]:
        """The ids of a pair such as `project` and `projects[]`, each once."""
        found = [int(item) for item in self.many(many, DIGITS)]
        if single := self.one(one, DIGITS):
            found.append(int(single))
        return list(dict.fromkeys(found))

    def instant(self, name: str, zone: str) -> int | None:
        """A `YYYY-MM-DDTHH:MM:SS` read in `zone`.

        Raises:
            Problem: 400 for any other form.
        """
        text = self.one(name)
        if text is None:
            return None
        wall = phptime.parse_strict(text)
        if wall is None:
            raise bad_request()
        return phptime.to_instant(wall, zone)

    def flag(self, name: str) -> bool | None:
        """`0` or `1`; None when absent."""
        value = self.one(name, FLAG)
        return None if value is None else value == "1"

    def switch(self, name: str) -> bool:
        """`0`, `1`, `true` or `false`; absent is false."""
        return self.one(name, SWITCH) in {"1", "true"}

    def term(self) -> SearchTerm | None:
        """The search term."""
        text = self.one("term")
        return SearchTerm(text) if text and text.strip() else None

    def visibility(self) -> int:
        """1 visible (default), 2 hidden, 3 both."""
        return int(self.one("visible", "1|2|3") or 1)

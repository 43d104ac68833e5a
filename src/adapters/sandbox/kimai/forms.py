"""A form as Symfony submits it: fields, transformations, violations, errors in their places."""

import re
import unicodedata
from collections.abc import Iterable

from adapters.sandbox.kimai import phptime, texts
from adapters.sandbox.kimai.bodies import Submitted
from adapters.sandbox.kimai.problems import Problem, invalid_form

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_COLOR_SHORT = re.compile(r"#[0-9a-fA-F]{3}")
_MONEY = re.compile(r"-?\d+(?:\.\d+)?")
_TRIMMED = {"Zs", "Zl", "Zp", "Cc", "Cf"}
Scalar = str | None


class Form:
    """Collects errors; a field that could not be read (`broken`) swallows later violations."""

    def __init__(self, fields: Iterable[str], submitted: Submitted) -> None:
        self.fields = list(fields)
        self.submitted = submitted
        self.root: list[str] = []
        self.children: dict[str, list[str]] = {}
        self.broken: set[str] = set()
        self._violations: list[tuple[str, str]] = []

    def sent(self, name: str) -> bool:
        """Whether the client sent an accepted field."""
        return name in self.submitted and name in self.fields

    def unreadable(self, name: str, text: str) -> None:
        """The value of a field could not be transformed."""
        self.broken.add(name)
        self.children.setdefault(name, []).append(text)

    def violation(self, path: str, text: str) -> None:
        """A constraint failed at a path; paths that are no field belong to the form itself."""
        self._violations.append((path, text))

    def check(self) -> None:
        """Refuse when anything is wrong.

        Raises:
            Problem: 400 with every error in its place.
        """
        for path, text in self._violations:
            if path not in self.fields:
                self.root.append(text)
            elif path not in self.broken:
                self.children.setdefault(path, []).append(text)
        if any(name not in self.fields for name in self.submitted):
            self.root.append(texts.EXTRA_FIELDS)
        if problem := self.problem():
            raise problem

    def problem(self) -> Problem | None:
        """The refusal, or None when all is well."""
        if not self.root and not any(self.children.values()):
            return None
        return invalid_form(self.fields, self.root, self.children)

    # -- reading fields; each returns None also after noting that the value is unreadable ------

    def text(self, name: str) -> Scalar:
        """A trimmed text; empty counts as null."""
        value = self.submitted[name]
        if isinstance(value, dict):
            self.unreadable(name, texts.INVALID_VALUE)
            return None
        return trim(value) or None if value is not None else None

    def date_time(self, name: str, zone: str) -> int | None:
        """An instant; wall times are read in `zone`."""
        value = self.submitted[name]
        if not isinstance(value, dict):
            text = trim(value or "")
            if not text:
                return None
            if wall := phptime.parse_lenient(text):
                return phptime.instant_of(wall, zone)
        self.unreadable(name, texts.INVALID_DATE_TIME)
        return None

    def checkbox(self, name: str) -> bool:
        """Only JSON false is false (it arrives as null)."""
        return self.submitted[name] is not None

    def money(self, name: str) -> float | None:
        """An amount of money, not negative."""
        text = self.text(name)
        if text is None:
            return None
        if not _MONEY.fullmatch(text):
            self.unreadable(name, texts.INVALID_MONEY)
            return None
        amount = float(text)
        if amount < 0:
            self.violation(name, texts.NOT_NEGATIVE)
        return amount

    def number(self, name: str) -> int | None:
        """The key of a choice; None when empty, -1 when it cannot be a key."""
        value = self.submitted[name]
        if value in (None, ""):
            return None
        if isinstance(value, str) and value.isascii() and value.isdigit():
            return int(value) if value == str(int(value)) else -1
        return -1

    def color(self, name: str) -> Scalar:
        """A colour `#rrggbb`; the short form is widened."""
        text = self.text(name)
        if text is None:
            return None
        if _COLOR_SHORT.fullmatch(text):
            return "#" + "".join(digit * 2 for digit in text[1:])
        if not _COLOR.fullmatch(text):
            self.violation(name, texts.NOT_A_COLOR)
        return text

    def length(self, name: str, text: Scalar, low: int, high: int) -> None:
        """Check the length of a text that is present."""
        if text is None:
            return
        if len(text) < low:
            unit = "character" if low == 1 else "characters"
            self.violation(name, f"This value is too short. It should have {low} {unit} or more.")
        elif len(text) > high:
            self.violation(
                name, f"This value is too long. It should have {high} characters or less."
            )

    def plain(self, name: str, text: Scalar) -> None:
        """Refuse the characters that make HTML and spreadsheet formulas."""
        if text is not None and any(c in text for c in '<>"='):
            self.violation(name, texts.SPECIAL_CHARACTERS)


def trim(text: str) -> str:
    """Symfony's `StringUtil::trim`: separators, control and format characters at both ends."""
    start, stop = 0, len(text)
    while start < stop and unicodedata.category(text[start]) in _TRIMMED:
        start += 1
    while stop > start and unicodedata.category(text[stop - 1]) in _TRIMMED:
        stop -= 1
    return text[start:stop]

"""How MariaDB's `utf8mb4_unicode_ci` compares text: case and accents do not count."""

import re
import unicodedata
from functools import lru_cache

_SPECIAL = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ł": "l"})


@lru_cache(maxsize=8192)
def folded(text: str) -> str:
    """`text` in the form in which equal texts are equal; trailing blanks do not count either."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_SPECIAL))
    kept = "".join(c for c in decomposed if not unicodedata.combining(c))
    return kept.rstrip(" ")


@lru_cache(maxsize=512)
def like(needle: str) -> re.Pattern[str]:
    """The pattern of `LIKE '%needle%'`, `%` and `_` in the needle being wildcards."""
    parts = ({"%": ".*", "_": "."}.get(c, re.escape(c)) for c in folded(needle + "\0").rstrip("\0"))
    return re.compile("".join(parts), re.DOTALL)


class SearchTerm:
    """Kimai's search box: words that must all match, `name:value` for meta fields, `!` negates.

    Source: src/Utils/SearchTerm.php, src/Repository/Search/SearchHelper.php.
    """

    def __init__(self, text: str) -> None:
        self.parts = [_Part(word) for word in text.split()]

    def matches(self, fields: list[str | None], meta: dict[str, str | None]) -> bool:
        """Whether every part matches one of `fields`, or its meta field."""
        return all(part.matches(fields, meta) for part in self.parts)


class _Part:
    def __init__(self, word: str) -> None:
        self.negated = word.startswith("!")
        word = word.removeprefix("!")
        name, colon, value = word.partition(":")
        self.field = name if colon and name else None
        self.value = value if self.field else word

    def matches(self, fields: list[str | None], meta: dict[str, str | None]) -> bool:
        if self.field is not None:
            return self._meta_matches(meta.get(self.field))
        pattern = like(self.value)
        found = any(text is not None and pattern.search(folded(text)) for text in fields)
        return found is not self.negated

    def _meta_matches(self, stored: str | None) -> bool:
        if self.value == "*":
            return (stored is not None) is not self.negated
        if self.value in {"", "~"}:
            return (not stored) is not self.negated
        found = stored is not None and like(self.value).search(folded(stored)) is not None
        return found is not self.negated

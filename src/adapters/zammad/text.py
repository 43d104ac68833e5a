"""The plain text of an article's HTML."""

import re
from html.parser import HTMLParser

MAX_HTML = 200_000  # characters looked at; inline images make articles of many megabytes
_SILENT = frozenset({"script", "style", "head", "title", "template"})
_BREAKS = frozenset(
    {"address", "article", "blockquote", "br", "dd", "div", "dl", "dt", "figure", "footer", "h1"}
    | {"h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "ol", "p", "pre", "section", "table"}
    | {"tr", "ul"}
)
_TAG = re.compile(r"<[^>]*>?")
_BLANKS = re.compile(r"[^\S\n]+")
_GAPS = re.compile(r" ?\n ?(?:\n ?)+")


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag in _SILENT:
            self._silent += 1
        elif tag in _BREAKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in _BREAKS:
            self.parts.append("\n")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag in _BREAKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data.replace("\n", " "))


def plain_text(html: str) -> str:
    """The visible text of `html`, one line per block, at most one blank line between them."""
    parser = _Text()
    html = html[:MAX_HTML]
    try:
        parser.feed(html)
        parser.close()
        text = "".join(parser.parts)
    except AssertionError:  # html.parser's answer to marked sections it does not know
        text = _TAG.sub(" ", html)
    return tidy(text)


def tidy(text: str) -> str:
    """The text with runs of blanks and of empty lines shortened."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _GAPS.sub("\n\n", _BLANKS.sub(" ", text))
    return "\n".join(line.strip() for line in text.strip().split("\n"))

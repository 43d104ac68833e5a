"""The plain text of an article's HTML."""

import re
from html.parser import HTMLParser

MAX_HTML = 200_000  # characters looked at; inline images make articles of many megabytes
_SILENT = frozenset({"script", "style", "head", "title", "template"})
_PARAGRAPHS = frozenset({"blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "p", "pre", "table"})
_LINES = frozenset(
    {"address", "article", "dd", "div", "dl", "dt", "figure", "footer", "header", "hr", "li"}
    | {"ol", "section", "tr", "ul"}
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
        elif tag == "br":
            self.parts.append("\n")
        else:
            self._boundary(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        else:
            self._boundary(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _SILENT:
            self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        if self._silent or (data.isspace() and self.parts and self.parts[-1] == "\n"):
            return
        self.parts.append(data.replace("\n", " "))

    def _boundary(self, tag: str) -> None:
        """Where a block begins or ends, a line ends; paragraphs keep a distance."""
        if tag in _PARAGRAPHS:
            self.parts += ("\n", "\n")
        elif tag in _LINES and self.parts and self.parts[-1] != "\n":
            self.parts.append("\n")


def plain_text(html: str) -> str:
    """The visible text of `html`: a line per block, at most one blank line in a row."""
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

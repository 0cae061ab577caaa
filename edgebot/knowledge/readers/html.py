"""HTML: what a person would read of a page."""

from __future__ import annotations

import html.parser
import re
from typing import Final

from edgebot.knowledge.document import Document, Section
from edgebot.knowledge.readers import title_from
from edgebot.knowledge.readers.decode import decode
from edgebot.knowledge.readers.table import row_sentence

_UNREAD: Final = {"script", "style", "noscript", "template", "svg", "nav", "header", "footer"} | {
    "form",
    "button",
    "select",
    "aside",
    "iframe",
}
_BLOCKS: Final = {"p", "div", "section", "article", "main", "ul", "ol", "table", "blockquote"} | {
    "pre",
    "dl",
    "figure",
    "hr",
}
_LINES: Final = {"li", "br", "dt", "dd", "tr", "figcaption", "caption"}
_CHARSET = re.compile(rb"""<meta[^>]+charset=["']?([\w-]+)""", re.IGNORECASE)


def read_html(content: bytes, name: str) -> Document:
    """A section for each heading; the title is that of the page."""
    parser = _Reader()
    parser.feed(_text(content))
    parser.close()
    parser.end_section()
    return Document(parser.title or title_from(name), tuple(parser.sections))


def _text(content: bytes) -> str:
    """The page in the encoding it names itself, as far as that is true."""
    named = _CHARSET.search(content[:2048])
    if named:
        try:
            return decode(content.decode(named[1].decode("ascii")).encode("utf-8"))
        except (LookupError, UnicodeDecodeError):
            pass
    return decode(content)


class _Reader(html.parser.HTMLParser):
    """Collects the text of the body below its headings."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self.sections: list[Section] = []
        self._path: list[str] = []
        self._blocks: list[str] = []
        self._words: list[str] = []
        self._unread = 0
        self._inside = ""  # title, h1 … h6 or nothing
        self._header: list[str] = []
        self._cells: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open a part of the page."""
        if tag in _UNREAD:
            self._unread += 1
        elif tag == "title" or re.fullmatch("h[1-6]", tag):
            self._end_block()
            self._inside = tag
        elif tag in _BLOCKS:
            self._end_block()
            self._header = [] if tag == "table" else self._header
        elif tag == "tr":
            self._end_line()
            self._cells = []
        elif tag in _LINES:
            self._end_line()

    def handle_endtag(self, tag: str) -> None:
        """Close a part of the page."""
        if tag in _UNREAD:
            self._unread = max(0, self._unread - 1)
        elif tag == self._inside:
            self._end_heading(tag)
        elif tag in ("td", "th") and self._cells is not None:
            self._cells.append(self._taken())
        elif tag == "tr":
            self._end_row()
        elif tag in _BLOCKS:
            self._end_block()
        elif tag in _LINES:
            self._end_line()

    def handle_data(self, data: str) -> None:
        """Text between two tags."""
        if not self._unread:
            self._words.append(data)

    def end_section(self) -> None:
        """Keep what was read since the last heading."""
        self._end_block()
        if text := "\n\n".join(self._blocks):
            self.sections.append(Section(text, tuple(part for part in self._path if part)))
        self._blocks = []

    def _taken(self) -> str:
        text = " ".join("".join(self._words).split())
        self._words = []
        return text

    def _end_heading(self, tag: str) -> None:
        self._inside = ""
        text = self._taken()
        if tag == "title":
            self.title = text
            return
        self.end_section()
        level = int(tag[1])
        if level == 1 and not self.title:
            self.title = text
        if level == 1 and text == self.title:
            text = ""
        self._path = [*self._path[: level - 1], *([""] * (level - 1 - len(self._path))), text]

    def _end_row(self) -> None:
        cells, self._cells = self._cells or [], None
        if not self._header:
            self._header = cells
        elif sentence := row_sentence(self._header, cells):
            self._words = [*self._words, sentence, "\n"]
            self._end_line()

    def _end_line(self) -> None:
        if text := self._taken():
            self._blocks.append(text)

    def _end_block(self) -> None:
        self._end_line()

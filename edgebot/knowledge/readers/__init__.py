"""Document readers: one file a format, found by the ending of the file's name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edgebot.core.errors import KnowledgeError
from edgebot.core.registry import Registry
from edgebot.knowledge.document import Document

READERS = Registry(
    "document format",
    {
        "csv": "edgebot.knowledge.readers.table:read_csv",
        "export": "edgebot.knowledge.readers.exported:read_export",
        "html": "edgebot.knowledge.readers.html:read_html",
        "markdown": "edgebot.knowledge.readers.markdown:read_markdown",
        "pdf": "edgebot.knowledge.readers.pdf:read_pdf",
        "qa": "edgebot.knowledge.readers.pairs:read_pairs",
        "text": "edgebot.knowledge.readers.text:read_text",
    },
)
"""Format → ``read(content: bytes, name: str) -> Document``; raises ``KnowledgeError``."""

FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".htm": "html",
    ".html": "html",
    ".jsonl": "export",
    ".markdown": "markdown",
    ".md": "markdown",
    ".pdf": "pdf",
    ".text": "text",
    ".txt": "text",
    ".yaml": "qa",
    ".yml": "qa",
}
"""Ending of the file's name → format."""


def format_of(path: Path) -> str | None:
    """The format of a file by its name; None for one that cannot be read."""
    return FORMATS.get(path.suffix.lower())


def read_document(content: bytes, path: Path) -> Document:
    """The document in ``content``, the bytes of the file at ``path``.

    Raises ``KnowledgeError`` with what is wrong with it.
    """
    kind = format_of(path)
    if kind is None:
        known = " ".join(sorted(FORMATS))
        raise KnowledgeError(f"its ending {path.suffix!r} is none of {known}")
    read: Callable[[bytes, str], Document] = READERS.load(kind)
    document = read(content, path.stem)
    if not document.sections and not document.pairs:
        raise KnowledgeError("there is no text in it")
    return document


def title_from(name: str) -> str:
    """A title to be spoken, from the name of a file: ``first_aid`` is ``First aid``."""
    name = name.encode("utf-8", errors="replace").decode("utf-8")  # bytes that are no UTF-8
    words = " ".join(name.replace("_", " ").replace("-", " ").split())
    return words[:1].upper() + words[1:] or "Untitled"

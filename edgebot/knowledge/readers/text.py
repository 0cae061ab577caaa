"""Plain text."""

from __future__ import annotations

from edgebot.knowledge.document import Document, Section
from edgebot.knowledge.readers import title_from
from edgebot.knowledge.readers.decode import decode


def read_text(content: bytes, name: str) -> Document:
    """One section; the title comes from the file's name."""
    text = decode(content).strip()
    return Document(title_from(name), (Section(text),) if text else ())

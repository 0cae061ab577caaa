"""PDF: the text layer of each page."""

from __future__ import annotations

import io
import logging
import re

from edgebot.core.errors import KnowledgeError
from edgebot.knowledge.document import Document, Section
from edgebot.knowledge.readers import title_from

MAX_PAGES = 5000
MAX_CHARACTERS = 50_000_000

_HYPHEN = re.compile(r"(\w)-\n(?=[a-z])")
_WRAPPED = re.compile(r"(?<![.!?:;])\n(?=\S)")


def read_pdf(content: bytes, name: str) -> Document:
    """A section for each page that has text; pictures of text are not read."""
    import pypdf

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # broken files are reported by us
    try:
        reader = pypdf.PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            raise KnowledgeError("it is encrypted; save it without a password")
        if len(reader.pages) > MAX_PAGES:
            raise KnowledgeError(f"it has more than {MAX_PAGES} pages; split it")
        title = str((reader.metadata or {}).get("/Title") or "").strip()
        pages = _pages(reader)
    except KnowledgeError:
        raise
    except Exception as error:  # pypdf lets many kinds of errors out of broken files
        raise KnowledgeError(f"the PDF is broken: {error}") from error
    if not any(pages):
        raise KnowledgeError("it has no text layer (a scan?); run text recognition on it first")
    return Document(title or title_from(name), tuple(Section(page) for page in pages if page))


def _pages(reader: object) -> list[str]:
    pages: list[str] = []
    room = MAX_CHARACTERS
    for page in reader.pages:  # type: ignore[attr-defined]
        text = page.extract_text() or ""
        room -= len(text)
        if room < 0:
            raise KnowledgeError(f"it has more than {MAX_CHARACTERS} characters; split it")
        text = _WRAPPED.sub(" ", _HYPHEN.sub(r"\1", text))
        pages.append(re.sub(r"[ \t]+", " ", text).strip())
    return pages

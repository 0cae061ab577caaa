"""What ``edgebot kb export`` writes: a passage a line, as JSON."""

from __future__ import annotations

import json
from typing import Any

from edgebot.core.errors import KnowledgeError
from edgebot.knowledge.document import Document, Pair, Section
from edgebot.knowledge.readers import title_from
from edgebot.knowledge.readers.decode import decode

_SHAPE = "expected the lines that `edgebot kb export` writes"


def read_export(content: bytes, name: str) -> Document:
    """Each line ``{"title", "heading", "question", "text", "reference", …}``; ``text`` is needed.

    The passages keep the titles they had, so that answers name the document they came from.
    """
    sections: list[Section] = []
    pairs: list[Pair] = []
    for number, line in enumerate(decode(content).split("\n"), start=1):
        if not line.strip():
            continue
        row = _row(line, number)
        headings = tuple(part for part in _text(row, "heading").split(" › ") if part)
        title, text = _text(row, "title"), _text(row, "text")
        questions = tuple(part for part in _text(row, "question").split("\n") if part.strip())
        if not text:
            raise KnowledgeError(f"line {number}: {_SHAPE}")
        if questions:
            pairs.append(Pair(questions, text, _text(row, "reference"), headings, title))
        else:
            sections.append(Section(text, headings, title))
    return Document(title_from(name), tuple(sections), tuple(pairs))


def _row(line: str, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise KnowledgeError(f"line {number}: no JSON; {_SHAPE}") from error
    if not isinstance(row, dict):
        raise KnowledgeError(f"line {number}: {_SHAPE}")
    return row


def _text(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        return ""
    return value.encode("utf-8", errors="replace").decode("utf-8").strip()  # "\ud800" is no letter

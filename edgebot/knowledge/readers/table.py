"""Comma- or tab-separated values: a passage a row, or question–answer pairs."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from edgebot.core.errors import KnowledgeError
from edgebot.knowledge.document import Document, Pair, Section
from edgebot.knowledge.readers import title_from
from edgebot.knowledge.readers.decode import decode

_QUESTION = {"question", "q"}
_ANSWER = {"answer", "a"}


def read_csv(content: bytes, name: str) -> Document:
    """The first line names the columns.

    With a ``question`` and an ``answer`` column each row is a pair; otherwise a row becomes a
    sentence, "Country: France; Capital: Paris."
    """
    text = decode(content)
    csv.field_size_limit(1_000_000)
    try:
        rows = list(csv.reader(io.StringIO(text), _dialect(text)))
    except csv.Error as error:
        raise KnowledgeError(f"no table: {error}") from error
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if len(rows) < 2:
        return Document(title_from(name))
    header = [" ".join(cell.split()) for cell in rows[0]]
    lower = [cell.lower() for cell in header]
    question = next((i for i, cell in enumerate(lower) if cell in _QUESTION), None)
    answer = next((i for i, cell in enumerate(lower) if cell in _ANSWER), None)
    if question is None or answer is None:
        sections = tuple(Section(row_sentence(header, row)) for row in rows[1:])
        return Document(title_from(name), sections)
    pairs = tuple(
        Pair((" ".join(row[question].split()),), " ".join(row[answer].split()))
        for row in rows[1:]
        if len(row) > max(question, answer) and row[question].strip() and row[answer].strip()
    )
    return Document(title_from(name), pairs=pairs)


def row_sentence(header: Sequence[str], cells: Sequence[str]) -> str:
    """A row of a table as a sentence."""
    named = zip(header, (" ".join(cell.split()) for cell in cells), strict=False)
    parts = [f"{column}: {cell}" if column else cell for column, cell in named if cell]
    return "; ".join(parts).rstrip(".") + "." if parts else ""


def _dialect(text: str) -> type[csv.Dialect] | csv.Dialect:
    first = text.partition("\n")[0]
    counts = {mark: first.count(mark) for mark in ",;\t|"}
    chosen = max(counts, key=lambda mark: counts[mark])

    class Found(csv.excel):
        delimiter = chosen

    return Found

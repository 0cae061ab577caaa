"""Looking into a store: passages of a document, counts, everything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from edgebot.knowledge.store import KnowledgeStore


def passages_of(store: KnowledgeStore, document: int) -> list[dict[str, Any]]:
    """The passages of one document, in their order."""
    rows = store.query(
        "SELECT id, heading, question, text, reference FROM passages WHERE document_id = ?"
        " ORDER BY position, id",
        (document,),
    )
    names = ("id", "heading", "question", "text", "reference")
    return [dict(zip(names, row, strict=True)) for row in rows]


def statistics(store: KnowledgeStore) -> dict[str, Any]:
    """Counts of all there is; ``bytes`` is the size of the file and its log."""
    ((documents, passages, pairs, vectors),) = store.query(
        "SELECT (SELECT count(*) FROM documents), (SELECT count(*) FROM passages),"
        " (SELECT count(*) FROM passages WHERE question != ''), (SELECT count(*) FROM embeddings)"
    )
    log = store.path.with_name(store.path.name + "-wal")
    size = store.path.stat().st_size + (log.stat().st_size if log.exists() else 0)
    return {
        "file": str(store.path),
        "bytes": size,
        "documents": documents,
        "passages": passages,
        "pairs": pairs,
        "vectors": vectors,
        "formats": dict(store.query("SELECT format, count(*) FROM documents GROUP BY format")),
        "encoders": [row[0] for row in store.query("SELECT DISTINCT model FROM embeddings")],
        "unfinished": [
            row[0] for row in store.query("SELECT source FROM documents WHERE content_hash IS NULL")
        ],
    }


def export_passages(store: KnowledgeStore) -> Iterator[dict[str, Any]]:
    """All passages with the document they are from, a page of rows at a time."""
    names = ("id", "title", "source", "heading", "question", "text", "reference")
    last = 0
    while rows := store.query(
        "SELECT p.id, p.title, d.source, p.heading, p.question, p.text, p.reference"
        " FROM passages p JOIN documents d ON d.id = p.document_id WHERE p.id > ?"
        " ORDER BY p.id LIMIT 1000",
        (last,),
    ):
        last = rows[-1][0]
        for row in rows:
            yield dict(zip(names, row, strict=True))

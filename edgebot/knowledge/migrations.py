"""The tables of the knowledge base and how older files are brought up to date.

Each step takes a database from one ``user_version`` to the next; steps are only ever appended.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlite_utils import Database

from edgebot.core.errors import StoreError
from edgebot.knowledge.import_lock import import_lock

FTS_COLUMNS = ("title", "heading", "question", "text")
"""Columns of ``passages_fts``, in this order."""


def _tables(db: Database) -> None:
    db.executescript(
        """
        CREATE TABLE documents (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            source TEXT NOT NULL UNIQUE,      -- the file it was read from
            title TEXT NOT NULL,
            format TEXT NOT NULL,             -- markdown, text, html, csv, qa, pdf
            origin TEXT NOT NULL,             -- import: by a person; shipped: came with edgebot
            content_hash TEXT,                -- SHA-256 of the file; empty while it is imported
            bytes INTEGER NOT NULL,
            imported_at TEXT NOT NULL         -- ISO 8601, UTC
        );
        CREATE TABLE passages (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            document_id INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
            position INTEGER NOT NULL,        -- 0, 1, 2 … within the document
            title TEXT NOT NULL,
            heading TEXT NOT NULL,            -- headings above it, outermost first
            question TEXT NOT NULL,           -- of question-answer pairs, one wording a line
            text TEXT NOT NULL,
            reference TEXT NOT NULL           -- where a pair's fact is from
        );
        CREATE INDEX idx_passages_document ON passages(document_id);
        CREATE TABLE embeddings (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            passage_id INTEGER NOT NULL REFERENCES passages(id) ON DELETE CASCADE,
            model TEXT NOT NULL,              -- catalogue id of the encoder
            scale REAL NOT NULL,              -- vector × scale is the unit vector
            vector BLOB NOT NULL              -- int8, as sqlite-vec's vec_int8() takes it
        );
        CREATE INDEX idx_embeddings_passage ON embeddings(passage_id);
        CREATE TABLE settings (
            key TEXT PRIMARY KEY,
            value TEXT NOT NULL
        );
        CREATE TABLE unwanted (
            source TEXT PRIMARY KEY           -- shipped files a person removed: not imported again
        );
        """
    )
    db["passages"].enable_fts(
        FTS_COLUMNS, tokenize="porter unicode61 remove_diacritics 2", create_triggers=True
    )
    db.executescript("CREATE VIRTUAL TABLE passages_terms USING fts5vocab(passages_fts, row);")


MIGRATIONS: tuple[Callable[[Database], None], ...] = (_tables,)


def migrate(db: Database, path: Path) -> None:
    """Bring ``db``, the file at ``path``, up to date, each step whole or not at all.

    Several processes may open a new file at the same moment: one of them makes the tables. Raises
    ``StoreError`` for a file that a newer edgebot wrote.
    """
    if _version(db) == len(MIGRATIONS):
        return
    with import_lock(path, lambda: None):
        _take_steps(db)


def _version(db: Database) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _take_steps(db: Database) -> None:
    version = _version(db)
    if version > len(MIGRATIONS):
        raise StoreError(
            f"the knowledge base was written by a newer edgebot (version {version}, this one knows "
            f"{len(MIGRATIONS)}); update edgebot or set knowledge.file to another file"
        )
    for number, step in enumerate(MIGRATIONS[version:], start=version + 1):
        with db.atomic():
            step(db)
            db.execute(f"PRAGMA user_version = {number}")

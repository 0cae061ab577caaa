"""The knowledge base in one SQLite file.

Several processes may have it open: readers never wait (write-ahead log), writers take turns, and
``data_version`` tells a reader that another process changed something.
"""

from __future__ import annotations

import contextlib
import datetime
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from edgebot.core.errors import StoreError
from edgebot.knowledge.document import Draft
from edgebot.knowledge.migrations import migrate

BUSY_MS = 30_000
"""How long a writer waits for its turn."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """The vectors of one passage."""

    model: str
    vectors: Sequence[tuple[float, bytes]]
    """(scale, int8 values) each."""


class KnowledgeStore:
    """Documents, passages and vectors. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        """Open or make the file. Raises ``StoreError`` when it is damaged or cannot be written."""
        self.path = path
        self.lock = threading.RLock()
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(
                path, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False
            )
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute("PRAGMA foreign_keys = ON")
                connection.execute("PRAGMA secure_delete = ON")  # what is removed is overwritten
                connection.execute("PRAGMA cache_size = -8000")
                self.db = Database(connection)
                migrate(self.db, path)
            except BaseException:
                connection.close()
                raise

    def close(self) -> None:
        """Close the file."""
        with self.lock:
            self.db.close()

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """SQLite's and the file system's complaints as ``StoreError`` with the next step."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{self.path}: {error}; {_advice(error)}") from error

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Database]:
        """Everything in the block happens or nothing. Raises ``StoreError``."""
        with self.lock, self._explained():
            self.db.conn.execute("BEGIN IMMEDIATE")
            try:
                yield self.db
                self.db.conn.execute("COMMIT")
            except BaseException:
                if self.db.conn.in_transaction:
                    self.db.conn.execute("ROLLBACK")
                raise

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a reading statement. Raises ``StoreError``."""
        with self.lock, self._explained():
            rows: list[tuple[Any, ...]] = self.db.conn.execute(sql, parameters).fetchall()
            return rows

    def data_version(self) -> int:
        """Changes whenever another connection has committed something."""
        return int(self.query("PRAGMA data_version")[0][0])

    # -- documents ---------------------------------------------------------------------------

    def documents(self) -> list[dict[str, Any]]:
        """All documents with the number of their passages, by title."""
        with self.lock, self._explained():
            return list(
                self.db.query(
                    "SELECT d.id, d.title, d.source, d.format, d.origin, d.bytes, d.imported_at,"
                    " (SELECT count(*) FROM passages p WHERE p.document_id = d.id) AS passages"
                    " FROM documents d ORDER BY d.title, d.source"
                )
            )

    def sources(self) -> dict[str, tuple[int, str | None, str]]:
        """Source → (document id, content hash or None while incomplete, origin)."""
        rows = self.query("SELECT source, id, content_hash, origin FROM documents")
        return {source: (number, digest, origin) for source, number, digest, origin in rows}

    def begin_document(
        self, source: str, title: str, format: str, origin: str, size: int
    ) -> tuple[int, dict[Draft, int]]:
        """Make room for a document; what it held before stays until :meth:`finish_document`.

        Returns its id and the passages it has already, so that their vectors are not computed
        again.
        """
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        with self.transaction() as db:
            db.conn.execute(
                "INSERT INTO documents (source, title, format, origin, bytes, imported_at)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (source) DO UPDATE SET title = ?2,"
                " format = ?3, origin = ?4, bytes = ?5, imported_at = ?6, content_hash = NULL",
                (source, title, format, origin, size, now),
            )
            (number,) = db.conn.execute(
                "SELECT id FROM documents WHERE source = ?", (source,)
            ).fetchone()
            rows = db.conn.execute(
                "SELECT title, heading, text, question, reference, id FROM passages"
                " WHERE document_id = ?",
                (number,),
            ).fetchall()
        return number, {Draft(*row[:5]): row[5] for row in rows}

    def add_passages(
        self,
        rows: Iterable[tuple[int, int, Draft, Encoded]],
        moved: Iterable[tuple[int, int]] = (),
    ) -> None:
        """Store passages with their vectors: (document, position, draft, vectors).

        ``moved`` are passages that stay as they are at a new position: (position, id).
        """
        with self.transaction() as db:
            db.conn.executemany("UPDATE passages SET position = ? WHERE id = ?", moved)
            for document, position, draft, encoded in rows:
                cursor = db.conn.execute(
                    "INSERT INTO passages (document_id, position, title, heading, text, question,"
                    " reference) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (document, position, *_columns(draft)),
                )
                _add_vectors(db, cursor.lastrowid, encoded)

    def finish_document(self, document: int, digest: str, stale: Iterable[int]) -> None:
        """Mark a document as complete and drop the passages that are no longer in it."""
        with self.transaction() as db:
            db.conn.executemany("DELETE FROM passages WHERE id = ?", ((one,) for one in stale))
            db.conn.execute(
                "UPDATE documents SET content_hash = ? WHERE id = ?", (digest, document)
            )

    def delete_documents(self, documents: Iterable[int]) -> int:
        """Delete documents with all that belongs to them; returns how many there were."""
        with self.transaction() as db:
            count = 0
            for number in documents:
                cursor = db.conn.execute("DELETE FROM documents WHERE id = ?", (number,))
                count += cursor.rowcount
        return count

    def purge(self) -> None:
        """Overwrite what deleted documents left in the file, its index and its log.

        Raises ``StoreError`` when another process keeps an old state open for longer than
        :data:`BUSY_MS`; the documents are gone all the same, their bytes are not yet.
        """
        with self.lock, self._explained():
            connection = self.db.conn
            connection.execute("INSERT INTO passages_fts (passages_fts) VALUES ('optimize')")
            connection.execute("VACUUM")
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StoreError(
                f"{self.path}: the log is in use by another process, so that removed text may still"
                " be in it; run `edgebot kb vacuum` when the assistant is idle"
            )

    # -- vectors -----------------------------------------------------------------------------

    def without_vector(self, model: str, limit: int) -> list[tuple[int, Draft]]:
        """Passages that ``model`` has not encoded yet."""
        rows = self.query(
            "SELECT id, title, heading, text, question, reference FROM passages p WHERE NOT EXISTS"
            " (SELECT 1 FROM embeddings e WHERE e.passage_id = p.id AND e.model = ?) LIMIT ?",
            (model, limit),
        )
        return [(row[0], Draft(*row[1:])) for row in rows]

    def set_vectors(self, rows: Iterable[tuple[int, Encoded]]) -> None:
        """Store the vectors of passages; those of other encoders go."""
        with self.transaction() as db:
            for passage, encoded in rows:
                db.conn.execute("DELETE FROM embeddings WHERE passage_id = ?", (passage,))
                _add_vectors(db, passage, encoded)

    # -- settings of the file ----------------------------------------------------------------

    def setting(self, key: str) -> str | None:
        """A value that :meth:`set_setting` kept; None when there is none."""
        rows = self.query("SELECT value FROM settings WHERE key = ?", (key,))
        return str(rows[0][0]) if rows else None

    def set_setting(self, values: Mapping[str, str]) -> None:
        """Keep small values next to the documents."""
        with self.transaction() as db:
            db.conn.executemany(
                "INSERT INTO settings VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = ?2",
                list(values.items()),
            )


def _add_vectors(db: Database, passage: int | None, encoded: Encoded) -> None:
    db.conn.executemany(
        "INSERT INTO embeddings (passage_id, model, scale, vector) VALUES (?, ?, ?, ?)",
        ((passage, encoded.model, scale, vector) for scale, vector in encoded.vectors),
    )


def _columns(draft: Draft) -> tuple[str, str, str, str, str]:
    return draft.title, draft.heading, draft.text, draft.question, draft.reference


def _advice(error: Exception) -> str:
    text = str(error).lower()
    if "full" in text or "no space" in text:
        return "make room on the disk and run the same command again: what was done is kept"
    if "locked" in text or "busy" in text:
        return "another process is writing; try again"
    if "malformed" in text or "not a database" in text or "corrupt" in text:
        return "move the file away and run `edgebot kb import` again"
    return "check that the folder is there and may be written to"

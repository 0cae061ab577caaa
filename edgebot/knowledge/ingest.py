"""Importing: from files to stored passages with their vectors."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from edgebot.core.embedding import Embedder
from edgebot.core.errors import KnowledgeError, StoreError
from edgebot.knowledge.document import Draft, ImportReport
from edgebot.knowledge.import_lock import import_lock
from edgebot.knowledge.passages import cut
from edgebot.knowledge.prepared import PreparedPassages, Ready
from edgebot.knowledge.readers import format_of, read_document
from edgebot.knowledge.store import Encoded, KnowledgeStore
from edgebot.knowledge.vectors import quantised
from edgebot.knowledge.walk import Found, find, source_of

BATCH = 128
"""Passages that are encoded and committed together: what a kill can lose."""

Progress = Callable[[int, str], None]
"""Told the bytes that were worked off since the last call, and the file they are from."""


@dataclass(slots=True)
class _Open:
    """A document whose passages are on their way into the store."""

    number: int
    digest: str
    kept: dict[Draft, int]
    """Passages it had before, minus those found again: at the end, the stale ones."""

    waiting: int = 0
    """Its passages that are not stored yet."""

    moved: list[tuple[int, int]] = field(default_factory=list)


class Importer:
    """Brings files into a store. Incremental: what has not changed costs its hash only."""

    def __init__(
        self,
        store: KnowledgeStore,
        embedder: Embedder,
        max_bytes: int,
        origin: str = "import",
        prepared: PreparedPassages | None = None,
    ) -> None:
        """``max_bytes`` is the size above which a file is refused.

        What is ``prepared`` is neither read nor encoded.
        """
        self._store = store
        self._embedder = embedder
        self._max_bytes = max_bytes
        self._origin = origin
        self._prepared = prepared
        self._report = ImportReport()
        self._queue: list[tuple[_Open, int, Draft]] = []
        self._progress: Progress = lambda _bytes, _name: None
        self._failed: Callable[[str, str], None] = lambda _source, _reason: None

    def run(
        self,
        paths: Iterable[Path],
        progress: Progress | None = None,
        waiting: Callable[[], None] = lambda: None,
        found: Callable[[Found], None] = lambda _found: None,
        failed: Callable[[str, str], None] = lambda _source, _reason: None,
    ) -> ImportReport:
        """Import files and folders; returns what was done and what failed, file by file.

        ``found`` is told what there is to do, ``failed`` each file that fails and why; ``waiting``
        is called when another import has to end first. A file that cannot be read fails alone, and
        what was known from it is kept. Raises ``StoreError`` when the database cannot be written;
        all finished batches stay in it, and the next run goes on from there.
        """
        self._progress = progress or self._progress
        self._failed = failed
        with import_lock(self._store.path, waiting):
            files = find(paths)
            found(files)
            self._report = ImportReport(skipped=files.skipped, failed=dict(files.failed))
            self._catch_up()
            known = self._store.sources()
            unwanted = self._unwanted(files)
            for source, path in files.files.items():
                if source not in unwanted:
                    self._import_file(source, path, known.get(source))
            self._flush()
            self._remove_vanished(files, known)
        return self._report

    def _unwanted(self, files: Found) -> set[str]:
        """Shipped files a person removed; an import by a person wants them again."""
        if self._origin == "shipped":
            return {row[0] for row in self._store.query("SELECT source FROM unwanted")}
        with self._store.transaction() as db:
            db.conn.executemany(
                "DELETE FROM unwanted WHERE source = ?", [(source,) for source in files.files]
            )
        return set()

    def _import_file(
        self, source: str, path: Path, known: tuple[int, str | None, str] | None
    ) -> None:
        try:
            content = self._content(path)
            digest = hashlib.sha256(content).hexdigest()
            if known and known[1] == digest:
                self._report.unchanged += 1
                self._progress(len(content), source)
                return
            ready = self._ready(content, path)
            document = None if ready else read_document(content, path)
            drafts = cut(document) if document else []
            if document and not drafts:
                raise KnowledgeError("there is no text in it")
        except KnowledgeError as error:
            self._fail(source, path, str(error))
            return
        except (OSError, MemoryError) as error:
            reason = getattr(error, "strerror", None) or "not enough memory"
            self._fail(source, path, f"cannot be read ({reason})")
            return
        kind = format_of(path) or ""
        title = ready.title if ready else document.title if document else ""
        number, kept = self._store.begin_document(source, title, kind, self._origin, len(content))
        opened = _Open(number, digest, kept)
        self._report.changed += known is not None
        self._report.added += known is None
        if ready:
            self._copy(opened, ready)
            self._progress(len(content), source)
        else:
            self._enqueue(opened, drafts, source, len(content))

    def _ready(self, content: bytes, path: Path) -> Ready | None:
        if self._prepared is None:
            return None
        return self._prepared.find(content, path.name, self._embedder.model_id)

    def _copy(self, opened: _Open, ready: Ready) -> None:
        fresh = []
        for place, (draft, encoded) in enumerate(ready.passages.items()):
            if draft in opened.kept:
                opened.moved.append((place, opened.kept.pop(draft)))
            else:
                fresh.append((opened.number, place, draft, encoded))
        self._store.add_passages(fresh)
        self._report.passages += len(fresh)
        self._finish(opened)

    def _content(self, path: Path) -> bytes:
        size = path.stat().st_size
        if size > self._max_bytes:
            raise KnowledgeError(
                f"it has {size / 1e6:.0f} MB, more than the {self._max_bytes / 1e6:.0f} MB that are"
                " taken; split it or raise knowledge.max_file_mb"
            )
        with path.open("rb") as file:
            return file.read(self._max_bytes + 1)

    def _fail(self, source: str, path: Path, reason: str) -> None:
        self._report.failed[source] = reason
        self._failed(source, reason)
        try:
            self._progress(path.stat().st_size, source)
        except OSError:
            self._progress(0, source)

    def _enqueue(self, opened: _Open, drafts: list[Draft], source: str, size: int) -> None:
        fresh = [(place, one) for place, one in enumerate(drafts) if one not in opened.kept]
        opened.moved = [
            (place, opened.kept.pop(one)) for place, one in enumerate(drafts) if one in opened.kept
        ]
        opened.waiting = len(fresh)
        told = 0
        for done, (place, draft) in enumerate(fresh, start=1):
            self._queue.append((opened, place, draft))
            if len(self._queue) >= BATCH:
                self._flush()
                share = size * done // len(fresh)
                self._progress(share - told, source)
                told = share
        if not fresh:
            self._finish(opened)
        self._progress(size - told, source)

    def _flush(self) -> None:
        """Encode and store what is waiting, then finish the documents that are whole."""
        queue, self._queue = self._queue, []
        if not queue:
            return
        encoded = self._encode([draft for *_, draft in queue])
        self._store.add_passages(
            (opened.number, place, draft, vectors)
            for (opened, place, draft), vectors in zip(queue, encoded, strict=True)
        )
        self._report.passages += len(queue)
        for opened, _, _ in queue:
            opened.waiting -= 1
            if not opened.waiting:
                self._finish(opened)

    def _finish(self, opened: _Open) -> None:
        self._store.add_passages((), opened.moved)
        self._store.finish_document(opened.number, opened.digest, opened.kept.values())

    def _remove_vanished(self, files: Found, known: dict[str, tuple[int, str | None, str]]) -> None:
        """Delete documents whose file is gone from a folder that could be searched."""
        gone = [
            number
            for source, (number, _, origin) in known.items()
            if source not in files.files
            and not any(source == bad or _below(source, bad) for bad in files.failed)
            and (
                any(_below(source, root) for root in files.roots)
                or (self._origin == "shipped" and origin == "shipped")
            )
        ]
        if gone:
            self._report.removed = self._store.delete_documents(gone)
            self._store.purge()

    def _catch_up(self) -> None:
        """Encode passages that another encoder, or none, has encoded before."""
        model = self._embedder.model_id
        while missing := self._store.without_vector(model, BATCH):
            encoded = self._encode([draft for _, draft in missing])
            self._store.set_vectors(
                (passage, vectors) for (passage, _), vectors in zip(missing, encoded, strict=True)
            )

    def _encode(self, drafts: list[Draft]) -> list[Encoded]:
        texts = [text for draft in drafts for text in draft.embedded_texts]
        rows, scales = quantised(self._embedder.embed(texts))
        vectors = iter(zip(scales.tolist(), (row.tobytes() for row in rows), strict=True))
        return [
            Encoded(self._embedder.model_id, [next(vectors) for _ in draft.embedded_texts])
            for draft in drafts
        ]


def _below(source: str, folder: str) -> bool:
    return source.startswith(folder.rstrip("/") + "/")


def fingerprint(folder: Path, model: str) -> str:
    """Changes when a file in ``folder`` is added, removed, touched or resized."""
    marks = [model]
    for source, path in find([folder]).files.items():
        status = path.stat()
        marks.append(f"{source}\0{status.st_size}\0{status.st_mtime_ns}")
    return hashlib.sha256("\n".join(marks).encode()).hexdigest()


def sync_shipped(
    store: KnowledgeStore,
    embedder: Embedder,
    folder: Path,
    max_bytes: int,
    prepared: PreparedPassages | None = None,
) -> ImportReport | None:
    """Import the documents edgebot ships, unless nothing has changed since the last time.

    Returns None when there was nothing to do, after a look at the files' dates only. Raises
    ``ImportBusy`` when another import is running, rather than wait for it.
    """
    mark = fingerprint(folder, embedder.model_id)
    if store.setting("shipped") == mark:
        return None
    _follow(store, folder)
    importer = Importer(store, embedder, max_bytes, "shipped", prepared)
    report = importer.run([folder], waiting=_refuse)
    store.set_setting({"shipped": mark, "shipped_folder": source_of(folder)})
    return report


def _follow(store: KnowledgeStore, folder: Path) -> None:
    """The shipped documents lie elsewhere after an update: they are the same ones all the same.

    What has not changed is then not read again, and what a person removed stays away.
    """
    new, old = source_of(folder), store.setting("shipped_folder")
    if old is None:  # kept by an edgebot that did not note it
        found = store.query("SELECT source FROM documents WHERE origin = 'shipped'")
        parents = {str(Path(row[0]).parent) for row in found}
        old = os.path.commonpath(parents) if len(parents) > 1 else new
    if old == new or not old:
        return
    inside, start = f"{old}/", len(old) + 1
    with store.transaction() as db:
        for table, only in (("documents", " AND origin = 'shipped'"), ("unwanted", "")):
            db.execute(
                f"UPDATE OR IGNORE {table} SET source = ? || substr(source, ?)"
                f" WHERE substr(source, 1, ?) = ?{only}",
                (new, start, start, inside),
            )


class ImportBusy(StoreError):
    """Another import is running."""


def _refuse() -> None:
    raise ImportBusy("another import is running; the shipped documents are looked at next time")

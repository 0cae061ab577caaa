"""Passages that were made before: a bundle's maker encodes the shipped documents once for all.

A folder holds a file a document and encoder, named by both. It is only read by the code that it was
made with (they are parts of one release), so what is found needs no version.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

from edgebot.core.errors import StoreError
from edgebot.knowledge.document import Draft
from edgebot.knowledge.store import Encoded, KnowledgeStore

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ready:
    """A document whose passages need neither be cut nor encoded."""

    title: str
    passages: dict[Draft, Encoded]
    """In their order."""


class PreparedPassages:
    """A folder of documents that are ready; it may be missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, content: bytes, name: str, model: str) -> Ready | None:
        """The document ``content`` of a file called ``name``, encoded by ``model``."""
        path = self._path(content, name, model)
        try:
            data = json.loads(path.read_bytes())
            passages = {
                Draft(*row["draft"]): Encoded(
                    model, [(float(scale), base64.b64decode(raw)) for scale, raw in row["vectors"]]
                )
                for row in data["passages"]
            }
            return Ready(str(data["title"]), passages)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as problem:
            _log.warning("%s: %s; the document is read instead", path, problem)
            return None

    def add(self, content: bytes, name: str, model: str, ready: Ready) -> None:
        """Keep ``ready`` for :meth:`find`; the same bytes for the same document."""
        rows = [
            {
                "draft": astuple(draft),
                "vectors": [[scale, base64.b64encode(raw).decode()] for scale, raw in one.vectors],
            }
            for draft, one in ready.passages.items()
        ]
        path = self._path(content, name, model)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"title": ready.title, "passages": rows}, indent=0) + "\n")

    def _path(self, content: bytes, name: str, model: str) -> Path:
        digest = hashlib.sha256(b"\0".join((name.encode(), model.encode(), content)))
        return self._folder / f"{digest.hexdigest()[:32]}.json"


def export(store: KnowledgeStore, sources: Iterable[Path], model: str, folder: Path) -> int:
    """Write the documents that were imported from ``sources`` to ``folder``; how many.

    Raises :class:`StoreError` when one is not whole in ``store``.
    """
    prepared, count = PreparedPassages(folder), 0
    known = store.sources()
    for path in sources:
        content = path.read_bytes()
        number, digest, _ = known.get(str(path), (0, None, ""))
        if digest != hashlib.sha256(content).hexdigest():
            raise StoreError(f"{path} was not imported whole; import it again")
        prepared.add(content, path.name, model, _stored(store, number, model))
        count += 1
    return count


def _stored(store: KnowledgeStore, document: int, model: str) -> Ready:
    ((title,),) = store.query("SELECT title FROM documents WHERE id = ?", (document,))
    passages: dict[Draft, Encoded] = {}
    for row in store.query(
        "SELECT id, title, heading, text, question, reference FROM passages"
        " WHERE document_id = ? ORDER BY position",
        (document,),
    ):
        vectors = store.query(
            "SELECT scale, vector FROM embeddings WHERE passage_id = ? AND model = ? ORDER BY id",
            (row[0], model),
        )
        passages[Draft(*row[1:])] = Encoded(model, vectors)
    return Ready(title, passages)

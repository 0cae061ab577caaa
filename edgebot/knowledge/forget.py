"""Removing documents for good."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from edgebot.core.errors import KnowledgeError
from edgebot.knowledge.store import KnowledgeStore
from edgebot.knowledge.walk import source_of


def find_documents(store: KnowledgeStore, names: Sequence[str]) -> list[dict[str, Any]]:
    """The documents meant by numbers, files, folders or titles.

    Raises ``KnowledgeError`` for a name that means none.
    """
    known = store.documents()
    chosen: dict[int, dict[str, Any]] = {}
    for name in names:
        place = source_of(Path(name))
        found = [
            one
            for one in known
            if name == str(one["id"])
            or one["source"] in (name, place)
            or one["source"].startswith(place.rstrip("/") + "/")
            or one["title"] == name
        ]
        if not found:
            raise KnowledgeError(f"there is no document {name!r}; see `edgebot kb list`")
        chosen |= {one["id"]: one for one in found}
    return list(chosen.values())


def forget(store: KnowledgeStore, documents: Iterable[dict[str, Any]], shipped: Path) -> None:
    """Delete documents and overwrite what they leave in the file.

    Those of the ``shipped`` folder are noted, so that they do not come back by themselves.
    """
    documents = list(documents)
    folder = source_of(shipped) + "/"
    with store.transaction() as db:
        db.conn.executemany(
            "INSERT OR IGNORE INTO unwanted VALUES (?)",
            [(one["source"],) for one in documents if one["source"].startswith(folder)],
        )
    store.delete_documents(one["id"] for one in documents)
    store.purge()

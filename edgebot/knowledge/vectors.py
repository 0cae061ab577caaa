"""Vectors as 8-bit integers, and the exact search through all of them.

A unit vector of 384 numbers is stored as 384 signed bytes and one factor. A query is compared with
every vector (no index that could miss one) in blocks small enough to stay in the processor's
cache while they are widened to float32: 100,000 vectors are 38 MB of memory and about 10 ms.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from edgebot.core.embedding import Vectors
from edgebot.knowledge.store import KnowledgeStore

Ids: TypeAlias = npt.NDArray[np.int64]

_BLOCK = 256  # rows; 256 x 384 x 4 bytes fit into a 512 KB second-level cache


def quantised(vectors: Vectors) -> tuple[npt.NDArray[np.int8], Vectors]:
    """Int8 rows and the factor of each, for unit ``vectors`` of shape (n, dimensions)."""
    peaks = np.maximum(np.abs(vectors).max(axis=1, initial=0.0), 1e-9)
    rows = np.rint(vectors * (127.0 / peaks)[:, np.newaxis]).astype(np.int8)
    return rows, (peaks / 127.0).astype(np.float32)


class VectorScan:
    """All vectors of one encoder in memory, kept up to date with the store."""

    def __init__(self, store: KnowledgeStore, model: str, dimensions: int) -> None:
        self._store = store
        self._model = model
        self._dimensions = dimensions
        self._version = -1
        self._last = 0  # highest id of the embeddings table that was read
        self._keys: Ids = np.zeros(0, np.int64)  # embeddings.id
        self._passages: Ids = np.zeros(0, np.int64)
        self._scales: Vectors = np.zeros(0, np.float32)
        self._rows: npt.NDArray[np.int8] = np.zeros((0, dimensions), np.int8)
        self._buffer: Vectors = np.empty((_BLOCK, dimensions), np.float32)

    def __len__(self) -> int:
        return len(self._passages)

    def refresh(self, force: bool = False) -> None:
        """Take over what this or another process changed since the last call."""
        version = self._store.data_version()
        if version == self._version and not force:
            return
        self._drop_removed()
        self._append_new()
        self._version = version

    def _drop_removed(self) -> None:
        count, last = self._store.query(
            "SELECT count(*), max(id) FROM embeddings WHERE id <= ? AND model = ?",
            (self._last, self._model),
        )[0]
        if count == len(self._keys):
            return
        alive = self._store.query(
            "SELECT id FROM embeddings WHERE id <= ? AND model = ?", (last or 0, self._model)
        )
        keep = np.isin(self._keys, np.array([row[0] for row in alive], np.int64))
        self._keys, self._passages = self._keys[keep], self._passages[keep]
        self._scales, self._rows = self._scales[keep], self._rows[keep]

    def _append_new(self) -> None:
        keys, passages = [self._keys], [self._passages]
        scales, vectors = [self._scales], [self._rows]
        while rows := self._store.query(
            "SELECT id, passage_id, scale, vector FROM embeddings"
            " WHERE id > ? AND model = ? AND length(vector) = ? ORDER BY id LIMIT 8192",
            (self._last, self._model, self._dimensions),
        ):
            key, passage, scale, vector = zip(*rows, strict=True)
            self._last = key[-1]
            keys.append(np.array(key, np.int64))
            passages.append(np.array(passage, np.int64))
            scales.append(np.array(scale, np.float32))
            vectors.append(np.frombuffer(b"".join(vector), np.int8).reshape(-1, self._dimensions))
        if len(keys) > 1:
            self._keys, self._passages = np.concatenate(keys), np.concatenate(passages)
            self._scales, self._rows = np.concatenate(scales), np.concatenate(vectors)

    def cosines(self, query: Vectors) -> Vectors:
        """Similarity of each vector to the unit vector ``query``, in the order of the ids."""
        found = np.empty(len(self._rows), np.float32)
        for start in range(0, len(self._rows), _BLOCK):
            block = self._rows[start : start + _BLOCK]
            wide = self._buffer[: len(block)]
            np.copyto(wide, block)
            np.dot(wide, query, out=found[start : start + _BLOCK])
        return found * self._scales

    def nearest(self, query: Vectors, top: int) -> dict[int, float]:
        """Passage id → cosine of the ``top`` nearest passages, nearest first."""
        similar = self.cosines(query)
        count = min(4 * top, len(similar))  # a passage may have several vectors
        if not count:
            return {}
        chosen = np.argpartition(-similar, count - 1)[:count]
        # Equal similarities in the order of the ids, so that every run and backend agrees.
        chosen = chosen[np.lexsort((self._passages[chosen], -similar[chosen]))]
        best: dict[int, float] = {}
        for index in chosen:
            best.setdefault(int(self._passages[index]), float(similar[index]))
        return dict(list(best.items())[:top])

    def cosines_of(self, query: Vectors, passages: list[int]) -> dict[int, float]:
        """Passage id → cosine of its nearest vector, for some passages."""
        wanted = np.flatnonzero(np.isin(self._passages, np.array(passages, np.int64)))
        similar = (self._rows[wanted].astype(np.float32) @ query) * self._scales[wanted]
        best: dict[int, float] = {}
        for passage, cosine in zip(self._passages[wanted].tolist(), similar.tolist(), strict=True):
            best[passage] = max(cosine, best.get(passage, -1.0))
        return best

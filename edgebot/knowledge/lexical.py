"""Search by words: SQLite's full-text index, ranked by BM25.

S. Robertson and H. Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009);
SQLite's constants are k1 = 1.2 and b = 0.75.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgebot.knowledge.porter import stem
from edgebot.knowledge.store import KnowledgeStore

MAX_ROWS = 12_000
"""Passages a query may touch. Beyond it the commonest words are left out: they would cost the most
time and tell the least."""

_WEIGHTS = "0.5, 1.0, 1.0, 1.0"  # of title, heading, question, text


class LexicalIndex:
    """The full-text index and how rare each word is in it."""

    def __init__(self, store: KnowledgeStore) -> None:
        self._store = store
        self._version = -1
        self._passages = 0
        self._counts: dict[str, int] = {}

    def refresh(self) -> None:
        """Forget word counts that another process may have changed."""
        version = self._store.data_version()
        if version != self._version:
            self._version = version
            self._counts.clear()
            self._passages = int(self._store.query("SELECT count(*) FROM passages")[0][0])

    def count(self, stemmed: str) -> int:
        """Number of passages a stem occurs in."""
        if stemmed not in self._counts:
            rows = self._store.query("SELECT doc FROM passages_terms WHERE term = ?", (stemmed,))
            self._counts[stemmed] = int(rows[0][0]) if rows else 0
        return self._counts[stemmed]

    def idf(self, stemmed: str) -> float:
        """Inverse document frequency, at least 0; the rarer a stem, the higher."""
        count = self.count(stemmed)
        return max(0.0, math.log((self._passages - count + 0.5) / (count + 0.5) + 1.0))

    def search(self, words: Sequence[str], top: int) -> dict[int, float]:
        """Passage id → BM25 (0 or more, higher is better) of the best passages, best first."""
        terms = self._affordable(words)
        if not terms:
            return {}
        rows = self._store.query(
            f"SELECT rowid, -bm25(passages_fts, {_WEIGHTS}) AS score FROM passages_fts"
            " WHERE passages_fts MATCH ? ORDER BY score DESC, rowid LIMIT ?",
            (_any_of(terms), top),
        )
        return {number: max(score, 0.0) for number, score in rows}

    def scores_of(self, words: Sequence[str], passages: Sequence[int]) -> dict[int, float]:
        """Passage id → BM25 for those of ``passages`` that hold one of the words."""
        terms = self._affordable(words)
        if not terms or not passages:
            return {}
        rows = self._store.query(
            f"SELECT rowid, -bm25(passages_fts, {_WEIGHTS}) FROM passages_fts WHERE passages_fts"
            f" MATCH ? AND rowid IN ({','.join('?' * len(passages))})",
            (_any_of(terms), *passages),
        )
        return {number: max(score, 0.0) for number, score in rows}

    def _affordable(self, words: Sequence[str]) -> list[str]:
        """The words that occur at all, rarest first, as far as :data:`MAX_ROWS` goes."""
        counted = sorted((self.count(stem(word)), word) for word in dict.fromkeys(words))
        chosen: list[str] = []
        rows = 0
        for count, word in counted:
            rows += count
            if chosen and rows > MAX_ROWS:
                break
            if count:
                chosen.append(word)
        return chosen


def _any_of(words: Sequence[str]) -> str:
    return " OR ".join('"' + word.replace('"', '""') + '"' for word in words)

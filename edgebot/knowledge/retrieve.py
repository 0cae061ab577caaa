"""Hybrid search: words and meaning, fused, told apart from near-duplicates, and judged.

The best by BM25 and the best by cosine are fused by reciprocal rank (G. Cormack, C. Clarke,
S. Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods",
SIGIR 2009); the first of the fused list are then judged by a logistic model over what speaks for
each, whose probability is the score and the final order.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from edgebot.core.embedding import Vectors
from edgebot.core.knowledge import Passage
from edgebot.knowledge.features import (
    Question,
    coverage,
    heaviest_missing,
    neighbours,
    numbers_found,
    type_sign,
)
from edgebot.knowledge.lexical import LexicalIndex
from edgebot.knowledge.logistic import fitted
from edgebot.knowledge.sentences import split_sentences
from edgebot.knowledge.store import KnowledgeStore
from edgebot.knowledge.vectors import VectorScan
from edgebot.knowledge.words import stems_of

DEPTH = 50
"""Passages taken from each of the two searches."""

JUDGED = 12
"""Passages of the fused list that are looked at closely, at least."""

RANK_CONSTANT = 10
"""k of the reciprocal rank fusion; small, since both lists are good at the top."""

SAME = 0.85
"""Share of common words from which two passages count as the same."""


@dataclass(frozen=True, slots=True)
class Row:
    """A stored passage."""

    id: int
    title: str
    source: str
    heading: str
    question: str
    text: str


@dataclass(frozen=True, slots=True)
class Stems:
    """A passage taken apart, once."""

    above: list[str]
    """Of its title, headings and question."""

    sentences: list[list[str]]

    @property
    def body(self) -> list[str]:
        """Of the text, in order."""
        return list(itertools.chain.from_iterable(self.sentences))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage with what both searches say about it."""

    row: Row
    stems: Stems
    bm25: float
    cosine: float
    lexical_rank: int
    semantic_rank: int

    @property
    def fused(self) -> float:
        """Reciprocal rank fusion, 0 … 2/(k+1)."""
        return sum(
            1.0 / (RANK_CONSTANT + rank + 1) for rank in (self.lexical_rank, self.semantic_rank)
        )


class Retriever:
    """Searches one store."""

    def __init__(self, store: KnowledgeStore, lexical: LexicalIndex, scan: VectorScan) -> None:
        self._store = store
        self._lexical = lexical
        self._scan = scan
        self._side = ThreadPoolExecutor(1, "knowledge")

    def close(self) -> None:
        """End the helping thread."""
        self._side.shutdown()

    def search(self, question: Question, encode: Callable[[], Vectors], top: int) -> list[Passage]:
        """The best passages, best first, none of them nearly the same as a better one.

        ``encode`` makes the question's vector; the search by words goes on meanwhile.
        """
        found = self.candidates(question, encode, max(JUDGED, 2 * top))
        model = fitted("passage")
        judged = sorted(
            ((model.probability(passage_features(question, one)), one) for one in found),
            key=lambda pair: (-pair[0], pair[1].row.id),
        )
        return [_passage(candidate, score) for score, candidate in _without_twins(judged, top)]

    def candidates(
        self, question: Question, encode: Callable[[], Vectors], count: int
    ) -> list[Candidate]:
        """The ``count`` best of the fused list."""
        started = self._side.submit(self._lexical.search, question.words, max(DEPTH, count))
        try:
            vector = encode()
            semantic = self._scan.nearest(vector, max(DEPTH, count))
        finally:
            lexical = started.result()
        lexical_ranks = {number: rank for rank, number in enumerate(lexical)}
        semantic_ranks = {number: rank for rank, number in enumerate(semantic)}
        last = max(DEPTH, count)
        fused = sorted(
            {*lexical, *semantic},
            key=lambda number: (
                -1 / (RANK_CONSTANT + 1 + lexical_ranks.get(number, last))
                - 1 / (RANK_CONSTANT + 1 + semantic_ranks.get(number, last)),
                number,
            ),
        )[:count]
        missing = [number for number in fused if number not in semantic]
        semantic |= self._scan.cosines_of(vector, missing) if missing else {}
        missing = [number for number in fused if number not in lexical]
        lexical |= self._lexical.scores_of(question.words, missing)
        rows = self._rows(fused)
        return [
            Candidate(
                rows[number],
                _taken_apart(rows[number]),
                lexical.get(number, 0.0),
                semantic.get(number, 0.0),
                lexical_ranks.get(number, last),
                semantic_ranks.get(number, last),
            )
            for number in fused
            if number in rows  # else: deleted since
        ]

    def _rows(self, passages: Sequence[int]) -> dict[int, Row]:
        rows = self._store.query(
            "SELECT p.id, p.title, d.source, p.heading, p.question, p.text FROM passages p"
            " JOIN documents d ON d.id = p.document_id"
            f" WHERE p.id IN ({','.join('?' * len(passages))})",
            passages,
        )
        return {row[0]: Row(*row) for row in rows}


def passage_features(question: Question, candidate: Candidate) -> dict[str, float]:
    """What speaks for a passage as the place where the answer stands."""
    row, stems = candidate.row, candidate.stems
    above, body = set(stems.above), stems.body
    whole = above.union(body)
    return {
        "bm25": candidate.bm25 / (candidate.bm25 + question.information),
        "cosine": max(candidate.cosine, 0.0),
        "fused": candidate.fused * (RANK_CONSTANT + 1) / 2,
        "coverage": coverage(question, whole),
        "sentence_coverage": max(
            coverage(question, above.union(sentence)) for sentence in stems.sentences
        ),
        "above_coverage": coverage(question, above),
        "neighbours": neighbours(question, [*stems.above, *body]),
        "missing": heaviest_missing(question, whole),
        "numbers": numbers_found(question, whole),
        "type": type_sign(question, row.text),
        "pair": float(bool(row.question)),
        "pair_cosine": max(candidate.cosine, 0.0) if row.question else 0.0,
        "pair_coverage": coverage(question, above) if row.question else 0.0,
    }


def _taken_apart(row: Row) -> Stems:
    above = stems_of(f"{row.title}\n{row.heading}\n{row.question}")
    return Stems(above, [stems_of(one) for one in split_sentences(row.text)] or [[]])


def _without_twins(
    judged: list[tuple[float, Candidate]], top: int
) -> list[tuple[float, Candidate]]:
    """The first ``top`` that are not nearly the same as a better one."""
    kept: list[tuple[float, Candidate]] = []
    seen: list[set[str]] = []
    for score, candidate in judged:
        words = set(candidate.stems.body)
        if candidate.row.question:
            words.update(candidate.stems.above)
        if not any(_alike(words, other) for other in seen):
            kept.append((score, candidate))
            seen.append(words)
            if len(kept) == top:
                break
    return kept


def _alike(first: set[str], second: set[str]) -> bool:
    return len(first & second) >= SAME * max(len(first | second), 1)


def _passage(candidate: Candidate, score: float) -> Passage:
    row = candidate.row
    return Passage(
        id=row.id,
        title=row.title,
        source=row.source,
        text=row.text,
        score=round(score, 4),
        bm25=round(candidate.bm25, 4),
        cosine=round(candidate.cosine, 4),
        heading=row.heading,
        question=row.question,
    )

"""The knowledge base as the dialogue sees it."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from edgebot.core.embedding import TokenEmbedder
from edgebot.core.errors import UsageError
from edgebot.core.knowledge import KnowledgeAnswer, Passage
from edgebot.knowledge import spoken
from edgebot.knowledge.extract import Extractor, Reading
from edgebot.knowledge.features import Question, take_apart
from edgebot.knowledge.lexical import LexicalIndex
from edgebot.knowledge.retrieve import Retriever
from edgebot.knowledge.store import KnowledgeStore
from edgebot.knowledge.vectors import VectorScan

MAX_QUERY = 2000
"""Characters of a question that are looked at."""

READ = 3
"""Passages that are read closely for an answer."""

SURE = 0.5
"""Probability from which the few words that answer are spoken instead of their sentence."""

LIKELY = 0.2
"""Probability from which they are given beside it: they say more of the answer than it does."""


class SqliteKnowledgeBase:
    """Searches and answers from a :class:`KnowledgeStore`. Safe to use from several threads.

    Imports and removals by other processes are seen at the next question.
    """

    def __init__(self, store: KnowledgeStore, embedder: TokenEmbedder, threshold: float) -> None:
        """``threshold`` is the probability below which it says that it does not know."""
        self._store = store
        self._embedder = embedder
        self._threshold = threshold
        self._lock = threading.Lock()
        self._lexical = LexicalIndex(store)
        self._scan = VectorScan(store, embedder.model_id, embedder.dimensions)
        self._retriever = Retriever(store, self._lexical, self._scan)
        self._extractor = Extractor(embedder)

    def search(self, query: str, top: int = 5) -> Sequence[Passage]:
        """The best ``top`` passages, best first; empty for an empty query or knowledge base.

        Raises ``UsageError`` for ``top`` below 1, ``StoreError`` when the file fails.
        """
        if top < 1:
            raise UsageError("top must be at least 1")
        with self._lock:
            question = self._question(query)
            return self._search(question, top) if question else []

    def answer(self, query: str, passages: Sequence[Passage] | None = None) -> KnowledgeAnswer:
        """The few words or the sentence that answer, with their source.

        Kind ``none`` where nothing is sure enough.

        ``passages`` are those :meth:`search` found for the same query, when known already.
        Raises ``StoreError`` when the file fails.
        """
        with self._lock:
            question = self._question(query)
            if not question:
                return KnowledgeAnswer("", 0.0, (), "none")
            found = list(passages) if passages is not None else self._search(question, 5)
            readings = self._extractor.read(question, found[:READ]) if found else []
        if not readings:
            return KnowledgeAnswer("", 0.0, (), "none", tuple(found))
        best = readings[0]
        score = round(best.score, 4)
        text = _worded(question, best)
        if score < self._threshold or not text:
            return KnowledgeAnswer("", score, (), "none", tuple(found))
        short = _short(best, LIKELY)
        sources = (best.passage.source,)
        return KnowledgeAnswer(text, score, sources, "extract", tuple(found), short)

    def close(self) -> None:
        """Close the store."""
        self._retriever.close()
        self._store.close()

    def _question(self, query: str) -> Question | None:
        text = " ".join(query[:MAX_QUERY].split())
        if not any(mark.isalnum() for mark in text):
            return None
        self._lexical.refresh()
        self._scan.refresh()
        return take_apart(text, self._lexical.idf)

    def _search(self, question: Question, top: int) -> list[Passage]:
        return self._retriever.search(
            question, lambda: self._embedder.embed([question.text])[0], top
        )


def _short(reading: Reading, least: float) -> str:
    """The few words that answer, where their probability is at ``least`` so high."""
    sure = reading.short_score >= least and not reading.passage.question
    return spoken.clean(reading.short) if sure else ""


def _worded(question: Question, reading: Reading) -> str:
    """The answer as it is spoken: that of a pair as it was written, all others with their source.

    The few words where they are sure, else the whole sentence.
    """
    passage = reading.passage
    if passage.question:
        return passage.text
    if short := _short(reading, SURE):
        return spoken.short_with_source(passage.title, short)
    text = spoken.table_row(reading.sentence, question.weights)
    text = text or spoken.sentence(reading.sentence)
    return spoken.with_source(passage.title, text) if text else ""

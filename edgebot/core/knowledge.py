"""Knowledge: passages, answers and the port."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from edgebot.core.cancel import Cancellation


@dataclass(frozen=True, slots=True)
class Passage:
    """A retrieved piece of a document."""

    id: int
    title: str
    source: str
    """The file it comes from."""

    text: str
    score: float
    """Fused and calibrated: the probability, 0 … 1, that it answers the query."""

    bm25: float
    """Lexical match, 0 or more; the higher the better."""

    cosine: float
    """Similarity of meaning, -1 … 1."""

    heading: str = ""
    """Headings above it, outermost first, joined by " › "."""

    question: str = ""
    """The question it is the answer to, for a question–answer pair; ``text`` is the answer."""


@dataclass(frozen=True, slots=True)
class KnowledgeAnswer:
    """What the knowledge base says to a question."""

    text: str
    """Ready to be spoken; empty for kind ``none``."""

    score: float
    """0 … 1."""

    sources: tuple[str, ...]
    kind: Literal["extract", "llm", "none"]
    passages: tuple[Passage, ...] = ()
    short: str = ""
    """The few words that probably answer by themselves; empty when they cannot be told apart."""


class KnowledgeBase(Protocol):
    """An open knowledge base."""

    def search(self, query: str, top: int = 5) -> Sequence[Passage]:
        """The best passages, best first; empty when nothing fits."""

    def answer(self, query: str, passages: Sequence[Passage] | None = None) -> KnowledgeAnswer:
        """The extracted answer, or kind ``none``. ``passages`` saves the search when known."""

    def close(self) -> None:
        """Close the store."""


class PassageReader(Protocol):
    """Something that words an answer from passages (a language model that can read)."""

    def read(
        self, query: str, passages: Sequence[Passage], cancellation: Cancellation
    ) -> Iterator[str]:
        """Yield the answer in sentences, each checked against the passages."""

"""How well each word of a question is met by a text, by meaning: late interaction.

Every piece of the question looks for the piece of the text that is most like it in its context
(O. Khattab and M. Zaharia, "ColBERT", SIGIR 2020). A word that finds nothing like it is the best
sign that the text is about something near, but does not hold the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgebot.core.embedding import TokenVectors, Vectors
from edgebot.knowledge.features import Question
from edgebot.knowledge.porter import stem
from edgebot.knowledge.words import words_of

_NEGATIONS = frozenset(
    {"not", "never", "no", "without", "except", "other", "isn", "wasn", "t", "nor", "neither"}
)
_WINDOW, _STRIDE = 24, 8  # pieces


@dataclass(frozen=True, slots=True)
class Alignment:
    """Each content piece of a question against each piece of a text."""

    similar: Vectors
    """Shape (question pieces, text pieces), cosines."""

    weights: Vectors
    """Share of the question's information each piece carries; sums to 1."""

    exact: npt.NDArray[np.bool_]
    """Which pieces belong to words that stand in the text as they are (by their stem)."""

    spans: tuple[tuple[int, int], ...]
    """Where the pieces of the text stand in it."""

    def within(self, start: int, end: int) -> float:
        """Weighted best match of the question within characters ``start`` … ``end``; 0 … 1."""
        inside = [k for k, (a, b) in enumerate(self.spans) if a < end and b > start]
        if not inside or not len(self.weights):
            return 0.0
        return float((self.similar[:, inside].max(axis=1) * self.weights).sum())


def align(question: Question, asked: TokenVectors, text: str, pieces: TokenVectors) -> Alignment:
    """Match ``asked``, the pieces of the question, with ``pieces``, those of ``text``."""
    stems = {stem(word) for word in words_of(text)}
    kept: list[int] = []
    weights: list[float] = []
    exact: list[bool] = []
    for number, word in enumerate(_whole_words(question.text, asked.spans)):
        stemmed = stem(word)
        if stemmed in question.weights:
            kept.append(number)
            weights.append(question.weights[stemmed] + 1e-6)
            exact.append(stemmed in stems)
    shares = np.array(weights, np.float32)
    return Alignment(
        similar=asked.vectors[kept] @ pieces.vectors.T,
        weights=shares / max(float(shares.sum()), 1e-9),
        exact=np.array(exact, np.bool_),
        spans=pieces.spans,
    )


def _whole_words(text: str, spans: Sequence[tuple[int, int]]) -> list[str]:
    """The folded word that each piece is a part of."""
    words: list[str] = []
    for start, end in spans:
        while start > 0 and text[start - 1].isalnum():
            start -= 1
        while end < len(text) and text[end].isalnum():
            end += 1
        words.append(" ".join(words_of(text[start:end])))
    return words


def alignment_features(question: Question, alignment: Alignment) -> dict[str, float]:
    """What the alignment says about whether the text answers the question."""
    negated = float(any(word in _NEGATIONS for word in question.known))
    similar = alignment.similar
    if not similar.size:
        return {"align_negated": negated}
    best = similar.max(axis=1)
    met = np.where(alignment.exact, 1.0, best)
    strange = best[~alignment.exact]
    windows = [
        float((similar[:, start : start + _WINDOW].max(axis=1) * alignment.weights).sum())
        for start in range(0, max(1, similar.shape[1] - _WINDOW + _STRIDE), _STRIDE)
    ]
    return {
        "align_mean": float(best.mean()),
        "align_min": float(best.min()),
        "align_weighted": float((best * alignment.weights).sum()),
        "align_low": float(np.sort(best)[:2].mean()),
        "align_window": max(windows),
        "align_met_min": float(met.min()),
        "align_met_mean": float(met.mean()),
        "align_strange": float(strange.mean()) if len(strange) else 1.0,
        "align_strange_count": min(len(strange) / 8, 1.0),
        "align_length": min(len(best) / 16, 1.0),
        "align_negated": negated,
    }

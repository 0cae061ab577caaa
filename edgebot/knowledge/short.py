"""The few words of a passage that answer a question by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgebot.core.embedding import TokenVectors, Vectors
from edgebot.knowledge.features import Question
from edgebot.knowledge.span_features import asked_of, span_matrix
from edgebot.knowledge.span_model import SpanModel, network_inputs, span_model
from edgebot.knowledge.spans import Places, Words, candidates, text_of, word_vectors, words_in

SENTENCES = 3
"""Best sentences of a passage that are searched for a short answer."""


@dataclass(frozen=True, slots=True)
class Stretches:
    """All stretches of a passage that may be an answer, as the network sees them."""

    words: Words
    firsts: Places
    lasts: Places
    table: Vectors
    """What :func:`span_matrix` counts."""

    vectors: Vectors
    """Of each word."""


@dataclass(frozen=True, slots=True)
class Short:
    """A short answer."""

    text: str
    start: int
    """Where it stands in the passage, in characters."""

    features: dict[str, float]
    """How sure the network is of it."""


def stretches(
    question: Question, asked: TokenVectors, text: str, pieces: TokenVectors, scores: Vectors
) -> Stretches | None:
    """Those in the sentences with the best ``scores``; None where there are none."""
    words = words_in(text)
    best = np.argsort(-scores, kind="stable")[:SENTENCES]
    firsts, lasts = candidates(words, [int(one) for one in best if np.isfinite(scores[one])])
    if not len(firsts) or not len(asked.spans):
        return None
    vectors = word_vectors(words, pieces)
    _, table = span_matrix(
        question, asked_of(question, asked), words, vectors, firsts, lasts, scores
    )
    return Stretches(words, firsts, lasts, table, vectors)


def short_answer(
    question: Question,
    asked: TokenVectors,
    text: str,
    pieces: TokenVectors,
    sentence_scores: Sequence[float],
) -> Short | None:
    """The stretch of ``text`` that answers best; None for a text without any.

    ``sentence_scores`` has a logit for each sentence, minus infinity for those not to be quoted.
    """
    scores = np.array(sentence_scores, np.float32)
    found = stretches(question, asked, text, pieces, scores)
    model = span_model()
    if found is None or found.vectors.shape[1] != model.turning.mean.size:
        return None  # nothing to choose from, or an encoder the network does not know
    inputs = network_inputs(
        model.turning,
        asked_of(question, asked),
        found.table,
        found.vectors,
        found.firsts,
        found.lasts,
    )
    return _best(model, found, inputs)


def _best(model: SpanModel, found: Stretches, inputs: Vectors) -> Short:
    logits = model.logits(inputs)
    best = int(logits.argmax())
    first, last = int(found.firsts[best]), int(found.lasts[best])
    return Short(
        text_of(found.words, first, last),
        int(found.words.starts[first]),
        certainty(logits, found.firsts, found.lasts),
    )


def certainty(logits: Vectors, firsts: Places, lasts: Places) -> dict[str, float]:
    """How far the best stretch stands out; those that overlap it count as the same answer."""
    best = int(logits.argmax())
    shares = np.exp(logits - logits[best])
    shares /= shares.sum()
    same = (firsts <= lasts[best]) & (lasts >= firsts[best])
    rest = logits[~same]
    margin = float(logits[best] - rest.max()) if len(rest) else 4.0
    return {
        "span_share": float(shares[best]),
        "span_same": float(shares[same].sum()),
        "span_margin": min(margin, 4.0) / 4.0,
        "span_logit": float(np.tanh((logits[best] - logits.mean()) / 8.0)),
        "span_top": float(np.tanh(logits[best] / 8.0)),
    }

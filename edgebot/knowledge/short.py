"""The few words of a passage that answer a question by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgebot.core.embedding import TokenVectors, Vectors
from edgebot.knowledge.features import Question
from edgebot.knowledge.questions import AnswerType
from edgebot.knowledge.span_features import asked_of, span_matrix
from edgebot.knowledge.span_model import SpanModel, network_inputs, span_model
from edgebot.knowledge.spans import Places, Words, candidates, text_of, word_vectors, words_in
from edgebot.knowledge.vocabulary import NOT

SENTENCES = 3
"""Best sentences of a passage that are searched for a short answer."""


_DENIED = 4  # words behind a "not" that it may deny


@dataclass(frozen=True, slots=True)
class Stretches:
    """All stretches of a passage that may be an answer, as the network sees them."""

    kind: AnswerType
    """What the question asks for."""

    words: Words
    firsts: Places
    lasts: Places
    names: list[str]
    table: Vectors
    """What :func:`span_matrix` counts, and the names of its columns."""

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

    alone: bool
    """Whether it means the same without its sentence: "not enough water" is not enough water."""


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
    names, table = span_matrix(
        question, asked_of(question, asked), words, vectors, firsts, lasts, scores
    )
    return Stretches(question.kind, words, firsts, lasts, names, table, vectors)


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
    fitting = _fitting(found)
    logits = model.logits(inputs)[fitting]
    firsts, lasts = found.firsts[fitting], found.lasts[fitting]
    best = int(logits.argmax())
    first, last = int(firsts[best]), int(lasts[best])
    return Short(
        text_of(found.words, first, last),
        int(found.words.starts[first]),
        certainty(logits, firsts, lasts),
        not any(word in NOT for word in found.words.folded[max(0, first - _DENIED) : first]),
    )


def _fitting(found: Stretches) -> npt.NDArray[np.bool_]:
    """Nobody is a number; all stretches where none would be left."""
    if found.kind != "person":
        return np.ones(len(found.firsts), np.bool_)
    numbers = (
        found.table[:, found.names.index("number")] + found.table[:, found.names.index("date")]
    )
    return np.asarray((numbers == 0) | bool((numbers > 0).all()), np.bool_)


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

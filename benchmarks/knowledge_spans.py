"""Fits the network that finds short answers, in numpy: softmax over the stretches of a passage.

The stretch that is the answer word for word is right; those that share most of their words with it
are half right. Every example is left out of one of the fits, so that what the network says about
articles it has not seen can be measured, and learned from, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.knowledge_data import Asked
from edgebot.core.embedding import TokenVectors, Vectors
from edgebot.knowledge.features import Question
from edgebot.knowledge.short import Stretches
from edgebot.knowledge.span_features import Asked as AskedWords
from edgebot.knowledge.span_features import asked_of, span_vectors
from edgebot.knowledge.span_model import SpanModel, Turning, network_inputs, question_vectors
from edgebot.knowledge.spans import text_of

KEPT = (32, 16, 16, 32)
"""Entries of the turned vectors: see ``Turning``."""

HIDDEN = 64
EPOCHS = 6
RATE = 2e-3
DECAY = 0.3
DROPPED = 0.2
BATCH = 16


@dataclass
class Example:
    """A passage with the answer in it, and the question."""

    asked: Asked
    words: AskedWords
    found: Stretches
    right: Vectors
    """Share of the answer each stretch is; the largest share is shared by the exact ones."""


def example(
    asked: Asked, question: Question, pieces: TokenVectors, found: Stretches, f1: Sequence[float]
) -> Example | None:
    """None where no stretch comes near the answer."""
    overlap = np.array(f1, np.float32)
    if overlap.max(initial=0.0) < 0.3:
        return None
    right = (overlap >= overlap.max() - 1e-6) + 0.3 * overlap**2 * (overlap > 0.5)
    return Example(
        asked, asked_of(question, pieces), found, np.asarray(right / right.sum(), np.float32)
    )


def texts_of(found: Stretches) -> list[str]:
    """Each stretch as it is said."""
    pairs = zip(found.firsts.tolist(), found.lasts.tolist(), strict=True)
    return [text_of(found.words, first, last) for first, last in pairs]


def turning_of(examples: Sequence[Example]) -> Turning:
    """The directions in which stretches, and questions, differ the most."""
    draw = np.random.default_rng(0)
    spans, asks = [], []
    for one in examples:
        chosen = draw.choice(len(one.found.firsts), min(12, len(one.found.firsts)), False)
        found = one.found
        spans.append(span_vectors(found.vectors, found.firsts[chosen], found.lasts[chosen]))
        asks.append(question_vectors(one.words))
    mean, basis = _directions(np.concatenate(spans), max(KEPT[0], KEPT[1], KEPT[3]))
    asked_mean, asked_basis = _directions(np.concatenate(asks), KEPT[2])
    return Turning(mean, basis, asked_mean, asked_basis, KEPT)


def _directions(rows: Vectors, count: int) -> tuple[Vectors, Vectors]:
    mean = rows.mean(axis=0)
    _, vectors = np.linalg.eigh(np.cov((rows - mean).T))
    return np.asarray(mean, np.float32), np.asarray(vectors[:, ::-1].T[:count], np.float32)


def inputs_of(turning: Turning, one: Example) -> npt.NDArray[np.float16]:
    """What the network sees of an example, at half the memory."""
    found = one.found
    rows = network_inputs(turning, one.words, found.table, found.vectors, found.firsts, found.lasts)
    return rows.astype(np.float16)


def fit_network(
    turning: Turning, inputs: Sequence[npt.NDArray[np.float16]], right: Sequence[Vectors]
) -> SpanModel:
    """Adam with decoupled weight decay (I. Loshchilov and F. Hutter, 2019) and dropout."""
    draw = np.random.default_rng(0)
    total = sum(len(rows) for rows in inputs)
    mean = sum(rows.sum(axis=0, dtype=np.float64) for rows in inputs) / total
    square = sum(np.square(rows, dtype=np.float64).sum(axis=0) for rows in inputs) / total
    spread = np.sqrt(np.maximum(square - mean**2, 0.0)) + 1e-2
    mean, spread = mean.astype(np.float32), spread.astype(np.float32)
    width = len(mean)
    weights = {
        "inner": draw.normal(0, width**-0.5, (width, HIDDEN)).astype(np.float32),
        "bias": np.zeros(HIDDEN, np.float32),
        "outer": draw.normal(0, 0.1, HIDDEN).astype(np.float32),
        "direct": np.zeros(width, np.float32),
    }
    first = {name: np.zeros_like(one) for name, one in weights.items()}
    second = {name: np.zeros_like(one) for name, one in weights.items()}
    batches = -(-len(inputs) // BATCH)
    step = 0
    for _ in range(EPOCHS):
        for chosen in np.array_split(draw.permutation(len(inputs)), batches):
            rows = np.concatenate([(inputs[i].astype(np.float32) - mean) / spread for i in chosen])
            wanted = np.concatenate([right[i] for i in chosen])
            slopes = _slopes(weights, rows, wanted, [len(inputs[i]) for i in chosen], draw)
            step += 1
            rate = RATE * (1 - step / (EPOCHS * batches + 1))
            for name, slope in slopes.items():
                first[name] += 0.1 * (slope - first[name])
                second[name] += 0.001 * (slope**2 - second[name])
                move = (first[name] / (1 - 0.9**step)) / (
                    np.sqrt(second[name] / (1 - 0.999**step)) + 1e-8
                )
                decay = 0.0 if name == "bias" else DECAY
                weights[name] -= rate * (move + decay * weights[name])
    inner = weights["inner"] / spread[:, np.newaxis]
    direct = weights["direct"] / spread
    return SpanModel(turning, inner, weights["bias"] - mean @ inner, weights["outer"], direct)


def _slopes(
    weights: dict[str, Vectors],
    rows: Vectors,
    wanted: Vectors,
    lengths: list[int],
    draw: np.random.Generator,
) -> dict[str, Vectors]:
    """Gradient of the mean cross-entropy of some passages."""
    starts = np.cumsum([0, *lengths[:-1]])
    kept = 1 - DROPPED
    seen = (draw.random((len(lengths), rows.shape[1])) < kept).astype(np.float32) / kept
    rows = rows * seen.repeat(lengths, axis=0)
    hidden = np.tanh(rows @ weights["inner"] + weights["bias"])
    open_ = (draw.random((len(lengths), HIDDEN)) < kept).astype(np.float32) / kept
    mask = open_.repeat(lengths, axis=0)
    logits = (hidden * mask) @ weights["outer"] + rows @ weights["direct"]
    shares = np.exp(logits - np.maximum.reduceat(logits, starts).repeat(lengths))
    shares /= np.add.reduceat(shares, starts).repeat(lengths)
    wrong = ((shares - wanted) / len(lengths)).astype(np.float32)
    back = np.outer(wrong, weights["outer"]) * (1 - hidden**2) * mask
    return {
        "outer": (hidden * mask).T @ wrong,
        "direct": rows.T @ wrong,
        "inner": rows.T @ back,
        "bias": back.sum(axis=0),
    }

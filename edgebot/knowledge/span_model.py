"""The small network that judges stretches of words: one hidden layer over numpy.

It sees what :mod:`span_features` counts, and what the encoder makes of the stretch, of the words on
either side, and of the question's wh-word, verb and noun: their vectors, turned so that the first
directions tell the most apart. Fitted by ``python -m benchmarks.fit_knowledge``.
"""

from __future__ import annotations

import functools
import importlib.resources
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgebot.core.embedding import Vectors
from edgebot.knowledge.span_features import Asked, span_vectors
from edgebot.knowledge.spans import Places

SCALE = 4.0
"""Turned unit vectors have small entries: this brings them near to the other numbers."""

_BESIDE = 3  # words on either side


@dataclass(frozen=True, slots=True)
class Turning:
    """How vectors are turned before the network sees them, and how many entries are kept."""

    mean: Vectors
    basis: Vectors
    """Shape (directions, dimensions), the most telling first."""

    asked_mean: Vectors
    asked_basis: Vectors
    kept: tuple[int, int, int, int]
    """Entries of a stretch, of what stands beside it, of the question, of their product."""


@dataclass(frozen=True, slots=True)
class SpanModel:
    """Weights, with the standardising of the inputs worked into them."""

    turning: Turning
    inner: Vectors
    """Shape (inputs, hidden)."""

    inner_bias: Vectors
    outer: Vectors
    direct: Vectors
    """From the inputs to the output."""

    def logits(self, inputs: Vectors) -> Vectors:
        """One number a stretch; compare those of one passage by softmax."""
        hidden = np.tanh(inputs @ self.inner + self.inner_bias)
        return np.asarray(hidden @ self.outer + inputs @ self.direct, np.float32)


def network_inputs(
    turning: Turning, asked: Asked, table: Vectors, vectors: Vectors, firsts: Places, lasts: Places
) -> Vectors:
    """What the network sees of each stretch; ``table`` is its row of :func:`span_matrix`."""
    own, beside, question, product = turning.kept
    blank = np.zeros((_BESIDE, vectors.shape[1]), np.float32)
    spans = span_vectors(vectors, firsts, lasts) - turning.mean
    left = span_vectors(np.concatenate([blank, vectors]), firsts, firsts + _BESIDE - 1)
    right = span_vectors(np.concatenate([vectors, blank]), lasts + 1, lasts + _BESIDE)
    asks = question_vectors(asked)
    turned = (asks - turning.asked_mean) @ turning.asked_basis[:question].T
    parts: list[npt.NDArray[Any]] = [
        table,
        spans @ turning.basis[:own].T * SCALE,
        (left - turning.mean) @ turning.basis[:beside].T * SCALE,
        (right - turning.mean) @ turning.basis[:beside].T * SCALE,
        np.repeat(turned.reshape(1, -1) * SCALE, len(firsts), axis=0),
    ]
    like = spans @ turning.basis[:product].T * SCALE
    for one in (asks[0], asks[2]):  # the wh-word and the noun
        parts.append(like * ((one - turning.mean) @ turning.basis[:product].T * SCALE))
    return np.asarray(np.concatenate(parts, axis=1), np.float32)


def question_vectors(asked: Asked) -> Vectors:
    """Of the wh-word, the verb, the noun asked for and of the whole, one row each."""
    wh = asked.vectors[asked.wh]
    verb = asked.vectors[asked.follower] if asked.follower >= 0 else wh
    noun = asked.vectors[list(asked.focus)].mean(axis=0) if asked.focus else wh
    return np.stack([wh, verb, noun, asked.vectors.mean(axis=0)])


def packed(model: SpanModel) -> bytes:
    """``model`` as it is kept in the file of weights."""
    turning = model.turning
    out = io.BytesIO()
    np.savez_compressed(
        out,
        mean=turning.mean.astype(np.float16),
        basis=turning.basis.astype(np.float16),
        asked_mean=turning.asked_mean.astype(np.float16),
        asked_basis=turning.asked_basis.astype(np.float16),
        kept=np.array(turning.kept, np.int64),
        inner=model.inner.astype(np.float16),
        inner_bias=model.inner_bias.astype(np.float32),
        outer=model.outer.astype(np.float16),
        direct=model.direct.astype(np.float16),
    )
    return out.getvalue()


@functools.cache
def span_model() -> SpanModel:
    """The fitted model that comes with edgebot."""
    file = importlib.resources.files("edgebot.knowledge") / "data" / "spans.npz"
    with np.load(io.BytesIO(file.read_bytes())) as kept:
        arrays = {name: kept[name] for name in kept.files}
    floats = {name: array.astype(np.float32) for name, array in arrays.items() if name != "kept"}
    own, beside, question, product = (int(one) for one in arrays["kept"])
    turning = Turning(
        floats["mean"],
        floats["basis"],
        floats["asked_mean"],
        floats["asked_basis"],
        (own, beside, question, product),
    )
    return SpanModel(
        turning, floats["inner"], floats["inner_bias"], floats["outer"], floats["direct"]
    )

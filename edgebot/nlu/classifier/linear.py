"""Multinomial logistic regression over sparse and dense features, in numpy.

Mini-batches with AdaGrad (Duchi, Hazan and Singer, "Adaptive subgradient methods", 2011), a step
that falls to zero, label smoothing (Szegedy et al., 2016) and dropout on the features (Wager, Wang
and Liang, "Dropout training as adaptive regularization", 2013). A batch touches few of the sparse
columns; these are packed into a small dense matrix so that the work is done by matrix products.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edgebot.nlu.classifier.ngrams import Floats, Ints, SparseRow

_BATCH = 128
_STEP = 1.0
_FIRST_SQUARES = 1e-2
_SMOOTHING = 0.05
_DROPOUT = 0.3

Progress = Callable[[int], None]
"""Called with the number of texts that were just worked on."""


@dataclass(frozen=True, slots=True)
class LinearHead:
    """Weights of a linear classifier."""

    sparse: Floats
    """Shape (n-grams, classes)."""

    dense: Floats
    """Shape (dimensions, classes)."""

    bias: Floats
    """Shape (classes,)."""

    def logits(self, rows: Sequence[SparseRow], dense: Floats) -> Floats:
        """Shape (texts, classes). ``dense``: shape (texts, dimensions)."""
        out = dense @ self.dense + self.bias
        for number, row in enumerate(rows):
            if len(row.columns):
                out[number] += row.values @ self.sparse[row.columns].astype(np.float32)
        return np.asarray(out, np.float32)


def train_head(
    rows: Sequence[SparseRow],
    dense: Floats,
    labels: Ints,
    shape: tuple[int, int],
    epochs: int = 12,
    seed: int = 0,
    progress: Progress = lambda texts: None,
) -> LinearHead:
    """Fit a head. ``labels``: class numbers; ``shape``: (n-grams, classes).

    The same arguments give the same head on the same machine.
    """
    features, classes = shape
    rng = np.random.default_rng(seed)
    weights = [
        np.zeros((features, classes), np.float32),
        np.zeros((dense.shape[1], classes), np.float32),
        np.zeros((1, classes), np.float32),
    ]
    squares = [np.full_like(weight, _FIRST_SQUARES) for weight in weights]
    batches = -(-len(rows) // _BATCH)
    steps, done = epochs * batches, 0
    ones = np.ones((_BATCH, 1), np.float32)
    for _ in range(epochs):
        order = rng.permutation(len(rows))
        for start in range(0, len(rows), _BATCH):
            chosen = order[start : start + _BATCH]
            columns, packed = pack([rows[number] for number in chosen])
            inputs = [_dropped(packed, rng), _dropped(dense[chosen], rng), ones[: len(chosen)]]
            parts = [weights[0][columns], weights[1], weights[2]]
            logits = sum(each @ part for each, part in zip(inputs, parts, strict=True))
            error = _error(np.asarray(logits), labels[chosen])
            rate = _STEP * (1.0 - done / steps)
            for number, each in enumerate(inputs):
                gradient = each.T @ error
                at = columns if number == 0 else slice(None)
                squares[number][at] += gradient * gradient
                weights[number][at] -= rate * gradient / np.sqrt(squares[number][at])
            done += 1
            progress(len(chosen))
    return LinearHead(weights[0], weights[1], weights[2][0])


def pack(rows: Sequence[SparseRow]) -> tuple[Ints, Floats]:
    """The columns that occur in ``rows``, and the rows over these columns alone, dense."""
    lengths = [len(row.columns) for row in rows]
    columns = np.concatenate([row.columns for row in rows])
    used, where = np.unique(columns, return_inverse=True)
    packed = np.zeros((len(rows), len(used)), np.float32)
    packed[np.repeat(np.arange(len(rows)), lengths), where] = np.concatenate(
        [row.values for row in rows]
    )
    return used.astype(np.int32), packed


def softmax(logits: Floats) -> Floats:
    """Row-wise, shape as ``logits``."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), np.float32)


def _error(logits: Floats, labels: Ints) -> Floats:
    """The gradient of the mean smoothed cross entropy with respect to ``logits``."""
    error = softmax(logits) - _SMOOTHING / logits.shape[1]
    error[np.arange(len(labels)), labels] -= 1.0 - _SMOOTHING
    return np.asarray(error / len(labels), np.float32)


def _dropped(inputs: Floats, rng: np.random.Generator) -> Floats:
    keep = rng.random(inputs.shape, dtype=np.float32) >= _DROPOUT
    return np.asarray(inputs * keep / (1.0 - _DROPOUT), np.float32)

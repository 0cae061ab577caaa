"""How sure the classifier may be: the probability that its best intent is the right one.

Softmax is as sure about what it has never seen as about what it knows. So the certainty is a small
logistic regression over several signs of belonging: the margin of the best class, the energy of all
logits (Liu et al., "Energy-based out-of-distribution detection", 2020), the likeness to the mean
of the class (Lee et al., "A simple unified framework for detecting out-of-distribution samples",
2018) and the share of known words. It is fitted on texts the head was not trained on; what is out
of scope is learned from examples where there are some, and from whole classes that were left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgebot.nlu.classifier.linear import softmax
from edgebot.nlu.classifier.ngrams import Floats

SIGNS = ("log_odds", "margin", "energy", "likeness", "best_likeness", "typical", "known_words")

Doubles = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_ITERATIONS = 50
_RIDGE = 1e-2


@dataclass(frozen=True, slots=True)
class ClassMeans:
    """Where the classes lie among the sentence embeddings."""

    means: Floats
    """Unit vectors, shape (classes, dimensions)."""

    typical: Floats
    """Mean likeness of a class's texts to its mean, shape (classes,)."""

    @classmethod
    def of(cls, vectors: Floats, labels: npt.NDArray[np.int32], classes: int) -> ClassMeans:
        """Means of the unit ``vectors`` (texts, dimensions) of each class."""
        means = np.zeros((classes, vectors.shape[1]), np.float32)
        np.add.at(means, labels, vectors)
        means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
        alike = np.einsum("nd,nd->n", vectors, means[labels])
        counts = np.maximum(np.bincount(labels, minlength=classes), 1)
        typical = np.bincount(labels, weights=alike, minlength=classes) / counts
        return cls(means, typical.astype(np.float32))


def signs_of(logits: Floats, vectors: Floats, known: Floats, means: ClassMeans) -> Doubles:
    """Signs of belonging, shape (texts, len(SIGNS)). ``known``: share of known words, (texts,)."""
    best = logits.argmax(axis=1)
    rows = np.arange(len(logits))
    chance = softmax(logits)[rows, best].astype(np.float64)
    ordered = np.sort(logits, axis=1)
    margin = ordered[:, -1] - ordered[:, -2] if logits.shape[1] > 1 else ordered[:, -1]
    top = ordered[:, -1]
    energy = top + np.log(np.exp(logits - top[:, None]).sum(axis=1))
    alike = vectors @ means.means.T
    likeness = alike[rows, best]
    return np.stack(
        [
            np.clip(np.log(chance + 1e-6) - np.log(1.0 - chance + 1e-6), -8.0, 8.0),
            margin,
            energy,
            likeness,
            alike.max(axis=1),
            likeness - means.typical[best],
            known,
        ],
        axis=1,
    ).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Certainty:
    """Logistic regression from signs of belonging to a probability."""

    centre: Doubles
    scale: Doubles
    weights: Doubles
    """Shape (len(SIGNS) + 1,); the last is the bias."""

    def score(self, signs: Doubles) -> Doubles:
        """Probability that the best class is right, shape (texts,)."""
        standard = np.clip((signs - self.centre) / self.scale, -6.0, 6.0)
        return _sigmoid(standard @ self.weights[:-1] + self.weights[-1])


def fit_certainty(signs: Doubles, right: Bools, weight: Doubles) -> Certainty:
    """Fit by Newton's method. ``weight``: how much each text counts, shape (texts,)."""
    centre, scale = signs.mean(axis=0), signs.std(axis=0) + 1e-6
    inputs = np.clip((signs - centre) / scale, -6.0, 6.0)
    inputs = np.hstack([inputs, np.ones((len(inputs), 1))])
    weights = np.zeros(inputs.shape[1])
    weight = weight / weight.mean()
    ridge = _RIDGE * len(inputs) / 100.0 * np.eye(len(weights))
    ridge[-1, -1] = 1e-6
    for _ in range(_ITERATIONS):
        chance = _sigmoid(inputs @ weights)
        slope = inputs.T @ (weight * (chance - right)) + ridge @ weights
        curve = (inputs * (weight * chance * (1.0 - chance))[:, None]).T @ inputs + ridge
        step = np.linalg.solve(curve + 1e-9 * np.eye(len(weights)), slope)
        weights = weights - step
        if np.abs(step).max() < 1e-6:
            break
    return Certainty(centre, scale, weights)


def choose_threshold(score: Doubles, right: Bools, out: Bools, trusted: bool) -> float:
    """The score below which a text counts as out of scope.

    ``out`` marks texts out of scope. Where they are real examples (``trusted``) the threshold
    weighs intents lost against strangers let in; classes left out only stand in for strangers, so
    then no more than three right intents in a thousand are given up.
    """
    inside = ~out
    good = np.sort(score[inside & right])
    if not len(good):
        return 0.5
    if not trusted or not out.any():
        return float(min(0.5, good[int(0.003 * len(good))]))
    candidates = np.unique(np.quantile(score, np.linspace(0.0, 0.6, 301)))
    kept = 1.0 - np.searchsorted(good, candidates) / inside.sum()
    caught = np.searchsorted(np.sort(score[out]), candidates) / out.sum()
    return float(candidates[int(np.argmax(kept + STRANGER_WEIGHT * caught))])


STRANGER_WEIGHT = 0.12
"""What catching one in a hundred strangers is worth, in hundredths of intents lost."""


def _sigmoid(value: Doubles) -> Doubles:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(value, -30.0, 30.0))))

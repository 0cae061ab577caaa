"""How sure the classifier may be: the probability that its best intent is the right one.

Softmax is as sure about what it has never seen as about what it knows. Two signs tell better
whether a text belongs to any intent at all: the energy of all logits (Liu et al., "Energy-based
out-of-distribution detection", 2020) and the likeness of its embedding to the nearest class mean
(after Lee et al., "A simple unified framework for detecting out-of-distribution samples", 2018).
Both are measured in standard deviations of texts in scope and added; a logistic curve makes a
probability of the sum. More signs with fitted weights did worse on strangers of another sort than
those they were fitted on. The score is this probability times the calibrated chance of the intent;
where there are examples out of scope, they are a class of their own beside the intents.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgebot.nlu.classifier.linear import softmax
from edgebot.nlu.classifier.ngrams import Floats, Ints

Doubles = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

STRANGER_WEIGHT = 0.12
"""What catching one in a hundred strangers is worth, in hundredths of intents lost."""

_GIVEN_UP = 0.003
"""Share of right intents that may be lost where strangers are not known."""

_ITERATIONS = 60
_RIDGE = 1e-3


def class_means(vectors: Floats, labels: Ints, classes: int) -> Floats:
    """Unit vectors in the middle of each class's unit ``vectors``, shape (classes, dimensions)."""
    means = np.zeros((classes, vectors.shape[1]), np.float32)
    np.add.at(means, labels, vectors)
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
    return means


def signs_of(logits: Floats, vectors: Floats, means: Floats) -> Doubles:
    """Energy and likeness of texts, shape (texts, 2). ``vectors``: (texts, dimensions)."""
    top = logits.max(axis=1)
    energy = top + np.log(np.exp(logits - top[:, None]).sum(axis=1))
    likeness = (vectors @ means.T).max(axis=1)
    return np.stack([energy, likeness], axis=1).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Certainty:
    """From signs of belonging and chances to one score."""

    centre: Doubles
    """Mean signs of texts in scope, shape (2,)."""

    scale: Doubles
    """Their standard deviations, shape (2,)."""

    slope: float
    offset: float
    temperature: float
    """Divides the logits before softmax, so that the chances are calibrated (Guo et al., "On
    calibration of modern neural networks", 2017)."""

    def belongs(self, signs: Doubles) -> Doubles:
        """Probability that a text belongs to any intent, shape (texts,)."""
        return _sigmoid(self.slope * belonging(signs, self.centre, self.scale) + self.offset)

    def chances(self, logits: Floats, intents: int) -> Floats:
        """Probability of each of the ``intents`` classes that come first, shape (texts, intents).

        A further class, of strangers, takes its share of the whole.
        """
        return softmax(logits / np.float32(self.temperature))[:, :intents]

    def score(self, logits: Floats, intents: int, signs: Doubles) -> Doubles:
        """Probability that the best intent is right, shape (texts,)."""
        return np.asarray(self.belongs(signs) * self.chances(logits, intents).max(axis=1))


def belonging(signs: Doubles, centre: Doubles, scale: Doubles) -> Doubles:
    """Both signs in standard deviations, added; shape (texts,)."""
    return np.asarray(np.clip((signs - centre) / scale, -8.0, 8.0).sum(axis=1))


def fit_certainty(
    signs: Doubles, logits: Floats, labels: Ints, out: Bools, weight: Doubles
) -> Certainty:
    """Fit on texts the head was not trained on.

    ``out`` marks texts out of scope; ``labels`` are class numbers (used in scope only); ``weight``
    says how much each text counts in telling in from out. Without any text out of scope a text is
    doubted when its signs are four standard deviations low, together.
    """
    inside = ~out
    if not inside.any():
        return Certainty(np.zeros(2), np.ones(2), 0.1, 6.0, 1.0)
    centre, scale = signs[inside].mean(axis=0), signs[inside].std(axis=0) + 1e-6
    slope, offset = 1.5, 6.0
    if out.any():
        slope, offset = _logistic(belonging(signs, centre, scale), inside, weight)
    temperatures = np.geomspace(0.2, 5.0, 33)
    losses = [_log_loss(logits[inside] / t, labels[inside]) for t in temperatures]
    best = float(temperatures[int(np.argmin(losses))])
    return Certainty(centre, scale, slope, offset, best)


def choose_threshold(score: Doubles, right: Bools, out: Bools, trusted: bool) -> float:
    """The score below which a text counts as out of scope.

    Where ``out`` marks real examples (``trusted``) the threshold weighs intents lost against
    strangers let in. Classes left out only stand in for strangers: then no more than three right
    intents in a thousand are given up.
    """
    inside = ~out
    good = np.sort(score[inside & right])
    if not len(good):
        return 0.5
    if not trusted or not out.any():
        return float(min(0.5, good[int(_GIVEN_UP * len(good))]))
    candidates = np.unique(np.quantile(score, np.linspace(0.0, 0.6, 301)))
    kept = 1.0 - np.searchsorted(good, candidates) / inside.sum()
    caught = np.searchsorted(np.sort(score[out]), candidates) / out.sum()
    return float(candidates[int(np.argmax(kept + STRANGER_WEIGHT * caught))])


def _logistic(value: Doubles, target: Bools, weight: Doubles) -> tuple[float, float]:
    """Slope and offset of a logistic curve: Newton's method, steps halved until they help."""
    inputs = np.stack([value, np.ones_like(value)], axis=1)
    weight = weight / weight.sum()
    ridge = np.diag([_RIDGE, _RIDGE / 100.0])

    def loss(line: Doubles) -> float:
        margins = np.where(target, 1.0, -1.0) * (inputs @ line)
        return float(weight @ np.logaddexp(0.0, -margins) + line @ ridge @ line / 2.0)

    line = np.zeros(2)
    for _ in range(_ITERATIONS):
        chance = _sigmoid(inputs @ line)
        gradient = inputs.T @ (weight * (chance - target)) + ridge @ line
        curve = (inputs * (weight * chance * (1.0 - chance))[:, None]).T @ inputs + ridge
        step = np.linalg.solve(curve, gradient)
        while loss(line - step) > loss(line) and np.abs(step).max() > 1e-9:
            step = step / 2.0
        line = line - step
        if np.abs(step).max() < 1e-8:
            break
    return max(0.1, float(line[0])), float(line[1])


def _log_loss(logits: Floats, labels: Ints) -> float:
    chances = softmax(logits.astype(np.float32))[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chances, 1e-9)).mean())


def _sigmoid(value: Doubles) -> Doubles:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(value, -30.0, 30.0))))

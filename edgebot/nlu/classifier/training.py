"""From labelled texts to an intent model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgebot.core.embedding import Embedder
from edgebot.core.errors import UnderstandingError
from edgebot.nlu.classifier.embedding import embed_once
from edgebot.nlu.classifier.linear import LinearHead, Progress, train_head
from edgebot.nlu.classifier.model import DENSE_SCALE, OUT_OF_SCOPE, IntentModel
from edgebot.nlu.classifier.ngrams import Floats, Ints, NgramFeatures, SparseRow
from edgebot.nlu.classifier.scope import (
    Bools,
    Certainty,
    Doubles,
    choose_threshold,
    class_means,
    fit_certainty,
    signs_of,
)

EPOCHS = 12
_FOLD_EPOCHS = 7
_FOLDS = 3
_LEFT_OUT = 0.15
"""Share of the classes that each fold leaves out, to learn what strangers look like."""

_FEWEST_STRANGERS = 20
_STRANGERS_CHANCE = 0.25
"""Share of what is heard that is taken to be out of scope."""

Announce = Callable[[str, int], Progress]
"""(what is being done, number of texts) → called as texts are worked on."""


@dataclass(frozen=True, slots=True)
class _Examples:
    """Texts in the form the head is trained on."""

    rows: Sequence[SparseRow]
    vectors: Floats
    labels: Ints
    """-1 out of scope."""

    @property
    def strangers(self) -> bool:
        """Enough texts out of scope are known to make a class of them."""
        return int(np.sum(self.labels < 0)) >= _FEWEST_STRANGERS


def train(
    texts: Sequence[str],
    labels: Sequence[str],
    embedder: Embedder,
    announce: Announce = lambda what, texts: lambda done: None,
    seed: int = 0,
    groups: Sequence[int] | None = None,
) -> IntentModel:
    """Train on ``texts`` with their intents; the label ``oos`` marks texts of no intent.

    Texts of one of the ``groups`` (a number a text) are so alike that they have to be held out
    together where the certainty is learned.

    Raises ``UnderstandingError`` when there are fewer than two intents.
    """
    intents = tuple(sorted(set(labels) - {OUT_OF_SCOPE}))
    if len(intents) < 2:
        raise UnderstandingError("a classifier needs examples of two intents at least")
    number = {intent: index for index, intent in enumerate(intents)} | {OUT_OF_SCOPE: -1}
    classes = np.array([number[label] for label in labels], np.int32)
    vectors = embed_once(texts, embedder, announce("embedding", len(texts)))
    features = NgramFeatures.fit([t for t, c in zip(texts, classes, strict=True) if c >= 0])
    rows = [features.row(text) for text in texts]
    everything = _Examples(rows, vectors, classes)
    shape = (len(features), len(intents))
    judged = _cross_fit(everything, shape, announce, seed, groups)
    certainty, threshold, figures = _calibrate(judged, len(intents))
    inside = np.flatnonzero(classes >= 0)
    used = np.arange(len(classes)) if everything.strangers else inside
    head = _head(everything, used, shape, EPOCHS, seed, announce("training", EPOCHS * len(used)))
    return IntentModel(
        intents=intents,
        features=features,
        head=head,
        means=class_means(vectors[inside], classes[inside], len(intents)),
        certainty=certainty,
        threshold=threshold,
        embedder=embedder.model_id,
        about={
            "examples": len(inside),
            "out_of_scope": int(np.sum(classes < 0)),
            "intents": len(intents),
            **figures,
        },
    )


def _head(
    examples: _Examples,
    chosen: Any,
    shape: tuple[int, int],
    epochs: int,
    seed: int,
    progress: Progress,
) -> LinearHead:
    """A head over the intents, and over strangers as the last class where there are enough."""
    features, intents = shape
    labels = examples.labels[chosen]
    return train_head(
        [examples.rows[int(index)] for index in chosen],
        DENSE_SCALE * examples.vectors[chosen],
        np.where(labels < 0, intents, labels).astype(np.int32),
        (features, intents + examples.strangers),
        epochs,
        seed,
        progress,
    )


@dataclass(frozen=True, slots=True)
class _Judged:
    """Texts judged by heads that were not trained on them."""

    signs: Doubles
    logits: Floats
    labels: Ints
    out: Bools
    """Out of scope, by their label or because their class was left out."""

    real: Bools
    """Out of scope by their label."""

    best: Ints
    """The likeliest intent."""

    @property
    def right(self) -> Bools:
        """In scope and told right."""
        return np.asarray(~self.out & (self.best == self.labels))


def _cross_fit(
    examples: _Examples,
    shape: tuple[int, int],
    announce: Announce,
    seed: int,
    groups: Sequence[int] | None,
) -> _Judged:
    rng = np.random.default_rng(seed)
    folds = _stratified(examples.labels, np.asarray(groups or range(len(examples.rows))), rng)
    order = rng.permutation(shape[1])
    left = max(1, round(_LEFT_OUT * shape[1])) if shape[1] >= 4 else 0
    usable = (examples.labels >= 0) | examples.strangers
    total = sum(int(np.sum((folds != fold) & usable)) for fold in range(_FOLDS))
    progress = announce("calibrating", total * _FOLD_EPOCHS)
    empty = np.zeros(0, np.int32)
    parts: list[tuple[Any, ...]] = [
        (np.zeros((0, 2)), _no_logits(shape, examples), empty, empty > 0, empty > 0, empty)
    ]
    for fold in range(_FOLDS):
        strangers = order[fold * left : (fold + 1) * left]
        unseen = np.isin(examples.labels, strangers)
        chosen = np.flatnonzero(usable & (folds != fold) & ~unseen)
        progress(_FOLD_EPOCHS * int((usable & (folds != fold) & unseen).sum()))
        held = np.flatnonzero(folds == fold)
        if not np.any(examples.labels[chosen] >= 0) or not len(held):
            continue  # hardly any examples
        signs, logits = _judge(examples, shape, (chosen, held), seed, progress)
        real = examples.labels[held] < 0
        best = logits[:, : shape[1]].argmax(axis=1)
        parts.append((signs, logits, examples.labels[held], real | unseen[held], real, best))
    return _Judged(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _judge(
    examples: _Examples,
    shape: tuple[int, int],
    which: tuple[Any, Any],
    seed: int,
    progress: Progress,
) -> tuple[Doubles, Floats]:
    """Signs and logits of the texts ``which[1]`` by a head trained on the texts ``which[0]``."""
    chosen, held = which
    head = _head(examples, chosen, shape, _FOLD_EPOCHS, seed, progress)
    rows = [examples.rows[int(index)] for index in held]
    logits = head.logits(rows, DENSE_SCALE * examples.vectors[held])
    # Classes the head never saw must neither win nor add to the energy.
    missing = np.setdiff1d(np.arange(shape[1]), examples.labels[chosen])
    logits[:, missing] = logits.min() - 10.0
    known = chosen[examples.labels[chosen] >= 0]
    means = class_means(examples.vectors[known], examples.labels[known], shape[1])
    return signs_of(logits[:, : shape[1]], examples.vectors[held], means), logits


def _no_logits(shape: tuple[int, int], examples: _Examples) -> Floats:
    return np.zeros((0, shape[1] + examples.strangers), np.float32)


def _stratified(labels: Ints, groups: Any, rng: np.random.Generator) -> Ints:
    """A fold for each text: those of a label spread evenly, those of a group together."""
    folds = np.zeros(len(labels), np.int32)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        names, which = np.unique(groups[members], return_inverse=True)
        shuffled = (rng.permutation(len(names)) + rng.integers(_FOLDS)) % _FOLDS
        folds[members] = shuffled[which]
    return folds


def _calibrate(judged: _Judged, intents: int) -> tuple[Certainty, float, dict[str, Any]]:
    """The certainty, the threshold, and figures about texts that were held out."""
    trusted = int(judged.real.sum()) >= _FEWEST_STRANGERS
    out = judged.real if trusted else judged.out
    seen = out | ~judged.out
    weight = np.ones(len(out))
    if out.any():
        inside = float((~judged.out).sum())
        weight[out] = inside * _STRANGERS_CHANCE / (1.0 - _STRANGERS_CHANCE) / out.sum()
    certainty = fit_certainty(
        judged.signs[seen], judged.logits[seen], judged.labels[seen], out[seen], weight[seen]
    )
    score = certainty.score(judged.logits, intents, judged.signs)
    right = judged.right
    threshold = choose_threshold(score[seen], right[seen], out[seen], trusted)
    accepted = score >= threshold
    within = ~judged.out
    return (
        certainty,
        threshold,
        {
            "held_out_accuracy": _share(right[within]),
            "held_out_in_scope_accuracy": _share((right & accepted)[within]),
            "held_out_oos_recall": _share((~accepted)[out]),
            "oos_from_examples": trusted,
        },
    )


def _share(truths: Bools) -> float | None:
    return round(float(truths.mean()), 4) if len(truths) else None

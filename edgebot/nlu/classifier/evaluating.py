"""How well a model tells intents on texts it has not seen."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgebot.core.embedding import Embedder
from edgebot.core.errors import UnderstandingError
from edgebot.nlu.classifier.linear import Progress
from edgebot.nlu.classifier.model import OUT_OF_SCOPE, IntentModel


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a model answered to labelled texts."""

    expected: tuple[str, ...]
    answered: tuple[str, ...]
    """Intents, or ``oos``."""

    ms_per_text: float
    """Mean time from text to intent, one text after the other."""

    @property
    def accuracy(self) -> float:
        """Share of right answers, out of scope included."""
        return _share([e == a for e, a in self._pairs]) or 0.0

    @property
    def in_scope_accuracy(self) -> float | None:
        """Share of right answers among texts that belong to an intent."""
        return _share([e == a for e, a in self._pairs if e != OUT_OF_SCOPE])

    @property
    def oos_recall(self) -> float | None:
        """Share of texts out of scope that were told to be; None where there are none."""
        return _share([a == OUT_OF_SCOPE for e, a in self._pairs if e == OUT_OF_SCOPE])

    @property
    def oos_precision(self) -> float | None:
        """Share of truth among what was told to be out of scope; None where nothing was."""
        return _share([e == OUT_OF_SCOPE for e, a in self._pairs if a == OUT_OF_SCOPE])

    @property
    def macro_f1(self) -> float:
        """Mean over the expected labels of the harmonic mean of precision and recall."""
        right = Counter(e for e, a in self._pairs if e == a)
        expected, answered = Counter(self.expected), Counter(self.answered)
        each = [2 * right[label] / (n + answered[label]) for label, n in expected.items()]
        return float(np.mean(each))

    @property
    def confusion(self) -> dict[str, dict[str, int]]:
        """Expected label → answer → how often; both sorted."""
        table: dict[str, Counter[str]] = {}
        for expected, answered in self._pairs:
            table.setdefault(expected, Counter())[answered] += 1
        return {label: dict(sorted(table[label].items())) for label in sorted(table)}

    @property
    def _pairs(self) -> list[tuple[str, str]]:
        return list(zip(self.expected, self.answered, strict=True))

    def described(self) -> dict[str, Any]:
        """The fields of ``edgebot nlu eval --json``."""
        return {
            "texts": len(self.expected),
            "accuracy": round(self.accuracy, 4),
            "in_scope_accuracy": _rounded(self.in_scope_accuracy),
            "oos_recall": _rounded(self.oos_recall),
            "oos_precision": _rounded(self.oos_precision),
            "macro_f1": round(self.macro_f1, 4),
            "ms_per_text": round(self.ms_per_text, 3),
            "confusion": self.confusion,
        }


def evaluate(
    model: IntentModel,
    texts: Sequence[str],
    labels: Sequence[str],
    embedder: Embedder,
    progress: Progress = lambda texts: None,
) -> Evaluation:
    """Judge ``texts`` one by one, as they come in when people speak.

    Raises ``UnderstandingError`` when ``embedder`` is not the one the model was trained with.
    """
    check_embedder(model, embedder)
    embedder.embed(texts[:1])  # the first call of an engine pays for things the others do not
    answered: list[str] = []
    started = time.perf_counter()
    for text in texts:
        chances, score = model.judge([text], embedder.embed([text]))
        best = model.intents[int(chances[0].argmax())]
        answered.append(best if score[0] >= model.threshold else OUT_OF_SCOPE)
        progress(1)
    spent_ms = (time.perf_counter() - started) * 1000.0
    return Evaluation(tuple(labels), tuple(answered), spent_ms / max(1, len(texts)))


def check_embedder(model: IntentModel, embedder: Embedder) -> None:
    """Raise ``UnderstandingError`` unless ``model`` was trained with ``embedder``."""
    if embedder.model_id != model.embedder:
        raise UnderstandingError(
            f"the classifier was trained with {model.embedder}, the settings say "
            f"{embedder.model_id}; train it again with `edgebot nlu train`"
        )


def _share(truths: Sequence[bool]) -> float | None:
    return sum(truths) / len(truths) if truths else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)

"""An intent model together with its sentence encoder: from text to intent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgebot.core.embedding import Embedder
from edgebot.nlu.classifier.evaluating import check_embedder
from edgebot.nlu.classifier.model import IntentModel
from edgebot.nlu.classifier.ngrams import words_of

_OTHERS = 5


class IntentClassifier:
    """Tells intents of texts. Safe to use from several threads as far as the encoder is."""

    def __init__(
        self, model: IntentModel, embedder: Embedder, threshold: float | None = None
    ) -> None:
        """``threshold``: the score that is asked for, where that is more than the model's own.

        Raises ``UnderstandingError`` when model and encoder do not belong together.
        """
        check_embedder(model, embedder)
        self.model = model
        self._threshold = max(model.threshold, threshold or 0.0)
        self._embedder = embedder

    def classify(self, text: str) -> tuple[str | None, float, Sequence[tuple[str, float]]]:
        """Intent (None out of scope), its score, and the other likely intents with their chances.

        The score is the calibrated probability that the intent is right; for a text out of scope it
        is that of the intent that was turned down.
        """
        chances, scores = self.model.judge([text], self._embedder.embed([text]))
        order = np.argsort(-chances[0])
        best, score = self.model.intents[int(order[0])], float(scores[0])
        others = [(self.model.intents[int(i)], float(chances[0][i])) for i in order[1:_OTHERS]]
        if score < self._threshold:
            return None, score, [(best, float(chances[0][order[0]])), *others]
        return best, score, others

    def attribute(self, text: str) -> Sequence[tuple[str, float]]:
        """Each word with how much the decision rests on it, the strongest at 1 or -1.

        Occlusion (Zeiler and Fergus, 2014; Li, Monroe and Jurafsky, "Understanding neural networks
        through representation erasure", 2016): the fall of the winning intent's lead over the next
        one when the word is taken away. Negative words speak against the decision.
        """
        words = words_of(text)
        if not words:
            return []
        texts = [" ".join(words)]
        texts += [" ".join(words[:gone] + words[gone + 1 :]) for gone in range(len(words))]
        logits = self.model.logits(texts, self._embedder.embed(texts))
        best = int(logits[0, : len(self.model.intents)].argmax())
        others = np.delete(logits, best, axis=1).max(axis=1)
        leads = logits[:, best] - others
        falls = leads[0] - leads[1:]
        strongest = float(np.abs(falls).max()) or 1.0
        return [
            (word, round(float(fall) / strongest, 4))
            for word, fall in zip(words, falls, strict=True)
        ]

    def close(self) -> None:
        """Nothing to free: the encoder belongs to whoever opened it."""

"""microWakeWord models (https://github.com/kahrendt/microWakeWord) by ``pymicro-wakeword``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgebot.core.audio import RATE_HZ, Samples
from edgebot.core.errors import EngineError
from edgebot.core.listening import Wake
from edgebot.wake.sensitivity import sensitivity_of, threshold
from edgebot.wake.tflite import check_model

_DEAF_S = 1.0
"""After a detection the same word is not heard for so long."""


@dataclass(slots=True)
class _Word:
    name: str
    model: Any
    shipped: float
    threshold: float
    score: float = 0.0
    _steps: int = 0

    def listen(self, features: Any) -> None:
        """Take the features of the next 10 ms; every few of them there is another score."""
        score = self.model.process_streaming_prob(features)
        self._steps = (self._steps + 1) % self.model.stride
        if self._steps == 0:
            self.score = score or 0.0

    def forget(self) -> None:
        """Begin again."""
        self.model.reset()
        self.score, self._steps = 0.0, 0


class MicroWakeWords:
    """See :class:`~edgebot.core.listening.WakeWord`. Belongs to one thread but for the sensitivity.

    All words share one front end; each has its own small network.
    """

    def __init__(self, files: Sequence[Mapping[str, Path]], *, sensitivity: float = 0.5) -> None:
        """``files``: for each word its ``model`` (TFLite) and ``config`` (JSON).

        Raises :class:`EngineError` when they are not microWakeWord models.
        """
        from pymicro_wakeword import MicroWakeWordFeatures

        self._features: Any = MicroWakeWordFeatures()
        self._words = [_load(one["model"], one["config"], sensitivity) for one in files]
        self.words = tuple(word.name for word in self._words)
        self._deaf_until = 0

    def accept(self, samples: Samples, start: int) -> Wake | None:
        """Take the next samples; the wake word that ended in them."""
        end = start + len(samples)
        found: _Word | None = None
        best = 0.0
        for features in self._features.process_streaming(samples.tobytes()):
            for word in self._words:
                word.listen(features)
                if word.score > max(best, word.threshold):
                    found, best = word, word.score
        if found is None or end < self._deaf_until:
            return None
        self._deaf_until = end + int(_DEAF_S * RATE_HZ)
        return Wake(found.name, best, end)

    def set_sensitivity(self, sensitivity: float) -> None:
        """0 … 1: takes effect with the next samples."""
        for word in self._words:
            word.threshold = threshold(word.shipped, sensitivity)

    def score(self) -> float:
        """The latest score of the likeliest word."""
        return max((word.score for word in self._words), default=0.0)

    def likeliest(self) -> str:
        """The word that the score belongs to."""
        return max(self._words, key=lambda word: word.score).name

    def sensitivity_for(self, word: str, score: float) -> float:
        """The sensitivity at which ``word`` with ``score`` would just have been heard."""
        return sensitivity_of(next(w.shipped for w in self._words if w.name == word), score)

    def reset(self) -> None:
        """Forget what was heard."""
        self._features.reset()
        for word in self._words:
            word.forget()
        self._deaf_until = 0

    def close(self) -> None:
        """Free the models."""
        for word in self._words:
            word.model.close()


def _load(model: Path, config: Path, sensitivity: float) -> _Word:
    from pymicro_wakeword import MicroWakeWord
    from pymicro_wakeword.microwakeword import _MODULE_LIB_DIR

    library = next(iter(_MODULE_LIB_DIR.glob("*tensorflowlite_c.*")), None)
    if library is None:
        raise EngineError("pymicro-wakeword lacks its TensorFlow Lite; run `make setup`")
    try:
        described = json.loads(config.read_text(encoding="utf-8"))
        shipped = float(described["micro"]["probability_cutoff"])
        if not 0.0 < shipped < 1.0:
            raise ValueError("its probability_cutoff is no probability")
        if int(described["micro"]["sliding_window_size"]) < 1:
            raise ValueError("its sliding_window_size is no number of scores")
        check_model(model, library, "microWakeWord model", shape=(1, 0, 40))
        loaded = MicroWakeWord(
            model.stem,
            wake_word=str(described["wake_word"]),
            tflite_model=model,
            probability_cutoff=shipped,
            sliding_window_size=int(described["micro"]["sliding_window_size"]),
            trained_languages=list(described.get("trained_languages", ())),
            libtensorflowlite_c_path=library,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineError(
            f"{model}: not a microWakeWord model ({error}); run `edgebot models verify`"
        ) from None
    name = loaded.wake_word.casefold()
    return _Word(name, loaded, shipped, threshold(shipped, sensitivity))

"""openWakeWord models (https://github.com/dscripka/openWakeWord) by ``pyopen-wakeword``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgebot.core.audio import RATE_HZ, Samples
from edgebot.core.errors import EngineError
from edgebot.core.listening import Wake
from edgebot.wake.sensitivity import threshold

SHIPPED = 0.5
"""Score from which openWakeWord's authors take a word for said."""

_DEAF_S = 1.0
_BLOCK = 1280


@dataclass(slots=True)
class _Word:
    name: str
    model: Any
    score: float = 0.0


class OpenWakeWords:
    """See :class:`~edgebot.core.listening.WakeWord`. Belongs to one thread but for the sensitivity.

    All words share the mel spectrogram and the speech embedding; each has its own small head.
    """

    def __init__(self, files: Sequence[Mapping[str, Path]], *, sensitivity: float = 0.5) -> None:
        """``files``: for each word ``model``, ``melspectrogram`` and ``embedding`` (TFLite).

        Raises :class:`EngineError` when they are not openWakeWord models.
        """
        from pyopen_wakeword import OpenWakeWord, OpenWakeWordFeatures
        from pyopen_wakeword.openwakeword import _find_tensorflowlite_c

        library = _find_tensorflowlite_c()
        for one in files:
            for path in one.values():
                _check(path)
        first = files[0]
        self._features: Any = OpenWakeWordFeatures(
            first["melspectrogram"], first["embedding"], library
        )
        self._words = [
            _Word(_name(one["model"]), OpenWakeWord.from_model(one["model"], library))
            for one in files
        ]
        self.words = tuple(word.name for word in self._words)
        self._threshold = threshold(SHIPPED, sensitivity)
        self._deaf_until = 0
        self._waiting = b""

    def accept(self, samples: Samples, start: int) -> Wake | None:
        """Take the next samples; the wake word that ended in them."""
        end = start + len(samples)
        self._waiting += samples.tobytes()
        if len(self._waiting) < 2 * _BLOCK:
            return None
        block, self._waiting = self._waiting, b""
        found: _Word | None = None
        best = 0.0
        for embeddings in self._features.process_streaming(block):
            for word in self._words:
                for score in word.model.process_streaming(embeddings):
                    word.score = float(score)
                    if word.score > max(best, self._threshold):
                        found, best = word, word.score
        if found is None or end < self._deaf_until:
            return None
        self._deaf_until = end + int(_DEAF_S * RATE_HZ)
        return Wake(found.name, best, end)

    def set_sensitivity(self, sensitivity: float) -> None:
        """0 … 1: takes effect with the next samples."""
        self._threshold = threshold(SHIPPED, sensitivity)

    def score(self) -> float:
        """The latest score of the likeliest word."""
        return max((word.score for word in self._words), default=0.0)

    def reset(self) -> None:
        """Forget what was heard."""
        self._features.reset()
        for word in self._words:
            word.model.reset()
            word.score = 0.0
        self._waiting = b""
        self._deaf_until = 0

    def close(self) -> None:
        """Free the models."""
        self._features.close()
        for word in self._words:
            word.model.close()


def _name(model: Path) -> str:
    return model.stem.partition("_v0")[0].replace("_", " ")


def _check(path: Path) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise EngineError(f"{path}: cannot be read ({error.strerror})") from None
    if head[4:8] != b"TFL3":
        raise EngineError(f"{path}: not a TensorFlow Lite model; run `edgebot models verify`")

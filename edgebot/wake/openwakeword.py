"""openWakeWord models (https://github.com/dscripka/openWakeWord) by ``pyopen-wakeword``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgebot.core.audio import RATE_HZ, Samples
from edgebot.core.listening import Wake
from edgebot.wake.sensitivity import sensitivity_of, threshold
from edgebot.wake.tflite import check_model

SHIPPED = 0.5
"""Score from which openWakeWord's authors take a word for said."""

_DEAF_S = 2.0
"""After a detection no word is heard for so long: the models look back over two seconds, and score
the word that was said as long as they see it."""

_BLOCK = 1280
_MEL_INPUT = (1, 1760)
_EMBEDDING_INPUT = (1, 76, 32, 1)
_HEAD_INPUT = (1, 0, 96)
_STATE = frozenset(
    ["new_audio_samples", "audio", "new_mels", "mels", "new_embeddings", "embeddings"]
)
"""Attributes in which the package's objects keep what they heard."""


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
            _check(one, library)
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
        self._silence = self._hear_silence()

    def accept(self, samples: Samples, start: int) -> Wake | None:
        """Take the next samples; the wake word that ended in them."""
        end = start + len(samples)
        self._waiting += samples.tobytes()
        best, name = 0.0, ""
        while len(self._waiting) >= 2 * _BLOCK:
            block, self._waiting = self._waiting[: 2 * _BLOCK], self._waiting[2 * _BLOCK :]
            for word in self._hear(block):
                if word.score > max(best, self._threshold):
                    best, name = word.score, word.name
        if not name or end < self._deaf_until:
            return None
        self._deaf_until = end + int(_DEAF_S * RATE_HZ)
        return Wake(name, best, end)

    def _hear(self, block: bytes) -> Iterator[_Word]:
        """Each word, whenever there is another score of it."""
        for embeddings in self._features.process_streaming(block):
            for word in self._words:
                for score in word.model.process_streaming(embeddings):
                    word.score = float(score)
                    yield word

    def set_sensitivity(self, sensitivity: float) -> None:
        """0 … 1: takes effect with the next samples."""
        self._threshold = threshold(SHIPPED, sensitivity)

    def score(self) -> float:
        """The latest score of the likeliest word."""
        return max((word.score for word in self._words), default=0.0)

    def likeliest(self) -> str:
        """The word that the score belongs to."""
        return max(self._words, key=lambda word: word.score).name

    def sensitivity_for(self, word: str, score: float) -> float:
        """The sensitivity at which ``word`` with ``score`` would just have been heard."""
        return sensitivity_of(SHIPPED, score)

    def reset(self) -> None:
        """Forget what was heard."""
        for one, state in zip(self._parts(), self._silence, strict=True):
            for name, value in state.items():
                setattr(one, name, np.copy(value) if isinstance(value, np.ndarray) else value)
        for word in self._words:
            word.score = 0.0
        self._waiting = b""
        self._deaf_until = 0

    def close(self) -> None:
        """Free the models."""
        self._features.close()
        for word in self._words:
            word.model.close()

    def _parts(self) -> list[Any]:
        return [self._features, *(word.model for word in self._words)]

    def _hear_silence(self) -> list[dict[str, Any]]:
        """What the parts hold after seconds of silence.

        The package works through eight seconds of it after every reset, half a second of processor
        time in which nobody is heard. Once is enough.
        """
        for _ in self._hear(bytes(2 * _BLOCK)):
            pass
        return [
            {
                name: np.copy(value) if isinstance(value, np.ndarray) else value
                for name, value in vars(one).items()
                if name in _STATE
            }
            for one in self._parts()
        ]


def _name(model: Path) -> str:
    return model.stem.partition("_v0")[0].replace("_", " ")


def _check(files: Mapping[str, Path], library: Path) -> None:
    check_model(files["melspectrogram"], library, "mel spectrogram", shape=_MEL_INPUT, resize=True)
    check_model(
        files["embedding"], library, "speech embedding", shape=_EMBEDDING_INPUT, resize=True
    )
    check_model(files["model"], library, "openWakeWord model", shape=_HEAD_INPUT)

"""Deciding when to listen and when the person is done: ports and messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from edgebot.core.audio import Samples

Vector: TypeAlias = npt.NDArray[np.float32]
"""A voice, of length 1; the cosine of two tells how alike they are."""


class VoiceActivity(Protocol):
    """Tells speech from everything else, chunk by chunk. Keeps state between chunks."""

    chunk: int
    """Samples each call takes, at 16 kHz."""

    def probability(self, samples: Samples) -> float:
        """How likely the ``chunk`` samples, shape (chunk,), hold speech: 0 … 1."""

    def reset(self) -> None:
        """Forget what was heard: another recording begins."""

    def close(self) -> None:
        """Free the model."""


class TurnDetector(Protocol):
    """Tells from the sound of the last seconds whether a person is done speaking."""

    longest_s: float
    """How much audio it looks at, in seconds; more is cut at the front."""

    def finished(self, samples: Samples) -> float:
        """How likely the utterance ``samples``, shape (n,) at 16 kHz, is complete: 0 … 1."""

    def close(self) -> None:
        """Free the model."""


@dataclass(frozen=True, slots=True)
class Wake:
    """A wake word was heard."""

    word: str
    score: float
    """Largest score of the detection, 0 … 1."""

    end: int
    """Position just behind the word in the stream, in samples."""


class WakeWord(Protocol):
    """Waits for one wake word or several. Keeps state between calls."""

    words: tuple[str, ...]

    def accept(self, samples: Samples, start: int) -> Wake | None:
        """Take the next samples, shape (n,) at 16 kHz, which begin at ``start`` of the stream."""

    def set_sensitivity(self, sensitivity: float) -> None:
        """0 … 1: from hardly ever to very easily; takes effect at once."""

    def score(self) -> float:
        """The latest score of the likeliest word, 0 … 1, for the tuning of the threshold."""

    def reset(self) -> None:
        """Forget what was heard."""

    def close(self) -> None:
        """Free the models."""


class TunableWakeWord(WakeWord, Protocol):
    """A wake word engine that tells how near to waking something came."""

    def likeliest(self) -> str:
        """The word that :meth:`score` belongs to."""

    def sensitivity_for(self, word: str, score: float) -> float:
        """The sensitivity, 0 … 1, at which ``word`` with ``score`` would just have been heard."""


class VoicePrint(Protocol):
    """Tells voices apart, whatever they say."""

    model_id: str
    """Vectors of different models cannot be compared."""

    def vector(self, samples: Samples) -> tuple[Vector | None, float]:
        """The voice in ``samples``, shape (n,) at 16 kHz, and the seconds of speech in them.

        None when there is too little speech to tell.
        """

    def close(self) -> None:
        """Free the model."""

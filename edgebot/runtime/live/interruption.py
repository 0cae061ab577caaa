"""Whether a person breaks in while we speak, counted in samples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from edgebot.core.audio import RATE_HZ, Samples


class Verdict(Enum):
    """What the last frame means for the reply that is being spoken."""

    NOTHING = auto()

    MAYBE = auto()
    """Somebody may have begun to speak: listen to the words."""

    PERSON = auto()
    """Somebody has spoken for long enough to be sure."""


@dataclass(frozen=True, slots=True)
class InterruptionLimits:
    """When speech counts as breaking in. Times in milliseconds of audio."""

    speech_ms: int = 320
    """Speech that is enough: 350 ms of it, which are noticed a chunk late."""

    maybe_ms: int = 130
    """Speech from which the words are listened to."""

    gap_ms: int = 300
    """A silence this short does not break it off: closures, and pauses between short words."""

    bridge_ms: int = 128
    """A dip in level this short within speech is part of it: closures are as soft as an echo."""

    probability: float = 0.6
    """Of the voice activity detector, from which a chunk holds speech."""

    above_echo_db: float = 6.0
    """A person is louder than what is left of our own voice by this much."""

    floor_db: float = -55.0
    """Nothing below this level is a person talking to us, dB of full scale."""


class Interruption:
    """Follows the microphone while a reply is spoken."""

    def __init__(self, limits: InterruptionLimits = InterruptionLimits()) -> None:
        self._limits = limits
        self.reset()

    def reset(self) -> None:
        """Begin anew: what was heard was nobody, or the reply is over."""
        self._speech = 0
        self._gap = 0
        self._soft = 0
        self.age = 0
        """Samples since the speech began; 0 while there is none."""

    def accept(self, samples: Samples, probability: float, echo_db: float | None) -> Verdict:
        """Take a chunk, shape (n,) at 16 kHz, its ``probability`` of speech and the echo's level.

        ``echo_db``: what is left of our own voice in the microphone, dB of full scale.
        """
        limits = self._limits
        threshold = max(
            limits.floor_db, -math.inf if echo_db is None else echo_db + limits.above_echo_db
        )
        sounds_spoken = probability >= limits.probability
        if sounds_spoken and level_db(samples) >= threshold:
            if self._gap <= _samples(limits.bridge_ms):
                self._speech += self._soft
            self._speech += len(samples)
            self._gap = self._soft = 0
            self.age += len(samples)
        elif self._speech:
            self._gap += len(samples)
            self._soft += len(samples) if sounds_spoken else 0
            self.age += len(samples)
            if self._gap > _samples(limits.gap_ms):
                self.reset()
        if self._speech >= _samples(limits.speech_ms):
            return Verdict.PERSON
        return Verdict.MAYBE if self._speech >= _samples(limits.maybe_ms) else Verdict.NOTHING


def level_db(samples: Samples) -> float:
    """Root mean square of ``samples``, shape (n,), in dB of full scale; -120 for silence."""
    if not len(samples):
        return -120.0
    mean_square = float(np.mean(np.square(samples.astype(np.float32) / 32768.0)))
    return 10.0 * math.log10(mean_square) if mean_square > 1e-12 else -120.0


def _samples(milliseconds: int) -> int:
    return milliseconds * RATE_HZ // 1000

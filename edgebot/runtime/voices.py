"""Who speaks: whose of the enrolled voices an utterance is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgebot.core.audio import Samples
from edgebot.core.errors import UsageError
from edgebot.core.listening import Vector, VoicePrint
from edgebot.runtime.voice_store import VoiceStore, check_name, unit

THRESHOLD = 0.55
"""Cosine from which a voice counts as known; chosen on real speech, see docs/voices.md."""

MARGIN = 0.05
"""The nearest voice must be nearer than the next one by this much."""

ENOUGH_S = 1.0
"""Least speech that a voice is told from, in seconds."""


@dataclass(frozen=True, slots=True)
class Guess:
    """Whose voice it is."""

    name: str | None
    """None for a stranger, and where too little was said or two voices are too alike."""

    speech_s: float
    scores: Mapping[str, float]
    """Cosine for each enrolled voice, nearest first."""

    @property
    def is_telling(self) -> bool:
        """Whether enough was said to tell a voice from."""
        return self.speech_s >= ENOUGH_S


class Voices:
    """The enrolled voices and what tells them apart. Safe to use from several threads."""

    def __init__(
        self, store: VoiceStore, voice_print: VoicePrint, threshold: float = THRESHOLD
    ) -> None:
        self.store = store
        self.voice_print = voice_print
        self._threshold = threshold

    def enroll(self, name: str, recordings: Sequence[Samples]) -> float:
        """Remember the voice in ``recordings`` (16 kHz) as that of ``name``.

        Returns the seconds of speech they held. Raises :class:`UsageError` for an impossible name
        or a recording with less than a second of speech; nothing is changed then.
        """
        check_name(name)
        vectors: list[Vector] = []
        speech_s = 0.0
        for number, samples in enumerate(recordings, 1):
            vector, seconds = self.voice_print.vector(samples)
            if vector is None or seconds < ENOUGH_S:
                raise UsageError(
                    f"recording {number} holds {seconds:.1f} s of speech; each needs at least "
                    f"{ENOUGH_S:.0f} s, and three sentences of some seconds are best"
                )
            vectors.append(vector)
            speech_s += seconds
        if vectors:
            self.store.add(name, vectors)
        return speech_s

    def identify(self, samples: Samples) -> str | None:
        """Whose voice ``samples``, shape (n,) at 16 kHz, are; None when that is not sure."""
        return self.guess(samples).name if self.store.voices else None

    def who(self, samples: Samples) -> Guess:
        """As :meth:`guess`; without any work while nobody is enrolled."""
        return self.guess(samples) if self.store.voices else Guess(None, 0.0, {})

    def guess(self, samples: Samples) -> Guess:
        """As :meth:`identify`, with the scores."""
        vector, speech_s = self.voice_print.vector(samples)
        if vector is None:
            return Guess(None, speech_s, {})
        voices = self.store.voices
        scores = {name: float(_middle(voices[name]) @ vector) for name in voices}
        ranked = sorted(scores, key=scores.__getitem__, reverse=True)
        sure = bool(ranked) and speech_s >= ENOUGH_S and scores[ranked[0]] >= self._threshold
        if sure and len(ranked) > 1:
            sure = scores[ranked[0]] - scores[ranked[1]] >= MARGIN
        ordered = {name: scores[name] for name in ranked}
        return Guess(ranked[0] if sure else None, speech_s, ordered)


def _middle(vectors: Sequence[Vector]) -> Vector:
    return unit(np.mean(vectors, axis=0))

"""A wake word engine whose near misses and wakings are noted."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from edgebot.core.audio import RATE_HZ, Samples
from edgebot.core.listening import TunableWakeWord, Wake
from edgebot.runtime.wake_scores import Score, ScoreFile

_NEAR = 0.95
"""A near miss would have woken the assistant at this sensitivity."""

_HILL = RATE_HZ
"""Scores within a second are one attempt, in samples."""

_MISSES = 50
"""Near misses kept until the next waking; older ones are dropped."""


class ObservedWakeWord:
    """See :class:`~edgebot.core.listening.WakeWord`; hears what ``words`` hears."""

    def __init__(
        self, words: TunableWakeWord, scores: ScoreFile, now: Callable[[], float] = time.time
    ) -> None:
        self._words = words
        self._scores = scores
        self._now = now
        self.words = words.words
        self._misses: deque[Score] = deque(maxlen=_MISSES)
        self._peak: Score | None = None
        self._peak_end = 0
        self._waking: Score | None = None

    def accept(self, samples: Samples, start: int) -> Wake | None:
        """As the engine's."""
        wake = self._words.accept(samples, start)
        if wake is not None:
            self._peak = None
            self._waking = self._scored(wake.word, wake.score)
            return wake
        self._watch(start + len(samples))
        return None

    def _watch(self, end: int) -> None:
        """Note the top of each hill of scores that was not high enough."""
        if self._peak is not None and end - self._peak_end > _HILL:
            self._misses.append(self._peak)
            self._peak = None
        score = self._words.score()
        if score > 0.0 and (self._peak is None or score > self._peak.score):
            near = self._scored(self._words.likeliest(), score)
            if near.needs <= _NEAR and self._waking is None:
                self._peak, self._peak_end = near, end

    def _scored(self, word: str, score: float) -> Score:
        needs = self._words.sensitivity_for(word, score)
        return Score(round(self._now(), 1), word, round(score, 4), round(needs, 4), None)

    def followed(self, spoke: bool) -> None:
        """What came of the last waking; it is written now, with the near misses before it."""
        waking, self._waking = self._waking, None
        if waking is None:
            return
        misses = list(self._misses)
        self._misses.clear()
        self._scores.add(replace(waking, followed=spoke), misses)

    def set_sensitivity(self, sensitivity: float) -> None:
        """As the engine's."""
        self._words.set_sensitivity(sensitivity)

    def score(self) -> float:
        """As the engine's."""
        return self._words.score()

    def reset(self) -> None:
        """Forget what was heard."""
        self._words.reset()
        self._peak = self._waking = None

    def close(self) -> None:
        """Free the models."""
        self._words.close()

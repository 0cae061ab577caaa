"""The rest of a sentence: a person goes on after we took them for finished."""

from __future__ import annotations

from collections.abc import Callable

from edgebot.core.audio import RATE_HZ, AudioFrame
from edgebot.core.speech import SpeechStream
from edgebot.runtime.endpointing import EndpointLimits
from edgebot.runtime.live.hearing import Opening
from edgebot.runtime.live.jobs import Attempt
from edgebot.runtime.live.utterance import Utterance

GIVE_UP_S = 1.0
"""Longest that somebody may seem to go on, after the time in which they may begin to."""


class Rest:
    """Follows the microphone after an endpoint, for as long as the person may still go on.

    Their words belong to the sentence before: its answer is taken back, unless something has
    happened already that cannot be, and both are heard as one.
    """

    def __init__(
        self, opening: Opening, attempt: Attempt, limits: EndpointLimits, wait_s: float
    ) -> None:
        """``wait_s``: how long after the end of their speech they may go on."""
        self.opening = opening
        self._attempt = attempt
        self._limits = limits
        self._age = int(opening.endpointer.silence_ms * RATE_HZ / 1000)
        self._wait = int(wait_s * RATE_HZ)
        self._frames: list[AudioFrame] = []
        self.speech = 0
        """Samples of speech just heard."""

    def hear(self, frame: AudioFrame) -> bool:
        """Time passes; whether somebody who began in time could still go unnoticed."""
        self._age += len(frame.samples)
        self._frames.append(frame)
        return self._age <= self._wait + GIVE_UP_S * RATE_HZ

    def goes_on(self, probability: float, samples: int) -> bool:
        """Take the ``probability`` of speech in the last frame; whether the person goes on."""
        limit = self._limits
        threshold = limit.hold_probability if self.speech else limit.start_probability
        self.speech = self.speech + samples if probability >= threshold else 0
        return self.speech * 1000 >= self._limits.speech_ms * RATE_HZ

    def is_over(self, ago: int = 0) -> bool:
        """Whether it was too late to go on ``ago`` samples before now."""
        return self._age - max(ago, self.speech) > self._wait

    def take_back(self) -> bool:
        """Take the answer back; False when it is too late for that."""
        return self._attempt.take_back()

    def joined(
        self, open_stream: Callable[[], SpeechStream], then: Utterance | None = None
    ) -> Utterance:
        """The whole sentence: what was heard before, and ``then`` (or all that was heard since)."""
        assert self.opening.utterance is not None
        before = AudioFrame(self.opening.utterance.audio())
        since = self._frames if then is None else [AudioFrame(then.audio())]
        return Utterance(open_stream, [before, *since])

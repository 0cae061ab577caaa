"""Two recognisers behind one port: the first while the person speaks, the second afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from edgebot.core.audio import AudioFrame
from edgebot.core.speech import SpeechStream, SpeechToText, Transcript

When = Literal["low_confidence", "always"]

DOUBT = 0.97
"""Confidence of the first recogniser below which ``low_confidence`` asks the second."""


class SecondOpinion:
    """Re-reads the final audio with another engine and believes the one that is surer.

    Confidences of both must be on the same scale. A grammar is the first engine's business.
    """

    def __init__(
        self, first: SpeechToText, second: SpeechToText, when: When, doubt: float = DOUBT
    ) -> None:
        self._first = first
        self._second = second
        self._doubt = doubt if when == "low_confidence" else None
        self.model_id = first.model_id

    def stream(self, grammar: Sequence[str] | None = None) -> SpeechStream:
        """Start an utterance, see :class:`~edgebot.core.speech.SpeechToText`."""
        if grammar:
            return self._first.stream(grammar)
        return _TwoReadings(self._first.stream(), self._second, self._doubt)

    def close(self) -> None:
        """Free both models."""
        self._first.close()
        self._second.close()


class _TwoReadings:
    def __init__(self, first: SpeechStream, second: SpeechToText, doubt: float | None) -> None:
        self._first = first
        self._second = second
        self._doubt = doubt
        self._frames: list[AudioFrame] = []

    def accept(self, frame: AudioFrame) -> str:
        self._frames.append(frame)
        return self._first.accept(frame)

    def finish(self) -> Transcript:
        first = self._first.finish()
        frames, self._frames = self._frames, []
        if self._doubt is not None and first.confidence >= self._doubt:
            return first
        stream = self._second.stream()
        for frame in frames:
            stream.accept(frame)
        second = stream.finish()
        return second if second.text and second.confidence > first.confidence else first

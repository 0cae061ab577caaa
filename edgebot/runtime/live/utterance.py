"""One utterance on its way through the recogniser; ended at a pause, it can be taken up again."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from edgebot.core.audio import RATE_HZ, AudioFrame, Samples
from edgebot.core.speech import SpeechStream

_BATCH = RATE_HZ // 10
"""The recogniser is fed this many samples at once: each call has its price."""


class Utterance:
    """What a person says, from its first sound.

    At a pause the recogniser's stream is handed over, to be finished while it is still open
    whether the person is done. If they go on, another stream is opened and hears everything again.
    """

    def __init__(
        self, open_stream: Callable[[], SpeechStream], lead: Iterable[AudioFrame] = ()
    ) -> None:
        """``lead``: what was heard just before it was sure that somebody speaks."""
        self._open_stream = open_stream
        self._stream: SpeechStream | None = open_stream()
        self._heard: list[Samples] = []
        self._fed = 0
        self.partial = ""
        """The words so far."""

        for frame in lead:
            self.accept(frame)

    def accept(self, frame: AudioFrame) -> bool:
        """Take the next frame; True when :attr:`partial` has changed."""
        self._heard.append(frame.samples)
        return self._feed(_BATCH)

    def hand_over(self) -> SpeechStream:
        """The stream with everything heard so far, to be finished by whoever takes it."""
        if self._stream is None:
            self._stream = self._open_stream()
            self._fed = 0
        self._feed(1)
        stream, self._stream = self._stream, None
        return stream

    def resume(self) -> None:
        """The person goes on: hear it all again with a stream that is not used up."""
        if self._stream is None:
            self._stream = self._open_stream()
            self._fed = 0
            self._feed(1)

    def audio(self) -> Samples:
        """Everything heard, shape (n,) at 16 kHz."""
        if len(self._heard) > 1:
            self._heard = [np.concatenate(self._heard)]
        return self._heard[0] if self._heard else np.zeros(0, np.int16)

    def _feed(self, at_least: int) -> bool:
        total = sum(map(len, self._heard))
        if self._stream is None or total - self._fed < at_least:
            return False
        fresh = self.audio()[self._fed :]
        before, self.partial = (
            self.partial,
            self._stream.accept(AudioFrame(fresh, RATE_HZ, self._fed)),
        )
        self._fed = total
        return self.partial != before

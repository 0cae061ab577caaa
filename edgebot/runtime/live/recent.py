"""What the microphone heard lately, so that no first syllable is lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from edgebot.core.audio import RATE_HZ, AudioFrame
from edgebot.runtime.live.interruption import level_db

_NOTICED_LATE_S = 0.2
"""A wake word is noticed at most so long after its end."""


class Recent:
    """The last frames of a stream, oldest first."""

    def __init__(self) -> None:
        self._frames: deque[AudioFrame] = deque()

    def __iter__(self) -> Iterator[AudioFrame]:
        return iter(self._frames)

    def add(self, frame: AudioFrame, longest_s: float) -> None:
        """Keep ``frame``, and no more than ``longest_s`` in all."""
        self._frames.append(frame)
        while self._frames and frame.end - self._frames[0].start > longest_s * RATE_HZ:
            self._frames.popleft()

    def clear(self) -> None:
        """Forget all of it."""
        self._frames.clear()

    def after_word(self, noticed: int) -> list[AudioFrame]:
        """The frames that follow a wake word noticed at position ``noticed``, in samples.

        A word is noticed about a tenth of a second after its end, and many people go straight on.
        So what counts begins where it was quietest lately.
        """
        since = noticed - _NOTICED_LATE_S * RATE_HZ
        lately = [one for one in self._frames if since <= one.start < noticed]
        if not lately:
            return [one for one in self._frames if one.end > noticed]
        quietest = min(lately, key=lambda one: level_db(one.samples))
        return [one for one in self._frames if one.start >= quietest.start]

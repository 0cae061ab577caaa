"""Fixed phrases are synthesized once."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator

from edgebot.core.audio import AudioFrame
from edgebot.core.cancel import Cancellation
from edgebot.core.speech import TextToSpeech
from edgebot.runtime.speeds import TEXT_TO_SPEECH

_LONGEST = 60
"""Longer texts are hardly ever said twice, in characters."""

_KEPT_S = 120.0
"""Sound that is kept, in seconds: some 5 MB."""


class KeptPhrases:
    """A voice that remembers what it said: short replies come without delay the second time."""

    def __init__(self, tts: TextToSpeech, kept_s: float = _KEPT_S) -> None:
        self._tts = tts
        self.model_id = tts.model_id
        self.rate_hz = tts.rate_hz
        self._kept: OrderedDict[str, list[AudioFrame]] = OrderedDict()
        self._left_s = kept_s
        self._lock = threading.Lock()

    def synthesize(self, text: str, cancellation: Cancellation) -> Iterator[AudioFrame]:
        """As :class:`~edgebot.core.speech.TextToSpeech`."""
        with self._lock:
            kept = self._kept.get(text)
            if kept is not None:
                self._kept.move_to_end(text)
        if kept is not None:
            yield from kept
            return
        frames: list[AudioFrame] = []
        for frame in _timed(self._tts.synthesize(text, cancellation)):
            frames.append(frame)
            yield frame
        if len(text) <= _LONGEST and not cancellation.is_set:
            self._keep(text, frames)

    def prepare(self, texts: Iterable[str], cancellation: Cancellation) -> None:
        """Synthesize ``texts`` now, so that they are there when they are needed."""
        for text in texts:
            if cancellation.is_set:
                return
            for _ in self.synthesize(text, cancellation):
                pass

    def close(self) -> None:
        """Forget everything; the voice belongs to whoever opened it."""
        with self._lock:
            self._kept.clear()

    def _keep(self, text: str, frames: list[AudioFrame]) -> None:
        with self._lock:
            if text in self._kept:
                return
            self._kept[text] = frames
            self._left_s -= _length_s(frames)
            while self._left_s < 0 and self._kept:
                _, dropped = self._kept.popitem(last=False)
                self._left_s += _length_s(dropped)


def _timed(frames: Iterator[AudioFrame]) -> Iterator[AudioFrame]:
    """``frames``; the time that each took is noted, not the time that somebody had use for it."""
    frames, frame = iter(frames), None
    while True:
        began = time.perf_counter()
        frame = next(frames, None)
        work_s = time.perf_counter() - began
        TEXT_TO_SPEECH.add(work_s, frame.duration_s if frame is not None else 0.0)
        if frame is None:
            return
        yield frame


def _length_s(frames: Iterable[AudioFrame]) -> float:
    return sum(frame.duration_s for frame in frames)

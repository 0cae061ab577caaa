"""How long the speech engines of this process worked, and on how much sound."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Speed:
    """Two sums; their ratio is the real-time factor. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.work_s = 0.0
        """Time the engine took, on the clock on the wall."""

        self.audio_s = 0.0
        """Length of the sound it read or made."""

    def add(self, work_s: float, audio_s: float) -> None:
        """Something was done."""
        with self._lock:
            self.work_s += work_s
            self.audio_s += audio_s

    @contextmanager
    def timed(self, audio_s: float = 0.0) -> Iterator[None]:
        """What happens inside is work on ``audio_s`` seconds of sound."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.add(time.perf_counter() - began, audio_s)


SPEECH_TO_TEXT = Speed()
TEXT_TO_SPEECH = Speed()

"""One exchange with a person: its cancellation, its clock marks, its session."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from typing import Literal

from edgebot.core.cancel import Cancellation

Mark = Literal[
    "start",
    "end_of_speech",
    "endpoint",
    "final_text",
    "parsed",
    "first_token",
    "first_sentence",
    "first_audio",
    "done",
]


class Turn:
    """What belongs to one exchange; every stage is handed the same one.

    Safe to use from several threads. Marks are taken once: the first counts.
    """

    def __init__(
        self, session: str = "local", clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.id = uuid.uuid4().hex[:12]
        self.session = session
        self.person: str | None = None
        """Who speaks, where that is known: lists and memories may be theirs alone."""

        self.cancellation = Cancellation()
        self._clock = clock
        self._lock = threading.Lock()
        self._marks: dict[Mark, float] = {}
        self.mark("start")

    def mark(self, name: Mark, ago_s: float = 0.0) -> None:
        """Note that ``name`` happened now, or ``ago_s`` seconds ago, unless it already has."""
        now = self._clock() - ago_s
        with self._lock:
            self._marks.setdefault(name, now)

    def cancel(self) -> None:
        """End the turn: every stage stops as soon as it notices."""
        self.cancellation.cancel()

    def between_ms(self, first: Mark, last: Mark) -> float | None:
        """Milliseconds from ``first`` to ``last``; None when one of them never happened."""
        with self._lock:
            if first not in self._marks or last not in self._marks:
                return None
            return (self._marks[last] - self._marks[first]) * 1000.0

    def marks_ms(self) -> dict[str, float]:
        """All marks in milliseconds since ``start``."""
        with self._lock:
            zero = self._marks["start"]
            return {name: (when - zero) * 1000.0 for name, when in self._marks.items()}

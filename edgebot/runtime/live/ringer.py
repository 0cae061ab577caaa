"""What was promised is told when it is due."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable

from edgebot.core.dialogue import Announcement, Scheduler
from edgebot.core.errors import StoreError
from edgebot.runtime.live.health import StageHealth

_LOG = logging.getLogger(__name__)

_LONGEST_WAIT_S = 20.0
"""The wall clock may be set while we wait: look again after this long."""

_AGAIN_S = 8.0
"""What was interrupted but not silenced rings again after this long."""

_STORE_AGAIN_S = 2.0
"""Promises that could not be read are looked for again after this long."""


class Ringer:
    """Waits for the next promise and hands it on. Its thread sleeps until then."""

    def __init__(
        self,
        scheduler: Scheduler,
        ring: Callable[[Announcement], None],
        health: StageHealth,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._scheduler = scheduler
        self._ring = ring
        self._health = health
        self._changed = threading.Condition()
        self._closed = False
        self._nudged = False
        self._again_at = clock()
        """What rang already may be heard again: at the start, what the last run left ringing."""

    def nudge(self) -> None:
        """Something may have been promised or called off: look again."""
        with self._changed:
            self._nudged = True
            self._changed.notify_all()

    def interrupted(self) -> None:
        """A ring was broken off or failed: if nobody silences it, it rings again."""
        with self._changed:
            self._again_at = self._clock() + _AGAIN_S
            self._nudged = True
            self._changed.notify_all()

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def run(self) -> None:
        """The stage's thread."""
        while not self._closed:
            self._health.begin()
            try:
                wait_s = self._look()
            except StoreError as problem:
                _LOG.error("promises cannot be read: %s", problem)
                wait_s = _STORE_AGAIN_S
            finally:
                self._health.end()
            self._rest(wait_s)

    def _look(self) -> float:
        """Hand on what is due; how long it is until the next look, in seconds."""
        due: list[Announcement] = []
        again_s = self._again_at - self._clock()
        if again_s <= 0:
            self._again_at = math.inf
            due += self._scheduler.ringing()
        known = {one.id for one in due}
        due += [one for one in self._scheduler.due() if one.id not in known]
        for announcement in due:
            if not self._closed:
                self._ring(announcement)
        next_s = self._scheduler.next_due_s()
        waits = (_LONGEST_WAIT_S, self._again_at - self._clock(), next_s)
        return max(0.05, min(wait for wait in waits if wait is not None))

    def _rest(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._nudged, seconds)
            self._nudged = False

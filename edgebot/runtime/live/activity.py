"""What is being worked on: a simulated room holds its clock while something is."""

from __future__ import annotations

import threading
from collections.abc import Hashable


class Activity:
    """A set of pieces of work under way. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: set[Hashable] = set()
        self._closed = False

    def begin(self, work: Hashable) -> None:
        """``work`` is under way from now on."""
        with self._lock:
            self._under_way.add(work)

    def end(self, work: Hashable) -> None:
        """``work`` is done or given up; ending it twice does nothing."""
        with self._lock:
            self._under_way.discard(work)

    def busy(self) -> bool:
        """Whether anything is under way."""
        with self._lock:
            return bool(self._under_way) and not self._closed

    def close(self) -> None:
        """The daemon ends: what is under way will not be done."""
        with self._lock:
            self._closed = True

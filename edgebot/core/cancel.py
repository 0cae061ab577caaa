"""Cancellation that reaches into running engines."""

from __future__ import annotations

import threading
from collections.abc import Callable

from edgebot.core.errors import Cancelled


class Cancellation:
    """A flag that is set once, from any thread, and tells those who asked to be told.

    Engines poll :attr:`is_set` in their loops or native callbacks; what cannot poll registers a
    callback with :meth:`on_cancel`.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    @property
    def is_set(self) -> bool:
        """True once :meth:`cancel` was called."""
        return self._event.is_set()

    def cancel(self) -> None:
        """Set the flag and run the callbacks, once; later calls do nothing."""
        with self._lock:
            if self._event.is_set():
                return
            self._event.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Run ``callback`` when cancelled, at once if that has already happened."""
        with self._lock:
            if not self._event.is_set():
                self._callbacks.append(callback)
                return
        callback()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Block until cancelled or ``timeout_s`` seconds have passed; True when cancelled."""
        return self._event.wait(timeout_s)

    def raise_if_set(self) -> None:
        """Raise :class:`Cancelled` when the flag is set."""
        if self.is_set:
            raise Cancelled("the turn was cancelled")

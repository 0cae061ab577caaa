"""Places for turns that come in by the doors: few at once, and the voice comes first."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar

from edgebot.core.cancel import Cancellation
from edgebot.core.errors import EdgebotError
from edgebot.core.turn import Turn

T = TypeVar("T")

_YIELD_S = 10.0
"""Nobody waits for the voice longer than this."""


class Busy(EdgebotError):
    """Too many turns wait already."""


class Voice(Protocol):
    """Whether the microphone's own turn needs the engines."""

    @property
    def busy(self) -> bool:
        """Somebody speaks to the assistant, or it thinks about what they said."""

    def wait_quiet(self, timeout_s: float) -> bool:
        """Block until it is not busy; False when that took too long."""

    def on_busy(self, call: Callable[[], None]) -> Callable[[], None]:
        """Call ``call`` as soon as it is busy; returns what ends that."""


class Places:
    """A bounded pool of threads for turns, and one for what only looks into a database."""

    def __init__(self, at_once: int, waiting: int, voice: Voice | None = None) -> None:
        self._turns = ThreadPoolExecutor(at_once, "turn")
        self._looks = ThreadPoolExecutor(4, "look")
        self._most = at_once + waiting
        self._voice = voice
        self._lock = threading.Lock()
        self._inside = 0
        self._running: set[Cancellation] = set()
        self._closed = False

    @property
    def inside(self) -> int:
        """Turns that are worked on or wait."""
        return self._inside

    async def turn(self, work: Callable[[], T], cancellation: Cancellation) -> T:
        """Do ``work`` when its time has come; cancels it when nobody waits for it any more.

        Raises :class:`Busy` at once when too many wait.
        """
        with self._lock:
            if self._closed or self._inside >= self._most:
                raise Busy("too many turns wait already; try again in a few seconds")
            self._inside += 1
            self._running.add(cancellation)

        def gone(_: Future[T]) -> None:
            with self._lock:
                self._inside -= 1
                self._running.discard(cancellation)

        try:
            future = self._turns.submit(self._after_the_voice, work, cancellation)
        except RuntimeError:
            gone(Future())
            raise Busy("the assistant is ending") from None
        future.add_done_callback(gone)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            cancellation.cancel()
            raise

    async def look(self, work: Callable[[], T]) -> T:
        """Do ``work``, which is short, off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._looks, work)

    @contextlib.contextmanager
    def yielding(self, turn: Turn) -> Iterator[None]:
        """While inside, ``turn`` is cancelled as soon as the voice needs the engines."""
        if self._voice is None:
            yield
            return
        stop = self._voice.on_busy(turn.cancel)
        try:
            yield
        finally:
            stop()

    def wait_for_the_voice(self) -> None:
        """Block while the voice needs the engines, within reason."""
        if self._voice is not None:
            self._voice.wait_quiet(_YIELD_S)

    def cancel(self) -> None:
        """Cancel what runs; nothing new is begun."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        for cancellation in running:
            cancellation.cancel()

    def close(self) -> None:
        """Cancel what runs and end the threads."""
        self.cancel()
        self._turns.shutdown(wait=True, cancel_futures=True)
        self._looks.shutdown(wait=True, cancel_futures=True)

    def _after_the_voice(self, work: Callable[[], T], cancellation: Cancellation) -> T:
        cancellation.raise_if_set()
        self.wait_for_the_voice()
        cancellation.raise_if_set()
        return work()

"""A nursery for threads: the first failure ends all of them and is re-raised."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from edgebot.core.cancel import Cancellation
from edgebot.core.channel import Channel, ChannelClosed
from edgebot.core.errors import Cancelled


class ThreadGroup:
    """Run named threads as one unit (structured concurrency with threads).

    Leaving the ``with`` block joins every thread. The first exception cancels ``cancellation``,
    closes the ``channels`` (discarding what they hold) and is re-raised after the join.
    :class:`Cancelled` and :class:`ChannelClosed` that follow from it are not failures of their own.
    """

    def __init__(self, cancellation: Cancellation, channels: tuple[Channel[Any], ...] = ()) -> None:
        self._cancellation = cancellation
        self._channels = channels
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._failure: BaseException | None = None
        cancellation.on_cancel(self._close_channels)

    def start(self, name: str, work: Callable[[], None]) -> None:
        """Start ``work`` on a thread called ``name``."""
        thread = threading.Thread(target=self._run, args=(work,), name=name)
        self._threads.append(thread)
        thread.start()

    @property
    def failure(self) -> BaseException | None:
        """The first exception that a thread ended with."""
        return self._failure

    def alive(self, patience_s: float = 0.0) -> list[str]:
        """Names of the threads that still run after up to ``patience_s`` seconds."""
        end = time.monotonic() + patience_s
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        return [thread.name for thread in self._threads if thread.is_alive()]

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (Cancelled, ChannelClosed):
            self._cancellation.cancel()
        except BaseException as failure:  # noqa: BLE001 - kept whole, re-raised by __exit__
            self._fail(failure)

    def _fail(self, failure: BaseException) -> None:
        with self._lock:
            if self._failure is None:
                self._failure = failure
        self._cancellation.cancel()

    def _close_channels(self) -> None:
        for channel in self._channels:
            channel.close(discard=True)

    def __enter__(self) -> ThreadGroup:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if failure is not None:
            self._cancellation.cancel()
        for thread in self._threads:
            thread.join()
        if failure is None and self._failure is not None:
            raise self._failure

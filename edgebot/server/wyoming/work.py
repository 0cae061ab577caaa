"""Threads for the engines: what they do takes too long for the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

_THREADS = 2
_NICE = 5
"""The microphone of this board comes first."""


class Work:
    """Calls engines on threads of its own."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, "wyoming", initializer=_be_nice)

    async def __call__(self, work: Callable[[], T]) -> T:
        """Do ``work``; its value."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        """Wait for what is being done; drop the rest."""
        self._threads.shutdown(wait=True, cancel_futures=True)


def _be_nice() -> None:
    with contextlib.suppress(OSError, AttributeError):  # on Linux a thread has its own priority
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)

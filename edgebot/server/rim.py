"""The rim: one thread with an event loop on which the doors stand."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Sequence
from typing import Protocol

from edgebot.core.errors import ConfigError
from edgebot.server.house import House

_LOG = logging.getLogger(__name__)

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_JOIN_S = 5.0
_LAST_WORDS_S = 1.2
"""A door that was told to close has so long to do it."""


class Service(Protocol):
    """A door."""

    name: str

    async def serve(self, house: House, stop: asyncio.Event) -> None:
        """Serve until ``stop`` is set. May raise: it is started anew after a pause.

        ``ConfigError``: it cannot be served at all, and is not tried again.
        """


class Rim:
    """Runs the services beside the daemon; none of them can take it down."""

    def __init__(self, house: House, services: Sequence[Service]) -> None:
        self.house = house
        self.services = tuple(services)
        self.failures: dict[str, int] = {}
        """How often each service has failed so far."""

        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._started = threading.Event()

    def start(self) -> None:
        """Open the doors, in the background."""
        self._thread = threading.Thread(target=self._run, name="rim", daemon=True)
        self._thread.start()
        self._started.wait()

    def close(self) -> None:
        """Close the doors: what they were doing is cancelled."""
        if self._thread is None:
            return
        if self._loop is not None and self._stop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_JOIN_S)
        if self._thread.is_alive():
            _LOG.error("the rim does not end; it is left behind")
        self._thread = None
        self.house.close()

    def __enter__(self) -> Rim:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._started.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self.house.open()
        tasks = [asyncio.create_task(self._keep(one), name=one.name) for one in self.services]
        self._started.set()
        await self._stop.wait()
        self.house.cancel_turns()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_LAST_WORDS_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self, service: Service) -> None:
        """Serve; start anew what fails, after a pause that grows."""
        assert self._stop is not None
        pause_s = _FIRST_PAUSE_S
        while not self._stop.is_set():
            began = asyncio.get_running_loop().time()
            try:
                await service.serve(self.house, self._stop)
                if not self._stop.is_set():
                    _LOG.info("%s has ended", service.name)
                return
            except ConfigError as refusal:
                self._count(service)
                _LOG.error("%s is not served: %s", service.name, refusal)
                return
            except Exception as failure:  # noqa: BLE001 - told, and tried again: never the voice's trouble
                self._count(service)
                if asyncio.get_running_loop().time() - began > _LONGEST_PAUSE_S:
                    pause_s = _FIRST_PAUSE_S
                _LOG.error(
                    "%s failed (%s); again in %.0f s",
                    service.name,
                    failure,
                    pause_s,
                    exc_info=_LOG.isEnabledFor(logging.DEBUG),
                )
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _count(self, service: Service) -> None:
        self.failures[service.name] = self.failures.get(service.name, 0) + 1
